/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the sandbox says when the story is over.
 *
 * Purpose    URLs, keys and lines for the shell that work when pasted.
 * Ownership  Borrows the demo.
 * Threading  One thread.
 */
#ifndef MAIN_DEMO_HELP_H
#define MAIN_DEMO_HELP_H

#include "sandbox/internal.h"

void demo_help(const struct demo *demo);

#endif
