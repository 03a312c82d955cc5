/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The officers of a running HSM: who has proved to be there, and what they decide together.
 *
 * Purpose    Loads the LMKs of a sealed store when enough of its officers have proved themselves, and changes the states of the HSM
 *            when enough of them agree. An officer proves himself with the key that scrypt makes from his passphrase; the
 *            passphrase itself never comes here, and no time is spent on scrypt.
 * Ownership  Works on the parts of one hsm (hsm_context), which outlives it. Shares of officers stand in locked pages until the
 *            load is complete, its time is over, or another decision takes its place.
 * Threading  As struct hsm: one thread.
 * Failure    ERR_AUTHENTICATION: not that officer's key; ERR_RATE: after wrong keys, the time until the next try doubles;
 *            ERR_NOT_AUTHORISED: not now. What is wrong is told in `problem`, one line for people.
 * Limits     One decision is pending at a time, for HSM_PENDING_S. Without a store (public test LMKs) there are no officers, and
 *            decisions need no voices.
 *
 * Example
 *     const struct hsm_decision load = {.deed = HSM_LOAD};
 *     TRY(hsm_officers_salt(o, 2, HSM_LOAD, &salt, problem));           // the officer's own program runs scrypt with it
 *     TRY(hsm_officers_prove(o, 2, key, &load, &voices, problem));      // voices.done after the last one needed
 */
#ifndef HSM_PROCESS_OFFICERS_H
#define HSM_PROCESS_OFFICERS_H

#include "hsm/context.h"
#include "hsm/guard/state.h"
#include "keys/store/store.h"

struct hsm_officers;

enum { HSM_PENDING_S = 300, HSM_TRIES_FREE = 3, HSM_WAIT_MAX_S = 300, HSM_MINUTES_MAX = 720, HSM_PROBLEM = 192 };

struct hsm_officers_config {
    const char *store; /* path; "": none, under test LMKs */
    uint8_t voices;    /* officers that must agree to going online and to an activity */
    bool live_only;    /* refuses test LMKs and stores with a cheap scrypt */
};
MUST_USE enum err hsm_officers_create(const struct hsm_context *context, const struct hsm_officers_config *config,
                                      struct hsm_officers **out);
void hsm_officers_destroy(struct hsm_officers *officers);

enum hsm_deed { HSM_LOAD, HSM_ONLINE, HSM_AUTHORISE };
struct hsm_decision {
    enum hsm_deed deed;
    uint8_t lmk; /* the rest is of HSM_AUTHORISE */
    enum hostcmd_activity activity;
    char type[HSM_TYPE_SIZE]; /* "": every key type */
    uint32_t minutes;         /* 0: until it is ended */
};
struct hsm_voices {
    unsigned have, need;
    bool done;
};
struct hsm_salt {
    struct crypto_kdf_cost cost;
    uint8_t salt[KEYS_STORE_SALT];
    uint8_t officers; /* of the store */
};

/* What the officer's key is made with. */
MUST_USE enum err hsm_officers_salt(struct hsm_officers *o, uint8_t number, enum hsm_deed deed, struct hsm_salt *out,
                                    char problem[static HSM_PROBLEM]);
/* A voice for a decision; the last one needed carries it out. A decision other than the pending one takes its place. */
MUST_USE enum err hsm_officers_prove(struct hsm_officers *o, uint8_t number, const uint8_t key[static KEYS_STORE_KEY],
                                     const struct hsm_decision *decision, struct hsm_voices *out, char problem[static HSM_PROBLEM]);
/* Without officers: carried out at once; ERR_NOT_AUTHORISED where there is a store. */
MUST_USE enum err hsm_officers_decide(struct hsm_officers *o, const struct hsm_decision *decision,
                                      char problem[static HSM_PROBLEM]);

/* What needs no voice, because it only takes away. */
void hsm_officers_secure(struct hsm_officers *o);
void hsm_officers_cancel(struct hsm_officers *o, uint8_t lmk);
/* One activity; ERR_NOT_FOUND: it was not authorised. */
MUST_USE enum err hsm_officers_cancel_one(struct hsm_officers *o, uint8_t lmk, enum hostcmd_activity activity, const char *type);
/* Wipes every LMK, unwrapped key and share, and goes secure. The store's file is not touched. */
void hsm_officers_zeroise(struct hsm_officers *o);

/* Once a second: what is over ends. `officers` is a struct hsm_officers. */
void hsm_officers_tick(void *officers);
/* LMKs are there and the HSM is online. */
bool hsm_officers_ready(const struct hsm_officers *o);
void hsm_officers_metrics(const struct hsm_officers *o, struct buf *out);
/* The states as lines of words for people, each `name value...`. */
void hsm_officers_describe(const struct hsm_officers *o, struct buf *out);

#endif
