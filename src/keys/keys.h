/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys under local master keys: variant scheme, key types, check values, parity.
 *
 * Purpose    Turns the KEY text of a host command into a clear key and back. Key blocks are in keys/block/block.h, the cache of
 *            loaded keys in keys/cache.h.
 * Ownership  The LMK set is opaque and lives in locked, undumpable pages; keys_lmk_set_destroy wipes it. Clear keys are values
 *            that the holder wipes (SECRET_KEY).
 * Threading  Loading belongs to one thread; a loaded set may be read from several.
 * Failure    Errors carry their host-command codes: 13 LMK, 26 scheme, 27 length, 10 parity, 15 characters.
 * Limits     LMK identifiers 00..99; single, double and triple length TDES keys.
 *
 * Example
 *     TRY(keys_lmk_set_create(&set));
 *     TRY(keys_lmk_add_test_variant(set, 0));
 *     TRY(keys_type_place(span_text("402"), &cvk_type));
 *     TRY(keys_unwrap(set, 0, cvk_type, span_text("U9B4934384B19946B040CD702B4D58145"), &cvk));
 */
#ifndef KEYS_KEYS_H
#define KEYS_KEYS_H

#include "base/buf.h"
#include "base/env.h"
#include "base/secret.h"

#include <stdbool.h>

/* ---- local master keys ---- */

enum { KEYS_LMK_IDS = 100, KEYS_PAIRS = 20, KEYS_CHECK = 16, KEYS_COMMENT = 32, KEYS_MATERIAL = KEYS_PAIRS * 16 };
/* An old LMK, which BW translates from, stands in the set as KEYS_LMK_OLD | its identifier. */
enum { KEYS_LMK_OLD = 128 };
enum keys_lmk_kind { KEYS_LMK_ABSENT, KEYS_LMK_VARIANT, KEYS_LMK_BLOCK };

struct keys_lmk_set;

/* What may be told of an LMK. */
struct keys_lmk_facts {
    uint8_t id;   /* 0..99 */
    uint8_t kind; /* enum keys_lmk_kind */
    bool test;    /* not for live keys */
    bool old;     /* partner of the current one under the same identifier */
    int64_t made_ms;
    char check[KEYS_CHECK + 1];
    char comment[KEYS_COMMENT + 1]; /* printable ASCII */
};
/* A clear LMK: 20 pairs, or a triple and zeros. */
struct keys_material {
    uint8_t at[KEYS_MATERIAL];
};

MUST_USE enum err keys_lmk_set_create(struct keys_lmk_set **out);
void keys_lmk_set_destroy(struct keys_lmk_set *set);
/* Forgets and wipes every LMK. */
void keys_lmk_set_clear(struct keys_lmk_set *set);
/* True if the pages could be locked. */
bool keys_lmk_set_locked(const struct keys_lmk_set *set);

/* KEYS_ERR_LMK_IDENTIFIER: out of range or loaded already; ERR_MEMORY: full. The check value is that of the facts. */
MUST_USE enum err keys_lmk_add(struct keys_lmk_set *set, const struct keys_lmk_facts *facts, const struct keys_material *material);
/* The public test LMKs; never for production. */
MUST_USE enum err keys_lmk_add_test_variant(struct keys_lmk_set *set, unsigned id);
MUST_USE enum err keys_lmk_add_test_block(struct keys_lmk_set *set, unsigned id);
/* Old partners of both for BW, as public: the pairs rotated by seven (pair 0 is 7 of the test LMK), the triple with its first and
 * last part exchanged. */
MUST_USE enum err keys_lmk_add_test_old(struct keys_lmk_set *set, unsigned variant_id, unsigned block_id);
/* One pair of the public variant test LMK. */
void keys_lmk_test_pair(unsigned pair, uint8_t out[static 16]);
MUST_USE enum err keys_lmk_add_variant(struct keys_lmk_set *set, unsigned id, const uint8_t pair[static KEYS_PAIRS][16],
                                       const char check[static KEYS_CHECK]);
MUST_USE enum err keys_lmk_add_block(struct keys_lmk_set *set, unsigned id, const struct secret_key *triple);
enum keys_lmk_kind keys_lmk_kind(const struct keys_lmk_set *set, unsigned id);
/* 16 hexadecimal digits for NC; KEYS_ERR_LMK_IDENTIFIER if absent. */
MUST_USE enum err keys_lmk_check(const struct keys_lmk_set *set, unsigned id, char out[static KEYS_CHECK]);
/* In the order of loading; NULL past the last one. */
const struct keys_lmk_facts *keys_lmk_facts_at(const struct keys_lmk_set *set, size_t index);
/* The check value of a clear LMK. Key block: TDES of a zero block. Variant: a zero block enciphered under each of the 20 pairs in
 * turn, its first 6 digits and ten zeros, the form of the one check value that is public. */
MUST_USE enum err keys_lmk_check_value(enum keys_lmk_kind kind, const struct keys_material *material, char out[static KEYS_CHECK]);
/* True for the LMKs that everyone can read in public test sets. */
bool keys_lmk_is_public(enum keys_lmk_kind kind, const struct keys_material *material);

/* ---- key types ---- */

/* Variant digit and pair code, as in 402 (CVK), 109 (MK-AC), 00A (ZEK). */
struct keys_type_place {
    uint8_t pair;    /* pair n is the LMK halves 2n and 2n+1 */
    uint8_t variant; /* 0..9 */
    bool component;  /* byte 0 of the pair xor FF as well: how some hosts encipher the components of a key */
};
/* KEYS_ERR_TYPE for text that is no type code. */
MUST_USE enum err keys_type_place(struct span code, struct keys_type_place *out);
/* "CVK", "MK-AC", ...; "" for a code without a name. */
const char *keys_type_name(struct span code);
/* The two-digit codes of BU (00..0E, 42, 10); FF means the three-digit code counts and gives KEYS_ERR_TYPE_CODE here. */
MUST_USE enum err keys_type_from_short(struct span code, char out[static 4]);

/* ---- variant scheme ---- */

enum keys_scheme { KEYS_NONE = 0, KEYS_U = 'U', KEYS_T = 'T', KEYS_X = 'X', KEYS_Y = 'Y', KEYS_Z = 'Z' };

/* Splits a whole KEY text into its tag and its digits: 16H, 32H or 48H without a tag, U32H, X32H, T48H, Y48H, Z16H. */
MUST_USE enum err keys_scheme_read(struct span text, enum keys_scheme *scheme, struct span *digits);

/* KEYS_ERR_LMK_IDENTIFIER, KEYS_ERR_SCHEME (also for a key-block LMK), CRYPTO_ERR_KEY_LENGTH, ERR_PARSE_*; parity is not looked at
 * (keys_parity_odd). */
MUST_USE enum err keys_unwrap(struct keys_lmk_set *set, unsigned lmk, struct keys_type_place type, struct span text,
                              struct secret_key *out);
MUST_USE enum err keys_wrap(struct keys_lmk_set *set, unsigned lmk, struct keys_type_place type, enum keys_scheme scheme,
                            const struct secret_key *key, struct buf *out);
/* The same variants of byte 8 under a zone master key. */
MUST_USE enum err keys_zmk_unwrap(const struct secret_key *zmk, struct span text, struct secret_key *out);
MUST_USE enum err keys_zmk_wrap(const struct secret_key *zmk, enum keys_scheme scheme, const struct secret_key *key,
                                struct buf *out);

/* ---- properties of clear keys ---- */

bool keys_parity_odd(const struct secret_key *key);
void keys_parity_set(struct secret_key *key);
bool keys_halves_equal(const struct secret_key *key);
/* All bits but those of parity are zero. */
bool keys_zero(const struct secret_key *key);
/* A weak or semi-weak DES key among its parts of 8 bytes (FIPS 74, SP 800-67). */
bool keys_weak(const struct secret_key *key);
/* Random, odd parity, halves different, no part weak. */
void keys_generate(const struct env *env, uint8_t len, struct secret_key *out);
/* TDES of a zero block: all 8 bytes; three are shown unless the long form is asked for. */
MUST_USE enum err keys_kcv(const struct secret_key *key, uint8_t out[static 8]);
/* AES: the first 8 bytes of the CMAC of a zero block; three are shown. */
MUST_USE enum err keys_kcv_aes(const struct secret_key *key, uint8_t out[static 8]);

#endif
