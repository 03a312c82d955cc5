/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/process/confine.h"

#include "base/confine.h"
#include "base/metric.h"
#include "base/secret_arena.h"
#include "crypto/heap.h"

#include <stdio.h>
#include <string.h>

/* ---- memory ---- */

enum err hsm_confine_open(const struct hsm_settings *settings, struct log *log)
{
    static const char *const warnings[] = {
        [SECRET_ARENA_ORDINARY] = "keys may be swapped out: raise RLIMIT_MEMLOCK (LimitMEMLOCK= of the unit)",
        [SECRET_ARENA_LOCKED] = "this kernel has no memfd_secret(2): root may read the keys",
        [SECRET_ARENA_SECRETMEM] = NULL,
    };
    TRY(secret_arena_open((size_t)settings->secret_memory << 20, settings->secretmem));
    const char *warning = warnings[secret_arena_kind()];
    if (warning)
        LOG(log, LOG_WARN, "hsm.memory", LOG_TEXT("warning", warning));
    return crypto_heap_move();
}

void hsm_confine_close(void)
{
    crypto_heap_release();
    secret_arena_close();
}

void hsm_confine_metrics(struct buf *out)
{
    struct secret_arena_use use = secret_arena_use();
    metric_put(out, "countersign_hsm_secret_bytes", "size of the arena for secrets", "gauge", (int64_t)use.size);
    metric_put(out, "countersign_hsm_secret_taken_bytes", "taken of it", "gauge", (int64_t)use.taken);
    metric_put(out, "countersign_hsm_secret_most_bytes", "the most that was taken of it", "gauge", (int64_t)use.most);
    metric_put(out, "countersign_hsm_secret_refused_total", "requests that it had no room for", "counter", (int64_t)use.refused);
}

/* ---- the sandbox ---- */

/* The settings that name files, and whether they are written. */
static const struct file_setting {
    size_t offset;
    bool write;
} files[] = {
    {offsetof(struct hsm_settings, tls_certificate), false},
    {offsetof(struct hsm_settings, tls_key), false},
    {offsetof(struct hsm_settings, tls_ca), false},
    {offsetof(struct hsm_settings, tls_crl), false},
    {offsetof(struct hsm_settings, lmk_store), false},
    {offsetof(struct hsm_settings, user_storage), false},
    {offsetof(struct hsm_settings, console), true},
    {offsetof(struct hsm_settings, config), false},
    {offsetof(struct hsm_settings, audit), true},
    {offsetof(struct hsm_settings, clients), false},
    {offsetof(struct hsm_settings, guess_key), false},
    {SIZE_MAX, false},
};
enum { FOLDER_MAX = 256 };

/* The folder of a file: a file that is replaced by another of its name must stay readable. */
static void folder_of(const char *file, char out[static FOLDER_MAX])
{
    const char *slash = strrchr(file, '/');
    (void)snprintf(out, FOLDER_MAX, "%.*s", slash ? (int)(slash - file + 1) : 1, slash ? file : ".");
}

static size_t gather(const struct hsm_settings *settings, char folder[][FOLDER_MAX], struct confine_path *path)
{
    size_t count = 0;
    for (size_t i = 0; files[i].offset != SIZE_MAX; i++) {
        const char *file = (const char *)settings + files[i].offset;
        if (!file[0])
            continue;
        folder_of(file, folder[count]);
        path[count] = (struct confine_path){folder[count], files[i].write};
        count++;
    }
    return count;
}

enum err hsm_confine_lock(const struct hsm_settings *settings, struct log *log)
{
    char folder[CONFINE_PATHS_MAX][FOLDER_MAX];
    struct confine_path path[CONFINE_PATHS_MAX] = {{0}};
    struct confine_report report;
    if (!settings->sandbox) {
        LOG(log, LOG_WARN, "hsm.sandbox", LOG_TEXT("warning", "switched off by hsm.sandbox"));
        return ERR_OK;
    }
    confine_enter(path, gather(settings, folder, path), &report);
    LOG(log, report.problem[0] ? LOG_WARN : LOG_INFO, "hsm.sandbox", LOG_TEXT("system_calls", confine_step_text(report.filter)),
        LOG_INT("calls", report.calls), LOG_TEXT("folders", confine_step_text(report.folders)),
        LOG_INT("landlock", report.landlock), LOG_TEXT("problem", report.problem));
    return report.filter == CONFINE_REFUSED || report.folders == CONFINE_REFUSED ? ERR_SYSTEM : ERR_OK;
}
