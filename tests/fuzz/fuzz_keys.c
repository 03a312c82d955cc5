/* SPDX-License-Identifier: Apache-2.0 */
/* KEY texts and key blocks of any bytes: a key of a legal length or an error of the list; nothing is written on failure. */
#include "keys/block/block.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(enum err err, const struct secret_key *key)
{
    if (err != ERR_OK && key->len != 99)
        abort();
    if (err == ERR_OK && (key->len < 8 || key->len > sizeof key->at))
        abort();
    if (err_row(err)->class == ERR_CLASS_INTERNAL)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct keys_lmk_set *lmks;
    static const struct secret_key zmk = {16, {1, 2, 4, 7, 8, 11, 13, 14, 16, 19, 21, 22, 25, 26, 28, 31}};
    if (!lmks && (keys_lmk_set_create(&lmks) != ERR_OK || keys_lmk_add_test_variant(lmks, 0) != ERR_OK ||
                  keys_lmk_add_test_block(lmks, 1) != ERR_OK))
        abort();
    struct span text = span_of(data, size);
    struct secret_key key = {.len = 99};
    struct keys_header header;
    struct keys_type_place place = {.pair = 7, .variant = 4};
    if (keys_block_extent(text) > size)
        abort();
    check(keys_block_unwrap(lmks, 1, text, &header, &key), &key);
    key.len = 99;
    check(keys_block_unwrap_under(&zmk, text, &header, &key), &key);
    key.len = 99;
    check(keys_unwrap(lmks, 0, place, text, &key), &key);
    key.len = 99;
    check(keys_zmk_unwrap(&zmk, text, &key), &key);
    if (keys_type_place(text, &place) == ERR_OK && (place.pair > 19 || place.variant > 9))
        abort();
    return 0;
}
