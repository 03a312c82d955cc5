/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which key a command was about: LMK, key type, usage and check value, for its line. Inside the room.
 *
 * Purpose    Reads them from request and reply by the rows of the command, so no handler has to tell them. A check value tells
 *            nothing of a key; it is what people compare. The key itself, wrapped or not, is in no line.
 * Ownership  Fields point into `out`.
 * Threading  Free of state.
 * Limits     What a row does not have is left out: RA has an LMK alone.
 */
#ifndef HSM_TRAIL_SUBJECT_H
#define HSM_TRAIL_SUBJECT_H

#include "base/log.h"
#include "hostcmd/commands.h"

enum { HSM_SUBJECT_FIELDS = 4, HSM_SUBJECT_TYPE = 3, HSM_SUBJECT_USAGE = 2, HSM_SUBJECT_CHECK = 16 };

struct hsm_subject {
    char type[HSM_SUBJECT_TYPE + 1];
    char usage[HSM_SUBJECT_USAGE + 1];
    char check[2 * HSM_SUBJECT_CHECK + 2];
};

/* A command and what became of it. */
struct hsm_told {
    const struct hostcmd_row *row;
    const char *client;
    struct hostcmd_said answer;
    int lmk;             /* -1: it was not read so far */
    bool authorised;     /* the row has an activity, and it is authorised */
    bool idle;           /* answered 00, and nothing has changed: RA without an authority */
    const void *request; /* NULL: it was not read so far */
    const void *reply;
};

/* Fills `field` and returns how many there are: lmk, key_type, usage, check. */
size_t hsm_subject_fields(const struct hsm_told *told, struct hsm_subject *out, struct log_field field[static HSM_SUBJECT_FIELDS]);

#endif
