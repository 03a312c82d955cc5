/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames of host commands, explained part by part.
 *
 * Purpose    Tells a visitor where header, codes, fields, %NN, attributes and trailer lie in a frame, from the same rows that parse
 *            it; and in words what an answer means.
 * Ownership  Parts borrow from the payload and the record; they are valid during the call. `request` and `reply` are the caller's
 *            room (row->request->size, hostcmd_reply_record(...)->size), wiped by the caller.
 * Threading  Free of state.
 * Failure    A frame with a fault is explained as far as it goes; what follows is one part named "rest", flagged WIRE_SECRET, for a
 *            card number may stand in it. `view` says what is wrong.
 * Limits     A payload is a frame without its length.
 *
 * Example
 *     struct hostcmd_view view;
 *     hostcmd_annotate_request(payload, 4, &(struct hostcmd_noter){show, &page}, room, &view);
 *     if (view.err != ERR_OK) ...                                  // the HSM would answer err_row(view.err)->host_code
 */
#ifndef HOSTCMD_ANNOTATE_H
#define HOSTCMD_ANNOTATE_H

#include "hostcmd/commands.h"
#include "hostcmd/layout/layout.h"

struct hostcmd_part {
    const char *name;
    const char *doc;
    size_t offset;     /* into the payload */
    struct span bytes; /* as they stand there */
    struct span value; /* without delimiters and length prefixes */
    uint16_t flags;    /* WIRE_SECRET, WIRE_PAN */
};

struct hostcmd_noter {
    void (*note)(void *context, const struct hostcmd_part *part);
    void *context;
    const struct hostcmd_layout *layout; /* of scheme 5; NULL: that of the table */
};

struct hostcmd_view {
    const struct hostcmd_row *row; /* NULL: no command has this code */
    enum err err;                  /* of the frame itself */
    struct wire_fault fault;       /* where err is not ERR_OK */
    char code[3];                  /* reply: the error code it carries */
    struct span trailer;
};

/* The command of a payload, by its request code or its reply code (*is_reply). NULL: neither. */
const struct hostcmd_row *hostcmd_identify(struct span payload, size_t header, bool *is_reply);

void hostcmd_annotate_request(struct span payload, size_t header, const struct hostcmd_noter *noter, void *request,
                              struct hostcmd_view *view);
/* `request` chooses the layout (NULL: the one that fits); `trailer` as it was sent. */
struct hostcmd_answer_of {
    const struct hostcmd_row *row;
    const void *request;
    struct span trailer;
};
void hostcmd_annotate_reply(const struct hostcmd_answer_of *of, struct span payload, size_t header,
                            const struct hostcmd_noter *noter, void *reply, struct hostcmd_view *view);

/* What an error code of host-commands.md 11 means, in words; never NULL. */
const char *hostcmd_error_text(const char code[static 2]);
/* The layout of the `#` fields that the command takes; NULL: none. */
const struct wire_record *hostcmd_attributes_layout(const struct hostcmd_row *row);
/* The one that these stand in: with their algorithm or without. */
const struct wire_record *hostcmd_attributes_said(const struct hostcmd_row *row, const struct hostcmd_attributes *attributes);
/* Room that holds any request, and any reply. */
size_t hostcmd_request_size_max(void);
size_t hostcmd_reply_size_max(void);

#endif
