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
#ifndef HSM_GUARD_STATE_H
#define HSM_GUARD_STATE_H

#include "hostcmd/commands.h"

struct hsm_state;

enum { HSM_AUTHORITIES = 64, HSM_TYPE_SIZE = 4, HSM_ACTIVITY_SIZE = 32 };

MUST_USE enum err hsm_state_create(const struct env *env, struct hsm_state **out);
void hsm_state_destroy(struct hsm_state *state);

/* In secure state no key is used for a host command. */
bool hsm_state_secure(const struct hsm_state *state);
/* Going secure ends every authority. */
void hsm_state_secure_set(struct hsm_state *state, bool secure);

/* One authority; type "": every key type; until_us 0: until it is ended. The same one again gets the new time. */
MUST_USE enum err hsm_state_authorise(struct hsm_state *state, uint8_t lmk, enum hostcmd_activity activity, const char *type,
                                      int64_t until_us);
bool hsm_state_authorised(const struct hsm_state *state, uint8_t lmk, enum hostcmd_activity activity, struct span type);
/* Authorities in force for one LMK. */
size_t hsm_state_count(const struct hsm_state *state, uint8_t lmk);
void hsm_state_end(struct hsm_state *state, uint8_t lmk);
/* False: there was none. */
bool hsm_state_end_one(struct hsm_state *state, uint8_t lmk, enum hostcmd_activity activity, const char *type);
void hsm_state_end_all(struct hsm_state *state);
/* Frees the places of those whose time is over: how many there were. */
size_t hsm_state_expire(struct hsm_state *state);

struct hsm_authority {
    enum hostcmd_activity activity; /* HOSTCMD_OPEN: not in force */
    uint8_t lmk;
    char type[HSM_TYPE_SIZE]; /* "": every key type */
    int64_t until_us;
};
/* `place` 0..HSM_AUTHORITIES-1. */
struct hsm_authority hsm_state_authority(const struct hsm_state *state, size_t place);

/* "import.402.host", or "import.host" for every key type (host-commands.md 6); ERR_PARSE_VALUE for anything else. */
MUST_USE enum err hsm_activity_parse(struct span text, enum hostcmd_activity *activity, char type[static HSM_TYPE_SIZE]);
void hsm_activity_put(enum hostcmd_activity activity, const char *type, struct buf *out);

#endif
