/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The requests and replies of the host commands, as plain structs.
 *
 * Purpose    What hostcmd/commands.h binds to the wire: one struct a request, one a reply; members are texts as they stand in the
 *            frame.
 * Ownership  Values of the caller; those that held a PAN or a code are wiped by the holder (secret_wipe).
 * Threading  Values.
 * Failure    None here: wire_parse and wire_build check the members against their rows.
 * Limits     Keys up to HOSTCMD_KEY_MAX characters with their scheme tag; an echo up to HOSTCMD_ECHO_MAX bytes.
 */
#ifndef HOSTCMD_RECORDS_H
#define HOSTCMD_RECORDS_H

#include "wire/wire.h"

enum {
    HOSTCMD_FRAME_MAX = 32768, /* largest LEN; the I/O buffer that NO reports */
    HOSTCMD_KEY_MAX = 512,
    HOSTCMD_ECHO_MAX = 32752,
    HOSTCMD_TRAILER_MAX = 32,
    HOSTCMD_LMK_DEFAULT = -1, /* no %NN */
};

typedef WIRE_TEXT(HOSTCMD_KEY_MAX) hostcmd_key;
typedef WIRE_TEXT(19) hostcmd_pan;

/* ---- requests and replies; a member exists only where the comment says ---- */

struct hostcmd_cw {
    hostcmd_key key; /* CVK */
    hostcmd_pan pan;
    WIRE_TEXT(4) expiry; /* YYMM, passed through */
    WIRE_TEXT(3) service;
};
struct hostcmd_cw_reply {
    WIRE_TEXT(3) code;
};

struct hostcmd_cy {
    hostcmd_key key; /* CVK */
    WIRE_TEXT(3) code;
    hostcmd_pan pan;
    WIRE_TEXT(4) expiry;
    WIRE_TEXT(3) service;
};

/* QY and PM: scheme 0 one-time (atc), scheme 5 window with layout countersign-5 (time, twu). */
struct hostcmd_qy {
    WIRE_TEXT(1) scheme; /* 0 or 5 */
    hostcmd_key key;     /* MK-AC */
    WIRE_TEXT(1) method; /* A or B */
    hostcmd_pan pan;
    WIRE_TEXT(4) expiry;
    WIRE_TEXT(3) service;
    WIRE_TEXT(6) atc;   /* scheme 0: decimal, zero-filled */
    WIRE_TEXT(10) time; /* scheme 5: YYMMDDhhmm UTC */
    WIRE_TEXT(2) twu;   /* scheme 5: whole hours 01..18 */
};
struct hostcmd_qy_reply {
    WIRE_TEXT(3) code;
};

struct hostcmd_pm {
    WIRE_TEXT(1) scheme;
    WIRE_TEXT(1) version; /* 0 */
    hostcmd_key key;
    WIRE_TEXT(1) method;
    hostcmd_pan pan;
    WIRE_TEXT(4) expiry;
    WIRE_TEXT(3) service;
    WIRE_TEXT(6) atc;
    WIRE_TEXT(10) time;
    WIRE_TEXT(2) twu;
    WIRE_TEXT(3) code;
};
/* Sent with 01 only, and only by an HSM in authorised state and compatibility mode. */
struct hostcmd_pm_reply {
    WIRE_TEXT(3) expected;
};

struct hostcmd_as {
    WIRE_TEXT(1) unused;     /* 0 or Z: a ZMK scheme has no meaning here */
    WIRE_TEXT(1) lmk_scheme; /* 0 or U; absent with the whole group */
    WIRE_TEXT(1) kcv_type;   /* 0: one KCV a half, 1: one of the pair */
};
struct hostcmd_as_reply {
    hostcmd_key key; /* U + 32H; without scheme CVK-A and CVK-B as 32H */
    WIRE_TEXT(6) kcv;   /* of CVK-A; with kcv_type 1 of the pair */
    WIRE_TEXT(6) kcv_b; /* kcv_type 0 */
};

struct hostcmd_a0 {
    WIRE_TEXT(1) mode;   /* 0 generate, 1 and export under a ZMK */
    WIRE_TEXT(3) type;   /* key type code, FFF: key block, described by the attributes */
    WIRE_TEXT(1) scheme; /* under the LMK */
    WIRE_TEXT(1) zmk_flag;      /* mode 1 */
    hostcmd_key zmk;            /* mode 1 */
    WIRE_TEXT(1) export_scheme; /* mode 1 */
};
struct hostcmd_a0_reply {
    hostcmd_key key;
    hostcmd_key exported; /* mode 1 */
    WIRE_TEXT(6) kcv;
};

struct hostcmd_bu {
    WIRE_TEXT(1) variant;  /* first digit of the 2H key type: 4 of 42 */
    WIRE_TEXT(1) pair;     /* second digit: 2 of 42 = LMK pair 14-15; FF: see type */
    WIRE_TEXT(1) length;   /* 0 single, 1 double, 2 triple, F key block */
    hostcmd_key key;
    WIRE_TEXT(3) type;     /* key type code, with FF */
    WIRE_TEXT(1) unused;   /* 0 or Z, twice */
    WIRE_TEXT(1) unused_2;
    WIRE_TEXT(1) kcv_type; /* 0 or absent: 16H, 1: 6H */
};
struct hostcmd_bu_reply {
    WIRE_TEXT(16) kcv;
};

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

/* The `#` fields for generated key blocks, the same for every command that takes them. */
struct hostcmd_attributes {
    WIRE_TEXT(2) usage;
    WIRE_TEXT(2) algorithm; /* T2 double TDES, T3 triple, A2 AES-256 */
    WIRE_TEXT(1) mode;
    WIRE_TEXT(2) version;
    WIRE_TEXT(1) exportability;
    WIRE_TEXT(2) optional_blocks;
};

#endif
