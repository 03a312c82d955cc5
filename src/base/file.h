/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small files, read whole.
 *
 * Purpose    Keys, certificates, lists and layouts are files of a few kilobytes that are read at once.
 * Ownership  Appends to the caller's buffer; no copy stays in a buffer of the library. A secret is the caller's to wipe, also
 *            after a failure.
 * Threading  Any.
 * Failure    ERR_NOT_FOUND: there is no such file. ERR_FORBIDDEN: it may not be read. ERR_PARSE_LONG: the buffer is full and the
 *            file goes on. ERR_SYSTEM: anything else.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/buf.h"

MUST_USE enum err file_read(const char *path, struct buf *out);
/* "cannot be read by this user", "is too long" ...: what stands behind the path in a message. */
const char *file_problem(enum err err);

#endif
