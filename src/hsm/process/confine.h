/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walls around the key holder's process.
 *
 * Purpose    Before the first secret: one arena for all of them, the cipher library's memory in it. After the start: the sandbox
 *            (base/confine.h). What the kernel does not offer is told in the log, and the process goes on without it.
 * Ownership  Process-wide.
 * Threading  The main thread, in the order open, lock, close.
 * Failure    ERR_MEMORY or CRYPTO_ERR_FAILED if there is no arena: nothing may start then.
 */
#ifndef HSM_PROCESS_CONFINE_H
#define HSM_PROCESS_CONFINE_H

#include "base/buf.h"
#include "base/log.h"
#include "hsm/process/settings.h"

MUST_USE enum err hsm_confine_open(const struct hsm_settings *settings, struct log *log);
/* Nothing is opened, listened on or started afterwards, except files in the folders of the settings. ERR_SYSTEM if the kernel has
 * what it takes and refuses it all the same. */
MUST_USE enum err hsm_confine_lock(const struct hsm_settings *settings, struct log *log);
void hsm_confine_metrics(struct buf *out);
/* Everything secret is wiped; the cipher library cannot be used any more. */
void hsm_confine_close(void);

#endif
