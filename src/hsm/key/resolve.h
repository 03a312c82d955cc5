/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the KEY field of a command to a key that is ready to work.
 *
 * Purpose    A KEY text is looked up in a cache of loaded keys; only the first use unwraps, checks and keys cipher contexts. The
 *            order of answers is that of host-commands.md 11: format (12, 21, 26, 83, A2), authentication (A4), LMK of the block
 *            (A3), attributes (A6, A8, A7), parity (10), length (27).
 * Ownership  A loaded key belongs to the cache and is valid until the next call of this header.
 * Threading  As struct hsm: one thread.
 * Limits     HSM_STORAGE entries of user storage unless configured otherwise; texts of up to KEYS_CACHE_TEXT characters are cached.
 */
#ifndef HSM_KEY_RESOLVE_H
#define HSM_KEY_RESOLVE_H

#include "cvv/cvv.h"
#include "hsm/context.h"
#include "keys/block/block.h"

/* The first KEY of the command, by the rule of its row. */
MUST_USE enum err hsm_key_cvk(const struct hsm_context *context, const struct hsm_call *call, struct span text,
                              struct cvv_key **out);
/* The same key if it is loaded already, else NULL; nothing is loaded, counted or marked as used. */
const struct cvv_key *hsm_key_cvk_peek(const struct hsm_context *context, const struct hsm_call *call, struct span text);
const struct cvv_master *hsm_key_master_peek(const struct hsm_context *context, const struct hsm_call *call, struct span text);
MUST_USE enum err hsm_key_master(const struct hsm_context *context, const struct hsm_call *call, struct span text,
                                 struct cvv_master **out);

/* hsm.variant_keys = off in hardened mode, and this LMK is a variant LMK. */
bool hsm_key_barred(const struct hsm_context *context, uint8_t lmk);
/* Where a key stands after K indexes and %NN have been settled. */
struct hsm_key_text {
    struct span text;
    uint8_t lmk;
};
MUST_USE enum err hsm_key_locate(const struct hsm_context *context, const struct hsm_call *call, struct span text,
                                 struct hsm_key_text *out);
/* Unwraps and checks by `rule` (type NULL: variant keys are refused; usages NULL: any block); the caller wipes `out`. Parity is
 * checked, length is not. `header` (may be NULL) is filled for key blocks. */
MUST_USE enum err hsm_key_clear(const struct hsm_context *context, const struct hsm_key_text *at,
                                const struct hostcmd_key_rule *rule, struct keys_header *header, struct secret_key *out);

/* For a key that is made or taken in, as hsm_key_clear does for one that is used: hardened mode refuses weak and mixed-use keys
 * (hsm/key/check.h), compatibility mode none. `header` of a key block; NULL: a variant key of this type code. */
MUST_USE enum err hsm_key_admit(const struct hsm_context *context, struct span type, const struct keys_header *header,
                                const struct secret_key *key);

#endif
