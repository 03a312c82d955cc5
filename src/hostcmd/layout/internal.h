/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the room: what the files of the layout profiles share. */
#ifndef HOSTCMD_LAYOUT_INTERNAL_H
#define HOSTCMD_LAYOUT_INTERNAL_H

#include "hostcmd/layout/layout.h"

struct hostcmd_time_row {
    const char *name; /* the pattern: Y M D h m s, each letter a digit; unix10 */
    uint8_t length;
};
extern const struct hostcmd_time_row hostcmd_time_rows[HOSTCMD_TIME_FORMATS];

const struct hostcmd_column *hostcmd_profile_column(const struct hostcmd_profile *profile, enum hostcmd_column_kind kind);

/* The text of a moment in one column; the digits of the TWU. */
MUST_USE enum err hostcmd_time_write(enum hostcmd_time_format format, int64_t unix_s, struct buf *out);
MUST_USE enum err hostcmd_time_read(enum hostcmd_time_format format, struct span text, int64_t now_s, int64_t *out);

#endif
