/* SPDX-License-Identifier: Apache-2.0 */
/* Rows, products, cards, codes, accounts and clients: on both engines. */
#include "ledger/ledger.h"

#include "ledger/products.h"
#include "ledger/shapes.h"
#include "store/driver.h"
#include "store/error.h"
#include "support/ledgers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
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

/* ---- rows ---- */

static void test_a_full_card_survives_the_trip(void **state)
{
    struct stores_fixture f;
    struct ledger_full_card in = {0}, out;
    stores_setup(&f, *state);
    ledgers_fill(&ledger_shape_card, &in.card);
    ledgers_fill(&ledger_shape_account, &in.account);
    memcpy(in.account.account_id, in.card.account_id, LEDGER_ID);
    in.card.pan_mac.len = LEDGER_MAC_LEN;
    struct ledger_unit put = unit_of(&f, 3);
    ledger_put_new_account(&put, &in.account);
    ledger_put_card(&put, &in.card);
    assert_int_equal(ledger_unit_run(&put, f.store), ERR_OK);
    struct ledger_unit get = unit_of(&f, 2);
    size_t by_id = ledger_get_card(&get, in.card.card_id);
    size_t by_mac = ledger_get_card_by_pan(&get, in.card.issuer_id, in.card.pan_mac.at);
    assert_int_equal(ledger_unit_run(&get, f.store), ERR_OK);
    for (int i = 0; i < 2; i++) {
        memset(&out, 0xEE, sizeof out);
        assert_true(ledger_take_card(&get, i == 0 ? by_id : by_mac, &out));
        assert_memory_equal(&out.card, &in.card, sizeof out.card);
        assert_memory_equal(&out.account, &in.account, sizeof out.account);
        assert_string_equal(out.code.card_id, in.card.card_id);
        assert_int_equal(out.code.state, LEDGER_CODE_NONE);
        assert_int_equal(out.code.issue_n, 0);
    }
    stores_teardown(&f);
}

static void test_products_and_their_cache(void **state)
{
    enum { COUNT = 40 }; /* more than are loaded at once */
    struct stores_fixture f;
    struct ledger_products *cache = NULL;
    stores_setup(&f, *state);
    static struct ledger_product in;
    for (int i = 0; i < COUNT; i++) {
        ledgers_fill(&ledger_shape_product, &in);
        in.product_id[0] = (char)('0' + i);
        struct ledger_unit unit = unit_of(&f, 1);
        ledger_put_product(&unit, &in);
        assert_int_equal(ledger_unit_run(&unit, f.store), ERR_OK);
    }
    assert_int_equal(ledger_products_create(&cache), ERR_OK);
    assert_null(ledger_products_find(cache, in.issuer_id, in.product_id));
    assert_int_equal(ledger_products_refresh(cache, f.store, &f.arena), ERR_OK);
    assert_int_equal(ledger_products_refresh(cache, f.store, &f.arena), ERR_OK);
    const struct ledger_product *out = ledger_products_find(cache, in.issuer_id, in.product_id);
    assert_non_null(out);
    assert_memory_equal(out, &in, sizeof in);
    assert_null(ledger_products_find(cache, in.issuer_id, "none"));
    struct ledger_unit again = unit_of(&f, 1);
    ledger_put_product(&again, &in);
    assert_int_equal(ledger_unit_run(&again, f.store), STORE_ERR_CONFLICT);
    for (int i = 0; i < LEDGER_PRODUCT_MAX; i++) { /* more than it holds: the old content stays */
        struct buf id = buf_over(in.product_id, sizeof in.product_id);
        buf_put_text(&id, "more");
        buf_put_integer(&id, i);
        (void)buf_text(&id);
        struct ledger_unit unit = unit_of(&f, 1);
        ledger_put_product(&unit, &in);
        assert_int_equal(ledger_unit_run(&unit, f.store), ERR_OK);
    }
    assert_int_equal(ledger_products_refresh(cache, f.store, &f.arena), ERR_MEMORY);
    assert_null(ledger_products_find(cache, in.issuer_id, in.product_id));
    ledger_products_destroy(cache);
    stores_teardown(&f);
}

static void test_a_card_is_registered_once(void **state)
{
    struct stores_fixture f;
    struct ledger_full_card card;
    stores_setup(&f, *state);
    ledgers_add_card(&f, f.store, 1);
    ledgers_read(f.store, &f.arena, 1, &card);
    struct ledger_unit same_id = unit_of(&f, 2);
    struct ledger_card other = card.card;
    other.pan_mac.at[31] ^= 1;
    ledger_put_card(&same_id, &other);
    assert_int_equal(ledger_unit_run(&same_id, f.store), STORE_ERR_CONFLICT);
    struct ledger_unit same_pan = unit_of(&f, 2);
    other = card.card;
    other.card_id[0] = 'x';
    ledger_put_card(&same_pan, &other);
    assert_int_equal(ledger_unit_run(&same_pan, f.store), STORE_ERR_CONFLICT);
    struct ledger_unit change = unit_of(&f, 1);
    card.card.status = LEDGER_CARD_SUSPENDED;
    ledger_put_card_change(&change, &card.card);
    assert_int_equal(ledger_unit_run(&change, f.store), ERR_OK);
    assert_int_equal(store_run(f.store, &change.batch), STORE_ERR_CONFLICT); /* the version has moved on */
    ledgers_read(f.store, &f.arena, 1, &card);
    assert_int_equal(card.card.status, LEDGER_CARD_SUSPENDED);
    assert_int_equal(card.card.version, 2);
    stores_teardown(&f);
}

static void test_a_card_without_account(void **state)
{
    struct stores_fixture f;
    struct ledger_full_card card;
    stores_setup(&f, *state);
    ledgers_add_card(&f, f.store, 1);
    ledgers_read(f.store, &f.arena, 1, &card);
    struct ledger_unit change = unit_of(&f, 1);
    memset(card.card.account_id, 0, LEDGER_ID);
    ledger_put_card_change(&change, &card.card);
    assert_int_equal(ledger_unit_run(&change, f.store), ERR_OK);
    memset(&card, 0xEE, sizeof card);
    ledgers_read(f.store, &f.arena, 1, &card);
    assert_string_equal(card.account.account_id, "");
    assert_int_equal(card.account.balance, 0);
    struct ledger_unit none = unit_of(&f, 1);
    size_t at = ledger_get_card(&none, "nobody");
    assert_int_equal(ledger_unit_run(&none, f.store), ERR_OK);
    assert_int_equal(ledger_found(&none, at), 0);
    assert_false(ledger_take_card(&none, at, &card));
    stores_teardown(&f);
}

/* ---- codes ---- */

static void test_a_display_is_a_conditional_write(void **state)
{
    struct stores_fixture f;
    struct ledger_full_card before, after;
    stores_setup(&f, *state);
    ledgers_add_card(&f, f.store, 1);
    ledgers_read(f.store, &f.arena, 1, &before);
    assert_int_equal(ledgers_issue(f.store, &f.arena, &before.code, NOW, 300), ERR_OK);
    assert_int_equal(ledgers_issue(f.store, &f.arena, &before.code, NOW, 300),
                     STORE_ERR_CONFLICT); /* read before the first one's commit */
    ledgers_read(f.store, &f.arena, 1, &after);
    assert_int_equal(after.code.issue_n, 1);
    assert_int_equal(after.code.version, before.code.version + 1);
    assert_int_equal(after.code.state, LEDGER_CODE_ACTIVE);
    assert_int_equal(after.code.expires_at, NOW + 300);
    assert_int_equal(after.code.first_display_at, NOW);
    assert_int_equal(ledgers_issue(f.store, &f.arena, &after.code, NOW + 5, 300), ERR_OK);
    struct ledger_client client = {
        .client_id = "c", .issuer_id = "ISSUER0001", .kind = "app", .status = "active", .api_key_hash = {32, "key"}};
    struct ledger_unit put = unit_of(&f, 1);
    ledger_put_client(&put, &client);
    assert_int_equal(ledger_unit_run(&put, f.store), ERR_OK);
    struct ledger_unit get = unit_of(&f, 4);
    size_t all = ledger_get_displays_since(&get, client.api_key_hash.at, after.code.card_id, NOW - 1);
    size_t none = ledger_get_displays_since(&get, client.api_key_hash.at, after.code.card_id, NOW + 5);
    size_t strangers = ledger_get_displays_since(&get, before.card.pan_mac.at, after.code.card_id, NOW - 1);
    struct ledger_issuance journal = {.at = NOW + 5, .issuance_id = "i2"};
    memcpy(journal.card_id, after.code.card_id, sizeof journal.card_id);
    size_t mine = ledger_get_issuance(&get, &journal);
    assert_int_equal(ledger_unit_run(&get, f.store), ERR_OK);
    int64_t first = 0, issue_n = 0;
    assert_int_equal(ledger_take_displays(&get, all, &first), 2);
    assert_int_equal(first, NOW);
    assert_int_equal(ledger_take_displays(&get, none, &first), 0);
    assert_int_equal(ledger_take_displays(&get, strangers, &first), 0);
    assert_true(ledger_take_issuance(&get, mine, &issue_n));
    assert_int_equal(issue_n, 2);
    stores_teardown(&f);
}

static void test_same_until_expiry_changes_the_display_time_alone(void **state)
{
    struct stores_fixture f;
    struct ledger_full_card before, after;
    stores_setup(&f, *state);
    ledgers_add_card(&f, f.store, 1);
    ledgers_read(f.store, &f.arena, 1, &before);
    assert_int_equal(ledgers_issue(f.store, &f.arena, &before.code, NOW, 300), ERR_OK);
    ledgers_read(f.store, &f.arena, 1, &before);
    struct ledger_code next = before.code;
    next.last_display_at = NOW + 9;
    struct ledger_issuance journal = {.at = NOW + 9, .issuance_id = "again", .kind = LEDGER_ISSUANCE_REGENERATE_SAME};
    memcpy(journal.card_id, next.card_id, sizeof journal.card_id);
    struct ledger_unit unit = unit_of(&f, 2);
    ledger_put_display(&unit, &before.code, &next, &journal);
    assert_int_equal(ledger_unit_run(&unit, f.store), ERR_OK);
    ledgers_read(f.store, &f.arena, 1, &after);
    next.version++;
    assert_memory_equal(&after.code, &next, sizeof next);
    stores_teardown(&f);
}

static void test_a_code_is_used_once(void **state)
{
    struct stores_fixture f;
    struct ledger_full_card seen, now;
    stores_setup(&f, *state);
    ledgers_add_card(&f, f.store, 1);
    ledgers_read(f.store, &f.arena, 1, &seen);
    assert_int_equal(ledgers_consume(f.store, &f.arena, &seen, 1, NOW), ERR_NOT_FOUND); /* no code yet */
    assert_int_equal(ledgers_issue(f.store, &f.arena, &seen.code, NOW, 300), ERR_OK);
    ledgers_read(f.store, &f.arena, 1, &seen);
    assert_int_equal(ledgers_consume(f.store, &f.arena, &seen, 1, NOW), ERR_OK);
    assert_int_equal(ledgers_consume(f.store, &f.arena, &seen, 2, NOW), STORE_ERR_CONFLICT); /* both had read it active */
    ledgers_read(f.store, &f.arena, 1, &now);
    assert_int_equal(now.code.state, LEDGER_CODE_USED);
    assert_string_equal(now.code.used_by, "auth_1");
    assert_int_equal(now.code.used_at, NOW);
    assert_int_equal(ledgers_consume(f.store, &f.arena, &now, 3, NOW), ERR_NOT_FOUND);
    /* Nothing of the refused ones is there. */
    struct ledger_unit get = unit_of(&f, 2);
    size_t first = ledger_get_auth(&get, "auth_1");
    size_t second = ledger_get_auth(&get, "auth_2");
    assert_int_equal(ledger_unit_run(&get, f.store), ERR_OK);
    struct ledger_auth auth;
    assert_true(ledger_take_auth(&get, first, &auth));
    assert_string_equal(auth.ref, "n1");
    assert_false(ledger_take_auth(&get, second, &auth));
    assert_int_equal(ledgers_double_uses(f.store, &f.arena), 0);
    stores_teardown(&f);
}

/* The guards beside the version: right version, wrong counter or state. */
static void test_a_consume_names_its_counter_and_state(void **state)
{
    struct stores_fixture f;
    struct ledger_full_card seen;
    stores_setup(&f, *state);
    ledgers_add_card(&f, f.store, 1);
    ledgers_read(f.store, &f.arena, 1, &seen);
    assert_int_equal(ledgers_issue(f.store, &f.arena, &seen.code, NOW, 300), ERR_OK);
    ledgers_read(f.store, &f.arena, 1, &seen);
    struct ledger_full_card lie = seen;
    lie.code.issue_n = 2;
    assert_int_equal(ledgers_consume(f.store, &f.arena, &lie, 1, NOW), STORE_ERR_CONFLICT);
    struct ledger_code cancelled = seen.code;
    assert_true(ledger_code_apply(&cancelled, LEDGER_EVENT_CANCEL, &(struct ledger_code_change){.at = NOW}));
    struct ledger_unit unit = unit_of(&f, 1);
    ledger_put_code(&unit, &seen.code, &cancelled, LEDGER_UPDATE);
    assert_int_equal(ledger_unit_run(&unit, f.store), ERR_OK);
    lie = seen;
    lie.code.version++; /* the version of the cancelled row, the state of the one before */
    assert_int_equal(ledgers_consume(f.store, &f.arena, &lie, 2, NOW), STORE_ERR_CONFLICT);
    stores_teardown(&f);
}

static void test_everything_an_authorisation_may_change_is_written(void **state)
{
    struct stores_fixture f;
    struct ledger_full_card before, after;
    stores_setup(&f, *state);
    ledgers_add_card(&f, f.store, 1);
    ledgers_read(f.store, &f.arena, 1, &before);
    struct ledger_code next = before.code;
    struct ledger_code_put filled;
    ledgers_fill(&ledger_shape_code_put, &filled);
    next = filled.after;
    memcpy(next.card_id, before.code.card_id, LEDGER_ID);
    next.issue_n = before.code.issue_n; /* what only the issuer changes */
    next.issued_at = before.code.issued_at;
    next.expires_at = before.code.expires_at;
    next.first_display_at = before.code.first_display_at;
    next.last_display_at = before.code.last_display_at;
    struct ledger_unit unit = unit_of(&f, 1);
    ledger_put_code(&unit, &before.code, &next, LEDGER_UPDATE);
    assert_int_equal(ledger_unit_run(&unit, f.store), ERR_OK);
    ledgers_read(f.store, &f.arena, 1, &after);
    next.version = before.code.version + 1;
    assert_memory_equal(&after.code, &next, sizeof next);
    stores_teardown(&f);
}

/* ---- accounts, clients, outbox ---- */

static void test_accounts_are_guarded_by_version(void **state)
{
    struct stores_fixture f;
    struct ledger_full_card card;
    struct ledger_account account;
    stores_setup(&f, *state);
    ledgers_add_card(&f, f.store, 1);
    ledgers_read(f.store, &f.arena, 1, &card);
    card.account.held = 5;
    card.account.day = 20000;
    card.account.day_amount = 5;
    card.account.day_count = 1;
    struct ledger_unit put = unit_of(&f, 1);
    ledger_put_account(&put, &card.account);
    assert_int_equal(ledger_unit_run(&put, f.store), ERR_OK);
    assert_int_equal(store_run(f.store, &put.batch), STORE_ERR_CONFLICT);
    struct ledger_unit get = unit_of(&f, 1);
    (void)ledger_get_account(&get, card.account.account_id);
    assert_int_equal(ledger_unit_run(&get, f.store), ERR_OK);
    assert_true(ledger_take_account(&get, 0, &account));
    card.account.version++;
    assert_memory_equal(&account, &card.account, sizeof account);
    stores_teardown(&f);
}

static void test_clients_and_their_keys(void **state)
{
    struct stores_fixture f;
    struct ledger_client in, out;
    struct ledger_client_key key, found;
    stores_setup(&f, *state);
    ledgers_fill(&ledger_shape_client, &in);
    in.api_key_hash.len = 32;
    ledgers_fill(&ledger_shape_client_key, &key);
    memcpy(key.client_id, in.client_id, sizeof key.client_id);
    key.revoked_at = 0;
    struct ledger_outbox outbox;
    ledgers_fill(&ledger_shape_outbox, &outbox);
    struct ledger_unit put = unit_of(&f, 4);
    ledger_put_client(&put, &in);
    ledger_put_client_key(&put, &key);
    key.not_before++; /* replaced */
    ledger_put_client_key(&put, &key);
    ledger_put_outbox(&put, &outbox);
    assert_int_equal(ledger_unit_run(&put, f.store), ERR_OK);
    struct ledger_unit revoke = unit_of(&f, 1);
    ledger_put_client_key_revoked(&revoke, key.client_id, key.kid, NOW);
    assert_int_equal(ledger_unit_run(&revoke, f.store), ERR_OK);
    assert_int_equal(store_run(f.store, &revoke.batch), STORE_ERR_CONFLICT);
    struct ledger_unit get = unit_of(&f, 3);
    size_t client = ledger_get_client_by_api_key(&get, in.api_key_hash.at);
    size_t keys = ledger_get_client_keys(&get, in.client_id);
    in.api_key_hash.at[0] ^= 1;
    size_t none = ledger_get_client_by_api_key(&get, in.api_key_hash.at);
    in.api_key_hash.at[0] ^= 1;
    assert_int_equal(ledger_unit_run(&get, f.store), ERR_OK);
    assert_true(ledger_take_client(&get, client, &out));
    assert_memory_equal(&out, &in, sizeof in);
    assert_int_equal(ledger_found(&get, keys), 1);
    assert_true(ledger_take_client_key(&get, keys, 0, &found));
    key.revoked_at = NOW;
    assert_memory_equal(&found, &key, sizeof key);
    assert_false(ledger_take_client_key(&get, keys, 1, &found));
    assert_false(ledger_take_client(&get, none, &out));
    stores_teardown(&f);
}

static enum err register_as(struct stores_fixture *f, struct ledger_card card, const char *card_id, const char *issuer_id,
                            const char *reference)
{
    struct ledger_unit put;
    snprintf(card.card_id, sizeof card.card_id, "%s", card_id);
    snprintf(card.issuer_id, sizeof card.issuer_id, "%s", issuer_id);
    snprintf(card.reference, sizeof card.reference, "%s", reference);
    arena_reset(&f->arena);
    ledger_unit_begin(&put, 2, &f->arena);
    ledger_put_card(&put, &card);
    return ledger_unit_run(&put, f->store);
}

/* Index, check and look-up have one rule: a number, or a reference, is one card of an issuer; what others have is not seen. */
static void test_a_number_is_one_card_of_an_issuer(void **state)
{
    struct stores_fixture f;
    struct ledger_full_card card;
    stores_setup(&f, *state);
    ledgers_add_card(&f, f.store, 1);
    ledgers_read(f.store, &f.arena, 1, &card);
    assert_int_equal(register_as(&f, card.card, "same-pan", "ISSUER0001", "other"), STORE_ERR_CONFLICT);
    assert_int_equal(register_as(&f, card.card, "all-the-same", "ISSUER0002", card.card.reference), ERR_OK);
    card.card.pan_mac.at[31] ^= 1;
    assert_int_equal(register_as(&f, card.card, "same-reference", "ISSUER0001", card.card.reference), STORE_ERR_CONFLICT);
    card.card.pan_mac.at[31] ^= 1;
    static const char *const issuers[] = {"ISSUER0001", "ISSUER0002", "ISSUER0003"};
    static const char *const ids[] = {"card_1", "all-the-same", ""};
    for (size_t i = 0; i < 3; i++) {
        struct ledger_full_card found;
        struct ledger_unit get = unit_of(&f, 2);
        size_t at[2] = {ledger_get_card_by_pan(&get, issuers[i], card.card.pan_mac.at),
                        ledger_get_card_by_reference(&get, issuers[i], card.card.reference)};
        assert_int_equal(ledger_unit_run(&get, f.store), ERR_OK);
        for (size_t k = 0; k < 2; k++) {
            bool there = ledger_take_card(&get, at[k], &found);
            assert_string_equal(there ? found.card.card_id : "", ids[i]);
        }
    }
    stores_teardown(&f);
}

static void test_a_product_name_is_one_product_of_an_issuer(void **state)
{
    struct stores_fixture f;
    stores_setup(&f, *state);
    struct ledger_product product = {.product_id = "gold", .issuer_id = "ISSUER0001", .version = 1, .tries = 1};
    struct ledger_unit put = unit_of(&f, 1);
    ledger_put_product(&put, &product);
    assert_int_equal(ledger_unit_run(&put, f.store), ERR_OK);
    memcpy(product.issuer_id, "ISSUER0002", sizeof product.issuer_id);
    product.tries = 2;
    put = unit_of(&f, 1);
    ledger_put_product(&put, &product);
    assert_int_equal(ledger_unit_run(&put, f.store), ERR_OK);
    struct ledger_products *cache = NULL;
    assert_int_equal(ledger_products_create(&cache), ERR_OK);
    assert_int_equal(ledger_products_refresh(cache, f.store, &f.arena), ERR_OK);
    assert_int_equal(ledger_products_find(cache, "ISSUER0001", "gold")->tries, 1);
    assert_int_equal(ledger_products_find(cache, "ISSUER0002", "gold")->tries, 2);
    assert_null(ledger_products_find(cache, "ISSUER0003", "gold"));
    ledger_products_destroy(cache);
    stores_teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(test_a_number_is_one_card_of_an_issuer),
        ON_BOTH(test_a_product_name_is_one_product_of_an_issuer),
        ON_BOTH(test_a_full_card_survives_the_trip),
        ON_BOTH(test_products_and_their_cache),
        ON_BOTH(test_a_card_is_registered_once),
        ON_BOTH(test_a_card_without_account),
        ON_BOTH(test_a_display_is_a_conditional_write),
        ON_BOTH(test_same_until_expiry_changes_the_display_time_alone),
        ON_BOTH(test_a_code_is_used_once),
        ON_BOTH(test_a_consume_names_its_counter_and_state),
        ON_BOTH(test_everything_an_authorisation_may_change_is_written),
        ON_BOTH(test_accounts_are_guarded_by_version),
        ON_BOTH(test_clients_and_their_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
