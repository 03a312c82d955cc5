/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two nodes of the switch over one store, at every interleaving of their steps there. Each node stops before each statement that it
 * reads with, and before each part of a transaction; one of the two goes on, until both have answered, and then the next order is
 * tried. What each client was told must agree with the rows (switch.md 8; S-2, S-3, S-13, S-14).
 *
 * The same oracle must find the faults that are planted: statements of which each takes one guard away.
 */
#include "ledger/shapes.h"
#include "support/pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { ONE_TIME = 0, CARD = 3 };

/* ---- planted faults ---- */

enum fault { FAULT_NONE, FAULT_MEETING, FAULT_CARD, FAULT_WINDOW, FAULTS };

#define ORIGINAL_FROM \
    "SELECT {gives} FROM auth u LEFT JOIN hold h ON h.auth_id = u.auth_id LEFT JOIN account a ON a.account_id = h.account_id "
#define ORIGINAL_IS "u.de7 = :de7 AND u.de11 = :de11 AND u.mti_class = :mti_class "

/* clang-format off */
static const struct store_row planted[FAULTS] = {
    [FAULT_NONE] = {"PLANTED_NONE", STORE_ROW_READ, LEDGER_TABLE_AUTH, NULL, &ledger_shape_by_id, &ledger_shape_auth,
        "SELECT {gives} FROM auth WHERE auth_id = :id", ""},
    [FAULT_MEETING] = {"PLANTED_MEETING", STORE_ROW_WRITE, LEDGER_TABLE_IDEM, "original_key",
        &ledger_shape_idem_put, NULL,
        "INSERT INTO idem (original_key, message, fingerprint, answer, auth_id, created_at, sibling) "
        "VALUES (:original_key, :message, :fingerprint, :answer, :auth_id, :created_at, :sibling + length(:message)) "
        "ON CONFLICT DO NOTHING", "a tombstone and its original have two rows"},
    [FAULT_CARD] = {"PLANTED_CARD", STORE_ROW_READ, LEDGER_TABLE_AUTH, NULL, &ledger_shape_by_original, &ledger_shape_original,
        ORIGINAL_FROM "WHERE length(:pan_mac) > 0 AND u.received_at > :since AND " ORIGINAL_IS "ORDER BY u.auth_id LIMIT 1",
        "the original is found without its card"},
    [FAULT_WINDOW] = {"PLANTED_WINDOW", STORE_ROW_READ, LEDGER_TABLE_AUTH, NULL, &ledger_shape_by_original, &ledger_shape_original,
        ORIGINAL_FROM "JOIN card c ON c.card_id = u.card_id WHERE c.pan_mac = :pan_mac AND u.received_at > :since + 2332800000 "
        "AND " ORIGINAL_IS "LIMIT 8",
        "72 hours, not 30 days"},
};
/* clang-format on */
static const struct store_row *const guarded[FAULTS] = {NULL, LEDGER_ROW(IDEM_INSERT), LEDGER_ROW(ORIGINAL_FIND),
                                                        LEDGER_ROW(ORIGINAL_FIND)};
static const struct store_set planted_set = {.name = "planted", .row = planted, .count = FAULTS};

/* ---- the program is linked with --wrap ---- */

enum err __real_store_writer_start(struct store *store, const struct env *env, size_t cap, struct store_writer **out);
enum err __wrap_store_writer_start(struct store *store, const struct env *env, size_t cap, struct store_writer **out);
enum err __wrap_store_writer_start(struct store *store, const struct env *env, size_t cap, struct store_writer **out)
{
    return __real_store_writer_start(pair_writer(store, env), env, cap, out);
}

enum err __real_store_reader_submit(struct store_reader *reader, struct store_batch *batch, int64_t deadline_us);
enum err __wrap_store_reader_submit(struct store_reader *reader, struct store_batch *batch, int64_t deadline_us);
enum err __wrap_store_reader_submit(struct store_reader *reader, struct store_batch *batch, int64_t deadline_us)
{
    return pair_reads(reader, batch) ? ERR_OK : __real_store_reader_submit(reader, batch, deadline_us);
}

/* ---- what is said ---- */

enum { SAID = 4 };

/* A message and what its client was told. */
struct said {
    struct iso8583_message message;
    size_t node, number, card;
    size_t of;          /* reversal: the payment it names */
    uint64_t remaining; /* reversal: what it leaves */
    char de39[3];
};
struct talk {
    struct said at[SAID * 2];
    size_t count;
    int64_t held[SIM_CARDS]; /* before it began */
};
static struct talk talk;
static uint64_t serial;

static struct said *say(size_t n, const struct iso8583_message *m, size_t card)
{
    struct said *s = &talk.at[talk.count++];
    assert_true(talk.count < SAID * 2);
    *s = (struct said){.message = *m, .node = n, .card = card};
    s->number = sim_send(&pair_node[n].sim, m);
    return s;
}

static size_t pay(size_t n, size_t card, uint64_t number, int64_t amount, const char *terminal)
{
    char code[4];
    struct iso8583_message m;
    sim_code(SWITCH_CY, card, 0, code);
    sim_authorise(&m, card, number, amount, code);
    if (terminal)
        iso8583_set_text(&m, ISO8583_TERMINAL, terminal);
    (void)say(n, &m, card);
    return talk.count - 1;
}

static void repeat(size_t n, size_t of)
{
    struct iso8583_message m = talk.at[of].message;
    m.mti |= 1;
    struct said *s = say(n, &m, talk.at[of].card);
    s->of = talk.at[of].of;
    s->remaining = talk.at[of].remaining;
}

static void reverse(size_t n, size_t of, uint64_t remaining)
{
    const struct iso8583_message *original = &talk.at[of].message;
    struct iso8583_message m;
    iso8583_message_init(&m, ISO8583_REVERSAL);
    for (unsigned f = 2; f < ISO8583_FIELDS; f++)
        if (iso8583_need(&iso8583_profile_visa_base1, ISO8583_REVERSAL, f) != '-')
            iso8583_copy(&m, original, f);
    iso8583_set_decimal(&m, ISO8583_STAN, ++serial % 1000000, 6);
    assert_int_equal(iso8583_original_write(original, &m), ERR_OK);
    if (remaining > 0)
        assert_int_equal(iso8583_replacement_write(&m, remaining), ERR_OK);
    struct said *s = say(n, &m, talk.at[of].card);
    s->of = of;
    s->remaining = remaining;
}

static void rest(void)
{
    pair_gates(false);
    for (size_t i = 0; i < PAIR_NODES; i++)
        sim_settle(&pair_node[i].sim);
}

static void begin(void)
{
    rest();
    talk.count = 0;
    for (size_t i = 0; i < PAIR_NODES; i++)
        pair_node[i].sim.count = 0;
    for (size_t i = 0; i < PAIR_NODES; i++)
        memset(pair_node[i].sim.request, 0, SAID * 2 * sizeof pair_node[i].sim.request[0]);
    for (size_t card = 0; card < SIM_CARDS; card++) {
        struct ledger_full_card row;
        sim_read(&pair_node[0].sim, card, &row);
        talk.held[card] = row.account.held;
    }
}

/* ---- the oracle ---- */

static void told(struct said *s)
{
    struct iso8583_message answer;
    sim_answer(&pair_node[s->node].sim, s->number, &answer);
    memcpy(s->de39, iso8583_get(&answer, ISO8583_RESPONSE).at, 2);
}

static int64_t open_amount(const struct ledger_original *o)
{
    return o->hold.auth_id[0] && o->hold.state == LEDGER_HOLD_OPEN ? o->hold.amount : 0;
}

static bool is_payment(const struct said *s)
{
    return (s->message.mti & ~1) == ISO8583_AUTHORISATION;
}

/* A repeat of what was reversed meanwhile may be told 05; nothing that was not approved is told 00. */
static const char *payment_wrong(const struct said *s, bool found, const struct ledger_original *row)
{
    struct iso8583_message answer;
    bool approved = found && row->auth.de38[0] != 0;
    sim_answer(&pair_node[s->node].sim, s->number, &answer);
    if (strcmp(s->de39, "00") == 0)
        return approved && span_is(iso8583_get(&answer, ISO8583_APPROVAL), row->auth.de38) ? NULL : "told approved, and it is not";
    if (strcmp(s->de39, "05") != 0 && (strcmp(s->de39, "N7") != 0 || s->card != ONE_TIME))
        return "an answer that no order of the messages gives";
    return approved && row->auth.reversed_amount < row->auth.amount ? "told declined, and it is approved" : NULL;
}

static const char *reversal_wrong(const struct said *s, bool found, const struct ledger_original *row)
{
    if (strcmp(s->de39, "13") == 0)
        return found && row->auth.reversed_amount > 0 ? NULL : "told that less is left, and nothing was reversed";
    if (strcmp(s->de39, "00") != 0)
        return "an answer that no order of the messages gives";
    if (found && row->auth.de38[0] != 0 && row->auth.amount - row->auth.reversed_amount > (int64_t)s->remaining)
        return "told reversed, and the amount stands";
    return NULL;
}

static const char *row_wrong(const struct ledger_original *row)
{
    int64_t left = row->auth.amount - row->auth.reversed_amount;
    if (left < 0)
        return "more was reversed than there was";
    return open_amount(row) == (row->auth.de38[0] != 0 ? left : 0) ? NULL : "the hold is not what is left";
}

/* The holds of what was said, once a payment, are what the accounts set aside. */
static const char *sums_wrong(void)
{
    for (size_t card = 0; card < SIM_CARDS; card++) {
        int64_t expected = talk.held[card];
        struct ledger_full_card account;
        for (size_t i = 0; i < talk.count; i++) {
            struct ledger_original row;
            const struct iso8583_message *m = &talk.at[i].message;
            if (m->mti == ISO8583_AUTHORISATION && talk.at[i].card == card && sim_row_of(&pair_node[0].sim, m, &row))
                expected += open_amount(&row);
        }
        sim_read(&pair_node[0].sim, card, &account);
        if (account.account.held != expected && card < SIM_CARDS - 1)
            return "the account holds something else than its holds";
    }
    return NULL;
}

/* S-1: of those who presented one code, one is approved. */
static const char *uses_wrong(void)
{
    size_t presented = 0, approved = 0;
    for (size_t i = 0; i < talk.count; i++) {
        presented += talk.at[i].card == ONE_TIME;
        approved += talk.at[i].card == ONE_TIME && strcmp(talk.at[i].de39, "00") == 0;
    }
    return presented == 0 || approved == 1 ? NULL : "a code was not used exactly once";
}

/* NULL: all that was told agrees with the rows. */
static const char *judge(void)
{
    for (size_t i = 0; i < talk.count; i++) {
        struct said *s = &talk.at[i];
        struct ledger_original row;
        told(s);
        bool found = sim_row_of(&pair_node[0].sim, is_payment(s) ? &s->message : &talk.at[s->of].message, &row);
        const char *wrong = is_payment(s) ? payment_wrong(s, found, &row) : reversal_wrong(s, found, &row);
        if (!wrong && found)
            wrong = row_wrong(&row);
        if (wrong)
            return wrong;
    }
    const char *wrong = uses_wrong();
    return wrong ? wrong : sums_wrong();
}

/* ---- the scenes ---- */

static void original_and_reversal(void)
{
    begin();
    pair_gates(true);
    reverse(1, pay(0, CARD, ++serial, 100, NULL), 0);
}

static void original_and_partial_reversal(void)
{
    begin();
    pair_gates(true);
    reverse(1, pay(0, CARD, ++serial, 100, NULL), 40);
}

static void two_reversals(void)
{
    begin();
    size_t of = pay(0, CARD, ++serial, 100, NULL);
    rest();
    pair_gates(true);
    reverse(0, of, 0);
    reverse(1, of, 40);
}

static void a_reversal_and_its_repeat(void)
{
    begin();
    size_t of = pay(0, CARD, ++serial, 100, NULL);
    rest();
    pair_gates(true);
    reverse(0, of, 40);
    repeat(1, talk.count - 1);
}

static void a_repeat_and_the_reversal(void)
{
    begin();
    size_t of = pay(0, CARD, ++serial, 100, NULL);
    rest();
    pair_gates(true);
    repeat(0, of);
    reverse(1, of, 0);
}

static void a_payment_and_its_repeat(void)
{
    begin();
    pair_gates(true);
    repeat(1, pay(0, CARD, ++serial, 100, NULL));
}

static void two_terminals_number_alike(void)
{
    begin();
    uint64_t number = ++serial;
    pair_gates(true);
    (void)pay(0, CARD, number, 100, "TERM0001");
    (void)pay(1, CARD, number, 250, "TERM0002");
}

static void one_terminal_pays_and_the_other_reverses(void)
{
    begin();
    uint64_t number = ++serial;
    size_t of = pay(0, CARD, number, 250, "TERM0002");
    rest();
    pair_gates(true);
    (void)pay(0, CARD, number, 100, "TERM0001");
    reverse(1, of, 0);
}

static void two_cards_number_alike(void)
{
    begin();
    uint64_t number = ++serial;
    (void)pay(0, CARD, number, 100, "TERM0001");
    rest();
    size_t of = pay(0, CARD + 1, number, 250, "TERM0002");
    rest();
    pair_gates(true);
    reverse(0, of, 100);
    reverse(1, of, 50);
}

static void after_73_hours(void)
{
    begin();
    size_t of = pay(0, CARD, ++serial, 100, NULL);
    rest();
    for (size_t i = 0; i < PAIR_NODES; i++)
        pair_node[i].sim.world.wall_ms += INT64_C(73) * 3600000;
    pair_gates(true);
    repeat(0, of);
    reverse(1, of, 0);
}

/* The original on one node; the reversal and the network's repeat of the original on the other. */
static void a_reversal_between_original_and_repeat(void)
{
    begin();
    pair_gates(true);
    size_t of = pay(0, CARD, ++serial, 100, NULL);
    reverse(1, of, 0);
    repeat(1, of);
}

/* Two shops, one code. */
static void one_code_on_both_nodes(void)
{
    begin();
    struct ledger_full_card row;
    struct iso8583_message m;
    char code[4];
    sim_display(&pair_node[0].sim, ONE_TIME);
    sim_read(&pair_node[0].sim, ONE_TIME, &row);
    sim_code(SWITCH_PM0, ONE_TIME, row.code.issue_n, code);
    pair_gates(true);
    for (size_t n = 0; n < PAIR_NODES; n++) {
        sim_authorise(&m, ONE_TIME, ++serial, 100, code);
        (void)say(n, &m, ONE_TIME);
    }
}

static void (*const scenes[])(void) = {
    original_and_reversal,
    original_and_partial_reversal,
    a_reversal_between_original_and_repeat,
    one_code_on_both_nodes,
    two_reversals,
    a_reversal_and_its_repeat,
    a_repeat_and_the_reversal,
    a_payment_and_its_repeat,
    two_terminals_number_alike,
    one_terminal_pays_and_the_other_reverses,
    two_cards_number_alike,
    after_73_hours,
};
enum { SCENES = sizeof scenes / sizeof scenes[0] };

/* ---- the tests ---- */

/* Orders tried; *found: the first thing that was wrong. */
static size_t walk(void (*scene)(void), const char **found)
{
    struct pair_order order = {.len = 0};
    size_t tried = 0;
    *found = NULL;
    do {
        scene();
        pair_run(&order);
        rest();
        *found = judge();
        tried++;
    } while (!*found && pair_order_next(&order));
    return tried;
}

static void every_order_agrees(void **state)
{
    pair_open(*state, NULL);
    for (size_t i = 0; i < SCENES; i++) {
        const char *wrong;
        size_t tried = walk(scenes[i], &wrong);
        if (wrong)
            print_error("scene %zu, order %zu: %s\n", i, tried, wrong);
        assert_null(wrong);
        assert_true(tried > 2);
    }
    pair_close();
}

static void planted_faults_are_found(void **state)
{
    void (*const shows[FAULTS])(void) = {NULL, original_and_reversal, two_cards_number_alike, after_73_hours};
    for (size_t fault = FAULT_MEETING; fault < FAULTS; fault++) {
        const struct pair_fault plant = {&planted_set, &planted[fault], guarded[fault]};
        const char *wrong;
        pair_open(*state, &plant);
        (void)walk(shows[fault], &wrong);
        if (!wrong)
            print_error("fault %s is not found\n", planted[fault].name);
        assert_non_null(wrong);
        pair_close();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {ON_BOTH(every_order_agrees), ON_BOTH(planted_faults_are_found)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
