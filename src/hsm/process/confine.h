/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walls around the key holder's process.
 *
 * Purpose    Before the first secret: one arena for all of them, the cipher library's memory in it. After the start: the sandbox
 *            (base/confine.h), whose tables stand here. Nothing is opened, listened on or started then, except files in the folders
 *            of the settings.
 * Ownership  Process-wide.
 * Threading  The main thread, in the order open, close.
 * Failure    ERR_MEMORY or CRYPTO_ERR_FAILED if there is no arena: nothing may start then.
 */
#ifndef HSM_PROCESS_CONFINE_H
#define HSM_PROCESS_CONFINE_H

#include "base/buf.h"
#include "base/confine.h"
#include "base/log.h"
#include "hsm/process/settings.h"

MUST_USE enum err hsm_confine_open(const struct hsm_settings *settings, struct log *log);
void hsm_confine_metrics(struct buf *out);
/* Everything secret is wiped; the cipher library cannot be used any more. */
void hsm_confine_close(void);

/* What the process keeps after its start; the files are settings of struct hsm_settings. */
extern const struct confine_table hsm_confine_table;

#endif
