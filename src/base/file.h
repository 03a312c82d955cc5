/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small files, read whole; lines and texts on descriptors, whole as well.
 *
 * Purpose    Keys, certificates, lists and layouts are files of a few kilobytes that are read at once. What is interrupted goes on.
 * Ownership  Appends to the caller's buffer; no copy stays in a buffer of the library. A secret is the caller's to wipe, also
 *            after a failure.
 * Threading  Any.
 * Failure    ERR_NOT_FOUND: there is no such file. ERR_FORBIDDEN: it may not be read. ERR_PARSE_LONG: the buffer is full and the
 *            file goes on. ERR_SYSTEM: anything else. Where a call failed, errno says why.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/buf.h"

struct stat;

MUST_USE enum err file_read(const char *path, struct buf *out);
/* `facts` are those of the file that was read: its path may name another one a moment later. They are there unless it could not be
 * opened. */
MUST_USE enum err file_read_known(const char *path, struct buf *out, struct stat *facts);
/* "cannot be read by this user", "is too long" ...: what stands behind the path in a message. */
const char *file_problem(enum err err);

/* Appends one line without its end, byte by byte: nothing of the next line is taken. ERR_CLOSED: there is none. */
MUST_USE enum err file_read_line(int fd, struct buf *out);
/* Writes all of it. */
MUST_USE enum err file_write(int fd, struct span text);

#endif
