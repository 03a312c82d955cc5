/* SPDX-License-Identifier: Apache-2.0 */
/*
 * R and S blocks of any bytes under every kind of wrapping key: a key of a legal length or an error of the list, and nothing
 * written on failure. What opens is wrapped again with its own header and must open into the same key. Optional blocks are walked
 * by themselves, too: that walk comes before any authentication.
 */
#include "keys/block/tr31.h"
#include "keys/error.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The wrapping keys of the published vectors, so that the corpus opens. */
static const struct secret_key kbpks[] = {
    {16, {0xEF, 0xE0, 0x85, 0x3B, 0x25, 0x6B, 0x58, 0x3D, 0x86, 0x8F, 0x25, 0x1C, 0xE9, 0x9E, 0xA1, 0xD9}},
    {16, {0xDD, 0x75, 0x15, 0xF2, 0xBF, 0xC1, 0x7F, 0x85, 0xCE, 0x48, 0xF3, 0xCA, 0x25, 0xCB, 0x21, 0xF6}},
    {16, {0xB8, 0xED, 0x59, 0xE0, 0xA2, 0x79, 0xA2, 0x95, 0xE9, 0xF5, 0xED, 0x79, 0x44, 0xFD, 0x06, 0xB9}},
    {32, {0x88, 0xE1, 0xAB, 0x2A, 0x2E, 0x3D, 0xD3, 0x8C, 0x1F, 0xA0, 0x39, 0xA5, 0x36, 0x50, 0x0C, 0xC8,
          0xA8, 0x7A, 0xB9, 0xD6, 0x2D, 0xC9, 0x2C, 0x01, 0x05, 0x8F, 0xA7, 0x9F, 0x44, 0x65, 0x7D, 0xE6}},
};

static void no_random(void *context, void *out, size_t len)
{
    (void)context;
    memset(out, 0, len);
}

static enum err unwrap(char tag, const struct secret_key *kbpk, struct span text, struct keys_header *header,
                       struct secret_key *key)
{
    return tag == 'R' ? keys_tr31_unwrap(kbpk, text, header, key) : keys_block_unwrap_under(kbpk, text, header, key);
}

static void wrap_again(char tag, const struct secret_key *kbpk, const struct keys_header *header, const struct secret_key *key)
{
    static const struct env env = {.random_fill = no_random};
    char room[KEYS_BLOCK_MAX];
    struct buf b = buf_over(room, sizeof room);
    struct keys_header again;
    struct secret_key back;
    enum err err = tag == 'R' ? keys_tr31_wrap(kbpk, header->format, header, key, &env, &b)
                              : keys_block_wrap_under(kbpk, header, key, &env, &b);
    if (err == KEYS_ERR_BLOCK_LENGTH)
        return; /* without the padding of another maker a block of full length may need a PB that has no room */
    if (err != ERR_OK || unwrap(tag, kbpk, buf_span(&b), &again, &back) != ERR_OK)
        abort();
    if (back.len != key->len || memcmp(back.at, key->at, key->len) != 0 || !span_equal(again.blocks, header->blocks))
        abort();
}

static void walk(struct span left)
{
    struct keys_optional o;
    size_t before = left.len;
    while (keys_optional_next(&left, &o)) {
        if (left.len >= before || o.data.len >= o.whole.len || o.whole.len != before - left.len)
            abort();
        before = left.len;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = span_of(data, size);
    walk(text);
    for (size_t i = 0; i < sizeof kbpks / sizeof kbpks[0]; i++)
        for (const char *tag = "RS"; *tag; tag++) {
            struct secret_key key = {.len = 99};
            struct keys_header header = {.mode = '?'};
            enum err err = unwrap(*tag, &kbpks[i], text, &header, &key);
            if (err_row(err)->class == ERR_CLASS_INTERNAL || (err != ERR_OK && (key.len != 99 || header.mode != '?')))
                abort();
            if (err == ERR_OK && (key.len < 8 || key.len > sizeof key.at))
                abort();
            if (err == ERR_OK)
                wrap_again(*tag, &kbpks[i], &header, &key);
        }
    return 0;
}
