/* SPDX-License-Identifier: Apache-2.0 */
/* tidy: table. Security codes; layouts and usages of host-commands 4 and 5. */
#include "hostcmd/rows_internal.h"

/* clang-format off */

#define PAN(struct_)                                                                                                              \
    {.name = "PAN", .doc = "card number", .kind = WIRE_N, .length = WIRE_DELIMITED, .delimiter = ';', .min = 12, .max = 19,       \
     .flags = WIRE_PAN, WIRE_AT(struct_, pan)}
#define EXPIRY(struct_) {.name = "expiry", .doc = "passed through", .kind = WIRE_N, .min = 4, .max = 4, WIRE_AT(struct_, expiry)}
#define SERVICE(struct_)                                                                                                          \
    {.name = "service code", .doc = "passed through", .kind = WIRE_N, .min = 3, .max = 3, WIRE_AT(struct_, service)}
#define CODE(name_, struct_, member_)                                                                                             \
    {.name = (name_), .doc = "security code", .kind = WIRE_N, .min = 3, .max = 3, .flags = WIRE_SECRET, WIRE_AT(struct_, member_)}
#define METHOD(struct_)                                                                                                           \
    {.name = "method", .doc = "card key derivation, EMV book 2 A1.4", .kind = WIRE_ENUM, .choices = "A|B", .min = 1, .max = 1,    \
     WIRE_AT(struct_, method)}
#define SCHEME(struct_)                                                                                                           \
    {.name = "scheme", .doc = "0 Visa dCVV (one-time), 5 window code", .kind = WIRE_ENUM, .choices = "0|5", .min = 1, .max = 1,   \
     WIRE_AT(struct_, scheme)}
/* Scheme 0: the counter. Scheme 5, layout profile countersign-5: time and window. */
#define SCHEME_FIELDS(struct_)                                                                                                    \
    {.name = "ATC", .doc = "issuance counter, decimal, zero-filled", .kind = WIRE_N, .min = 6, .max = 6,                          \
     .when = offsetof(struct_, scheme), .equals = "0", WIRE_AT(struct_, atc)},                                                    \
    {.name = "time", .doc = "YYMMDDhhmm UTC, years 2000 to 2099", .kind = WIRE_N, .min = 10, .max = 10,                           \
     .when = offsetof(struct_, scheme), .equals = "5", WIRE_AT(struct_, time)},                                                   \
    {.name = "TWU", .doc = "window in whole hours, 01 to 18", .kind = WIRE_ENUM, .min = 2, .max = 2,                              \
     .choices = "01|02|03|04|05|06|07|08|09|10|11|12|13|14|15|16|17|18",                                                          \
     .when = offsetof(struct_, scheme), .equals = "5", WIRE_AT(struct_, twu)}

static const struct wire_field cw_fields[] = {
    ROW_KEY("CVK", "card verification key, 402", struct hostcmd_cw, key),
    PAN(struct hostcmd_cw),
    EXPIRY(struct hostcmd_cw),
    SERVICE(struct hostcmd_cw),
};
static const struct wire_field cw_reply_fields[] = {CODE("CVV", struct hostcmd_cw_reply, code)};

static const struct wire_field cy_fields[] = {
    ROW_KEY("CVK", "card verification key, 402", struct hostcmd_cy, key),
    CODE("CVV", struct hostcmd_cy, code),
    PAN(struct hostcmd_cy),
    EXPIRY(struct hostcmd_cy),
    SERVICE(struct hostcmd_cy),
};

static const struct wire_field qy_fields[] = {
    SCHEME(struct hostcmd_qy),
    ROW_KEY("MK-AC", "application cryptogram master key, 109", struct hostcmd_qy, key),
    METHOD(struct hostcmd_qy),
    PAN(struct hostcmd_qy),
    EXPIRY(struct hostcmd_qy),
    SERVICE(struct hostcmd_qy),
    SCHEME_FIELDS(struct hostcmd_qy),
};
static const struct wire_field qy_reply_fields[] = {CODE("code", struct hostcmd_qy_reply, code)};

static const struct wire_field pm_fields[] = {
    SCHEME(struct hostcmd_pm),
    ROW_ONE("version", "of the scheme", "0", struct hostcmd_pm, version),
    ROW_KEY("MK-AC", "application cryptogram master key, 109", struct hostcmd_pm, key),
    METHOD(struct hostcmd_pm),
    PAN(struct hostcmd_pm),
    EXPIRY(struct hostcmd_pm),
    SERVICE(struct hostcmd_pm),
    SCHEME_FIELDS(struct hostcmd_pm),
    CODE("code", struct hostcmd_pm, code),
};
static const struct wire_field pm_reply_fields[] = {
    {.name = "expected", .doc = "in authorised state, compatibility mode", .kind = WIRE_N, .min = 3, .max = 3,
     .flags = WIRE_SECRET | WIRE_OPTIONAL, WIRE_AT(struct hostcmd_pm_reply, expected)},
};
static const struct hostcmd_fault scheme_faults[] = {
    {"scheme", WIRE_OUTCOME_VALUE, ERR_COMMAND_DISABLED},
    {"version", WIRE_OUTCOME_VALUE, ERR_COMMAND_DISABLED},
    {0},
};

ROW_RECORD(cw, "CW", hostcmd_cw);
ROW_RECORD(cw_reply, "CX", hostcmd_cw_reply);
ROW_RECORD(cy, "CY", hostcmd_cy);
ROW_RECORD(qy, "QY", hostcmd_qy);
ROW_RECORD(qy_reply, "QZ", hostcmd_qy_reply);
ROW_RECORD(pm, "PM", hostcmd_pm);
ROW_RECORD(pm_reply, "PN", hostcmd_pm_reply);

const struct hostcmd_row hostcmd_row_cw = {
    .id = HOSTCMD_CW, .code = "CW", .reply_code = "CX", .title = "generate a CVV", .request = &cw_record, .reply = &cw_reply_record,
    .key = {"402", "C0111213", "NCG", 'T'}, .audit = HOSTCMD_AUDIT_FAILURE,
};

const struct hostcmd_row hostcmd_row_cy = {
    .id = HOSTCMD_CY, .code = "CY", .reply_code = "CZ", .title = "verify a CVV", .request = &cy_record,
    .reply = &hostcmd_empty_record,
    .key = {"402", "C0111213", "NCV", 'T'}, .audit = HOSTCMD_AUDIT_FAILURE,
};

const struct hostcmd_row hostcmd_row_qy = {
    .id = HOSTCMD_QY, .code = "QY", .reply_code = "QZ", .title = "generate a dynamic code", .request = &qy_record,
    .reply = &qy_reply_record, .fault = scheme_faults, .key = {"109", "E0", "NX", 'T'},
    .audit = HOSTCMD_AUDIT_FAILURE,
};

const struct hostcmd_row hostcmd_row_pm = {
    .id = HOSTCMD_PM, .code = "PM", .reply_code = "PN", .title = "verify a dynamic code", .request = &pm_record,
    .reply = &pm_reply_record, .fault = scheme_faults, .key = {"109", "E0", "NX", 'T'},
    .audit = HOSTCMD_AUDIT_FAILURE, .flags = HOSTCMD_DATA_WITH_01,
};
/* clang-format on */
