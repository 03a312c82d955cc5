/* SPDX-License-Identifier: Apache-2.0 */
/* American Express CSC: RY modes 3 and 4. Unconfirmed, as its construction is (cvv/csc.h). */
#include "cvv/csc.h"
#include "card/error.h"
#include "hostcmd/error.h"
#include "hsm/commands/internal.h"
#include "hsm/key/resolve.h"

#include <string.h>

enum { ACCOUNT_LEN = 15 };

static struct span account_of(const struct hostcmd_ry *r)
{
    return span_slice(WIRE_SPAN(r->account), 0, ACCOUNT_LEN);
}

/* An account number has 15 digits; what fills the field is 0. */
static enum err check_filling(struct span account)
{
    for (size_t i = ACCOUNT_LEN; i < account.len; i++)
        if (account.at[i] != '0')
            return CARD_ERR_ACCOUNT_NUMBER;
    return ERR_OK;
}

/* Mode 4 compares: above the limit nothing is computed. */
static enum err make(const struct hsm_context *context, const struct hsm_call *call, struct hsm_guess_item *item,
                     struct cvv_csc *out)
{
    const struct hostcmd_ry *r = call->request;
    struct cvv_key *csck = NULL;
    TRY(hsm_key_cvk(context, call, WIRE_SPAN(r->key), &csck));
    TRY(check_filling(WIRE_SPAN(r->account)));
    if (r->mode.at[0] == '4')
        TRY(hsm_guess_admit(context->guess, hsm_guess_name(account_of(r)), item));
    const char *service = r->flag.at[0] == '2' ? (const char *)r->service.at : NULL;
    return cvv_csc_generate_with(&csck->pair, WIRE_SPAN(r->account), (const char *)r->expiry.at, service, out);
}

/* ---- mode 4 ---- */

static bool all(struct span text, char c)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] != (uint8_t)c)
            return false;
    return true;
}

/* F in every place says that the card does not show this code. */
static enum err compare(struct span given, const char *right, char *result)
{
    uint64_t ignored = 0;
    if (all(given, 'F')) {
        *result = '1';
        return ERR_OK;
    }
    TRY(span_decimal(given, &ignored));
    *result = secret_equal(given.at, right, given.len) ? '0' : '2';
    return ERR_OK;
}

/* Each value that does not match is a failure of its own: three at once are three guesses. */
static enum err count(struct hsm_guess *guess, struct span name, struct hsm_guess_item *item, const char result[static 3])
{
    for (int i = 0; i < 3; i++) {
        enum verdict verdict = result[i] == '2' ? VERDICT_MISMATCH : VERDICT_MATCH;
        TRY(hsm_guess_answer(guess, name, item, verdict));
    }
    return ERR_OK;
}

static enum err verify(const struct hsm_context *context, const struct hostcmd_ry *r, const struct cvv_csc *right,
                       struct hsm_guess_item *item, struct hostcmd_ry_reply *reply)
{
    char result[3] = {0};
    TRY(compare(WIRE_SPAN(r->csc5), right->five, &result[0]));
    TRY(compare(WIRE_SPAN(r->csc4), right->four, &result[1]));
    TRY(compare(WIRE_SPAN(r->csc3), right->three, &result[2]));
    TRY(count(context->guess, hsm_guess_name(account_of(r)), item, result));
    bool fits = WIRE_SET(reply->mode, span_text("4")) && WIRE_SET(reply->r5, span_of(&result[0], 1)) &&
                WIRE_SET(reply->r4, span_of(&result[1], 1)) && WIRE_SET(reply->r3, span_of(&result[2], 1));
    return fits ? ERR_OK : HOSTCMD_ERR_INTERNAL;
}

static enum verdict verdict_of(const struct hostcmd_ry_reply *reply)
{
    bool mismatch = reply->r5.at[0] == '2' || reply->r4.at[0] == '2' || reply->r3.at[0] == '2';
    return mismatch ? VERDICT_MISMATCH : VERDICT_MATCH;
}

/* ---- mode 3 ---- */

static enum err tell(const struct cvv_csc *made, struct hostcmd_ry_reply *reply)
{
    bool fits = WIRE_SET(reply->mode, span_text("3")) && WIRE_SET(reply->csc5, span_of(made->five, sizeof made->five)) &&
                WIRE_SET(reply->csc4, span_of(made->four, sizeof made->four)) &&
                WIRE_SET(reply->csc3, span_of(made->three, sizeof made->three));
    return fits ? ERR_OK : HOSTCMD_ERR_INTERNAL;
}

enum err hsm_handle_ry(const struct hsm_context *context, struct hsm_call *call)
{
    const struct hostcmd_ry *r = call->request;
    struct cvv_csc right = {0};
    struct hsm_guess_item item = {0};
    bool makes = r->mode.at[0] == '3';
    enum err err = make(context, call, &item, &right);
    if (err == ERR_OK)
        err = makes ? tell(&right, call->reply) : verify(context, r, &right, &item, call->reply);
    if (err == ERR_OK && !makes)
        call->verdict = verdict_of(call->reply);
    secret_wipe(&right, sizeof right);
    return err;
}
