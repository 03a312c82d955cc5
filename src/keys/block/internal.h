/* SPDX-License-Identifier: Apache-2.0 */
/* Shared inside the room: what S and R blocks have in common. frame.c knows the text, bind.c the cryptography. */
#ifndef KEYS_BLOCK_INTERNAL_H
#define KEYS_BLOCK_INTERNAL_H

#include "crypto/mac.h"
#include "keys/block/block.h"

enum {
    KEYS_BLOCK_UNIT_MAX = 16,                  /* bytes of a cipher block, and of a MAC */
    KEYS_BLOCK_PLAIN_MAX = KEYS_BLOCK_MAX / 2, /* enciphered bytes of the longest block */
};

/* How a version binds the header to the key (key variant and key derivation binding methods of TR-31). */
struct keys_binding {
    char tag;     /* S or R */
    char version; /* first character of the header */
    uint8_t unit; /* bytes of a cipher block; the header is padded to it */
    uint8_t mac;  /* bytes */
    enum crypto_cmac_cipher cipher;
    bool derived; /* keys by CMAC, MAC over the plaintext; else variants, MAC over the ciphertext */
};

/* Where the parts of a block lie in its text. */
struct keys_frame {
    const struct keys_binding *binding;
    struct span head;   /* header and optional blocks, without the tag */
    struct span cipher; /* hexadecimal */
    struct span mac;    /* hexadecimal */
};

/* NULL: no such version. */
const struct keys_binding *keys_binding_of(char tag, char version);

/* KEYS_ERR_BLOCK_FORMAT for everything that can be told without the wrapping key. */
MUST_USE enum err keys_frame_split(struct span text, struct keys_header *header, struct keys_frame *out);
/* What an authentic header may say: A6, A8, A7, A9, AA, then the optional blocks. */
MUST_USE enum err keys_frame_check(const struct keys_header *header);
/* Tag, header, optional blocks and PB for a key of `cipher_len` enciphered bytes. */
MUST_USE enum err keys_frame_put(const struct keys_binding *binding, const struct keys_header *header, size_t cipher_len,
                                 struct buf *out);

/* The whole way: authenticates, deciphers, takes the key by its algorithm. Nothing is written on failure. */
MUST_USE enum err keys_frame_unwrap(const struct secret_key *kbpk, struct span text, char tag, struct keys_header *header,
                                    struct secret_key *out);
MUST_USE enum err keys_frame_wrap(const struct keys_binding *binding, const struct secret_key *kbpk,
                                  const struct keys_header *header, const struct secret_key *key, const struct env *env,
                                  struct buf *out);

/* `plain` gets `len` bytes of length, key and padding; KEYS_ERR_BLOCK_MAC with `plain` wiped, KEYS_ERR_WRAPPING_KEY for a length
 * the version does not take. */
MUST_USE enum err keys_bind_open(const struct secret_key *kbpk, const struct keys_frame *frame, uint8_t *plain, size_t len);
/* Enciphers `len` bytes in place and gives their MAC. */
MUST_USE enum err keys_bind_seal(const struct keys_binding *binding, const struct secret_key *kbpk, struct span head, uint8_t *at,
                                 size_t len, uint8_t mac[static KEYS_BLOCK_UNIT_MAX]);

#endif
