/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who answers which command. Inside the room.
 *
 * Purpose    One handler for each row of HOSTCMD_LIST (hostcmd/commands.h). A row without a handler does not link.
 * Ownership  Handlers are functions; nothing is owned.
 * Threading  Free of state.
 * Failure    None: every command has a handler.
 */
#ifndef HSM_COMMANDS_TABLE_H
#define HSM_COMMANDS_TABLE_H

#include "hsm/context.h"

hsm_handler hsm_handler_of(enum hostcmd_id id);

#endif
