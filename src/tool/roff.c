/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/roff.h"

#include <string.h>

void tool_roff_text(struct buf *out, struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        bool first = i == 0 || text.at[i - 1] == '\n';
        if (text.at[i] == '\\')
            buf_put_text(out, "\\e");
        else if (text.at[i] == '-')
            buf_put_text(out, "\\-");
        else if (text.at[i] == '`')
            buf_put_text(out, "\\(ga");
        else if (text.at[i] == '^')
            buf_put_text(out, "\\(ha");
        else if (text.at[i] == '~')
            buf_put_text(out, "\\(ti");
        else if (first && (text.at[i] == '.' || text.at[i] == '\''))
            buf_put_text(out, text.at[i] == '.' ? "\\&." : "\\(aq");
        else
            buf_put_byte(out, text.at[i]);
    }
}

void tool_roff_title(struct buf *out, const char *page, const char *section, const char *summary)
{
    buf_put_text(out, ".\\\" SPDX-License-Identifier: Apache-2.0\n");
    buf_put_text(out, ".\\\" Printed by tools/gendoc.c from the tables of the code: `make docs`.\n.TH ");
    for (const char *c = page; *c; c++)
        if (*c == '-')
            buf_put_text(out, "\\-");
        else
            buf_put_byte(out, (uint8_t)(*c >= 'a' && *c <= 'z' ? *c - 0x20 : *c));
    buf_put_text(out, " ");
    buf_put_text(out, section);
    buf_put_text(out, " \"\" \"Countersign " COUNTERSIGN_VERSION "\"\n.SH NAME\n");
    tool_roff_text(out, span_text(page));
    buf_put_text(out, " \\- ");
    tool_roff_text(out, span_text(summary));
    buf_put_text(out, "\n");
}

void tool_roff_heading(struct buf *out, const char *title)
{
    buf_put_text(out, ".SH \"");
    for (const char *c = title; *c; c++)
        buf_put_byte(out, (uint8_t)(*c >= 'a' && *c <= 'z' ? *c - 0x20 : *c));
    buf_put_text(out, "\"\n");
}

void tool_roff_option(struct buf *out, const char *name, const char *argument)
{
    buf_put_text(out, ".TP\n\\fB\\-\\-");
    tool_roff_text(out, span_text(name));
    buf_put_text(out, "\\fR");
    if (argument) {
        buf_put_text(out, "=\\fI");
        tool_roff_text(out, span_text(argument));
        buf_put_text(out, "\\fR");
    }
    buf_put_text(out, "\n");
}

void tool_roff_paragraphs(struct buf *out, const char *text)
{
    bool verbatim = false;
    while (*text) {
        size_t len = strcspn(text, "\n");
        bool as_is = *text == ' ';
        if (as_is != verbatim)
            buf_put_text(out, as_is ? ".PP\n.nf\n" : ".fi\n");
        if (len == 0)
            buf_put_text(out, ".PP\n");
        verbatim = as_is;
        tool_roff_text(out, span_of(text, len));
        if (len > 0)
            buf_put_text(out, "\n");
        text += len + (text[len] == '\n');
    }
    if (verbatim)
        buf_put_text(out, ".fi\n");
}
