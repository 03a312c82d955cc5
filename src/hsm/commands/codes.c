/* SPDX-License-Identifier: Apache-2.0 */
/* CVV and dynamic codes: CW, CY, QY and PM. The rows have checked characters and lengths; the key is resolved before other fields
 * are looked at (order of answers, host-commands.md 11). */
#include "cvv/window.h"
#include "hsm/commands/internal.h"

#include "hsm/commands/ahead.h"

#include <string.h>

enum { DIGITS = 3, ATC_LEN = 6, OVERLAY_LEN = 4, CVV_ROW_DIGITS = 26 };

static struct code_digits code_of(struct span digits)
{
    struct code_digits code = {.len = (uint8_t)digits.len};
    memcpy(code.at, digits.at, digits.len);
    return code;
}

/* ---- CVV ---- */

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

static enum err guess_admit(struct hsm *hsm, const struct card_fields *in, struct static_guess *guess)
{
    TRY(hsm_guess_admit(hsm_guess(hsm), hsm_guess_name(in->pan), &guess->card));
    return hsm_guess_admit(hsm_guess(hsm), guess_row(in, guess), &guess->row);
}

static enum err guess_answer(struct hsm *hsm, const struct card_fields *in, struct static_guess *guess, bool matched)
{
    enum err card = hsm_guess_answer(hsm_guess(hsm), hsm_guess_name(in->pan), &guess->card, matched);
    if (card != ERR_OK && card != ERR_VERIFY_FAILED)
        return card;
    return hsm_guess_answer(hsm_guess(hsm), guess_row(in, guess), &guess->row, matched);
}

/* `guess` NULL: a generation, which has no limit. */
static enum err static_code(struct hsm *hsm, const struct hsm_call *call, const struct card_fields *in, struct static_guess *guess,
                            struct code_digits *out)
{
    struct cvv_key *key = NULL;
    struct card_pan pan = {0};
    TRY(hsm_key_cvk(hsm, call, in->key, &key));
    TRY(card_pan_parse(in->pan, CARD_ANY, &pan));
    if (guess)
        TRY(guess_admit(hsm, in, guess));
    enum err err = ERR_OK;
    if (!hsm_prepared_code(call->prepared, &key->pair.key, out))
        err = cvv_generate(key, &pan, (const char *)in->expiry.at, (const char *)in->service.at, DIGITS, out);
    secret_wipe(&pan, sizeof pan);
    return err;
}

enum err hsm_handle_cw(struct hsm *hsm, struct hsm_call *call)
{
    const struct hostcmd_cw *r = call->request;
    struct hostcmd_cw_reply *reply = call->reply;
    SECRET_CODE code = {0};
    const struct card_fields in = {WIRE_SPAN(r->key), WIRE_SPAN(r->pan), WIRE_SPAN(r->expiry), WIRE_SPAN(r->service)};
    TRY(static_code(hsm, call, &in, NULL, &code));
    return WIRE_SET(reply->code, span_of(code.at, code.len)) ? ERR_OK : ERR_INTERNAL;
}

enum err hsm_handle_cy(struct hsm *hsm, struct hsm_call *call)
{
    const struct hostcmd_cy *r = call->request;
    SECRET_CODE right = {0}, given = code_of(WIRE_SPAN(r->code));
    const struct card_fields in = {WIRE_SPAN(r->key), WIRE_SPAN(r->pan), WIRE_SPAN(r->expiry), WIRE_SPAN(r->service)};
    struct static_guess guess = {0};
    TRY(static_code(hsm, call, &in, &guess, &right));
    enum err answer = guess_answer(hsm, &in, &guess, secret_code_equal(&right, &given));
    secret_wipe(&guess, sizeof guess);
    return answer;
}

/* ---- dynamic codes ---- */

enum err hsm_code_method(struct span method, const struct card_pan *pan, enum cvv_method *out)
{
    *out = (enum cvv_method)method.at[0];
    return *out == CVV_METHOD_B && pan->len <= METHOD_B_ABOVE ? ERR_PARSE_VALUE : ERR_OK;
}

/* What QY and PM have in common. */
struct dynamic_fields {
    struct span scheme, key, method, pan, expiry, service, atc, time, twu;
};
#define DYNAMIC_FIELDS(r_)                                                                                                     \
    {                                                                                                                          \
        WIRE_SPAN((r_)->scheme), WIRE_SPAN((r_)->key), WIRE_SPAN((r_)->method), WIRE_SPAN((r_)->pan), WIRE_SPAN((r_)->expiry), \
            WIRE_SPAN((r_)->service), WIRE_SPAN((r_)->atc), WIRE_SPAN((r_)->time), WIRE_SPAN((r_)->twu)                        \
    }

static enum err gather(const struct dynamic_fields *in, struct cvv_dynamic *out)
{
    TRY(card_pan_parse(in->pan, CARD_ANY, &out->pan));
    TRY(hsm_code_method(in->method, &out->pan, &out->method));
    memcpy(out->psn, "00", sizeof out->psn);
    memcpy(out->expiry, in->expiry.at, sizeof out->expiry);
    memcpy(out->service, in->service.at, sizeof out->service);
    return ERR_OK;
}

static enum err find_window(struct hsm *hsm, const struct dynamic_fields *in, struct cvv_window *out)
{
    struct hostcmd_moment moment = {0};
    TRY(hostcmd_layout_moment(hsm_layout(hsm), in->time, in->twu, env_wall_ms(hsm_env(hsm)) / 1000, &moment));
    out->minutes = moment.twu_minutes;
    out->digits = DIGITS;
    return cvv_window_index_minutes(moment.unix_s, moment.twu_minutes, &out->index);
}

/* What overlays the PAN. Scheme 0: the rightmost four digits of the counter. Scheme 5: the window, for algorithms of this kind. */
static enum err find_overlay(struct hsm *hsm, const struct dynamic_fields *in, struct cvv_window *window, struct cvv_dynamic *card)
{
    if (in->scheme.at[0] != '5') {
        memcpy(card->overlay, in->atc.at + ATC_LEN - OVERLAY_LEN, OVERLAY_LEN);
        return ERR_OK;
    }
    TRY(find_window(hsm, in, window));
    cvv_overlay(window->index, card->overlay);
    return ERR_OK;
}

bool hsm_code_dynamic(struct hsm *hsm, const struct hostcmd_row *row, const void *request, struct span *key,
                      struct cvv_dynamic *out)
{
    const struct hostcmd_qy *qy = request;
    const struct hostcmd_pm *pm = request;
    struct cvv_window window;
    struct dynamic_fields in;
    if (row->id == HOSTCMD_QY)
        in = (struct dynamic_fields)DYNAMIC_FIELDS(qy);
    else
        in = (struct dynamic_fields)DYNAMIC_FIELDS(pm);
    *key = in.key;
    if (in.scheme.at[0] != '0' && (in.scheme.at[0] != '5' || !hsm_window_algorithm(hsm)->overlays))
        return false;
    return gather(&in, out) == ERR_OK && find_overlay(hsm, &in, &window, out) == ERR_OK;
}

static enum err generate(struct hsm *hsm, const struct dynamic_fields *in, const struct cvv_window *window,
                         struct cvv_master *master, const struct cvv_dynamic *card, struct code_digits *out)
{
    if (in->scheme.at[0] == '5')
        return cvv_window_generate(hsm_window_algorithm(hsm), master, card, window, out);
    return cvv_dynamic_generate(master, card, out);
}

static enum err dynamic_code(struct hsm *hsm, const struct hsm_call *call, const struct dynamic_fields *in,
                             struct hsm_guess_item *guess, struct code_digits *out)
{
    struct cvv_master *master = NULL;
    struct cvv_dynamic dynamic = {0};
    struct cvv_window window = {0};
    TRY(hsm_key_master(hsm, call, in->key, &master));
    enum err err = gather(in, &dynamic);
    if (err == ERR_OK)
        err = find_overlay(hsm, in, &window, &dynamic);
    if (err == ERR_OK && guess)
        err = hsm_guess_admit(hsm_guess(hsm), hsm_guess_name(in->pan), guess);
    if (err == ERR_OK && !hsm_prepared_dynamic(call->prepared, &master->master.key, dynamic.overlay, out))
        err = generate(hsm, in, &window, master, &dynamic, out);
    secret_wipe(&dynamic, sizeof dynamic);
    return err;
}

enum err hsm_handle_qy(struct hsm *hsm, struct hsm_call *call)
{
    const struct hostcmd_qy *r = call->request;
    struct hostcmd_qy_reply *reply = call->reply;
    SECRET_CODE code = {0};
    const struct dynamic_fields in = DYNAMIC_FIELDS(r);
    TRY(dynamic_code(hsm, call, &in, NULL, &code));
    /* Looked at last: what is wrong with the key is told before what is wrong with a field. */
    if (hsm_config(hsm)->qy_service_998_only && in.scheme.at[0] == '0' && !span_is(in.service, "998"))
        return ERR_PARSE_VALUE;
    return WIRE_SET(reply->code, span_of(code.at, code.len)) ? ERR_OK : ERR_INTERNAL;
}

enum err hsm_handle_pm(struct hsm *hsm, struct hsm_call *call)
{
    const struct hostcmd_pm *r = call->request;
    struct hostcmd_pm_reply *reply = call->reply;
    struct hsm_guess_item guess = {0};
    SECRET_CODE right = {0}, given = {0};
    if (r->scheme.at[0] == '1') {
        TRY(hsm_cvc3_compared(hsm, call, &guess, &right, &given));
    } else {
        const struct dynamic_fields in = DYNAMIC_FIELDS(r);
        given = code_of(WIRE_SPAN(r->code));
        TRY(dynamic_code(hsm, call, &in, &guess, &right));
    }
    bool matched = secret_code_equal(&right, &given);
    enum err answer = hsm_guess_answer(hsm_guess(hsm), hsm_guess_name(WIRE_SPAN(r->pan)), &guess, matched);
    /* The expected value leaves only in authorised state (compatibility mode, host-commands.md 5.3). */
    if (answer == ERR_VERIFY_FAILED && call->authorised && !WIRE_SET(reply->expected, span_of(right.at, right.len)))
        return ERR_INTERNAL;
    return answer;
}
