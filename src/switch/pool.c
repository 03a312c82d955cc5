/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that the switch holds, reserved at start. */
#include "switch/internal.h"

enum { CHUNK_ROOM = 512 * 1024, READ_ROOM = 4 * 1024 * 1024, RETENTION_ROOM = 4096, LAPSE_ROOM = 64 * 1024 };

static enum err slots_reserve(struct switch_core *core)
{
    size_t slots = core->config.slots;
    void *at = NULL;
    TRY(secret_pages_create(slots * sizeof(struct switch_slot) + sizeof(struct iso8583_message) + SWITCH_COMMAND_ROOM,
                            &core->pages));
    core->slot = core->pages.at;
    core->scratch = (struct iso8583_message *)(void *)(core->slot + slots);
    core->command = (uint8_t *)(core->scratch + 1);
    TRY(memory_reserve(slots, sizeof *core->original, &at));
    core->original = at;
    return ERR_OK;
}

static enum err work_reserve(struct switch_core *core)
{
    void *at = NULL;
    TRY(memory_reserve(SWITCH_CHUNKS, sizeof *core->chunk, &at));
    core->chunk = at;
    TRY(memory_reserve(SWITCH_READS_MAX, sizeof *core->read, &at));
    core->read = at;
    for (size_t i = 0; i < SWITCH_CHUNKS; i++) {
        core->chunk[i].work.kind = SWITCH_WORK_CHUNK;
        core->chunk[i].next = i + 1 < SWITCH_CHUNKS ? &core->chunk[i + 1] : NULL;
        TRY(arena_create(&core->chunk[i].work.arena, CHUNK_ROOM));
    }
    for (size_t i = 0; i < SWITCH_READS_MAX; i++) {
        core->read[i].work.kind = SWITCH_WORK_READ;
        core->read[i].next = i + 1 < SWITCH_READS_MAX ? &core->read[i + 1] : NULL;
        TRY(arena_create(&core->read[i].work.arena, READ_ROOM));
    }
    core->free_chunk = core->chunk;
    core->free_read = core->read;
    core->retention.kind = SWITCH_WORK_RETENTION;
    TRY(arena_create(&core->lapse.arena, LAPSE_ROOM));
    return arena_create(&core->retention.arena, RETENTION_ROOM);
}

enum err switch_pool_create(struct switch_core *core)
{
    TRY(slots_reserve(core));
    TRY(switch_claims_create(core->config.env, &core->claims));
    TRY(switch_rows_create(core->config.env, core->config.slots, &core->rows));
    return work_reserve(core);
}

static void work_release(struct switch_core *core)
{
    for (size_t i = 0; core->chunk && i < SWITCH_CHUNKS; i++)
        arena_destroy(&core->chunk[i].work.arena);
    for (size_t i = 0; core->read && i < SWITCH_READS_MAX; i++)
        arena_destroy(&core->read[i].work.arena);
    arena_destroy(&core->retention.arena);
    arena_destroy(&core->lapse.arena);
    memory_release(core->chunk, SWITCH_CHUNKS, sizeof *core->chunk);
    memory_release(core->read, SWITCH_READS_MAX, sizeof *core->read);
}

void switch_pool_destroy(struct switch_core *core)
{
    work_release(core);
    switch_rows_destroy(&core->rows);
    switch_claims_destroy(&core->claims);
    memory_release(core->original, core->config.slots, sizeof *core->original);
    if (core->pages.at)
        secret_pages_destroy(&core->pages);
}
