/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The narrator's voice: the terminal, or one JSON object a step.
 *
 * Purpose    A step has a title, the frames that passed while it ran, and an outcome. For people it is printed as it happens; with
 *            --json it is collected and printed as one line when it ends.
 * Ownership  Borrows the sandbox for its options.
 * Threading  One thread.
 * Failure    A step of more frames than fit is printed without the rest, which is counted.
 * Limits     SANDBOX_TELL_ROOM bytes a step in JSON.
 */
#ifndef SANDBOX_TELL_H
#define SANDBOX_TELL_H

#include "base/json.h"
#include "sandbox/internal.h"

enum { SANDBOX_TELL_ROOM = 64 * 1024 };

struct sandbox_tell {
    const struct sandbox *box;
    char room[SANDBOX_TELL_ROOM];
    struct buf line;
    struct json_writer json;
};

/* A line for people; nothing with --json. */
void sandbox_say(const struct sandbox *box, const char *format, ...) __attribute__((format(printf, 2, 3)));

void sandbox_tell_begin(struct sandbox_tell *tell, const struct sandbox *box, unsigned number, const char *title);
void sandbox_tell_wire(struct sandbox_tell *tell, const char *from, const char *to, const char *text);
/* `expected` and `found` are short texts for people. */
void sandbox_tell_end(struct sandbox_tell *tell, bool held, const char *expected, const char *found, int64_t took_us);

#endif
