/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vault: PANs at rest.
 *
 * Purpose    From one 32-byte master key per installation come, by HKDF-SHA-256 and purpose, a key for PAN MACs (the database
 *            looks cards up by MAC, never by number) and a key for sealing (AES-256-GCM). PCI DSS 4.0 3.5.1.1: a keyed hash of the
 *            whole PAN.
 * Ownership  vault_open makes, vault_close wipes and frees.
 * Threading  A vault belongs to one thread at a time; open one a thread.
 * Failure    vault_unseal gives ERR_PARSE_VALUE for a changed byte, other AAD, another key or key version; nothing is left in
 *            `out`.
 * Limits     Sealed = version 1B | nonce 12B | ciphertext | tag 16B. Plaintexts up to 4,096 bytes. A key is to be retired before
 *            2^32 sealings.
 *
 * Example
 *     TRY(vault_open_file("vault.key", "ledger", &vault));
 *     TRY(vault_pan_mac(vault, card_pan_span(&pan), mac));
 *     TRY(vault_seal(vault, env, span_of(card_id, 36), card_pan_span(&pan), &sealed));
 */
#ifndef CRYPTO_VAULT_H
#define CRYPTO_VAULT_H

#include "base/buf.h"
#include "base/env.h"

enum { VAULT_MASTER = 32, VAULT_MAC = 32, VAULT_OVERHEAD = 1 + 12 + 16, VAULT_PLAIN_MAX = 4096, VAULT_VERSION = 1 };

struct vault;

/* Vaults of equal master and equal purpose can read each other. */
MUST_USE enum err vault_open(const uint8_t master[static VAULT_MASTER], const char *purpose, struct vault **out);
/* Reads 64 hexadecimal digits (and a newline) from a file that only its owner may read; else ERR_CONFIG. */
MUST_USE enum err vault_open_file(const char *path, const char *purpose, struct vault **out);
void vault_close(struct vault *vault);

/* HMAC-SHA-256 over the entire PAN as ASCII digits. */
MUST_USE enum err vault_pan_mac(struct vault *vault, struct span digits, uint8_t out[static VAULT_MAC]);
MUST_USE enum err vault_seal(struct vault *vault, const struct env *env, struct span aad, struct span plain, struct buf *out);
MUST_USE enum err vault_unseal(struct vault *vault, struct span aad, struct span sealed, struct buf *out);

#endif
