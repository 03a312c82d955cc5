/* SPDX-License-Identifier: Apache-2.0 */
#include "base/confine.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add(struct confine_needs *needs, const char *path, size_t len, unsigned how)
{
    if (len == 0 || len >= CONFINE_PATH_SIZE)
        return;
    for (size_t i = 0; i < needs->path_count; i++)
        if (strlen(needs->path[i].path) == len && memcmp(needs->path[i].path, path, len) == 0 && needs->path[i].how == how)
            return;
    ASSERT(needs->path_count < CONFINE_PATHS_MAX);
    struct confine_path *row = &needs->path[needs->path_count++];
    memcpy(row->path, path, len);
    row->path[len] = 0;
    row->how = how;
}

static void add_folder(struct confine_needs *needs, const char *file, unsigned how)
{
    const char *slash = strrchr(file, '/');
    add(needs, slash ? file : ".", slash ? (size_t)(slash - file) + 1 : 1, how);
}

/* Tools that renew certificates put a link beside the configuration, and the file where they keep it. */
static void add_target_folder(struct confine_needs *needs, const char *file, unsigned how)
{
    char target[PATH_MAX];
    if (realpath(file, target))
        add_folder(needs, target, how);
}

void confine_need_path(struct confine_needs *needs, const char *path, unsigned how)
{
    unsigned kept = how & ~(unsigned)CONFINE_BESIDE;
    if (!path[0])
        return;
    if (kept == how) {
        add(needs, path, strlen(path), kept);
        return;
    }
    add_folder(needs, path, kept);
    add_target_folder(needs, path, kept);
}

void confine_need_calls(struct confine_needs *needs, const struct confine_set *set)
{
    for (size_t i = 0; i < needs->set_count; i++)
        if (needs->set[i] == set)
            return;
    ASSERT(needs->set_count < CONFINE_SETS_MAX);
    needs->set[needs->set_count++] = set;
}

void confine_need_table(struct confine_needs *needs, const struct confine_table *table, const void *settings)
{
    for (size_t i = 0; i < table->set_count; i++)
        confine_need_calls(needs, table->set[i]);
    for (size_t i = 0; i < table->file_count; i++) {
        const struct confine_setting *row = &table->file[i];
        const char *value = (const char *)settings + row->offset;
        if (row->needs)
            row->needs(value, needs);
        else
            confine_need_path(needs, value, row->how);
    }
}
