/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/jose.h"

#include <string.h>

enum { DEPTH_MAX = 16 };

struct reader {
    struct span in;
    size_t at;
};

static uint8_t peek(struct reader *r)
{
    while (r->at < r->in.len && strchr(" \t\r\n", r->in.at[r->at]) && r->in.at[r->at])
        r->at++;
    return r->at < r->in.len ? r->in.at[r->at] : 0;
}

static bool accept(struct reader *r, uint8_t wanted)
{
    bool there = peek(r) == wanted && r->at < r->in.len;
    r->at += there;
    return there;
}

static enum err text(struct reader *r, struct span *out)
{
    if (!accept(r, '"'))
        return ERR_PARSE_JSON;
    size_t start = r->at;
    while (r->at < r->in.len && r->in.at[r->at] != '"') {
        if (r->in.at[r->at] < 0x20 || r->in.at[r->at] == '\\')
            return ERR_PARSE_JSON;
        r->at++;
    }
    if (r->at == r->in.len)
        return ERR_PARSE_JSON;
    *out = span_slice(r->in, start, r->at - start);
    r->at++;
    return ERR_OK;
}

/* The brackets that are open, the innermost in bit 0; 1 stands for an object. */
struct nesting {
    uint32_t open;
    unsigned depth;
};

static bool nest(struct nesting *n, uint8_t c)
{
    if (c == '{' || c == '[') {
        n->open = n->open << 1 | (c == '{');
        return ++n->depth <= DEPTH_MAX;
    }
    if (c == '}' || c == ']') {
        bool closes = n->depth > 0 && (n->open & 1) == (c == '}');
        n->open >>= 1;
        n->depth -= n->depth > 0;
        return closes;
    }
    return true;
}

static void skip_scalar(struct reader *r)
{
    while (r->at < r->in.len && !strchr(",:[]{}\" \t\r\n", r->in.at[r->at]))
        r->at++;
}

/* Steps over a value of any kind: brackets must close what they opened, strings are skipped whole, the rest is not looked at. */
static enum err skip(struct reader *r)
{
    struct span ignored;
    struct nesting n = {0, 0};
    do {
        uint8_t c = peek(r);
        if (c == 0 || (n.depth == 0 && strchr(",:]}", c)) || !nest(&n, c))
            return ERR_PARSE_JSON;
        if (c == '"')
            TRY(text(r, &ignored));
        else if (strchr("{}[],:", c))
            r->at++;
        else
            skip_scalar(r);
    } while (n.depth > 0);
    return ERR_OK;
}

static enum err member(struct reader *r, const char *name, struct span *value, bool *found)
{
    struct span key;
    TRY(text(r, &key));
    if (!accept(r, ':'))
        return ERR_PARSE_JSON;
    uint8_t first = peek(r);
    size_t start = r->at;
    TRY(skip(r));
    if (!span_is(key, name))
        return ERR_OK;
    if (*found)
        return ERR_PARSE_DUPLICATE;
    *found = true;
    *value = span_slice(r->in, start, r->at - start);
    return first == 0 ? ERR_PARSE_JSON : ERR_OK;
}

static enum err find(struct span json, const char *name, struct span *value)
{
    struct reader r = {json, 0};
    bool found = false;
    if (!accept(&r, '{'))
        return ERR_PARSE_JSON;
    if (!accept(&r, '}')) {
        do
            TRY(member(&r, name, value, &found));
        while (accept(&r, ','));
        if (!accept(&r, '}'))
            return ERR_PARSE_JSON;
    }
    if (peek(&r) != 0 || r.at != json.len)
        return ERR_PARSE_JSON;
    return found ? ERR_OK : ERR_PARSE_MISSING;
}

enum err crypto_jose_split(struct span compact, struct span *part, size_t count)
{
    size_t start = 0, at = 0;
    for (size_t n = 0; n < count; n++) {
        while (at < compact.len && compact.at[at] != '.')
            at++;
        if ((at == compact.len) != (n + 1 == count))
            return ERR_PARSE_DELIMITER;
        part[n] = span_of(compact.at + start, at - start);
        start = ++at;
    }
    return ERR_OK;
}

enum err crypto_jose_text(struct span json, const char *name, struct span *out)
{
    struct span value;
    TRY(find(json, name, &value));
    if (value.len < 2 || value.at[0] != '"')
        return ERR_PARSE_TYPE;
    *out = span_slice(value, 1, value.len - 2);
    return ERR_OK;
}

enum err crypto_jose_object(struct span json, const char *name, struct span *out)
{
    struct span value;
    TRY(find(json, name, &value));
    if (value.len < 2 || value.at[0] != '{')
        return ERR_PARSE_TYPE;
    *out = value;
    return ERR_OK;
}
