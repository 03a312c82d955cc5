/* SPDX-License-Identifier: Apache-2.0 */
#include "base/config.h"

#include <ini.h>
#include <stdio.h>
#include <string.h>

/* What inih's callbacks get: the reader counts lines, because the handler is not told. */
struct load {
    const struct config_table *table;
    void *out;
    char *problem;
    size_t problem_cap;
    const char *path;
    FILE *file;
    int line;
};

static const struct config_row *row_find(const struct config_table *table, const char *section, const char *key)
{
    for (size_t i = 0; i < table->count; i++)
        if (strcmp(table->row[i].section, section) == 0 && strcmp(table->row[i].key, key) == 0)
            return &table->row[i];
    return NULL;
}

static bool integer_parse(const char *text, int64_t *out)
{
    bool negative = *text == '-';
    uint64_t value = 0;
    if (span_decimal(span_text(text + negative), &value) != ERR_OK)
        return false;
    *out = negative ? -(int64_t)value : (int64_t)value;
    return true;
}

static bool bool_parse(const char *text, bool *out)
{
    *out = strcmp(text, "true") == 0 || strcmp(text, "yes") == 0 || strcmp(text, "on") == 0;
    return *out || strcmp(text, "false") == 0 || strcmp(text, "no") == 0 || strcmp(text, "off") == 0;
}

/* Writes the value; on failure the reason, for people. */
static enum err bind(const struct config_row *row, const char *value, void *out, char *why, size_t why_cap)
{
    uint8_t *member = (uint8_t *)out + row->offset;
    int64_t number = 0;
    switch (row->kind) {
    case CONFIG_INTEGER:
        if (!integer_parse(value, &number) || number < row->min || number > row->max) {
            snprintf(why, why_cap, "a whole number from %lld to %lld is wanted", (long long)row->min, (long long)row->max);
            return ERR_CONFIG;
        }
        memcpy(member, &number, sizeof number);
        return ERR_OK;
    case CONFIG_BOOL:
        if (!bool_parse(value, (bool *)(void *)member)) {
            snprintf(why, why_cap, "true or false is wanted");
            return ERR_CONFIG;
        }
        return ERR_OK;
    case CONFIG_TEXT:
    default:
        if (strlen(value) >= row->size) {
            snprintf(why, why_cap, "at most %zu characters are allowed", row->size - 1);
            return ERR_CONFIG;
        }
        memset(member, 0, row->size);
        memcpy(member, value, strlen(value));
        return ERR_OK;
    }
}

static char *read_line(char *out, int cap, void *stream)
{
    struct load *load = stream;
    load->line++;
    char *line = fgets(out, cap, load->file);
    if (line && !strchr(line, '\n') && !feof(load->file) && load->problem[0] == 0)
        snprintf(load->problem, load->problem_cap, "%s:%d: the line is longer than %d characters", load->path, load->line, cap - 2);
    return line;
}

static int on_value(void *user, const char *section, const char *key, const char *value)
{
    struct load *load = user;
    if (load->problem[0] != 0)
        return 0;
    char why[160] = "no such key here; see --help for the keys";
    const struct config_row *row = row_find(load->table, section, key);
    if (row && bind(row, value ? value : "", load->out, why, sizeof why) == ERR_OK)
        return 1;
    snprintf(load->problem, load->problem_cap, "%s:%d: [%s] %s: %s", load->path, load->line, section, key, why);
    return 0;
}

static enum err defaults_set(const struct load *load)
{
    for (size_t i = 0; i < load->table->count; i++) {
        const struct config_row *row = &load->table->row[i];
        char why[160];
        if (row->initial && bind(row, row->initial, load->out, why, sizeof why) != ERR_OK) {
            snprintf(load->problem, load->problem_cap, "default of [%s] %s: %s", row->section, row->key, why);
            return ERR_CONFIG;
        }
    }
    return ERR_OK;
}

static enum err required_check(const struct load *load)
{
    for (size_t i = 0; i < load->table->count; i++) {
        const struct config_row *row = &load->table->row[i];
        if (!row->initial && row->kind == CONFIG_TEXT && ((const char *)load->out)[row->offset] == 0) {
            snprintf(load->problem, load->problem_cap, "%s: [%s] %s is required: %s", load->path ? load->path : "configuration",
                     row->section, row->key, row->doc);
            return ERR_CONFIG;
        }
    }
    return ERR_OK;
}

enum err config_load(const struct config_table *table, const char *path, void *out, char *problem, size_t problem_cap)
{
    struct load load = {table, out, problem, problem_cap, path, NULL, 0};
    problem[0] = 0;
    TRY(defaults_set(&load));
    if (!path)
        return ERR_OK;
    load.file = fopen(path, "re");
    if (!load.file) {
        snprintf(problem, problem_cap, "%s: cannot be read", path);
        return ERR_CONFIG;
    }
    int bad_line = ini_parse_stream(read_line, &load, on_value, &load);
    fclose(load.file);
    if (problem[0] == 0 && bad_line != 0)
        snprintf(problem, problem_cap, "%s:%d: not a [section], key = value or ; comment", path, bad_line);
    return problem[0] == 0 ? required_check(&load) : ERR_CONFIG;
}

enum err config_set(const struct config_table *table, const char *assignment, void *out, char *problem, size_t problem_cap)
{
    char section[64];
    char key[64];
    char why[160] = "no such key here; see --help for the keys";
    const char *dot = strchr(assignment, '.');
    const char *equals = strchr(assignment, '=');
    problem[0] = 0;
    bool shaped =
        dot && equals && dot < equals && (size_t)(dot - assignment) < sizeof section && (size_t)(equals - dot) <= sizeof key;
    if (shaped) {
        snprintf(section, sizeof section, "%.*s", (int)(dot - assignment), assignment);
        snprintf(key, sizeof key, "%.*s", (int)(equals - dot - 1), dot + 1);
        const struct config_row *row = row_find(table, section, key);
        if (row && bind(row, equals + 1, out, why, sizeof why) == ERR_OK)
            return ERR_OK;
    }
    snprintf(problem, problem_cap, "--set %s: %s", assignment, shaped ? why : "section.key=value is wanted");
    return ERR_CONFIG;
}

static void put_name(const struct config_row *row, struct buf *out)
{
    buf_put_text(out, row->section);
    buf_put_byte(out, '.');
    buf_put_text(out, row->key);
}

static void put_meaning(const struct config_row *row, struct buf *out)
{
    buf_put_text(out, row->doc);
    if (row->kind == CONFIG_INTEGER) {
        buf_put_text(out, " (");
        buf_put_integer(out, row->min);
        buf_put_text(out, "..");
        buf_put_integer(out, row->max);
        buf_put_byte(out, ')');
    }
}

static void put_row(const struct config_row *row, struct buf *out)
{
    buf_put_text(out, "| ");
    put_name(row, out);
    buf_put_text(out, " | ");
    buf_put_text(out, row->initial ? row->initial : "(required)");
    buf_put_text(out, " | ");
    put_meaning(row, out);
    buf_put_text(out, " |\n");
}

void config_document(const struct config_table *table, struct buf *out)
{
    buf_put_text(out, "| Key | Default | Meaning |\n| --- | --- | --- |\n");
    for (size_t i = 0; i < table->count; i++)
        put_row(&table->row[i], out);
}

enum { HELP_WIDTH = 78, HELP_INDENT = 6, HELP_MEANING = 512 };

/* Words, with a new line in front of each that would reach beyond HELP_WIDTH. */
static void put_folded(struct span text, struct buf *out)
{
    for (size_t column = HELP_WIDTH, at = 0; at < text.len;) {
        size_t len = 0;
        while (at + len < text.len && text.at[at + len] != ' ')
            len++;
        bool fits = column + 1 + len <= HELP_WIDTH;
        buf_put_text(out, fits ? " " : "\n      ");
        buf_put(out, text.at + at, len);
        column = fits ? column + 1 + len : HELP_INDENT + len;
        at += len + 1;
    }
}

void config_help(const struct config_table *table, struct buf *out)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct config_row *row = &table->row[i];
        uint8_t room[HELP_MEANING];
        struct buf meaning = buf_over(room, sizeof room);
        put_meaning(row, &meaning);
        buf_put_text(out, "  ");
        put_name(row, out);
        if (!row->initial)
            buf_put_text(out, " (required)");
        else if (row->initial[0]) {
            buf_put_text(out, " = ");
            buf_put_text(out, row->initial);
        }
        put_folded(buf_span(&meaning), out);
        buf_put_byte(out, '\n');
    }
}
