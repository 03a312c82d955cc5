/* SPDX-License-Identifier: Apache-2.0 */
/* Where a KEY ends: its scheme tag says it, or the command where there is no tag (host-commands.md 2). */
#include "hostcmd/internal.h"

enum { SINGLE = 16, DOUBLE = 32, TRIPLE = 48, INDEX = 3, BLOCK_LENGTH_AT = 2, BLOCK_LENGTH_LEN = 4 };

bool hostcmd_key_tag_is_block(uint8_t tag)
{
    return tag == 'S' || tag == 'R';
}

/* `K` and an index, with the tag that the key there would have or without. */
bool hostcmd_key_tag_is_stored(struct span in)
{
    return in.len > 1 && (in.at[0] == 'U' || in.at[0] == 'T' || in.at[0] == 'S') && in.at[1] == 'K';
}

/* Version 1A, then the length of the block without its tag as 4N. */
static size_t block_extent(struct span in)
{
    uint64_t len = 0;
    if (in.len < BLOCK_LENGTH_AT + BLOCK_LENGTH_LEN)
        return in.len + 1; /* too short to tell, and too short for any block */
    if (span_decimal(span_slice(in, BLOCK_LENGTH_AT, BLOCK_LENGTH_LEN), &len) != ERR_OK)
        return 0;
    return 1 + (size_t)len;
}

static bool is_hex(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f');
}

static size_t extent(struct span in, size_t untagged)
{
    if (in.len == 0)
        return 0;
    if (hostcmd_key_tag_is_stored(in))
        return 2 + INDEX;
    switch (in.at[0]) {
    case 'U':
    case 'X':
        return 1 + DOUBLE;
    case 'T':
    case 'Y':
        return 1 + TRIPLE;
    case 'Z':
        return 1 + SINGLE;
    case 'K':
        return 1 + INDEX;
    case 'S':
    case 'R':
        return block_extent(in);
    default:
        return is_hex(in.at[0]) ? untagged : 0;
    }
}

size_t hostcmd_key_single(struct span in)
{
    return extent(in, SINGLE);
}

size_t hostcmd_key_double(struct span in)
{
    return extent(in, DOUBLE);
}

size_t hostcmd_key_triple(struct span in)
{
    return extent(in, TRIPLE);
}

size_t hostcmd_key_result(struct span in)
{
    size_t alone = in.len % 8 == 6 ? in.len - 6 : in.len;
    return extent(in, alone == SINGLE || alone == TRIPLE ? alone : DOUBLE);
}

size_t hostcmd_key_first(struct span in)
{
    return extent(in, in.len == SINGLE || in.len == 2 * SINGLE + 6 ? SINGLE : DOUBLE);
}

static void put_hex(const struct env *env, size_t digits, struct buf *out)
{
    uint8_t byte[TRIPLE / 2];
    env_random(env, byte, digits / 2);
    buf_put_hex(out, byte, digits / 2);
}

static void generate(const struct env *env, size_t untagged, struct buf *out)
{
    static const struct {
        const char *tag;
        size_t digits; /* 0: as many as an untagged key has */
    } form[] = {
        {"", 0}, {"U", DOUBLE}, {"X", DOUBLE}, {"T", TRIPLE}, {"Y", TRIPLE}, {"Z", SINGLE}, {"S00072C0TN00E0001", DOUBLE + 24}};
    uint8_t choice;
    env_random(env, &choice, sizeof choice);
    size_t i = choice % (sizeof form / sizeof form[0]);
    buf_put_text(out, form[i].tag);
    size_t digits = form[i].digits > 0 ? form[i].digits : untagged;
    put_hex(env, digits > TRIPLE ? TRIPLE : digits, out);
    if (digits > TRIPLE)
        put_hex(env, digits - TRIPLE, out);
}

void hostcmd_key_single_generate(const struct env *env, struct buf *out)
{
    generate(env, SINGLE, out);
}

void hostcmd_key_double_generate(const struct env *env, struct buf *out)
{
    generate(env, DOUBLE, out);
}

void hostcmd_key_triple_generate(const struct env *env, struct buf *out)
{
    generate(env, TRIPLE, out);
}
