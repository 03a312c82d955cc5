/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layout profiles of scheme 5: what stands behind the PAN in QY and PM is data (host-commands.md 5.2).
 *
 * Purpose    The bytes of a payShield's scheme 5 are not public, so they are rows of a text file that a site may replace, and the
 *            name of the algorithm that makes the code stands with them. HSM and clients read the same profile; a client gives a
 *            moment and a window, the profile says how they are written.
 * Ownership  A profile is a value. A layout holds the field rows made from one; they point into it, so it is filled in place and
 *            neither copied nor moved.
 * Threading  Free of state; a layout is read-only once it is filled.
 * Failure    A text that is no profile: ERR_CONFIG with line and reason in struct hostcmd_layout_problem. A moment that its columns
 *            cannot hold: ERR_PARSE_VALUE, on both sides.
 * Limits     HOSTCMD_COLUMNS columns, HOSTCMD_FILLERS fillers, constants and fillers of HOSTCMD_FILLER_MAX characters; windows of
 *            1 to 18 hours, in whole hours or minutes.
 *
 * Example
 *     struct hostcmd_layout layout;
 *     TRY(hostcmd_layout_fill(&hostcmd_profile_countersign_5, &layout));
 *     TRY(hostcmd_layout_qy(&layout, &(struct hostcmd_moment){now_s, 60}, &ask));
 *     TRY(hostcmd_request_build_row(hostcmd_layout_row(&layout, HOSTCMD_QY), &ask, HOSTCMD_LMK_DEFAULT, &out));
 */
#ifndef HOSTCMD_LAYOUT_LAYOUT_H
#define HOSTCMD_LAYOUT_LAYOUT_H

#include "hostcmd/commands.h"

enum {
    HOSTCMD_COLUMNS = 12,
    HOSTCMD_LAYOUT_NAME = 32,
    HOSTCMD_LAYOUT_FIELDS = 40,
    HOSTCMD_TWU_MOST = 18 * 60, /* minutes */
};

/* ---- profiles ---- */

enum hostcmd_column_kind {
    HOSTCMD_EXPIRY,
    HOSTCMD_SERVICE,
    HOSTCMD_TIME,
    HOSTCMD_TWU,
    HOSTCMD_CODE, /* in PM alone */
    HOSTCMD_CONSTANT,
    HOSTCMD_FILLER, /* anything of its type; written as zeros */
    HOSTCMD_COLUMN_KINDS
};
enum hostcmd_time_format {
    HOSTCMD_YYMMDDHHMM,
    HOSTCMD_YYMMDDHHMMSS,
    HOSTCMD_YYYYMMDDHHMM,
    HOSTCMD_YYYYMMDDHHMMSS,
    HOSTCMD_UNIX10,
    HOSTCMD_HHMM, /* the latest such moment that is not more than five minutes ahead of the reader's clock */
    HOSTCMD_HHMMSS,
    HOSTCMD_TIME_FORMATS
};

struct hostcmd_column {
    uint8_t kind; /* enum hostcmd_column_kind */
    uint8_t length;
    char type;                          /* N, H or A */
    uint8_t format;                     /* HOSTCMD_TIME: enum hostcmd_time_format */
    bool minutes;                       /* HOSTCMD_TWU: minutes instead of hours */
    bool optional;                      /* `value` holds where it is left out */
    bool unsent;                        /* never on the wire: `value` holds */
    char value[HOSTCMD_FILLER_MAX + 1]; /* of a constant; default of an optional column */
};
struct hostcmd_profile {
    char name[HOSTCMD_LAYOUT_NAME];
    char algorithm[HOSTCMD_LAYOUT_NAME];
    struct hostcmd_column column[HOSTCMD_COLUMNS]; /* in the order of the wire; unsent ones anywhere */
    size_t count;
};

/* The shipped one; data/layouts/countersign-5.layout says the same. */
extern const struct hostcmd_profile hostcmd_profile_countersign_5;

struct hostcmd_layout_problem {
    unsigned line; /* 0: the text as a whole */
    const char *text;
};
MUST_USE enum err hostcmd_profile_parse(struct span text, struct hostcmd_profile *out, struct hostcmd_layout_problem *problem);
/* The text that parses into the profile. */
void hostcmd_profile_put(const struct hostcmd_profile *profile, struct buf *out);

/* ---- layouts ---- */

struct hostcmd_layout_command {
    struct wire_field field[HOSTCMD_LAYOUT_FIELDS], brief_field[HOSTCMD_LAYOUT_FIELDS];
    struct wire_record record, brief; /* with and without the optional columns */
    struct hostcmd_row row;
};
struct hostcmd_layout {
    struct hostcmd_profile profile;
    struct hostcmd_layout_command qy, pm;
};

/* ERR_CONFIG for a profile that is not sound; hostcmd_profile_parse gives sound ones only. */
MUST_USE enum err hostcmd_layout_fill(const struct hostcmd_profile *profile, struct hostcmd_layout *out);
/* The row of a command under this layout; the table's row for all but QY and PM, and where `layout` is NULL. */
const struct hostcmd_row *hostcmd_layout_row(const struct hostcmd_layout *layout, enum hostcmd_id id);

/* A moment and the window that counts it. */
struct hostcmd_moment {
    int64_t unix_s;
    uint32_t twu_minutes;
};
/* Set scheme, time, TWU and fillers (PM: the version, too); the other members are the caller's. */
MUST_USE enum err hostcmd_layout_qy(const struct hostcmd_layout *layout, const struct hostcmd_moment *moment,
                                    struct hostcmd_qy *ask);
MUST_USE enum err hostcmd_layout_pm(const struct hostcmd_layout *layout, const struct hostcmd_moment *moment,
                                    struct hostcmd_pm *ask);
/* What they say; `now_s` is for formats without a date. */
MUST_USE enum err hostcmd_layout_moment(const struct hostcmd_layout *layout, struct span time, struct span twu, int64_t now_s,
                                        struct hostcmd_moment *out);
/* Gives the columns that did not come their defaults; the parser of a row does it. */
void hostcmd_layout_complete(const struct hostcmd_layout *layout, enum hostcmd_id id, void *request);

#endif
