/* SPDX-License-Identifier: Apache-2.0 */
/* Requests and replies of the security code commands; its contract is that of the room. Included by records.h. */
#ifndef HOSTCMD_RECORDS_CODES_H
#define HOSTCMD_RECORDS_CODES_H

#include "hostcmd/fields.h"

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

/* QY and PM: scheme 0 one-time (atc), scheme 5 window (time, twu, fillers) as a profile lays it out
 * (hostcmd/layout/layout.h). */
struct hostcmd_qy {
    WIRE_TEXT(1) scheme; /* 0 or 5 */
    hostcmd_key key;     /* MK-AC */
    WIRE_TEXT(1) method; /* A or B */
    hostcmd_pan pan;
    WIRE_TEXT(4) expiry;
    WIRE_TEXT(3) service;
    WIRE_TEXT(6) atc;   /* scheme 0: decimal, zero-filled */
    WIRE_TEXT(14) time; /* scheme 5: in countersign-5 YYMMDDhhmm UTC */
    WIRE_TEXT(4) twu;   /* scheme 5: in countersign-5 whole hours 01..18 */
    WIRE_TEXT(HOSTCMD_FILLER_MAX) filler;
    WIRE_TEXT(HOSTCMD_FILLER_MAX) filler_2;
};
struct hostcmd_qy_reply {
    WIRE_TEXT(3) code;
};

/* PM knows scheme 1, too: Mastercard CVC3, with a track in binary. */
struct hostcmd_pm {
    WIRE_TEXT(1) scheme;  /* 0, 1 or 5 */
    WIRE_TEXT(1) version; /* 0; 2 in scheme 1 */
    hostcmd_key key;      /* MK-AC; MK-CVC3 in scheme 1 */
    WIRE_TEXT(1) method;
    hostcmd_pan pan;
    WIRE_TEXT(4) expiry;
    WIRE_TEXT(3) service;
    WIRE_TEXT(6) atc;
    WIRE_TEXT(14) time;
    WIRE_TEXT(4) twu;
    WIRE_TEXT(HOSTCMD_FILLER_MAX) filler;
    WIRE_TEXT(HOSTCMD_FILLER_MAX) filler_2;
    WIRE_TEXT(3) code;
    WIRE_TEXT(2) psn;                   /* scheme 1, and all that follow: PAN sequence number */
    WIRE_TEXT(3) track_length;          /* bytes */
    WIRE_TEXT(HOSTCMD_TRACK_MAX) track; /* 2, two nibbles a byte, or 1, in ASCII */
    WIRE_TEXT(8) unpredictable;
    WIRE_TEXT(5) counter; /* ATC, decimal */
    WIRE_TEXT(5) cvc3;    /* X for digits that are not compared, then digits */
};
/* Sent with 01 only, and only by an HSM in authorised state and compatibility mode. */
struct hostcmd_pm_reply {
    WIRE_TEXT(5) expected; /* scheme 1: as many digits as were compared */
};

/* American Express CSC: mode 3 generates, mode 4 verifies. */
struct hostcmd_ry {
    WIRE_TEXT(1) mode;
    WIRE_TEXT(1) flag;     /* 0 CSC version 1, 2 CSC version 2 */
    hostcmd_key key;       /* CSCK */
    WIRE_TEXT(19) account; /* filled with 0 on the right */
    WIRE_TEXT(4) expiry;   /* YYMM */
    WIRE_TEXT(3) service;  /* flag 2 */
    WIRE_TEXT(5) csc5;     /* mode 4: digits, or FFFFF for absent */
    WIRE_TEXT(4) csc4;
    WIRE_TEXT(3) csc3;
};
struct hostcmd_ry_reply {
    WIRE_TEXT(1) mode;
    WIRE_TEXT(5) csc5; /* mode 3 */
    WIRE_TEXT(4) csc4;
    WIRE_TEXT(3) csc3;
    WIRE_TEXT(1) r5; /* mode 4: 0 match, 1 not present, 2 mismatch */
    WIRE_TEXT(1) r4;
    WIRE_TEXT(1) r3;
};

#endif
