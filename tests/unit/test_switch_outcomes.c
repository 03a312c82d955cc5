/* SPDX-License-Identifier: Apache-2.0 */
/* Every outcome that exists so far, on every network, against the table of switch.md 12 typed in here. */
#include "switch/guess.h"
#include "switch/outcome.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const int64_t now_ms = INT64_C(1767243600000); /* 2026-01-01T05:00:00Z */

struct world {
    struct switch_link link;
    struct ledger_product product;
    struct ledger_full_card row;
    struct switch_plan plan;
    struct switch_finding finding;
    struct switch_case c;
    struct switch_verdict verdict;
    struct ledger_full_card after;
};

static void world_make(struct world *w, enum switch_network network, enum ledger_mode mode)
{
    struct switch_link_config config = {.extract = "generic_126_10", .result = "44_10", .profile = "iso87-ascii"};
    memset(w, 0, sizeof *w);
    strncpy(config.network, switch_network_name(network), sizeof config.network - 1);
    char problem[128];
    assert_int_equal(switch_link_resolve("test", &config, &w->link, problem, sizeof problem), ERR_OK);
    w->product = (struct ledger_product){
        .mode = mode, .tries = 3, .twu_h = 1, .count_other_declines = true, .malformed_policy = LEDGER_DECLINE};
    w->row = (struct ledger_full_card){.card = {.card_id = "c", .expiry = "2912", .enrolled = true},
                                       .code = {.card_id = "c", .issue_n = 5, .expires_at = now_ms + 1000, .g_consec = 2},
                                       .account = {.account_id = "a", .currency = "036", .balance = 10000}};
    if (mode == LEDGER_ONE_TIME)
        w->row.code.state = LEDGER_CODE_ACTIVE;
    w->plan = (struct switch_plan){.count = 1, .live = 1};
    w->finding = (struct switch_finding){.reading = SWITCH_READ_MISMATCH};
    w->c = (struct switch_case){.link = &w->link,
                                .product = &w->product,
                                .row = &w->row,
                                .plan = &w->plan,
                                .finding = &w->finding,
                                .presence = ISO8583_CODE_PRESENT,
                                .result_wanted = true,
                                .money = {.amount = 1000, .currency = "036", .billing_currency = ""},
                                .now_ms = now_ms,
                                .local_ms = now_ms,
                                .auth_id = "0190a0a0-0000-7000-8000-000000000001"};
}

static void judge(struct world *w)
{
    switch_judge(&w->c, &w->verdict, &w->after);
}

static void match(struct world *w, enum switch_question question, bool previous)
{
    w->finding = (struct switch_finding){.reading = SWITCH_READ_MATCH,
                                         .step = {.question = question,
                                                  .previous = previous,
                                                  .ref = question == SWITCH_PM0   ? 5
                                                         : question == SWITCH_PM5 ? 490901 - previous
                                                                                  : 0}};
}

/* ---- the table ---- */

static void absent(struct world *w)
{
    w->c.presence = ISO8583_CODE_ABSENT;
}
static void not_on_card(struct world *w)
{
    w->c.presence = ISO8583_CODE_NOT_ON_CARD;
}
static void illegible(struct world *w)
{
    w->c.presence = ISO8583_CODE_ILLEGIBLE;
}
static void malformed(struct world *w)
{
    w->c.presence = ISO8583_CODE_MALFORMED;
}
static void static_match(struct world *w)
{
    match(w, SWITCH_CY, false);
}
static void active_match(struct world *w)
{
    match(w, SWITCH_PM0, false);
}
static void active_match_zero(struct world *w)
{
    match(w, SWITCH_PM0, false);
    w->c.money.amount = 0;
}
static void active_match_no_funds(struct world *w)
{
    match(w, SWITCH_PM0, false);
    w->c.money.amount = 10001;
}
static void dead_as(struct world *w, enum ledger_code_state state)
{
    w->finding = (struct switch_finding){.reading = SWITCH_READ_DEAD, .step = {.question = SWITCH_PM0, .ref = 5, .diag = true}};
    w->row.code.state = state;
    w->plan.live = 0;
}
static void expired(struct world *w)
{
    dead_as(w, LEDGER_CODE_ACTIVE);
    w->row.code.expires_at = now_ms;
}
static void used(struct world *w)
{
    dead_as(w, LEDGER_CODE_USED);
}
static void exhausted(struct world *w)
{
    dead_as(w, LEDGER_CODE_EXHAUSTED);
}
static void mismatch(struct world *w)
{
    (void)w;
}
static void wrong_expiry(struct world *w)
{
    match(w, SWITCH_PM0, false);
    w->c.expiry_wrong = true;
}
static void nothing_live(struct world *w)
{
    w->row.code.state = LEDGER_CODE_NONE;
    w->plan.live = 0;
}
static void locked(struct world *w)
{
    match(w, SWITCH_PM0, false);
    w->row.code.g_lock = LEDGER_LOCK_HARD;
}
static void hsm_down(struct world *w)
{
    w->finding.reading = SWITCH_READ_NO_ANSWER;
}
static void no_keys(struct world *w)
{
    w->finding.reading = SWITCH_READ_NO_ANSWER;
    w->c.no_keys = true;
}

enum budget { SAME, RESET, FAILED };
enum { COLUMNS = 4 };
struct row {
    void (*set)(struct world *w);
    int outcome;
    const char *letter; /* visa, mastercard, eftpos, generic; '-' none */
    const char *de39[COLUMNS];
    enum ledger_code_state state; /* of the code afterwards */
    int64_t declines;
    enum switch_write write;
    enum budget budget;
};
#define CTM_00                 \
    {                          \
        "00", "00", "00", "00" \
    }
#define CODE                   \
    {                          \
        "N7", "05", "05", "05" \
    }
#define ALL(code_)                 \
    {                              \
        code_, code_, code_, code_ \
    }

/* clang-format off */
static const struct row rows[] = {
    {absent,                1,  "----", CTM_00,    LEDGER_CODE_ACTIVE,    0, SWITCH_WRITE_NONE,    SAME},
    {not_on_card,           1,  "S--S", CTM_00,    LEDGER_CODE_ACTIVE,    0, SWITCH_WRITE_NONE,    SAME},
    {illegible,             2,  "PP-P", CTM_00,    LEDGER_CODE_ACTIVE,    0, SWITCH_WRITE_NONE,    SAME},
    {malformed,             3,  "PP-P", ALL("05"), LEDGER_CODE_ACTIVE,    0, SWITCH_WRITE_NONE,    SAME},
    {static_match,          4,  "MM-M", CTM_00,    LEDGER_CODE_ACTIVE,    0, SWITCH_WRITE_UPDATE,  RESET},
    {active_match,          5,  "MM-M", CTM_00,    LEDGER_CODE_USED,      0, SWITCH_WRITE_CONSUME, RESET},
    {active_match_zero,     5,  "MM-M", {"85", "00", "00", "00"}, LEDGER_CODE_USED, 0, SWITCH_WRITE_CONSUME, RESET},
    {active_match_no_funds, 6,  "MM-M", ALL("51"), LEDGER_CODE_ACTIVE,    1, SWITCH_WRITE_UPDATE,  SAME},
    {expired,               9,  "NN-N", CODE,      LEDGER_CODE_EXPIRED,   0, SWITCH_WRITE_UPDATE,  SAME},
    {used,                  10, "NN-N", CODE,      LEDGER_CODE_USED,      0, SWITCH_WRITE_NONE,    SAME},
    {exhausted,             11, "NN-N", CODE,      LEDGER_CODE_EXHAUSTED, 0, SWITCH_WRITE_NONE,    SAME},
    {mismatch,              15, "NN-N", CODE,      LEDGER_CODE_ACTIVE,    1, SWITCH_WRITE_UPDATE,  FAILED},
    {wrong_expiry,          15, "NN-N", CODE,      LEDGER_CODE_ACTIVE,    1, SWITCH_WRITE_UPDATE,  FAILED},
    {nothing_live,          15, "NN-N", CODE,      LEDGER_CODE_NONE,      0, SWITCH_WRITE_NONE,    SAME},
    {locked,                16, "NN-N", CODE,      LEDGER_CODE_ACTIVE,    0, SWITCH_WRITE_NONE,    SAME},
    {hsm_down,              17, "PP-P", ALL("91"), LEDGER_CODE_ACTIVE,    0, SWITCH_WRITE_NONE,    SAME},
    {no_keys,               17, "UP-U", ALL("91"), LEDGER_CODE_ACTIVE,    0, SWITCH_WRITE_NONE,    SAME},
};
/* clang-format on */

static void check_budget(const struct world *w, enum budget budget)
{
    int64_t failures = switch_guess_failures(&w->after.code, now_ms);
    assert_int_equal(failures, budget == FAILED ? 1 : 0);
    assert_int_equal(w->after.code.g_consec, budget == FAILED ? 3 : budget == RESET ? 0 : 2);
}

static void check_row(const struct row *r, enum switch_network network)
{
    char letter = r->letter[network];
    bool approved = strcmp(r->de39[network], "00") == 0 || strcmp(r->de39[network], "85") == 0;
    struct world w;
    world_make(&w, network, LEDGER_ONE_TIME);
    r->set(&w);
    judge(&w);
    assert_int_equal(w.verdict.outcome, r->outcome);
    assert_int_equal(w.verdict.letter, letter == '-' ? 0 : letter);
    assert_string_equal(w.verdict.de39, r->de39[network]);
    assert_int_equal(w.verdict.approved, approved);
    assert_int_equal(w.after.code.state, r->state);
    assert_int_equal(w.after.code.declines, r->declines);
    assert_int_equal(w.verdict.code_write, r->write);
    assert_int_equal(w.after.account.held, approved && w.c.money.amount > 0 ? w.c.money.amount : 0);
    assert_int_equal(w.verdict.hold, w.after.account.held);
    check_budget(&w, r->budget);
    if (r->outcome == 5)
        assert_string_equal(w.verdict.ref, "5");
    else
        assert_string_equal(w.verdict.ref, "");
    w.c.result_wanted = false; /* 44.10 is left out, DE39 is the same */
    judge(&w);
    assert_int_equal(w.verdict.letter, 0);
    assert_string_equal(w.verdict.de39, r->de39[network]);
}

static void every_outcome_on_every_network(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (int network = 0; network < COLUMNS; network++)
            check_row(&rows[i], (enum switch_network)network);
}

static void outcomes_9_to_16_are_equal_on_the_wire(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].outcome < 9 || rows[i].outcome > 16)
            continue;
        assert_string_equal(rows[i].letter, "NN-N");
        for (int n = 0; n < COLUMNS; n++)
            assert_string_equal(rows[i].de39[n], n == SWITCH_VISA ? "N7" : "05");
    }
}

/* Networks whose letters are not public: American Express has three of its own, Discover those of Visa. */
static void letters_of_american_express_and_discover(void **state)
{
    (void)state;
    static const char row[][3] = {"MYM", "NNN", "PUP", "S\0S", "UUU"};
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        assert_int_equal(switch_letter(SWITCH_AMEX, row[i][0]), row[i][1]);
        assert_int_equal(switch_letter(SWITCH_DISCOVER, row[i][0]), row[i][2]);
    }
    assert_string_equal(switch_network_name(SWITCH_AMEX), "amex");
    assert_string_equal(switch_network_name(SWITCH_DISCOVER), "discover");
}

/* Outcomes 1, 2, 3, 16, 17 change no code field and no budget field (invariant S-6). */
static void what_is_not_evaluated_changes_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world w;

        if (rows[i].outcome > 3 && rows[i].outcome != 16 && rows[i].outcome != 17)
            continue;
        world_make(&w, SWITCH_VISA, LEDGER_ONE_TIME);
        rows[i].set(&w);
        judge(&w);
        assert_memory_equal(&w.after.code, &w.row.code, sizeof w.row.code);
    }
}

static void windows(void **state)
{
    (void)state;
    struct world w;
    world_make(&w, SWITCH_EFTPOS, LEDGER_TIME_WINDOW);
    match(&w, SWITCH_PM5, false);
    judge(&w);
    assert_int_equal(w.verdict.outcome, 5);
    assert_string_equal(w.verdict.de39, "00");
    assert_string_equal(w.verdict.ref, "W1767243600");
    assert_int_equal(w.verdict.code_write, SWITCH_WRITE_UPDATE); /* the consecutive count alone */
    assert_int_equal(w.after.code.state, LEDGER_CODE_NONE);
    match(&w, SWITCH_PM5, true);
    judge(&w);
    assert_int_equal(w.verdict.outcome, 7);
    assert_string_equal(w.verdict.ref, "W1767240000");
    w.product.window_single_use = true;
    judge(&w);
    assert_int_equal(w.after.code.state, LEDGER_CODE_USED);
    assert_int_equal(w.after.code.win_idx, 490900);
    w.c.money.amount = 10001;
    judge(&w);
    assert_int_equal(w.verdict.outcome, 7);
    assert_string_equal(w.verdict.de39, "51");
    assert_int_equal(w.after.code.state, LEDGER_CODE_NONE);
    w.product.window_tries = 1;
    judge(&w);
    assert_int_equal(w.after.code.state, LEDGER_CODE_EXHAUSTED);
    assert_int_equal(w.after.code.declines, 1);
}

static void the_last_try_exhausts(void **state)
{
    (void)state;
    struct world w;
    world_make(&w, SWITCH_VISA, LEDGER_ONE_TIME);
    w.row.code.declines = 2;
    judge(&w);
    assert_int_equal(w.after.code.state, LEDGER_CODE_EXHAUSTED);
    active_match_no_funds(&w);
    judge(&w);
    assert_int_equal(w.after.code.state, LEDGER_CODE_EXHAUSTED);
    w.product.count_other_declines = false;
    judge(&w);
    assert_int_equal(w.after.code.state, LEDGER_CODE_ACTIVE);
    assert_int_equal(w.after.code.declines, 2);
}

static void policies(void **state)
{
    (void)state;
    struct world w;
    world_make(&w, SWITCH_VISA, LEDGER_ONE_TIME);
    w.product.absent_policy = LEDGER_DECLINE;
    absent(&w);
    judge(&w);
    assert_string_equal(w.verdict.de39, "05");
    w.product.malformed_policy = LEDGER_RULES;
    malformed(&w);
    judge(&w);
    assert_string_equal(w.verdict.de39, "00");
    hsm_down(&w);
    w.c.presence = ISO8583_CODE_PRESENT;
    w.product.standin = LEDGER_STANDIN_APPROVE;
    w.product.standin_limit = 1000;
    judge(&w);
    assert_int_equal(w.verdict.outcome, 17);
    assert_int_equal(w.verdict.letter, 'P');
    assert_string_equal(w.verdict.de39, "00");
    assert_int_equal(w.after.code.state, LEDGER_CODE_ACTIVE);
    w.c.money.amount = 1001;
    judge(&w);
    assert_string_equal(w.verdict.de39, "91");
}

static void card_and_account_decide_in_order(void **state)
{
    (void)state;
    struct world w;
    world_make(&w, SWITCH_VISA, LEDGER_STATIC);
    match(&w, SWITCH_CY, false);
    w.row.account.limit_txn = 999;
    judge(&w);
    assert_string_equal(w.verdict.de39, "61");
    w.row.account.limit_txn = 1000;
    w.row.account.limit_day = 1500;
    w.row.account.day = now_ms / 86400000;
    w.row.account.day_amount = 501;
    judge(&w);
    assert_string_equal(w.verdict.de39, "61");
    w.row.account.day--; /* yesterday's sum does not count */
    judge(&w);
    assert_string_equal(w.verdict.de39, "00");
    assert_int_equal(w.after.account.day_amount, 1000);
    assert_int_equal(w.after.account.day_count, 1);
    w.row.account.limit_count = 1;
    w.row.account.day++;
    w.row.account.day_amount = 0;
    w.row.account.day_count = 1;
    judge(&w);
    assert_string_equal(w.verdict.de39, "65");
    memcpy(w.row.card.expiry, "2512", 5);
    judge(&w);
    assert_string_equal(w.verdict.de39, "54");
    mismatch(&w);
    w.finding.reading = SWITCH_READ_MISMATCH; /* expired: only after a match */
    judge(&w);
    assert_string_equal(w.verdict.de39, "N7");
    w.row.card.status = LEDGER_CARD_SUSPENDED;
    judge(&w);
    assert_string_equal(w.verdict.de39, "05"); /* 62 means "never" to merchants of Visa */
    assert_int_equal(w.verdict.letter, 'N');
    w.row.card.status = LEDGER_CARD_CLOSED;
    judge(&w);
    assert_string_equal(w.verdict.de39, "46");
    w.link.network = SWITCH_EFTPOS;
    judge(&w);
    assert_string_equal(w.verdict.de39, "14");
    w.row.card.status = LEDGER_CARD_SUSPENDED;
    judge(&w);
    assert_string_equal(w.verdict.de39, "62");
}

static void unknown_cards(void **state)
{
    (void)state;
    struct world w;
    world_make(&w, SWITCH_VISA, LEDGER_STATIC);
    switch_judge_unknown(&w.link, ISO8583_CODE_PRESENT, true, &w.verdict);
    assert_string_equal(w.verdict.de39, "14");
    assert_int_equal(w.verdict.letter, 0);
    w.link.config.mask_unknown_card = true;
    switch_judge_unknown(&w.link, ISO8583_CODE_PRESENT, true, &w.verdict);
    assert_string_equal(w.verdict.de39, "N7");
    assert_int_equal(w.verdict.letter, 'N');
    switch_judge_unknown(&w.link, ISO8583_CODE_ABSENT, true, &w.verdict);
    assert_string_equal(w.verdict.de39, "14");
}

/* Valid until 2611: on 1 December at midnight in Greenwich, when it is still 30 November in Los Angeles, and eight hours later. */
static void the_last_day_of_a_card(void **state)
{
    (void)state;
    const int64_t midnight_ms = 1796083200000, hours = 8 * INT64_C(3600000);
    const struct {
        int64_t local_ms;
        const char *de39;
    } cases[] = {{midnight_ms - hours, "00"}, {midnight_ms - 1, "00"}, {midnight_ms, "54"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct world w;
        world_make(&w, SWITCH_VISA, LEDGER_STATIC);
        match(&w, SWITCH_CY, false);
        memcpy(w.row.card.expiry, "2611", 5);
        w.c.now_ms = midnight_ms;
        w.c.local_ms = cases[i].local_ms;
        judge(&w);
        assert_string_equal(w.verdict.de39, cases[i].de39);
    }
}

static void expiry_dates(void **state)
{
    struct ledger_card card = {.expiry = "2912", .alt_expiry = "3112", .alt_until = now_ms + 1};
    (void)state;
    bool alternate = true;
    assert_false(switch_expiry_wrong(&card, span_text(""), now_ms, &alternate));
    assert_false(alternate);
    assert_false(switch_expiry_wrong(&card, span_text("2912"), now_ms, &alternate));
    assert_false(switch_expiry_wrong(&card, span_text("3112"), now_ms, &alternate));
    assert_true(alternate);
    assert_true(switch_expiry_wrong(&card, span_text("3112"), now_ms + 1, &alternate));
    assert_true(switch_expiry_wrong(&card, span_text("2911"), now_ms, &alternate));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_outcome_on_every_network),
        cmocka_unit_test(letters_of_american_express_and_discover),
        cmocka_unit_test(outcomes_9_to_16_are_equal_on_the_wire),
        cmocka_unit_test(what_is_not_evaluated_changes_nothing),
        cmocka_unit_test(windows),
        cmocka_unit_test(the_last_try_exhausts),
        cmocka_unit_test(policies),
        cmocka_unit_test(card_and_account_decide_in_order),
        cmocka_unit_test(unknown_cards),
        cmocka_unit_test(expiry_dates),
        cmocka_unit_test(the_last_day_of_a_card),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
