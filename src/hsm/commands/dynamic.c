/* SPDX-License-Identifier: Apache-2.0 */
/* Dynamic codes: QY makes one; PM (verify.c) verifies with what stands here. */
#include "hsm/commands/internal.h"
#include "hsm/commands/prepared.h"
#include "hsm/key/resolve.h"

#include "cvv/window.h"

#include <string.h>

enum { DIGITS = 3, ATC_LEN = 6, OVERLAY_LEN = 4, METHOD_B_ABOVE = 16 };

struct code_digits hsm_code_digits(struct span digits)
{
    struct code_digits code = {.len = (uint8_t)digits.len};
    memcpy(code.at, digits.at, digits.len);
    return code;
}

enum err hsm_code_method(struct span method, const struct card_pan *pan, enum cvv_method *out)
{
    *out = (enum cvv_method)method.at[0];
    return *out == CVV_METHOD_B && pan->len <= METHOD_B_ABOVE ? ERR_PARSE_VALUE : ERR_OK;
}

static enum err gather(const struct hsm_dynamic_fields *in, struct cvv_dynamic *out)
{
    TRY(card_pan_parse(in->pan, CARD_ANY, &out->pan));
    TRY(hsm_code_method(in->method, &out->pan, &out->method));
    memcpy(out->psn, "00", sizeof out->psn);
    memcpy(out->expiry, in->expiry.at, sizeof out->expiry);
    memcpy(out->service, in->service.at, sizeof out->service);
    return ERR_OK;
}

static enum err find_window(const struct hsm_context *context, const struct hsm_dynamic_fields *in, struct cvv_window *out)
{
    struct hostcmd_moment moment = {0};
    TRY(hostcmd_layout_moment(context->layout, in->time, in->twu, env_wall_ms(context->env) / 1000, &moment));
    out->minutes = moment.twu_minutes;
    out->digits = DIGITS;
    return cvv_window_index_minutes(moment.unix_s, moment.twu_minutes, &out->index);
}

/* What overlays the PAN. Scheme 0: the rightmost four digits of the counter. Scheme 5: the window, for algorithms of this kind. */
static enum err find_overlay(const struct hsm_context *context, const struct hsm_dynamic_fields *in, struct cvv_window *window,
                             struct cvv_dynamic *card)
{
    if (in->scheme.at[0] != '5') {
        memcpy(card->overlay, in->atc.at + ATC_LEN - OVERLAY_LEN, OVERLAY_LEN);
        return ERR_OK;
    }
    TRY(find_window(context, in, window));
    cvv_overlay(window->index, card->overlay);
    return ERR_OK;
}

bool hsm_dynamic_card(const struct hsm_context *context, const struct hostcmd_row *row, const void *request, struct span *key,
                      struct cvv_dynamic *out)
{
    const struct hostcmd_qy *qy = request;
    const struct hostcmd_pm *pm = request;
    struct cvv_window window;
    struct hsm_dynamic_fields in;
    if (row->id == HOSTCMD_QY)
        in = (struct hsm_dynamic_fields)HSM_DYNAMIC_FIELDS(qy);
    else
        in = (struct hsm_dynamic_fields)HSM_DYNAMIC_FIELDS(pm);
    *key = in.key;
    if (in.scheme.at[0] != '0' && (in.scheme.at[0] != '5' || !context->algorithm->overlays))
        return false;
    return gather(&in, out) == ERR_OK && find_overlay(context, &in, &window, out) == ERR_OK;
}

static enum err generate(const struct hsm_context *context, const struct hsm_dynamic_fields *in, const struct cvv_window *window,
                         struct cvv_master *master, const struct cvv_dynamic *card, struct code_digits *out)
{
    if (in->scheme.at[0] == '5')
        return cvv_window_generate(context->algorithm, master, card, window, out);
    return cvv_dynamic_generate(master, card, out);
}

enum err hsm_dynamic_code(const struct hsm_context *context, const struct hsm_call *call, const struct hsm_dynamic_fields *in,
                          struct hsm_guess_item *guess, struct code_digits *out)
{
    struct cvv_master *master = NULL;
    struct cvv_dynamic dynamic = {0};
    struct cvv_window window = {0};
    TRY(hsm_key_master(context, call, in->key, &master));
    enum err err = gather(in, &dynamic);
    if (err == ERR_OK)
        err = find_overlay(context, in, &window, &dynamic);
    if (err == ERR_OK && guess)
        err = hsm_guess_admit(context->guess, hsm_guess_name(in->pan), guess);
    if (err == ERR_OK && !hsm_prepared_dynamic(call->prepared, &master->master.key, dynamic.overlay, out))
        err = generate(context, in, &window, master, &dynamic, out);
    secret_wipe(&dynamic, sizeof dynamic);
    return err;
}

enum err hsm_handle_qy(const struct hsm_context *context, struct hsm_call *call)
{
    const struct hostcmd_qy *r = call->request;
    struct hostcmd_qy_reply *reply = call->reply;
    SECRET_CODE code = {0};
    const struct hsm_dynamic_fields in = HSM_DYNAMIC_FIELDS(r);
    TRY(hsm_dynamic_code(context, call, &in, NULL, &code));
    /* Looked at last: what is wrong with the key is told before what is wrong with a field. */
    if (context->config->qy_service_998_only && in.scheme.at[0] == '0' && !span_is(in.service, "998"))
        return ERR_PARSE_VALUE;
    return WIRE_SET(reply->code, span_of(code.at, code.len)) ? ERR_OK : ERR_INTERNAL;
}
