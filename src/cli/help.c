/* SPDX-License-Identifier: Apache-2.0 */
/* --help, from the rows of a command: at most CLI_COLUMNS wide. */
#include "cli/internal.h"

#include <string.h>

enum { INDENT = 28, NAME_INDENT = 14, STATUS_INDENT = 6 };

/* ---- words ---- */

void cli_put_filled(struct buf *out, struct span text, size_t indent, size_t column)
{
    for (size_t at = 0; at < text.len;) {
        size_t end = at;
        while (end < text.len && text.at[end] != ' ' && text.at[end] != '\n')
            end++;
        if (column > indent && column + 1 + (end - at) > CLI_COLUMNS) {
            buf_put_byte(out, '\n');
            buf_put_fill(out, ' ', indent);
            column = indent;
        } else if (column > indent) {
            buf_put_byte(out, ' ');
            column++;
        }
        buf_put_span(out, span_slice(text, at, end - at));
        column += end - at;
        at = end + 1;
    }
    buf_put_byte(out, '\n');
}

/* Lines that begin with a blank stand as they are; runs of others are filled. */
static void put_text(struct buf *out, const char *text)
{
    while (*text) {
        size_t len = strcspn(text, "\n");
        bool as_is = text[0] == ' ' || len == 0;
        while (!as_is && text[len] == '\n' && text[len + 1] != 0 && text[len + 1] != ' ' && text[len + 1] != '\n')
            len += 1 + strcspn(text + len + 1, "\n");
        if (as_is) {
            buf_put(out, text, len);
            buf_put_byte(out, '\n');
        } else {
            cli_put_filled(out, span_of(text, len), 0, 0);
        }
        text += len + (text[len] == '\n');
    }
}

static void put_heading(struct buf *out, const char *title)
{
    buf_put_byte(out, '\n');
    buf_put_text(out, title);
    buf_put_text(out, ":\n");
}

/* The tag that began at `start`, then its text from column `indent` on. */
static void put_tagged(struct buf *out, size_t start, size_t indent, struct span text)
{
    size_t column = out->len - start;
    if (column + 2 > indent) {
        buf_put_byte(out, '\n');
        column = 0;
    }
    buf_put_fill(out, ' ', indent - column);
    cli_put_filled(out, text, indent, indent);
}

/* ---- options ---- */

static void put_range(struct buf *out, const struct cli_option *o, const char **between)
{
    if (o->kind != CLI_NUMBER)
        return;
    buf_put_text(out, *between);
    buf_put_integer(out, o->min);
    buf_put_text(out, " to ");
    buf_put_integer(out, o->max);
    *between = ", ";
}

void cli_put_option_doc(struct buf *out, const struct cli_option *o)
{
    const char *between = " (";
    buf_put_text(out, o->doc);
    put_range(out, o, &between);
    if (o->initial && o->initial[0]) {
        buf_put_text(out, between);
        buf_put_text(out, "default ");
        buf_put_text(out, o->initial);
        between = ", ";
    }
    if (strcmp(between, ", ") == 0)
        buf_put_byte(out, ')');
}

static void put_option(struct buf *out, const struct cli_option *o)
{
    uint8_t room[CLI_SECTION / 8];
    struct buf doc = buf_over(room, sizeof room);
    size_t start = out->len;
    const char *argument = cli_argument(o);
    buf_put_text(out, "  ");
    if (o->letter) {
        buf_put_byte(out, '-');
        buf_put_byte(out, (uint8_t)o->letter);
        buf_put_text(out, ", ");
    } else {
        buf_put_text(out, "    ");
    }
    buf_put_text(out, "--");
    buf_put_text(out, o->name);
    if (argument) {
        buf_put_byte(out, '=');
        buf_put_text(out, argument);
    }
    cli_put_option_doc(&doc, o);
    put_tagged(out, start, INDENT, buf_span(&doc));
}

static bool same_group(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static void put_options(struct buf *out, const struct cli_command *c)
{
    const char *group = NULL;
    buf_put_byte(out, '\n');
    for (size_t i = 0; i < c->option_count; i++) {
        if (!cli_takes(c, i))
            continue;
        if (!same_group(group, c->option[i].group) && c->option[i].group)
            put_heading(out, c->option[i].group);
        group = c->option[i].group;
        put_option(out, &c->option[i]);
    }
    if (group)
        put_heading(out, "General");
    for (size_t i = 0; c->settings && i < CLI_SETTING_COUNT; i++)
        put_option(out, &cli_settings_rows[i]);
    for (size_t i = 0; i < CLI_COMMON_COUNT; i++)
        put_option(out, &cli_common[i]);
}

/* ---- the other parts ---- */

void cli_put_operand_names(struct buf *out, const struct cli_command *c)
{
    for (size_t i = 0; i < c->operand_count; i++) {
        const struct cli_operand *o = &c->operand[i];
        buf_put_text(out, o->required ? " " : " [");
        buf_put_text(out, o->name);
        buf_put_text(out, o->repeated ? " ..." : "");
        buf_put_text(out, o->required ? "" : "]");
    }
}

void cli_put_usage(struct buf *out, const struct cli_command *c)
{
    if (c->child_count > 0)
        buf_put_text(out, c->fallback ? " [COMMAND]" : " COMMAND");
    buf_put_text(out, " [OPTION...]");
    cli_put_operand_names(out, c);
}

static void put_operands(struct buf *out, const struct cli_command *c)
{
    bool said = false;
    for (size_t i = 0; i < c->operand_count; i++)
        said = said || c->operand[i].doc;
    if (!said)
        return;
    put_heading(out, "Arguments");
    for (size_t i = 0; i < c->operand_count; i++) {
        size_t start = out->len;
        buf_put_text(out, "  ");
        buf_put_text(out, c->operand[i].name);
        put_tagged(out, start, INDENT, span_text(c->operand[i].doc ? c->operand[i].doc : ""));
    }
}

static void put_children(struct buf *out, const struct cli_command *c)
{
    if (c->child_count > 0)
        put_heading(out, "Commands");
    for (size_t i = 0; i < c->child_count; i++) {
        size_t start = out->len;
        buf_put_text(out, "  ");
        buf_put_text(out, c->child[i]->name);
        put_tagged(out, start, NAME_INDENT, span_text(c->child[i]->summary));
    }
}

static void put_statuses(struct buf *out, const struct cli_line *line)
{
    size_t count = 0;
    const struct cli_status *status = cli_statuses(line, &count);
    put_heading(out, "Exit status");
    for (size_t i = 0; i < count; i++) {
        size_t start = out->len;
        buf_put_text(out, "  ");
        buf_put_decimal(out, (uint64_t)status[i].status, 0);
        put_tagged(out, start, STATUS_INDENT, span_text(status[i].doc));
    }
}

const char *cli_section_text(const struct cli_section *section, uint8_t *room)
{
    struct buf text = buf_over(room, CLI_SECTION);
    if (section->text)
        return section->text;
    section->print(&text);
    const char *printed = buf_text(&text);
    ASSERT(buf_done(&text) == ERR_OK);
    return printed;
}

static void put_sections(struct buf *out, const struct cli_command *c)
{
    uint8_t room[CLI_SECTION];
    for (size_t i = 0; i < c->section_count; i++) {
        put_heading(out, c->section[i].title);
        put_text(out, cli_section_text(&c->section[i], room));
    }
}

void cli_help(const struct cli_line *line, struct buf *out)
{
    const struct cli_command *c = line->command;
    buf_put_text(out, "Usage: ");
    buf_put_text(out, line->name);
    cli_put_usage(out, c);
    buf_put_byte(out, '\n');
    buf_put_text(out, line->name);
    buf_put_text(out, " -");
    cli_put_filled(out, span_text(c->summary), 0, strlen(line->name) + 2);
    if (c->about) {
        buf_put_byte(out, '\n');
        put_text(out, c->about);
    }
    put_children(out, c);
    put_operands(out, c);
    put_options(out, c);
    put_sections(out, c);
    put_statuses(out, line);
    if (c->settings) {
        put_heading(out, "Keys of the configuration, with their defaults");
        config_help(c->settings, out);
    }
}
