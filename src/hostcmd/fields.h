/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes and member types that all records share; its contract is that of the room. Included by records.h. */
#ifndef HOSTCMD_FIELDS_H
#define HOSTCMD_FIELDS_H

#include "wire/wire.h"

enum {
    HOSTCMD_FRAME_MAX = 32768,      /* largest LEN; the I/O buffer that NO reports */
    HOSTCMD_RECORD_MAX = 33 * 1024, /* bytes of the largest request or reply as a struct; hostcmd_check holds the rows to it */
    HOSTCMD_KEY_MAX = 512,
    HOSTCMD_OPTIONAL_MAX = 256,
    HOSTCMD_ECHO_MAX = HOSTCMD_FRAME_MAX - 2 - 4, /* all of a frame without header, but for its command and length */
    HOSTCMD_TRACK_MAX = 79,                       /* bytes: characters of track 1, or pairs of nibbles of track 2 */
    HOSTCMD_FILLERS = 2,
    HOSTCMD_FILLER_MAX = 16,
    HOSTCMD_RANDOM_MAX = 999,
    HOSTCMD_CHAIN_MAX = 32474, /* responses of a chain: a frame less the largest header, codes, count and trailer */
    HOSTCMD_LMK_LINES = 100 * (8 + 32 + 1),
    HOSTCMD_BANDS = 10,
    HOSTCMD_COUNTS = 64, /* commands that J4 tells of */
    HOSTCMD_TRAILER_MAX = 32,
    HOSTCMD_LMK_DEFAULT = -1, /* no %NN */
};

typedef WIRE_TEXT(HOSTCMD_KEY_MAX) hostcmd_key;
typedef WIRE_TEXT(19) hostcmd_pan;

#endif
