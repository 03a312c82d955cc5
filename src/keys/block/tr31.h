/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key blocks of TR-31 and ANSI X9.143 (scheme R), versions A, B, C and D, for the exchange of keys under a ZMK.
 *
 * Block = `R` | header 16A | optional blocks | enciphered key (hex) | MAC.
 *     A, C   variants 45 and 4D of the wrapping key; MAC 8H over header and ciphertext; TDES-CBC, IV = start of the header
 *     B      keys derived by TDES-CMAC; MAC 16H over header and plaintext; TDES-CBC, IV = MAC
 *     D      keys derived by AES-CMAC; MAC 32H over header and plaintext; AES-CBC, IV = MAC
 *
 * Purpose    Reads and writes what other hosts exchange. Whether a command takes the key is the caller's question.
 * Ownership  As keys/block/block.h: `blocks` of an unwrapped header borrows from the text.
 * Threading  Free of state.
 * Failure    As keys/block/block.h; BB for a wrapping key that is not 16 or 24 bytes (A, B, C) or 16, 24 or 32 (D).
 * Limits     As keys/block/block.h. Padding that hides the key length is read in every version and written in B and D (TDES, AES).
 *            A header for wrapping has key context and reserved byte 00, whatever its `lmk` says.
 *
 * Example
 *     TRY(keys_tr31_unwrap(&zmk, span_text("RB0080P0TE00E0000..."), &header, &key));
 *     TRY(keys_tr31_wrap(&zmk, 'B', &header, &key, env, &out));
 */
#ifndef KEYS_BLOCK_TR31_H
#define KEYS_BLOCK_TR31_H

#include "keys/block/block.h"

MUST_USE enum err keys_tr31_unwrap(const struct secret_key *kbpk, struct span text, struct keys_header *header,
                                   struct secret_key *out);
/* KEYS_ERR_BLOCK_FORMAT for a version other than A, B, C, D. */
MUST_USE enum err keys_tr31_wrap(const struct secret_key *kbpk, char version, const struct keys_header *header,
                                 const struct secret_key *key, const struct env *env, struct buf *out);
/* Whether wrapping keys of this version are AES keys (D) and not TDES keys. */
bool keys_tr31_takes_aes(char version);

#endif
