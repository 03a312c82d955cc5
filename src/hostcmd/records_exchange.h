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
    WIRE_TEXT(2) optional_blocks;
};

#endif
