/* SPDX-License-Identifier: Apache-2.0 */
/* Key commands: AS, A0 and BU. */
#include "hsm/hsm_keys.h"
#include "hsm/key_reply.h"

#include <string.h>

/* ---- AS ---- */

enum err hsm_handle_as(struct hsm *hsm, struct hsm_call *call)
{
    const struct hostcmd_as *r = call->request;
    struct hostcmd_as_reply *reply = call->reply;
    char text[64], scheme = hsm_letter(WIRE_SPAN(r->lmk_scheme), '0');
    struct buf b = buf_over(text, sizeof text);
    struct keys_type_place cvk;
    SECRET_KEY pair = {0};
    if (scheme != '0' && scheme != KEYS_U && scheme != KEYS_X)
        return ERR_PARSE_VALUE;
    TRY(keys_type_place(span_text("402"), &cvk));
    keys_generate(hsm_env(hsm), HSM_DOUBLE, &pair);
    TRY(keys_wrap(hsm_key_lmks(hsm), call->lmk, cvk, scheme == '0' ? KEYS_NONE : (enum keys_scheme)scheme, &pair, &b));
    TRY(HSM_REPLY_KEY(&b, reply->key));
    return hsm_letter(WIRE_SPAN(r->kcv_type), '0') == '1' ? HSM_REPLY_KCV(&pair, 'T', HSM_KCV_SHORT, reply->kcv)
                                                          : HSM_REPLY_HALF_KCVS(&pair, reply->kcv, reply->kcv_b);
}

/* ---- A0 ---- */

/* What is to be made, and in which form it leaves. */
struct order {
    bool block; /* key type FFF */
    char scheme;
    uint8_t len;
    struct keys_type_place place; /* variant */
    struct keys_header header;    /* block */
};

static enum err order_block(const struct hostcmd_attributes *a, struct order *out)
{
    if (out->scheme != 'S')
        return ERR_KEY_SCHEME;
    if (!a)
        return ERR_PARSE_MISSING;
    out->len = span_is(WIRE_SPAN(a->algorithm), "T2") ? HSM_DOUBLE : span_is(WIRE_SPAN(a->algorithm), "T3") ? HSM_TRIPLE : 0;
    if (out->len == 0)
        return ERR_KEY_ALGORITHM;
    if (!span_is(WIRE_SPAN(a->optional_blocks), "00"))
        return ERR_PARSE_VALUE;
    struct keys_header *h = &out->header;
    *h = (struct keys_header){.algorithm = 'T', .mode = (char)a->mode.at[0], .exportability = (char)a->exportability.at[0]};
    memcpy(h->usage, a->usage.at, sizeof h->usage);
    memcpy(h->version, a->version.at, sizeof h->version);
    return ERR_OK;
}

static enum err order_read(struct hsm *hsm, const struct hsm_call *call, struct order *out)
{
    const struct hostcmd_a0 *r = call->request;
    bool block_lmk = keys_lmk_kind(hsm_key_lmks(hsm), call->lmk) == KEYS_LMK_BLOCK;
    *out = (struct order){.block = span_is(WIRE_SPAN(r->type), "FFF"), .scheme = hsm_letter(WIRE_SPAN(r->scheme), 0)};
    if (out->block != block_lmk)
        return ERR_KEY_TYPE;
    if (out->block)
        return order_block(call->attributes, out);
    TRY(keys_type_place(WIRE_SPAN(r->type), &out->place));
    out->len = hsm_scheme_length(out->scheme);
    return out->len > 0 ? ERR_OK : ERR_KEY_SCHEME;
}

static enum err wrap_under_lmk(struct hsm *hsm, const struct hsm_call *call, const struct order *order,
                               const struct secret_key *key, struct buf *out)
{
    if (order->block)
        return keys_block_wrap(hsm_key_lmks(hsm), call->lmk, &order->header, key, hsm_env(hsm), out);
    return keys_wrap(hsm_key_lmks(hsm), call->lmk, order->place, (enum keys_scheme)order->scheme, key, out);
}

static enum err wrap_under_zmk(struct hsm *hsm, const struct order *order, const struct secret_key *zmk, char scheme,
                               const struct secret_key *key, struct buf *out)
{
    struct keys_header header = order->header;
    if (order->block && header.exportability == 'N')
        return ERR_KEY_EXPORTABILITY;
    if (scheme == 'S' && order->block) {
        if (zmk->len < HSM_DOUBLE)
            return ERR_KEY_LENGTH;
        memcpy(header.lmk, "FF", sizeof header.lmk);
        return keys_block_wrap_under(zmk, &header, key, hsm_env(hsm), out);
    }
    if (hsm_scheme_length(scheme) != key->len)
        return ERR_KEY_SCHEME;
    return keys_zmk_wrap(zmk, (enum keys_scheme)scheme, key, out);
}

static enum err find_zmk(struct hsm *hsm, const struct hsm_call *call, struct secret_key *out)
{
    const struct hostcmd_a0 *r = call->request;
    struct hsm_key_text at;
    TRY(hsm_key_locate(hsm, call, WIRE_SPAN(r->zmk), &at));
    return hsm_key_clear(hsm, &at, &call->row->key, NULL, out);
}

enum err hsm_handle_a0(struct hsm *hsm, struct hsm_call *call)
{
    const struct hostcmd_a0 *r = call->request;
    struct hostcmd_a0_reply *reply = call->reply;
    bool exported = hsm_letter(WIRE_SPAN(r->mode), '0') == '1';
    char text[KEYS_BLOCK_MAX];
    struct buf b = buf_over(text, sizeof text);
    struct order order;
    SECRET_KEY key = {0}, zmk = {0};
    if (exported)
        TRY(find_zmk(hsm, call, &zmk));
    TRY(order_read(hsm, call, &order));
    keys_generate(hsm_env(hsm), order.len, &key);
    TRY(wrap_under_lmk(hsm, call, &order, &key, &b));
    TRY(HSM_REPLY_KEY(&b, reply->key));
    TRY(HSM_REPLY_KCV(&key, 'T', HSM_KCV_SHORT, reply->kcv));
    if (!exported)
        return ERR_OK;
    buf_clear(&b);
    TRY(wrap_under_zmk(hsm, &order, &zmk, hsm_letter(WIRE_SPAN(r->export_scheme), 0), &key, &b));
    return HSM_REPLY_KEY(&b, reply->exported);
}

/* ---- BU ---- */

/* The type as three digits: FF says that they follow the key. */
static enum err bu_type(const struct hostcmd_bu *r, char out[static 4])
{
    const char code[] = {hsm_letter(WIRE_SPAN(r->variant), 0), hsm_letter(WIRE_SPAN(r->pair), 0)};
    struct keys_type_place ignored;
    if (code[0] != 'F' || code[1] != 'F')
        return keys_type_from_short(span_of(code, sizeof code), out);
    if (keys_type_place(WIRE_SPAN(r->type), &ignored) != ERR_OK)
        return ERR_KEY_TYPE_CODE;
    memcpy(out, r->type.at, 3);
    out[3] = 0;
    return ERR_OK;
}

/* The flag and the text must say the same; F stands for a key block. */
static enum err check_length_flag(char flag, struct span text)
{
    enum keys_scheme scheme;
    struct span digits;
    if ((text.at[0] == 'S') != (flag == 'F'))
        return ERR_KEY_LENGTH_FLAG;
    if (flag == 'F')
        return ERR_OK;
    TRY(keys_scheme_read(text, &scheme, &digits));
    size_t wanted = flag == '0' ? HSM_SINGLE : flag == '1' ? HSM_DOUBLE : HSM_TRIPLE;
    return digits.len == 2 * wanted ? ERR_OK : ERR_KEY_LENGTH_FLAG;
}

enum err hsm_handle_bu(struct hsm *hsm, struct hsm_call *call)
{
    const struct hostcmd_bu *r = call->request;
    struct hostcmd_bu_reply *reply = call->reply;
    char flag = hsm_letter(WIRE_SPAN(r->length), 0), type[4] = "";
    struct hsm_key_text at;
    SECRET_KEY key = {0};
    if (flag != 'F')
        TRY(bu_type(r, type));
    TRY(hsm_key_locate(hsm, call, WIRE_SPAN(r->key), &at));
    TRY(check_length_flag(flag, at.text));
    const struct hostcmd_key_rule rule = {.type = flag == 'F' ? NULL : type};
    TRY(hsm_key_clear(hsm, &at, &rule, NULL, &key));
    return HSM_REPLY_KCV(&key, 'T', hsm_letter(WIRE_SPAN(r->kcv_type), '0') == '1' ? HSM_KCV_SHORT : HSM_KCV_LONG, reply->kcv);
}
