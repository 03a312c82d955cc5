/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the handlers of the security codes share.
 *
 * Purpose    The parts of PM and QY that stand in files of their own.
 * Ownership  Codes belong to the caller, who declares them SECRET_CODE.
 * Threading  As struct hsm: one thread.
 * Failure    The error that goes over the wire.
 */
#ifndef HSM_COMMANDS_INTERNAL_H
#define HSM_COMMANDS_INTERNAL_H

#include "hsm/guard/guess.h"
#include "hsm/key/resolve.h"

enum { METHOD_B_ABOVE = 16 };

/* A or B; EMV Book 2 defines B for PANs longer than 16 digits only. */
MUST_USE enum err hsm_code_method(struct span method, const struct card_pan *pan, enum cvv_method *out);
/* QY and PM whose code is that of cvv_dynamic_generate: the card with its overlay, and the text of the master key. False: another
 * scheme or algorithm, or a field is wrong. */
bool hsm_code_dynamic(struct hsm *hsm, const struct hostcmd_row *row, const void *request, struct span *key,
                      struct cvv_dynamic *out);
/* PM scheme 1: the digits that count, of the right CVC3 and of the one given. */
MUST_USE enum err hsm_cvc3_compared(struct hsm *hsm, const struct hsm_call *call, struct hsm_guess_item *guess,
                                    struct code_digits *right, struct code_digits *given);

#endif
