/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tap: relays the sandbox's inner wires and says, masked, what went over them.
 *
 * Purpose    The story shows every frame between gateway and switch and between the services and the HSM. The tap is a process
 *            that stands between them as a plain relay: bytes pass unchanged and at once, a copy of each frame is described by the
 *            tables of the protocol, which mask card numbers and codes.
 * Ownership  sandbox_tap_start forks the process; sandbox_tap_stop ends it.
 * Threading  One thread a side. The tap sends lines over a pipe; one that nobody reads is dropped.
 * Failure    While the far end of a wire is away the tap does not listen either, so that the near end sees what it would see
 *            without it: a refused connection.
 * Limits     TAP_CONNECTIONS connections; frames up to 32 KiB. What passed is wiped.
 */
#ifndef SANDBOX_TAP_H
#define SANDBOX_TAP_H

#include "base/err.h"
#include "sandbox/process.h"
#include "sandbox/wire.h"

#include <stddef.h>
#include <stdint.h>

enum { SANDBOX_TAP_LINE = 1024 };

struct sandbox_tap {
    struct sandbox_child child;
    uint16_t port[SANDBOX_WIRES]; /* where the near end connects */
    int lines;                    /* the pipe, our end */
    char left[4 * SANDBOX_TAP_LINE];
    size_t left_len;
};

/* far[w]: the port that wire w leads to. */
MUST_USE enum err sandbox_tap_start(struct sandbox_tap *tap, const uint16_t far[static SANDBOX_WIRES]);
void sandbox_tap_stop(struct sandbox_tap *tap);

/* One described frame. */
struct sandbox_tap_line {
    const char *from;
    const char *to;
    char text[SANDBOX_TAP_LINE];
};
/* The next line, waiting at most `wait_ms` for it; false if there is none. */
bool sandbox_tap_read(struct sandbox_tap *tap, int wait_ms, struct sandbox_tap_line *out);

#endif
