/* SPDX-License-Identifier: Apache-2.0 */
#include "support/gateway/planted.h"

#include "gateway/rows.h"
#include "iso8583/profile.h"

#include <string.h>

static enum gateway_planted planted;

const char *gateway_planted_text(enum gateway_planted fault)
{
    static const char *const text[] = {
#define GATEWAY_PLANTED_TEXT(name, text) text,
        GATEWAY_PLANTED_LIST(GATEWAY_PLANTED_TEXT)
#undef GATEWAY_PLANTED_TEXT
    };
    return text[fault];
}

/* ---- writes ---- */

static struct store_op *op_of(struct store_batch *batch, const struct store_row *row)
{
    for (size_t i = 0; i < batch->count; i++)
        if (batch->op[i].row == row)
            return &batch->op[i];
    return NULL;
}

static void put_instead(struct store_batch *batch, const struct store_row *row, const struct store_row *other)
{
    struct store_op *op = op_of(batch, row);
    if (op)
        op->row = other;
}

/* The sweep gives up every claim that was answered, however young. */
static void lose_claims(struct store_batch *batch)
{
    static struct gateway_sweep all;
    struct store_op *op = op_of(batch, GATEWAY_ROW(CLAIM_PURGE));
    if (!op)
        return;
    all = *(const struct gateway_sweep *)op->argument;
    all.claims_before = INT64_MAX;
    op->argument = &all;
}

static void swap_answer(struct store_batch *batch)
{
    static struct gateway_answer_row other;
    static char body[2][64];
    static unsigned turn;
    struct store_op *op = op_of(batch, GATEWAY_ROW(ANSWER_INSERT));
    if (!op)
        return;
    other = *(const struct gateway_answer_row *)op->argument;
    memset(body[turn % 2], 0, sizeof body[0]);
    memcpy(body[turn % 2], other.body.at, other.body.len < sizeof body[0] ? other.body.len : sizeof body[0] - 1);
    if (body[(turn + 1) % 2][0])
        other.body = span_text(body[(turn + 1) % 2]);
    op->argument = &other;
    turn++;
}

static void on_write(struct store_batch *batch, enum gateway_sim_fate *fate)
{
    if (planted == GATEWAY_PLANTED_ANSWERS_EARLY && op_of(batch, GATEWAY_ROW(RECORD_INSERT)))
        *fate = GATEWAY_SIM_LIES;
    if (planted == GATEWAY_PLANTED_ARMS_NOTHING && op_of(batch, GATEWAY_ROW(REVERSAL_INSERT)))
        batch->count--; /* it is the last */
    if (planted == GATEWAY_PLANTED_DROPS_REVERSALS)
        put_instead(batch, GATEWAY_ROW(REVERSAL_FIRE), GATEWAY_ROW(REVERSAL_DISARM));
    if (planted == GATEWAY_PLANTED_LOSES_CLAIMS)
        lose_claims(batch);
    if (planted == GATEWAY_PLANTED_KEEPS_CLAIMS) {
        put_instead(batch, GATEWAY_ROW(CLAIM_RELEASE), GATEWAY_ROW(CLAIM_SPEND)); /* changes nothing that is there */
        put_instead(batch, GATEWAY_ROW(CLAIM_ABANDONED), GATEWAY_ROW(ANSWER_PURGE));
    }
    if (planted == GATEWAY_PLANTED_SWAPS_ANSWERS)
        swap_answer(batch);
}

/* ---- frames ---- */

/* Once more under another trace number. */
static void on_frame(struct gateway_sim *sim, size_t link, struct span frame)
{
    static struct iso8583_message m;
    const struct iso8583_profile *profile = iso8583_profile_find(span_text("iso87-ascii"));
    uint8_t room[NETWORK_FRAME];
    struct buf again = buf_over(room, sizeof room);
    uint64_t stan = 0;
    ASSERT(iso8583_parse(profile, frame, &m, NULL) == ERR_OK);
    uint16_t wanted = planted == GATEWAY_PLANTED_CHARGES_TWICE ? ISO8583_AUTHORISATION : ISO8583_REVERSAL;
    if (m.mti != wanted)
        return;
    ASSERT(span_decimal(iso8583_get(&m, ISO8583_STAN), &stan) == ERR_OK);
    iso8583_set_decimal(&m, ISO8583_STAN, (stan + 500000) % 1000000, 6);
    ASSERT(iso8583_build(profile, &m, &again) == ERR_OK);
    network_take(&sim->network, link, buf_span(&again), sim->world.monotonic_us);
}

void gateway_planted_into(struct gateway_sim *sim, enum gateway_planted fault)
{
    planted = fault;
    sim->on_write = on_write;
    if (fault == GATEWAY_PLANTED_CHARGES_TWICE || fault == GATEWAY_PLANTED_REVERSES_TWICE)
        sim->on_frame = on_frame;
    sim->network.forgets_reversals = fault == GATEWAY_PLANTED_SENDS_NO_REVERSALS;
    if (fault == GATEWAY_PLANTED_TAKES_LATE_ANSWERS) {
        sim->network.reverses_late = true;
        sim->config.link[0].link.timeout_ms = 10000;
    }
}
