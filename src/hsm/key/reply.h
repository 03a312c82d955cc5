/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What key commands answer with: keys in their text form and check values.
 *
 * Purpose    The commands that make, form, translate and exchange keys end alike; this is their common end. Inside the room.
 * Ownership  Writes into members of the reply, which the dispatcher wipes.
 * Threading  Free of state.
 * Failure    KEYS_ERR_BLOCK_LENGTH for a key block that is longer than a KEY may be; ERR_INTERNAL for a check value that its member
 *            cannot hold, which is a defect of the row.
 *
 * Example
 *     TRY(keys_wrap(lmks, call->lmk, place, scheme, &key, &b));
 *     TRY(HSM_REPLY_KEY(&b, reply->key));
 *     return HSM_REPLY_KCV(&key, 'T', HSM_KCV_SHORT, reply->kcv);
 */
#ifndef HSM_KEY_REPLY_H
#define HSM_KEY_REPLY_H

#include "hostcmd/commands.h"
#include "keys/block/block.h"

enum { HSM_SINGLE = 8, HSM_DOUBLE = 16, HSM_TRIPLE = 24, HSM_KCV_SHORT = 3, HSM_KCV_LONG = 8 };

/* The one character of a field, or `otherwise` where the field is absent. */
char hsm_letter(struct span member, char otherwise);
/* `0` stands for no scheme, which is 0 here: the digits without a tag. */
char hsm_scheme_of(struct span letter);
/* Bytes of a key under scheme Z, U, X, T or Y; 0 for a scheme that says nothing of the length. */
uint8_t hsm_scheme_length(char scheme);

/* `algorithm` as in a key block header: T, D, A, H. */
MUST_USE enum err hsm_reply_kcv(const struct secret_key *key, char algorithm, size_t bytes, struct wire_text *member, size_t cap);
#define HSM_REPLY_KCV(key_, algorithm_, bytes_, member_) \
    hsm_reply_kcv((key_), (algorithm_), (bytes_), (struct wire_text *)(void *)&(member_), sizeof((member_).at))

MUST_USE enum err hsm_reply_key(const struct buf *b, struct wire_text *member, size_t cap);
#define HSM_REPLY_KEY(buf_, member_) hsm_reply_key((buf_), (struct wire_text *)(void *)&(member_), sizeof((member_).at))

/* A CVK pair has a check value for each half, taken as a single-length key: host-commands.md 3. */
MUST_USE enum err hsm_reply_half_kcvs(const struct secret_key *pair, struct wire_text *a, struct wire_text *b, size_t cap);
#define HSM_REPLY_HALF_KCVS(pair_, a_, b_) \
    hsm_reply_half_kcvs((pair_), (struct wire_text *)(void *)&(a_), (struct wire_text *)(void *)&(b_), sizeof((a_).at))

#endif
