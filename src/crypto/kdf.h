/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A key from a passphrase: scrypt (RFC 7914).
 *
 * Purpose    Makes each guess at an officer's passphrase cost memory and time.
 * Ownership  `out` is the caller's to wipe.
 * Threading  Free of state; takes 128 * r * 2^log2n bytes and, at the default cost, about half a second.
 * Failure    ERR_PARSE_VALUE for a cost outside the limits; CRYPTO_ERR_FAILED if the library refuses (out of memory); `out` is
 *            wiped.
 * Limits     log2n 4..20, r 1..32, p 1..16, and at most 1 GiB in all.
 */
#ifndef CRYPTO_KDF_H
#define CRYPTO_KDF_H

#include "base/buf.h"

struct crypto_kdf_cost {
    uint8_t log2n; /* N = 2^log2n */
    uint8_t r;
    uint8_t p;
};

/* OWASP Password Storage: N = 2^17, r = 8, p = 1, which is 128 MiB. */
#define CRYPTO_KDF_COST_DEFAULT ((struct crypto_kdf_cost){17, 8, 1})

/* Within the limits. */
bool crypto_kdf_cost_allowed(struct crypto_kdf_cost cost);
MUST_USE enum err crypto_kdf_scrypt(struct span passphrase, struct span salt, struct crypto_kdf_cost cost, uint8_t *out,
                                    size_t len);

#endif
