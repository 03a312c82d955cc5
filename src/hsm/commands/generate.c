/* SPDX-License-Identifier: Apache-2.0 */
/* Keys made at random: AS and A0. */
#include "hsm/commands/internal.h"
#include "hsm/guard/authority.h"
#include "hsm/key/reply.h"
#include "hsm/key/zone.h"
#include "keys/error.h"

#include <string.h>

static bool is_block_lmk(const struct hsm_context *context, uint8_t lmk)
{
    return keys_lmk_kind(context->lmks, lmk) == KEYS_LMK_BLOCK;
}

/* ---- AS ---- */

/* Mode C serves CW and CY in hardened mode as well, N would not. */
static const struct keys_header cvk_header = {
    .usage = {'C', '0'}, .algorithm = 'T', .mode = 'C', .version = {'0', '0'}, .exportability = 'E'};

static enum err as_wrap(const struct hsm_context *context, const struct hsm_call *call, char scheme, const struct secret_key *pair,
                        struct buf *out)
{
    struct keys_type_place cvk;
    bool blocks = is_block_lmk(context, call->lmk);
    scheme = scheme == 'Z' ? '0' : scheme;
    if (!strchr("0UXS", scheme))
        return ERR_PARSE_VALUE;
    if (scheme != '0' && (scheme == 'S') != blocks)
        return KEYS_ERR_SCHEME;
    if (blocks)
        return keys_block_wrap(context->lmks, call->lmk, &cvk_header, pair, context->env, out);
    TRY(keys_type_place(span_text("402"), &cvk));
    return keys_wrap(context->lmks, call->lmk, cvk, scheme == '0' ? KEYS_NONE : (enum keys_scheme)scheme, pair, out);
}

enum err hsm_handle_as(const struct hsm_context *context, struct hsm_call *call)
{
    const struct hostcmd_as *r = call->request;
    struct hostcmd_as_reply *reply = call->reply;
    char text[KEYS_BLOCK_MAX];
    struct buf b = buf_over(text, sizeof text);
    SECRET_KEY pair = {0};
    keys_generate(context->env, HSM_DOUBLE, &pair);
    TRY(as_wrap(context, call, hsm_letter(WIRE_SPAN(r->lmk_scheme), '0'), &pair, &b));
    TRY(hsm_key_admit(context, span_text("402"), NULL, &pair));
    TRY(HSM_REPLY_KEY(&b, reply->key));
    return hsm_letter(WIRE_SPAN(r->kcv_type), '0') == '1' ? HSM_REPLY_KCV(&pair, 'T', HSM_KCV_SHORT, reply->kcv)
                                                          : HSM_REPLY_HALF_KCVS(&pair, reply->kcv, reply->kcv_b);
}

/* ---- A0 ---- */

/* What is to be made. */
struct order {
    uint8_t lmk;
    char scheme; /* under the LMK */
    uint8_t len;
    struct keys_type_place place; /* variant LMK */
};

/* An AES key would stand under a weaker one in a key block of version 0, so none is made. */
static enum err order_block(const struct hsm_call *call, struct order *order, struct hsm_moving *key)
{
    if (order->scheme != 'S')
        return KEYS_ERR_SCHEME;
    if (!call->attributes)
        return ERR_PARSE_MISSING;
    TRY(hsm_header_from(call->attributes, &key->header, &order->len));
    key->block = true;
    return key->header.algorithm == 'A' ? KEYS_ERR_ALGORITHM : ERR_OK;
}

/* HMAC and RSA keys are no DES keys: other commands make them. */
static enum err order_variant(const struct hostcmd_a0 *r, struct order *order, struct hsm_moving *key)
{
    TRY(keys_type_place(WIRE_SPAN(r->type), &order->place));
    if (span_is(WIRE_SPAN(r->type), "00C") || span_is(WIRE_SPAN(r->type), "10C"))
        return KEYS_ERR_FUNCTION;
    order->len = order->scheme == 0 ? HSM_DOUBLE : hsm_scheme_length(order->scheme);
    key->header.algorithm = 'T';
    return order->len > 0 ? ERR_OK : KEYS_ERR_SCHEME;
}

static enum err order_read(const struct hsm_context *context, const struct hsm_call *call, struct order *order,
                           struct hsm_moving *key)
{
    const struct hostcmd_a0 *r = call->request;
    bool blocks = is_block_lmk(context, order->lmk);
    if (span_is(WIRE_SPAN(r->type), "FFF") != blocks)
        return KEYS_ERR_TYPE;
    TRY(blocks ? order_block(call, order, key) : order_variant(r, order, key));
    bool leaves_as_block = key->scheme == 'S' || key->scheme == 'R';
    bool changed = call->changes.exportability || call->changes.version;
    return changed && !leaves_as_block ? KEYS_ERR_CHANGE_FIELD : ERR_OK;
}

static enum err wrap_under_lmk(const struct hsm_context *context, const struct order *order, const struct hsm_moving *key,
                               struct buf *out)
{
    if (key->block)
        return keys_block_wrap(context->lmks, order->lmk, &key->header, &key->key, context->env, out);
    return keys_wrap(context->lmks, order->lmk, order->place, (enum keys_scheme)order->scheme, &key->key, out);
}

/* A block under the LMK leaves with its own header, a variant key with that of `#`; `&` narrows either. */
static enum err export_header(const struct hsm_call *call, struct hsm_moving *key)
{
    const struct hostcmd_a0 *r = call->request;
    if (key->block) {
        struct hsm_call settled = *call;
        settled.attributes = NULL; /* they made the header */
        TRY(hsm_header_settle(&settled, key));
    } else {
        TRY(hsm_header_settle(call, key));
        TRY(hsm_header_fits_type(&key->header, WIRE_SPAN(r->type)));
    }
    if (key->scheme == 'R')
        hsm_header_carry(key);
    return ERR_OK;
}

static enum err export_key(const struct hsm_context *context, const struct hsm_call *call, const struct hsm_zone *zone,
                           struct hsm_moving *key, struct buf *out)
{
    const struct hostcmd_a0 *r = call->request;
    TRY(hsm_zone_serves(zone, WIRE_SPAN(r->type), key));
    if (key->block && key->header.exportability == 'N')
        return KEYS_ERR_EXPORTABILITY;
    if (key->scheme == 'S' || key->scheme == 'R')
        TRY(export_header(call, key));
    else if (key->scheme != 0 && hsm_scheme_length(key->scheme) == 0)
        return KEYS_ERR_SCHEME;
    return hsm_zone_write(context, zone, key->scheme, call->changes.version, key, out);
}

/* Mode 1 generates and exports: hardened mode asks for both authorities. */
static enum err open_zone(const struct hsm_context *context, const struct hsm_call *call, struct order *order,
                          struct hsm_zone *zone)
{
    const struct hostcmd_a0 *r = call->request;
    TRY(hsm_zone_locate(context, call, WIRE_SPAN(r->zmk), zone));
    if (!hsm_authorised_for(context, zone->at.lmk, HOSTCMD_EXPORT, WIRE_SPAN(r->type)))
        return ERR_NOT_AUTHORISED;
    TRY(hsm_zone_open(context, call, (struct span){0}, zone));
    order->lmk = zone->at.lmk;
    return ERR_OK;
}

enum err hsm_handle_a0(const struct hsm_context *context, struct hsm_call *call)
{
    const struct hostcmd_a0 *r = call->request;
    struct hostcmd_a0_reply *reply = call->reply;
    bool exported = hsm_letter(WIRE_SPAN(r->mode), '0') == '1';
    char text[KEYS_BLOCK_MAX];
    struct buf b = buf_over(text, sizeof text);
    struct order order = {.lmk = call->lmk, .scheme = hsm_scheme_of(WIRE_SPAN(r->scheme))};
    HSM_ZONE zone = {0};
    HSM_MOVING key = {.scheme = hsm_scheme_of(WIRE_SPAN(r->export_scheme))};
    if (exported)
        TRY(open_zone(context, call, &order, &zone));
    TRY(order_read(context, call, &order, &key));
    keys_generate(context->env, order.len, &key.key);
    TRY(hsm_key_admit(context, WIRE_SPAN(r->type), key.block ? &key.header : NULL, &key.key));
    TRY(wrap_under_lmk(context, &order, &key, &b));
    TRY(HSM_REPLY_KEY(&b, reply->key));
    TRY(HSM_REPLY_KCV(&key.key, key.header.algorithm, HSM_KCV_SHORT, reply->kcv));
    if (!exported)
        return ERR_OK;
    buf_clear(&b);
    TRY(export_key(context, call, &zone, &key, &b));
    return HSM_REPLY_KEY(&b, reply->exported);
}
