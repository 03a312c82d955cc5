/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables, as a list of steps. A step that has been released is never edited: a change is a new version at the end. All steps of
 * one (set, version) run in one transaction. {int}, {bytes}, {empty} and {table} are replaced by the driver.
 *
 * Rows are found by their primary key, and tables are stored in its order: ids sort by time, so inserts append. Every further index
 * costs each authorisation a write, hence there are few.
 */
#include "store/driver.h"

#define TEXT " TEXT NOT NULL DEFAULT '', "
#define INT " {int} NOT NULL DEFAULT 0, "
#define BYTES " {bytes} NOT NULL DEFAULT {empty}, "

const struct store_migration store_migration[] = {
#include "ledger/migrations.h"

#include "gateway/migrations.h"
};

const size_t store_migration_count = sizeof store_migration / sizeof store_migration[0];
