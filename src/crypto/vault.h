/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vault: PANs at rest.
 *
 * Purpose    From one 32-byte master key per installation come, by HKDF-SHA-256 and purpose, a key for PAN MACs (the database
 *            looks cards up by MAC, never by number) and a key for sealing (AES-256-GCM). PCI DSS 4.0 3.5.1.1: a keyed hash of the
 *            whole PAN.
 * Ownership  crypto_vault_open makes, crypto_vault_close wipes and frees.
 * Threading  A vault belongs to one thread at a time; open one a thread.
 * Failure    crypto_vault_unseal gives ERR_PARSE_VALUE for a changed byte, other AAD, another key or key version; nothing is left
 *            in `out`.
 * Limits     Sealed = version 1B | nonce 12B | ciphertext | tag 16B. Plaintexts up to 4,096 bytes. A key is to be retired before
 *            2^32 sealings.
 *
 * Example
 *     TRY(crypto_vault_open_file("vault.key", "ledger", &vault));
 *     TRY(crypto_vault_pan_mac(vault, card_pan_span(&pan), mac));
 *     TRY(crypto_vault_seal(vault, env, span_of(card_id, 36), card_pan_span(&pan), &sealed));
 */
#ifndef CRYPTO_VAULT_H
#define CRYPTO_VAULT_H

#include "base/buf.h"
#include "base/env.h"

enum {
    CRYPTO_VAULT_MASTER = 32,
    CRYPTO_VAULT_MAC = 32,
    CRYPTO_VAULT_OVERHEAD = 1 + 12 + 16,
    CRYPTO_VAULT_PLAIN_MAX = 4096,
    CRYPTO_VAULT_VERSION = 1
};

struct crypto_vault;

/* Vaults of equal master and equal purpose can read each other. */
MUST_USE enum err crypto_vault_open(const uint8_t master[static CRYPTO_VAULT_MASTER], const char *purpose,
                                    struct crypto_vault **out);
/* Reads 64 hexadecimal digits (and a newline) from a file that only its owner may read; else ERR_CONFIG. */
MUST_USE enum err crypto_vault_open_file(const char *path, const char *purpose, struct crypto_vault **out);
void crypto_vault_close(struct crypto_vault *vault);

/* HMAC-SHA-256 over the entire PAN as ASCII digits. */
MUST_USE enum err crypto_vault_pan_mac(struct crypto_vault *vault, struct span digits, uint8_t out[static CRYPTO_VAULT_MAC]);
/* The same over any other text that may not be found by trying; never that of a PAN. */
MUST_USE enum err crypto_vault_text_mac(struct crypto_vault *vault, struct span text, uint8_t out[static CRYPTO_VAULT_MAC]);
MUST_USE enum err crypto_vault_seal(struct crypto_vault *vault, const struct env *env, struct span aad, struct span plain,
                                    struct buf *out);
MUST_USE enum err crypto_vault_unseal(struct crypto_vault *vault, struct span aad, struct span sealed, struct buf *out);

#endif
