/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key blocks of version 0 (scheme S, TDES key-block LMK or ZMK), and what all key blocks share. R blocks are in keys/block/tr31.h.
 *
 * Block = `S` | header 16A | optional blocks | enciphered key (hex) | MAC 8H. Key-block encryption key = wrapping key with every
 * byte xor 45, MAC key xor 4D (the TR-31 binding method of version A).
 *
 * Failure    In this order: 83 length and characters, A4 MAC, values that no block may have (A6 usage, A8 mode, A7 algorithm,
 *            A9 version, AA exportability), optional blocks (AC shape, BE identifier, BC twice, AB count, AD AE AF B0 B1 content),
 *            A5 key length; the caller then asks keys_block_allows: A6, A8, A7. BB for a wrapping key of the wrong length.
 * Ownership  `blocks` of an unwrapped header borrows from the text.
 * Threading  As keys/keys.h.
 * Limits     Blocks up to 1,023 characters. Keys T 8, 16, 24; D 8; A 16, 24, 32; H 8..32 bytes; A7 for others. Optional blocks are
 *            carried, not obeyed.
 */
#ifndef KEYS_BLOCK_BLOCK_H
#define KEYS_BLOCK_BLOCK_H

#include "keys/keys.h"

enum { KEYS_HEADER = 16, KEYS_BLOCK_MAX = 1024 };

struct keys_header {
    char usage[2];
    char algorithm;
    char mode;
    char version[2];
    char exportability;
    uint8_t optional;   /* number of optional blocks, PB left out */
    char lmk[2];        /* identifier, FF under a ZMK; R: key context and reserved */
    char format;        /* version of the block: 0, A..D; ignored by S wrapping */
    struct span blocks; /* the text of the optional blocks, PB left out */
};

/* What a command accepts. */
struct keys_rule {
    const char *usages; /* two characters each, separated by bars: "C0|11|12|13" */
    const char *modes;  /* "NCG" */
    char algorithm;     /* 'T'; 0: any */
};

/* The whole extent of the block at the start of `in` (with its S or R), from its own length field; 0 if it cannot be one. */
size_t keys_block_extent(struct span in);

MUST_USE enum err keys_block_unwrap(struct keys_lmk_set *set, unsigned lmk, struct span text, struct keys_header *header,
                                    struct secret_key *out);
MUST_USE enum err keys_block_wrap(struct keys_lmk_set *set, unsigned lmk, const struct keys_header *header,
                                  const struct secret_key *key, const struct env *env, struct buf *out);
/* Under a ZMK of double or triple length. */
MUST_USE enum err keys_block_unwrap_under(const struct secret_key *kbpk, struct span text, struct keys_header *header,
                                          struct secret_key *out);
MUST_USE enum err keys_block_wrap_under(const struct secret_key *kbpk, const struct keys_header *header,
                                        const struct secret_key *key, const struct env *env, struct buf *out);

MUST_USE enum err keys_block_allows(const struct keys_header *header, const struct keys_rule *rule);

/* Check value by the algorithm of a header: T and D as keys_kcv, A as keys_kcv_aes, H the start of HMAC-SHA-256 of nothing. */
MUST_USE enum err keys_block_kcv(char algorithm, const struct secret_key *key, uint8_t out[static 8]);

/* ---- optional blocks ---- */

struct keys_optional {
    char id[2];
    struct span data;
    struct span whole;
};
/* Takes the first one off `left`; false if its length does not hold (2H of the whole, or 00, 02 or 04, and 4H of the whole). */
bool keys_optional_next(struct span *left, struct keys_optional *out);
/* Whether `blocks` and `optional` of a header hold together: KEYS_ERR_OPTIONAL_BLOCK, KEYS_ERR_HEADER_IDENTIFIER,
 * KEYS_ERR_OPTIONAL_REPEATED, KEYS_ERR_OPTIONAL_COUNT, or what is wrong in one. */
MUST_USE enum err keys_optional_check(const struct keys_header *header);

#endif
