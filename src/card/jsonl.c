/* SPDX-License-Identifier: Apache-2.0 */
/* Flat objects of RFC 8259, one a line. */
#include "card/internal.h"

#include <string.h>

enum { HEX4 = 4, FOREIGN = 0xFF }; /* FOREIGN stands for a character outside ASCII that came as \uXXXX */

struct scan {
    struct span in; /* the line */
    size_t at;
    struct card_record *out;
};

static void skip_blanks(struct scan *s)
{
    while (s->at < s->in.len && (s->in.at[s->at] == ' ' || s->in.at[s->at] == '\t' || s->in.at[s->at] == '\r'))
        s->at++;
}

static bool next_is(struct scan *s, uint8_t c)
{
    skip_blanks(s);
    if (s->at >= s->in.len || s->in.at[s->at] != c)
        return false;
    s->at++;
    return true;
}

static bool hex4(struct scan *s, unsigned *out)
{
    uint8_t two[2];
    if (span_unhex(span_slice(s->in, s->at, HEX4), two, sizeof two) != ERR_OK || s->in.len - s->at < HEX4)
        return false;
    *out = (unsigned)two[0] << 8 | two[1];
    s->at += HEX4;
    return true;
}

/* The character that an escape stands for, or -1. */
static int unescape(struct scan *s)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    unsigned code = 0;
    if (s->at >= s->in.len)
        return -1;
    uint8_t c = s->in.at[s->at++];
    const char *known = c ? strchr(from, c) : NULL;
    if (known)
        return to[known - from];
    if (c != 'u' || !hex4(s, &code) || code == 0)
        return -1;
    return code < 0x80 ? (int)code : FOREIGN;
}

static const char *string(struct scan *s, struct span *value)
{
    struct card_record *r = s->out;
    size_t start = r->scratch_used;
    while (s->at < s->in.len) {
        uint8_t c = s->in.at[s->at++];
        if (c == '"') {
            *value = span_of(r->scratch + start, r->scratch_used - start);
            return NULL;
        }
        if (c < 0x20)
            return "a control character inside a string";
        int plain = c == '\\' ? unescape(s) : c;
        if (plain < 0)
            return "an escape that JSON does not have";
        r->scratch[r->scratch_used++] = (uint8_t)plain; /* never longer than the line */
    }
    return "a string is not closed";
}

static bool literal(struct span word)
{
    return span_is(word, "true") || span_is(word, "false") || span_is(word, "null");
}

static size_t digits(struct span word, size_t *at)
{
    size_t from = *at;
    while (*at < word.len && word.at[*at] >= '0' && word.at[*at] <= '9')
        (*at)++;
    return *at - from;
}

/* The grammar of RFC 8259, 6. */
static bool number(struct span word)
{
    size_t at = word.len > 0 && word.at[0] == '-' ? 1 : 0, whole = at;
    size_t count = digits(word, &at);
    if (count == 0 || (count > 1 && word.at[whole] == '0'))
        return false;
    if (at < word.len && word.at[at] == '.') {
        at++;
        if (digits(word, &at) == 0)
            return false;
    }
    if (at < word.len && (word.at[at] == 'e' || word.at[at] == 'E')) {
        at++;
        at += at < word.len && (word.at[at] == '+' || word.at[at] == '-');
        if (digits(word, &at) == 0)
            return false;
    }
    return at == word.len;
}

static const char *bare(struct scan *s, struct span *value)
{
    size_t start = s->at;
    while (s->at < s->in.len && !strchr(",}] \t\r", s->in.at[s->at]))
        s->at++;
    *value = span_slice(s->in, start, s->at - start);
    if (value->len > 0 && (value->at[0] == '{' || value->at[0] == '['))
        return "an object or array inside the object";
    return literal(*value) || number(*value) ? NULL : "a value that JSON does not have";
}

static const char *member(struct scan *s)
{
    struct card_record *r = s->out;
    struct span *name = &r->name[r->count];
    if (r->count == CARD_LINE_VALUES)
        return "more than 64 values";
    if (!next_is(s, '"'))
        return "a name in quotes is wanted";
    const char *why = string(s, name);
    if (why)
        return why;
    for (size_t i = 0; i < r->count; i++)
        if (span_equal(r->name[i], *name))
            return "a name occurs twice";
    if (!next_is(s, ':'))
        return "a colon is wanted behind the name";
    skip_blanks(s);
    r->text[r->count] = s->at < s->in.len && s->in.at[s->at] == '"';
    s->at += r->text[r->count];
    why = r->text[r->count] ? string(s, &r->value[r->count]) : bare(s, &r->value[r->count]);
    r->count += !why;
    return why;
}

static const char *object(struct scan *s)
{
    if (!next_is(s, '{'))
        return "an object is wanted";
    if (!next_is(s, '}')) {
        do {
            const char *why = member(s);
            if (why)
                return why;
        } while (next_is(s, ','));
        if (!next_is(s, '}'))
            return "a comma or the end of the object is wanted";
    }
    skip_blanks(s);
    return s->at == s->in.len ? NULL : "something behind the object";
}

enum card_line card_jsonl_next(struct span in, bool last, struct card_record *out)
{
    const uint8_t *end = in.len > 0 ? memchr(in.at, '\n', in.len < CARD_LINE_MAX ? in.len : CARD_LINE_MAX) : NULL;
    out->count = out->scratch_used = out->used = out->lines = 0;
    out->cut = false;
    if (in.len == 0 && last)
        return CARD_LINE_EMPTY;
    if (!end && (!last || in.len > CARD_LINE_MAX))
        return card_line_open(in, last, out, "");
    size_t len = end ? (size_t)(end - in.at) : in.len;
    struct scan s = {span_of(in.at, len), 0, out};
    skip_blanks(&s);
    const char *why = s.at == len ? NULL : object(&s);
    if (why)
        return card_line_bad(in, last, out, why);
    out->used = len + (end ? 1 : 0);
    out->lines = 1;
    return out->count == 0 ? CARD_LINE_EMPTY : CARD_LINE_RECORD;
}
