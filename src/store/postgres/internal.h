/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the two ways of talking to PostgreSQL share: the driver that waits (driver.c), and the reader that never does (reading.c).
 *
 * conninfo.c    the connection string, its defaults, the hosts in it, and the settings of a session
 * needs.c       what the process keeps for it when it locks itself in
 * messages.c    a statement into messages, a result into rows, an SQLSTATE into an error
 */
#ifndef STORE_POSTGRES_INTERNAL_H
#define STORE_POSTGRES_INTERNAL_H

#include "store/internal.h"

#include <libpq-fe.h>

enum { POSTGRES_CONNINFO_SIZE = 512, POSTGRES_TEXT_FORMAT = 0, POSTGRES_BINARY_FORMAT = 1 };

/* ---- conninfo.c ---- */

/* A statement that prepares a session. An engine may refuse one that is not required, since it plans in its own way. */
struct store_postgres_setting {
    const char *sql;
    bool required;
};
extern const struct store_postgres_setting store_postgres_setting[];
extern const size_t store_postgres_setting_count;

/* The defaults, then the caller's own settings, which win. ERR_CONFIG: too long. */
MUST_USE enum err store_postgres_conninfo(const char *place, char out[static POSTGRES_CONNINFO_SIZE]);
/* How many hosts a connection string names; at least 1. ERR_CONFIG: it is malformed. */
MUST_USE enum err store_postgres_hosts(const char *conninfo, size_t *out);
/* Starts a connection to one of them without waiting; NULL: no memory. */
PGconn *store_postgres_start(const char *conninfo, size_t host);

/* ---- needs.c ---- */

void store_postgres_needs(const char *place, struct confine_needs *needs);

/* ---- messages.c ---- */

/* false: the connection failed. */
bool store_postgres_send_prepare(PGconn *connection, const struct store_statement *statement);
bool store_postgres_send_op(PGconn *connection, const struct store_statement *statement, const struct store_op *op);
bool store_postgres_send_text(PGconn *connection, const char *sql);
/* The answer of a statement: into the operation, or as an error. */
MUST_USE enum err store_postgres_read_op(const struct store *store, PGresult *result, struct store_op *op, struct arena *arena);
/* The error of a result that is one. ERR_CLOSED: the connection is gone. */
enum err store_postgres_err(const struct store *store, const char *statement, const PGresult *result);

#endif
