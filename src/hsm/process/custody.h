/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the LMKs of the process come from, and who may change its states.
 *
 * Purpose    The public test LMKs, or a sealed store that officers open at the console, or that opens itself at start from
 *            passphrases left for it (hsm.credentials, hsm.passphrase_fd).
 * Ownership  One for the process; hsm_custody_close before the hsm is destroyed.
 * Threading  The main thread; the console lives in the loop.
 * Failure    What stops a start is told in `problem`.
 *
 * Example
 *     hsm_custody_prepare(&settings, &custody, problem)       before the secret arena: scrypt needs more memory than that has
 *     hsm_custody_open(&custody, hsm, loop, problem)
 */
#ifndef HSM_PROCESS_CUSTODY_H
#define HSM_PROCESS_CUSTODY_H

#include "base/secret.h"
#include "hsm/hsm.h"
#include "hsm/process/officers.h"
#include "hsm/process/settings.h"

struct hsm_custody {
    const struct hsm_settings *settings;
    struct hsm_officers *officers;
    struct secret_pages keys; /* of officers whose passphrases were left; at NULL: none */
};

/* ERR_FORBIDDEN: there are no LMKs, or both kinds. */
MUST_USE enum err hsm_custody_check(const struct hsm_settings *settings, struct net_problem *problem);
MUST_USE enum err hsm_custody_prepare(const struct hsm_settings *settings, struct hsm_custody *custody,
                                      struct net_problem *problem);
MUST_USE enum err hsm_custody_open(struct hsm_custody *custody, struct hsm *hsm, bool hardened, struct net_loop *loop,
                                   struct net_problem *problem);
/* Before hsm_destroy. */
void hsm_custody_close(struct hsm_custody *custody);

#endif
