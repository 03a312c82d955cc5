/* SPDX-License-Identifier: Apache-2.0 */
#include "keys/error.h"
#include "keys/keys.h"

#include <string.h>

/* Pair codes 00..0E in order: 04-05, 06-07, 14-15 and so on; the index of a pair is half its first number. */
static const uint8_t pair_of_code[] = {2, 3, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19};

/* clang-format off */
static const struct {
    char code[4];
    const char *name;
} names[] = {
    {"000", "ZMK"},    {"100", "ZMK component"}, {"001", "ZPK"},   {"002", "PVK, TPK, TMK"}, {"70D", "TPK"},    {"80D", "TMK"},
    {"90D", "TKR"},    {"402", "CVK, CSCK"},     {"003", "TAK"},    {"008", "ZAK"},           {"00A", "ZEK"},    {"00B", "DEK"},
    {"30B", "TEK"},    {"109", "MK-AC"},         {"209", "MK-SMI"}, {"309", "MK-SMC"},        {"409", "MK-DAC"}, {"509", "MK-DN"},
    {"709", "MK-CVC3"}, {"009", "BDK-1"},        {"609", "BDK-2"},  {"809", "BDK-3"},         {"909", "BDK-4"},
    {"10C", "HMAC key"}, {"00C", "RSA private key"},
};
/* The two-digit codes of BU and BW that are not simply a pair code of variant 0. */
static const struct {
    char code[3];
    char type[4];
} shorts[] = {
    {"42", "402"}, {"10", "100"},
};
/* clang-format on */

enum err keys_type_place(struct span code, struct keys_type_place *out)
{
    uint8_t pair = 0;
    if (code.len != 3 || code.at[0] < '0' || code.at[0] > '9' || code.at[1] != '0')
        return KEYS_ERR_TYPE;
    if (span_unhex(span_slice(code, 1, 2), &pair, 1) != ERR_OK || pair >= sizeof pair_of_code)
        return KEYS_ERR_TYPE;
    *out = (struct keys_type_place){.pair = pair_of_code[pair], .variant = (uint8_t)(code.at[0] - '0')};
    return ERR_OK;
}

const char *keys_type_name(struct span code)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (span_is(code, names[i].code))
            return names[i].name;
    return "";
}

enum err keys_type_from_short(struct span code, char out[static 4])
{
    struct keys_type_place ignored;
    for (size_t i = 0; i < sizeof shorts / sizeof shorts[0]; i++)
        if (span_is(code, shorts[i].code)) {
            memcpy(out, shorts[i].type, 4);
            return ERR_OK;
        }
    char type[4] = "0";
    if (code.len != 2)
        return KEYS_ERR_TYPE_CODE;
    memcpy(type + 1, code.at, 2);
    if (keys_type_place(span_of(type, 3), &ignored) != ERR_OK)
        return KEYS_ERR_TYPE_CODE;
    memcpy(out, type, 4);
    return ERR_OK;
}
