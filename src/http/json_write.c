/* SPDX-License-Identifier: Apache-2.0 */
#include "http/json.h"

struct http_json_writer http_json_writer(struct buf *out)
{
    return (struct http_json_writer){.out = out};
}

enum err http_json_done(const struct http_json_writer *w)
{
    ASSERT(w->depth == 0 || w->out->err != ERR_OK);
    return buf_done(w->out);
}

/* The comma, if one is due, and the name. */
static void begin(struct http_json_writer *w, const char *name)
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

static void down(struct http_json_writer *w, const char *name, uint8_t bracket)
{
    ASSERT(w->depth < HTTP_JSON_DEPTH_MAX);
    begin(w, name);
    buf_put_byte(w->out, bracket);
    w->depth++;
    w->filled &= ~(1u << w->depth);
}

static void up(struct http_json_writer *w, uint8_t bracket)
{
    ASSERT(w->depth > 0);
    w->depth--;
    buf_put_byte(w->out, bracket);
}

void http_json_open(struct http_json_writer *w, const char *name)
{
    down(w, name, '{');
}

void http_json_close(struct http_json_writer *w)
{
    up(w, '}');
}

void http_json_open_array(struct http_json_writer *w, const char *name)
{
    down(w, name, '[');
}

void http_json_close_array(struct http_json_writer *w)
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

/* The longest well-formed character at `at`, or 0. */
static size_t character(struct span text, size_t at)
{
    for (size_t len = 2; len <= 4 && at + len <= text.len; len++)
        if (http_json_utf8(span_slice(text, at, len)))
            return len;
    return 0;
}

static void put_beyond_ascii(struct buf *out, struct span text, size_t *at)
{
    size_t len = character(text, *at);
    if (len > 0)
        buf_put_span(out, span_slice(text, *at, len));
    else
        buf_put_text(out, "\xEF\xBF\xBD");
    *at += len > 0 ? len : 1;
}

void http_json_put(struct http_json_writer *w, const char *name, struct span text)
{
    begin(w, name);
    buf_put_byte(w->out, '"');
    for (size_t at = 0; at < text.len;) {
        size_t run = at;
        while (run < text.len && plain(text.at[run]))
            run++;
        buf_put(w->out, text.at + at, run - at);
        at = run;
        if (at == text.len)
            break;
        if (text.at[at] < 0x80)
            put_escaped(w->out, text.at[at++]);
        else
            put_beyond_ascii(w->out, text, &at);
    }
    buf_put_byte(w->out, '"');
}

void http_json_put_text(struct http_json_writer *w, const char *name, const char *text)
{
    http_json_put(w, name, span_text(text));
}

void http_json_put_integer(struct http_json_writer *w, const char *name, int64_t value)
{
    begin(w, name);
    buf_put_integer(w->out, value);
}

void http_json_put_bool(struct http_json_writer *w, const char *name, bool value)
{
    begin(w, name);
    buf_put_text(w->out, value ? "true" : "false");
}

void http_json_put_null(struct http_json_writer *w, const char *name)
{
    begin(w, name);
    buf_put_text(w->out, "null");
}

void http_json_put_decimal(struct http_json_writer *w, const char *name, struct span digits)
{
    begin(w, name);
    buf_put_span(w->out, digits);
}
