/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far a run is, durable beside its output.
 *
 * Purpose    Positions, counts and digests of what is done, never a card number or a code. A file of two slots written in turn,
 *            each with a check over itself: one of them is always whole.
 * Ownership  The descriptor is the state's; it holds a lock on the file.
 * Threading  The main thread.
 * Failure    ERR_BUSY: another run holds the file. ERR_PARSE_VALUE: it is damaged.
 */
#ifndef TOOL_PERSONALISE_STATE_H
#define TOOL_PERSONALISE_STATE_H

#include "crypto/digest.h"

struct tool_personalise_progress {
    uint64_t sequence; /* chunks that are durable */
    uint64_t input, line, output, report;
    uint64_t coded, bad, messages;
    bool done;
    uint8_t input_digest[CRYPTO_DIGEST_SHA256];
    uint8_t options_digest[CRYPTO_DIGEST_SHA256];
};

struct tool_personalise_state {
    int fd;
};
enum { TOOL_PERSONALISE_SLOT = 512 };
/* OUT.state; `fresh` is false if there was one, and `progress` is what it says. ERR_BUSY: another run holds it. */
MUST_USE enum err tool_personalise_state_open(const char *path, bool create, struct tool_personalise_state *out, bool *fresh,
                                              struct tool_personalise_progress *progress);
MUST_USE enum err tool_personalise_state_write(struct tool_personalise_state *state,
                                               const struct tool_personalise_progress *progress);
void tool_personalise_state_close(struct tool_personalise_state *state);
/* Pure: one slot as bytes, and back. */
MUST_USE enum err tool_personalise_slot_build(const struct tool_personalise_progress *progress,
                                              uint8_t out[static TOOL_PERSONALISE_SLOT]);
MUST_USE enum err tool_personalise_slot_parse(struct span slot, struct tool_personalise_progress *out);

#endif
