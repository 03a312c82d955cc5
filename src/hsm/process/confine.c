/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/process/confine.h"

#include "base/metric.h"
#include "base/secret_arena.h"
#include "crypto/heap.h"

#include <stddef.h>

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

/* clang-format off */
#define KEPT(member_, how_) {offsetof(struct hsm_settings, member_), how_, NULL}
static const struct confine_setting files[] = {
    KEPT(tls_certificate, CONFINE_BESIDE),
    KEPT(tls_key,         CONFINE_BESIDE),
    KEPT(tls_ca,          CONFINE_BESIDE),
    KEPT(tls_crl,         CONFINE_BESIDE),
    KEPT(lmk_store,       CONFINE_BESIDE),
    KEPT(user_storage,    CONFINE_BESIDE),
    KEPT(console,         CONFINE_BESIDE | CONFINE_WRITE),
    KEPT(config,          CONFINE_BESIDE),
    KEPT(audit,           CONFINE_BESIDE | CONFINE_WRITE),
    KEPT(clients,         CONFINE_BESIDE),
    KEPT(guess_key,       CONFINE_BESIDE),
};
/* clang-format on */
static const struct confine_set *const calls[] = {&confine_loop, &confine_files};

const struct confine_table hsm_confine_table = CONFINE_TABLE(files, calls);
