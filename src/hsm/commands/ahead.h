/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Codes computed ahead: many commands that arrive together under one key share the bit-sliced cipher. Inside the room.
 *
 * Purpose    hsm_ahead_prepare looks at the commands of one turn before the first of them is answered. It parses CW and CY, QY and
 *            PM, finds which of them share a key, and computes their codes at once. Each command is then answered in its turn by
 *            its own handler, with every check; where the handler would compute, it takes the code that is already there
 *            (hsm/commands/prepared.h).
 * Ownership  The hsm owns it; requests, keys and codes stand in secret pages and are wiped by hsm_ahead_clear.
 * Threading  As struct hsm: one thread.
 * Failure    None after creation: whatever cannot be prepared is done in its turn.
 * Limits     HSM_AHEAD_FRAMES commands at a time, HSM_AHEAD_KEYS keys; fewer than HSM_AHEAD_LEAST commands of a key do not pay.
 *            Preparing has no effect but on speed: nothing is counted, loaded or refused, and a code is taken only under the very
 *            key it was made with.
 */
#ifndef HSM_COMMANDS_AHEAD_H
#define HSM_COMMANDS_AHEAD_H

#include "hsm/commands/prepared.h"
#include "hsm/context.h"

struct hsm_ahead;

enum { HSM_AHEAD_FRAMES = 512, HSM_AHEAD_KEYS = 8, HSM_AHEAD_LEAST = 24 };

MUST_USE enum err hsm_ahead_create(struct hsm_ahead **out);
void hsm_ahead_destroy(struct hsm_ahead *ahead);

/* `count` up to HSM_AHEAD_FRAMES; the payloads must stay until hsm_ahead_clear. */
void hsm_ahead_prepare(const struct hsm_context *context, struct hsm_ahead *ahead, const struct hsm_ask *ask, size_t count);
void hsm_ahead_clear(struct hsm_ahead *ahead);

/* Codes made so far. */
uint64_t hsm_ahead_codes(const struct hsm_ahead *ahead);

/* NULL: the command is to be parsed. */
struct hsm_prepared *hsm_ahead_prepared(struct hsm_ahead *ahead, size_t i);

#endif
