/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A VFS for SQLite that fails the n-th write, sync or truncation of a database file, once. It becomes the default for connections
 * that are opened after faulty_vfs_install.
 */
#ifndef SUPPORT_FAULTY_VFS_H
#define SUPPORT_FAULTY_VFS_H

#include <stdbool.h>

void faulty_vfs_install(void);
/* The n-th call from now (1 = the next) answers `code`; 0: none. */
void faulty_vfs_arm(int nth, int code);
/* Every call from now on answers `code`, until it is 0. From any thread. */
void faulty_vfs_hold(int code);
/* The fault has happened since it was armed. */
bool faulty_vfs_fired(void);

#endif
