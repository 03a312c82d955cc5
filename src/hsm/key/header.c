/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/key/header.h"
#include "keys/error.h"

#include <string.h>

enum { PAIR = 2 };

/* clang-format off */
static const struct {
    char text[3];
    char algorithm;
    uint8_t len;
} algorithms[] = {
    {"D1", 'D', 8}, {"T1", 'T', 8}, {"T2", 'T', 16}, {"T3", 'T', 24}, {"A1", 'A', 16}, {"A2", 'A', 32},
};

/* The usages that a key of a type may have in a key block: TR-31 and Thales' numeric ones. */
static const struct {
    char type[4];
    const char *usages; /* two characters each */
} types[] = {
    {"000", "K052"},     {"001", "P072"},   {"002", "P071K051V0V1V2"}, {"70D", "P071"}, {"80D", "K051"},     {"402", "C0111213"},
    {"003", "M0M1M3M5M6"}, {"008", "M0M1M3M5M6"}, {"00A", "D022"},     {"00B", "D021"}, {"30B", "D023"},
    {"109", "E0"},       {"209", "E2"},     {"309", "E1"},             {"409", "E3"},   {"509", "E4"},       {"709", "E4E632"},
    {"009", "B0"},       {"609", "41"},     {"809", "42"},             {"909", "43"},
};

/* Optional blocks that keep their meaning at another host; PB is made anew, KP speaks of the wrapping key. */
static const char carried[] = "ALBIDAHMIKKCKSKVLBTCTSWP";
/* Narrower to the right. */
static const char narrowing[] = "SEN";
/* clang-format on */

void hsm_moving_cleanup(struct hsm_moving *key)
{
    secret_wipe(key, sizeof *key);
}

static bool listed(const char *pairs, const char *pair)
{
    for (; pairs[0]; pairs += PAIR)
        if (pairs[0] == pair[0] && pairs[1] == pair[1])
            return true;
    return false;
}

enum err hsm_header_complete(const struct hostcmd_attributes *attributes, struct keys_header *header)
{
    uint64_t count = 0;
    struct span optional = WIRE_SPAN(attributes->optional_blocks);
    TRY(span_decimal(span_slice(optional, 0, PAIR), &count));
    memcpy(header->version, attributes->version.at, sizeof header->version);
    header->optional = (uint8_t)count;
    header->blocks = span_slice(optional, PAIR, optional.len);
    return keys_optional_check(header);
}

enum err hsm_header_from(const struct hostcmd_attributes *attributes, struct keys_header *out, uint8_t *len)
{
    for (size_t i = 0; i < sizeof algorithms / sizeof algorithms[0]; i++) {
        if (!span_is(WIRE_SPAN(attributes->algorithm), algorithms[i].text))
            continue;
        *len = algorithms[i].len;
        *out = (struct keys_header){.algorithm = algorithms[i].algorithm,
                                    .mode = (char)attributes->mode.at[0],
                                    .exportability = (char)attributes->exportability.at[0]};
        memcpy(out->usage, attributes->usage.at, sizeof out->usage);
        return hsm_header_complete(attributes, out);
    }
    return KEYS_ERR_ALGORITHM;
}

/* The row whose type this is, or the first one that lists this usage; NULL: none. */
static const char *class_of(struct span use)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (use.len == PAIR ? listed(types[i].usages, (const char *)use.at) : span_is(use, types[i].type))
            return types[i].usages;
    return NULL;
}

bool hsm_header_uses_meet(struct span a, struct span b)
{
    const char *ca = class_of(a), *cb = class_of(b);
    if (span_equal(a, b))
        return true;
    if (!ca || !cb)
        return false;
    if (a.len == b.len)
        return a.len == PAIR && ca == cb;
    return a.len == PAIR ? listed(cb, (const char *)a.at) : listed(ca, (const char *)b.at);
}

enum err hsm_header_fits_type(const struct keys_header *header, struct span type)
{
    bool fits = false;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        fits |= span_is(type, types[i].type) && listed(types[i].usages, header->usage);
    if (!fits)
        return KEYS_ERR_USAGE;
    return header->algorithm == 'T' || header->algorithm == 'D' ? ERR_OK : KEYS_ERR_ALGORITHM;
}

static bool narrows(char from, char to)
{
    const char *f = strchr(narrowing, from), *t = strchr(narrowing, to);
    return f && t && *f && *t && t >= f;
}

/* `#` beside a key block repeats what the block says; only the exportability may be narrower. */
static enum err agree(const struct keys_header *a, const struct keys_header *block)
{
    if (memcmp(a->usage, block->usage, sizeof a->usage) != 0)
        return KEYS_ERR_USAGE;
    if (a->mode != block->mode)
        return KEYS_ERR_MODE;
    if (a->algorithm != block->algorithm)
        return KEYS_ERR_ALGORITHM;
    if (memcmp(a->version, block->version, sizeof a->version) != 0)
        return KEYS_ERR_VERSION;
    if (!narrows(block->exportability, a->exportability))
        return KEYS_ERR_EXPORTABILITY;
    return a->optional == 0 ? ERR_OK : KEYS_ERR_OPTIONAL_COUNT;
}

/* The header that `#` says; an algorithm that it leaves out is the key's own. */
static enum err said_of(const struct hostcmd_attributes *attributes, const struct hsm_moving *key, struct keys_header *out,
                        uint8_t *len)
{
    if (attributes->algorithm.present)
        return hsm_header_from(attributes, out, len);
    *len = (uint8_t)key->key.len;
    *out = (struct keys_header){.algorithm = key->header.algorithm,
                                .mode = (char)attributes->mode.at[0],
                                .exportability = (char)attributes->exportability.at[0]};
    memcpy(out->usage, attributes->usage.at, sizeof out->usage);
    return hsm_header_complete(attributes, out);
}

static enum err settle_attributes(const struct hsm_call *call, struct hsm_moving *key)
{
    struct keys_header header;
    uint8_t len = 0;
    if (!call->attributes)
        return key->block ? ERR_OK : ERR_PARSE_MISSING;
    TRY(said_of(call->attributes, key, &header, &len));
    if (key->block) {
        TRY(agree(&header, &key->header));
        key->header.exportability = header.exportability;
    } else {
        if (header.algorithm != 'T' && header.algorithm != 'D')
            return KEYS_ERR_ALGORITHM;
        key->header = header;
    }
    return len == key->key.len ? ERR_OK : KEYS_ERR_BLOCK_LENGTH;
}

enum err hsm_header_settle(const struct hsm_call *call, struct hsm_moving *key)
{
    char wanted = call->changes.exportability;
    TRY(settle_attributes(call, key));
    if (wanted == 0)
        return ERR_OK;
    if (!narrows(key->header.exportability, wanted))
        return KEYS_ERR_CHANGE_NEW;
    key->header.exportability = wanted;
    return ERR_OK;
}

void hsm_header_carry(struct hsm_moving *key)
{
    struct span left = key->header.blocks;
    struct buf kept = buf_over(key->optional, sizeof key->optional);
    struct keys_optional o;
    uint8_t count = 0;
    while (keys_optional_next(&left, &o))
        if (listed(carried, o.id)) {
            buf_put_span(&kept, o.whole);
            count++;
        }
    key->header.blocks = buf_span(&kept);
    key->header.optional = count;
}
