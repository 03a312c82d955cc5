/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prints the reference documents from the tables of the code: `gendoc DIR MAN` writes DIR/NAME.md for each page below and the man
 * pages of tools/gendoc_man.c into MAN, `gendoc --check DIR MAN` writes nothing and fails when a file is not what would be written.
 */
#include "gendoc.h"

#include "base/buf.h"
#include "base/err.h"
#include "card/result.h"
#include "gateway/gateway.h"
#include "gateway/statements.h"
#include "hostcmd/commands.h"
#include "hsm/process/settings.h"
#include "http/http.h"
#include "iso8583/profile.h"
#include "issuer/issuer.h"
#include "ledger/code.h"
#include "ledger/statements.h"
#include "main/commands.h"
#include "store/driver.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void error_rows(const struct err_table *table, struct buf *out)
{
    static const char *const class[] = {"-", "input", "refused", "state", "limit", "unavailable", "internal"};
    for (unsigned i = 0; i < table->count; i++) {
        const struct err_row *row = &table->row[i];
        const char *const cell[] = {row->name, table->room, class[row->class], row -> host_code, row -> de39};
        for (size_t c = 0; c < sizeof cell / sizeof cell[0]; c++) {
            buf_put_text(out, "| ");
            buf_put_text(out, cell[c]);
            buf_put_text(out, " ");
        }
        buf_put_text(out, "| ");
        buf_put_decimal(out, row->http_status, 0);
        buf_put_text(out, " | ");
        buf_put_text(out, row->code);
        buf_put_text(out, " | ");
        buf_put_text(out, row->text);
        buf_put_text(out, " |\n");
    }
}

static void errors(struct buf *out)
{
    buf_put_text(out, "| error | room | class | host command | DE39 | HTTP | code | text |\n"
                      "| --- | --- | --- | --- | --- | --- | --- | --- |\n");
    for (const struct err_table *const *table = err_tables; *table; table++)
        error_rows(*table, out);
}

static void host_commands(struct buf *out)
{
    hostcmd_document(out);
}

static void issuer_api(struct buf *out)
{
    size_t count = 0;
    const struct http_mount *mount = issuer_mounts(&count);
    http_document(mount, count, out);
}

static void profiles(struct buf *out)
{
    iso8583_document(&iso8583_profile_visa_base1, out);
    buf_put_text(out, "\n");
    iso8583_document(&iso8583_profile_iso87_ascii, out);
}

static void code_states(struct buf *out)
{
    ledger_code_document(out);
}

/* SQL in a table cell: a pipe would end it. */
static void put_cell(struct buf *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '|')
            buf_put_text(out, "\\");
        buf_put_byte(out, (uint8_t)*text);
    }
}

static void put_member_names(struct buf *out, const struct store_member *const *member, size_t count)
{
    buf_put_text(out, "| ");
    for (size_t i = 0; i < count; i++) {
        buf_put_text(out, i > 0 ? ", " : "");
        put_cell(out, member[i]->name);
    }
    buf_put_text(out, " ");
}

static void statement(const struct store_set *set, const struct store_row *row, struct buf *out)
{
    char room[STORE_SQL_MAX];
    struct buf sql = buf_over(room, sizeof room);
    const struct store_member *takes[STORE_ARGUMENT_MAX], *gives[STORE_ARGUMENT_MAX];
    struct span problem;
    size_t taken = 0, given = row->gives ? row->gives->count : 0;
    if (store_row_expand(row, &sql, takes, &taken, &problem) != ERR_OK || given > STORE_ARGUMENT_MAX)
        abort();
    for (size_t i = 0; i < given; i++)
        gives[i] = &row->gives->member[i];
    const char *const cell[] = {row->name, set->name, row->doc};
    for (size_t j = 0; j < sizeof cell / sizeof cell[0]; j++) {
        buf_put_text(out, "| ");
        put_cell(out, cell[j]);
        buf_put_text(out, " ");
    }
    put_member_names(out, takes, taken);
    put_member_names(out, gives, given);
    buf_put_text(out, "| `");
    put_cell(out, row->sql);
    buf_put_text(out, "` |\n");
}

static void statements(struct buf *out)
{
    static const struct store_set *const set[] = {&store_schema_set, &ledger_set, &gateway_set};
    buf_put_text(out,
                 "`{takes}` and `{gives}` are the names in the columns takes and gives, `{:takes}` the values of the former.\n\n"
                 "| statement | tables | purpose | takes | gives | SQL |\n| --- | --- | --- | --- | --- | --- |\n");
    for (size_t i = 0; i < sizeof set / sizeof set[0]; i++)
        for (size_t j = 0; j < set[i]->count; j++)
            statement(set[i], &set[i]->row[j], out);
}

static void gateway_api(struct buf *out)
{
    struct http_mount mount[GATEWAY_MOUNTS_MAX];
    size_t count = gateway_mounts(&main_gateway_faces, mount, GATEWAY_MOUNTS_MAX);
    http_document(mount, count, out);
}

static void results(struct buf *out)
{
    static const char *const class[] = {"match", "mismatch", "open", "absent", "unsupported"};
    buf_put_text(out, "| result | class |");
    for (enum card_face f = 0; f < CARD_FACE_COUNT; f++) {
        buf_put_text(out, " ");
        buf_put_text(out, card_face_name(f));
        buf_put_text(out, " |");
    }
    buf_put_text(out, "\n| --- | --- |");
    for (enum card_face f = 0; f < CARD_FACE_COUNT; f++)
        buf_put_text(out, " --- |");
    for (enum card_result r = 0; r < CARD_RESULT_COUNT; r++) {
        buf_put_text(out, "\n| ");
        buf_put_text(out, card_result_name(r));
        buf_put_text(out, " | ");
        buf_put_text(out, class[card_result_class(r)]);
        buf_put_text(out, " |");
        for (enum card_face f = 0; f < CARD_FACE_COUNT; f++) {
            buf_put_text(out, " ");
            buf_put_text(out, card_result_export(f, r));
            buf_put_text(out, " |");
        }
    }
    buf_put_text(out, "\n");
}

static void configuration(struct buf *out)
{
    const struct {
        const char *command;
        const struct config_table *table;
    } service[] = {
        {"countersign-hsm", &hsm_settings_table},
        {"countersign issuer", main_issuer.settings},
        {"countersign switch", main_switch.settings},
        {"countersign gateway", main_gateway.settings},
    };
    for (size_t i = 0; i < sizeof service / sizeof service[0]; i++) {
        buf_put_text(out, i ? "\n## " : "## ");
        buf_put_text(out, service[i].command);
        buf_put_text(out, "\n\n");
        config_document(service[i].table, out);
    }
}

static void exit_statuses(struct buf *out)
{
    cli_exit_document(out);
    cli_exit_document_program(&main_countersign, out);
    cli_exit_document_program(&main_countersign_hsm, out);
}

static const struct page {
    const char *name;
    const char *title;
    const char *about;
    void (*print)(struct buf *out);
} pages[] = {
    {"errors", "Errors", "A list a room; each face reads its own column. A wrong code is a verdict, not an error.", errors},
    {"configuration", "Configuration", "INI files (`--config FILE`), each key also as `--set section.key=value`.", configuration},
    {"exit-statuses", "Exit statuses", "One table for all commands; below it, what each command means by them.", exit_statuses},
    {"host-commands", "Host commands", "What the HSM answers and its clients send: the same rows.", host_commands},
    {"issuer-api", "Issuer API", "REST paths and JSON bodies; errors are `application/problem+json`.", issuer_api},
    {"gateway-api", "Gateway API", "REST paths of the Commerce Hub face.", gateway_api},
    {"iso8583", "ISO 8583 profiles", "Fields, encodings and which message class carries what.", profiles},
    {"code-states", "The life of a code", "The state machine that issuer and switch decide by.", code_states},
    {"statements", "SQL statements", "Every statement of the house, valid for SQLite and PostgreSQL.", statements},
    {"results", "Results of a code check", "The canonical result, and what each face writes for it.", results},
};

static bool same_as_file(const char *path, struct span text)
{
    static char have[1 << 20];
    FILE *f = fopen(path, "rb");
    if (!f)
        return false;
    size_t len = fread(have, 1, sizeof have, f);
    (void)fclose(f);
    return len == text.len && memcmp(have, text.at, len) == 0;
}

static bool write_file(const char *path, struct span text)
{
    FILE *f = fopen(path, "wb");
    if (!f)
        return false;
    bool ok = fwrite(text.at, 1, text.len, f) == text.len;
    return fclose(f) == 0 && ok;
}

static bool file_done(const char *path, const struct buf *out, bool check)
{
    if (buf_done(out) != ERR_OK) {
        (void)fprintf(stderr, "gendoc: %s does not fit\n", path);
        return false;
    }
    bool ok = check ? same_as_file(path, buf_span(out)) : write_file(path, buf_span(out));
    if (!ok)
        (void)printf("%s: %s\n", path, check ? "not what the tables say: run `make docs`" : "cannot be written");
    return ok;
}

/* False: there is no such page. */
static bool manual_done(size_t n, const char *dir, bool check, bool *ok)
{
    static uint8_t room[1 << 18];
    struct buf out = buf_over(room, sizeof room);
    char path[512], file[GENDOC_FILE];
    if (!gendoc_manual(n, file, &out))
        return false;
    (void)snprintf(path, sizeof path, "%s/%s", dir, file);
    *ok = file_done(path, &out, check) && *ok;
    return true;
}

static bool page_done(const struct page *page, const char *dir, bool check)
{
    static uint8_t room[1 << 20];
    struct buf out = buf_over(room, sizeof room);
    buf_put_text(&out, "<!-- Printed by tools/gendoc.c from the tables of the code: `make docs`. -->\n# ");
    buf_put_text(&out, page->title);
    buf_put_text(&out, "\n\n");
    buf_put_text(&out, page->about);
    buf_put_text(&out, "\n\n");
    page->print(&out);
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s.md", dir, page->name);
    return file_done(path, &out, check);
}

int main(int argc, char **argv)
{
    bool check = argc == 4 && strcmp(argv[1], "--check") == 0;
    bool ok = true;
    if (argc != 3 && !check) {
        (void)fputs("usage: gendoc [--check] DIR MAN\n", stderr);
        return 2;
    }
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++)
        ok = page_done(&pages[i], argv[argc - 2], check) && ok;
    for (size_t n = 0; manual_done(n, argv[argc - 1], check, &ok);)
        n++;
    return ok ? 0 : 1;
}
