/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Codes of many cards under one key.
 *
 * Purpose    The same codes as cvv_generate and cvv_dynamic_generate with three digits, hundreds at a time on the bit-sliced DES of
 *            crypto/des_batch.h. A bad card gets its error and does not hold up the others.
 * Ownership  The key is crypto_des_batch_load's; cards and codes are the caller's.
 * Threading  Free of state.
 * Failure    In each code: as the single function for that card. The digits of a card in error are zero bytes.
 * Limits     Any number of cards. The work comes in lots of `kernel->lanes`: a few cards cost as much as a whole lot.
 *
 * Example
 *     struct crypto_des_batch_key key;
 *     TRY(cvv_batch_load(&cvk, &key));
 *     cvv_batch_generate(crypto_des_kernel_best(), &key, cards, count, codes);
 *     crypto_des_batch_unload(&key);
 */
#ifndef CVV_BATCH_H
#define CVV_BATCH_H

#include "crypto/des_batch.h"
#include "cvv/cvv.h"

enum { CVV_BATCH_DIGITS = 3 };

struct cvv_batch_card {
    struct card_pan pan;
    char expiry[4];
    char service[3];
};

struct cvv_batch_code {
    enum err err;
    char digit[CVV_BATCH_DIGITS];
};

/* CRYPTO_ERR_KEY_LENGTH unless it is double length. */
MUST_USE enum err cvv_batch_load(const struct secret_key *pair, struct crypto_des_batch_key *out);

void cvv_batch_generate(const struct crypto_des_kernel *kernel, const struct crypto_des_batch_key *key,
                        const struct cvv_batch_card *cards, size_t count, struct cvv_batch_code *out);

/* The codes of cvv_dynamic_generate, of cards that share a master key. */
void cvv_batch_dynamic(const struct crypto_des_kernel *kernel, const struct crypto_des_batch_key *master,
                       const struct cvv_dynamic *cards, size_t count, struct cvv_batch_code *out);

#endif
