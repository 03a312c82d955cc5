/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The states of the HSM: online or secure, and what officers have authorised.
 *
 * Purpose    Answers whether a sensitive command may be done now. An authority is for one LMK, one activity (generate, component,
 *            import, export) and one key type or all of them; it ends at its time, by RA, or when the HSM goes secure.
 * Ownership  The hsm owns its state; nothing of it survives a restart.
 * Threading  As struct hsm: one thread.
 * Failure    ERR_BUSY when HSM_AUTHORITIES are in force.
 * Units      Times are monotonic microseconds of the env.
 */
#ifndef HSM_STATE_H
#define HSM_STATE_H

#include "hostcmd/commands.h"

struct hsm_state;

enum { HSM_AUTHORITIES = 64 };

MUST_USE enum err hsm_state_create(const struct env *env, struct hsm_state **out);
void hsm_state_destroy(struct hsm_state *state);

/* In secure state no key is used for a host command. */
bool hsm_state_secure(const struct hsm_state *state);
/* Going secure ends every authority. */
void hsm_state_secure_set(struct hsm_state *state, bool secure);

/* One authority; type "": every key type; until_us 0: until it is ended. */
MUST_USE enum err hsm_state_authorise(struct hsm_state *state, uint8_t lmk, enum hostcmd_activity activity, const char *type,
                                      int64_t until_us);
bool hsm_state_authorised(const struct hsm_state *state, uint8_t lmk, enum hostcmd_activity activity, struct span type);
/* Authorities in force for one LMK. */
size_t hsm_state_count(const struct hsm_state *state, uint8_t lmk);
void hsm_state_end(struct hsm_state *state, uint8_t lmk);

#endif
