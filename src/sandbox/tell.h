/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The narrator's voice: the terminal, or one JSON object a step.
 *
 * Purpose    A step has a title, the frames that passed while it ran, and an outcome. For people it is printed as it happens; with
 *            --json it is collected and printed as one line when it ends.
 * Ownership  Borrows the demo for its options.
 * Threading  One thread.
 * Failure    A step of more frames than fit is printed without the rest, which is counted.
 * Limits     DEMO_TELL_ROOM bytes a step in JSON.
 */
#ifndef MAIN_DEMO_TELL_H
#define MAIN_DEMO_TELL_H

#include "http/json.h"
#include "sandbox/internal.h"

enum { DEMO_TELL_ROOM = 64 * 1024 };

struct demo_tell {
    const struct demo *demo;
    char room[DEMO_TELL_ROOM];
    struct buf line;
    struct http_json_writer json;
};

/* A line for people; nothing with --json. */
void demo_say(const struct demo *demo, const char *format, ...) __attribute__((format(printf, 2, 3)));

void demo_tell_begin(struct demo_tell *tell, const struct demo *demo, unsigned number, const char *title);
void demo_tell_wire(struct demo_tell *tell, const char *from, const char *to, const char *text);
/* `expected` and `found` are short texts for people. */
void demo_tell_end(struct demo_tell *tell, bool held, const char *expected, const char *found, int64_t took_us);

#endif
