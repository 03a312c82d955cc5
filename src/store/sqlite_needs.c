/* SPDX-License-Identifier: Apache-2.0 */
/* What SQLite touches after the start: the file and those beside it, which come and go with the last connection. */
#include "store/internal.h"

#include <sys/syscall.h>

/* clang-format off */
static const struct confine_call calls[] = {
    ADMIT(pread64), ADMIT(pwrite64), ADMIT(flock), ADMIT(fstat),
    /* a file that is made gets the mode and the owner of the database; a connection opened again asks where it is */
    ADMIT(fchmod), ADMIT(fchown), ADMIT(geteuid), ADMIT(getcwd),
#ifdef SYS_access
    ADMIT(access), ADMIT(readlink), ADMIT(stat), ADMIT(lstat),
#else
    ADMIT(faccessat), ADMIT(readlinkat),
#endif
};
/* clang-format on */
static const struct confine_set set = CONFINE_SET(calls);

void store_sqlite_needs(const char *place, struct confine_needs *needs)
{
    confine_need_path(needs, place, CONFINE_WRITE | CONFINE_BESIDE | CONFINE_IF_THERE);
    confine_need_calls(needs, &set);
}
