/* SPDX-License-Identifier: Apache-2.0 */
/* Keys named by the two-digit codes: BU checks one, BW brings one from the old LMK to the current one. */
#include "hsm/commands/internal.h"
#include "hsm/guard/authority.h"
#include "hsm/key/reply.h"
#include "hsm/key/zone.h"
#include "keys/error.h"

#include <string.h>

/* Where the type stands in both requests. */
struct named {
    char code[2];
    struct span type; /* three digits, with code FF */
    char flag;        /* length */
};

/* The type as three digits: FF says that they follow the key. */
static enum err type_of(const struct named *n, char out[static 4])
{
    struct keys_type_place ignored;
    if (n->code[0] != 'F' || n->code[1] != 'F')
        return keys_type_from_short(span_of(n->code, sizeof n->code), out);
    if (keys_type_place(n->type, &ignored) != ERR_OK)
        return KEYS_ERR_TYPE_CODE;
    memcpy(out, n->type.at, 3);
    out[3] = 0;
    return ERR_OK;
}

/* The flag and the text must say the same; F stands for a key block. */
static enum err check_length_flag(char flag, struct span text)
{
    enum keys_scheme scheme;
    struct span digits;
    if ((text.at[0] == 'S') != (flag == 'F'))
        return KEYS_ERR_LENGTH_FLAG;
    if (flag == 'F')
        return ERR_OK;
    TRY(keys_scheme_read(text, &scheme, &digits));
    size_t wanted = flag == '0' ? HSM_SINGLE : flag == '1' ? HSM_DOUBLE : HSM_TRIPLE;
    return digits.len == 2 * wanted ? ERR_OK : KEYS_ERR_LENGTH_FLAG;
}

/* Type, place and length flag, in the order of their answers: 04, 12, 21, 05. */
static enum err find(const struct hsm_context *context, const struct hsm_call *call, const struct named *n, struct span text,
                     struct hsm_key_text *at, char type[static 4])
{
    if (n->flag != 'F')
        TRY(type_of(n, type));
    TRY(hsm_key_locate(context, call, text, at));
    return check_length_flag(n->flag, at->text);
}

/* ---- BU ---- */

/* A long check value tells more of the key than three bytes do: in hardened mode it takes the authority to export. */
static bool long_admitted(const struct hsm_context *context, uint8_t lmk, const char *type)
{
    return hsm_authorised_for(context, lmk, HOSTCMD_EXPORT, span_text(type[0] ? type : "FFF"));
}

enum err hsm_handle_bu(const struct hsm_context *context, struct hsm_call *call)
{
    const struct hostcmd_bu *r = call->request;
    struct hostcmd_bu_reply *reply = call->reply;
    const struct named named = {{hsm_letter(WIRE_SPAN(r->variant), 0), hsm_letter(WIRE_SPAN(r->pair), 0)},
                                WIRE_SPAN(r->type),
                                hsm_letter(WIRE_SPAN(r->length), 0)};
    bool brief = hsm_letter(WIRE_SPAN(r->kcv_type), '0') == '1';
    char type[4] = "";
    struct hsm_key_text at;
    struct keys_header header = {0};
    SECRET_KEY key = {0};
    TRY(find(context, call, &named, WIRE_SPAN(r->key), &at, type));
    if (!brief && !long_admitted(context, at.lmk, type))
        return ERR_NOT_AUTHORISED;
    const struct hostcmd_key_rule rule = {.type = named.flag == 'F' ? NULL : type};
    TRY(hsm_key_clear(context, &at, &rule, &header, &key));
    return HSM_REPLY_KCV(&key, header.algorithm, brief ? HSM_KCV_SHORT : HSM_KCV_LONG, reply->kcv);
}

/* ---- BW ---- */

/*
 * The three characters after the first `;` of a request whose type stands in its two digits: that type once more, or at once the
 * schemes 0U0. What can be either (000) is the type.
 */
static enum err read_schemes(const struct hostcmd_bw *r, const char *type, char *lmk_scheme)
{
    struct span text = WIRE_SPAN(r->type);
    *lmk_scheme = hsm_letter(WIRE_SPAN(r->lmk_scheme), 0);
    if (text.len == 0 || hsm_letter(WIRE_SPAN(r->variant), 0) == 'F' || span_is(text, type))
        return ERR_OK;
    bool schemes = strchr("0ZUXTYSRV", text.at[0]) && strchr("0Z", text.at[2]) && *lmk_scheme == 0;
    if (!schemes)
        return KEYS_ERR_TYPE_CODE;
    *lmk_scheme = (char)text.at[1];
    return ERR_OK;
}

/* Absent: as under the old LMK; 0: no tag. */
static enum err settle_scheme(char wanted, struct span old_text, bool blocks, struct hsm_moving *key)
{
    enum keys_scheme old = KEYS_NONE;
    struct span digits;
    key->scheme = wanted;
    if (blocks)
        return wanted == 0 || wanted == '0' || wanted == 'S' ? ERR_OK : KEYS_ERR_SCHEME;
    if (key->block)
        return KEYS_ERR_LMK_SCHEMES; /* what a header forbids, a variant key could not */
    if (wanted == '0')
        key->scheme = 0;
    if (wanted == 0) {
        TRY(keys_scheme_read(old_text, &old, &digits));
        key->scheme = (char)old;
    }
    return key->scheme == 0 || hsm_scheme_length(key->scheme) == key->key.len ? ERR_OK : KEYS_ERR_SCHEME;
}

static enum err wrap_current(const struct hsm_context *context, const struct hsm_call *call, uint8_t lmk, const char *type,
                             struct hsm_moving *key, struct buf *out)
{
    struct keys_type_place place;
    if (keys_lmk_kind(context->lmks, lmk) == KEYS_LMK_BLOCK) {
        TRY(hsm_header_settle(call, key));
        if (type[0])
            TRY(hsm_header_fits_type(&key->header, span_text(type)));
        return keys_block_wrap(context->lmks, lmk, &key->header, &key->key, context->env, out);
    }
    TRY(keys_type_place(span_text(type), &place));
    return keys_wrap(context->lmks, lmk, place, (enum keys_scheme)key->scheme, &key->key, out);
}

enum err hsm_handle_bw(const struct hsm_context *context, struct hsm_call *call)
{
    const struct hostcmd_bw *r = call->request;
    struct hostcmd_bw_reply *reply = call->reply;
    const struct named named = {{hsm_letter(WIRE_SPAN(r->variant), 0), hsm_letter(WIRE_SPAN(r->pair), 0)},
                                WIRE_SPAN(r->type),
                                hsm_letter(WIRE_SPAN(r->length), 0)};
    char type[4] = "", scheme = 0, text[KEYS_BLOCK_MAX];
    struct buf b = buf_over(text, sizeof text);
    struct hsm_key_text at;
    HSM_MOVING key = {.block = named.flag == 'F'};
    TRY(find(context, call, &named, WIRE_SPAN(r->key), &at, type));
    TRY(read_schemes(r, type, &scheme));
    uint8_t lmk = at.lmk;
    at.lmk |= KEYS_LMK_OLD;
    if (keys_lmk_kind(context->lmks, at.lmk) == KEYS_LMK_ABSENT)
        return KEYS_ERR_LMK_STORAGE;
    const struct hostcmd_key_rule rule = {.type = key.block ? NULL : type};
    TRY(hsm_key_clear(context, &at, &rule, &key.header, &key.key));
    TRY(settle_scheme(scheme, at.text, keys_lmk_kind(context->lmks, lmk) == KEYS_LMK_BLOCK, &key));
    TRY(wrap_current(context, call, lmk, type, &key, &b));
    TRY(HSM_REPLY_KEY(&b, reply->key));
    return HSM_REPLY_KCV(&key.key, key.header.algorithm, HSM_KCV_SHORT, reply->kcv);
}
