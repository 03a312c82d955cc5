/* SPDX-License-Identifier: Apache-2.0 */
/* What apps were shown, against the issuances, and which counter each approval had. The HSM says which code a counter has. */
#include "torture/torture.h"

#include "store/shape.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct of_card {
    const char *card_id;
};
struct issued {
    int64_t issue_n;
};

static const struct store_member of_card_member[] = {STORE_MEMBER(STRING, struct of_card, "card_id", card_id)};
static const struct store_shape of_card_shape = STORE_SHAPE(struct of_card, of_card_member);
static const struct store_member issued_member[] = {STORE_MEMBER(INT, struct issued, "issue_n", issue_n)};
static const struct store_shape issued_shape = STORE_SHAPE(struct issued, issued_member);

static const struct store_row issued_row = {
    "TORTURE_ISSUED",
    STORE_ROW_READ | STORE_ROW_SCAN,
    0,
    NULL,
    &of_card_shape,
    &issued_shape,
    "SELECT issue_n AS issue_n FROM issuance WHERE card_id = :card_id AND kind = 'display' ORDER BY issue_n",
    "counters that displays of a card took"};
const struct store_set torture_displays_set = {.name = "torture displays", .row = &issued_row, .count = 1};

/* Counters only grow: what was read before stands. */
static void issued_read(struct torture *t, struct store *store, uint32_t card)
{
    char id[32];
    (void)snprintf(id, sizeof id, "card-%u", card);
    const struct of_card argument = {.card_id = id};
    struct torture_card *c = torture_card(t, card);
    struct store_op op = {.row = &issued_row, .argument = &argument};
    if (store_run(store, &(struct store_batch){.op = &op, .count = 1, .arena = &t->lab.arena}) != ERR_OK)
        abort();
    size_t count = op.rows.count;
    c->issued = realloc(c->issued, (count + 1) * sizeof *c->issued);
    if (!c->issued)
        abort();
    for (size_t i = 0; i < count; i++) {
        struct issued row;
        if (store_op_read(&op, i, &row) != ERR_OK)
            abort();
        if (i > 0 && row.issue_n == c->issued[i - 1].counter)
            torture_wrong_card(t, card, "two displays took one counter");
        if (i >= c->issued_count || c->issued[i].counter != row.issue_n) {
            c->issued[i].counter = row.issue_n;
            lab_code_one_time(&t->lab, card, row.issue_n, c->issued[i].code);
        }
    }
    c->issued_count = count;
    arena_reset(&t->lab.arena);
}

/* Each display that was told took a later counter than the one before: the earliest that it can be. */
static void earliest(struct torture *t, uint32_t card)
{
    struct torture_card *c = torture_card(t, card);
    size_t at = 0;
    c->earliest = realloc(c->earliest, (c->count + 1) * sizeof *c->earliest);
    if (!c->earliest)
        abort();
    for (size_t i = 0; i < c->count; i++) {
        while (at < c->issued_count && memcmp(c->issued[at].code, c->told[i], 4) != 0)
            at++;
        if (at == c->issued_count)
            torture_wrong_card(t, card, "a code was shown that no counter of the ledger has");
        c->earliest[i] = at < c->issued_count ? c->issued[at++].counter : 0;
    }
}

void torture_displays_read(struct torture *t, struct store *store)
{
    for (uint32_t card = TORTURE_CARDS + 1; card <= 2 * TORTURE_CARDS; card++) {
        struct ledger_full_card row;
        const struct torture_card *c = torture_card(t, card);
        issued_read(t, store, card);
        earliest(t, card);
        if (c->issued_count < c->count)
            torture_wrong_card(t, card, "more displays were told than the ledger has");
        if (c->issued_count > c->count + c->unsure)
            torture_wrong_card(t, card, "the ledger has displays that nobody asked for");
        lab_read(&t->lab, card, &row);
        if (c->issued_count > 0 && row.code.issue_n != c->issued[c->issued_count - 1].counter)
            torture_wrong_card(t, card, "the code row and the issuances differ");
    }
}

void torture_judge_code(struct torture *t, const struct torture_purchase *p, int64_t counter)
{
    const struct torture_card *c = torture_card(t, p->card);
    size_t at = 0;
    while (at < c->issued_count && c->issued[at].counter != counter)
        at++;
    if (at == c->issued_count || memcmp(c->issued[at].code, p->code, 4) != 0)
        torture_wrong(t, p, "approved by a code that is not the counter's");
    else if (p->shown > 0 && counter < c->earliest[p->shown - 1])
        torture_wrong(t, p, "approved by a code that a later display had ended");
}
