/* SPDX-License-Identifier: Apache-2.0 */
/* Dates of a card and ends of a code, as a verdict sees them (switch.md 10). */
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

/* A card valid until December 2029, a code that is live, and a mismatch. */
static void world_make(struct world *w, enum switch_network network, enum ledger_mode mode)
{
    struct switch_link_config config = {.extract = "generic_126_10", .result = "44_10", .profile = "iso87-ascii"};
    char problem[128];
    memset(w, 0, sizeof *w);
    strncpy(config.network, switch_network_name(network), sizeof config.network - 1);
    assert_int_equal(switch_link_resolve("test", &config, &w->link, problem, sizeof problem), ERR_OK);
    w->product = (struct ledger_product){.mode = mode, .tries = 3, .twu_h = 1, .malformed_policy = LEDGER_DECLINE};
    w->row = (struct ledger_full_card){
        .card = {.card_id = "c", .expiry = "2912", .enrolled = true},
        .code = {.card_id = "c", .state = LEDGER_CODE_ACTIVE, .issue_n = 5, .expires_at = now_ms + 1000, .g_consec = 2},
        .account = {.account_id = "a", .currency = "036", .balance = 10000}};
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

/* ---- card dates ---- */

/* Without a code another date is 54, five times in 24 hours; with one it is a mismatch. */
static void a_wrong_date_without_a_code(void **state)
{
    (void)state;
    struct world w;
    world_make(&w, SWITCH_VISA, LEDGER_STATIC);
    w.c.presence = ISO8583_CODE_ABSENT;
    w.c.expiry_wrong = true;
    for (int i = 0; i < 7; i++) {
        judge(&w);
        assert_string_equal(w.verdict.de39, i < 5 ? "54" : "05");
        assert_int_equal(w.verdict.letter, 0);
        assert_int_equal(w.verdict.reason, SWITCH_CTM_CARD_DATE);
        assert_int_equal(w.verdict.code_write, SWITCH_WRITE_UPDATE);
        assert_int_equal(w.after.code.g_consec, 2); /* it is no guess of a code */
        assert_int_equal(w.after.account.held, 0);
        w.row.code = w.after.code;
    }
    w.c.now_ms += 86400001;
    judge(&w);
    assert_string_equal(w.verdict.de39, "54");
    w.c.expiry_wrong = false;
    w.c.expiry_past = true;
    judge(&w);
    assert_string_equal(w.verdict.de39, "54");
    w.c.presence = ISO8583_CODE_ILLEGIBLE;
    judge(&w);
    assert_string_equal(w.verdict.de39, "54");
    w.c.presence = ISO8583_CODE_MALFORMED;
    w.product.malformed_policy = LEDGER_RULES;
    judge(&w);
    assert_string_equal(w.verdict.de39, "54");
}

static void unattended_messages_carry_old_dates(void **state)
{
    (void)state;
    struct world w;
    world_make(&w, SWITCH_EFTPOS, LEDGER_ONE_TIME);
    w.c.presence = ISO8583_CODE_ABSENT;
    w.c.expiry_wrong = w.c.expiry_past = true;
    w.c.unattended = true;
    judge(&w);
    assert_string_equal(w.verdict.de39, "00");
    memcpy(w.row.card.expiry, "2512", 5); /* January 2026 */
    judge(&w);
    assert_string_equal(w.verdict.de39, "54");
    w.c.unattended = false;
    w.c.expiry_wrong = w.c.expiry_past = false;
    judge(&w); /* no DE14 at all */
    assert_string_equal(w.verdict.de39, "54");
    assert_int_equal(w.verdict.reason, SWITCH_CTM_CARD_EXPIRED);
    w.c.local_ms -= 5 * 3600000 + 1; /* still December where the issuer is */
    judge(&w);
    assert_string_equal(w.verdict.de39, "00");
}

static void a_wrong_date_never_stands_in(void **state)
{
    (void)state;
    struct world w;
    world_make(&w, SWITCH_VISA, LEDGER_STATIC);
    w.finding.reading = SWITCH_READ_NO_ANSWER;
    w.product.standin = LEDGER_STANDIN_APPROVE;
    w.product.standin_limit = 1000;
    judge(&w);
    assert_string_equal(w.verdict.de39, "00");
    w.c.expiry_wrong = true;
    judge(&w);
    assert_string_equal(w.verdict.de39, "91");
}

/* What was judged as expired never comes back, whether it was asked about or not (issuer.md 11, I-5). */
static void expired_stays_expired(void **state)
{
    (void)state;
    struct world w;
    world_make(&w, SWITCH_VISA, LEDGER_ONE_TIME);
    w.row.code.expires_at = now_ms;
    w.plan.live = 0;
    judge(&w); /* no diagnostic step */
    assert_int_equal(w.verdict.outcome, 15);
    assert_int_equal(w.verdict.code_write, SWITCH_WRITE_UPDATE);
    assert_int_equal(w.after.code.state, LEDGER_CODE_EXPIRED);
    w.row.code = w.after.code;
    assert_int_equal(ledger_code_state_at(&w.row.code, now_ms - 120000), LEDGER_CODE_EXPIRED);
    world_make(&w, SWITCH_VISA, LEDGER_ONE_TIME);
    w.row.code.expires_at = now_ms;
    w.finding = (struct switch_finding){.reading = SWITCH_READ_MATCH,
                                        .step = {.question = SWITCH_CY}}; /* the printed code, beside a dead one */
    judge(&w);
    assert_int_equal(w.after.code.state, LEDGER_CODE_EXPIRED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wrong_date_without_a_code),
        cmocka_unit_test(unattended_messages_carry_old_dates),
        cmocka_unit_test(a_wrong_date_never_stands_in),
        cmocka_unit_test(expired_stays_expired),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
