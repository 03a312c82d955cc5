/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header of a key block, as the commands that make, form and exchange keys settle it. Inside the room.
 *
 * Purpose    Puts together what a block that came says, what `#` says and what `&` changes; knows which usages belong to which key
 *            type.
 * Ownership  A moving key holds a clear key; declare it HSM_MOVING, which wipes it at the end of the scope. Its optional blocks
 *            borrow from the request.
 * Threading  Free of state.
 * Failure    15 for a missing header; A5 to AB for attributes that are wrong or contradict; errors of the optional blocks
 *            (keys_optional_check); change B9.
 */
#ifndef HSM_KEY_HEADER_H
#define HSM_KEY_HEADER_H

#include "hsm/context.h"
#include "keys/block/block.h"

/* A key on its way, with what a key block says of it. */
struct hsm_moving {
    struct secret_key key;
    char scheme; /* of the form it will take; 0: no tag */
    bool block;  /* came as a key block: the header is filled */
    bool even;   /* its parity was not odd; it has been made so */
    struct keys_header header;
    uint8_t optional[HOSTCMD_KEY_MAX]; /* optional blocks that go along */
};

void hsm_moving_cleanup(struct hsm_moving *key);
#define HSM_MOVING __attribute__((cleanup(hsm_moving_cleanup))) struct hsm_moving

/* A header from `#` fields, and the key length they promise; KEYS_ERR_ALGORITHM. */
MUST_USE enum err hsm_header_from(const struct hostcmd_attributes *attributes, struct keys_header *out, uint8_t *len);
/* What `#` says of a key formed from components: version and optional blocks. */
MUST_USE enum err hsm_header_complete(const struct hostcmd_attributes *attributes, struct keys_header *header);
/* A6 if no key of this type code has the usage, A7 if it is not a TDES key. */
MUST_USE enum err hsm_header_fits_type(const struct keys_header *header, struct span type);
/* Whether two uses, each a type code (402) or a usage (C0), are one: equal, the usage belongs to the type, or both to one type. */
bool hsm_header_uses_meet(struct span a, struct span b);
/* The header of the block that is to be made: that of the block that came, which `#` may not contradict, else that of `#` (15);
 * then `&`, which may only narrow. */
MUST_USE enum err hsm_header_settle(const struct hsm_call *call, struct hsm_moving *key);
/* Drops the optional blocks that mean nothing at the other end. */
void hsm_header_carry(struct hsm_moving *key);

#endif
