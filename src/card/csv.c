/* SPDX-License-Identifier: Apache-2.0 */
#include "card/internal.h"

#include <string.h>

enum card_line card_line_bad(struct span in, bool last, struct card_record *out, const char *why)
{
    const uint8_t *end = in.len > 0 ? memchr(in.at, '\n', in.len) : NULL;
    out->why = why;
    out->count = 0;
    out->lines = 1;
    out->cut = !end && !last;
    out->used = end ? (size_t)(end - in.at) + 1 : in.len;
    return CARD_LINE_BAD;
}

/* The input ended within a record. */
enum card_line card_line_open(struct span in, bool last, struct card_record *out, const char *why)
{
    if (in.len >= CARD_LINE_MAX)
        return card_line_bad(in, last, out, "the record is longer than 8,192 bytes");
    return last ? card_line_bad(in, last, out, why) : CARD_LINE_MORE;
}

/* Where the splitter stands. */
struct walk {
    struct span in;
    bool last;
    size_t at;
    struct card_record *out;
};

/* A quoted value, from behind its first quote to behind its last; NULL or why it is none. `more`: the input ends first. */
static const char *quoted(struct walk *w, struct span *value, bool *more)
{
    struct card_record *r = w->out;
    size_t start = r->scratch_used;
    for (; w->at < w->in.len && r->scratch_used < CARD_LINE_MAX; w->at++) {
        uint8_t c = w->in.at[w->at];
        if (c == 0)
            return "a zero byte";
        if (c == '"') {
            if (w->at + 1 == w->in.len && !w->last)
                break; /* whether it is doubled stands behind the input */
            if (w->at + 1 == w->in.len || w->in.at[w->at + 1] != '"') {
                w->at++;
                *value = span_of(r->scratch + start, r->scratch_used - start);
                return NULL;
            }
            w->at++;
        }
        r->lines += c == '\n';
        r->scratch[r->scratch_used++] = c;
    }
    *more = true;
    return NULL;
}

static const char *plain(struct walk *w, struct span *value)
{
    size_t start = w->at;
    for (; w->at < w->in.len; w->at++) {
        uint8_t c = w->in.at[w->at];
        if (c == ',' || c == '\n' || c == '\r')
            break;
        if (c == 0)
            return "a zero byte";
        if (c == '"')
            return "a quote inside a value that does not begin with one";
    }
    *value = span_slice(w->in, start, w->at - start);
    return NULL;
}

/* Behind a value: a comma, a line end, or the end. */
enum stop { STOP_COMMA, STOP_LINE, STOP_MORE, STOP_BAD };

static enum stop stop_at(struct walk *w)
{
    if (w->at == w->in.len)
        return w->last ? STOP_LINE : STOP_MORE;
    uint8_t c = w->in.at[w->at];
    if (c == '\r') {
        if (w->at + 1 == w->in.len && !w->last)
            return STOP_MORE;
        if (w->at + 1 < w->in.len && w->in.at[w->at + 1] != '\n')
            return STOP_BAD;
        w->at += w->at + 1 < w->in.len ? 2 : 1;
        return STOP_LINE;
    }
    w->at++;
    return c == ',' ? STOP_COMMA : c == '\n' ? STOP_LINE : STOP_BAD;
}

static enum card_line finish(const struct walk *w)
{
    struct card_record *r = w->out;
    if (w->at > CARD_LINE_MAX)
        return card_line_bad(w->in, w->last, r, "the record is longer than 8,192 bytes");
    r->used = w->at;
    r->lines++;
    return r->count == 1 && r->value[0].len == 0 ? CARD_LINE_EMPTY : CARD_LINE_RECORD;
}

enum card_line card_csv_next(struct span in, bool last, struct card_record *out)
{
    struct walk w = {in, last, 0, out};
    out->count = out->lines = out->scratch_used = out->used = 0;
    out->cut = false;
    if (in.len == 0)
        return last ? CARD_LINE_EMPTY : CARD_LINE_MORE;
    for (;;) {
        bool more = false, opened = w.at < in.len && in.at[w.at] == '"';
        if (out->count == CARD_LINE_VALUES)
            return card_line_bad(in, last, out, "more than 64 values");
        w.at += opened;
        const char *why = opened ? quoted(&w, &out->value[out->count], &more) : plain(&w, &out->value[out->count]);
        if (why)
            return card_line_bad(in, last, out, why);
        enum stop stop = more ? STOP_MORE : stop_at(&w);
        if (stop == STOP_MORE)
            return card_line_open(in, last, out, "a quote is not closed");
        if (stop == STOP_BAD)
            return card_line_bad(in, last, out, opened ? "something behind a closing quote" : "a carriage return inside a line");
        out->count++;
        if (stop == STOP_LINE)
            return finish(&w);
    }
}
