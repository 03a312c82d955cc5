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

#endif
