/* SPDX-License-Identifier: Apache-2.0 */
/* The commands that move keys between the LMK and a zone: A6 and AW take in, A8 and AU send out. */
#include "crypto/error.h"
#include "hsm/commands/internal.h"
#include "hsm/key/reply.h"
#include "hsm/key/zone.h"
#include "keys/error.h"

#include <string.h>

#define CVK_TYPE "402"
static const struct hostcmd_key_rule cvk_rule = {CVK_TYPE, "C0111213", "NCGV", 'T'};

static bool variant_scheme(char scheme)
{
    return scheme == 0 || hsm_scheme_length(scheme) > 0;
}

static bool block_scheme(char scheme)
{
    return scheme == 'S' || scheme == 'R';
}

/* FFF goes with key-block LMKs, every other type with variant LMKs; components and private keys go their own ways. */
static enum err check_type(const struct hsm_context *context, const struct hsm_zone *zone, struct span type)
{
    struct keys_type_place ignored;
    bool block = span_is(type, "FFF");
    if (block != hsm_zone_blocks(context, zone))
        return KEYS_ERR_TYPE;
    if (block)
        return ERR_OK;
    TRY(keys_type_place(type, &ignored));
    return span_is(type, "100") || span_is(type, "00C") ? KEYS_ERR_FUNCTION : ERR_OK;
}

/* A variant key has no header: `#` says nothing to it (host-commands.md 6.1), and there is nothing to change. */
static enum err check_no_header(const struct hsm_call *call)
{
    return call->changes.exportability || call->changes.version ? KEYS_ERR_CHANGE_FIELD : ERR_OK;
}

/* ---- in ---- */

static enum err wrap_block(const struct hsm_context *context, const struct hsm_call *call, const struct hsm_zone *zone,
                           struct hsm_moving *key, struct buf *out)
{
    if (call->changes.version != 0 && call->changes.version != '0')
        return ERR_PARSE_VALUE;
    TRY(hsm_header_settle(call, key));
    if (key->header.format >= 'A')
        hsm_header_carry(key);
    TRY(hsm_key_admit(context, (struct span){0}, &key->header, &key->key));
    return keys_block_wrap(context->lmks, zone->at.lmk, &key->header, &key->key, context->env, out);
}

static enum err wrap_variant(const struct hsm_context *context, const struct hsm_zone *zone, struct span type, char scheme,
                             struct hsm_moving *key, struct buf *out)
{
    struct keys_type_place place;
    TRY(keys_type_place(type, &place));
    if (key->block)
        TRY(hsm_header_fits_type(&key->header, type));
    if (scheme != 0 && hsm_scheme_length(scheme) != key->key.len)
        return KEYS_ERR_SCHEME;
    TRY(hsm_key_admit(context, type, NULL, &key->key));
    return keys_wrap(context->lmks, zone->at.lmk, place, (enum keys_scheme)scheme, &key->key, out);
}

static enum err wrap_under_lmk(const struct hsm_context *context, const struct hsm_call *call, const struct hsm_zone *zone,
                               struct span type, struct hsm_moving *key, struct buf *out)
{
    char scheme = hsm_zone_blocks(context, zone) ? 'S' : key->scheme;
    if (scheme == 'S')
        return wrap_block(context, call, zone, key, out);
    TRY(check_no_header(call));
    return wrap_variant(context, zone, type, scheme, key, out);
}

enum err hsm_handle_a6(const struct hsm_context *context, struct hsm_call *call)
{
    const struct hostcmd_a6 *r = call->request;
    struct hostcmd_a6_reply *reply = call->reply;
    char text[KEYS_BLOCK_MAX];
    struct buf b = buf_over(text, sizeof text);
    HSM_ZONE zone = {0};
    HSM_MOVING key = {.scheme = hsm_scheme_of(WIRE_SPAN(r->scheme))};
    TRY(hsm_zone_locate(context, call, WIRE_SPAN(r->zmk), &zone));
    TRY(check_type(context, &zone, WIRE_SPAN(r->type)));
    if (hsm_zone_blocks(context, &zone) ? key.scheme != 'S' : !variant_scheme(key.scheme))
        return KEYS_ERR_SCHEME;
    TRY(hsm_zone_open(context, call, WIRE_SPAN(r->atalla), &zone));
    TRY(hsm_zone_read(&zone, WIRE_SPAN(r->key), &key));
    TRY(hsm_zone_serves(&zone, WIRE_SPAN(r->type), &key));
    if (key.block && key.even && context->config->hardened)
        return KEYS_ERR_PARITY_SOURCE;
    TRY(wrap_under_lmk(context, call, &zone, WIRE_SPAN(r->type), &key, &b));
    TRY(HSM_REPLY_KEY(&b, reply->key));
    TRY(HSM_REPLY_KCV(&key.key, key.header.algorithm, HSM_KCV_SHORT, reply->kcv));
    /* A warning: the key was stored with the parity it should have had. */
    if (key.even)
        call->verdict = VERDICT_MISMATCH;
    return ERR_OK;
}

/* ---- out ---- */

/* What a command takes together must stand under one LMK. */
static enum err check_same_lmk(const struct hsm_context *context, const struct hsm_zone *zone, uint8_t lmk)
{
    struct keys_lmk_set *lmks = context->lmks;
    if (keys_lmk_kind(lmks, zone->at.lmk) != keys_lmk_kind(lmks, lmk))
        return KEYS_ERR_LMK_SCHEMES;
    return zone->at.lmk == lmk ? ERR_OK : KEYS_ERR_LMK_IDENTIFIERS;
}

static enum err read_under_lmk(const struct hsm_context *context, const struct hsm_call *call, const struct hsm_zone *zone,
                               struct span text, const struct hostcmd_key_rule *rule, struct hsm_moving *out)
{
    struct hsm_key_text at;
    TRY(hsm_key_locate(context, call, text, &at));
    TRY(check_same_lmk(context, zone, at.lmk));
    enum err err = hsm_key_clear(context, &at, rule, &out->header, &out->key);
    out->block = hsm_zone_blocks(context, zone);
    if (err == KEYS_ERR_PARITY_SOURCE)
        return KEYS_ERR_PARITY_DESTINATION; /* 10 speaks of the ZMK */
    if (err == ERR_OK && out->block && out->header.exportability == 'N')
        return KEYS_ERR_EXPORTABILITY;
    return err;
}

static enum err send_out(const struct hsm_context *context, const struct hsm_call *call, const struct hsm_zone *zone,
                         struct hsm_moving *key, struct buf *out)
{
    if (block_scheme(key->scheme))
        TRY(hsm_header_settle(call, key));
    else
        TRY(check_no_header(call));
    if (key->scheme == 'R')
        hsm_header_carry(key);
    return hsm_zone_write(context, zone, key->scheme, call->changes.version, key, out);
}

enum err hsm_handle_a8(const struct hsm_context *context, struct hsm_call *call)
{
    const struct hostcmd_a6 *r = call->request;
    struct hostcmd_a6_reply *reply = call->reply;
    char text[KEYS_BLOCK_MAX], type[4] = "";
    struct buf b = buf_over(text, sizeof text);
    HSM_ZONE zone = {0};
    HSM_MOVING key = {.scheme = hsm_scheme_of(WIRE_SPAN(r->scheme))};
    memcpy(type, r->type.at, r->type.len);
    TRY(hsm_zone_locate(context, call, WIRE_SPAN(r->zmk), &zone));
    TRY(check_type(context, &zone, WIRE_SPAN(r->type)));
    if (!variant_scheme(key.scheme) && !block_scheme(key.scheme))
        return KEYS_ERR_SCHEME;
    TRY(hsm_zone_open(context, call, WIRE_SPAN(r->atalla), &zone));
    bool variant = !hsm_zone_blocks(context, &zone);
    TRY(read_under_lmk(context, call, &zone, WIRE_SPAN(r->key), &(struct hostcmd_key_rule){.type = variant ? type : NULL}, &key));
    TRY(hsm_zone_serves(&zone, WIRE_SPAN(r->type), &key));
    TRY(send_out(context, call, &zone, &key, &b));
    if (variant && block_scheme(key.scheme))
        TRY(hsm_header_fits_type(&key.header, WIRE_SPAN(r->type)));
    TRY(HSM_REPLY_KEY(&b, reply->key));
    return HSM_REPLY_KCV(&key.key, key.header.algorithm, HSM_KCV_SHORT, reply->kcv);
}

/* ---- card verification keys ---- */

/* Without `0` or a group, the form that goes with the LMK. */
static char cvk_scheme(struct span letter, bool blocks)
{
    char scheme = hsm_letter(letter, '0');
    if (scheme == '0' || scheme == 'Z')
        return blocks ? 'S' : 0;
    return scheme;
}

/* A CVK that had no header gets that of its type, with the mode that hardened mode takes as well. */
static void cvk_header(const struct hsm_call *call, struct hsm_moving *key)
{
    if (key->block || call->attributes)
        return;
    key->block = true;
    key->header =
        (struct keys_header){.usage = {'C', '0'}, .algorithm = 'T', .mode = 'C', .version = {'0', '0'}, .exportability = 'E'};
}

static enum err cvk_reply(const struct hostcmd_au *r, const struct buf *b, const struct secret_key *pair,
                          struct hostcmd_au_reply *reply)
{
    TRY(HSM_REPLY_KEY(b, reply->key));
    if (hsm_letter(WIRE_SPAN(r->kcv_type), '0') == '1')
        return HSM_REPLY_KCV(pair, 'T', HSM_KCV_SHORT, reply->kcv);
    return HSM_REPLY_HALF_KCVS(pair, reply->kcv, reply->kcv_b);
}

/* The usages of a CVK, for a block that came or the `#` fields. */
static enum err cvk_allowed(const struct keys_header *header)
{
    const struct keys_rule rule = {cvk_rule.usages, cvk_rule.modes, cvk_rule.algorithm};
    return keys_block_allows(header, &rule);
}

static enum err cvk_pair(const struct hsm_moving *key)
{
    return key->key.len == HSM_DOUBLE ? ERR_OK : CRYPTO_ERR_KEY_LENGTH;
}

enum err hsm_handle_au(const struct hsm_context *context, struct hsm_call *call)
{
    const struct hostcmd_au *r = call->request;
    char text[KEYS_BLOCK_MAX];
    struct buf b = buf_over(text, sizeof text);
    HSM_ZONE zone = {0};
    HSM_MOVING key = {0};
    TRY(hsm_zone_locate(context, call, WIRE_SPAN(r->zmk), &zone));
    key.scheme = cvk_scheme(WIRE_SPAN(r->zmk_scheme), hsm_zone_blocks(context, &zone));
    if (!variant_scheme(key.scheme) && !block_scheme(key.scheme))
        return KEYS_ERR_SCHEME;
    TRY(hsm_zone_open(context, call, WIRE_SPAN(r->atalla), &zone));
    TRY(read_under_lmk(context, call, &zone, WIRE_SPAN(r->key), &cvk_rule, &key));
    TRY(cvk_pair(&key));
    if (block_scheme(key.scheme))
        cvk_header(call, &key);
    TRY(send_out(context, call, &zone, &key, &b));
    if (block_scheme(key.scheme))
        TRY(cvk_allowed(&key.header));
    return cvk_reply(r, &b, &key.key, call->reply);
}

enum err hsm_handle_aw(const struct hsm_context *context, struct hsm_call *call)
{
    const struct hostcmd_au *r = call->request;
    char text[KEYS_BLOCK_MAX];
    struct buf b = buf_over(text, sizeof text);
    HSM_ZONE zone = {0};
    HSM_MOVING key = {0};
    TRY(hsm_zone_locate(context, call, WIRE_SPAN(r->zmk), &zone));
    bool blocks = hsm_zone_blocks(context, &zone);
    key.scheme = cvk_scheme(WIRE_SPAN(r->lmk_scheme), blocks);
    if (blocks ? key.scheme != 'S' : !variant_scheme(key.scheme))
        return KEYS_ERR_SCHEME;
    TRY(hsm_zone_open(context, call, WIRE_SPAN(r->atalla), &zone));
    TRY(hsm_zone_read(&zone, WIRE_SPAN(r->key), &key));
    if (key.block)
        TRY(cvk_allowed(&key.header));
    if (key.even)
        return KEYS_ERR_PARITY_DESTINATION;
    TRY(cvk_pair(&key));
    if (blocks)
        cvk_header(call, &key);
    TRY(wrap_under_lmk(context, call, &zone, span_text(CVK_TYPE), &key, &b));
    if (blocks)
        TRY(cvk_allowed(&key.header));
    return cvk_reply(r, &b, &key.key, call->reply);
}
