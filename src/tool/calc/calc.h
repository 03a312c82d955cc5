/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Computations of security codes with every step shown.
 *
 * Purpose    `countersign-hsm calc` recomputes an algorithm of security-codes.md 3 to 9 from single DES operations, writes
 *            each intermediate value down under the number of its clause, and checks that the product's own function says the same.
 *            The steps share no code with that function: another DES, data as digits where the product has bytes. They share SHA-1,
 *            single AES blocks, the calendar, and the tables of key types and of the test LMK.
 * Ownership  A calc stands in locked pages; tool_calc_destroy wipes inputs, key and steps.
 * Threading  One thread.
 * Failure    The first error sticks; steps after it write nothing. `differs`: the steps and the product disagree, and nothing of
 *            the run may be believed.
 * Limits     TOOL_CALC_STEPS steps; keys of up to 32 bytes.
 */
#ifndef TOOL_CALC_CALC_H
#define TOOL_CALC_CALC_H

#include "base/env.h"
#include "base/secret.h"
#include "wire/wire.h"

enum { TOOL_CALC_STEPS = 192, TOOL_CALC_TEXT = 32768, TOOL_CALC_NUMBER = 16, TOOL_CALC_BLOCK = 8 };

/* The inputs of all algorithms; each has rows for those that it takes. */
struct tool_calc_in {
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
    WIRE_TEXT(79) track1;
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

struct tool_calc_step {
    char number[TOOL_CALC_NUMBER]; /* of the clause: 3.2 */
    const char *name;
    const char *how;
    size_t at; /* of its value in the text */
    size_t len;
};

struct tool_calc {
    struct secret_pages pages;
    struct tool_calc_in in;
    struct secret_key key;
    struct tool_calc_step step[TOOL_CALC_STEPS];
    size_t count;
    struct buf text;
    const char *prefix; /* in front of the numbers of a computation inside another */
    enum err err;
    bool differs;
    char result[72];
    uint8_t room[TOOL_CALC_TEXT];
};

MUST_USE enum err tool_calc_create(struct tool_calc **out);
void tool_calc_destroy(struct tool_calc *calc);

/* ---- steps ---- */

void tool_calc_text(struct tool_calc *c, const char *number, const char *name, const char *how, struct span value);
void tool_calc_hex(struct tool_calc *c, const char *number, const char *name, const char *how, struct span value);
/* One single DES operation. */
struct tool_calc_des {
    const uint8_t *key; /* 8 bytes */
    bool decrypt;
};
void tool_calc_des(struct tool_calc *c, const char *number, const char *name, const char *how, struct tool_calc_des des,
                   uint8_t block[static 8]);
/* Triple DES under a double-length key (EDE2; DED to decrypt), shown as NUMBER.1 to NUMBER.3; `name` is that of the last. */
void tool_calc_ede(struct tool_calc *c, const char *number, const char *name, const uint8_t pair[static 16], bool decrypt,
                   uint8_t block[static 8]);
/* Both passes over the nibbles of a block, shown as NUMBER.1 to NUMBER.3; gives as many digits as there are nibbles. */
void tool_calc_decimalise(struct tool_calc *c, const char *number, struct span block, char *out);
void tool_calc_result(struct tool_calc *c, struct span value);
/* The rightmost four digits of a number, zeros in front; checked against the product's. */
void tool_calc_overlay(struct tool_calc *c, uint64_t number, char out[static 4]);
/* The product's own outcome of the same; the steps so far are worth nothing if it differs. */
void tool_calc_agree(struct tool_calc *c, enum err err, const void *steps, const void *product, size_t len);

/* ---- algorithms ---- */

struct tool_calc_algorithm {
    const char *name;
    const char *doc;
    const char *clause; /* a section of security-codes.md 3 to 9, or a page and its section */
    const struct wire_record *input;
    const char *key; /* what the key is; NULL: takes none */
    void (*run)(struct tool_calc *c);
};
extern const struct tool_calc_algorithm tool_calc_codes[], tool_calc_keys[]; /* end with a NULL name */

/* Clause 3 under the prefix in force: the code of `digits` digits. */
struct tool_calc_cvv {
    const uint8_t *pair;
    struct span pan;
    struct span expiry;
    struct span service;
    size_t digits;
};
void tool_calc_cvv(struct tool_calc *c, const struct tool_calc_cvv *in, char out[static 16]);
/* Clause 4: the card key. */
void tool_calc_card_key(struct tool_calc *c, uint8_t out[static 16]);
/* Clause 8, and clause 9. */
void tool_calc_cvc3(struct tool_calc *c);
void tool_calc_csc(struct tool_calc *c);

#endif
