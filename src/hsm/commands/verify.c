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
    bool matched = secret_code_equal(&right, &given);
    enum err answer = hsm_guess_answer(context->guess, hsm_guess_name(WIRE_SPAN(r->pan)), &guess, matched);
    /* The expected value leaves only in authorised state (compatibility mode, host-commands.md 5.3). */
    if (answer == ERR_VERIFY_FAILED && call->authorised && !WIRE_SET(reply->expected, span_of(right.at, right.len)))
        return ERR_INTERNAL;
    return answer;
}
