/* SPDX-License-Identifier: Apache-2.0 */
/* Requests and replies of the commands on keys under the LMK; its contract is that of the room. Included by records.h. */
#ifndef HOSTCMD_RECORDS_KEYS_H
#define HOSTCMD_RECORDS_KEYS_H

#include "hostcmd/fields.h"

struct hostcmd_as {
    WIRE_TEXT(1) unused;     /* 0 or Z: a ZMK scheme has no meaning here */
    WIRE_TEXT(1) lmk_scheme; /* 0 or U; absent with the whole group */
    WIRE_TEXT(1) kcv_type;   /* 0: one KCV a half, 1: one of the pair */
};
struct hostcmd_as_reply {
    hostcmd_key key;    /* U + 32H; without scheme CVK-A and CVK-B as 32H */
    WIRE_TEXT(6) kcv;   /* of CVK-A; with kcv_type 1 of the pair */
    WIRE_TEXT(6) kcv_b; /* kcv_type 0 */
};

struct hostcmd_a0 {
    WIRE_TEXT(1) mode;          /* 0 generate, 1 and export under a ZMK */
    WIRE_TEXT(3) type;          /* key type code, FFF: key block, described by the attributes */
    WIRE_TEXT(1) scheme;        /* under the LMK */
    WIRE_TEXT(1) zmk_flag;      /* mode 1 */
    hostcmd_key zmk;            /* mode 1 */
    WIRE_TEXT(1) export_scheme; /* mode 1 */
};
struct hostcmd_a0_reply {
    hostcmd_key key;
    hostcmd_key exported; /* mode 1 */
    WIRE_TEXT(6) kcv;
};

enum { HOSTCMD_COMPONENTS = 9 };
struct hostcmd_a4 {
    WIRE_TEXT(1) count;  /* 2..9 */
    WIRE_TEXT(3) type;   /* key type code, FFF: key blocks */
    WIRE_TEXT(1) scheme; /* under the LMK */
    hostcmd_key component[HOSTCMD_COMPONENTS];
};
struct hostcmd_a4_reply {
    hostcmd_key key;
    WIRE_TEXT(6) kcv;
};

struct hostcmd_bu {
    WIRE_TEXT(1) variant; /* first digit of the 2H key type: 4 of 42 */
    WIRE_TEXT(1) pair;    /* second digit: 2 of 42 = LMK pair 14-15; FF: see type */
    WIRE_TEXT(1) length;  /* 0 single, 1 double, 2 triple, F key block */
    hostcmd_key key;
    WIRE_TEXT(3) type;   /* key type code, with FF */
    WIRE_TEXT(1) unused; /* 0 or Z, twice */
    WIRE_TEXT(1) unused_2;
    WIRE_TEXT(1) kcv_type; /* 0 or absent: 16H, 1: 6H */
};
struct hostcmd_bu_reply {
    WIRE_TEXT(16) kcv;
};

struct hostcmd_bw {
    WIRE_TEXT(1) variant; /* of the 2H key type, as in BU */
    WIRE_TEXT(1) pair;
    WIRE_TEXT(1) length;     /* 0 single, 1 double, 2 triple, F key block */
    hostcmd_key key;         /* under the old LMK */
    WIRE_TEXT(3) type;       /* key type code; where 2H says it, the schemes may stand here: 0U0 */
    WIRE_TEXT(1) unused;     /* 0 or Z */
    WIRE_TEXT(1) lmk_scheme; /* under the current LMK; absent: as it was */
    WIRE_TEXT(1) unused_2;
};
struct hostcmd_bw_reply {
    hostcmd_key key;
    WIRE_TEXT(6) kcv;
};

#endif
