/* SPDX-License-Identifier: Apache-2.0 */
/* A ledger whose rows were made by schemas 4 and 6: repeats keep their answers, reversals find their originals, and what was
 * reversed before it arrived is still declined. Cards keep their names and are found with their issuer. */
#include "ledger/enrol.h"
#include "support/ledgers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { STEPS_MAX = 64, FORMER = 4, NEWER = 6 };
#define MAC "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"

/* Keys as schema 4 made them: the parts of a message, a length before each; of a tombstone the first five. */
#define ORIGINAL(de11_) "\004visa\0040100\0120101000000\006" de11_ "\0011"
#define BYTES(text_) "CAST('" text_ "' AS {bytes})"
#define OTHER_MAC "BBCDEFGHIJKLMNOPQRSTUVWXYZ012345"
#define THIRD_MAC "CBCDEFGHIJKLMNOPQRSTUVWXYZ012345"
#define REVERSAL(id_, mac_) \
    "INSERT INTO auth (auth_id, link_id, mti_class, pan_mac, decided_at) VALUES ('" id_ "', 'visa', '0400', " BYTES(mac_) ", 7)"

/* Schema 6: a second key, of the original, which ends with the card; a reversal has one key twice. */
#define CARD(mac_) "\020" mac_
#define HALF "ABCDEFGHIJKLMNOP"
#define AUTH6(id_, class_, de11_)                                                                                             \
    "INSERT INTO auth (auth_id, link_id, mti_class, de7, de11, de32, de37, de41, de42, card_id, pan_mac, de38, received_at) " \
    "VALUES ('" id_ "', 'visa-b', '" class_ "', '0101000000', '" de11_                                                        \
    "', '0001', '1', 'T', 'M', 'card_1', " BYTES(MAC) ", 'A', 2)"
#define MESSAGE6(class_, de11_) "\006visa-b\004" class_ "\0120101000000\006" de11_ "\0011\0011\001T\001M"
#define IDEM6(key_, original_, id_, at_)                                                                                     \
    "INSERT INTO idem (message_key, original_key, auth_id, created_at) VALUES (" BYTES(key_) ", " BYTES(original_) ", '" id_ \
                                                                                                                   "', " at_ ")"

static const struct store_migration rows[] = {
    {FORMER, "INSERT INTO idem (message_key, fingerprint, answer, auth_id, created_at) VALUES "
             "(" BYTES(ORIGINAL("000001") "\0011\001T\001M") ", " BYTES("f") ", " BYTES("00ABCDEFM") ", 'auth_1', 1)"},
    {FORMER,
     "INSERT INTO auth (auth_id, link_id, mti_class, de7, de11, de32, de37, de41, de42, card_id, pan_mac, amount, "
     "de39, de38, received_at) VALUES ('auth_1', 'visa', '0100', '0101000000', '000001', '1', '1', 'T', 'M', 'card_1', " BYTES(
         MAC) ", 100, '00', 'ABCDEF', 1)"},
    {FORMER, "INSERT INTO card (card_id, account_id, pan_mac) VALUES ('card_1', 'a', " BYTES(MAC) ")"},
    {FORMER, "INSERT INTO account (account_id) VALUES ('a')"},
    {FORMER, "INSERT INTO hold (auth_id, account_id, amount, state) VALUES ('auth_1', 'a', 100, 'open')"},
    {FORMER, "INSERT INTO tombstone (original_key, created_at) VALUES (" BYTES(ORIGINAL("000002")) ", 7)"},
    {FORMER, REVERSAL("auth_2", MAC)}, /* two reversals of one batch, and one of them twice */
    {FORMER, REVERSAL("auth_3", MAC)},
    {FORMER, REVERSAL("auth_4", OTHER_MAC)},
    {FORMER, "INSERT INTO tombstone (original_key, created_at) VALUES (" BYTES(ORIGINAL("000004")) ", 7)"},
    {NEWER, IDEM6(MESSAGE6("0100", "000005"), ORIGINAL("000005") CARD(HALF), "auth_5", "8")},
    {NEWER, AUTH6("auth_5", "0100", "000005")},
    {NEWER, "INSERT INTO hold (auth_id, account_id, amount, state) VALUES ('auth_5', 'a', 100, 'open')"},
    {NEWER, IDEM6(MESSAGE6("0400", "000006"), MESSAGE6("0400", "000006"), "auth_6", "9")},
    {NEWER, AUTH6("auth_6", "0400", "000006")},
    {NEWER, IDEM6("tombstone", ORIGINAL("000007") CARD(HALF), "", "9")},
};
enum { ROWS = sizeof rows / sizeof rows[0] };

#define CARD_OF(id_, issuer_, mac_, bin8_)                                                                            \
    "INSERT INTO card (status, card_id, issuer_id, product_id, pan_mac, bin8) VALUES ('active', '" id_ "', '" issuer_ \
    "', 'p', " BYTES(mac_) ", '" bin8_ "')"
static const struct store_migration one_issuer[] = {
    {NEWER, "INSERT INTO product (product_id, issuer_id, version, tries, mode, static_policy, regenerate, absent_policy, "
            "malformed_policy, standin) VALUES ('p', 'BANK000001', 3, 7, 'static', 'off', 'replace', 'rules', 'rules', 'decline')"},
    {NEWER, CARD_OF("c1", "BANK000001", MAC, "41111111")},
    {NEWER, CARD_OF("c2", "BANK000001", OTHER_MAC, "52222222")},
    {NEWER, "INSERT INTO card_code (card_id, issue_n) SELECT card_id, 5 FROM card"},
};
static const struct store_migration two_issuers[] = {
    {NEWER, "INSERT INTO client (client_id, issuer_id) VALUES ('x', 'BANK000003')"},
    {NEWER, CARD_OF("c1", "BANK000001", MAC, "41111111")},
    {NEWER, CARD_OF("c2", "BANK000001", OTHER_MAC, "41111111")},
    {NEWER, CARD_OF("c3", "BANK000002", THIRD_MAC, "52222222")},
    {NEWER, CARD_OF("c4", "BANK000002", "DBCDEFGHIJKLMNOPQRSTUVWXYZ012345", "63333333")},
    {NEWER, CARD_OF("c5", "BANK000001", "EBCDEFGHIJKLMNOPQRSTUVWXYZ012345", "63333333")},
};

/* Two issuers with more BINs than there may be ranges. BANK000002 has two cards in its only one. */
static const struct store_migration many_bins[] = {
    {NEWER, CARD_OF("c1", "BANK000002", MAC, "52222222")},
    {NEWER, CARD_OF("c2", "BANK000002", OTHER_MAC, "52222222")},
    {NEWER, "INSERT INTO card (status, card_id, issuer_id, product_id, pan_mac, bin8) WITH RECURSIVE n (i) AS (SELECT 10000000 "
            "UNION ALL SELECT i + 1 FROM n WHERE i < 10001100) SELECT 'active', 'n' || CAST(i AS TEXT), 'BANK000001', 'p', "
            "CAST(CAST(i AS TEXT) AS {bytes}), CAST(i AS TEXT) FROM n"},
};

/* Each row is written when the step of its version is done; then come the steps after schema 6. */
static void upgraded_with(struct stores_fixture *f, const struct stores_driver *driver, const struct store_migration *more,
                          size_t count)
{
    static struct store_migration step[STEPS_MAX + ROWS];
    const struct store_migration *all = ledger_set.migration;
    struct store_set former = {.name = ledger_set.name, .migration = step};
    size_t next = 0;
    for (size_t i = 0; i < ledger_set.migration_count && all[i].version <= NEWER; i++) {
        assert_true(former.migration_count + count < STEPS_MAX + ROWS);
        step[former.migration_count++] = all[i];
        while (all[i + 1].version > all[i].version && next < count && more[next].version == all[i].version)
            step[former.migration_count++] = more[next++];
    }
    assert_int_equal(next, count);
    stores_setup_as(f, driver, &former);
    int64_t version = 0;
    assert_int_equal(store_schema_version(f->store, &ledger_set, &version), ERR_OK);
    assert_int_equal(version, NEWER);
    assert_int_equal(store_migrate(f->store, &ledger_set), ERR_OK);
}

static void upgraded(struct stores_fixture *f, const struct stores_driver *driver)
{
    upgraded_with(f, driver, rows, ROWS);
}

static struct ledger_message_id message(const char *de11, const char *mac)
{
    return (struct ledger_message_id){"visa", "0100", "0101000000", de11, "1", "1", "T", "M", (const uint8_t *)mac, "visa"};
}

static struct ledger_message ask(struct stores_fixture *f, const struct ledger_message_id *id)
{
    struct ledger_message out;
    struct ledger_unit unit;
    ledger_unit_begin(&unit, 1, &f->arena);
    size_t at = ledger_get_message(&unit, id);
    assert_int_equal(ledger_unit_run(&unit, f->store), ERR_OK);
    assert_true(ledger_take_message(&unit, at, &out));
    return out;
}

static void test_a_repeat_keeps_its_answer(void **state)
{
    struct stores_fixture f;
    upgraded(&f, *state);
    const struct ledger_message_id id = message("000001", MAC);
    struct ledger_message found = ask(&f, &id);
    assert_true(found.stored);
    assert_string_equal(found.idem.auth_id, "auth_1");
    assert_int_equal(found.idem.answer.len, 9);
    assert_memory_equal(found.idem.answer.at, "00ABCDEFM", 9);
    assert_false(found.tombstone || found.reversed);
    stores_teardown(&f);
}

static void test_a_tombstone_still_declines(void **state)
{
    struct stores_fixture f;
    upgraded(&f, *state);
    const struct ledger_message_id late = message("000002", MAC), other = message("000003", MAC);
    const struct ledger_message_id card = message("000002", THIRD_MAC), batch = message("000004", OTHER_MAC);
    assert_true(ask(&f, &late).tombstone);
    assert_true(ask(&f, &batch).tombstone);
    assert_false(ask(&f, &other).tombstone);
    assert_false(ask(&f, &card).tombstone);
    struct ledger_unit purge;
    ledger_unit_begin(&purge, 1, &f.arena);
    ledger_put_retention(&purge, 8);
    assert_int_equal(ledger_unit_run(&purge, f.store), ERR_OK);
    assert_false(ask(&f, &late).tombstone);
    stores_teardown(&f);
}

static void test_rows_of_schema_6(void **state)
{
    struct stores_fixture f;
    upgraded(&f, *state);
    struct ledger_message_id id = {"visa-b", "0100", "0101000000", "000005", "1", "1", "T", "M", (const uint8_t *)MAC, "visa"};
    struct ledger_message found = ask(&f, &id);
    assert_true(found.stored);
    assert_string_equal(found.idem.auth_id, "auth_5");
    id.link_id = "visa"; /* another link of the network: another message of the same original */
    found = ask(&f, &id);
    assert_false(found.stored || found.tombstone);
    assert_int_equal(found.sibling, 1);
    id = (struct ledger_message_id){"visa-b", "0400", "0101000000", "000006", "1", "1", "T", "M", NULL, "visa"};
    assert_true(ask(&f, &id).stored);
    id.de37 = "2";
    assert_false(ask(&f, &id).stored);
    id = message("000007", MAC);
    assert_true(ask(&f, &id).tombstone);
    id = message("000007", OTHER_MAC);
    assert_false(ask(&f, &id).tombstone);
    stores_teardown(&f);
}

/* The stored answers are gone: the chain of the account leads to it. */
static void test_the_chain_leads_to_the_original(void **state)
{
    struct stores_fixture f;
    struct ledger_original original;
    upgraded(&f, *state);
    struct ledger_unit unit;
    ledger_unit_begin(&unit, 2, &f.arena);
    ledger_put_retention(&unit, 100);
    const struct ledger_message_id id = {"", "0100", "0101000000", "000001", "1", "", "", "", (const uint8_t *)MAC, "visa"};
    size_t at = ledger_get_originals(&unit, &(struct ledger_original_of){&id, true, "", "", "", 0});
    assert_int_equal(ledger_unit_run(&unit, f.store), ERR_OK);
    assert_int_equal(ledger_found(&unit, at), 1);
    assert_true(ledger_take_original(&unit, at, 0, &original));
    assert_string_equal(original.auth.auth_id, "auth_1");
    stores_teardown(&f);
}

static void test_a_reversal_finds_its_original(void **state)
{
    struct stores_fixture f;
    upgraded(&f, *state);
    const struct ledger_message_id id = {"", "0100", "0101000000", "000001", "1", "", "", "", (const uint8_t *)MAC, "visa"};
    const struct ledger_original_of of = {&id, true, "", "", "", 0};
    struct ledger_original original;
    struct ledger_unit unit;
    ledger_unit_begin(&unit, 1, &f.arena);
    size_t at = ledger_get_originals(&unit, &of);
    assert_int_equal(ledger_unit_run(&unit, f.store), ERR_OK);
    assert_true(ledger_take_original(&unit, at, 0, &original));
    assert_string_equal(original.auth.auth_id, "auth_1");
    assert_int_equal(original.hold.amount, 100);
    stores_teardown(&f);
}

/* ---- issuers ---- */

static struct ledger_issuers table;
static struct ledger_range range[LEDGER_RANGES_MAX];

static const char *owner(const char *pan)
{
    const struct ledger_issuer *issuer = ledger_issuers_of(&table, span_text(pan));
    return issuer ? issuer->issuer_id : "nobody";
}

/* It had all numbers before, and has them afterwards. */
static void test_the_only_issuer_keeps_all_numbers(void **state)
{
    struct stores_fixture f;
    upgraded_with(&f, *state, one_issuer, sizeof one_issuer / sizeof one_issuer[0]);
    assert_int_equal(ledger_issuers_load(f.store, &f.arena, &table, range), ERR_OK);
    assert_int_equal(table.count, 1);
    assert_string_equal(table.row[0].timezone, "UTC");
    assert_int_equal(table.row[0].reversal_days, 30);
    assert_string_equal(owner("000000000000"), "BANK000001");
    assert_string_equal(owner("9999999999999999999"), "BANK000001");
    struct ledger_full_card card;
    struct ledger_product product;
    struct ledger_unit unit;
    ledger_unit_begin(&unit, 3, &f.arena);
    size_t by_pan = ledger_get_card_by_pan(&unit, "BANK000001", (const uint8_t *)MAC);
    size_t by_name = ledger_get_card_by_reference(&unit, "BANK000001", "c2");
    size_t gold = ledger_get_product(&unit, "BANK000001", "p");
    assert_int_equal(ledger_unit_run(&unit, f.store), ERR_OK);
    assert_true(ledger_take_card(&unit, by_pan, &card));
    assert_string_equal(card.card.card_id, "c1");
    assert_string_equal(card.card.reference, "c1");
    assert_int_equal(card.code.issue_n, 5);
    assert_int_equal(card.product_version, 3);
    assert_true(ledger_take_card(&unit, by_name, &card));
    assert_string_equal(card.card.card_id, "c2");
    assert_true(ledger_take_product(&unit, gold, &product));
    assert_int_equal(product.tries, 7);
    assert_int_equal(product.version, 3);
    stores_teardown(&f);
}

/* The eight digits that stand beside a card say whose they are; where two issuers have them, nobody gets them. */
static void test_issuers_get_the_numbers_of_their_cards(void **state)
{
    struct stores_fixture f;
    upgraded_with(&f, *state, two_issuers, sizeof two_issuers / sizeof two_issuers[0]);
    assert_int_equal(ledger_issuers_load(f.store, &f.arena, &table, range), ERR_OK);
    assert_int_equal(table.count, 3);
    assert_int_equal(table.ranges, 2);
    assert_string_equal(owner("4111111199999999"), "BANK000001");
    assert_string_equal(owner("411111110000"), "BANK000001");
    assert_string_equal(owner("4111111299999999"), "nobody");
    assert_string_equal(owner("5222222200000000"), "BANK000002");
    assert_string_equal(owner("6333333300000000"), "nobody");
    stores_teardown(&f);
}

static void test_more_numbers_than_ranges(void **state)
{
    struct stores_fixture f;
    upgraded_with(&f, *state, many_bins, sizeof many_bins / sizeof many_bins[0]);
    assert_int_equal(ledger_issuers_load(f.store, &f.arena, &table, range), ERR_OK);
    assert_int_equal(table.ranges, LEDGER_RANGES_MAX);
    assert_string_equal(owner("5222222200000000"), "BANK000002"); /* where most cards are */
    assert_string_equal(owner("1000000000000000"), "BANK000001");
    assert_string_equal(owner("1000110000000000"), "nobody");
    stores_teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(test_a_repeat_keeps_its_answer),
        ON_BOTH(test_a_tombstone_still_declines),
        ON_BOTH(test_rows_of_schema_6),
        ON_BOTH(test_a_reversal_finds_its_original),
        ON_BOTH(test_the_chain_leads_to_the_original),
        ON_BOTH(test_the_only_issuer_keeps_all_numbers),
        ON_BOTH(test_issuers_get_the_numbers_of_their_cards),
        ON_BOTH(test_more_numbers_than_ranges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
