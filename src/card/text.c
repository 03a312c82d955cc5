/* SPDX-License-Identifier: Apache-2.0 */
/* Card numbers in free text, gateway.md 10. */
#include "card/card.h"

#include <string.h>

enum { SEPARATORS_MAX = 3, GROUP_MIN = 3, UUID_LEN = 36, HEX_ID_MIN = 24 };

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_letter(uint8_t byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

static bool is_hex(uint8_t byte)
{
    return is_digit(byte) || (byte >= 'a' && byte <= 'f') || (byte >= 'A' && byte <= 'F');
}

static bool begins(struct span text, size_t at, const char *bytes)
{
    size_t len = strlen(bytes);
    return text.len - at >= len && memcmp(text.at + at, bytes, len) == 0;
}

/* Bytes of the digit at `at`, plain, of full width, in Arabic, Persian or Devanagari script; 0: there is none. */
static size_t digit_at(struct span text, size_t at, char *out)
{
    static const struct {
        const char *lead;
        uint8_t zero; /* last byte of the digit 0 */
    } scripts[] = {{"\xEF\xBC", 0x90}, {"\xD9", 0xA0}, {"\xDB", 0xB0}, {"\xE0\xA5", 0xA6}};
    if (at >= text.len || (text.at[at] < 0x80 && !is_digit(text.at[at])))
        return 0;
    if (is_digit(text.at[at])) {
        *out = (char)text.at[at];
        return 1;
    }
    for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
        size_t last = at + strlen(scripts[i].lead);
        if (last >= text.len || !begins(text, at, scripts[i].lead))
            continue;
        uint8_t value = (uint8_t)(text.at[last] - scripts[i].zero);
        if (value > 9)
            continue;
        *out = (char)('0' + value);
        return last + 1 - at;
    }
    return 0;
}

/* Bytes of the blank, dash or dot at `at`; 0: there is none. */
static size_t separator_at(struct span text, size_t at)
{
    static const char *const wide[] = {"\xC2\xA0",     "\xC2\xAD",     "\xE2\x80\xAF", "\xE2\x81\xA0", "\xE2\x88\x92",
                                       "\xE3\x80\x80", "\xEF\xBB\xBF", "\xEF\xBC\x8D", "\xEF\xBC\x8E"};
    if (at >= text.len)
        return 0;
    if (text.at[at] == ' ' || text.at[at] == '-' || text.at[at] == '.')
        return 1;
    for (size_t i = 0; i < sizeof wide / sizeof wide[0]; i++)
        if (begins(text, at, wide[i]))
            return strlen(wide[i]);
    /* U+2000 to U+200D are blanks, U+2010 to U+2015 dashes. */
    if (at + 3 > text.len || !begins(text, at, "\xE2\x80"))
        return 0;
    uint8_t last = text.at[at + 2];
    return last <= 0x8D || (last >= 0x90 && last <= 0x95) ? 3 : 0;
}

/* Other punctuation, which stands in dates and times as well. */
static bool is_punctuation(struct span text, size_t at)
{
    return at < text.len && text.at[at] > ' ' && text.at[at] < 0x7F && !is_digit(text.at[at]) && !is_letter(text.at[at]) &&
           separator_at(text, at) == 0;
}

static size_t skip_separators(struct span text, size_t at, bool *punctuation)
{
    *punctuation = false;
    for (int i = 0; i < SEPARATORS_MAX; i++) {
        bool other = is_punctuation(text, at);
        *punctuation |= other;
        at += other ? 1 : separator_at(text, at);
    }
    return at;
}

static bool is_number(const struct card_pan *pan)
{
    return pan->len >= CARD_PAN_MIN && card_brand_of(pan) != CARD_BRAND_UNKNOWN && card_luhn_valid(card_pan_span(pan));
}

/* A group of digits begins at `at`: is it a number, alone or with those behind it? Groups are not cut, so a longer row of digits
 * that holds a number by chance is none; zeros in front are no part of one. Groups with other punctuation between them than blanks,
 * dashes and dots are those of a number if they have GROUP_MIN digits: a day and a month have two. */
static bool number_begins(struct span text, size_t at)
{
    struct card_pan pan = {0};
    size_t len = 0, group = 0;
    char digit = 0;
    bool before = false, behind = false; /* punctuation */
    while ((len = digit_at(text, at, &digit)) > 0 && pan.len < CARD_PAN_MAX) {
        if (pan.len > 0 || digit != '0')
            pan.digit[pan.len++] = digit;
        at += len;
        group++;
        if (digit_at(text, at, &digit) > 0)
            continue;
        at = skip_separators(text, at, &behind);
        if (before && group < GROUP_MIN)
            return false;
        if (is_number(&pan))
            return true;
        if (behind && group < GROUP_MIN)
            return false;
        before = behind;
        group = 0;
    }
    return false;
}

static size_t token_len(struct span text, size_t at)
{
    size_t len = 0;
    while (at + len < text.len && (is_digit(text.at[at + len]) || is_letter(text.at[at + len])))
        len++;
    return len;
}

static bool hex_with_letter(struct span text)
{
    bool letter = false;
    for (size_t i = 0; i < text.len; i++) {
        if (!is_hex(text.at[i]))
            return false;
        letter |= is_letter(text.at[i]);
    }
    return letter;
}

static bool is_uuid(struct span text)
{
    static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    bool letter = false;
    for (size_t i = 0; i < UUID_LEN; i++) {
        if (form[i] == 'x' ? !is_hex(text.at[i]) : text.at[i] != '-')
            return false;
        letter |= is_letter(text.at[i]);
    }
    return letter;
}

/* Bytes of an identifier in hexadecimal digits that begins at `at`: its rows of digits are chance. 0: there is none. */
static size_t identifier_at(struct span text, size_t at)
{
    if (text.len - at >= UUID_LEN && is_uuid(span_slice(text, at, UUID_LEN)) && token_len(text, at + UUID_LEN) == 0)
        return UUID_LEN;
    size_t len = token_len(text, at);
    return len >= HEX_ID_MIN && hex_with_letter(span_slice(text, at, len)) ? len : 0;
}

bool card_text_has_number(struct span text)
{
    char digit = 0;
    bool in_token = false; /* letters or digits are just before */
    bool in_group = false; /* digits are */
    for (size_t at = 0; at < text.len;) {
        size_t skip = in_token ? 0 : identifier_at(text, at);
        size_t len = skip > 0 ? 0 : digit_at(text, at, &digit);
        if (len > 0 && !in_group && number_begins(text, at))
            return true;
        in_group = len > 0;
        in_token = skip > 0 || len > 0 || is_letter(text.at[at]);
        at += skip > 0 ? skip : len > 0 ? len : 1;
    }
    return false;
}
