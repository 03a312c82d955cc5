/* SPDX-License-Identifier: Apache-2.0 */
/* tidy: table. Status and diagnostics; layouts of host-commands.md 7. */
#include "hostcmd/error.h"
#include "hostcmd/internal.h"
#include "wire/error.h"

/* clang-format off */

static const struct wire_field b2_fields[] = {
    ROW_HEX("length", "bytes of data", 4, struct hostcmd_b2, length),
    {.name = "data", .doc = "comes back", .kind = WIRE_B, .length = WIRE_COUNTED, .counter = offsetof(struct hostcmd_b2, length),
     .flags = WIRE_COUNT_HEX, .min = 0, .max = HOSTCMD_ECHO_MAX, WIRE_AT(struct hostcmd_b2, data)},
};
static const struct hostcmd_fault b2_faults[] = {
    {"data", WIRE_OUTCOME_VALUE, WIRE_ERR_DATA_LENGTH, NULL, 0},
    {0},
};
static const struct wire_field b2_reply_fields[] = {
    {.name = "data", .doc = "as it came", .kind = WIRE_B, .length = WIRE_REST, .min = 0, .max = HOSTCMD_ECHO_MAX,
     WIRE_AT(struct hostcmd_b2_reply, data)},
};

static const struct wire_field nc_reply_fields[] = {
    ROW_HEX("LMK check", "check value of the LMK", 16, struct hostcmd_nc_reply, lmk_check),
    {.name = "firmware", .doc = "dddd-dddd", .kind = WIRE_A, .min = 9, .max = 9, WIRE_AT(struct hostcmd_nc_reply, firmware)},
};

#define NO_MODE(mode_) .when = offsetof(struct hostcmd_no_reply, mode), .equals = (mode_)
static const struct wire_field no_fields[] = {
    {.name = "zero", .doc = "first digit of the mode", .kind = WIRE_CONST, .literal = "0", .min = 1, .max = 1},
    ROW_ONE("mode", "00 host port, 01 PCI state", "0|1", struct hostcmd_no, mode),
};
static const struct wire_field no_reply_fields[] = {
    ROW_ONE("I/O buffer", "0 2K, 1 8K, 2 16K, 3 32K", "0|1|2|3", struct hostcmd_no_reply, io_buffer),
    ROW_ONE("net", "1 TCP", "0|1", struct hostcmd_no_reply, net),
    {.name = "sockets", .doc = "connections", .kind = WIRE_N, .min = 4, .max = 4, WIRE_AT(struct hostcmd_no_reply, sockets)},
    {.name = "firmware", .doc = "dddd-dddd", .kind = WIRE_A, .min = 9, .max = 9, WIRE_AT(struct hostcmd_no_reply, firmware)},
    {.name = "reserved", .doc = "1A and 4A", .kind = WIRE_A, .min = 5, .max = 5, WIRE_AT(struct hostcmd_no_reply, reserved)},
};
static const struct wire_field no_pci_fields[] = {ROW_ONE("PCI state", "0, 1 or 2", "0|1|2", struct hostcmd_no_reply, pci)};

static const struct wire_field n0_fields[] = {
    {.name = "length", .doc = "bytes, 001 to 999", .kind = WIRE_N, .min = 3, .max = 3, WIRE_AT(struct hostcmd_n0, length)},
};
static const struct wire_field n0_reply_fields[] = {
    {.name = "random", .doc = "random bytes", .kind = WIRE_B, .length = WIRE_REST, .min = 1, .max = HOSTCMD_RANDOM_MAX,
     .flags = WIRE_SECRET, WIRE_AT(struct hostcmd_n0_reply, random)},
};

static const struct wire_field nk_fields[] = {
    ROW_ONE("header flag", "1: each command has a header of the configured length", "0|1", struct hostcmd_nk, header),
    {.name = "count", .doc = "commands", .kind = WIRE_N, .min = 2, .max = 2, WIRE_AT(struct hostcmd_nk, count)},
    {.name = "commands", .doc = "each with its code in front", .kind = WIRE_B, .length = WIRE_ITEMS,
     .counter = offsetof(struct hostcmd_nk, count), .flags = WIRE_SECRET, .min = 0, .max = HOSTCMD_ECHO_MAX,
     WIRE_AT(struct hostcmd_nk, commands)},
};
static const struct wire_field nk_reply_fields[] = {
    {.name = "count", .doc = "responses", .kind = WIRE_N, .min = 2, .max = 2, WIRE_AT(struct hostcmd_nk_reply, count)},
    {.name = "responses", .doc = "in the order of the commands", .kind = WIRE_B, .length = WIRE_ITEMS,
     .counter = offsetof(struct hostcmd_nk_reply, count), .flags = WIRE_SECRET, .min = 0, .max = HOSTCMD_CHAIN_MAX,
     WIRE_AT(struct hostcmd_nk_reply, responses)},
};
static const struct hostcmd_fault nk_faults[] = {
    {"count", WIRE_OUTCOME_CHARACTER, HOSTCMD_ERR_CHAIN_COUNT, NULL, 0},
    {"commands", WIRE_OUTCOME_VALUE, HOSTCMD_ERR_CHAIN_COUNT, NULL, 0},
    {0},
};

#define DIGITS(name_, doc_, digits_, struct_, member_)                                                                            \
    {.name = (name_), .doc = (doc_), .kind = WIRE_N, .min = (digits_), .max = (digits_), WIRE_AT(struct_, member_)}
#define SERIAL(struct_, member_)                                                                                                  \
    {.name = "serial number", .doc = "of the HSM", .kind = WIRE_A, .min = 12, .max = 12, WIRE_AT(struct_, member_)}
#define RUNNING(name_, member_)                                                                                                   \
    ROW_ONE(name_, "0 unknown, 1 running, 2 not running, 3 not configured", "0|1|2|3", struct hostcmd_jk_reply, member_)
#define TAMPERED .when = offsetof(struct hostcmd_jk_reply, tamper), .equals = "2"
static const struct wire_field jk_reply_fields[] = {
    SERIAL(struct hostcmd_jk_reply, serial),
    DIGITS("date", "YYMMDD, UTC", 6, struct hostcmd_jk_reply, date),
    DIGITS("time", "hhmmss", 6, struct hostcmd_jk_reply, time),
    RUNNING("console", console),
    RUNNING("manager", manager),
    RUNNING("host 1", host_1),
    RUNNING("host 2", host_2),
    {.name = "reserved", .doc = "00", .kind = WIRE_A, .min = 2, .max = 2, WIRE_AT(struct hostcmd_jk_reply, reserved)},
    ROW_ONE("tamper", "0 unknown, 1 no, 2 yes", "0|1|2", struct hostcmd_jk_reply, tamper),
    {.name = "tamper cause", .doc = "with 2", .kind = WIRE_N, .min = 2, .max = 2, TAMPERED,
     WIRE_AT(struct hostcmd_jk_reply, tamper_cause)},
    {.name = "tamper date", .doc = "with 2", .kind = WIRE_N, .min = 6, .max = 6, TAMPERED,
     WIRE_AT(struct hostcmd_jk_reply, tamper_date)},
    {.name = "tamper time", .doc = "with 2", .kind = WIRE_N, .min = 6, .max = 6, TAMPERED,
     WIRE_AT(struct hostcmd_jk_reply, tamper_time)},
    DIGITS("LMKs", "loaded; 99 for more", 2, struct hostcmd_jk_reply, lmks),
    DIGITS("test LMKs", "among them", 2, struct hostcmd_jk_reply, test_lmks),
    DIGITS("old LMKs", "in key change storage", 2, struct hostcmd_jk_reply, old_lmks),
    {.name = "LMK", .doc = "each as below, X'14' between them, X'15' at the end", .kind = WIRE_B, .length = WIRE_DELIMITED,
     .delimiter = 0x15, .min = 0, .max = HOSTCMD_LMK_LINES, WIRE_AT(struct hostcmd_jk_reply, lmk)},
    ROW_ONE("fraud limit", "1: a card number is above the guessing limit", "0|1", struct hostcmd_jk_reply, fraud),
    ROW_ONE("PIN attacks", "0: no PIN commands here", "0|1", struct hostcmd_jk_reply, pin_attacks),
};
static const struct wire_field jk_lmk_fields[] = {
    DIGITS("identifier", "of the LMK", 2, struct hostcmd_jk_lmk, id),
    ROW_ONE("authorised", "1: some activity is", "0|1", struct hostcmd_jk_lmk, authorised),
    DIGITS("activities", "authorised", 2, struct hostcmd_jk_lmk, activities),
    ROW_ONE("scheme", "V variant, K key block", "V|K", struct hostcmd_jk_lmk, scheme),
    ROW_ONE("algorithm", "0 double TDES, 1 triple TDES, 2 AES-256", "0|1|2", struct hostcmd_jk_lmk, algorithm),
    ROW_ONE("status", "L live, T test", "L|T", struct hostcmd_jk_lmk, status),
    {.name = "comment", .doc = "given when it was formed", .kind = WIRE_A, .length = WIRE_REST, .min = 0, .max = 32,
     WIRE_AT(struct hostcmd_jk_lmk, comment)},
};

#define SPAN(struct_)                                                                                                             \
    SERIAL(struct_, span.serial),                                                                                                 \
    DIGITS("start date", "YYMMDD, UTC", 6, struct_, span.start_date),                                                             \
    DIGITS("start time", "hhmmss", 6, struct_, span.start_time),                                                                  \
    DIGITS("end date", "of counting", 6, struct_, span.end_date),                                                                 \
    DIGITS("end time", "of counting", 6, struct_, span.end_time),                                                                 \
    DIGITS("date", "now", 6, struct_, span.now_date),                                                                             \
    DIGITS("time", "now", 6, struct_, span.now_time),                                                                             \
    DIGITS("seconds", "from start to end", 10, struct_, span.seconds)
static const struct wire_field j2_reply_fields[] = {
    SPAN(struct hostcmd_j2_reply),
    {.name = "bands", .doc = "each as below", .kind = WIRE_A, .min = HOSTCMD_BANDS * 17, .max = HOSTCMD_BANDS * 17,
     WIRE_AT(struct hostcmd_j2_reply, bands)},
};
static const struct wire_field j2_band_fields[] = {
    DIGITS("from", "percent of load", 3, struct hostcmd_j2_band, from),
    DIGITS("to", "percent of load", 3, struct hostcmd_j2_band, to),
    DIGITS("periods", "seconds with such a load", 10, struct hostcmd_j2_band, periods),
    {.name = "delimiter", .doc = "ends the band", .kind = WIRE_CONST, .literal = ";", .min = 1, .max = 1},
};
static const struct wire_field j4_reply_fields[] = {
    SPAN(struct hostcmd_j4_reply),
    {.name = "counts", .doc = "each as below, in order of first use", .kind = WIRE_A, .length = WIRE_REST, .min = 0,
     .max = HOSTCMD_COUNTS * 14, WIRE_AT(struct hostcmd_j4_reply, counts)},
};
static const struct wire_field j4_count_fields[] = {
    {.name = "command", .doc = "its code", .kind = WIRE_AN, .min = 2, .max = 2, WIRE_AT(struct hostcmd_j4_count, command)},
    DIGITS("count", "answered", 12, struct hostcmd_j4_count, count),
};

ROW_RECORD(b2, "B2", hostcmd_b2);
ROW_RECORD(b2_reply, "B3", hostcmd_b2_reply);
ROW_RECORD(nc_reply, "ND", hostcmd_nc_reply);
ROW_RECORD(no, "NO", hostcmd_no);
ROW_RECORD(no_reply, "NP, mode 00", hostcmd_no_reply);
ROW_RECORD(no_pci, "NP, mode 01", hostcmd_no_reply);
ROW_RECORD(n0, "N0", hostcmd_n0);
ROW_RECORD(n0_reply, "N1", hostcmd_n0_reply);
ROW_RECORD(nk, "NK", hostcmd_nk);
ROW_RECORD(nk_reply, "NL", hostcmd_nk_reply);
ROW_RECORD(jk_reply, "JL", hostcmd_jk_reply);
ROW_RECORD(jk_lmk, "LMK", hostcmd_jk_lmk);
ROW_RECORD(j2_reply, "J3", hostcmd_j2_reply);
ROW_RECORD(j2_band, "band", hostcmd_j2_band);
ROW_RECORD(j4_reply, "J5", hostcmd_j4_reply);
ROW_RECORD(j4_count, "count", hostcmd_j4_count);

const struct hostcmd_row hostcmd_row_b2 = {
    .id = HOSTCMD_B2, .code = "B2", .reply_code = "B3", .title = "echo", .request = &b2_record, .reply = &b2_reply_record,
    .fault = b2_faults, .flags = HOSTCMD_BINARY | HOSTCMD_STATUS | HOSTCMD_NO_LMK,
    .errors = "80",
};

const struct hostcmd_row hostcmd_row_nc = {
    .id = HOSTCMD_NC, .code = "NC", .reply_code = "ND", .title = "diagnostics", .request = &hostcmd_empty_record,
    .reply = &nc_reply_record, .flags = HOSTCMD_STATUS,
};

const struct hostcmd_row hostcmd_row_no = {
    .id = HOSTCMD_NO, .code = "NO", .reply_code = "NP", .title = "status", .request = &no_record, .reply = &no_reply_record,
    ROW_CHOICE(struct hostcmd_no, mode, "1", no_pci_record), .flags = HOSTCMD_STATUS | HOSTCMD_NO_LMK,
};

const struct hostcmd_row hostcmd_row_n0 = {
    .id = HOSTCMD_N0, .code = "N0", .reply_code = "N1", .title = "random bytes", .request = &n0_record, .reply = &n0_reply_record,
    .flags = HOSTCMD_BINARY | HOSTCMD_STATUS | HOSTCMD_NO_LMK,
    .errors = "01",
};

const struct hostcmd_row hostcmd_row_ra = {
    .id = HOSTCMD_RA, .code = "RA", .reply_code = "RB", .title = "end the authorised state", .request = &hostcmd_empty_record,
    .reply = &hostcmd_empty_record, .audit = HOSTCMD_AUDIT_ALWAYS, .flags = HOSTCMD_STATUS,
};

const struct hostcmd_row hostcmd_row_nk = {
    .id = HOSTCMD_NK, .code = "NK", .reply_code = "NL", .title = "chain of commands", .request = &nk_record,
    .reply = &nk_reply_record, .fault = nk_faults,
    .flags = HOSTCMD_LARGE | HOSTCMD_BINARY | HOSTCMD_STATUS | HOSTCMD_NO_LMK,
    .errors = "52",
};

const struct hostcmd_row hostcmd_row_jk = {
    .id = HOSTCMD_JK, .code = "JK", .reply_code = "JL", .title = "state of the HSM", .request = &hostcmd_empty_record,
    .reply = &jk_reply_record, .part = &jk_lmk_record,
    .flags = HOSTCMD_LARGE | HOSTCMD_BINARY | HOSTCMD_STATUS | HOSTCMD_NO_LMK, .binary = "",
};

const struct hostcmd_row hostcmd_row_j2 = {
    .id = HOSTCMD_J2, .code = "J2", .reply_code = "J3", .title = "load of the HSM", .request = &hostcmd_empty_record,
    .reply = &j2_reply_record, .part = &j2_band_record, .flags = HOSTCMD_STATUS | HOSTCMD_NO_LMK,
};

const struct hostcmd_row hostcmd_row_j4 = {
    .id = HOSTCMD_J4, .code = "J4", .reply_code = "J5", .title = "counts by command", .request = &hostcmd_empty_record,
    .reply = &j4_reply_record, .part = &j4_count_record, .flags = HOSTCMD_STATUS | HOSTCMD_NO_LMK,
};
/* clang-format on */
