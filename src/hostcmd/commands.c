/* SPDX-License-Identifier: Apache-2.0 */
/* tidy: table. The rows of every command; layouts of host-commands 5 to 7. */
#include "hostcmd/internal.h"

/* clang-format off */

#define KEY(name_, doc_, struct_, member_)                                                                                        \
    {.name = (name_), .doc = (doc_), .kind = WIRE_SHAPED, .min = 4, .max = HOSTCMD_KEY_MAX, .shape = hostcmd_key_double,          \
     .shape_generate = hostcmd_key_double_generate, WIRE_AT(struct_, member_)}
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
#define HEX(name_, doc_, digits_, struct_, member_)                                                                               \
    {.name = (name_), .doc = (doc_), .kind = WIRE_H, .min = (digits_), .max = (digits_), WIRE_AT(struct_, member_)}
#define ONE(name_, doc_, choices_, struct_, member_)                                                                              \
    {.name = (name_), .doc = (doc_), .kind = WIRE_ENUM, .choices = (choices_), .min = 1, .max = 1, WIRE_AT(struct_, member_)}
#define LETTER(name_, doc_, struct_, member_)                                                                                     \
    {.name = (name_), .doc = (doc_), .kind = WIRE_A, .min = 1, .max = 1, WIRE_AT(struct_, member_)}
#define GROUP(name_)                                                                                                              \
    {.name = (name_), .doc = "starts the optional group", .kind = WIRE_CONST, .literal = ";", .min = 1, .max = 1,                 \
     .flags = WIRE_GROUP}

/* ---- security codes ---- */

static const struct wire_field cw_fields[] = {
    KEY("CVK", "card verification key, 402", struct hostcmd_cw, key),
    PAN(struct hostcmd_cw),
    EXPIRY(struct hostcmd_cw),
    SERVICE(struct hostcmd_cw),
};
static const struct wire_field cw_reply_fields[] = {CODE("CVV", struct hostcmd_cw_reply, code)};

static const struct wire_field cy_fields[] = {
    KEY("CVK", "card verification key, 402", struct hostcmd_cy, key),
    CODE("CVV", struct hostcmd_cy, code),
    PAN(struct hostcmd_cy),
    EXPIRY(struct hostcmd_cy),
    SERVICE(struct hostcmd_cy),
};

static const struct wire_field qy_fields[] = {
    SCHEME(struct hostcmd_qy),
    KEY("MK-AC", "application cryptogram master key, 109", struct hostcmd_qy, key),
    METHOD(struct hostcmd_qy),
    PAN(struct hostcmd_qy),
    EXPIRY(struct hostcmd_qy),
    SERVICE(struct hostcmd_qy),
    SCHEME_FIELDS(struct hostcmd_qy),
};
static const struct wire_field qy_reply_fields[] = {CODE("code", struct hostcmd_qy_reply, code)};

static const struct wire_field pm_fields[] = {
    SCHEME(struct hostcmd_pm),
    ONE("version", "of the scheme", "0", struct hostcmd_pm, version),
    KEY("MK-AC", "application cryptogram master key, 109", struct hostcmd_pm, key),
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

/* ---- keys ---- */

static const struct wire_field as_fields[] = {
    GROUP("schemes"),
    ONE("ZMK scheme", "not used", "0|Z", struct hostcmd_as, unused),
    LETTER("LMK scheme", "0: two single keys, U: one double key", struct hostcmd_as, lmk_scheme),
    ONE("KCV type", "0: one a half, 1: one of the pair", "0|1", struct hostcmd_as, kcv_type),
};
static const struct wire_field as_reply_fields[] = {
    KEY("CVK", "U and 32H, or CVK-A and CVK-B", struct hostcmd_as_reply, key),
    HEX("KCV A", "check value of CVK-A", 6, struct hostcmd_as_reply, kcv),
    HEX("KCV B", "check value of CVK-B", 6, struct hostcmd_as_reply, kcv_b),
};
static const struct wire_field as_pair_fields[] = {
    KEY("CVK", "U and 32H, or CVK-A and CVK-B", struct hostcmd_as_reply, key),
    HEX("KCV", "check value of the pair", 6, struct hostcmd_as_reply, kcv),
};

#define WITH_ZMK .when = offsetof(struct hostcmd_a0, mode), .equals = "1"
static const struct wire_field a0_fields[] = {
    ONE("mode", "0 generate, 1 generate and export", "0|1", struct hostcmd_a0, mode),
    HEX("key type", "key type code; FFF: key block", 3, struct hostcmd_a0, type),
    LETTER("LMK scheme", "scheme of the key under the LMK", struct hostcmd_a0, scheme),
    {.name = "delimiter", .doc = "before the ZMK", .kind = WIRE_CONST, .literal = ";", .min = 1, .max = 1, WITH_ZMK},
    {.name = "ZMK flag", .doc = "0", .kind = WIRE_N, .min = 1, .max = 1, WITH_ZMK, WIRE_AT(struct hostcmd_a0, zmk_flag)},
    {.name = "ZMK", .doc = "zone master key, 000", .kind = WIRE_SHAPED, .min = 4, .max = HOSTCMD_KEY_MAX, WITH_ZMK,
     .shape = hostcmd_key_double, .shape_generate = hostcmd_key_double_generate, WIRE_AT(struct hostcmd_a0, zmk)},
    {.name = "export scheme", .doc = "scheme of the key under the ZMK", .kind = WIRE_A, .min = 1, .max = 1, WITH_ZMK,
     WIRE_AT(struct hostcmd_a0, export_scheme)},
};
static const struct hostcmd_fault a0_faults[] = {
    {"mode", WIRE_OUTCOME_VALUE, ERR_COMMAND_DISABLED},
    {"key type", WIRE_OUTCOME_CHARACTER, ERR_KEY_TYPE},
    {0},
};
static const struct wire_field a0_reply_fields[] = {
    {.name = "key", .doc = "under the LMK", .kind = WIRE_SHAPED, .min = 4, .max = HOSTCMD_KEY_MAX, .shape = hostcmd_key_result,
     .shape_generate = hostcmd_key_double_generate, WIRE_AT(struct hostcmd_a0_reply, key)},
    HEX("KCV", "check value", 6, struct hostcmd_a0_reply, kcv),
};
static const struct wire_field a0_export_fields[] = {
    {.name = "key", .doc = "under the LMK", .kind = WIRE_SHAPED, .min = 4, .max = HOSTCMD_KEY_MAX, .shape = hostcmd_key_first,
     .shape_generate = hostcmd_key_double_generate, WIRE_AT(struct hostcmd_a0_reply, key)},
    {.name = "exported key", .doc = "under the ZMK", .kind = WIRE_SHAPED, .min = 4, .max = HOSTCMD_KEY_MAX,
     .shape = hostcmd_key_result, .shape_generate = hostcmd_key_double_generate, WIRE_AT(struct hostcmd_a0_reply, exported)},
    HEX("KCV", "check value", 6, struct hostcmd_a0_reply, kcv),
};

#define BU_KEY(flags_, form_)                                                                                                     \
    {.name = "key", .doc = "the key to check", .kind = WIRE_SHAPED, .min = 4, .max = HOSTCMD_KEY_MAX,                             \
     .when = offsetof(struct hostcmd_bu, length), .equals = (flags_), .shape = hostcmd_key_##form_,                               \
     .shape_generate = hostcmd_key_##form_##_generate, WIRE_AT(struct hostcmd_bu, key)}
static const struct wire_field bu_fields[] = {
    HEX("variant", "first digit of the key type: 4 of 42", 1, struct hostcmd_bu, variant),
    HEX("pair", "second digit of the key type: 2 of 42; FF: the three-digit code counts", 1, struct hostcmd_bu, pair),
    ONE("length flag", "0 single, 1 double, 2 triple, F key block", "0|1|2|F", struct hostcmd_bu, length),
    BU_KEY("0", single),
    BU_KEY("1F", double),
    BU_KEY("2", triple),
    {.name = "delimiter", .doc = "before the key type code", .kind = WIRE_CONST, .literal = ";", .min = 1, .max = 1,
     .when = offsetof(struct hostcmd_bu, variant), .equals = "F"},
    {.name = "key type", .doc = "key type code, with FF", .kind = WIRE_H, .min = 3, .max = 3,
     .when = offsetof(struct hostcmd_bu, variant), .equals = "F", WIRE_AT(struct hostcmd_bu, type)},
    GROUP("schemes"),
    ONE("ZMK scheme", "not used", "0|Z", struct hostcmd_bu, unused),
    ONE("LMK scheme", "not used", "0|Z", struct hostcmd_bu, unused_2),
    ONE("KCV type", "0: 16H, 1: 6H", "0|1", struct hostcmd_bu, kcv_type),
};
static const struct hostcmd_fault bu_faults[] = {
    {"variant", WIRE_OUTCOME_CHARACTER, ERR_KEY_TYPE_CODE},
    {"pair", WIRE_OUTCOME_CHARACTER, ERR_KEY_TYPE_CODE},
    {"length flag", WIRE_OUTCOME_VALUE, ERR_KEY_LENGTH_FLAG},
    {"key type", WIRE_OUTCOME_CHARACTER, ERR_KEY_TYPE_CODE},
    {0},
};
static const struct wire_field bu_reply_fields[] = {HEX("KCV", "long form", 16, struct hostcmd_bu_reply, kcv)};
static const struct wire_field bu_short_fields[] = {HEX("KCV", "short form", 6, struct hostcmd_bu_reply, kcv)};

static const struct wire_field attributes_fields[] = {
    {.name = "attributes", .doc = "starts the attributes of a key block", .kind = WIRE_CONST, .literal = "#", .min = 1, .max = 1},
    {.name = "usage", .doc = "key usage: C0, E0, K0 ...", .kind = WIRE_AN, .min = 2, .max = 2,
     WIRE_AT(struct hostcmd_attributes, usage)},
    {.name = "algorithm", .doc = "T2 double TDES, T3 triple, A2 AES-256", .kind = WIRE_AN, .min = 2, .max = 2,
     WIRE_AT(struct hostcmd_attributes, algorithm)},
    {.name = "mode", .doc = "mode of use", .kind = WIRE_AN, .min = 1, .max = 1, WIRE_AT(struct hostcmd_attributes, mode)},
    {.name = "version", .doc = "key version", .kind = WIRE_A, .min = 2, .max = 2, WIRE_AT(struct hostcmd_attributes, version)},
    ONE("exportability", "E, N or S", "E|N|S", struct hostcmd_attributes, exportability),
    {.name = "optional blocks", .doc = "how many", .kind = WIRE_N, .min = 2, .max = 2,
     WIRE_AT(struct hostcmd_attributes, optional_blocks)},
};
const struct wire_record hostcmd_attributes_record = WIRE_RECORD("attributes", struct hostcmd_attributes, attributes_fields);

/* ---- status ---- */

static const struct wire_field b2_fields[] = {
    HEX("length", "bytes of data", 4, struct hostcmd_b2, length),
    {.name = "data", .doc = "comes back", .kind = WIRE_B, .length = WIRE_COUNTED, .counter = offsetof(struct hostcmd_b2, length),
     .flags = WIRE_COUNT_HEX, .min = 0, .max = HOSTCMD_ECHO_MAX, WIRE_AT(struct hostcmd_b2, data)},
};
static const struct hostcmd_fault b2_faults[] = {
    {"data", WIRE_OUTCOME_VALUE, ERR_DATA_LENGTH},
    {0},
};
static const struct wire_field b2_reply_fields[] = {
    {.name = "data", .doc = "as it came", .kind = WIRE_B, .length = WIRE_REST, .min = 0, .max = HOSTCMD_ECHO_MAX,
     WIRE_AT(struct hostcmd_b2_reply, data)},
};

static const struct wire_field nc_reply_fields[] = {
    HEX("LMK check", "check value of the LMK", 16, struct hostcmd_nc_reply, lmk_check),
    {.name = "firmware", .doc = "dddd-dddd", .kind = WIRE_A, .min = 9, .max = 9, WIRE_AT(struct hostcmd_nc_reply, firmware)},
};

#define NO_MODE(mode_) .when = offsetof(struct hostcmd_no_reply, mode), .equals = (mode_)
static const struct wire_field no_fields[] = {
    {.name = "zero", .doc = "first digit of the mode", .kind = WIRE_CONST, .literal = "0", .min = 1, .max = 1},
    ONE("mode", "00 host port, 01 PCI state", "0|1", struct hostcmd_no, mode),
};
static const struct wire_field no_reply_fields[] = {
    ONE("I/O buffer", "0 2K, 1 8K, 2 16K, 3 32K", "0|1|2|3", struct hostcmd_no_reply, io_buffer),
    ONE("net", "1 TCP", "0|1", struct hostcmd_no_reply, net),
    {.name = "sockets", .doc = "connections", .kind = WIRE_N, .min = 4, .max = 4, WIRE_AT(struct hostcmd_no_reply, sockets)},
    {.name = "firmware", .doc = "dddd-dddd", .kind = WIRE_A, .min = 9, .max = 9, WIRE_AT(struct hostcmd_no_reply, firmware)},
    {.name = "reserved", .doc = "1A and 4A", .kind = WIRE_A, .min = 5, .max = 5, WIRE_AT(struct hostcmd_no_reply, reserved)},
};
static const struct wire_field no_pci_fields[] = {ONE("PCI state", "0, 1 or 2", "0|1|2", struct hostcmd_no_reply, pci)};

/* ---- records ---- */

#define RECORD(name_, title_, struct_)                                                                                            \
    static const struct wire_record name_##_record = WIRE_RECORD(title_, struct struct_, name_##_fields)
RECORD(cw, "CW", hostcmd_cw);
RECORD(cw_reply, "CX", hostcmd_cw_reply);
RECORD(cy, "CY", hostcmd_cy);
RECORD(qy, "QY", hostcmd_qy);
RECORD(qy_reply, "QZ", hostcmd_qy_reply);
RECORD(pm, "PM", hostcmd_pm);
RECORD(pm_reply, "PN", hostcmd_pm_reply);
RECORD(as, "AS", hostcmd_as);
RECORD(as_reply, "AT", hostcmd_as_reply);
RECORD(as_pair, "AT, KCV type 1", hostcmd_as_reply);
RECORD(a0, "A0", hostcmd_a0);
RECORD(a0_reply, "A1", hostcmd_a0_reply);
RECORD(a0_export, "A1, mode 1", hostcmd_a0_reply);
RECORD(bu, "BU", hostcmd_bu);
RECORD(bu_reply, "BV", hostcmd_bu_reply);
RECORD(bu_short, "BV, KCV type 1", hostcmd_bu_reply);
RECORD(b2, "B2", hostcmd_b2);
RECORD(b2_reply, "B3", hostcmd_b2_reply);
RECORD(nc_reply, "ND", hostcmd_nc_reply);
RECORD(no, "NO", hostcmd_no);
RECORD(no_reply, "NP, mode 00", hostcmd_no_reply);
RECORD(no_pci, "NP, mode 01", hostcmd_no_reply);
static const struct wire_record empty_record = WIRE_RECORD_EMPTY("no fields");

/* ---- the table ---- */

#define CHOICE(struct_, member_, equals_, record_) .choice = {offsetof(struct_, member_), (equals_), &(record_)}
/* Usages and modes: usage table of host-commands 4. */
static const struct hostcmd_row rows[HOSTCMD_COUNT] = {
    [HOSTCMD_CW] = {.code = "CW", .reply_code = "CX", .title = "generate a CVV", .request = &cw_record, .reply = &cw_reply_record,
                    .key = {"402", "C0111213", "NCG", 'T'}, .audit = HOSTCMD_AUDIT_FAILURE},
    [HOSTCMD_CY] = {.code = "CY", .reply_code = "CZ", .title = "verify a CVV", .request = &cy_record, .reply = &empty_record,
                    .key = {"402", "C0111213", "NCV", 'T'}, .audit = HOSTCMD_AUDIT_FAILURE},
    [HOSTCMD_QY] = {.code = "QY", .reply_code = "QZ", .title = "generate a dynamic code", .request = &qy_record,
                    .reply = &qy_reply_record, .fault = scheme_faults, .key = {"109", "E0", "NX", 'T'},
                    .audit = HOSTCMD_AUDIT_FAILURE},
    [HOSTCMD_PM] = {.code = "PM", .reply_code = "PN", .title = "verify a dynamic code", .request = &pm_record,
                    .reply = &pm_reply_record, .fault = scheme_faults, .key = {"109", "E0", "NX", 'T'},
                    .audit = HOSTCMD_AUDIT_FAILURE, .flags = HOSTCMD_DATA_WITH_01},
    [HOSTCMD_AS] = {.code = "AS", .reply_code = "AT", .title = "generate a CVK pair", .request = &as_record,
                    .reply = &as_reply_record,
                    CHOICE(struct hostcmd_as, kcv_type, "1", as_pair_record), .activity = HOSTCMD_GENERATE,
                    .audit = HOSTCMD_AUDIT_ALWAYS},
    [HOSTCMD_A0] = {.code = "A0", .reply_code = "A1", .title = "generate a key", .request = &a0_record, .reply = &a0_reply_record,
                    CHOICE(struct hostcmd_a0, mode, "1", a0_export_record), .fault = a0_faults, .key = {"000", "K052", "NBE", 'T'},
                    .activity = HOSTCMD_GENERATE, .audit = HOSTCMD_AUDIT_ALWAYS, .flags = HOSTCMD_ATTRIBUTES},
    [HOSTCMD_BU] = {.code = "BU", .reply_code = "BV", .title = "check value of a key", .request = &bu_record,
                    .reply = &bu_reply_record,
                    CHOICE(struct hostcmd_bu, kcv_type, "1", bu_short_record), .fault = bu_faults, .audit = HOSTCMD_AUDIT_FAILURE},
    [HOSTCMD_B2] = {.code = "B2", .reply_code = "B3", .title = "echo", .request = &b2_record, .reply = &b2_reply_record,
                    .fault = b2_faults, .flags = HOSTCMD_BINARY},
    [HOSTCMD_NC] = {.code = "NC", .reply_code = "ND", .title = "diagnostics", .request = &empty_record, .reply = &nc_reply_record},
    [HOSTCMD_NO] = {.code = "NO", .reply_code = "NP", .title = "status", .request = &no_record, .reply = &no_reply_record,
                    CHOICE(struct hostcmd_no, mode, "1", no_pci_record)},
};
/* clang-format on */

const struct hostcmd_row *hostcmd_row(enum hostcmd_id id)
{
    ASSERT((unsigned)id < HOSTCMD_COUNT);
    return &rows[id];
}

enum hostcmd_id hostcmd_row_id(const struct hostcmd_row *row)
{
    return (enum hostcmd_id)(row - rows);
}

const struct hostcmd_row *hostcmd_find(struct span code)
{
    for (size_t i = 0; code.len == 2 && i < HOSTCMD_COUNT; i++)
        if (rows[i].code[0] == code.at[0] && rows[i].code[1] == code.at[1])
            return &rows[i];
    return NULL;
}

static enum err check_records(const struct hostcmd_row *row, struct wire_fault *fault)
{
    TRY(wire_check(row->request, fault));
    TRY(wire_check(row->reply, fault));
    return row->choice.record ? wire_check(row->choice.record, fault) : ERR_OK;
}

enum err hostcmd_check(struct wire_fault *fault)
{
    for (size_t i = 0; i < HOSTCMD_COUNT; i++)
        TRY(check_records(&rows[i], fault));
    return wire_check(&hostcmd_attributes_record, fault);
}

static void document_row(const struct hostcmd_row *row, struct buf *out)
{
    const char *const head[] = {"## ", row->code, " → ", row->reply_code, ": ", row->title, "\n\n"};
    for (size_t i = 0; i < sizeof head / sizeof head[0]; i++)
        buf_put_text(out, head[i]);
    buf_put_text(out, "Request:\n\n");
    wire_document(row->request, out);
    buf_put_text(out, "\nReply:\n\n");
    wire_document(row->reply, out);
    if (row->choice.record) {
        buf_put_text(out, "\nReply (");
        buf_put_text(out, row->choice.record->name);
        buf_put_text(out, "):\n\n");
        wire_document(row->choice.record, out);
    }
    buf_put_text(out, "\n");
}

void hostcmd_document(struct buf *out)
{
    for (size_t i = 0; i < HOSTCMD_COUNT; i++)
        document_row(&rows[i], out);
    buf_put_text(out, "## `#` attributes of generated key blocks\n\n");
    wire_document(&hostcmd_attributes_record, out);
}
