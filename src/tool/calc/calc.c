/* SPDX-License-Identifier: Apache-2.0 */
/* countersign-hsm calc: a computation on a clear test key, with every intermediate value. */
#include "tool/calc/calc.h"

#include "base/file.h"
#include "base/json.h"
#include "crypto/error.h"
#include "hsm/process/mode.h"
#include "keys/keys.h"
#include "tool/entry.h"
#include "tool/fields.h"
#include "tool/tool.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PAGE = 256 * 1024, KEY_TEXT = 128, FIELDS_PAGE = 8192, DOC_AT = 14 };
static const char default_config[] = "/etc/countersign/hsm.conf";

enum { KEY, KEY_FD, FIELDS, CONFIG, JSON };

static void put_algorithm(const struct tool_calc_algorithm *a, struct buf *out)
{
    buf_put_text(out, "  ");
    buf_put_text(out, a->name);
    buf_put_fill(out, ' ', DOC_AT - 2 - strlen(a->name));
    cli_put_filled(out, span_text(a->doc), DOC_AT, DOC_AT);
}

static void put_algorithms(struct buf *out)
{
    for (const struct tool_calc_algorithm *a = tool_calc_codes; a->name; a++)
        put_algorithm(a, out);
    for (const struct tool_calc_algorithm *a = tool_calc_keys; a->name; a++)
        put_algorithm(a, out);
}

static void put_names(struct buf *out)
{
    for (const struct tool_calc_algorithm *a = tool_calc_codes; a->name; a++) {
        buf_put_text(out, a->name);
        buf_put_byte(out, '\n');
    }
    for (const struct tool_calc_algorithm *a = tool_calc_keys; a->name; a++) {
        buf_put_text(out, a->name);
        buf_put_byte(out, '\n');
    }
}

/* clang-format off */
static const struct cli_option options[] = {
    [KEY] = {.name = "key", .kind = CLI_TEXT, .argument = "HEX",
             .doc = "a key of the published test vectors, no other: everyone on this machine sees the command line"},
    [KEY_FD] = {.name = "key-fd", .kind = CLI_NUMBER, .argument = "N", .max = 1024,
                .doc = "read the key, one line of hexadecimal digits, from descriptor N"},
    [FIELDS] = {.name = "fields", .kind = CLI_FILE, .argument = "FILE",
                .doc = "read further FIELD=VALUE lines, key=HEX among them, from FILE; - is standard input"},
    [CONFIG] = {.name = "config", .kind = CLI_FILE, .argument = "FILE",
                .doc = "configuration of the HSM of this machine (default /etc/countersign/hsm.conf, if it is there): calc refuses "
                       "where it is hardened"},
    [JSON] = CLI_JSON,
};
static const struct cli_operand operands[] = {
    {.name = "ALGORITHM", .kind = CLI_TEXT, .required = true, .words = put_names},
    {.name = "FIELD=VALUE", .kind = CLI_TEXT, .repeated = true},
};
static const struct cli_status statuses[] = {
    {CLI_EXIT_DONE, "computed"},
    {CLI_EXIT_FAILED, "the fields or the key do not allow the computation, or the steps and the product disagree"},
    {CLI_EXIT_USAGE, "the command line is not understood"},
    {CLI_EXIT_MODE, "the HSM of this machine runs in hardened mode: clear keys have no place here"},
};
/* clang-format on */
static const struct cli_section sections[] = {
    {.title = "Key",
     .text = "Without --key, --key-fd and a key=HEX line the key is asked for on the terminal without echo, or read as the first "
             "line of standard input. Give test keys only: what is printed tells everything about a key.\n"},
    {.title = "Steps",
     .text = "Steps carry the numbers of the security code specification. They are recomputed from single DES operations, and the "
             "same inputs go through the product's own code: if the two disagree, nothing is printed but that.\n"},
    {.title = "Examples",
     .text = "  countersign-hsm calc cvv pan=4123456789012345 expiry=8701 service=101 \\\n"
             "      --key 0123456789ABCDEFFEDCBA9876543210\n"
             "  countersign-hsm calc window pan=4123456789012345 expiry=2812 \\\n"
             "      time=2601010000 twu=1\n"
             "  countersign-hsm calc decimalise block=DFFCDC3FBDD5BECF\n"},
    {.title = "Algorithms", .print = put_algorithms},
};

static const struct tool_calc_algorithm *algorithm_find(const char *name)
{
    for (const struct tool_calc_algorithm *a = tool_calc_codes; a->name; a++)
        if (strcmp(a->name, name) == 0)
            return a;
    for (const struct tool_calc_algorithm *a = tool_calc_keys; a->name; a++)
        if (strcmp(a->name, name) == 0)
            return a;
    return NULL;
}

/* ---- the key ---- */

/* Keys that stand in published vectors, and in the specification. As text: a clear key is nowhere in the program as bytes. */
static const char *const public_keys[] = {
    "0123456789ABCDEFFEDCBA9876543210",
    "0123456789ABCDEF1023456789ABCDEF",
    "13345779133457791334577913345779",
    "13345779133457798664432086644320",
    "99999999999999998888888888888888",
    "D676DCF3AFB7350532EAF00EA253D875",
    "4C37C8319D76ADAB58D9431543C2165B",
    "5179BFD6894C8937EFA1AD3BB9F2A17F",
    "EF167F94F7298FC4D0B95E1A61AE767A",
    "4F2A25C49119019194F2D0AE43F4D579",
    "01234567899876543210012345678998",
    "851A0D9D0B2A1602622AD0B0E9E6B070",
    "0123456789ABCDEF8080808080808080FEDCBA9876543210",
    "9B71333A13F9FAE72F9D0E2DAB4AD6784718012F9244033F3F26A2DE0C8AA11A",
    "0123456789ABCDEF",
    "FEDCBA9876543210",
    "8664432086644320",
    "1334577913345779",
    "E951A1D6EF08EA15",
    "0B681FC20E62C734",
};

static bool is_public(struct span hex)
{
    uint8_t given[32], known[32];
    bool found = false;
    if (span_unhex(hex, given, sizeof given) != ERR_OK)
        return false;
    for (size_t i = 0; i < sizeof public_keys / sizeof public_keys[0]; i++) {
        struct span text = span_text(public_keys[i]);
        if (text.len == hex.len && span_unhex(text, known, sizeof known) == ERR_OK)
            found |= secret_equal(given, known, hex.len / 2);
    }
    secret_wipe(given, sizeof given);
    return found;
}

static bool set_key(struct tool_calc *c, struct span hex)
{
    SECRET_KEY key = {.len = (uint8_t)(hex.len / 2)};
    bool sized = hex.len == 16 || hex.len == 32 || hex.len == 48 || hex.len == 64;
    if (!sized || span_unhex(hex, key.at, sizeof key.at) != ERR_OK)
        return false;
    c->key = key;
    return true;
}

static enum err ask_key(int input, const char *what, struct buf *out)
{
    struct tool_entry entry;
    char prompt[64];
    (void)snprintf(prompt, sizeof prompt, "Clear test key (%s): ", what);
    TRY(tool_entry_open(input, false, &entry));
    enum err err = tool_entry_secret(&entry, prompt, out);
    tool_entry_close(&entry);
    return err;
}

struct asked {
    const struct cli_line *line;
    const struct tool_calc_algorithm *algorithm;
    struct tool_fields *fields;
    struct span typed; /* a key on the command line */
};

static int key_from_elsewhere(const struct asked *a, struct tool_calc *c)
{
    char room[KEY_TEXT];
    struct buf text = buf_over(room, sizeof room);
    bool fd = a->line->value[KEY_FD];
    int64_t descriptor = cli_number(a->line, KEY_FD, STDIN_FILENO);
    bool terminal = !fd && isatty(STDIN_FILENO);
    enum err err = ask_key(terminal ? -1 : (int)descriptor, a->algorithm->key, &text);
    bool good = err == ERR_OK && set_key(c, buf_span(&text));
    secret_wipe(room, sizeof room);
    return good ? 0 : cli_failed(a->line, CLI_EXIT_FAILED, "the key", "16, 32, 48 or 64 hexadecimal digits are wanted");
}

static int find_key(const struct asked *a, struct tool_calc *c)
{
    struct span hex = a->typed;
    if (!a->algorithm->key)
        return hex.len == 0 ? 0 : cli_refuse(a->line, a->algorithm->name, "takes no key");
    if (hex.len > 0 && !is_public(hex))
        return cli_refuse(a->line, "--key",
                          "only keys of the published test vectors may stand on the command line; use --key-fd or type it");
    if (hex.len == 0 && !tool_fields_get(a->fields, "key", &hex))
        return key_from_elsewhere(a, c);
    return set_key(c, hex) ? 0 : cli_failed(a->line, CLI_EXIT_FAILED, "the key", "16, 32, 48 or 64 hexadecimal digits are wanted");
}

/* ---- what is printed ---- */

static void pad_to(struct buf *out, size_t start, size_t width)
{
    size_t len = out->len - start;
    buf_put_fill(out, ' ', len < width ? width - len : 1);
}

/* "3.4" is one of the security codes, "host-commands 3" one of the host commands. */
static void put_clause(const char *clause, struct buf *out)
{
    size_t page = strcspn(clause, " ");
    buf_put_text(out, clause[page] ? "host commands, clause " : "security codes, clause ");
    buf_put_text(out, clause[page] ? clause + page + 1 : clause);
}

static void print_steps(const struct tool_calc *c, const struct tool_calc_algorithm *a, struct buf *out)
{
    buf_put_text(out, a->name);
    buf_put_text(out, ": ");
    buf_put_text(out, a->doc);
    buf_put_text(out, " (");
    put_clause(a->clause, out);
    buf_put_text(out, ")\n");
    for (size_t i = 0; i < c->count; i++) {
        const struct tool_calc_step *step = &c->step[i];
        size_t start = out->len;
        buf_put_text(out, "  ");
        buf_put_text(out, step->number);
        pad_to(out, start, 11);
        buf_put(out, c->room + step->at, step->len);
        pad_to(out, start, 45);
        buf_put_text(out, step->name);
        buf_put_text(out, *step->name && *step->how ? ": " : "");
        buf_put_text(out, step->how);
        buf_put_byte(out, '\n');
    }
    buf_put_text(out, "result ");
    buf_put_text(out, c->result);
    buf_put_text(out, "\n");
}

static void print_data(const struct tool_calc *c, const struct tool_calc_algorithm *a, struct buf *out)
{
    struct json_writer w = json_writer(out);
    json_open(&w, NULL);
    json_put_text(&w, "algorithm", a->name);
    json_put_text(&w, "clause", a->clause);
    json_put_text(&w, "about", a->doc);
    json_open_array(&w, "steps");
    for (size_t i = 0; i < c->count; i++) {
        const struct tool_calc_step *step = &c->step[i];
        json_open(&w, NULL);
        json_put_text(&w, "number", step->number);
        json_put_text(&w, "name", step->name);
        json_put_text(&w, "how", step->how);
        json_put(&w, "value", span_of(c->room + step->at, step->len));
        json_close(&w);
    }
    json_close_array(&w);
    json_put_text(&w, "result", c->result);
    json_close(&w);
    buf_put_byte(out, '\n');
}

static int print(const struct tool_calc *c, const struct asked *a)
{
    struct secret_pages pages;
    if (secret_pages_create(PAGE, &pages) != ERR_OK)
        return cli_failed(a->line, CLI_EXIT_FAILED, "no memory", "");
    struct buf out = buf_over(pages.at, pages.len);
    if (cli_flag(a->line, JSON))
        print_data(c, a->algorithm, &out);
    else
        print_steps(c, a->algorithm, &out);
    bool good = buf_done(&out) == ERR_OK && file_write(STDOUT_FILENO, buf_span(&out)) == ERR_OK;
    secret_pages_destroy(&pages);
    return good ? 0 : CLI_EXIT_FAILED;
}

/* ---- the run ---- */

/* What the key is like, before any clause: an HSM would refuse a key that is not of odd parity. */
static void key_steps(struct tool_calc *c)
{
    uint8_t kcv[8] = {0};
    if (c->err == ERR_OK)
        c->err = keys_kcv(&c->key, kcv);
    tool_calc_hex(c, "key", "KCV", keys_parity_odd(&c->key) ? "odd parity" : "NOT of odd parity: an HSM answers 10",
                  span_of(kcv, 3));
}

static int compute(const struct asked *a, struct tool_calc *c)
{
    bool aes = span_is(WIRE_SPAN(c->in.algorithm), "A");
    bool any = a->algorithm->input == tool_calc_keys[0].input || strcmp(a->algorithm->name, "wrap") == 0;
    if (a->algorithm->key && !any && c->key.len != 16)
        return cli_failed(a->line, CLI_EXIT_FAILED, "the key", err_row(CRYPTO_ERR_KEY_LENGTH)->text);
    if (a->algorithm->key && !aes && c->key.len == 32)
        return cli_failed(a->line, CLI_EXIT_FAILED, "the key", "no TDES key has 64 digits");
    if (a->algorithm->key && !aes)
        key_steps(c);
    a->algorithm->run(c);
    if (c->err != ERR_OK)
        return cli_failed(a->line, CLI_EXIT_FAILED, a->algorithm->name, err_row(c->err)->text);
    if (c->differs)
        return cli_failed(a->line, CLI_EXIT_FAILED, a->algorithm->name,
                          "the steps and the product's own code disagree; nothing is shown. Please report this with the version");
    return print(c, a);
}

static int collect(struct asked *a, struct tool_calc *c)
{
    char problem[TOOL_FIELDS_PROBLEM];
    for (size_t i = 1; i < a->line->operand_count; i++)
        if (tool_fields_add(a->fields, a->line->operand[i], problem) != ERR_OK)
            return cli_refuse(a->line, problem, "");
    if (!tool_fields_get(a->fields, "key", &a->typed) && cli_text(a->line, KEY, NULL))
        a->typed = span_text(cli_text(a->line, KEY, ""));
    const char *path = cli_text(a->line, FIELDS, NULL);
    if (path && tool_fields_load(a->fields, path, problem) != ERR_OK)
        return cli_refuse(a->line, problem, "");
    int status = find_key(a, c);
    if (status != 0)
        return status;
    if (tool_fields_resolve(a->fields, a->algorithm->input, "", problem) != ERR_OK ||
        tool_fields_fill(a->fields, a->algorithm->input, "", &c->in, problem) != ERR_OK)
        return cli_failed(a->line, CLI_EXIT_FAILED, a->algorithm->name, problem);
    const char *unused = tool_fields_unused(a->fields);
    return unused ? cli_refuse(a->line, unused, "does not belong to this form of the computation") : 0;
}

/* Where the HSM of this machine is hardened, no clear key may be typed. 0: go on. */
static int clear_keys_refused(const struct cli_line *line)
{
    struct hsm_settings settings;
    char problem[256] = "";
    const char *config = cli_text(line, CONFIG, NULL);
    if (!config && access(default_config, F_OK) != 0)
        return 0;
    if (config_load(&hsm_settings_table, config ? config : default_config, &settings, problem, sizeof problem) != ERR_OK)
        return cli_refuse(line, problem, "");
    if (!hsm_mode_hardened(&settings))
        return 0;
    return cli_failed(line, CLI_EXIT_MODE, "the HSM of this machine is hardened", "clear keys have no place here (hsm.mode)");
}

static int run_algorithm(const struct cli_line *line, const struct tool_calc_algorithm *algorithm)
{
    struct asked asked = {.line = line, .algorithm = algorithm};
    struct tool_calc *c = NULL;
    if (secret_process_harden() != ERR_OK || tool_calc_create(&c) != ERR_OK)
        return cli_failed(line, CLI_EXIT_FAILED, "no memory", "");
    int status = CLI_EXIT_FAILED;
    if (tool_fields_create(&asked.fields) == ERR_OK)
        status = collect(&asked, c);
    if (status == 0)
        status = compute(&asked, c);
    tool_fields_destroy(asked.fields);
    tool_calc_destroy(c);
    return status;
}

static int run(const struct cli_line *line)
{
    const struct tool_calc_algorithm *algorithm = algorithm_find(line->operand[0]);
    if (!algorithm)
        return cli_refuse(line, "no such algorithm", "--help lists them");
    int refused = clear_keys_refused(line);
    return refused != 0 ? refused : run_algorithm(line, algorithm);
}

/* `calc cvv --help`: the fields of the algorithm. */
static int explain(const struct cli_line *line)
{
    uint8_t room[FIELDS_PAGE];
    struct buf out = buf_over(room, sizeof room);
    const struct tool_calc_algorithm *a = algorithm_find(line->operand[0]);
    if (!a)
        return cli_refuse(line, "no such algorithm", "--help lists them");
    buf_put_text(&out, "Usage: ");
    buf_put_text(&out, line->name);
    buf_put_byte(&out, ' ');
    buf_put_text(&out, a->name);
    buf_put_text(&out, " FIELD=VALUE ...\n");
    buf_put_text(&out, a->doc);
    buf_put_text(&out, "\n\n");
    if (a->key) {
        buf_put_text(&out, "  key                    ");
        buf_put_text(&out, a->key);
        buf_put_text(&out, "; see --help\n");
    }
    tool_fields_document(a->input, "", &out);
    return buf_done(&out) == ERR_OK && file_write(STDOUT_FILENO, buf_span(&out)) == ERR_OK ? CLI_EXIT_DONE : CLI_EXIT_FAILED;
}

const struct cli_command tool_calc = {
    .name = "calc",
    .summary = "compute a security code with every intermediate value",
    CLI_ROWS(options, statuses),
    CLI_OPERANDS(operands),
    CLI_SECTIONS(sections),
    .run = run,
    .explain = explain,
};
