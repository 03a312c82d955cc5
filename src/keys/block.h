/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key blocks of version 0 (scheme S, TDES key-block LMK or ZMK).
 *
 * Block = `S` | header 16A | enciphered key (hex) | MAC 8H. Key-block encryption key = wrapping key with every byte xor 45, MAC key
 * xor 4D (the TR-31 binding method of version A).
 *
 * Failure    In this order: 83 length and characters, A4 MAC; the caller then asks keys_block_allows: A6 usage, A8 mode, A7
 *            algorithm; exportability AA and optional blocks AC where a command needs them.
 * Threading  As keys/keys.h.
 * Limits     Keys of 8, 16 or 24 bytes. Optional blocks are checked for shape and authenticated, their content is not used.
 */
#ifndef KEYS_BLOCK_H
#define KEYS_BLOCK_H

#include "keys/keys.h"

enum { KEYS_HEADER = 16, KEYS_BLOCK_MAX = 1024 };

struct keys_header {
    char usage[2];
    char algorithm;
    char mode;
    char version[2];
    char exportability;
    uint8_t optional; /* number of optional blocks */
    char lmk[2];      /* identifier, FF under a ZMK */
};

/* What a command accepts. */
struct keys_rule {
    const char *usages; /* two characters each, separated by bars: "C0|11|12|13" */
    const char *modes;  /* "NCG" */
    char algorithm;     /* 'T' */
};

/* The whole extent of the block at the start of `in` (with its S), from its own length field; 0 if it cannot be one. */
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

#endif
