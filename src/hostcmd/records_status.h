/* SPDX-License-Identifier: Apache-2.0 */
/* Requests and replies of the status commands; its contract is that of the room. Included by records.h. */
#ifndef HOSTCMD_RECORDS_STATUS_H
#define HOSTCMD_RECORDS_STATUS_H

#include "hostcmd/fields.h"

struct hostcmd_b2 {
    WIRE_TEXT(4) length; /* hexadecimal */
    WIRE_TEXT(HOSTCMD_ECHO_MAX) data;
};
struct hostcmd_b2_reply {
    WIRE_TEXT(HOSTCMD_ECHO_MAX) data;
};

struct hostcmd_nc_reply {
    WIRE_TEXT(16) lmk_check;
    WIRE_TEXT(9) firmware; /* dddd-dddd */
};

struct hostcmd_no {
    WIRE_TEXT(1) mode; /* 0: host port, 1: PCI state */
};
struct hostcmd_no_reply {
    WIRE_TEXT(1) io_buffer; /* mode 0: 0 2K, 1 8K, 2 16K, 3 32K */
    WIRE_TEXT(1) net;       /* mode 0: 1 TCP */
    WIRE_TEXT(4) sockets;
    WIRE_TEXT(9) firmware;
    WIRE_TEXT(5) reserved;
    WIRE_TEXT(1) pci; /* mode 1: 0, 1, 2 */
};

struct hostcmd_n0 {
    WIRE_TEXT(3) length;
};
struct hostcmd_n0_reply {
    WIRE_TEXT(HOSTCMD_RANDOM_MAX) random;
};

/* NK: the items are commands, each with a header in front if the flag says so; those of NL are their responses. */
struct hostcmd_nk {
    WIRE_TEXT(1) header; /* 0: none, 1: each command has one */
    WIRE_TEXT(2) count;
    WIRE_TEXT(HOSTCMD_ECHO_MAX) commands;
};
struct hostcmd_nk_reply {
    WIRE_TEXT(2) count;
    WIRE_TEXT(HOSTCMD_CHAIN_MAX) responses;
};

struct hostcmd_jk_reply {
    WIRE_TEXT(12) serial;
    WIRE_TEXT(6) date;    /* YYMMDD UTC */
    WIRE_TEXT(6) time;    /* hhmmss */
    WIRE_TEXT(1) console; /* 0 unknown, 1 running, 2 not running, 3 not configured or disabled; as the next three */
    WIRE_TEXT(1) manager;
    WIRE_TEXT(1) host_1;
    WIRE_TEXT(1) host_2;
    WIRE_TEXT(2) reserved;
    WIRE_TEXT(1) tamper; /* 0 unknown, 1 no, 2 yes, and then: */
    WIRE_TEXT(2) tamper_cause;
    WIRE_TEXT(6) tamper_date;
    WIRE_TEXT(6) tamper_time;
    WIRE_TEXT(2) lmks;
    WIRE_TEXT(2) test_lmks;
    WIRE_TEXT(2) old_lmks;
    WIRE_TEXT(HOSTCMD_LMK_LINES) lmk; /* struct hostcmd_jk_lmk each, X'14' between them */
    WIRE_TEXT(1) fraud;               /* 1: the guessing limit is exceeded */
    WIRE_TEXT(1) pin_attacks;
};
/* One LMK of JL. */
struct hostcmd_jk_lmk {
    WIRE_TEXT(2) id;
    WIRE_TEXT(1) authorised;
    WIRE_TEXT(2) activities;
    WIRE_TEXT(1) scheme;    /* V variant, K key block */
    WIRE_TEXT(1) algorithm; /* 0 double TDES, 1 triple TDES, 2 AES-256 */
    WIRE_TEXT(1) status;    /* L live, T test */
    WIRE_TEXT(32) comment;
};

/* J3 and J5 begin alike: when counting began and ended, and now. */
struct hostcmd_span {
    WIRE_TEXT(12) serial;
    WIRE_TEXT(6) start_date;
    WIRE_TEXT(6) start_time;
    WIRE_TEXT(6) end_date;
    WIRE_TEXT(6) end_time;
    WIRE_TEXT(6) now_date;
    WIRE_TEXT(6) now_time;
    WIRE_TEXT(10) seconds;
};
struct hostcmd_j2_reply {
    struct hostcmd_span span;
    WIRE_TEXT(HOSTCMD_BANDS * 17) bands; /* struct hostcmd_j2_band each */
};
struct hostcmd_j2_band {
    WIRE_TEXT(3) from; /* percent */
    WIRE_TEXT(3) to;
    WIRE_TEXT(10) periods;
};
struct hostcmd_j4_reply {
    struct hostcmd_span span;
    WIRE_TEXT(HOSTCMD_COUNTS * 14) counts; /* struct hostcmd_j4_count each */
};
struct hostcmd_j4_count {
    WIRE_TEXT(2) command;
    WIRE_TEXT(12) count;
};

#endif
