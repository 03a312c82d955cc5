/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the sandbox says when the story is over.
 *
 * Purpose    URLs, keys and lines for the shell that work when pasted.
 * Ownership  Borrows the sandbox.
 * Threading  One thread.
 */
#ifndef SANDBOX_HELP_H
#define SANDBOX_HELP_H

#include "sandbox/internal.h"

void sandbox_help(const struct sandbox *box);

#endif
