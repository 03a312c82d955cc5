/* SPDX-License-Identifier: Apache-2.0 */
/* A ledger whose rows were made by schema 4: repeats keep their answers, reversals find their originals, and what was reversed
 * before it arrived is still declined. */
#include "support/ledgers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { STEPS_MAX = 64, FORMER = 4 };
#define MAC "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"

/* Keys as schema 4 made them: the parts of a message, a length before each; of a tombstone the first five. */
#define ORIGINAL(de11_) "\004visa\0040100\0120101000000\006" de11_ "\0011"
#define BYTES(text_) "CAST('" text_ "' AS {bytes})"
#define OTHER_MAC "BBCDEFGHIJKLMNOPQRSTUVWXYZ012345"
#define THIRD_MAC "CBCDEFGHIJKLMNOPQRSTUVWXYZ012345"
#define REVERSAL(id_, mac_) \
    "INSERT INTO auth (auth_id, link_id, mti_class, pan_mac, decided_at) VALUES ('" id_ "', 'visa', '0400', " BYTES(mac_) ", 7)"

static const struct store_migration rows[] = {
    {FORMER, "INSERT INTO idem (message_key, fingerprint, answer, auth_id, created_at) VALUES "
             "(" BYTES(ORIGINAL("000001") "\0011\001T\001M") ", " BYTES("f") ", " BYTES("00ABCDEFM") ", 'auth_1', 1)"},
    {FORMER, "INSERT INTO auth (auth_id, link_id, mti_class, de7, de11, de32, de37, de41, de42, pan_mac, amount, de39, de38, "
             "received_at) VALUES ('auth_1', 'visa', '0100', '0101000000', '000001', '1', '1', 'T', 'M', " BYTES(
                 MAC) ", 100, '00', 'ABCDEF', 1)"},
    {FORMER, "INSERT INTO hold (auth_id, account_id, amount, state) VALUES ('auth_1', 'a', 100, 'open')"},
    {FORMER, "INSERT INTO tombstone (original_key, created_at) VALUES (" BYTES(ORIGINAL("000002")) ", 7)"},
    {FORMER, REVERSAL("auth_2", MAC)}, /* two reversals of one batch, and one of them twice */
    {FORMER, REVERSAL("auth_3", MAC)},
    {FORMER, REVERSAL("auth_4", OTHER_MAC)},
    {FORMER, "INSERT INTO tombstone (original_key, created_at) VALUES (" BYTES(ORIGINAL("000004")) ", 7)"},
};
enum { ROWS = sizeof rows / sizeof rows[0] };

/* Schema 4 with these rows, then the newest. */
static void upgraded(struct stores_fixture *f, const struct stores_driver *driver)
{
    static struct store_migration step[STEPS_MAX + ROWS];
    struct store_set former = {.name = ledger_set.name, .migration = step};
    while (ledger_set.migration[former.migration_count].version <= FORMER) {
        assert_true(former.migration_count < STEPS_MAX);
        step[former.migration_count] = ledger_set.migration[former.migration_count];
        former.migration_count++;
    }
    memcpy(step + former.migration_count, rows, sizeof rows);
    former.migration_count += ROWS;
    stores_setup_as(f, driver, &former);
    int64_t version = 0;
    assert_int_equal(store_schema_version(f->store, &ledger_set, &version), ERR_OK);
    assert_int_equal(version, FORMER);
    assert_int_equal(store_migrate(f->store, &ledger_set), ERR_OK);
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

static void test_a_reversal_finds_its_original(void **state)
{
    struct stores_fixture f;
    upgraded(&f, *state);
    const struct ledger_original_of of = {(const uint8_t *)MAC, true, "0100", "0101000000", "000001", "", "", "", 0};
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(test_a_repeat_keeps_its_answer),
        ON_BOTH(test_a_tombstone_still_declines),
        ON_BOTH(test_a_reversal_finds_its_original),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
