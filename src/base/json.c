/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

/* ---- UTF-8 ---- */

/* Length of a UTF-8 sequence by its first byte, 0 for a byte that cannot start one (RFC 3629: C0, C1 and F5.. never occur). */
static size_t utf8_length(uint8_t first)
{
    if (first < 0x80)
        return 1;
    if (first < 0xC2)
        return 0;
    return first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 0;
}

/* The second byte excludes overlong forms, surrogates and values above 10FFFF. */
static bool utf8_second_allowed(uint8_t first, uint8_t second)
{
    uint8_t low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    uint8_t high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    return second >= low && second <= high;
}

size_t json_utf8_character(struct span s, size_t at)
{
    size_t len = utf8_length(s.at[at]);
    if (len == 0 || len > s.len - at)
        return 0;
    if (len > 1 && !utf8_second_allowed(s.at[at], s.at[at + 1]))
        return 0;
    for (size_t i = 2; i < len; i++)
        if ((s.at[at + i] & 0xC0) != 0x80)
            return 0;
    return len;
}

bool json_utf8(struct span text)
{
    for (size_t at = 0; at < text.len;) {
        size_t len = json_utf8_character(text, at);
        if (len == 0)
            return false;
        at += len;
    }
    return true;
}

/* ---- writer ---- */

struct json_writer json_writer(struct buf *out)
{
    return (struct json_writer){.out = out};
}

enum err json_done(const struct json_writer *w)
{
    ASSERT(w->depth == 0 || w->out->err != ERR_OK);
    return buf_done(w->out);
}

/* The comma, if one is due, and the name. */
static void begin(struct json_writer *w, const char *name)
{
    if ((w->filled >> w->depth & 1) != 0)
        buf_put_byte(w->out, ',');
    w->filled |= 1u << w->depth;
    if (!name)
        return;
    buf_put_byte(w->out, '"');
    buf_put_text(w->out, name);
    buf_put_text(w->out, "\":");
}

static void down(struct json_writer *w, const char *name, uint8_t bracket)
{
    ASSERT(w->depth < JSON_DEPTH);
    begin(w, name);
    buf_put_byte(w->out, bracket);
    w->depth++;
    w->filled &= ~(1u << w->depth);
}

static void up(struct json_writer *w, uint8_t bracket)
{
    ASSERT(w->depth > 0);
    w->depth--;
    buf_put_byte(w->out, bracket);
}

void json_open(struct json_writer *w, const char *name)
{
    down(w, name, '{');
}

void json_close(struct json_writer *w)
{
    up(w, '}');
}

void json_open_array(struct json_writer *w, const char *name)
{
    down(w, name, '[');
}

void json_close_array(struct json_writer *w)
{
    up(w, ']');
}

/* RFC 8259 section 7: quotation mark, reverse solidus and the control characters; DEL for the sake of terminals. */
static void put_escaped(struct buf *out, uint8_t c)
{
    static const char hex[] = "0123456789abcdef";
    if (c == '"' || c == '\\') {
        buf_put_byte(out, '\\');
        buf_put_byte(out, c);
        return;
    }
    buf_put_text(out, "\\u00");
    buf_put_byte(out, (uint8_t)hex[c >> 4]);
    buf_put_byte(out, (uint8_t)hex[c & 15]);
}

static bool plain(uint8_t c)
{
    return c >= 0x20 && c < 0x7F && c != '"' && c != '\\';
}

static void put_beyond_ascii(struct buf *out, struct span text, size_t *at)
{
    size_t len = json_utf8_character(text, *at);
    if (len > 0)
        buf_put_span(out, span_slice(text, *at, len));
    else
        buf_put_text(out, "\xEF\xBF\xBD");
    *at += len > 0 ? len : 1;
}

void json_string(struct buf *out, struct span text)
{
    buf_put_byte(out, '"');
    for (size_t at = 0; at < text.len;) {
        size_t run = at;
        while (run < text.len && plain(text.at[run]))
            run++;
        buf_put(out, text.at + at, run - at);
        at = run;
        if (at == text.len)
            break;
        if (text.at[at] < 0x80)
            put_escaped(out, text.at[at++]);
        else
            put_beyond_ascii(out, text, &at);
    }
    buf_put_byte(out, '"');
}

void json_string_ascii(struct buf *out, struct span text)
{
    buf_put_byte(out, '"');
    for (size_t i = 0; i < text.len; i++)
        if (plain(text.at[i]))
            buf_put_byte(out, text.at[i]);
        else
            put_escaped(out, text.at[i]);
    buf_put_byte(out, '"');
}

void json_put(struct json_writer *w, const char *name, struct span text)
{
    begin(w, name);
    json_string(w->out, text);
}

void json_put_text(struct json_writer *w, const char *name, const char *text)
{
    json_put(w, name, span_text(text));
}

void json_put_integer(struct json_writer *w, const char *name, int64_t value)
{
    begin(w, name);
    buf_put_integer(w->out, value);
}

void json_put_bool(struct json_writer *w, const char *name, bool value)
{
    begin(w, name);
    buf_put_text(w->out, value ? "true" : "false");
}

void json_put_null(struct json_writer *w, const char *name)
{
    begin(w, name);
    buf_put_text(w->out, "null");
}

void json_put_decimal(struct json_writer *w, const char *name, struct span digits)
{
    begin(w, name);
    buf_put_span(w->out, digits);
}
