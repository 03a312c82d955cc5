/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two keys in a row. Untagged keys have no mark of their end, so what follows decides: the key under the ZMK ends where the digits
 * end, and the ZMK has what is left (host-commands.md 6).
 */
#include "hostcmd/internal.h"

enum { SINGLE = 16, DOUBLE = 32, TRIPLE = 48, BLOCK_HEAD = 6, COUNT_LEN = 2, OPTIONAL_HEAD = 4 };

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(uint8_t c)
{
    return is_digit(c) || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f');
}

static size_t hex_run(struct span in)
{
    size_t n = 0;
    while (n < in.len && is_hex(in.at[n]))
        n++;
    return n;
}

static size_t scheme_digits(uint8_t scheme)
{
    switch (scheme) {
    case 'Z':
        return SINGLE;
    case 'U':
    case 'X':
        return DOUBLE;
    case 'T':
    case 'Y':
        return TRIPLE;
    default:
        return 0;
    }
}

/* A letter before as many digits as it promises is the tag of a key, not a scheme by itself. */
static bool starts_key(struct span in)
{
    if (in.len == 0)
        return false;
    if (in.at[0] == 'K' || hostcmd_key_tag_is_stored(in))
        return true;
    if (hostcmd_key_tag_is_block(in.at[0]))
        return in.len > BLOCK_HEAD && hex_run(span_slice(in, 2, 4)) == 4;
    size_t digits = scheme_digits(in.at[0]);
    return digits > 0 && hex_run(span_slice(in, 1, digits)) == digits;
}

/* One scheme digit and up to two digits of an Atalla variant may end the run. */
static size_t whole_keys(size_t run)
{
    return run - run % SINGLE;
}

/* `key` 0: the scheme does not say; then the ZMK is double wherever that leaves a key. */
static size_t zmk_of(size_t keys, size_t key)
{
    size_t zmk = key < keys ? keys - key : 0;
    if (key > 0 && (zmk == SINGLE || zmk == DOUBLE || zmk == TRIPLE))
        return zmk;
    return keys <= DOUBLE ? SINGLE : keys <= DOUBLE + TRIPLE ? DOUBLE : TRIPLE;
}

size_t hostcmd_key_zmk(struct span in)
{
    if (in.len == 0 || !is_hex(in.at[0]))
        return hostcmd_key_double(in);
    size_t run = hex_run(in);
    struct span rest = span_slice(in, run, in.len);
    if (starts_key(rest))
        return run;
    return zmk_of(whole_keys(run), rest.len > 0 ? scheme_digits(rest.at[0]) : 0);
}

size_t hostcmd_key_zmk_of_cvk(struct span in)
{
    if (in.len == 0 || !is_hex(in.at[0]))
        return hostcmd_key_double(in);
    size_t run = hex_run(in);
    return starts_key(span_slice(in, run, in.len)) ? run : zmk_of(whole_keys(run), DOUBLE);
}

size_t hostcmd_key_before_scheme(struct span in)
{
    if (in.len == 0 || !is_hex(in.at[0]))
        return hostcmd_key_double(in);
    size_t keys = whole_keys(hex_run(in));
    return keys == SINGLE || keys == TRIPLE ? keys : DOUBLE;
}

size_t hostcmd_atalla(struct span in)
{
    size_t n = 0;
    while (n < in.len && n < 2 && is_digit(in.at[n]))
        n++;
    return n;
}

size_t hostcmd_optional_blocks(struct span in)
{
    uint64_t count = 0;
    uint8_t len = 0;
    size_t at = COUNT_LEN;
    if (in.len < COUNT_LEN)
        return COUNT_LEN;
    if (span_decimal(span_slice(in, 0, COUNT_LEN), &count) != ERR_OK)
        return 0;
    for (; count > 0; count--) {
        struct span length = span_slice(in, at + 2, 2);
        if (length.len < 2)
            return in.len + 1;
        if (span_unhex(length, &len, 1) != ERR_OK || len < OPTIONAL_HEAD)
            return 0;
        at += len;
    }
    return at;
}

void hostcmd_key_tagged_generate(const struct env *env, struct buf *out)
{
    static const char tag[] = "UXTYZ";
    uint8_t choice, byte[TRIPLE / 2];
    env_random(env, &choice, sizeof choice);
    env_random(env, byte, sizeof byte);
    uint8_t letter = (uint8_t)tag[choice % (sizeof tag - 1)];
    buf_put_byte(out, letter);
    buf_put_hex(out, byte, scheme_digits(letter) / 2);
}

void hostcmd_atalla_generate(const struct env *env, struct buf *out)
{
    uint8_t number;
    env_random(env, &number, sizeof number);
    buf_put_decimal(out, number % 32, 0);
}

void hostcmd_optional_blocks_generate(const struct env *env, struct buf *out)
{
    uint8_t choice;
    env_random(env, &choice, sizeof choice);
    buf_put_text(out, choice % 2 ? "00" : "01KS1800604B120F9292800000");
}
