/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Card security codes: pure computations over a loaded key.
 *
 * Purpose    CVV, CVC1, CVV2, CVC2, iCVV, CAVV (one algorithm, different service codes), EMV card keys, Visa dCVV, one-time codes
 *            and window codes (T0). Nothing here knows of LMKs, wires or cards on file.
 * Ownership  cvv_key_load and cvv_master_load make, the unload functions wipe and free; moved but never copied.
 * Threading  A loaded key belongs to one thread at a time.
 * Failure    Fields outside their rule: ERR_PARSE_CHARACTER or ERR_PARSE_VALUE; keys that are not double length:
 *            CRYPTO_ERR_KEY_LENGTH.
 * Limits     PAN 12..19 digits, expiry 4 digits handed through unchanged (neither reordered nor checked for a month), service code
 *            3 digits, 1..16 digits out. Codes are compared with secret_code_equal.
 *
 * Example
 *     struct cvv_key key;
 *     struct code_digits code;
 *     TRY(cvv_key_load(&cvk, &key));
 *     TRY(cvv_generate(&key, &pan, "8701", "101", 3, &code));
 *     cvv_key_unload(&key);
 */
#ifndef CVV_CVV_H
#define CVV_CVV_H

#include "base/secret.h"
#include "base/verdict.h"
#include "card/card.h"
#include "crypto/des.h"

#include <stdint.h>

/* ---- CVV ---- */

struct cvv_key {
    struct crypto_des left; /* KA alone */
    struct crypto_des pair; /* KA, KB */
};

MUST_USE enum err cvv_key_load(const struct secret_key *pair, struct cvv_key *out);
void cvv_key_unload(struct cvv_key *key);

MUST_USE enum err cvv_generate(struct cvv_key *key, const struct card_pan *pan, const char expiry[static 4],
                               const char service[static 3], uint8_t digits, struct code_digits *out);
/* The block before decimalisation. */
MUST_USE enum err cvv_block(struct cvv_key *key, const struct card_pan *pan, const char expiry[static 4],
                            const char service[static 3], uint8_t out[static CRYPTO_DES_BLOCK]);
/* Two passes: first 0..9 from left to right, then A..F as digit minus 10. `hex_digits` of the block are looked at. */
void cvv_decimalise(const uint8_t *block, size_t hex_digits, uint8_t digits, struct code_digits *out);

/* Whether the code that was given is the right one, of any algorithm; in constant time. */
enum verdict cvv_verdict(const struct code_digits *right, const struct code_digits *given);

/* CAVV: the unpredictable number stands for the expiry, authentication result and second factor codes for the service code. */
MUST_USE static inline enum err cvv_cavv(struct cvv_key *key, const struct card_pan *pan, const char unpredictable[static 4],
                                         const char result_and_factor[static 3], struct code_digits *out)
{
    return cvv_generate(key, pan, unpredictable, result_and_factor, 3, out);
}

/* ---- card keys (EMV Book 2, annex A1.4) ---- */

enum cvv_method { CVV_METHOD_A = 'A', CVV_METHOD_B = 'B' };

/* B is computed for any length here; the wire refuses it for PANs of 16 digits or fewer. */
MUST_USE enum err cvv_card_key(struct crypto_des *master, const struct card_pan *pan, const char psn[static 2],
                               enum cvv_method method, struct secret_key *out);

/* ---- dynamic codes ---- */

struct cvv_master {
    struct crypto_des master;
    struct cvv_key card; /* contexts re-keyed for each card */
};
MUST_USE enum err cvv_master_load(const struct secret_key *pair, struct cvv_master *out);
void cvv_master_unload(struct cvv_master *master);

struct cvv_dynamic {
    struct card_pan pan;
    enum cvv_method method;
    char psn[2];
    char expiry[4];
    char service[3];
    char overlay[4]; /* replaces the first four digits of the PAN */
};
/* The card key, loaded; valid until the master is asked for another one. */
MUST_USE enum err cvv_master_card(struct cvv_master *master, const struct cvv_dynamic *in, struct cvv_key **out);
/* Visa dCVV; one-time and window codes differ in where the overlay comes from. */
MUST_USE enum err cvv_dynamic_generate(struct cvv_master *master, const struct cvv_dynamic *in, struct code_digits *out);

/* The rightmost four decimal digits: counters and windows 10,000 apart coincide. */
void cvv_overlay(uint64_t number, char out[static 4]);

/* Window codes, algorithm T0. */
enum { CVV_TWU_MIN = 1, CVV_TWU_MAX = 18 };
/* floor(unix time / (3600 x TWU)), anchored at the epoch; ERR_PARSE_VALUE for a negative time or a TWU outside 1..18. */
MUST_USE enum err cvv_window_index(int64_t unix_seconds, unsigned twu_hours, uint64_t *out);

#endif
