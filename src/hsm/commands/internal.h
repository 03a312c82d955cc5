/* SPDX-License-Identifier: Apache-2.0 */
/* The handlers, hsm_handle_cw to hsm_handle_j4, and what those of the dynamic codes share. */
#ifndef HSM_COMMANDS_INTERNAL_H
#define HSM_COMMANDS_INTERNAL_H

#include "cvv/cvv.h"
#include "hsm/context.h"
#include "hsm/guard/guess.h"

#define HSM_HANDLER(id_, name_) enum err hsm_handle_##name_(const struct hsm_context *context, struct hsm_call *call);
HOSTCMD_LIST(HSM_HANDLER)
#undef HSM_HANDLER

/* ---- dynamic.c ---- */

/* A code as it stands in a field; the caller declares it SECRET_CODE. */
struct code_digits hsm_code_digits(struct span digits);
/* A or B; EMV Book 2 defines B for PANs longer than 16 digits only. */
MUST_USE enum err hsm_code_method(struct span method, const struct card_pan *pan, enum cvv_method *out);

/* What QY and PM have in common. */
struct hsm_dynamic_fields {
    struct span scheme, key, method, pan, expiry, service, atc, time, twu;
};
#define HSM_DYNAMIC_FIELDS(r_)                                                                                                 \
    {                                                                                                                          \
        WIRE_SPAN((r_)->scheme), WIRE_SPAN((r_)->key), WIRE_SPAN((r_)->method), WIRE_SPAN((r_)->pan), WIRE_SPAN((r_)->expiry), \
            WIRE_SPAN((r_)->service), WIRE_SPAN((r_)->atc), WIRE_SPAN((r_)->time), WIRE_SPAN((r_)->twu)                        \
    }
/* The code of schemes 0 and 5. `guess` NULL: a generation, which has no limit. */
MUST_USE enum err hsm_dynamic_code(const struct hsm_context *context, const struct hsm_call *call,
                                   const struct hsm_dynamic_fields *in, struct hsm_guess_item *guess, struct code_digits *out);
/* QY and PM whose code is that of cvv_dynamic_generate: the card with its overlay, and the text of the master key. False: another
 * scheme or algorithm, or a field is wrong. */
bool hsm_dynamic_card(const struct hsm_context *context, const struct hostcmd_row *row, const void *request, struct span *key,
                      struct cvv_dynamic *out);

/* ---- cvc3.c ---- */

/* PM scheme 1: the digits that count, of the right CVC3 and of the one given. */
MUST_USE enum err hsm_cvc3_compared(const struct hsm_context *context, const struct hsm_call *call, struct hsm_guess_item *guess,
                                    struct code_digits *right, struct code_digits *given);

#endif
