/* SPDX-License-Identifier: Apache-2.0 */
/* Man pages (man(7)), from the rows that --help prints. */
#include "cli/internal.h"
#include "cli/roff.h"

#include <string.h>

enum { DOC_SIZE = 4096 };

/* ---- options ---- */

static void put_option_tag(struct buf *out, const struct cli_option *o)
{
    char room[2 * CLI_NAME];
    struct buf name = buf_over(room, sizeof room);
    if (o->letter) {
        buf_put_byte(&name, '-');
        buf_put_byte(&name, (uint8_t)o->letter);
        buf_put_text(&name, ", ");
    }
    buf_put_text(&name, "--");
    buf_put_text(&name, o->name);
    cli_roff_tag(out, buf_text(&name), "=", cli_argument(o));
}

/* `doc` is a part of a sentence; `more` ends it. */
static void put_option(struct buf *out, const struct cli_option *o)
{
    uint8_t room[DOC_SIZE];
    struct buf doc = buf_over(room, sizeof room);
    put_option_tag(out, o);
    cli_put_option_doc(&doc, o);
    cli_roff_text(out, buf_span(&doc));
}

static void put_options(struct buf *out, const struct cli_command *c)
{
    for (size_t i = 0; i < c->option_count; i++)
        if (cli_takes(c, i)) {
            put_option(out, &c->option[i]);
            buf_put_byte(out, '\n');
        }
    for (size_t i = 0; c->settings && i < CLI_SETTING_COUNT; i++) {
        put_option(out, &cli_settings_rows[i]);
        buf_put_byte(out, '\n');
    }
}

static void put_common(struct buf *out)
{
    for (size_t i = 0; i < CLI_COMMON_COUNT; i++) {
        put_option(out, &cli_common[i]);
        buf_put_byte(out, '\n');
    }
}

/* ---- options of sub-commands: each once, with the commands that take it ---- */

static bool child_takes(const struct cli_command *child, const struct cli_option *o)
{
    size_t at = (size_t)(o - child->option);
    return o >= child->option && at < child->option_count && cli_takes(child, at);
}

static size_t takers(const struct cli_command *c, const struct cli_option *o)
{
    size_t count = 0;
    for (size_t i = 0; i < c->child_count; i++)
        count += child_takes(c->child[i], o);
    return count;
}

static void put_takers(struct buf *out, const struct cli_command *c, const struct cli_option *o)
{
    const char *between = ". For ";
    for (size_t i = 0; i < c->child_count && takers(c, o) < c->child_count; i++) {
        if (!child_takes(c->child[i], o))
            continue;
        buf_put_text(out, between);
        cli_roff_text(out, span_text(c->child[i]->name));
        between = ", ";
    }
    buf_put_text(out, ".\n");
}

static void put_child_options(struct buf *out, const struct cli_command *c)
{
    for (size_t i = 0; i < c->child_count; i++)
        for (size_t k = 0; k < c->child[i]->option_count; k++) {
            const struct cli_option *o = &c->child[i]->option[k];
            size_t first = 0;
            bool shared = c->child[0]->option == c->child[i]->option;
            while (first < c->child_count && !child_takes(c->child[first], o))
                first++;
            /* In the order of the table, where all share one. */
            if (shared ? i > 0 || first == c->child_count : first != i)
                continue;
            put_option(out, o);
            put_takers(out, c, o);
        }
}

/* ---- the other parts ---- */

static void put_operands(struct buf *out, const struct cli_command *c)
{
    for (size_t i = 0; i < c->operand_count; i++)
        if (c->operand[i].doc) {
            cli_roff_tag(out, c->operand[i].name, "", NULL);
            cli_roff_line(out, c->operand[i].doc);
        }
}

static void put_sections(struct buf *out, const struct cli_command *c)
{
    uint8_t room[CLI_SECTION];
    for (size_t i = 0; i < c->section_count; i++) {
        cli_roff_heading(out, c->section[i].title);
        cli_roff_paragraphs(out, cli_section_text(&c->section[i], room));
    }
}

static void put_statuses(struct buf *out, const struct cli_line *line)
{
    size_t count = 0;
    const struct cli_status *status = cli_statuses(line, &count);
    cli_roff_heading(out, "EXIT STATUS");
    for (size_t i = 0; i < count; i++) {
        char room[8];
        struct buf number = buf_over(room, sizeof room);
        buf_put_decimal(&number, (uint64_t)status[i].status, 0);
        cli_roff_tag(out, buf_text(&number), "", NULL);
        cli_roff_line(out, status[i].doc);
    }
}

static void put_words(struct buf *out, const struct cli_command *c)
{
    uint8_t room[DOC_SIZE];
    struct buf usage = buf_over(room, sizeof room);
    cli_put_usage(&usage, c);
    cli_roff_text(out, span_slice(buf_span(&usage), 1, usage.len));
    buf_put_byte(out, '\n');
}

static void put_synopsis(struct buf *out, const char *name, const struct cli_command *c)
{
    cli_roff_heading(out, "SYNOPSIS");
    buf_put_text(out, ".B ");
    cli_roff_line(out, name);
    put_words(out, c);
}

/* A sub-command that stands on the page of the command above it. */
static void put_child(struct buf *out, const struct cli_command *child)
{
    char room[2 * CLI_NAME];
    struct buf operands = buf_over(room, sizeof room);
    cli_put_operand_names(&operands, child);
    cli_roff_tag(out, child->name, "", child->operand_count > 0 ? buf_text(&operands) : NULL);
    cli_roff_line(out, child->summary);
    if (child->about)
        cli_roff_line(out, child->about);
    for (size_t i = 0; i < child->operand_count; i++)
        if (child->operand[i].doc) {
            buf_put_text(out, ".br\n");
            cli_roff_text(out, span_text(child->operand[i].name));
            buf_put_text(out, ": ");
            cli_roff_line(out, child->operand[i].doc);
        }
}

/* A sub-command of the program, which has a page of its own. */
static void put_reference(struct buf *out, const struct cli_command *root, const struct cli_command *child)
{
    cli_roff_tag(out, child->name, "", NULL);
    cli_roff_text(out, span_text(child->summary));
    if (!child->no_page) {
        buf_put_text(out, ": ");
        cli_roff_text(out, span_text(root->name));
        buf_put_text(out, "\\-");
        cli_roff_text(out, span_text(child->name));
        buf_put_text(out, "(1).");
    }
    buf_put_byte(out, '\n');
}

void cli_man_keys(const struct config_table *table, struct buf *out)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct config_row *row = &table->row[i];
        char room[2 * CLI_NAME];
        struct buf name = buf_over(room, sizeof room);
        buf_put_text(&name, row->section);
        buf_put_byte(&name, '.');
        buf_put_text(&name, row->key);
        cli_roff_tag(out, buf_text(&name), "", NULL);
        cli_roff_text(out, span_text(row->doc));
        if (row->kind == CONFIG_INTEGER) {
            buf_put_text(out, " (");
            buf_put_integer(out, row->min);
            buf_put_text(out, " to ");
            buf_put_integer(out, row->max);
            buf_put_text(out, ")");
        }
        buf_put_text(out, row->initial && row->initial[0] ? ". Default: " : row->initial ? ". Default: empty" : ". Required");
        if (row->initial)
            cli_roff_text(out, span_text(row->initial));
        buf_put_text(out, ".\n");
    }
}

/* ---- pages ---- */

static void put_about(struct buf *out, const struct cli_command *c)
{
    if (!c->about)
        return;
    cli_roff_heading(out, "DESCRIPTION");
    cli_roff_paragraphs(out, c->about);
}

static void put_see_also(struct buf *out, const struct cli_command *root, const struct cli_command *child)
{
    bool first = true;
    cli_roff_heading(out, "SEE ALSO");
    if (child) {
        cli_roff_see(out, root->name, "1", first);
        first = false;
    }
    for (size_t i = 0; !child && i < root->child_count; i++) {
        char room[2 * CLI_NAME];
        struct buf name = buf_over(room, sizeof room);
        if (root->child[i]->no_page)
            continue;
        buf_put_text(&name, root->name);
        buf_put_byte(&name, '-');
        buf_put_text(&name, root->child[i]->name);
        cli_roff_see(out, buf_text(&name), "1", first);
        first = false;
    }
    for (size_t i = 0; i < root->see_count; i++) {
        cli_roff_see(out, root->see[i].page, root->see[i].section, first);
        first = false;
    }
    buf_put_byte(out, '\n');
}

static void program_page(const struct cli_command *root, struct buf *out)
{
    const struct cli_command *fallback = root->fallback ? root->fallback : root;
    const struct cli_line line = {.path = {root, fallback}, .depth = root->fallback ? 2 : 1};
    cli_roff_title(out, root->name, "1", root->summary);
    put_synopsis(out, root->name, root);
    put_about(out, root);
    cli_roff_heading(out, "COMMANDS");
    for (size_t i = 0; i < root->child_count; i++)
        put_reference(out, root, root->child[i]);
    cli_roff_heading(out, "OPTIONS");
    put_options(out, fallback);
    put_common(out);
    put_sections(out, root);
    if (fallback != root)
        put_sections(out, fallback);
    put_statuses(out, &line);
    put_see_also(out, root, NULL);
}

void cli_man(const struct cli_command *root, const struct cli_command *child, struct buf *out)
{
    char room[2 * CLI_NAME], words[2 * CLI_NAME];
    struct buf page = buf_over(room, sizeof room), name = buf_over(words, sizeof words);
    if (!child) {
        program_page(root, out);
        return;
    }
    const struct cli_line line = {.path = {root, child}, .depth = 2};
    buf_put_text(&page, root->name);
    buf_put_byte(&page, '-');
    buf_put_text(&page, child->name);
    buf_put_text(&name, root->name);
    buf_put_byte(&name, ' ');
    buf_put_text(&name, child->name);
    cli_roff_title(out, buf_text(&page), "1", child->summary);
    put_synopsis(out, buf_text(&name), child);
    put_about(out, child);
    if (child->child_count > 0)
        cli_roff_heading(out, "COMMANDS");
    for (size_t i = 0; i < child->child_count; i++)
        put_child(out, child->child[i]);
    cli_roff_heading(out, "OPTIONS");
    put_operands(out, child);
    put_options(out, child);
    put_child_options(out, child);
    put_common(out);
    put_sections(out, child);
    for (size_t i = 0; i < child->child_count; i++)
        put_sections(out, child->child[i]);
    put_statuses(out, &line);
    if (child->settings) {
        cli_roff_heading(out, "KEYS OF THE CONFIGURATION");
        cli_man_keys(child->settings, out);
    }
    put_see_also(out, root, child);
}
