/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What people do with the HSM, each tool a command of countersign-hsm.
 *
 * Purpose    send     one host command, with the frames explained (tool/send)
 *            calc     a security code with every intermediate value (tool/calc)
 *            batch    the codes of many cards for personalisation (tool/personalise)
 *            lmk      the key ceremony, and the officers' side of a running HSM (tool/ceremony)
 *            audit    whether the audit trail was changed (tool/trail)
 * Ownership  Rows are static. What a run holds of secrets stands in locked pages that it wipes.
 * Threading  The main thread, once.
 * Failure    Told on standard error; the exit statuses are in the rows.
 */
#ifndef TOOL_TOOL_H
#define TOOL_TOOL_H

#include "cli/cli.h"

extern const struct cli_command tool_send, tool_calc, tool_personalise, tool_ceremony, tool_trail;

#endif
