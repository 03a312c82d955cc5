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

#endif
