/* SPDX-License-Identifier: Apache-2.0 */
/* PM: verifies a dynamic code, whichever scheme made it. */
#include "hsm/commands/internal.h"

enum err hsm_handle_pm(const struct hsm_context *context, struct hsm_call *call)
{
    const struct hostcmd_pm *r = call->request;
    struct hostcmd_pm_reply *reply = call->reply;
    struct hsm_guess_item guess = {0};
    SECRET_CODE right = {0}, given = {0};
    if (r->scheme.at[0] == '1') {
        TRY(hsm_cvc3_compared(context, call, &guess, &right, &given));
    } else {
        const struct hsm_dynamic_fields in = HSM_DYNAMIC_FIELDS(r);
        given = hsm_code_digits(WIRE_SPAN(r->code));
        TRY(hsm_dynamic_code(context, call, &in, &guess, &right));
    }
    call->verdict = cvv_verdict(&right, &given);
    TRY(hsm_guess_answer(context->guess, hsm_guess_name(WIRE_SPAN(r->pan)), &guess, call->verdict));
    /* The expected value leaves only in authorised state (compatibility mode, host-commands.md 5.3). */
    if (call->verdict == VERDICT_MISMATCH && call->authorised && !WIRE_SET(reply->expected, span_of(right.at, right.len)))
        return ERR_INTERNAL;
    return ERR_OK;
}
