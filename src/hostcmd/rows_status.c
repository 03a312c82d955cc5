/* SPDX-License-Identifier: Apache-2.0 */
/* tidy: table. Status and diagnostics; layouts of host-commands 7. */
#include "hostcmd/rows_internal.h"

/* clang-format off */

static const struct wire_field b2_fields[] = {
    ROW_HEX("length", "bytes of data", 4, struct hostcmd_b2, length),
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

ROW_RECORD(b2, "B2", hostcmd_b2);
ROW_RECORD(b2_reply, "B3", hostcmd_b2_reply);
ROW_RECORD(nc_reply, "ND", hostcmd_nc_reply);
ROW_RECORD(no, "NO", hostcmd_no);
ROW_RECORD(no_reply, "NP, mode 00", hostcmd_no_reply);
ROW_RECORD(no_pci, "NP, mode 01", hostcmd_no_reply);

const struct hostcmd_row hostcmd_row_b2 = {
    .id = HOSTCMD_B2, .code = "B2", .reply_code = "B3", .title = "echo", .request = &b2_record, .reply = &b2_reply_record,
    .fault = b2_faults, .flags = HOSTCMD_BINARY | HOSTCMD_STATUS | HOSTCMD_NO_LMK,
};

const struct hostcmd_row hostcmd_row_nc = {
    .id = HOSTCMD_NC, .code = "NC", .reply_code = "ND", .title = "diagnostics", .request = &hostcmd_empty_record,
    .reply = &nc_reply_record, .flags = HOSTCMD_STATUS,
};

const struct hostcmd_row hostcmd_row_no = {
    .id = HOSTCMD_NO, .code = "NO", .reply_code = "NP", .title = "status", .request = &no_record, .reply = &no_reply_record,
    ROW_CHOICE(struct hostcmd_no, mode, "1", no_pci_record), .flags = HOSTCMD_STATUS | HOSTCMD_NO_LMK,
};
/* clang-format on */
