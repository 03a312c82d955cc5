/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/tool.h"

void tool_json_text(struct buf *out, struct span text)
{
    static const char digit[] = "0123456789abcdef";
    buf_put_byte(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.at[i];
        if (c == '"' || c == '\\')
            buf_put_byte(out, '\\');
        if (c >= 0x20 && c < 0x7F) {
            buf_put_byte(out, c);
        } else {
            buf_put_text(out, "\\u00");
            buf_put_byte(out, (uint8_t)digit[c >> 4]);
            buf_put_byte(out, (uint8_t)digit[c & 15]);
        }
    }
    buf_put_byte(out, '"');
}

static void put_name(struct buf *out, const char *name)
{
    bool begun = out->len > 0 && out->at[out->len - 1] != '{' && out->at[out->len - 1] != '[' && out->at[out->len - 1] != '\n';
    if (begun)
        buf_put_byte(out, ',');
    if (!name)
        return;
    tool_json_text(out, span_text(name));
    buf_put_byte(out, ':');
}

void tool_json_member(struct buf *out, const char *name, struct span text)
{
    put_name(out, name);
    tool_json_text(out, text);
}

void tool_json_number(struct buf *out, const char *name, uint64_t value)
{
    put_name(out, name);
    buf_put_decimal(out, value, 0);
}

void tool_json_open(struct buf *out, const char *name, char bracket)
{
    put_name(out, name);
    buf_put_byte(out, (uint8_t)bracket);
}
