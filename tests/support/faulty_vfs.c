/* SPDX-License-Identifier: Apache-2.0 */
#include "support/faulty_vfs.h"

#include <sqlite3.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* The real file lies behind ours, in the same block. */
struct file {
    sqlite3_file base;
    sqlite3_io_methods methods;
    sqlite3_file *real;
};

static sqlite3_vfs vfs;
static sqlite3_vfs *original;
static int countdown;
static int fault_code;
static bool fired;
static atomic_int held;

static sqlite3_file *real(sqlite3_file *f)
{
    return ((struct file *)f)->real;
}

static int fault(void)
{
    int code = held;
    if (code != SQLITE_OK)
        return code;
    if (countdown == 0 || --countdown > 0)
        return SQLITE_OK;
    fired = true;
    return fault_code;
}

static int f_write(sqlite3_file *f, const void *at, int len, sqlite3_int64 offset)
{
    int code = fault();
    return code ? code : real(f)->pMethods->xWrite(real(f), at, len, offset);
}

static int f_sync(sqlite3_file *f, int flags)
{
    int code = fault();
    return code ? (code == SQLITE_IOERR_WRITE ? SQLITE_IOERR_FSYNC : code) : real(f)->pMethods->xSync(real(f), flags);
}

static int f_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    int code = fault();
    return code ? code : real(f)->pMethods->xTruncate(real(f), size);
}

static int f_close(sqlite3_file *f)
{
    return real(f)->pMethods->xClose(real(f));
}
static int f_read(sqlite3_file *f, void *at, int len, sqlite3_int64 offset)
{
    return real(f)->pMethods->xRead(real(f), at, len, offset);
}
static int f_size(sqlite3_file *f, sqlite3_int64 *size)
{
    return real(f)->pMethods->xFileSize(real(f), size);
}
static int f_lock(sqlite3_file *f, int level)
{
    return real(f)->pMethods->xLock(real(f), level);
}
static int f_unlock(sqlite3_file *f, int level)
{
    return real(f)->pMethods->xUnlock(real(f), level);
}
static int f_reserved(sqlite3_file *f, int *out)
{
    return real(f)->pMethods->xCheckReservedLock(real(f), out);
}
static int f_control(sqlite3_file *f, int op, void *argument)
{
    return real(f)->pMethods->xFileControl(real(f), op, argument);
}
static int f_sector(sqlite3_file *f)
{
    return real(f)->pMethods->xSectorSize(real(f));
}
static int f_traits(sqlite3_file *f)
{
    return real(f)->pMethods->xDeviceCharacteristics(real(f));
}
static int f_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out)
{
    return real(f)->pMethods->xShmMap(real(f), page, size, extend, out);
}
static int f_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
    return real(f)->pMethods->xShmLock(real(f), offset, n, flags);
}
static void f_shm_barrier(sqlite3_file *f)
{
    real(f)->pMethods->xShmBarrier(real(f));
}
static int f_shm_unmap(sqlite3_file *f, int remove)
{
    return real(f)->pMethods->xShmUnmap(real(f), remove);
}

static int vfs_open(sqlite3_vfs *v, sqlite3_filename name, sqlite3_file *f, int flags, int *out)
{
    struct file *file = (struct file *)f;
    (void)v;
    file->real = (sqlite3_file *)&file[1];
    int code = original->xOpen(original, name, file->real, flags, out);
    if (code != SQLITE_OK) {
        file->base.pMethods = NULL;
        return code;
    }
    file->methods = (sqlite3_io_methods){2,          f_close,       f_read,      f_write,   f_truncate, f_sync,   f_size,
                                         f_lock,     f_unlock,      f_reserved,  f_control, f_sector,   f_traits, f_shm_map,
                                         f_shm_lock, f_shm_barrier, f_shm_unmap, NULL,      NULL};
    file->base.pMethods = &file->methods;
    return SQLITE_OK;
}

void faulty_vfs_install(void)
{
    original = sqlite3_vfs_find(NULL);
    vfs = *original;
    vfs.zName = "faulty";
    vfs.szOsFile = (int)sizeof(struct file) + original->szOsFile;
    vfs.xOpen = vfs_open;
    vfs.pNext = NULL;
    if (sqlite3_vfs_register(&vfs, 1) != SQLITE_OK)
        abort();
}

void faulty_vfs_arm(int nth, int code)
{
    countdown = nth;
    fault_code = code;
    fired = false;
}

void faulty_vfs_hold(int code)
{
    held = code;
}

bool faulty_vfs_fired(void)
{
    return fired;
}
