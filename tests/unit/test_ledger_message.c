/* SPDX-License-Identifier: Apache-2.0 */
/* Idempotency, reversals and units: on both engines. */
#include "ledger/ledger.h"

#include "store/error.h"
#include "support/ledgers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { NOW = 1700000000 };

static struct ledger_unit unit_of(struct stores_fixture *f, size_t cap)
{
    struct ledger_unit unit;
    arena_reset(&f->arena);
    ledger_unit_begin(&unit, cap, &f->arena);
    return unit;
}

/* ---- idempotency and reversals ---- */

static const uint8_t pan_mac[LEDGER_MAC_LEN] = {1};
static const uint8_t other_mac[LEDGER_MAC_LEN] = {2};
static const struct ledger_message_id message = {"visa", "0100", "0101000000", "000001", "1", "1", "T", "M", pan_mac, "visa"};

/* As DE90 has it; what DE90 lacks is empty. */
static const struct ledger_message_id reversed = {"", "0100", "0101000000", "000001", "00000000001", "", "", "", pan_mac, "visa"};

static struct ledger_message ask(struct stores_fixture *f, const struct ledger_message_id *id)
{
    struct ledger_message out;
    struct ledger_unit get = unit_of(f, 1);
    size_t at = ledger_get_message(&get, id);
    assert_int_equal(ledger_unit_run(&get, f->store), ERR_OK);
    assert_true(ledger_take_message(&get, at, &out));
    return out;
}

static bool original(struct stores_fixture *f, int64_t card, const char *de11, int64_t since, struct ledger_original *out)
{
    uint8_t mac[LEDGER_MAC_LEN];
    ledgers_pan_mac(card, mac);
    const struct ledger_message_id id = {"", "0100", "0101000000", de11, "1", "", "", "", mac, "visa"};
    const struct ledger_original_of of = {.id = &id, .complete = true, .de37 = "", .de38 = "", .de41 = "", .since = since};
    struct ledger_unit get = unit_of(f, 1);
    size_t at = ledger_get_originals(&get, &of);
    assert_int_equal(ledger_unit_run(&get, f->store), ERR_OK);
    return ledger_take_original(&get, at, 0, out);
}

static void test_a_message_is_claimed_once(void **state)
{
    struct stores_fixture f;
    struct ledger_idem in = {.auth_id = "auth_1", .created_at = NOW};
    stores_setup(&f, *state);
    memcpy(in.answer.at, "00", 2);
    in.answer.len = 2;
    in.fingerprint.len = 5;
    struct ledger_unit put = unit_of(&f, 1);
    ledger_unit_mark(&put, 77);
    ledger_put_idem(&put, &message, &in);
    assert_int_equal(ledger_unit_run(&put, f.store), ERR_OK);
    assert_int_equal(store_run(f.store, &put.batch), STORE_ERR_CONFLICT);
    assert_int_equal(ledger_unit_tag(&put, put.batch.at), 77);
    struct ledger_message_id zeros = message, other = message, shifted = message;
    zeros.de32 = "0001";
    other.de37 = "2";
    shifted.de37 = "1T"; /* the parts do not run into one another */
    shifted.de41 = "";
    struct ledger_message found = ask(&f, &message);
    assert_true(found.stored);
    assert_memory_equal(&found.idem, &in, sizeof in);
    assert_true(ask(&f, &zeros).stored);
    assert_false(ask(&f, &other).stored);
    assert_false(ask(&f, &shifted).stored);
    stores_teardown(&f);
}

/* Of an original and its tombstone the second changes nothing, whichever it is. */
static void test_a_tombstone_and_its_original_are_one_row(void **state)
{
    for (int first = 0; first < 2; first++) {
        struct stores_fixture f;
        const struct ledger_idem idem = {.auth_id = "auth_1", .created_at = NOW};
        stores_setup(&f, *state);
        for (int turn = 0; turn < 2; turn++) {
            struct ledger_unit put = unit_of(&f, 1);
            if (turn == first)
                ledger_put_idem(&put, &message, &idem);
            else
                ledger_put_tombstone(&put, &reversed, 0, NOW);
            assert_int_equal(ledger_unit_run(&put, f.store), turn == 0 ? ERR_OK : STORE_ERR_CONFLICT);
        }
        struct ledger_message found = ask(&f, &message);
        assert_int_equal(found.stored, first == 0);
        assert_int_equal(found.tombstone, first == 1);
        assert_int_equal(found.sibling, 1);
        assert_int_equal(ask(&f, &reversed).stored, first == 1);
        stores_teardown(&f);
    }
}

/* Another card, network or class is another original; the terminal and the zeros of the acquirer are not. */
static void test_what_makes_an_original(void **state)
{
    struct stores_fixture f;
    struct ledger_message_id terminal = message, card = message, network = message, class = message;
    stores_setup(&f, *state);
    struct ledger_unit put = unit_of(&f, 1);
    ledger_put_tombstone(&put, &reversed, 0, NOW);
    assert_int_equal(ledger_unit_run(&put, f.store), ERR_OK);
    terminal.de41 = "T2";
    card.pan_mac = other_mac;
    network.network = "eftpos";
    class.mti_class = "0200";
    assert_true(ask(&f, &terminal).tombstone);
    assert_false(ask(&f, &card).tombstone);
    assert_false(ask(&f, &network).tombstone);
    assert_false(ask(&f, &class).tombstone);
    stores_teardown(&f);
}

/* Two terminals of one acquirer may number alike, for one card: both messages have a row. */
static void test_siblings(void **state)
{
    struct stores_fixture f;
    struct ledger_message_id terminal = message;
    struct ledger_idem idem = {.auth_id = "auth_1", .created_at = NOW};
    stores_setup(&f, *state);
    terminal.de41 = "T2";
    for (int i = 0; i < 2; i++) {
        const struct ledger_message_id *id = i == 0 ? &message : &terminal;
        idem.sibling = ask(&f, id).sibling;
        assert_int_equal(idem.sibling, i);
        struct ledger_unit put = unit_of(&f, 1);
        ledger_put_idem(&put, id, &idem);
        assert_int_equal(ledger_unit_run(&put, f.store), ERR_OK);
    }
    assert_true(ask(&f, &message).stored);
    assert_true(ask(&f, &terminal).stored);
    assert_int_equal(ask(&f, &reversed).sibling, 2);
    stores_teardown(&f);
}

static void test_a_reversal_counts_once(void **state)
{
    struct stores_fixture f;
    struct ledger_full_card card;
    struct ledger_original whole, again;
    stores_setup(&f, *state);
    ledgers_add_card(&f, f.store, 1);
    ledgers_read(f.store, &f.arena, 1, &card);
    assert_int_equal(ledgers_issue(f.store, &f.arena, &card.code, NOW, 300), ERR_OK);
    ledgers_read(f.store, &f.arena, 1, &card);
    assert_int_equal(ledgers_consume(f.store, &f.arena, &card, 1, NOW), ERR_OK);
    assert_true(original(&f, 1, "000001", 0, &whole));
    assert_string_equal(whole.auth.auth_id, "auth_1");
    assert_int_equal(whole.hold.amount, 100);
    assert_string_equal(whole.account.account_id, card.account.account_id);
    struct ledger_unit partial = unit_of(&f, 2);
    ledger_put_reversal(&partial, &whole, 30, 30, NOW);
    assert_int_equal(ledger_unit_run(&partial, f.store), ERR_OK);
    assert_int_equal(store_run(f.store, &partial.batch), STORE_ERR_CONFLICT); /* not twice */
    assert_true(original(&f, 1, "000001", 0, &again));
    assert_int_equal(again.auth.reversed_amount, 30);
    assert_int_equal(again.hold.amount, 70);
    assert_int_equal(again.hold.state, LEDGER_HOLD_OPEN);
    struct ledger_unit rest = unit_of(&f, 2);
    ledger_put_reversal(&rest, &again, 70, 70, NOW);
    assert_int_equal(ledger_unit_run(&rest, f.store), ERR_OK);
    assert_true(original(&f, 1, "000001", 0, &again));
    assert_int_equal(again.hold.state, LEDGER_HOLD_REVERSED);
    assert_int_equal(again.hold.amount, 0);
    struct ledger_full_card after;
    ledgers_read(f.store, &f.arena, 1, &after);
    assert_int_equal(after.code.state, LEDGER_CODE_USED); /* a reversal never revives a code */
    assert_false(original(&f, 1, "000002", 0, &again));
    assert_false(original(&f, 2, "000001", 0, &again));   /* another card */
    assert_false(original(&f, 1, "000001", NOW, &again)); /* outside the window */
    stores_teardown(&f);
}

/* ---- units ---- */

static void test_a_unit_keeps_its_first_error(void **state)
{
    struct stores_fixture f;
    struct store_batch *batch = NULL;
    stores_setup(&f, *state);
    struct ledger_unit one = unit_of(&f, 1);
    (void)ledger_get_account(&one, "a");
    (void)ledger_get_account(&one, "b");
    assert_int_equal(ledger_unit_batch(&one, &batch), ERR_MEMORY);
    assert_int_equal(ledger_unit_run(&one, f.store), ERR_MEMORY);
    assert_null(batch);
    uint8_t room[256];
    struct arena tiny = arena_over(room, sizeof room);
    struct ledger_unit small;
    struct ledger_auth auth = {0};
    ledger_unit_begin(&small, 1, &tiny);
    ledger_put_auth(&small, &auth);
    assert_int_equal(ledger_unit_batch(&small, &batch), ERR_MEMORY);
    ledger_unit_begin(&small, 100, &tiny);
    assert_int_equal(ledger_unit_batch(&small, &batch), ERR_MEMORY);
    char wide[200];
    memset(wide, '1', sizeof wide);
    wide[sizeof wide - 1] = 0;
    struct ledger_message_id id = message;
    id.de42 = wide;
    struct ledger_unit key = unit_of(&f, 1);
    (void)ledger_get_message(&key, &id);
    assert_int_equal(ledger_unit_batch(&key, &batch), ERR_PARSE_LONG);
    stores_teardown(&f);
}

/* After an error nothing is added any more, whatever it is. */
static void test_a_failed_unit_takes_nothing(void **state)
{
    (void)state;
    uint8_t room[64];
    struct arena arena = arena_over(room, sizeof room);
    struct ledger_unit u;
    static struct ledger_full_card card;
    static struct ledger_original one = {.hold = {.auth_id = "a"}};
    static struct ledger_product product;
    ledger_unit_begin(&u, 100, &arena);
    assert_int_equal(u.err, ERR_MEMORY);
    ledger_put_code(&u, &card.code, &card.code, LEDGER_CONSUME);
    ledger_put_issue(&u, &card.code, &card.code, &(struct ledger_issuance){.at = 1});
    ledger_put_display(&u, &card.code, &card.code, &(struct ledger_issuance){.at = 1});
    ledger_put_idem(&u, &message, &(struct ledger_idem){.created_at = 1});
    ledger_put_auth(&u, &one.auth);
    ledger_put_hold(&u, &one.hold);
    ledger_put_account(&u, &card.account);
    ledger_put_reversal(&u, &one, 1, 1, 1);
    ledger_put_tombstone(&u, &reversed, 0, 1);
    ledger_put_outbox(&u, &(struct ledger_outbox){.tries = 1});
    ledger_put_product(&u, &product);
    ledger_put_card(&u, &card.card);
    ledger_put_card_change(&u, &card.card);
    ledger_put_new_account(&u, &card.account);
    ledger_put_client(&u, &(struct ledger_client){.kind = "app"});
    ledger_put_client_key(&u, &(struct ledger_client_key){.use = LEDGER_KEY_ENC});
    ledger_put_client_key_revoked(&u, "c", "k", 1);
    (void)ledger_get_message(&u, &message);
    (void)ledger_get_displays_since(&u, room, "c", 1);
    (void)ledger_get_issuance(&u, &(struct ledger_issuance){.at = 1});
    (void)ledger_get_client_by_api_key(&u, room);
    int64_t number = 7;
    assert_int_equal(u.batch.count, 0);
    assert_int_equal(u.err, ERR_MEMORY);
    assert_int_equal(ledger_unit_tag(&u, 0), 0);
    assert_false(ledger_take_issuance(&u, 0, &number));
    assert_int_equal(ledger_take_displays(&u, 0, &number), 0);
}

/* Memory ends at every possible place: then nothing was written, and with enough of it all is. */
static void test_an_arena_of_every_size(void **state)
{
    struct stores_fixture f;
    struct ledger_full_card card, after;
    stores_setup(&f, *state);
    ledgers_add_card(&f, f.store, 1);
    ledgers_read(f.store, &f.arena, 1, &card);
    assert_int_equal(ledgers_issue(f.store, &f.arena, &card.code, NOW, 300), ERR_OK);
    ledgers_read(f.store, &f.arena, 1, &card);
    enum err err = ERR_MEMORY;
    int failures = 0;
    for (size_t cap = 16; err == ERR_MEMORY; cap += 64, failures++) {
        static uint8_t room[65536];
        struct arena arena = arena_over(room, cap);
        struct ledger_unit unit;
        struct ledger_code used = card.code;
        assert_true(cap < sizeof room);
        assert_true(ledger_code_apply(&used, LEDGER_EVENT_CONSUME, &(struct ledger_code_change){.at = NOW, .auth_id = "auth_1"}));
        ledger_unit_begin(&unit, 4, &arena);
        ledger_put_code(&unit, &card.code, &used, LEDGER_CONSUME);
        ledger_put_idem(&unit, &message, &(struct ledger_idem){.auth_id = "auth_1"});
        size_t at = ledger_get_card(&unit, card.card.card_id);
        ledger_put_tombstone(&unit, &(struct ledger_message_id){"", "0100", "0", "2", "", "", "", "", pan_mac, "visa"}, 0, NOW);
        err = ledger_unit_run(&unit, f.store);
        assert_true(err == ERR_MEMORY || err == ERR_OK);
        assert_int_equal(ledger_take_card(&unit, at, &after), err == ERR_OK);
        ledgers_read(f.store, &f.arena, 1, &after);
        assert_int_equal(after.code.version, card.code.version + (err == ERR_OK));
    }
    assert_true(failures > 50);
    stores_teardown(&f);
}

/* What no version of ours has written. */
static const struct store_row raw_row[] = {
    {"RAW_WIDE", STORE_ROW_WRITE, 0, NULL, NULL, NULL, "INSERT INTO account (account_id, currency) VALUES ('a1', '12345')", ""},
    {"RAW_ODD", STORE_ROW_WRITE, 0, NULL, NULL, NULL,
     "INSERT INTO hold (auth_id, account_id, amount, state, until) VALUES ('auth_1', 'a', 1, 'odd', 0)", ""},
};
static const struct store_set raw_set = {.name = "raw", .row = raw_row, .count = 2};

static void run_raw(struct stores_fixture *f, const struct store_row *row)
{
    static const struct store_set *const sets[] = {&raw_set, NULL};
    struct store *store = NULL;
    struct store_op op = {.row = row};
    assert_int_equal(store_open(f->url, &f->env, sets, &store), ERR_OK);
    assert_int_equal(store_run(store, &(struct store_batch){.op = &op, .count = 1}), ERR_OK);
    store_close(store);
}

static void test_a_row_that_does_not_fit_is_our_defect(void **state)
{
    struct stores_fixture f;
    struct ledger_account account = {0};
    struct ledger_hold hold = {0};
    struct ledger_original odd;
    stores_setup(&f, *state);
    run_raw(&f, &raw_row[0]);
    struct ledger_unit get = unit_of(&f, 2);
    (void)ledger_get_account(&get, "a1");
    assert_int_equal(ledger_unit_run(&get, f.store), ERR_OK);
    assert_false(ledger_take_account(&get, 0, &account));
    assert_int_equal(get.err, ERR_INTERNAL);
    /* A state that no version of ours has written. */
    struct ledger_auth auth = {.auth_id = "auth_1", .mti_class = "0100", .de7 = "0101000000", .de11 = "000001", .received_at = 1};
    ledgers_add_card(&f, f.store, 1);
    ledgers_card_id(1, auth.card_id);
    ledgers_pan_mac(1, auth.pan_mac.at);
    auth.pan_mac.len = LEDGER_MAC_LEN;
    struct ledger_idem idem = {.auth_id = "auth_1"};
    memcpy(hold.auth_id, "auth_1", 7);
    struct ledger_unit put = unit_of(&f, 3);
    uint8_t mac[LEDGER_MAC_LEN];
    ledgers_pan_mac(1, mac);
    struct ledger_message_id id = message;
    id.pan_mac = mac;
    ledger_put_auth(&put, &auth);
    ledger_put_idem(&put, &id, &idem);
    assert_int_equal(ledger_unit_run(&put, f.store), ERR_OK);
    run_raw(&f, &raw_row[1]);
    const struct ledger_original_of of = {&id, true, "", "", "", 0};
    get = unit_of(&f, 1);
    (void)ledger_get_originals(&get, &of);
    assert_int_equal(ledger_unit_run(&get, f.store), ERR_OK);
    assert_false(ledger_take_original(&get, 0, 0, &odd));
    assert_int_equal(get.err, ERR_INTERNAL);
    stores_teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(test_a_message_is_claimed_once),
        ON_BOTH(test_a_tombstone_and_its_original_are_one_row),
        ON_BOTH(test_what_makes_an_original),
        ON_BOTH(test_siblings),
        ON_BOTH(test_a_reversal_counts_once),
        ON_BOTH(test_a_unit_keeps_its_first_error),
        cmocka_unit_test(test_a_failed_unit_takes_nothing),
        ON_BOTH(test_an_arena_of_every_size),
        ON_BOTH(test_a_row_that_does_not_fit_is_our_defect),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
