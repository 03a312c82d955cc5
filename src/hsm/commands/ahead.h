/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Codes worked out ahead, for files of the room: many commands that arrive together under one key share the bit-sliced cipher.
 *
 * Purpose    hsm_batch_prepare looks at the commands of one turn before the first of them is answered. It parses CW and CY, QY and
 *            PM, finds which of them share a key, and computes their codes at once. Each command
 *            is then answered in its turn by its own handler, with every check; where the handler would compute, it takes the code
 *            that is already there.
 * Ownership  The hsm owns it; requests, keys and codes stand in secret pages and are wiped by hsm_batch_clear.
 * Threading  As struct hsm: one thread.
 * Failure    None after creation: whatever cannot be prepared is done in its turn.
 * Limits     HSM_BATCH_FRAMES commands at a time, HSM_BATCH_KEYS keys; fewer than HSM_BATCH_LEAST commands of a key do not pay.
 *            Preparing has no effect but on speed: nothing is counted, loaded or refused, and a code is taken only under the very
 *            key it was made with.
 */
#ifndef HSM_COMMANDS_AHEAD_H
#define HSM_COMMANDS_AHEAD_H

#include "cvv/cvv.h"
#include "hsm/context.h"

struct hsm_batch;

enum { HSM_BATCH_FRAMES = 512, HSM_BATCH_KEYS = 8, HSM_BATCH_LEAST = 24 };

MUST_USE enum err hsm_batch_create(struct hsm_batch **out);
void hsm_batch_destroy(struct hsm_batch *batch);

/* `count` up to HSM_BATCH_FRAMES; the payloads must stay until hsm_batch_clear. */
void hsm_batch_prepare(struct hsm *hsm, struct hsm_batch *batch, const struct hsm_ask *ask, size_t count);
void hsm_batch_clear(struct hsm_batch *batch);

/* Codes made so far. */
uint64_t hsm_batch_codes(const struct hsm_batch *batch);

/* What is known of a command ahead of its turn. */
struct hsm_prepared {
    bool parsed;
    bool made; /* `code` is that of the request under `key` */
    struct hostcmd_tail tail;
    union {
        struct hostcmd_cw cw;
        struct hostcmd_cy cy;
        struct hostcmd_qy qy;
        struct hostcmd_pm pm;
    } request;
    bool dynamic; /* under a master key, with this overlay */
    char overlay[4];
    const struct secret_key *loaded; /* while preparing: that of the key in the cache */
    const struct secret_key *key;
    struct code_digits code;
};

/* NULL: the command is to be parsed. */
struct hsm_prepared *hsm_batch_prepared(struct hsm_batch *batch, size_t i);
/* True: `out` is the code of the prepared request, which was made under this key. `prepared` NULL: false. */
bool hsm_prepared_code(const struct hsm_prepared *prepared, const struct secret_key *key, struct code_digits *out);
/* The same for a dynamic code, and only if it was made with this overlay: a window may have ended in between. */
bool hsm_prepared_dynamic(const struct hsm_prepared *prepared, const struct secret_key *key, const char overlay[static 4],
                          struct code_digits *out);

#endif
