/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/tool.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HELP_AT = 256, COLUMNS = 79, INDENT = 28, HELP_SIZE = 65536 };

enum err tool_write(int fd, struct span text)
{
    while (text.len > 0) {
        ssize_t n = write(fd, text.at, text.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return ERR_SYSTEM;
        text = span_slice(text, (size_t)n, text.len);
    }
    return ERR_OK;
}

int tool_failed(const struct tool_row *tool, int status, const char *what, const char *why)
{
    (void)fprintf(stderr, "countersign-hsm %s: %s%s%s\n", tool->name, what, *what && *why ? ": " : "", why);
    return status;
}

int tool_refuse(const struct tool_row *tool, const char *what, const char *why)
{
    (void)tool_failed(tool, TOOL_USAGE, what, why);
    (void)fprintf(stderr, "Try 'countersign-hsm %s --help'.\n", tool->name);
    return TOOL_USAGE;
}

/* ---- the command line ---- */

static void options_fill(const struct tool_row *tool, struct option out[static TOOL_OPTIONS + 2])
{
    ASSERT(tool->option_count <= TOOL_OPTIONS);
    for (size_t i = 0; i < tool->option_count; i++)
        out[i] = (struct option){tool->option[i].name, tool->option[i].argument ? required_argument : no_argument, NULL, (int)i};
    out[tool->option_count] = (struct option){"help", no_argument, NULL, HELP_AT};
    out[tool->option_count + 1] = (struct option){0};
}

static void print_help(const struct tool_row *tool)
{
    uint8_t room[HELP_SIZE];
    struct buf out = buf_over(room, sizeof room);
    tool_help(tool, &out);
    ASSERT(buf_done(&out) == ERR_OK);
    exit(tool_write(STDOUT_FILENO, buf_span(&out)) == ERR_OK ? 0 : 1);
}

void tool_parse(const struct tool_row *tool, int argc, char **argv, struct tool_line *out)
{
    struct option options[TOOL_OPTIONS + 2];
    char name[64];
    *out = (struct tool_line){0};
    options_fill(tool, options);
    (void)snprintf(name, sizeof name, "countersign-hsm %s", tool->name);
    char *given = argv[0];
    argv[0] = name; /* what getopt puts in front of its refusals */
    for (int key; (key = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (key == HELP_AT)
            out->help = true;
        else if (key >= 0 && (size_t)key < tool->option_count)
            out->value[key] = optarg ? optarg : "";
        else
            exit(TOOL_USAGE);
    }
    argv[0] = given;
    out->operand = argv + optind;
    out->operands = (size_t)(argc - optind);
    if (out->help && out->operands == 0)
        print_help(tool);
}

/* ---- help ---- */

/* Words of one paragraph, filled to the line's width. `column` is where the first word goes. */
static void put_filled(struct buf *out, struct span text, size_t indent, size_t column)
{
    for (size_t at = 0; at < text.len;) {
        size_t end = at;
        while (end < text.len && text.at[end] != ' ' && text.at[end] != '\n')
            end++;
        if (column > indent && column + 1 + (end - at) > COLUMNS) {
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

/* Calls `line` for each line that stands as it is and `paragraph` for each run of others. */
static void walk(const char *text, struct buf *out, void (*line)(struct buf *, struct span),
                 void (*paragraph)(struct buf *, struct span))
{
    while (*text) {
        size_t len = strcspn(text, "\n");
        if (text[0] == ' ' || len == 0) {
            line(out, span_of(text, len));
        } else {
            while (text[len] == '\n' && text[len + 1] != 0 && text[len + 1] != ' ' && text[len + 1] != '\n')
                len += 1 + strcspn(text + len + 1, "\n");
            paragraph(out, span_of(text, len));
        }
        text += len + (text[len] == '\n');
    }
}

static void help_line(struct buf *out, struct span line)
{
    buf_put_span(out, line);
    buf_put_byte(out, '\n');
}

static void help_paragraph(struct buf *out, struct span text)
{
    put_filled(out, text, 0, 0);
}

static void help_option(const struct tool_option *option, struct buf *out)
{
    size_t before = out->len;
    buf_put_text(out, "      --");
    buf_put_text(out, option->name);
    if (option->argument) {
        buf_put_byte(out, '=');
        buf_put_text(out, option->argument);
    }
    size_t column = out->len - before;
    if (column + 2 > INDENT) {
        buf_put_byte(out, '\n');
        column = 0;
    }
    buf_put_fill(out, ' ', INDENT - column);
    put_filled(out, span_text(option->doc), INDENT, INDENT);
}

static const struct tool_option help_row = {"help", NULL, "print this and end"};

static void help_status(const struct tool_row *tool, struct buf *out)
{
    buf_put_text(out, "\nExit status:\n");
    for (size_t i = 0; i < tool->status_count; i++) {
        size_t before = out->len;
        buf_put_text(out, "  ");
        buf_put_decimal(out, (uint64_t)tool->status[i].status, 0);
        buf_put_fill(out, ' ', 6 - (out->len - before));
        put_filled(out, span_text(tool->status[i].doc), 6, 6);
    }
}

void tool_help(const struct tool_row *tool, struct buf *out)
{
    uint8_t room[HELP_SIZE / 2];
    buf_put_text(out, "Usage: countersign-hsm ");
    buf_put_text(out, tool->name);
    buf_put_text(out, " [OPTION...] ");
    buf_put_text(out, tool->operands);
    buf_put_text(out, "\ncountersign-hsm ");
    buf_put_text(out, tool->name);
    buf_put_text(out, " - ");
    buf_put_text(out, tool->summary);
    buf_put_text(out, "\n\n");
    for (size_t i = 0; i < tool->option_count; i++)
        help_option(&tool->option[i], out);
    help_option(&help_row, out);
    for (size_t i = 0; i < tool->section_count; i++) {
        buf_put_text(out, "\n");
        buf_put_text(out, tool->section[i].title);
        buf_put_text(out, ":\n");
        walk(tool->section[i].text, out, help_line, help_paragraph);
    }
    if (tool->more) {
        struct buf more = buf_over(room, sizeof room);
        tool->more(&more);
        buf_put_text(out, "\n");
        buf_put_text(out, tool->more_title);
        buf_put_text(out, ":\n");
        walk(buf_text(&more), out, help_line, help_paragraph);
    }
    help_status(tool, out);
}
