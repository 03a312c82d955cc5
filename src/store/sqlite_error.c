/* SPDX-License-Identifier: Apache-2.0 */
/* What SQLite's codes, and those of the system below it, mean for a store. */
#include "store/error.h"
#include "store/internal.h"

#include <errno.h>
#include <sqlite3.h>

/* Of the file of the database, or of its WAL. */
static int last_errno(sqlite3 *db, int which)
{
    sqlite3_file *file = NULL;
    int code = 0;
    if (sqlite3_file_control(db, "main", which, &file) == SQLITE_OK && file && file->pMethods)
        (void)file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &code);
    return code;
}

/* A disk that becomes read-only, or full behind the back of a write, is an I/O error to SQLite. */
static enum err err_of_disk(sqlite3 *db)
{
    static const int which[] = {SQLITE_FCNTL_JOURNAL_POINTER, SQLITE_FCNTL_FILE_POINTER};
    for (size_t i = 0; i < sizeof which / sizeof which[0]; i++) {
        int code = last_errno(db, which[i]);
        if (code == EROFS)
            return STORE_ERR_READ_ONLY;
        if (code == ENOSPC || code == EDQUOT || code == EFBIG)
            return STORE_ERR_FULL;
    }
    return STORE_ERR_FILE;
}

enum err store_sqlite_err(sqlite3 *db)
{
    int code = sqlite3_extended_errcode(db);
    if (code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY || code == SQLITE_CONSTRAINT_ROWID)
        return ERR_DUPLICATE;
    switch (code & 0xff) {
    case SQLITE_READONLY:
        return STORE_ERR_READ_ONLY;
    case SQLITE_FULL:
        return STORE_ERR_FULL;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return STORE_ERR_DAMAGED;
    case SQLITE_IOERR:
        return err_of_disk(db);
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_NOLFS:
        return STORE_ERR_FILE;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_NOMEM:
    case SQLITE_PROTOCOL:
        return STORE_ERR_UNAVAILABLE;
    default:
        return ERR_INTERNAL;
    }
}
