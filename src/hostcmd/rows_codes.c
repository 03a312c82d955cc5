/* SPDX-License-Identifier: Apache-2.0 */
/* tidy: table. Security codes; layouts and usages of host-commands.md 4 and 5. */
#include "hostcmd/error.h"
#include "hostcmd/internal.h"

/* clang-format off */

#define PAN(struct_)                                                                                                              \
    {.name = "PAN", .doc = "card number", .kind = WIRE_N, .length = WIRE_DELIMITED, .delimiter = ';', .min = 12, .max = 19,       \
     .flags = WIRE_PAN, WIRE_AT(struct_, pan)}
#define FOR(struct_, member_, values_) .when = offsetof(struct_, member_), .equals = (values_)
#define EXPIRY(struct_, ...)                                                                                                      \
    {.name = "expiry", .doc = "passed through", .kind = WIRE_N, .min = 4, .max = 4, __VA_ARGS__ WIRE_AT(struct_, expiry)}
#define SERVICE(struct_, ...)                                                                                                     \
    {.name = "service code", .doc = "passed through", .kind = WIRE_N, .min = 3, .max = 3, __VA_ARGS__ WIRE_AT(struct_, service)}
#define CODE(name_, struct_, member_, ...)                                                                                        \
    {.name = (name_), .doc = "security code", .kind = WIRE_N, .min = 3, .max = 3, .flags = WIRE_SECRET,                           \
     __VA_ARGS__ WIRE_AT(struct_, member_)}
#define METHOD(struct_)                                                                                                           \
    {.name = "method", .doc = "card key derivation, EMV book 2 A1.4", .kind = WIRE_ENUM, .choices = "A|B", .min = 1, .max = 1,    \
     WIRE_AT(struct_, method)}
#define SCHEME(struct_, doc_, choices_)                                                                                           \
    {.name = "scheme", .doc = (doc_), .kind = WIRE_ENUM, .choices = (choices_), .min = 1, .max = 1, WIRE_AT(struct_, scheme)}
/* Scheme 0: the counter. Scheme 5: time and window as the profile countersign-5 lays them out; others take the place of these rows
 * (hostcmd/layout/rows.c). */
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
    EXPIRY(struct hostcmd_cw,),
    SERVICE(struct hostcmd_cw,),
};
static const struct wire_field cw_reply_fields[] = {CODE("CVV", struct hostcmd_cw_reply, code,)};

static const struct wire_field cy_fields[] = {
    ROW_KEY("CVK", "card verification key, 402", struct hostcmd_cy, key),
    CODE("CVV", struct hostcmd_cy, code,),
    PAN(struct hostcmd_cy),
    EXPIRY(struct hostcmd_cy,),
    SERVICE(struct hostcmd_cy,),
};

static const struct wire_field qy_fields[] = {
    SCHEME(struct hostcmd_qy, "0 Visa dCVV (one-time), 5 window code", "0|5"),
    ROW_KEY("MK-AC", "application cryptogram master key, 109", struct hostcmd_qy, key),
    METHOD(struct hostcmd_qy),
    PAN(struct hostcmd_qy),
    EXPIRY(struct hostcmd_qy,),
    SERVICE(struct hostcmd_qy,),
    SCHEME_FIELDS(struct hostcmd_qy),
};
static const struct wire_field qy_reply_fields[] = {CODE("code", struct hostcmd_qy_reply, code,)};

/* Schemes 0 and 5 share their fields around those of SCHEME_FIELDS; scheme 1 (Mastercard CVC3, version 2) has its own. */
#define DCVV FOR(struct hostcmd_pm, scheme, "05"),
#define CVC3 FOR(struct hostcmd_pm, scheme, "1")
#define VERSION(choices_, ...)                                                                                                    \
    {.name = "version", .doc = "of the scheme", .kind = WIRE_ENUM, .choices = (choices_), .min = 1, .max = 1,                     \
     __VA_ARGS__ WIRE_AT(struct hostcmd_pm, version)}
static const struct wire_field pm_fields[] = {
    SCHEME(struct hostcmd_pm, "0 Visa dCVV (one-time), 1 Mastercard CVC3, 5 window code", "0|1|5"),
    VERSION("0", DCVV),
    VERSION("2", CVC3,),
    ROW_KEY("key", "MK-AC, 109; scheme 1: MK-CVC3, 709", struct hostcmd_pm, key),
    METHOD(struct hostcmd_pm),
    PAN(struct hostcmd_pm),
    EXPIRY(struct hostcmd_pm, DCVV),
    SERVICE(struct hostcmd_pm, DCVV),
    SCHEME_FIELDS(struct hostcmd_pm),
    CODE("code", struct hostcmd_pm, code, DCVV),
    {.name = "PSN", .doc = "PAN sequence number", .kind = WIRE_N, .min = 2, .max = 2, CVC3, WIRE_AT(struct hostcmd_pm, psn)},
    {.name = "track length", .doc = "bytes of track data", .kind = WIRE_N, .min = 3, .max = 3, CVC3,
     WIRE_AT(struct hostcmd_pm, track_length)},
    {.name = "track data", .doc = "track 2, two nibbles a byte, or track 1, in ASCII", .kind = WIRE_B, .length = WIRE_COUNTED,
     .counter = offsetof(struct hostcmd_pm, track_length), .flags = WIRE_SECRET, .min = 1, .max = HOSTCMD_TRACK_MAX, CVC3,
     WIRE_AT(struct hostcmd_pm, track)},
    {.name = "UN", .doc = "unpredictable number", .kind = WIRE_N, .min = 8, .max = 8, CVC3,
     WIRE_AT(struct hostcmd_pm, unpredictable)},
    {.name = "counter", .doc = "ATC, decimal, up to 65535", .kind = WIRE_N, .min = 5, .max = 5, CVC3,
     WIRE_AT(struct hostcmd_pm, counter)},
    {.name = "CVC3", .doc = "X for each digit that is not compared, then digits", .kind = WIRE_A, .min = 5, .max = 5,
     .flags = WIRE_SECRET, CVC3, WIRE_AT(struct hostcmd_pm, cvc3)},
};
#undef DCVV
#undef CVC3
static const struct wire_field pm_reply_fields[] = {
    {.name = "expected", .doc = "in authorised state, compatibility mode", .kind = WIRE_N, .min = 3, .max = 3,
     .flags = WIRE_SECRET | WIRE_OPTIONAL, WIRE_AT(struct hostcmd_pm_reply, expected)},
};
static const struct wire_field pm_cvc3_reply_fields[] = {
    {.name = "expected", .doc = "the compared digits; in authorised state, compatibility mode", .kind = WIRE_N,
     .length = WIRE_REST, .min = 1, .max = 5, .flags = WIRE_SECRET | WIRE_OPTIONAL, WIRE_AT(struct hostcmd_pm_reply, expected)},
};

#define CSC_VALUE(name_, digits_, member_)                                                                                        \
    {.name = (name_), .doc = "digits, or F in every place: absent", .kind = WIRE_AN, .min = (digits_), .max = (digits_),          \
     .flags = WIRE_SECRET, FOR(struct hostcmd_ry, mode, "4"), WIRE_AT(struct hostcmd_ry, member_)}
#define CSC_MADE(name_, digits_, member_)                                                                                         \
    {.name = (name_), .doc = "security code, unconfirmed", .kind = WIRE_N, .min = (digits_), .max = (digits_),                    \
     .flags = WIRE_SECRET, WIRE_AT(struct hostcmd_ry_reply, member_)}
#define CSC_RESULT(name_, member_)                                                                                                \
    ROW_ONE(name_, "0 match, 1 not present, 2 mismatch", "0|1|2", struct hostcmd_ry_reply, member_)
static const struct wire_field ry_fields[] = {
    ROW_ONE("mode", "3 generate, 4 verify", "3|4", struct hostcmd_ry, mode),
    ROW_ONE("flag", "0 CSC version 1, 2 CSC version 2", "0|2", struct hostcmd_ry, flag),
    ROW_KEY("CSCK", "CSC key, 402", struct hostcmd_ry, key),
    {.name = "account", .doc = "15 digits, filled with 0 on the right", .kind = WIRE_N, .min = 19, .max = 19, .flags = WIRE_PAN,
     WIRE_AT(struct hostcmd_ry, account)},
    EXPIRY(struct hostcmd_ry,),
    SERVICE(struct hostcmd_ry, FOR(struct hostcmd_ry, flag, "2"),),
    CSC_VALUE("5CSC", 5, csc5),
    CSC_VALUE("4CSC", 4, csc4),
    CSC_VALUE("3CSC", 3, csc3),
};
static const struct wire_field ry_reply_fields[] = {
    ROW_ONE("mode", "3", "3", struct hostcmd_ry_reply, mode),
    CSC_MADE("5CSC", 5, csc5),
    CSC_MADE("4CSC", 4, csc4),
    CSC_MADE("3CSC", 3, csc3),
};
static const struct wire_field ry_verify_fields[] = {
    ROW_ONE("mode", "4", "4", struct hostcmd_ry_reply, mode),
    CSC_RESULT("5CSC result", r5),
    CSC_RESULT("4CSC result", r4),
    CSC_RESULT("3CSC result", r3),
};
/* Real HSMs know these, and their layout is not public (host-commands.md 6.1, 12); what nobody knows is 15. */
static const struct hostcmd_fault ry_faults[] = {
    {"flag", WIRE_OUTCOME_VALUE, HOSTCMD_ERR_COMMAND_DISABLED, "3", 0}, /* AEVV */
    {0},
};
static const struct hostcmd_fault qy_faults[] = {
    {"scheme", WIRE_OUTCOME_VALUE, HOSTCMD_ERR_COMMAND_DISABLED, "123467", 0},
    {0},
};
static const struct hostcmd_fault pm_faults[] = {
    {"scheme", WIRE_OUTCOME_VALUE, HOSTCMD_ERR_COMMAND_DISABLED, "23467", 0},
    {"version", WIRE_OUTCOME_VALUE, HOSTCMD_ERR_COMMAND_DISABLED, "01", '1'},
    {"track data", WIRE_OUTCOME_SHORT, ERR_PARSE_SHORT, NULL, 0}, /* not 80, the code of other counted fields */
    {0},
};

ROW_RECORD(cw, "CW", hostcmd_cw);
ROW_RECORD(cw_reply, "CX", hostcmd_cw_reply);
ROW_RECORD(cy, "CY", hostcmd_cy);
ROW_RECORD(qy, "QY", hostcmd_qy);
ROW_RECORD(qy_reply, "QZ", hostcmd_qy_reply);
ROW_RECORD(pm, "PM", hostcmd_pm);
ROW_RECORD(pm_reply, "PN", hostcmd_pm_reply);
ROW_RECORD(pm_cvc3_reply, "PN, scheme 1", hostcmd_pm_reply);
ROW_RECORD(ry, "RY", hostcmd_ry);
ROW_RECORD(ry_reply, "RZ, mode 3", hostcmd_ry_reply);
ROW_RECORD(ry_verify, "RZ, mode 4", hostcmd_ry_reply);

const struct hostcmd_row hostcmd_row_cw = {
    .id = HOSTCMD_CW, .code = "CW", .reply_code = "CX", .title = "generate a CVV", .request = &cw_record, .reply = &cw_reply_record,
    .key = {"402", "C0111213", "NCG", 'T'}, .audit = HOSTCMD_AUDIT_FAILURE,
    .errors = "10 12 21 26 27 29 75 83 A2 A3 A4 A6 A7 A8 A9",
};

const struct hostcmd_row hostcmd_row_cy = {
    .id = HOSTCMD_CY, .code = "CY", .reply_code = "CZ", .title = "verify a CVV", .request = &cy_record,
    .reply = &hostcmd_empty_record,
    .key = {"402", "C0111213", "NCV", 'T'}, .audit = HOSTCMD_AUDIT_FAILURE,
    .errors = "01 10 12 21 26 27 29 39 75 83 A2 A3 A4 A6 A7 A8 A9",
};

const struct hostcmd_row hostcmd_row_qy = {
    .id = HOSTCMD_QY, .code = "QY", .reply_code = "QZ", .title = "generate a dynamic code", .request = &qy_record,
    .reply = &qy_reply_record, .fault = qy_faults, .key = {"109", "E0", "NX", 'T'},
    .audit = HOSTCMD_AUDIT_FAILURE,
    .errors = "10 12 21 26 27 29 75 83 A2 A3 A4 A6 A7 A8 A9",
};

const struct hostcmd_row hostcmd_row_pm = {
    .id = HOSTCMD_PM, .code = "PM", .reply_code = "PN", .title = "verify a dynamic code", .request = &pm_record,
    .reply = &pm_reply_record, ROW_CHOICE(struct hostcmd_pm, scheme, "1", pm_cvc3_reply_record), .fault = pm_faults,
    .key = {"109", "E0", "NX", 'T'},
    .key_choice = {offsetof(struct hostcmd_pm, scheme), "1", {"709", "E4E632", "NX", 'T'}},
    .audit = HOSTCMD_AUDIT_FAILURE, .flags = HOSTCMD_DATA_WITH_01, .binary = "1",
    .errors = "01 10 12 21 26 27 29 39 75 83 A2 A3 A4 A6 A7 A8 A9",
};

const struct hostcmd_row hostcmd_row_ry = {
    .id = HOSTCMD_RY, .code = "RY", .reply_code = "RZ", .title = "generate or verify an American Express CSC (unconfirmed)",
    .request = &ry_record, .reply = &ry_reply_record, ROW_CHOICE(struct hostcmd_ry, mode, "4", ry_verify_record),
    .fault = ry_faults, .key = {"402", "C012", "NCGV", 'T'}, .audit = HOSTCMD_AUDIT_FAILURE, .flags = HOSTCMD_DATA_ALSO_WITH_01,
    .errors = "01 10 12 21 22 26 27 29 39 75 83 A2 A3 A4 A6 A7 A8 A9",
};
/* clang-format on */
