/* SPDX-License-Identifier: Apache-2.0 */
/* Requests and replies of the commands that exchange keys; its contract is that of the room. Included by records.h. */
#ifndef HOSTCMD_RECORDS_EXCHANGE_H
#define HOSTCMD_RECORDS_EXCHANGE_H

#include "hostcmd/fields.h"

/* The `#` fields for generated key blocks, the same for every command that takes them. */
struct hostcmd_attributes {
    WIRE_TEXT(2) usage;
    WIRE_TEXT(2) algorithm; /* T2 double TDES, T3 triple, A2 AES-256 */
    WIRE_TEXT(1) mode;
    WIRE_TEXT(2) version;
    WIRE_TEXT(1) exportability;
    WIRE_TEXT(HOSTCMD_OPTIONAL_MAX) optional_blocks; /* how many 2N, then the blocks: identifier 2A, length 2H, data */
};

/* What `&` and `!` introduce; 0: not sent. */
struct hostcmd_changes {
    char exportability; /* of the key block that is made: E, N, S */
    char version;       /* of the key block that is made: 0 for S, A to D for R */
};

/* AU sends a CVK out, AW takes one in. */
struct hostcmd_au {
    hostcmd_key zmk;
    hostcmd_key key;         /* AU: under the LMK, AW: under the ZMK */
    WIRE_TEXT(2) atalla;     /* variant of the ZMK, 0 or absent: none */
    WIRE_TEXT(1) zmk_scheme; /* AU; with the whole group */
    WIRE_TEXT(1) lmk_scheme; /* AW */
    WIRE_TEXT(1) kcv_type;   /* 0: one KCV a half, 1: one of the pair */
};
struct hostcmd_au_reply {
    hostcmd_key key;
    WIRE_TEXT(6) kcv;   /* of CVK-A; with kcv_type 1 of the pair */
    WIRE_TEXT(6) kcv_b; /* kcv_type 0 */
};

/* A6 takes any key in, A8 sends one out. */
struct hostcmd_a6 {
    WIRE_TEXT(3) type;     /* key type code; FFF: key-block LMK */
    WIRE_TEXT(1) zmk_flag; /* 1: TMK; 0 or absent: ZMK */
    hostcmd_key zmk;
    hostcmd_key key;     /* A6: under the ZMK, A8: under the LMK */
    WIRE_TEXT(1) scheme; /* A6: under the LMK, A8: under the ZMK */
    WIRE_TEXT(2) atalla;
};
struct hostcmd_a6_reply {
    hostcmd_key key;
    WIRE_TEXT(6) kcv;
};

#endif
