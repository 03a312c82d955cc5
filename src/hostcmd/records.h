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

#include "hostcmd/fields.h"
#include "hostcmd/records_codes.h"
#include "hostcmd/records_exchange.h"
#include "hostcmd/records_keys.h"
#include "hostcmd/records_status.h"

#endif
