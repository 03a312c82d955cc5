/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an answer of the HSM says.
 *
 * Purpose    An answer begins with a code (host-commands.md 11). 00 is a match, or the command was carried out. 01 is a
 *            mismatch, or the command was carried out with a warning (A6: the key had no odd parity). Any other code says that
 *            nothing was compared, and `cause` says why. The HSM writes the code by this, and its clients read it.
 * Ownership  Values.
 * Threading  Free of state.
 *
 * Example
 *     struct hostcmd_said said;
 *     TRY(hostcmd_reply_parse(HOSTCMD_CY, &ask, payload, &said, NULL));
 *     if (said.verdict == VERDICT_UNAVAILABLE) return said.cause;
 */
#ifndef HOSTCMD_SAID_H
#define HOSTCMD_SAID_H

#include "base/err.h"
#include "base/verdict.h"

struct hostcmd_said {
    enum verdict verdict;
    enum err cause; /* ERR_OK unless the verdict is VERDICT_UNAVAILABLE */
};

/* The answer of a command that returned `err`; `verdict` counts where that is ERR_OK. */
struct hostcmd_said hostcmd_said(enum err err, enum verdict verdict);
/* By the code of an answer. */
struct hostcmd_said hostcmd_said_of(const char code[static 2]);
/* The code of the answer, two characters. */
const char *hostcmd_said_code(struct hostcmd_said said);

#endif
