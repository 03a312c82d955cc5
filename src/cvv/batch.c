/* SPDX-License-Identifier: Apache-2.0 */
#include "cvv/batch.h"

#include "crypto/error.h"
#include "cvv/internal.h"

enum { NIBBLES = 16 };

enum err cvv_batch_load(const struct secret_key *pair, struct crypto_des_batch_key *out)
{
    return pair->len == 16 ? crypto_des_batch_load(pair, out) : CRYPTO_ERR_KEY_LENGTH;
}

/* Up to CRYPTO_DES_BATCH_LANES_MAX cards on their way. */
struct lot {
    uint64_t left[CRYPTO_DES_BATCH_LANES_MAX];
    uint64_t right[CRYPTO_DES_BATCH_LANES_MAX];
    struct crypto_des_planes planes;
};

/* ---- decimalisation in planes: each bit of a word is a card ---- */

typedef uint64_t word __attribute__((vector_size(16)));
enum { WORD_UNITS = sizeof(word) / sizeof(uint64_t) };

/* The digits found so far: bit b of the n-th stands in digit[n][b], and a card that has n of them has its bit in has[n]. */
struct found {
    word digit[CVV_BATCH_DIGITS][4];
    word has[CVV_BATCH_DIGITS];
};

/* Cards with a bit in `take` take this digit as their next one. */
static inline void take_digit(struct found *f, const word digit[static 4], word take)
{
    word before = (word){0};
    for (int n = 0; n < CVV_BATCH_DIGITS; n++) {
        word taken = take & f->has[n];
        for (int b = 0; b < 4; b++)
            f->digit[n][b] |= digit[b] & taken;
        f->has[n] ^= taken ^ before;
        before = taken;
    }
}

static inline void read_nibble(const struct crypto_des_planes *planes, unsigned nibble, unsigned unit, word out[static 4])
{
    for (unsigned b = 0; b < 4; b++)
        memcpy(&out[b], &planes->at[60 - 4 * nibble + b][unit], sizeof out[b]);
}

/* First the digits 0..9 from left to right, then A..F less ten, which in bits is: the last stays, the next turns round. */
static void find_digits(const struct crypto_des_planes *planes, unsigned unit, struct found *f)
{
    word n[4];
    *f = (struct found){.has = {~(word){0}}};
    for (unsigned i = 0; i < NIBBLES; i++) {
        read_nibble(planes, i, unit, n);
        take_digit(f, n, ~(n[3] & (n[2] | n[1])));
    }
    for (unsigned i = 0; i < NIBBLES; i++) {
        read_nibble(planes, i, unit, n);
        word less_ten[4] = {n[0], ~n[1], n[2] & n[1], {0}};
        take_digit(f, less_ten, n[3] & (n[2] | n[1]));
    }
}

void cvv_planes_decimalise(struct crypto_des_planes *planes, unsigned units)
{
    struct found f;
    for (unsigned unit = 0; unit < units; unit += WORD_UNITS) {
        find_digits(planes, unit, &f);
        for (unsigned n = 0; n < CVV_BATCH_DIGITS; n++)
            for (unsigned b = 0; b < 4; b++)
                memcpy(&planes->at[8 * n + b][unit], &f.digit[n][b], sizeof f.digit[n][b]);
    }
    secret_wipe(&f, sizeof f);
}

/* ---- lots ---- */

static void pack(const struct cvv_batch_card *cards, size_t count, struct lot *lot, struct cvv_batch_code *out)
{
    for (size_t i = 0; i < count; i++) {
        struct cvv_blocks blocks = {0, 0};
        out[i].err = cvv_pack(&cards[i].pan, cards[i].expiry, cards[i].service, &blocks);
        lot->left[i] = blocks.left;
        lot->right[i] = blocks.right;
    }
}

static void unpack(const uint64_t *numbers, size_t count, struct cvv_batch_code *out)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t kept = (uint64_t)(out[i].err != ERR_OK) - 1;
        uint64_t text = htole64(((numbers[i] & 0x0F0F0F) | 0x303030) & kept);
        memcpy(out[i].digit, &text, CVV_BATCH_DIGITS);
    }
}

void cvv_batch_generate(const struct crypto_des_kernel *kernel, const struct crypto_des_batch_key *key,
                        const struct cvv_batch_card *cards, size_t count, struct cvv_batch_code *out)
{
    ASSERT(kernel->lanes % 64 == 0 && kernel->lanes <= CRYPTO_DES_BATCH_LANES_MAX);
    struct lot lot;
    for (size_t done = 0; done < count; done += kernel->lanes) {
        size_t now = count - done < kernel->lanes ? count - done : kernel->lanes;
        pack(cards + done, now, &lot, out + done);
        crypto_des_batch_chain(kernel, key, lot.left, lot.right, now, &lot.planes);
        cvv_planes_decimalise(&lot.planes, kernel->lanes / 64U);
        crypto_des_batch_scatter(kernel, &lot.planes, lot.left);
        unpack(lot.left, now, out + done);
    }
    secret_wipe(&lot, sizeof lot);
}

/* ---- dynamic codes: each card has a key of its own ---- */

/* The halves of the card keys: before they are enciphered under the master key, then themselves. */
struct card_keys {
    uint64_t first[CRYPTO_DES_BATCH_LANES_MAX];
    uint64_t second[CRYPTO_DES_BATCH_LANES_MAX];
};

static enum err pack_dynamic(const struct cvv_dynamic *card, uint64_t *block, struct cvv_blocks *out)
{
    struct card_pan overlaid = card->pan;
    TRY(cvv_card_block(&card->pan, card->psn, card->method, block));
    memcpy(overlaid.digit, card->overlay, sizeof card->overlay);
    enum err err = cvv_pack(&overlaid, card->expiry, card->service, out);
    secret_wipe(&overlaid, sizeof overlaid);
    return err;
}

static void pack_cards(const struct cvv_dynamic *cards, size_t count, struct lot *lot, struct card_keys *keys,
                       struct cvv_batch_code *out)
{
    for (size_t i = 0; i < count; i++) {
        struct cvv_blocks blocks = {0, 0};
        uint64_t block = 0;
        out[i].err = pack_dynamic(&cards[i], &block, &blocks);
        keys->first[i] = block;
        keys->second[i] = ~block;
        lot->left[i] = blocks.left;
        lot->right[i] = blocks.right;
    }
}

void cvv_batch_dynamic(const struct crypto_des_kernel *kernel, const struct crypto_des_batch_key *master,
                       const struct cvv_dynamic *cards, size_t count, struct cvv_batch_code *out)
{
    ASSERT(kernel->lanes % 64 == 0 && kernel->lanes <= CRYPTO_DES_BATCH_LANES_MAX);
    struct lot lot;
    struct card_keys keys;
    const struct crypto_des_batch_pairs pairs = {keys.first, keys.second};
    for (size_t done = 0; done < count; done += kernel->lanes) {
        size_t now = count - done < kernel->lanes ? count - done : kernel->lanes;
        pack_cards(cards + done, now, &lot, &keys, out + done);
        crypto_des_batch_encrypt(kernel, master, keys.first, keys.first, now);
        crypto_des_batch_encrypt(kernel, master, keys.second, keys.second, now);
        crypto_des_batch_chain_each(kernel, &pairs, lot.left, lot.right, now, &lot.planes);
        cvv_planes_decimalise(&lot.planes, kernel->lanes / 64U);
        crypto_des_batch_scatter(kernel, &lot.planes, lot.left);
        unpack(lot.left, now, out + done);
    }
    secret_wipe(&lot, sizeof lot);
    secret_wipe(&keys, sizeof keys);
}
