/* SPDX-License-Identifier: Apache-2.0 */
/* tidy: table. What stands around keys that come and go under a zone master key; layouts of host-commands.md 6. */
#include "hostcmd/internal.h"
#include "keys/error.h"

/* clang-format off */

#define ATTRIBUTE_OPTIONAL                                                                                                        \
    {.name = "optional blocks", .doc = "how many 2N, and the blocks: identifier 2A, length 2H, data", .kind = WIRE_SHAPED,        \
     .literal = "blocks", .min = 2, .max = HOSTCMD_OPTIONAL_MAX, .shape = hostcmd_optional_blocks,                                \
     .shape_generate = hostcmd_optional_blocks_generate, WIRE_AT(struct hostcmd_attributes, optional_blocks)}
static const struct wire_field attributes_fields[] = {
    {.name = "attributes", .doc = "starts the attributes of a key block", .kind = WIRE_CONST, .literal = "#", .min = 1, .max = 1},
    {.name = "usage", .doc = "key usage: C0, E0, K0 ...", .kind = WIRE_AN, .min = 2, .max = 2,
     WIRE_AT(struct hostcmd_attributes, usage)},
    {.name = "algorithm", .doc = "T2 double TDES, T3 triple, A2 AES-256", .kind = WIRE_AN, .min = 2, .max = 2,
     WIRE_AT(struct hostcmd_attributes, algorithm)},
    {.name = "mode", .doc = "mode of use", .kind = WIRE_AN, .min = 1, .max = 1, WIRE_AT(struct hostcmd_attributes, mode)},
    {.name = "version", .doc = "key version", .kind = WIRE_A, .min = 2, .max = 2, WIRE_AT(struct hostcmd_attributes, version)},
    ROW_ONE("exportability", "E, N or S", "E|N|S", struct hostcmd_attributes, exportability),
    ATTRIBUTE_OPTIONAL,
};
const struct wire_record hostcmd_attributes_record = WIRE_RECORD("attributes", struct hostcmd_attributes, attributes_fields);

static const struct wire_field attributes_own_fields[] = {
    {.name = "attributes", .doc = "starts the attributes of a key block", .kind = WIRE_CONST, .literal = "#", .min = 1, .max = 1},
    {.name = "usage", .doc = "key usage: C0, E0, K0 ...", .kind = WIRE_AN, .min = 2, .max = 2,
     WIRE_AT(struct hostcmd_attributes, usage)},
    {.name = "mode", .doc = "mode of use", .kind = WIRE_AN, .min = 1, .max = 1, WIRE_AT(struct hostcmd_attributes, mode)},
    {.name = "version", .doc = "key version", .kind = WIRE_A, .min = 2, .max = 2, WIRE_AT(struct hostcmd_attributes, version)},
    ROW_ONE("exportability", "E, N or S", "E|N|S", struct hostcmd_attributes, exportability),
    ATTRIBUTE_OPTIONAL,
};
const struct wire_record hostcmd_attributes_own_record =
    WIRE_RECORD("attributes without algorithm", struct hostcmd_attributes, attributes_own_fields);

static const struct wire_field attributes_short_fields[] = {
    {.name = "attributes", .doc = "starts the attributes of a key block", .kind = WIRE_CONST, .literal = "#", .min = 1, .max = 1},
    {.name = "version", .doc = "key version", .kind = WIRE_A, .min = 2, .max = 2, WIRE_AT(struct hostcmd_attributes, version)},
    ATTRIBUTE_OPTIONAL,
};
const struct wire_record hostcmd_attributes_short_record =
    WIRE_RECORD("attributes, formed keys", struct hostcmd_attributes, attributes_short_fields);

#define TWO_KEYS(name_, doc_, form_, struct_, member_)                                                                            \
    {.name = (name_), .doc = (doc_), .kind = WIRE_SHAPED, .min = 4, .max = HOSTCMD_KEY_MAX, .shape = hostcmd_key_##form_,         \
     .shape_generate = hostcmd_key_tagged_generate, WIRE_AT(struct_, member_)}
#define ATALLA(struct_)                                                                                                           \
    {.name = "Atalla variant", .doc = "1 or 2 digits", .kind = WIRE_SHAPED, .min = 1, .max = 2, .flags = WIRE_OPTIONAL,           \
     .literal = "1..2N", .shape = hostcmd_atalla, .shape_generate = hostcmd_atalla_generate, WIRE_AT(struct_, atalla)}

static const struct wire_field au_fields[] = {
    TWO_KEYS("ZMK", "zone master key, 000", zmk_of_cvk, struct hostcmd_au, zmk),
    TWO_KEYS("CVK", "under the LMK, 402", double, struct hostcmd_au, key),
    ATALLA(struct hostcmd_au),
    ROW_GROUP("schemes"),
    ROW_LETTER("ZMK scheme", "0, U, X; S, R: key block", struct hostcmd_au, zmk_scheme),
    ROW_UNUSED("LMK scheme", struct hostcmd_au, lmk_scheme),
    ROW_ONE("KCV type", "0: one a half, 1: one of the pair", "0|1", struct hostcmd_au, kcv_type),
};
static const struct wire_field aw_fields[] = {
    TWO_KEYS("ZMK", "zone master key, 000", zmk_of_cvk, struct hostcmd_au, zmk),
    TWO_KEYS("CVK", "under the ZMK", double, struct hostcmd_au, key),
    ATALLA(struct hostcmd_au),
    ROW_GROUP("schemes"),
    ROW_UNUSED("ZMK scheme", struct hostcmd_au, zmk_scheme),
    ROW_LETTER("LMK scheme", "0: two single keys, U: one double key; S: key block", struct hostcmd_au, lmk_scheme),
    ROW_ONE("KCV type", "0: one a half, 1: one of the pair", "0|1", struct hostcmd_au, kcv_type),
};
static const struct wire_field au_reply_fields[] = {
    ROW_KEY("CVK", "under the ZMK (AW: under the LMK)", struct hostcmd_au_reply, key),
    ROW_HEX("KCV A", "check value of CVK-A", 6, struct hostcmd_au_reply, kcv),
    ROW_HEX("KCV B", "check value of CVK-B", 6, struct hostcmd_au_reply, kcv_b),
};
static const struct wire_field au_pair_fields[] = {
    ROW_KEY("CVK", "under the ZMK (AW: under the LMK)", struct hostcmd_au_reply, key),
    ROW_HEX("KCV", "check value of the pair", 6, struct hostcmd_au_reply, kcv),
};

#define FLAG(struct_)                                                                                                             \
    ROW_GROUP("flag"), ROW_ONE("ZMK flag", "0 ZMK, 1 TMK; without it 0", "0|1", struct_, zmk_flag)
#define ZMK_BEHIND_FLAG                                                                                                           \
    {.name = "ZMK", .doc = "zone master key, 000; flag 1: terminal master key, 002", .kind = WIRE_SHAPED, .min = 4,               \
     .max = HOSTCMD_KEY_MAX, .flags = WIRE_END_GROUP, .shape = hostcmd_key_zmk, .shape_generate = hostcmd_key_tagged_generate,   \
     WIRE_AT(struct hostcmd_a6, zmk)}

static const struct wire_field a6_fields[] = {
    ROW_HEX("key type", "key type code; FFF: key block", 3, struct hostcmd_a6, type),
    FLAG(struct hostcmd_a6),
    ZMK_BEHIND_FLAG,
    TWO_KEYS("key", "under the ZMK", before_scheme, struct hostcmd_a6, key),
    ROW_LETTER("LMK scheme", "scheme of the key under the LMK", struct hostcmd_a6, scheme),
    ATALLA(struct hostcmd_a6),
};
static const struct wire_field a8_fields[] = {
    ROW_HEX("key type", "key type code; FFF: key block", 3, struct hostcmd_a6, type),
    FLAG(struct hostcmd_a6),
    ZMK_BEHIND_FLAG,
    TWO_KEYS("key", "under the LMK", before_scheme, struct hostcmd_a6, key),
    ROW_LETTER("ZMK scheme", "scheme of the key under the ZMK", struct hostcmd_a6, scheme),
    ATALLA(struct hostcmd_a6),
};
static const struct hostcmd_fault a6_faults[] = {
    {"key type", WIRE_OUTCOME_CHARACTER, KEYS_ERR_TYPE, NULL, 0},
    {0},
};
static const struct wire_field a6_reply_fields[] = {
    {.name = "key", .doc = "under the LMK (A8: under the ZMK)", .kind = WIRE_SHAPED, .min = 4, .max = HOSTCMD_KEY_MAX,
     .shape = hostcmd_key_result, .shape_generate = hostcmd_key_double_generate, WIRE_AT(struct hostcmd_a6_reply, key)},
    ROW_HEX("KCV", "check value", 6, struct hostcmd_a6_reply, kcv),
};

ROW_RECORD(au, "AU", hostcmd_au);
ROW_RECORD(aw, "AW", hostcmd_au);
ROW_RECORD(au_reply, "AV, AX", hostcmd_au_reply);
ROW_RECORD(au_pair, "AV, AX, KCV type 1", hostcmd_au_reply);
ROW_RECORD(a6, "A6", hostcmd_a6);
ROW_RECORD(a8, "A8", hostcmd_a6);
ROW_RECORD(a6_reply, "A7, A9", hostcmd_a6_reply);

/* The rule is that of the ZMK: usage table of host-commands.md 4; T for versions A to C and S, A for version D. */
const struct hostcmd_row hostcmd_row_au = {
    .id = HOSTCMD_AU, .code = "AU", .reply_code = "AV", .title = "send a CVK out, from LMK to ZMK", .request = &au_record,
    .reply = &au_reply_record, ROW_CHOICE(struct hostcmd_au, kcv_type, "1", au_pair_record), .key = {"000", "K052", "NBE", 0},
    .activity = HOSTCMD_EXPORT, .activity_type = "402", .audit = HOSTCMD_AUDIT_ALWAYS,
    .flags = HOSTCMD_ATTRIBUTES | HOSTCMD_CHANGES,
    .errors = "10 11 12 21 26 27 29 75 83 A1 A2 A3 A4 A6 A7 A8 A9 AA BB",
};

const struct hostcmd_row hostcmd_row_aw = {
    .id = HOSTCMD_AW, .code = "AW", .reply_code = "AX", .title = "take a CVK in, from ZMK to LMK", .request = &aw_record,
    .reply = &au_reply_record, ROW_CHOICE(struct hostcmd_au, kcv_type, "1", au_pair_record), .key = {"000", "K052", "NBD", 0},
    .activity = HOSTCMD_IMPORT, .activity_type = "402", .audit = HOSTCMD_AUDIT_ALWAYS,
    .flags = HOSTCMD_ATTRIBUTES | HOSTCMD_CHANGES,
    .errors = "10 11 12 21 26 27 29 75 83 A2 A3 A4 A6 A7 A8 A9 BB",
};

const struct hostcmd_row hostcmd_row_a6 = {
    .id = HOSTCMD_A6, .code = "A6", .reply_code = "A7", .title = "take a key in, from ZMK to LMK", .request = &a6_record,
    .reply = &a6_reply_record, .fault = a6_faults, .key = {"000", "K052", "NBD", 0},
    .key_choice = {offsetof(struct hostcmd_a6, zmk_flag), "1", {"002", "K051", "NBD", 0}}, .activity = HOSTCMD_IMPORT,
    .activity_member = offsetof(struct hostcmd_a6, type), .audit = HOSTCMD_AUDIT_ALWAYS,
    .flags = HOSTCMD_ATTRIBUTES | HOSTCMD_CHANGES | HOSTCMD_DATA_ALSO_WITH_01,
    .errors = "01 10 12 21 26 27 28 29 75 83 A2 A3 A4 A5 A6 A7 A8 A9 AA AB B7 B9 BB",
};

const struct hostcmd_row hostcmd_row_a8 = {
    .id = HOSTCMD_A8, .code = "A8", .reply_code = "A9", .title = "send a key out, from LMK to ZMK", .request = &a8_record,
    .reply = &a6_reply_record, .fault = a6_faults, .key = {"000", "K052", "NBE", 0},
    .key_choice = {offsetof(struct hostcmd_a6, zmk_flag), "1", {"002", "K051", "NBE", 0}}, .activity = HOSTCMD_EXPORT,
    .activity_member = offsetof(struct hostcmd_a6, type), .audit = HOSTCMD_AUDIT_ALWAYS,
    .flags = HOSTCMD_ATTRIBUTES | HOSTCMD_CHANGES,
    .errors = "10 11 12 21 26 27 28 29 75 83 A1 A2 A3 A4 A5 A6 A7 A8 A9 AA AC AD AE AF B0 B1 B7 B9 BB BC BE",
};
/* clang-format on */
