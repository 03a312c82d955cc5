/* SPDX-License-Identifier: Apache-2.0 */
#include "store/health.h"

#include "store/error.h"

#include <stdio.h>

enum { EVERY_US = 5000000, DOUBT_US = 500000, EVENT_ROOM = 48 };

enum part { READ, WRITE, PARTS };
static const char *const part_name[PARTS] = {"read", "write"};

struct store_health {
    struct store_health_config config;
    struct queue done;
    struct store_identity_probe argument;
    struct store_op op;
    struct store_batch batch;
    bool busy;
    int64_t began_us, next_us;
    int64_t failures; /* of the writer, when it was last looked at */
    enum err err[PARTS];
};

enum err store_health_create(const struct store_health_config *config, struct store_health **out)
{
    void *at = NULL;
    TRY(memory_reserve(1, sizeof(struct store_health), &at));
    struct store_health *health = at;
    health->config = *config;
    health->argument = (struct store_identity_probe){.set_name = config->set_name, .id = health->config.identity.text};
    health->op = (struct store_op){.row = store_identity_probe_row(), .flags = STORE_MUST_CHANGE, .argument = &health->argument};
    health->batch = (struct store_batch){.op = &health->op, .count = 1, .done = &health->done};
    enum err err = queue_create(&health->done, 1, config->wake, config->context);
    if (err != ERR_OK) {
        memory_release(health, 1, sizeof *health);
        return err;
    }
    *out = health;
    return ERR_OK;
}

void store_health_destroy(struct store_health *health)
{
    if (!health)
        return;
    queue_destroy(&health->done);
    memory_release(health, 1, sizeof *health);
}

/* Once for each change: why it is down, or that it is up again. */
static void tell(struct store_health *health, enum part part, enum err now)
{
    char event[EVENT_ROOM];
    enum err before = health->err[part];
    struct log *log = health->config.env->log;
    health->err[part] = now;
    if (before == now)
        return;
    (void)snprintf(event, sizeof event, "%s.store_%s", health->config.service, now == ERR_OK ? "up" : "down");
    if (now == ERR_OK)
        LOG(log, LOG_INFO, event, LOG_TEXT("part", part_name[part]), LOG_TEXT("before", err_row(before)->name));
    else
        LOG(log, LOG_ERROR, event, LOG_TEXT("part", part_name[part]), LOG_TEXT("error", err_row(now)->name),
            LOG_TEXT("text", err_row(now)->text));
}

/* The row is gone, or its table is: this is not the store that was opened. */
static enum err meaning(enum err err)
{
    return err == STORE_ERR_CONFLICT || err == ERR_INTERNAL ? STORE_ERR_REPLACED : err;
}

static void hurry(struct store_health *health, int64_t now_us)
{
    int64_t soon_us = now_us + DOUBT_US;
    health->next_us = health->next_us < soon_us ? health->next_us : soon_us;
}

static void take(struct store_health *health, int64_t now_us)
{
    void *item = NULL;
    if (health->busy && queue_take(&health->done, &item, 1) == 1) {
        health->busy = false;
        tell(health, WRITE, meaning(health->batch.err));
    } else if (health->busy && now_us - health->began_us > health->config.timeout_us) {
        tell(health, WRITE, STORE_ERR_UNAVAILABLE);
    }
    int64_t failures = store_writer_counts(health->config.writer).failures;
    if (failures != health->failures || health->err[WRITE] != ERR_OK)
        hurry(health, now_us);
    health->failures = failures;
}

static void ask(struct store_health *health, int64_t now_us)
{
    health->next_us = now_us + EVERY_US;
    health->began_us = now_us;
    health->argument.now = env_wall_ms(health->config.env);
    health->busy = store_writer_submit(health->config.writer, &health->batch) == ERR_OK;
    if (!health->busy)
        tell(health, WRITE, STORE_ERR_UNAVAILABLE);
}

int64_t store_health_turn(struct store_health *health, int64_t now_us, enum err reads)
{
    tell(health, READ, reads);
    take(health, now_us);
    if (!health->busy && health->next_us <= now_us)
        ask(health, now_us);
    int64_t late_us = health->began_us + health->config.timeout_us + 1;
    return health->busy && health->err[WRITE] == ERR_OK ? late_us : health->next_us > now_us ? health->next_us : now_us + DOUBT_US;
}

enum err store_health_err(const struct store_health *health)
{
    return health->err[READ] != ERR_OK ? health->err[READ] : health->err[WRITE];
}
