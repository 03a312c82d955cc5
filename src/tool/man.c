/* SPDX-License-Identifier: Apache-2.0 */
/* Man pages (man(7)) of the tools, from the tables that --help prints. */
#include "tool/tool.h"

#include "tool/roff.h"

static const struct tool_option help_row = {"help", NULL, "Print a summary and end."};

static void put_option(const struct tool_option *option, struct buf *out)
{
    tool_roff_option(out, option->name, option->argument);
    tool_roff_text(out, span_text(option->doc));
    buf_put_text(out, "\n");
}

static void put_statuses(const struct tool_row *tool, struct buf *out)
{
    tool_roff_heading(out, "EXIT STATUS");
    for (size_t i = 0; i < tool->status_count; i++) {
        buf_put_text(out, ".TP\n.B ");
        buf_put_decimal(out, (uint64_t)tool->status[i].status, 0);
        buf_put_text(out, "\n");
        tool_roff_text(out, span_text(tool->status[i].doc));
        buf_put_text(out, "\n");
    }
}

static void put_synopsis(const struct tool_row *tool, struct buf *out)
{
    tool_roff_heading(out, "SYNOPSIS");
    buf_put_text(out, ".B countersign\\-hsm ");
    tool_roff_text(out, span_text(tool->name));
    buf_put_text(out, "\n.RI [ OPTION ...]\n");
    tool_roff_text(out, span_text(tool->operands));
    if (tool->operands[0])
        buf_put_text(out, "\n");
}

void tool_man(const struct tool_row *tool, struct buf *out)
{
    uint8_t room[32768];
    char page[64] = "countersign-hsm-";
    struct buf name = buf_over(page, sizeof page);
    buf_put_text(&name, "countersign-hsm-");
    buf_put_text(&name, tool->name);
    tool_roff_title(out, buf_text(&name), "1", tool->summary);
    put_synopsis(tool, out);
    tool_roff_heading(out, "OPTIONS");
    for (size_t i = 0; i < tool->option_count; i++)
        put_option(&tool->option[i], out);
    put_option(&help_row, out);
    for (size_t i = 0; i < tool->section_count; i++) {
        tool_roff_heading(out, tool->section[i].title);
        tool_roff_paragraphs(out, tool->section[i].text);
    }
    if (tool->more) {
        struct buf more = buf_over(room, sizeof room);
        tool->more(&more);
        tool_roff_heading(out, tool->more_title);
        tool_roff_paragraphs(out, buf_text(&more));
    }
    put_statuses(tool, out);
    tool_roff_heading(out, "SEE ALSO");
    buf_put_text(out, ".BR countersign\\-hsm (1),\n.BR countersign\\-hsm.conf (5)\n");
}
