/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What hardened mode asks of a clear key before it serves or is made.
 *
 * Purpose    Refuses single-length CVKs, equal halves, weak keys, and keys that have been seen in another use: who computes CVVs
 *            with a key must not be able to decipher data with it. Inside the room; handlers call hsm_key_admit.
 * Ownership  The checks own their memory of keys: keyed hashes in locked pages, under a random key of this start.
 * Threading  As struct hsm: one thread.
 * Failure    27 single length, 75 equal halves, 29 weak or in another use, A8 mode N.
 * Limits     The last HSM_CHECK_KEYS keys are remembered, the oldest of a full set is forgotten; nothing survives a restart. Usages
 *            of key blocks and type codes of variant keys that stand for each other (hsm/key/header.c) are one use.
 */
#ifndef HSM_KEY_CHECK_H
#define HSM_KEY_CHECK_H

#include "keys/block/block.h"

enum { HSM_CHECK_KEYS = 4096 };

struct hsm_key_check;

MUST_USE enum err hsm_key_check_create(const struct env *env, struct hsm_key_check **out);
void hsm_key_check_destroy(struct hsm_key_check *check);

/* `header` of a key block; NULL: a variant key of this type code. */
MUST_USE enum err hsm_key_check_run(struct hsm_key_check *check, struct span type, const struct keys_header *header,
                                    const struct secret_key *key);

#endif
