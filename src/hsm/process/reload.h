/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SIGHUP: what a running HSM takes from its configuration anew.
 *
 * Purpose    Reads the configuration, and the files that it names, as at the start, with the same command line; then changes
 *            limits, lists, user storage and certificates together. What cannot change while it runs is told by its name.
 * Ownership  Works on the process's own settings: those that may change are replaced.
 * Threading  The loop's thread; takes as long as the files do.
 * Failure    One bad value or file changes nothing, and the reason is in log and audit trail.
 */
#ifndef HSM_PROCESS_RELOAD_H
#define HSM_PROCESS_RELOAD_H

#include "hsm/process/ports.h"
#include "hsm/process/settings.h"
#include "hsm/trail/audit.h"

struct hsm_reload {
    /* The settings as a start with the same command line would find them. */
    enum err (*read)(void *context, struct hsm_settings *out, char *problem, size_t problem_cap);
    void *context;
    struct log *log;
    struct hsm_settings *settings;
    struct hsm *hsm;
    struct hsm_audit *audit;
    const struct hsm_ports *ports;
    uint64_t done, refused;
};

void hsm_reload(struct hsm_reload *reload);
void hsm_reload_metrics(const struct hsm_reload *reload, struct buf *out);

#endif
