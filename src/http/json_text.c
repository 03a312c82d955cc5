/* SPDX-License-Identifier: Apache-2.0 */
#include "http/json_text.h"

#include "http/json.h"

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

/* Bytes of the well-formed character at `at`, or 0. */
static size_t utf8_character(struct span s, size_t at)
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

bool http_json_utf8(struct span text)
{
    for (size_t at = 0; at < text.len;) {
        size_t len = utf8_character(text, at);
        if (len == 0)
            return false;
        at += len;
    }
    return true;
}

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
        size_t len = c == '\\' ? 2 : utf8_character(s, at);
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
