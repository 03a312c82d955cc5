/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of a command ahead of its turn. Inside the room.
 *
 * Purpose    hsm/commands/ahead.h parses commands and computes codes before their turn; a handler takes a code from here in place
 *            of computing it.
 * Ownership  The items stand in the pages of struct hsm_ahead, which wipes them.
 * Threading  As struct hsm: one thread.
 * Failure    False: the handler computes the code itself.
 */
#ifndef HSM_COMMANDS_PREPARED_H
#define HSM_COMMANDS_PREPARED_H

#include "base/secret.h"
#include "hostcmd/commands.h"

struct hsm_prepared {
    bool parsed;
    bool made; /* `code` is that of the request under `key` */
    struct hostcmd_tail tail;
    union {
        struct hostcmd_cw cw;
        struct hostcmd_cy cy;
        struct hostcmd_qy qy;
        struct hostcmd_pm pm;
    } request;
    bool dynamic; /* under a master key, with this overlay */
    char overlay[4];
    const struct secret_key *loaded; /* while preparing: that of the key in the cache */
    const struct secret_key *key;
    struct code_digits code;
};

/* True: `out` is the code of the prepared request, which was made under this key. `prepared` NULL: false. */
bool hsm_prepared_code(const struct hsm_prepared *prepared, const struct secret_key *key, struct code_digits *out);
/* The same for a dynamic code, and only if it was made with this overlay: a window may have ended in between. */
bool hsm_prepared_dynamic(const struct hsm_prepared *prepared, const struct secret_key *key, const char overlay[static 4],
                          struct code_digits *out);

#endif
