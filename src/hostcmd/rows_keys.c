/* SPDX-License-Identifier: Apache-2.0 */
/* tidy: table. Keys under the LMK; layouts of host-commands.md 6. */
#include "hostcmd/error.h"
#include "hostcmd/internal.h"
#include "keys/error.h"

/* clang-format off */

static const struct wire_field as_fields[] = {
    ROW_GROUP("schemes"),
    ROW_UNUSED("ZMK scheme", struct hostcmd_as, unused),
    ROW_LETTER("LMK scheme", "0: two single keys, U, X: one double key; S: key block; 0 there: S", struct hostcmd_as, lmk_scheme),
    ROW_ONE("KCV type", "0: one a half, 1: one of the pair", "0|1", struct hostcmd_as, kcv_type),
};
static const struct wire_field as_reply_fields[] = {
    ROW_KEY("CVK", "U and 32H, or CVK-A and CVK-B", struct hostcmd_as_reply, key),
    ROW_HEX("KCV A", "check value of CVK-A", 6, struct hostcmd_as_reply, kcv),
    ROW_HEX("KCV B", "check value of CVK-B", 6, struct hostcmd_as_reply, kcv_b),
};
static const struct wire_field as_pair_fields[] = {
    ROW_KEY("CVK", "U and 32H, or CVK-A and CVK-B", struct hostcmd_as_reply, key),
    ROW_HEX("KCV", "check value of the pair", 6, struct hostcmd_as_reply, kcv),
};

#define WITH_ZMK .when = offsetof(struct hostcmd_a0, mode), .equals = "1"
static const struct wire_field a0_fields[] = {
    ROW_ONE("mode", "0 generate, 1 generate and export", "0|1", struct hostcmd_a0, mode),
    ROW_HEX("key type", "key type code; FFF: key block", 3, struct hostcmd_a0, type),
    ROW_LETTER("LMK scheme", "scheme of the key under the LMK", struct hostcmd_a0, scheme),
    {.name = "delimiter", .doc = "starts the optional flag", .kind = WIRE_CONST, .literal = ";", .min = 1, .max = 1,
     .flags = WIRE_GROUP, WITH_ZMK},
    {.name = "ZMK flag", .doc = "0 ZMK, 1 TMK; without it 0", .kind = WIRE_ENUM, .choices = "0|1", .min = 1, .max = 1, WITH_ZMK,
     WIRE_AT(struct hostcmd_a0, zmk_flag)},
    {.name = "ZMK", .doc = "zone master key, 000, or terminal master key, 002", .kind = WIRE_SHAPED, .min = 4,
     .max = HOSTCMD_KEY_MAX, .flags = WIRE_END_GROUP, WITH_ZMK,
     .shape = hostcmd_key_double, .shape_generate = hostcmd_key_double_generate, WIRE_AT(struct hostcmd_a0, zmk)},
    {.name = "export scheme", .doc = "scheme of the key under the ZMK", .kind = WIRE_A, .min = 1, .max = 1, WITH_ZMK,
     WIRE_AT(struct hostcmd_a0, export_scheme)},
};
static const struct hostcmd_fault a0_faults[] = {
    {"mode", WIRE_OUTCOME_VALUE, HOSTCMD_ERR_COMMAND_DISABLED, "AB", 0}, /* derived keys */
    {"key type", WIRE_OUTCOME_CHARACTER, KEYS_ERR_TYPE, NULL, 0},
    {0},
};
static const struct wire_field a0_reply_fields[] = {
    {.name = "key", .doc = "under the LMK", .kind = WIRE_SHAPED, .min = 4, .max = HOSTCMD_KEY_MAX, .shape = hostcmd_key_result,
     .shape_generate = hostcmd_key_double_generate, WIRE_AT(struct hostcmd_a0_reply, key)},
    ROW_HEX("KCV", "check value", 6, struct hostcmd_a0_reply, kcv),
};
static const struct wire_field a0_export_fields[] = {
    {.name = "key", .doc = "under the LMK", .kind = WIRE_SHAPED, .min = 4, .max = HOSTCMD_KEY_MAX, .shape = hostcmd_key_first,
     .shape_generate = hostcmd_key_double_generate, WIRE_AT(struct hostcmd_a0_reply, key)},
    {.name = "exported key", .doc = "under the ZMK", .kind = WIRE_SHAPED, .min = 4, .max = HOSTCMD_KEY_MAX,
     .shape = hostcmd_key_result, .shape_generate = hostcmd_key_double_generate, WIRE_AT(struct hostcmd_a0_reply, exported)},
    ROW_HEX("KCV", "check value", 6, struct hostcmd_a0_reply, kcv),
};

#define COMPONENT(n_, counts_, schemes_, form_, doc_)                                                                             \
    {.name = "component " #n_, .doc = "under the LMK; without a tag " doc_, .kind = WIRE_SHAPED, .min = 4,                        \
     .max = HOSTCMD_KEY_MAX,                                                                                                      \
     .when = offsetof(struct hostcmd_a4, count), .equals = (counts_), .also = offsetof(struct hostcmd_a4, scheme),                \
     .also_equals = (schemes_), .shape = hostcmd_key_##form_, .shape_generate = hostcmd_key_##form_##_generate,                   \
     WIRE_AT(struct hostcmd_a4, component[(n_)-1])}
/* An untagged component is as long as the scheme of the key says. */
#define COMPONENT_ROWS(n_, counts_) COMPONENT(n_, counts_, "Z", single, "16H"), COMPONENT(n_, counts_, "0UXTYSR", double, "32H")
static const struct wire_field a4_fields[] = {
    ROW_ONE("components", "how many", "2|3|4|5|6|7|8|9", struct hostcmd_a4, count),
    ROW_HEX("key type", "key type code; FFF: key blocks", 3, struct hostcmd_a4, type),
    ROW_ONE("LMK scheme", "scheme of the key under the LMK; 0: none", "0|Z|U|X|T|Y|S|R", struct hostcmd_a4, scheme),
    COMPONENT_ROWS(1, "23456789"),
    COMPONENT_ROWS(2, "23456789"),
    COMPONENT_ROWS(3, "3456789"),
    COMPONENT_ROWS(4, "456789"),
    COMPONENT_ROWS(5, "56789"),
    COMPONENT_ROWS(6, "6789"),
    COMPONENT_ROWS(7, "789"),
    COMPONENT_ROWS(8, "89"),
    COMPONENT_ROWS(9, "9"),
};
static const struct hostcmd_fault a4_faults[] = {
    {"components", WIRE_OUTCOME_VALUE, HOSTCMD_ERR_COMMAND_SPECIFIC, NULL, 0},
    {"key type", WIRE_OUTCOME_CHARACTER, KEYS_ERR_TYPE, NULL, 0},
    {"LMK scheme", WIRE_OUTCOME_VALUE, KEYS_ERR_SCHEME, NULL, 0},
    {0},
};
static const struct wire_field a4_reply_fields[] = {
    {.name = "key", .doc = "under the LMK", .kind = WIRE_SHAPED, .min = 4, .max = HOSTCMD_KEY_MAX, .shape = hostcmd_key_result,
     .shape_generate = hostcmd_key_double_generate, WIRE_AT(struct hostcmd_a4_reply, key)},
    ROW_HEX("KCV", "check value", 6, struct hostcmd_a4_reply, kcv),
};

#define BU_KEY(flags_, form_)                                                                                                     \
    {.name = "key", .doc = "the key to check", .kind = WIRE_SHAPED, .min = 4, .max = HOSTCMD_KEY_MAX,                             \
     .when = offsetof(struct hostcmd_bu, length), .equals = (flags_), .shape = hostcmd_key_##form_,                               \
     .shape_generate = hostcmd_key_##form_##_generate, WIRE_AT(struct hostcmd_bu, key)}
static const struct wire_field bu_fields[] = {
    ROW_HEX("variant", "first digit of the key type: 4 of 42", 1, struct hostcmd_bu, variant),
    ROW_HEX("pair", "second digit of the key type: 2 of 42; FF: the three-digit code counts", 1, struct hostcmd_bu, pair),
    ROW_ONE("length flag", "0 single, 1 double, 2 triple, F key block", "0|1|2|F", struct hostcmd_bu, length),
    BU_KEY("0", single),
    BU_KEY("1F", double),
    BU_KEY("2", triple),
    {.name = "delimiter", .doc = "before the key type code", .kind = WIRE_CONST, .literal = ";", .min = 1, .max = 1,
     .when = offsetof(struct hostcmd_bu, variant), .equals = "F"},
    {.name = "key type", .doc = "key type code, with FF", .kind = WIRE_H, .min = 3, .max = 3,
     .when = offsetof(struct hostcmd_bu, variant), .equals = "F", WIRE_AT(struct hostcmd_bu, type)},
    ROW_GROUP("schemes"),
    ROW_UNUSED("ZMK scheme", struct hostcmd_bu, unused),
    ROW_UNUSED("LMK scheme", struct hostcmd_bu, unused_2),
    ROW_ONE("KCV type", "0: 16H, 1: 6H", "0|1", struct hostcmd_bu, kcv_type),
};
static const struct hostcmd_fault bu_faults[] = {
    {"variant", WIRE_OUTCOME_CHARACTER, KEYS_ERR_TYPE_CODE, NULL, 0},
    {"pair", WIRE_OUTCOME_CHARACTER, KEYS_ERR_TYPE_CODE, NULL, 0},
    {"length flag", WIRE_OUTCOME_VALUE, KEYS_ERR_LENGTH_FLAG, NULL, 0},
    {"key type", WIRE_OUTCOME_CHARACTER, KEYS_ERR_TYPE_CODE, NULL, 0},
    {0},
};
static const struct wire_field bu_reply_fields[] = {ROW_HEX("KCV", "long form", 16, struct hostcmd_bu_reply, kcv)};
static const struct wire_field bu_short_fields[] = {ROW_HEX("KCV", "short form", 6, struct hostcmd_bu_reply, kcv)};

#define BW_KEY(flags_, form_)                                                                                                     \
    {.name = "key", .doc = "under the old LMK", .kind = WIRE_SHAPED, .min = 4, .max = HOSTCMD_KEY_MAX,                            \
     .when = offsetof(struct hostcmd_bw, length), .equals = (flags_), .shape = hostcmd_key_##form_,                               \
     .shape_generate = hostcmd_key_##form_##_generate, WIRE_AT(struct hostcmd_bw, key)}
#define BW_SHORT .when = offsetof(struct hostcmd_bw, variant), .equals = "0123456789ABCDEabcdef"
static const struct wire_field bw_fields[] = {
    ROW_HEX("variant", "first digit of the key type: 4 of 42", 1, struct hostcmd_bw, variant),
    ROW_HEX("pair", "second digit of the key type: 2 of 42; FF: the three-digit code counts", 1, struct hostcmd_bw, pair),
    ROW_ONE("length flag", "0 single, 1 double, 2 triple, F key block", "0|1|2|F", struct hostcmd_bw, length),
    BW_KEY("0", single),
    BW_KEY("1F", double),
    BW_KEY("2", triple),
    {.name = "delimiter", .doc = "before the key type code", .kind = WIRE_CONST, .literal = ";", .min = 1, .max = 1,
     .when = offsetof(struct hostcmd_bw, variant), .equals = "F"},
    {.name = "key type", .doc = "key type code, with FF", .kind = WIRE_H, .min = 3, .max = 3,
     .when = offsetof(struct hostcmd_bw, variant), .equals = "F", WIRE_AT(struct hostcmd_bw, type)},
    {.name = "delimiter", .doc = "starts the optional group", .kind = WIRE_CONST, .literal = ";", .min = 1, .max = 1,
     .flags = WIRE_GROUP, BW_SHORT},
    {.name = "key type", .doc = "the same once more in three digits; or the schemes 0U0 at once", .kind = WIRE_A, .min = 3,
     .max = 3, BW_SHORT, WIRE_AT(struct hostcmd_bw, type)},
    ROW_GROUP("schemes"),
    ROW_UNUSED("ZMK scheme", struct hostcmd_bw, unused),
    ROW_LETTER("LMK scheme", "of the key under the current LMK; 0: none", struct hostcmd_bw, lmk_scheme),
    ROW_ONE("KCV type", "not used", "0|Z", struct hostcmd_bw, unused_2),
};
static const struct hostcmd_fault bw_faults[] = {
    {"variant", WIRE_OUTCOME_CHARACTER, KEYS_ERR_TYPE_CODE, NULL, 0},
    {"pair", WIRE_OUTCOME_CHARACTER, KEYS_ERR_TYPE_CODE, NULL, 0},
    {"length flag", WIRE_OUTCOME_VALUE, KEYS_ERR_LENGTH_FLAG, NULL, 0},
    {"key type", WIRE_OUTCOME_CHARACTER, KEYS_ERR_TYPE_CODE, NULL, 0},
    {0},
};
static const struct wire_field bw_reply_fields[] = {
    {.name = "key", .doc = "under the current LMK", .kind = WIRE_SHAPED, .min = 4, .max = HOSTCMD_KEY_MAX,
     .shape = hostcmd_key_result, .shape_generate = hostcmd_key_double_generate, WIRE_AT(struct hostcmd_bw_reply, key)},
    ROW_HEX("KCV", "check value", 6, struct hostcmd_bw_reply, kcv),
};

ROW_RECORD(as, "AS", hostcmd_as);
ROW_RECORD(as_reply, "AT", hostcmd_as_reply);
ROW_RECORD(as_pair, "AT, KCV type 1", hostcmd_as_reply);
ROW_RECORD(a0, "A0", hostcmd_a0);
ROW_RECORD(a0_reply, "A1", hostcmd_a0_reply);
ROW_RECORD(a0_export, "A1, mode 1", hostcmd_a0_reply);
ROW_RECORD(a4, "A4", hostcmd_a4);
ROW_RECORD(a4_reply, "A5", hostcmd_a4_reply);
ROW_RECORD(bu, "BU", hostcmd_bu);
ROW_RECORD(bu_reply, "BV", hostcmd_bu_reply);
ROW_RECORD(bu_short, "BV, KCV type 1", hostcmd_bu_reply);

ROW_RECORD(bw, "BW", hostcmd_bw);
ROW_RECORD(bw_reply, "BX", hostcmd_bw_reply);

const struct hostcmd_row hostcmd_row_as = {
    .id = HOSTCMD_AS, .code = "AS", .reply_code = "AT", .title = "generate a CVK pair", .request = &as_record,
    .reply = &as_reply_record,
    ROW_CHOICE(struct hostcmd_as, kcv_type, "1", as_pair_record), .activity = HOSTCMD_GENERATE, .activity_type = "402",
    .audit = HOSTCMD_AUDIT_ALWAYS,
    .errors = "26",
};

const struct hostcmd_row hostcmd_row_a0 = {
    .id = HOSTCMD_A0, .code = "A0", .reply_code = "A1", .title = "generate a key", .request = &a0_record, .reply = &a0_reply_record,
    ROW_CHOICE(struct hostcmd_a0, mode, "1", a0_export_record), .fault = a0_faults, .key = {"000", "K052", "NBE", 0},
    .key_choice = {offsetof(struct hostcmd_a0, zmk_flag), "1", {"002", "K051", "NBE", 0}},
    .activity = HOSTCMD_GENERATE, .activity_member = offsetof(struct hostcmd_a0, type), .audit = HOSTCMD_AUDIT_ALWAYS,
    .flags = HOSTCMD_ATTRIBUTES | HOSTCMD_CHANGES,
    .errors = "10 12 21 26 27 28 29 75 83 A2 A3 A4 A5 A6 A7 A8 A9 AA AC AD AE AF B0 B1 B7 B9 BB BC BE",
};

const struct hostcmd_row hostcmd_row_a4 = {
    .id = HOSTCMD_A4, .code = "A4", .reply_code = "A5", .title = "form a key from components", .request = &a4_record,
    .reply = &a4_reply_record, .fault = a4_faults, .activity = HOSTCMD_COMPONENT,
    .activity_member = offsetof(struct hostcmd_a4, type), .audit = HOSTCMD_AUDIT_ALWAYS,
    .flags = HOSTCMD_ATTRIBUTES_SHORT | HOSTCMD_CHANGES,
    .errors = "03 10 11 12 21 26 27 28 29 75 83 A2 A3 A4 A7 A8 A9 AC AD AE AF B0 B1 B5 BC BE",
};

const struct hostcmd_row hostcmd_row_bu = {
    .id = HOSTCMD_BU, .code = "BU", .reply_code = "BV", .title = "check value of a key", .request = &bu_record,
    .reply = &bu_reply_record,
    ROW_CHOICE(struct hostcmd_bu, kcv_type, "1", bu_short_record), .fault = bu_faults, .audit = HOSTCMD_AUDIT_FAILURE,
    .errors = "04 05 10 12 21 26 27 29 75 83 A2 A3 A4",
};

const struct hostcmd_row hostcmd_row_bw = {
    .id = HOSTCMD_BW, .code = "BW", .reply_code = "BX", .title = "translate a key from the old LMK to the current one",
    .request = &bw_record, .reply = &bw_reply_record, .fault = bw_faults, .audit = HOSTCMD_AUDIT_ALWAYS,
    .flags = HOSTCMD_ATTRIBUTES | HOSTCMD_CHANGES | HOSTCMD_VERSION_UNUSED,
    .errors = "04 05 10 12 21 26 27 29 33 75 83 A1 A2 A4 A5 A6 A7 A8 A9 AA AB AC AD AE AF B0 B1 BC BE",
};
/* clang-format on */
