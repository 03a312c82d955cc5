/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two programs as rows of the command line, and the services that they run.
 *
 * Purpose    A program has a file with main() and the errors of its rooms; each service is wired in a file of its own. The rows
 *            are read by the programs, and by tools/gendoc for manuals and reference.
 * Ownership  Rows are static.
 */
#ifndef MAIN_COMMANDS_H
#define MAIN_COMMANDS_H

#include "cli/cli.h"

extern const struct cli_command main_countersign;
extern const struct cli_command main_issuer, main_issuers, main_switch, main_gateway;

/* The faces of the gateway. */
struct gateway_faces;
extern const struct gateway_faces main_gateway_faces;

extern const struct cli_command main_countersign_hsm;
extern const struct cli_command main_hsm_serve;

#endif
