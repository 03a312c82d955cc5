/* SPDX-License-Identifier: Apache-2.0 */
/* The CVV: CW makes it, CY verifies it. The row has checked characters and lengths; the key is resolved before other fields are
 * looked at (order of answers, host-commands.md 11). */
#include "hsm/commands/internal.h"
#include "hsm/commands/prepared.h"
#include "hsm/key/resolve.h"

#include <string.h>

enum { DIGITS = 3, CVV_ROW_DIGITS = 26 };

struct card_fields {
    struct span key, pan, expiry, service;
};

/*
 * What a verification counts against. The algorithm sees PAN, expiry and service code as one row of digits filled with zeros, so a
 * number continued by digits of its expiry has the same code (4123456789012345 8701 101 and 41234567890123458 7011 010): that row
 * has a limit of its own.
 */
struct static_guess {
    struct hsm_guess_item card, row;
    uint8_t digit[CVV_ROW_DIGITS];
};

static struct span guess_row(const struct card_fields *in, struct static_guess *guess)
{
    struct buf row = buf_over(guess->digit, sizeof guess->digit);
    buf_put_span(&row, in->pan);
    buf_put_span(&row, in->expiry);
    buf_put_span(&row, in->service);
    while (buf_done(&row) == ERR_OK && row.len < sizeof guess->digit)
        buf_put_byte(&row, '0');
    return buf_span(&row);
}

static enum err guess_admit(const struct hsm_context *context, const struct card_fields *in, struct static_guess *guess)
{
    TRY(hsm_guess_admit(context->guess, hsm_guess_name(in->pan), &guess->card));
    return hsm_guess_admit(context->guess, guess_row(in, guess), &guess->row);
}

static enum err guess_answer(const struct hsm_context *context, const struct card_fields *in, struct static_guess *guess,
                             enum verdict verdict)
{
    TRY(hsm_guess_answer(context->guess, hsm_guess_name(in->pan), &guess->card, verdict));
    return hsm_guess_answer(context->guess, guess_row(in, guess), &guess->row, verdict);
}

/* `guess` NULL: a generation, which has no limit. */
static enum err static_code(const struct hsm_context *context, const struct hsm_call *call, const struct card_fields *in,
                            struct static_guess *guess, struct code_digits *out)
{
    struct cvv_key *key = NULL;
    struct card_pan pan = {0};
    TRY(hsm_key_cvk(context, call, in->key, &key));
    TRY(card_pan_parse(in->pan, CARD_ANY, &pan));
    if (guess)
        TRY(guess_admit(context, in, guess));
    enum err err = ERR_OK;
    if (!hsm_prepared_code(call->prepared, &key->pair.key, out))
        err = cvv_generate(key, &pan, (const char *)in->expiry.at, (const char *)in->service.at, DIGITS, out);
    secret_wipe(&pan, sizeof pan);
    return err;
}

enum err hsm_handle_cw(const struct hsm_context *context, struct hsm_call *call)
{
    const struct hostcmd_cw *r = call->request;
    struct hostcmd_cw_reply *reply = call->reply;
    SECRET_CODE code = {0};
    const struct card_fields in = {WIRE_SPAN(r->key), WIRE_SPAN(r->pan), WIRE_SPAN(r->expiry), WIRE_SPAN(r->service)};
    TRY(static_code(context, call, &in, NULL, &code));
    return WIRE_SET(reply->code, span_of(code.at, code.len)) ? ERR_OK : ERR_INTERNAL;
}

enum err hsm_handle_cy(const struct hsm_context *context, struct hsm_call *call)
{
    const struct hostcmd_cy *r = call->request;
    SECRET_CODE right = {0}, given = hsm_code_digits(WIRE_SPAN(r->code));
    const struct card_fields in = {WIRE_SPAN(r->key), WIRE_SPAN(r->pan), WIRE_SPAN(r->expiry), WIRE_SPAN(r->service)};
    struct static_guess guess = {0};
    TRY(static_code(context, call, &in, &guess, &right));
    call->verdict = cvv_verdict(&right, &given);
    enum err err = guess_answer(context, &in, &guess, call->verdict);
    secret_wipe(&guess, sizeof guess);
    return err;
}
