/* SPDX-License-Identifier: Apache-2.0 */
/* What was told, against authorisations, holds and accounts. Nothing runs while it looks. */
#include "torture/torture.h"

#include "ledger/statements.h"
#include "store/shape.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 2000, WRONG_LINES = 10 };

void torture_wrong(struct torture *t, const struct torture_purchase *p, const char *what)
{
    uint64_t before = atomic_fetch_add(&t->wrong, 1);
    if (t->plan.hunt)
        atomic_store(&t->stopped, true);
    if (before >= WRONG_LINES || t->plan.quiet)
        return;
    printf("wrong: %s: card %u, DE37 %012u, DE11 %06u, amount %lld, last told '%s' %s, given back %lld to %lld\n", what, p->card,
           p->serial, p->stan, (long long)p->amount, p->de39, p->de38, (long long)p->least, (long long)p->most);
    fflush(stdout);
}

void torture_wrong_card(struct torture *t, uint32_t card, const char *what)
{
    if (atomic_fetch_add(&t->wrong, 1) >= WRONG_LINES || t->plan.quiet)
        return;
    printf("wrong: %s: card %u\n", what, card);
    fflush(stdout);
}

void torture_wrong_link(struct torture *t, size_t node, const char *what)
{
    if (atomic_fetch_add(&t->wrong, 1) >= WRONG_LINES || t->plan.quiet)
        return;
    printf("wrong: %s: node %zu\n", what, node);
    fflush(stdout);
}

/* ---- statements of the oracle's own ---- */

struct seen {
    char auth_id[37], de37[13], de38[7], card_id[LEDGER_ID], ref[LEDGER_UUID];
    int64_t amount, reversed_amount, hold, state;
};
struct after {
    const char *auth_id;
};
struct since {
    int64_t since;
};
struct held {
    char account_id[LEDGER_ID];
    int64_t held, open;
};

static const struct store_member seen_member[] = {
    STORE_MEMBER(TEXT, struct seen, "auth_id", auth_id), STORE_MEMBER(TEXT, struct seen, "de37", de37),
    STORE_MEMBER(TEXT, struct seen, "de38", de38),       STORE_MEMBER(TEXT, struct seen, "card_id", card_id),
    STORE_MEMBER(INT, struct seen, "amount", amount),    STORE_MEMBER(INT, struct seen, "reversed_amount", reversed_amount),
    STORE_MEMBER(TEXT, struct seen, "ref", ref),         STORE_MEMBER(INT, struct seen, "hold", hold),
    STORE_MEMBER(INT, struct seen, "state", state),
};
static const struct store_shape seen_shape = STORE_SHAPE(struct seen, seen_member);
static const struct store_member after_member[] = {STORE_MEMBER(STRING, struct after, "auth_id", auth_id)};
static const struct store_shape after_shape = STORE_SHAPE(struct after, after_member);
static const struct store_member since_member[] = {STORE_MEMBER(INT, struct since, "since", since)};
static const struct store_shape since_shape = STORE_SHAPE(struct since, since_member);
static const struct store_member held_member[] = {STORE_MEMBER(TEXT, struct held, "account_id", account_id),
                                                  STORE_MEMBER(INT, struct held, "held", held),
                                                  STORE_MEMBER(INT, struct held, "open", open)};
static const struct store_shape held_shape = STORE_SHAPE(struct held, held_member);

static const struct store_row rows[] = {
    {"TORTURE_AUTHS", STORE_ROW_READ | STORE_ROW_SCAN, 0, NULL, &after_shape, &seen_shape,
     "SELECT u.auth_id AS auth_id, u.de37 AS de37, u.de38 AS de38, u.card_id AS card_id, u.amount AS amount, "
     "u.reversed_amount AS reversed_amount, u.ref AS ref, CAST(coalesce(h.amount, -1) AS BIGINT) AS hold, "
     "CAST(CASE WHEN h.state = 'open' THEN 1 ELSE 0 END AS BIGINT) AS state "
     "FROM auth u LEFT JOIN hold h ON h.auth_id = u.auth_id WHERE u.auth_id > :auth_id AND u.mti_class = '0100' "
     "ORDER BY u.auth_id LIMIT 2000",
     "authorisations with their holds"},
    {"TORTURE_HELD", STORE_ROW_READ | STORE_ROW_SCAN, 0, NULL, NULL, &held_shape,
     "SELECT a.account_id AS account_id, a.held AS held, CAST(coalesce(h.amount, 0) AS BIGINT) AS open FROM account a LEFT JOIN "
     "(SELECT account_id, sum(amount) AS amount FROM hold WHERE state = 'open' GROUP BY account_id) h "
     "ON h.account_id = a.account_id",
     "accounts with the sum of their open holds"},
    {"TORTURE_DAYS", STORE_ROW_WRITE | STORE_ROW_SCAN, 0, NULL, &since_shape, NULL,
     "UPDATE auth SET received_at = received_at - 345600000 WHERE (card_id LIKE '%3' OR card_id LIKE '%7') "
     "AND received_at > :since", /* 4 days */
     "days pass for some cards"},
    {"TORTURE_FORGET", STORE_ROW_WRITE | STORE_ROW_SCAN, 0, NULL, NULL, NULL, "DELETE FROM idem", "stored answers end"},
};
static const struct store_set set = {.name = "torture", .row = rows, .count = sizeof rows / sizeof rows[0]};

/* ---- one purchase ---- */

static void judge(struct torture *t, const struct torture_purchase *p, const struct seen *row)
{
    bool approved = row && row->de38[0] != 0;
    if (p->approved && !approved)
        torture_wrong(t, p, "told approved, and the ledger knows of none");
    if (!approved) {
        if (row && row->hold >= 0)
            torture_wrong(t, p, "a decline holds money");
        return;
    }
    if (p->card > TORTURE_CARDS)
        torture_judge_code(t, p, strtoll(row->ref, NULL, 10));
    int64_t left = row->amount - row->reversed_amount;
    int64_t open = row->state ? row->hold : 0;
    if (row->amount != p->amount)
        torture_wrong(t, p, "another amount");
    if (open != left)
        torture_wrong(t, p, "the hold is not what is left");
    if (row->reversed_amount < (p->least < p->amount ? p->least : p->amount))
        torture_wrong(t, p, "told reversed, and it stands");
    if (row->reversed_amount > p->most)
        torture_wrong(t, p, "given back, and nobody asked");
    bool refused = p->de39[0] && !p->de38[0] && left > 0 && !(p->undone && strcmp(p->de39, "05") == 0);
    if (refused)
        torture_wrong(t, p, "told declined last, and it stands");
}

/* ---- all of them ---- */

static size_t serial_max(const struct torture *t)
{
    return atomic_load(&t->serial);
}

static void judge_page(struct torture *t, const struct store_op *op, struct torture_purchase **by_serial, bool *met, char last[37])
{
    for (size_t i = 0; i < op->rows.count; i++) {
        struct seen row;
        uint64_t serial = 0;
        if (store_op_read(op, i, &row) != ERR_OK || span_decimal(span_text(row.de37), &serial) != ERR_OK)
            abort();
        memcpy(last, row.auth_id, sizeof row.auth_id);
        struct torture_purchase *p = serial < serial_max(t) ? by_serial[serial] : NULL;
        if (!p)
            continue;
        if (met[serial])
            torture_wrong(t, p, "two authorisations of one message");
        met[serial] = true;
        judge(t, p, &row);
    }
}

static void judge_accounts(struct torture *t, struct store *store)
{
    struct store_op op = {.row = &rows[1]};
    if (store_run(store, &(struct store_batch){.op = &op, .count = 1, .arena = &t->lab.arena}) != ERR_OK)
        abort();
    for (size_t i = 0; i < op.rows.count; i++) {
        struct held row;
        if (store_op_read(&op, i, &row) != ERR_OK)
            abort();
        if (row.held == row.open)
            continue;
        if (!t->plan.quiet)
            printf("wrong: %s holds %lld, its open holds are %lld\n", row.account_id, (long long)row.held, (long long)row.open);
        atomic_fetch_add(&t->wrong, 1);
    }
    arena_reset(&t->lab.arena);
}

static void judge_codes(struct torture *t)
{
    struct store_op op = {.row = LEDGER_ROW(AUTH_APPROVED_CODES)};
    if (store_run(t->lab.store, &(struct store_batch){.op = &op, .count = 1, .arena = &t->lab.arena}) != ERR_OK)
        abort();
    for (size_t i = 0; i < op.rows.count; i++)
        if (store_cell_int(&op.rows, i, 2) > 1) {
            atomic_fetch_add(&t->wrong, 1);
            if (!t->plan.quiet)
                printf("wrong: a code approved %lld times\n", (long long)store_cell_int(&op.rows, i, 2));
        }
    arena_reset(&t->lab.arena);
}

/* Stored answers end, and some purchases become old; those that nobody can reverse any more stay as they are. */
static void days_pass(struct torture *t, struct store *store)
{
    const int64_t day_ms = 86400000;
    const struct since window = {env_wall_ms(&t->lab.env) - (TORTURE_REVERSAL_DAYS + TORTURE_ROUND_DAYS) * day_ms};
    struct store_op op[] = {{.row = &rows[2], .argument = &window}, {.row = &rows[3]}};
    if (store_run(store, &(struct store_batch){.op = op, .count = 2, .arena = &t->lab.arena}) != ERR_OK)
        abort();
    for (size_t i = 0; i < TORTURE_TELLERS; i++)
        for (size_t k = 0; k < t->teller[i].count; k++) {
            struct torture_purchase *p = &t->teller[i].purchase[k];
            p->old = true;
            p->days += p->card % 10 == 3 || p->card % 10 == 7 ? TORTURE_ROUND_DAYS : 0;
        }
    arena_reset(&t->lab.arena);
}

void torture_oracle(struct torture *t)
{
    static const struct store_set *const sets[] = {&set, &torture_displays_set, NULL};
    struct store *store = NULL;
    size_t most = serial_max(t);
    struct torture_purchase **by_serial = calloc(most, sizeof *by_serial);
    bool *met = calloc(most, sizeof *met);
    if (!by_serial || !met || store_open(t->lab.url, &t->lab.env, sets, &store) != ERR_OK)
        abort();
    for (size_t i = 0; i < TORTURE_TELLERS; i++)
        for (size_t k = 0; k < t->teller[i].count; k++)
            by_serial[t->teller[i].purchase[k].serial] = &t->teller[i].purchase[k];
    torture_displays_read(t, store);
    char last[37] = "";
    for (size_t count = PAGE; count == PAGE;) {
        const struct after after = {.auth_id = last};
        struct store_op op = {.row = &rows[0], .argument = &after};
        if (store_run(store, &(struct store_batch){.op = &op, .count = 1, .arena = &t->lab.arena}) != ERR_OK)
            abort();
        count = op.rows.count;
        judge_page(t, &op, by_serial, met, last);
        arena_reset(&t->lab.arena);
    }
    for (size_t serial = 0; serial < most; serial++)
        if (by_serial[serial] && !met[serial])
            judge(t, by_serial[serial], NULL);
    judge_accounts(t, store);
    judge_codes(t);
    days_pass(t, store);
    store_close(store);
    free(met);
    free(by_serial);
}
