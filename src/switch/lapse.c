/* SPDX-License-Identifier: Apache-2.0 */
/* Holds whose time is over (switch.md 10). Every node looks for them; the row of a hold decides which of them releases it. */
#include "store/error.h"
#include "switch/internal.h"

enum { LAPSE_EVERY_US = 5000000, LAPSE_AGAIN_US = 1000000 };

static void lapse_pause(struct switch_core *core, int64_t pause_us)
{
    core->lapsing = false;
    core->lapse_next_us = flow_now_us(core->flow) + pause_us;
}

int64_t switch_lapse_turn(void *context, int64_t now_us)
{
    struct switch_core *core = context;
    if (core->lapsing)
        return FLOW_NEVER_US;
    if (now_us < core->lapse_next_us)
        return core->lapse_next_us;
    struct switch_work *work = &core->lapse;
    core->lapsing = true;
    work->kind = SWITCH_WORK_DUE;
    arena_reset(&work->arena);
    ledger_unit_begin(&work->unit, 1, &work->arena);
    (void)ledger_get_holds_due(&work->unit, env_wall_ms(core->config.env));
    switch_work_submit(core, work);
    return FLOW_NEVER_US;
}

/* Another node, or a reversal, was faster with one of them: all are looked for again. */
static void lapsed(struct switch_core *core)
{
    enum err err = core->lapse.unit.batch.err;
    if (err == ERR_OK)
        core->counters.lapses += core->lapse_count;
    else if (err != STORE_ERR_CONFLICT)
        LOG(core->config.env->log, LOG_WARN, "switch.lapse", LOG_TEXT("error", err_row(err)->name));
    lapse_pause(core, err == ERR_OK ? 0 : LAPSE_AGAIN_US);
}

static void found(struct switch_core *core)
{
    struct switch_work *work = &core->lapse;
    struct ledger_hold due[LEDGER_DUE_MAX];
    size_t count = 0;
    while (count < LEDGER_DUE_MAX && ledger_take_hold(&work->unit, 0, count, &due[count]))
        count++;
    enum err err = work->unit.batch.err != ERR_OK ? work->unit.batch.err : work->unit.err;
    if (err != ERR_OK)
        LOG(core->config.env->log, LOG_WARN, "switch.lapse", LOG_TEXT("error", err_row(err)->name));
    if (err != ERR_OK || count == 0) {
        lapse_pause(core, err != ERR_OK ? LAPSE_AGAIN_US : LAPSE_EVERY_US);
        return;
    }
    core->lapse_count = count;
    work->kind = SWITCH_WORK_LAPSE;
    arena_reset(&work->arena);
    ledger_unit_begin(&work->unit, count * LEDGER_LAPSE_OPERATIONS, &work->arena);
    for (size_t i = 0; i < count; i++)
        ledger_put_lapse(&work->unit, &due[i], env_wall_ms(core->config.env));
    switch_work_submit(core, work);
}

void switch_lapse_back(struct switch_core *core)
{
    if (core->lapse.kind == SWITCH_WORK_DUE)
        found(core);
    else
        lapsed(core);
}
