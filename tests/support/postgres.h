/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A private PostgreSQL for tests: made by initdb in a temporary directory, on a Unix socket there, run by an unprivileged user,
 * stopped and removed at exit. Without PostgreSQL the test fails and says what to install.
 */
#ifndef SUPPORT_POSTGRES_H
#define SUPPORT_POSTGRES_H

#include "base/buf.h"

/* Starts the server of this process once; the directory of its socket. */
const char *postgres_socket(void);
/* Makes an empty database and writes its store URL (with a zero). */
void postgres_fresh(struct buf *url);
/* Ends every backend of all databases, as a crash of the connections would. */
void postgres_cut_connections(void);
/* SIGKILL to one backend: the server ends all others and recovers. Returns when it serves again. */
void postgres_kill_backend(void);
/* Stops one backend where it stands, with the locks that it holds, until postgres_thaw. */
void postgres_freeze_backend(void);
/* SIGKILL to the server, and a start with recovery. */
void postgres_crash(void);
void postgres_restart(void);
/* Stops all processes of the server where they stand (SIGSTOP), and lets them go on. Its sockets stay open. */
void postgres_freeze(void);
void postgres_thaw(void);

#endif
