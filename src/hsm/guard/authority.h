/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether officers have authorised what a command does. Inside the room.
 *
 * Purpose    Puts a command's row (its activity and key type) to the authorities in force (hsm/guard/state.h). Compatibility mode
 *            asks for none.
 * Ownership  Reads the call and the state.
 * Threading  As struct hsm: one thread.
 * Failure    False: not authorised.
 */
#ifndef HSM_GUARD_AUTHORITY_H
#define HSM_GUARD_AUTHORITY_H

#include "hsm/context.h"

/* Under this LMK. Always true for a command without an activity. */
bool hsm_authorised(const struct hsm_context *context, const struct hsm_call *call, uint8_t lmk);
/* The same for another activity than that of the row: what a command does besides. */
bool hsm_authorised_for(const struct hsm_context *context, uint8_t lmk, enum hostcmd_activity activity, struct span type);

#endif
