/* SPDX-License-Identifier: Apache-2.0 */
/* Mastercard CVC3: PM scheme 1, version 2. */
#include "cvv/cvc3.h"
#include "hsm/commands/internal.h"
#include "hsm/key/resolve.h"

#include <string.h>

enum { CODE_LEN = 5, HARDENED_MIN = 3 };

/* X for each digit that is not compared, then the digits: the last ones of the code. */
static enum err read_given(const struct hsm_context *context, struct span text, struct code_digits *out)
{
    size_t skipped = 0;
    while (skipped < text.len && text.at[skipped] == 'X')
        skipped++;
    struct span digits = span_slice(text, skipped, SIZE_MAX);
    uint64_t ignored = 0;
    if (digits.len < (context->config->hardened ? HARDENED_MIN : 1))
        return ERR_PARSE_VALUE;
    TRY(span_decimal(digits, &ignored));
    *out = (struct code_digits){.len = (uint8_t)digits.len};
    memcpy(out->at, digits.at, digits.len);
    return ERR_OK;
}

/* What the command says of the card and its moment, checked before anything is computed. */
struct cvc3_input {
    struct card_pan pan;
    enum cvv_method method;
    uint16_t counter;
    uint8_t nibbles[2 * HOSTCMD_TRACK_MAX];
    struct buf track; /* 2, over nibbles; empty: the request has track 1 */
};

static enum err gather(const struct hostcmd_pm *r, struct cvc3_input *out)
{
    uint64_t counter = 0;
    TRY(card_pan_parse(WIRE_SPAN(r->pan), CARD_ANY, &out->pan));
    TRY(hsm_code_method(WIRE_SPAN(r->method), &out->pan, &out->method));
    TRY(span_decimal(WIRE_SPAN(r->counter), &counter));
    if (counter > UINT16_MAX)
        return ERR_PARSE_VALUE;
    out->counter = (uint16_t)counter;
    out->track = buf_over(out->nibbles, sizeof out->nibbles);
    if (cvv_cvc3_is_track1(WIRE_SPAN(r->track)))
        return ERR_OK;
    buf_put_hex(&out->track, r->track.at, r->track.len);
    return cvv_cvc3_check(buf_span(&out->track));
}

static enum err make(struct cvv_master *master, const struct hostcmd_pm *r, const struct cvc3_input *in, struct code_digits *out)
{
    SECRET_KEY card = {0};
    uint8_t iv[2] = {0};
    TRY(cvv_card_key(&master->master, &in->pan, (const char *)r->psn.at, in->method, &card));
    TRY(in->track.len > 0 ? cvv_cvc3_iv(&card, buf_span(&in->track), iv) : cvv_cvc3_iv_track1(&card, WIRE_SPAN(r->track), iv));
    return cvv_cvc3(&card, iv, (const char *)r->unpredictable.at, in->counter, out);
}

enum err hsm_cvc3_compared(const struct hsm_context *context, const struct hsm_call *call, struct hsm_guess_item *guess,
                           struct code_digits *right, struct code_digits *given)
{
    const struct hostcmd_pm *r = call->request;
    struct cvv_master *master = NULL;
    struct cvc3_input in = {0};
    SECRET_CODE whole = {0};
    TRY(hsm_key_master(context, call, WIRE_SPAN(r->key), &master));
    TRY(read_given(context, WIRE_SPAN(r->cvc3), given));
    enum err err = gather(r, &in);
    if (err == ERR_OK)
        err = hsm_guess_admit(context->guess, hsm_guess_name(WIRE_SPAN(r->pan)), guess);
    if (err == ERR_OK)
        err = make(master, r, &in, &whole);
    secret_wipe(&in, sizeof in);
    if (err != ERR_OK)
        return err;
    ASSERT(whole.len == CODE_LEN);
    *right = (struct code_digits){.len = given->len};
    memcpy(right->at, whole.at + whole.len - given->len, given->len);
    return ERR_OK;
}
