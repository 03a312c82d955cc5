/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LMKs for the tools that work under them.
 *
 * Purpose    Officers open an LMK store as they do for `countersign-hsm lmk`; its LMKs go into a set.
 * Ownership  The set is the caller's; nothing of the store remains.
 * Failure    The exit status of `countersign-hsm lmk`, told on standard error; CLI_EXIT_DONE: loaded.
 */
#ifndef TOOL_CEREMONY_LOAD_H
#define TOOL_CEREMONY_LOAD_H

#include "keys/keys.h"

/* `passphrase_fd` -1: the terminal. */
int tool_ceremony_fill(const char *store, int passphrase_fd, struct keys_lmk_set *set);

#endif
