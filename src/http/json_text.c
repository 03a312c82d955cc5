/* SPDX-License-Identifier: Apache-2.0 */
#include "http/json_text.h"

#include "http/json.h"

static bool number_byte(uint8_t c)
{
    return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

static bool number_start(uint8_t c)
{
    return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.';
}

static size_t number_length(struct span s, size_t at)
{
    size_t len = 0;
    while (at + len < s.len && number_byte(s.at[at + len]))
        len++;
    return len;
}

static size_t digits(struct span s, size_t at)
{
    size_t len = 0;
    while (at + len < s.len && s.at[at + len] >= '0' && s.at[at + len] <= '9')
        len++;
    return len;
}

/* RFC 8259 section 6: [-] int [frac] [exp]. */
static bool number_well_formed(struct span n)
{
    size_t at = n.len > 0 && n.at[0] == '-' ? 1 : 0;
    size_t whole = digits(n, at);
    if (whole == 0 || (whole > 1 && n.at[at] == '0'))
        return false;
    at += whole;
    if (at < n.len && n.at[at] == '.') {
        size_t fraction = digits(n, ++at);
        if (fraction == 0)
            return false;
        at += fraction;
    }
    if (at < n.len && (n.at[at] | 0x20) == 'e') {
        at++;
        at += at < n.len && (n.at[at] == '+' || n.at[at] == '-') ? 1 : 0;
        size_t exponent = digits(n, at);
        if (exponent == 0)
            return false;
        at += exponent;
    }
    return at == n.len;
}

/* From the opening quote to after the closing one; `reason` stays NULL for a string without a fault. */
static size_t string_end(struct span s, size_t at, const char **reason)
{
    for (at++; at < s.len && s.at[at] != '"';) {
        uint8_t c = s.at[at];
        size_t len = c == '\\' ? 2 : json_utf8_character(s, at);
        if (c < 0x20)
            *reason = "a control character in a string";
        else if (len == 0)
            *reason = "bytes that are not UTF-8";
        else if (c == '\\' && span_is(span_slice(s, at, 6), "\\u0000"))
            *reason = "an escaped NUL in a string";
        if (*reason)
            return at;
        at += len;
    }
    return at < s.len ? at + 1 : s.len;
}

static enum err refuse(struct http_json_text_fault *fault, const char *reason, size_t at)
{
    *fault = (struct http_json_text_fault){reason, at};
    return ERR_PARSE_JSON;
}

enum err http_json_text_check(struct span s, struct http_json_text_fault *fault)
{
    unsigned depth = 0;
    for (size_t at = 0; at < s.len;) {
        uint8_t c = s.at[at];
        const char *reason = NULL;
        size_t next = at + 1;
        if (c == '"')
            next = string_end(s, at, &reason);
        else if (number_start(c))
            next = at + number_length(s, at);
        else if (c == '{' || c == '[')
            depth++;
        else if ((c == '}' || c == ']') && depth > 0)
            depth--;
        if (reason)
            return refuse(fault, reason, next);
        if (number_start(c) && !number_well_formed(span_slice(s, at, next - at)))
            return refuse(fault, "a number that JSON does not know", at);
        if (depth > HTTP_JSON_DEPTH_MAX)
            return refuse(fault, "nested too deeply", at);
        if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c >= 0x7F)
            return refuse(fault, "a character that does not belong here", at);
        at = next;
    }
    return ERR_OK;
}

struct span http_json_text_number(struct span s, size_t *at)
{
    const char *reason = NULL;
    while (*at < s.len && !number_start(s.at[*at]))
        *at = s.at[*at] == '"' ? string_end(s, *at, &reason) : *at + 1;
    size_t start = *at;
    *at += number_length(s, start);
    return span_slice(s, start, *at - start);
}
