/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Annotated frames, for people and as data.
 *
 * Purpose    Prints each part of a frame with its place, bytes, name, value and meaning; card numbers and secrets are masked unless
 *            the caller reveals them.
 * Ownership  Appends to the caller's buffer, which holds what was revealed: the caller wipes it.
 * Failure    The sticky error of `struct buf`.
 */
#ifndef TOOL_SEND_SHOW_H
#define TOOL_SEND_SHOW_H

#include "base/json.h"
#include "hostcmd/annotate.h"

struct tool_send_show {
    struct buf *out;
    struct json_writer data; /* into `out`; the root is open */
    bool json;
    bool reveal;
    bool masked; /* something was hidden */
};

/* Opens the frame: its title and its length field. */
void tool_send_show_begin(struct tool_send_show *show, const char *what, struct span payload);
/* As a hostcmd_noter's hook; `context` is the show. */
void tool_send_show_part(void *context, const struct hostcmd_part *part);
/* Closes it: what is wrong, what the answer means, and with nothing masked the whole frame. */
void tool_send_show_end(struct tool_send_show *show, const struct hostcmd_view *view, struct span payload);
/* The fields of a command, for --help. */
void tool_send_show_fields(const struct hostcmd_row *row, struct buf *out);

#endif
