/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys under a zone master key: how they come in and how they go out.
 *
 * Purpose    The forms of a key under a ZMK (none, Z, U, T, X, Y, S, R) and the attributes of the key blocks among them, for the
 *            commands that exchange keys. Inside the room.
 * Ownership  A zone and a moving key hold clear keys; declare them HSM_ZONE and HSM_MOVING, which wipe at the end of the scope.
 *            Optional blocks of a moving header borrow from the request.
 * Threading  As struct hsm: one thread.
 * Failure    Format 12, 21, 26, 83, A1, A2; authentication A4; attributes A6 to AF, B0, B1, BB, BC, BE; parity 10;
 *            changes B7, B9; 29 for a key that may not leave in this form; 27 and BB for one that is stronger than its ZMK.
 * Limits     Atalla variants 0..31, variant keys only. R blocks go out as version D under an AES ZMK and B under a TDES one, unless
 *            `!` says A or C.
 *
 * Example
 *     HSM_ZONE zone = {0};
 *     HSM_MOVING key = {0};
 *     TRY(hsm_zone_locate(context, call, WIRE_SPAN(r->zmk), &zone));
 *     TRY(hsm_zone_open(context, call, WIRE_SPAN(r->atalla), &zone));
 *     TRY(hsm_zone_read(&zone, WIRE_SPAN(r->key), &key));
 */
#ifndef HSM_KEY_ZONE_H
#define HSM_KEY_ZONE_H

#include "hsm/key/header.h"
#include "hsm/key/resolve.h"

struct hsm_zone {
    struct hsm_key_text at; /* of the ZMK */
    struct secret_key zmk;
    char algorithm; /* T or A */
    uint8_t atalla; /* variant number, 0: none */
    bool terminal;  /* it is a terminal master key */
};

void hsm_zone_cleanup(struct hsm_zone *zone);
#define HSM_ZONE __attribute__((cleanup(hsm_zone_cleanup))) struct hsm_zone

/* Where the ZMK stands; its LMK is the one the command works under. */
MUST_USE enum err hsm_zone_locate(const struct hsm_context *context, const struct hsm_call *call, struct span text,
                                  struct hsm_zone *out);
bool hsm_zone_blocks(const struct hsm_context *context, const struct hsm_zone *zone); /* its LMK is a key-block LMK */
/* Unwraps the located ZMK by the rule of the row. */
MUST_USE enum err hsm_zone_open(const struct hsm_context *context, const struct hsm_call *call, struct span atalla,
                                struct hsm_zone *zone);

/* A terminal master key wraps keys of terminals alone: A6 of a block's usage, 29 of a type. */
MUST_USE enum err hsm_zone_serves(const struct hsm_zone *zone, struct span type, const struct hsm_moving *key);

/* Any form; KEYS_ERR_PARITY_DESTINATION for zeros. */
MUST_USE enum err hsm_zone_read(const struct hsm_zone *zone, struct span text, struct hsm_moving *out);
/* `scheme` 0: untagged; `version` of an R block, 0: by the ZMK. */
MUST_USE enum err hsm_zone_write(const struct hsm_context *context, const struct hsm_zone *zone, char scheme, char version,
                                 const struct hsm_moving *key, struct buf *out);

#endif
