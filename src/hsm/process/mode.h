/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hardened or compatible: what the settings of countersign-hsm say about its mode, and what follows from it.
 *
 * Purpose    One place that decides the mode (host-commands.md 9), refuses settings that contradict it, tells those that are
 *            unsafe, and turns settings and the files they name into what the hsm is given.
 * Ownership  Results are values of the caller; a guessing key is wiped by the holder.
 * Threading  The main thread, at start and at a reload.
 * Failure    What is refused, and a file that cannot be used, is described in `problem`.
 * Limits     Files up to HSM_MODE_FILE bytes.
 */
#ifndef HSM_PROCESS_MODE_H
#define HSM_PROCESS_MODE_H

#include "hsm/guard/guess.h"
#include "hsm/guard/policy.h"
#include "hsm/process/settings.h"
#include "hsm/trail/audit.h"

#include <sys/stat.h>

enum { HSM_MODE_FILE = 256 * 1024, HSM_MODE_KEY = 32 };

/* Hardened unless hsm.mode says otherwise or the public test LMKs are loaded. */
bool hsm_mode_hardened(const struct hsm_settings *settings);
/* ERR_CONFIG: a value that cannot be. ERR_FORBIDDEN: settings that contradict the mode, or one another. */
MUST_USE enum err hsm_mode_check(const struct hsm_settings *settings, struct net_problem *problem);
/* One warning a setting that weakens the HSM, or keeps it from being ready. */
void hsm_mode_warn(const struct hsm_settings *settings, struct log *log);

MUST_USE enum err hsm_mode_policy(const struct hsm_settings *settings, struct hsm_policy *out, struct net_problem *problem);
/* The limit in force with these settings. */
uint32_t hsm_mode_guess_limit(const struct hsm_settings *settings);
/* `on` false: this mode has no guessing limit. */
MUST_USE enum err hsm_mode_guess(const struct hsm_settings *settings, const struct env *env, struct hsm_guess_config *out, bool *on,
                                 struct net_problem *problem);
/* The trail of hsm.audit; *out stays NULL where there is none. */
MUST_USE enum err hsm_mode_audit(const struct hsm_settings *settings, const struct env *env, struct hsm_audit **out,
                                 struct net_problem *problem);
/* The first line of a run; in hardened mode nothing starts without it. */
MUST_USE enum err hsm_mode_started(const struct hsm_settings *settings, struct hsm_audit *audit, struct net_problem *problem);
/* The last line; closes the trail. */
void hsm_mode_stopped(struct hsm_audit *audit);
/* Nobody but its owner, and at most the group root, may read the file. */
bool hsm_mode_closed(const struct stat *facts);
/* 32 bytes as 64 hexadecimal digits, in a file that is closed in this sense. */
MUST_USE enum err hsm_mode_key_read(const char *path, uint8_t out[static HSM_MODE_KEY], struct net_problem *problem);

#endif
