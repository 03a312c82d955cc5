/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Computations of security codes with every step shown.
 *
 * Purpose    `countersign-hsm calc` recomputes an algorithm of security-codes.md 3 to 9 from single DES operations, writes
 *            each intermediate value down under the number of its clause, and checks that the product's own function says the same.
 * Ownership  A calc stands in locked pages; hsm_calc_destroy wipes inputs, key and steps.
 * Threading  One thread.
 * Failure    The first error sticks; steps after it write nothing. `differs`: the steps and the product disagree, and nothing of
 *            the run may be believed.
 * Limits     HSM_CALC_STEPS steps; keys of up to 32 bytes.
 */
#ifndef MAIN_HSM_CALC_H
#define MAIN_HSM_CALC_H

#include "base/env.h"
#include "base/secret.h"
#include "wire/wire.h"

enum { HSM_CALC_STEPS = 192, HSM_CALC_TEXT = 32768, HSM_CALC_NUMBER = 16 };

/* The inputs of all algorithms; each has rows for those that it takes. */
struct hsm_calc_in {
    WIRE_TEXT(19) pan;
    WIRE_TEXT(4) expiry;
    WIRE_TEXT(3) service;
    WIRE_TEXT(2) digits;
    WIRE_TEXT(2) psn;
    WIRE_TEXT(1) method;
    WIRE_TEXT(6) atc;
    WIRE_TEXT(10) time;
    WIRE_TEXT(2) twu;
    WIRE_TEXT(64) track;
    WIRE_TEXT(4) iv;
    WIRE_TEXT(8) unpredictable;
    WIRE_TEXT(19) account;
    WIRE_TEXT(1) flag;
    WIRE_TEXT(40) block;
    WIRE_TEXT(1) algorithm;
    WIRE_TEXT(3) type;
    WIRE_TEXT(1) scheme;
    WIRE_TEXT(64) text;
};

struct hsm_calc_step {
    char number[HSM_CALC_NUMBER]; /* of the clause: 3.2 */
    const char *name;
    const char *how;
    size_t at; /* of its value in the text */
    size_t len;
};

struct hsm_calc {
    struct secret_pages pages;
    struct hsm_calc_in in;
    struct secret_key key;
    struct hsm_calc_step step[HSM_CALC_STEPS];
    size_t count;
    struct buf text;
    const char *prefix; /* in front of the numbers of a computation inside another */
    enum err err;
    bool differs;
    char result[72];
    uint8_t room[HSM_CALC_TEXT];
};

MUST_USE enum err hsm_calc_create(struct hsm_calc **out);
void hsm_calc_destroy(struct hsm_calc *calc);

/* ---- steps ---- */

void hsm_calc_text(struct hsm_calc *c, const char *number, const char *name, const char *how, struct span value);
void hsm_calc_hex(struct hsm_calc *c, const char *number, const char *name, const char *how, struct span value);
/* One single DES operation. */
struct hsm_calc_des {
    const uint8_t *key; /* 8 bytes */
    bool decrypt;
};
void hsm_calc_des(struct hsm_calc *c, const char *number, const char *name, const char *how, struct hsm_calc_des des,
                  uint8_t block[static 8]);
/* Triple DES under a double-length key (EDE2; DED to decrypt), shown as NUMBER.1 to NUMBER.3; `name` is that of the last. */
void hsm_calc_ede(struct hsm_calc *c, const char *number, const char *name, const uint8_t pair[static 16], bool decrypt,
                  uint8_t block[static 8]);
/* Both passes over the nibbles of a block, shown as NUMBER.1 to NUMBER.3; gives as many digits as there are nibbles. */
void hsm_calc_decimalise(struct hsm_calc *c, const char *number, struct span block, char *out);
void hsm_calc_result(struct hsm_calc *c, struct span value);
/* The product's own outcome of the same; the steps so far are worth nothing if it differs. */
void hsm_calc_agree(struct hsm_calc *c, enum err err, const void *steps, const void *product, size_t len);

/* ---- algorithms ---- */

struct hsm_calc_algorithm {
    const char *name;
    const char *doc;
    const char *clause; /* a section of security-codes.md 3 to 9, or a page and its section */
    const struct wire_record *input;
    const char *key; /* what the key is; NULL: takes none */
    void (*run)(struct hsm_calc *c);
};
extern const struct hsm_calc_algorithm hsm_calc_codes[], hsm_calc_keys[]; /* end with a NULL name */

/* Clause 3 under the prefix in force: the code of `digits` digits. */
struct hsm_calc_cvv {
    const uint8_t *pair;
    struct span pan;
    struct span expiry;
    struct span service;
    size_t digits;
};
void hsm_calc_cvv(struct hsm_calc *c, const struct hsm_calc_cvv *in, char out[static 16]);
/* Clause 4: the card key. */
void hsm_calc_card_key(struct hsm_calc *c, uint8_t out[static 16]);
/* Clause 8, and clause 9. */
void hsm_calc_cvc3(struct hsm_calc *c);
void hsm_calc_csc(struct hsm_calc *c);

#endif
