/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sandbox: `countersign demo`.
 *
 * Purpose    Starts the real binaries on loopback over SQLite, fills them with invented cards, merchants and test keys, tells the
 *            story of a payment, and stays up until it is stopped. It is a client of the services: it starts them as processes and
 *            uses their public doors alone.
 * Ownership  Child processes, a relay process and one directory, all gone at the end unless --dir names the directory.
 * Threading  The main thread, once.
 * Failure    The first problem is told on standard error.
 */
#ifndef SANDBOX_SANDBOX_H
#define SANDBOX_SANDBOX_H

#include "cli/cli.h"

extern const struct cli_command sandbox_demo;

#endif
