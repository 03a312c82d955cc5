/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/key/zone.h"

#include "crypto/error.h"
#include "hsm/key/reply.h"
#include "keys/block/tr31.h"
#include "keys/error.h"

#include <string.h>

enum { ATALLA_MAX = 31, ATALLA_STEP = 8 };

void hsm_zone_cleanup(struct hsm_zone *zone)
{
    secret_wipe(zone, sizeof *zone);
}

/* ---- the ZMK ---- */

enum err hsm_zone_locate(const struct hsm_context *context, const struct hsm_call *call, struct span text, struct hsm_zone *out)
{
    return hsm_key_locate(context, call, text, &out->at);
}

bool hsm_zone_blocks(const struct hsm_context *context, const struct hsm_zone *zone)
{
    return keys_lmk_kind(context->lmks, zone->at.lmk) == KEYS_LMK_BLOCK;
}

static enum err atalla_number(struct span digits, uint8_t *out)
{
    uint64_t number = 0;
    if (digits.len > 0)
        TRY(span_decimal(digits, &number));
    if (number > ATALLA_MAX)
        return ERR_PARSE_VALUE;
    *out = (uint8_t)number;
    return ERR_OK;
}

enum err hsm_zone_open(const struct hsm_context *context, const struct hsm_call *call, struct span atalla, struct hsm_zone *zone)
{
    struct keys_header header = {.algorithm = 'T'};
    TRY(hsm_key_clear(context, &zone->at, hostcmd_key_rule(call->row, call->request), &header, &zone->zmk));
    if (header.algorithm != 'T' && header.algorithm != 'A')
        return KEYS_ERR_ALGORITHM;
    zone->algorithm = header.algorithm;
    zone->terminal = hostcmd_key_rule(call->row, call->request) != &call->row->key;
    return atalla_number(atalla, &zone->atalla);
}

/* Variant n is 8n on the first byte of each part of the ZMK: 08 PIN keys, 10 data, 18 MAC (described by users of such links). */
static void vary(const struct hsm_zone *zone, struct secret_key *out)
{
    ASSERT(zone->atalla <= ATALLA_MAX);
    *out = zone->zmk;
    for (size_t i = 0; i < out->len; i += HSM_SINGLE)
        out->at[i] ^= (uint8_t)(ATALLA_STEP * zone->atalla);
}

/* ---- in ---- */

static bool is_block(struct span text)
{
    return text.len > 0 && (text.at[0] == 'S' || text.at[0] == 'R');
}

static enum err fits_block(const struct hsm_zone *zone, bool aes)
{
    if (zone->atalla != 0)
        return ERR_PARSE_VALUE;
    bool good = zone->algorithm == (aes ? 'A' : 'T') && zone->zmk.len >= HSM_DOUBLE;
    return good ? ERR_OK : KEYS_ERR_WRAPPING_KEY;
}

static enum err read_block(const struct hsm_zone *zone, struct span text, struct hsm_moving *out)
{
    bool tr31 = text.at[0] == 'R';
    if (tr31 && text.len > 1 && text.at[1] == 'E') /* known by name, not built: X9.143 leaves it to a later edition */
        return KEYS_ERR_LMK_SCHEMES;
    if (tr31 && text.len > 1 && (text.at[1] < 'A' || text.at[1] > 'E'))
        return KEYS_ERR_BLOCK_FORMAT;
    TRY(fits_block(zone, tr31 && text.len > 1 && keys_tr31_takes_aes((char)text.at[1])));
    out->block = true;
    if (tr31)
        return keys_tr31_unwrap(&zone->zmk, text, &out->header, &out->key);
    TRY(keys_block_unwrap_under(&zone->zmk, text, &out->header, &out->key));
    return memcmp(out->header.lmk, "FF", sizeof out->header.lmk) == 0 ? ERR_OK : KEYS_ERR_BLOCK_LMK;
}

static enum err read_variant(const struct hsm_zone *zone, struct span text, struct hsm_moving *out)
{
    SECRET_KEY varied = {0};
    if (zone->algorithm != 'T')
        return KEYS_ERR_WRAPPING_KEY;
    vary(zone, &varied);
    out->header.algorithm = 'T';
    return keys_zmk_unwrap(&varied, text, &out->key);
}

enum err hsm_zone_read(const struct hsm_zone *zone, struct span text, struct hsm_moving *out)
{
    ASSERT(zone->zmk.len > 0); /* opened */
    TRY(is_block(text) ? read_block(zone, text, out) : read_variant(zone, text, out));
    if (keys_zero(&out->key))
        return KEYS_ERR_PARITY_DESTINATION;
    if (out->header.algorithm != 'T' && out->header.algorithm != 'D')
        return ERR_OK;
    out->even = !keys_parity_odd(&out->key);
    keys_parity_set(&out->key);
    return ERR_OK;
}

/* ---- what may go together ---- */

/* Types and usages of keys that stand in terminals: TMK and TPK, TAK, TEK, and the initial key of a terminal. */
static const char *const terminal_types[] = {"002", "003", "30B", "70D", "80D", "302"};
static const char terminal_usages[] = "515171P0V0V1V2M0M1M3M5M623D0B1";

static bool is_terminal_usage(const char usage[static 2])
{
    for (const char *at = terminal_usages; at[0]; at += 2)
        if (at[0] == usage[0] && at[1] == usage[1])
            return true;
    return false;
}

enum err hsm_zone_serves(const struct hsm_zone *zone, struct span type, const struct hsm_moving *key)
{
    if (!zone->terminal)
        return ERR_OK;
    if (key->block)
        return is_terminal_usage(key->header.usage) ? ERR_OK : KEYS_ERR_USAGE;
    for (size_t i = 0; i < sizeof terminal_types / sizeof terminal_types[0]; i++)
        if (span_is(type, terminal_types[i]))
            return ERR_OK;
    return KEYS_ERR_FUNCTION;
}

/* A key is not sent under a weaker one (ISO 11568-2, PCI PIN 18-2); in compatibility mode it goes as real hosts send it. AES of any
 * length is stronger than TDES, and the other way round is refused below. */
static enum err strong_enough(const struct hsm_context *context, const struct hsm_zone *zone, const struct hsm_moving *key)
{
    bool aes = key->header.algorithm == 'A';
    if (!context->config->hardened || aes != (zone->algorithm == 'A') || zone->zmk.len >= key->key.len)
        return ERR_OK;
    return key->scheme == 'S' || key->scheme == 'R' ? KEYS_ERR_WRAPPING_KEY : CRYPTO_ERR_KEY_LENGTH;
}

/* ---- out ---- */

static enum err write_block(const struct hsm_context *context, const struct hsm_zone *zone, char scheme, char version,
                            const struct hsm_moving *key, struct buf *out)
{
    struct keys_header header = key->header;
    bool tr31 = scheme == 'R';
    if (version == 0)
        version = !tr31 ? '0' : zone->algorithm == 'A' ? 'D' : 'B';
    bool known = tr31 ? version >= 'A' && version <= 'D' : version == '0';
    if (!known)
        return ERR_PARSE_VALUE;
    TRY(fits_block(zone, tr31 && keys_tr31_takes_aes(version)));
    if (header.algorithm == 'A' && zone->algorithm != 'A')
        return KEYS_ERR_WRAPPING_KEY;
    memcpy(header.lmk, "FF", sizeof header.lmk);
    return tr31 ? keys_tr31_wrap(&zone->zmk, version, &header, &key->key, context->env, out)
                : keys_block_wrap_under(&zone->zmk, &header, &key->key, context->env, out);
}

/* E says: in a key block only; S may go in any form (TR-31 exportability). */
static enum err write_variant(const struct hsm_zone *zone, char scheme, const struct hsm_moving *key, struct buf *out)
{
    SECRET_KEY varied = {0};
    if (key->block && key->header.exportability != 'S')
        return KEYS_ERR_FUNCTION;
    if (key->header.algorithm != 'T' && key->header.algorithm != 'D')
        return KEYS_ERR_ALGORITHM;
    if (zone->algorithm != 'T')
        return KEYS_ERR_WRAPPING_KEY;
    vary(zone, &varied);
    return keys_zmk_wrap(&varied, (enum keys_scheme)scheme, &key->key, out);
}

enum err hsm_zone_write(const struct hsm_context *context, const struct hsm_zone *zone, char scheme, char version,
                        const struct hsm_moving *key, struct buf *out)
{
    TRY(strong_enough(context, zone, key));
    if (scheme == 'S' || scheme == 'R')
        return write_block(context, zone, scheme, version, key, out);
    if (scheme != 0 && hsm_scheme_length(scheme) != key->key.len)
        return KEYS_ERR_SCHEME;
    if (version != 0)
        return KEYS_ERR_CHANGE_FIELD;
    return write_variant(zone, scheme, key, out);
}
