/* SPDX-License-Identifier: Apache-2.0 */
/* Which authorisation a reversal means and how much it gives back, against real processes, on both stores. Expected behaviour:
 * switch.md 8. */
#include "support/till.h"

#include "store/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* An approved authorisation of a static card. */
static void pay(size_t n, int64_t amount, const char *terminal, struct iso8583_message *request, struct iso8583_message *answer)
{
    char code[4];
    lab_code_static(&till_lab, n, code);
    lab_request(request, LAB_VISA, n, till_trace++, amount, code);
    if (terminal)
        iso8583_set_text(request, ISO8583_TERMINAL, terminal);
    lab_call(&till_lab, LAB_VISA, request, answer);
    till_expect(answer, LAB_VISA, "00", 'M');
}

/* A second one with the numbers of the first, as another terminal of the acquirer may send it. */
static void pay_alike(size_t n, int64_t amount, const struct iso8583_message *first, const char *terminal,
                      struct iso8583_message *request)
{
    char code[4];
    struct iso8583_message answer;
    lab_code_static(&till_lab, n, code);
    lab_request(request, LAB_VISA, n, till_trace++, amount, code);
    iso8583_copy(request, first, ISO8583_STAN);
    iso8583_set_text(request, ISO8583_TERMINAL, terminal);
    lab_call(&till_lab, LAB_VISA, request, &answer);
    till_expect(&answer, LAB_VISA, "00", 'M');
}

static void reversal_of(const struct iso8583_message *original, struct iso8583_message *m)
{
    iso8583_message_init(m, ISO8583_REVERSAL);
    for (unsigned f = 2; f < ISO8583_FIELDS; f++)
        if (iso8583_need(&iso8583_profile_visa_base1, ISO8583_REVERSAL, f) != '-')
            iso8583_copy(m, original, f);
    iso8583_set_decimal(m, ISO8583_STAN, till_trace++ % 1000000, 6);
    assert_int_equal(iso8583_original_write(original, m), ERR_OK);
}

static void expect(const struct iso8583_message *m, const char *de39)
{
    struct iso8583_message answer;
    lab_call(&till_lab, LAB_VISA, m, &answer);
    struct span code = iso8583_get(&answer, ISO8583_RESPONSE);
    if (!span_is(code, de39))
        print_error("DE39 %.*s, not %s\n", (int)code.len, code.at, de39);
    assert_true(span_is(code, de39));
}

static void expect_held(size_t n, int64_t held)
{
    struct ledger_full_card card;
    lab_read(&till_lab, n, &card);
    assert_int_equal(card.account.held, held);
}

static void the_card_decides(void **state)
{
    (void)state;
    struct iso8583_message a, b, reversal, answer;
    pay(1, 1000, "TERM0001", &a, &answer);
    pay_alike(2, 2500, &a, "TERM0002", &b);
    reversal_of(&b, &reversal);
    expect(&reversal, "00");
    expect_held(1, 1000);
    expect_held(2, 0);
}

static void the_terminal_decides(void **state)
{
    (void)state;
    struct iso8583_message a, b, reversal, answer;
    pay(3, 1000, "TERM0001", &a, &answer);
    pay_alike(3, 2500, &a, "TERM0002", &b);
    reversal_of(&b, &reversal);
    expect(&reversal, "00");
    expect_held(3, 1000);
    reversal_of(&a, &reversal);
    expect(&reversal, "00");
    expect_held(3, 0);
}

/* Two that nothing tells apart: neither is given back. */
static void several_are_none(void **state)
{
    (void)state;
    struct iso8583_message a, b, reversal, answer;
    pay(4, 1000, "TERM0001", &a, &answer);
    pay_alike(4, 2500, &a, "TERM0002", &b);
    reversal_of(&b, &reversal);
    iso8583_unset(&reversal, ISO8583_TERMINAL);
    iso8583_unset(&reversal, ISO8583_RRN);
    iso8583_unset(&reversal, ISO8583_APPROVAL);
    expect(&reversal, "25");
    expect_held(4, 3500);
}

static void a_tombstone_is_of_a_card(void **state)
{
    (void)state;
    char code[4];
    struct iso8583_message never, other, reversal, answer;
    lab_code_static(&till_lab, 5, code);
    lab_request(&never, LAB_VISA, 5, till_trace++, 1000, code);
    reversal_of(&never, &reversal);
    expect(&reversal, "00");
    lab_code_static(&till_lab, 6, code);
    lab_request(&other, LAB_VISA, 6, till_trace++, 1000, code);
    iso8583_copy(&other, &never, ISO8583_STAN);
    lab_call(&till_lab, LAB_VISA, &other, &answer);
    till_expect(&answer, LAB_VISA, "00", 'M');
    lab_call(&till_lab, LAB_VISA, &never, &answer);
    till_expect(&answer, LAB_VISA, "05", 0);
    expect_held(5, 0);
    expect_held(6, 1000);
}

/* A second reversal of what never came, under a number of its own, finds the tombstone. */
static void a_tombstone_stands_once(void **state)
{
    (void)state;
    char code[4];
    struct iso8583_message never, reversal, answer;
    lab_code_static(&till_lab, 7, code);
    lab_request(&never, LAB_VISA, 7, till_trace++, 1000, code);
    for (int i = 0; i < 2; i++) {
        reversal_of(&never, &reversal);
        expect(&reversal, "00");
    }
    lab_call(&till_lab, LAB_VISA, &never, &answer);
    till_expect(&answer, LAB_VISA, "05", 0);
    expect_held(7, 0);
}

static void original_text(struct iso8583_message *m, size_t at, const char *text)
{
    char field[43] = {0};
    memcpy(field, iso8583_get(m, ISO8583_ORIGINAL).at, 42);
    memcpy(field + at, text, strlen(text));
    iso8583_set_text(m, ISO8583_ORIGINAL, field);
}

static void the_class_is_part_of_the_key(void **state)
{
    (void)state;
    struct iso8583_message a, reversal, answer;
    pay(8, 1000, NULL, &a, &answer);
    reversal_of(&a, &reversal);
    original_text(&reversal, 0, "0200");
    expect(&reversal, "00"); /* of a 0200 that has not come */
    expect_held(8, 1000);
    reversal_of(&a, &reversal);
    original_text(&reversal, 0, "0101"); /* a repeat is the same message */
    expect(&reversal, "00");
    expect_held(8, 0);
}

/* DE90 with parts of zeros: by DE37, then by DE41 and DE38, otherwise 25. */
static void parts_of_zeros(void **state)
{
    static const struct {
        size_t at;
        const char *zeros;
    } parts[] = {{0, "0000"}, {4, "000000"}, {10, "0000000000"}, {20, "00000000000"}, {0, "0000000000000000000000000000000"}};
    (void)state;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        struct iso8583_message a, reversal, answer;
        pay(9, 1000, NULL, &a, &answer);
        reversal_of(&a, &reversal);
        original_text(&reversal, parts[i].at, parts[i].zeros);
        iso8583_unset(&reversal, ISO8583_RRN);
        expect(&reversal, "25");
        expect_held(9, 1000);
        iso8583_set_decimal(&reversal, ISO8583_STAN, till_trace++ % 1000000, 6);
        if (i % 2 == 0)
            iso8583_copy(&reversal, &a, ISO8583_RRN);
        else
            iso8583_copy(&reversal, &answer, ISO8583_APPROVAL);
        expect(&reversal, "00");
        expect_held(9, 0);
    }
}

static void what_makes_a_repeat(void **state)
{
    (void)state;
    struct iso8583_message a, reversal, answer;
    pay(10, 3000, NULL, &a, &answer);
    reversal_of(&a, &reversal);
    assert_int_equal(iso8583_replacement_write(&reversal, 2000), ERR_OK);
    expect(&reversal, "00");
    expect_held(10, 2000);
    reversal.mti = ISO8583_REVERSAL_REPEAT;
    expect(&reversal, "00");
    expect_held(10, 2000);
    assert_int_equal(iso8583_replacement_write(&reversal, 1000), ERR_OK);
    expect(&reversal, "94");
    iso8583_set_decimal(&reversal, ISO8583_AMOUNT, 2000, 12);
    expect(&reversal, "94");
    expect_held(10, 2000);
}

static void the_amount_of_the_message(void **state)
{
    (void)state;
    struct iso8583_message a, reversal, answer;
    pay(11, 3000, NULL, &a, &answer);
    const struct {
        uint64_t amount;
        const char *de39;
        int64_t held;
    } steps[] = {{0, "13", 3000}, {2000, "00", 1000}, {1001, "13", 1000}, {1000, "00", 0}, {1, "13", 0}};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        reversal_of(&a, &reversal);
        iso8583_set_decimal(&reversal, ISO8583_AMOUNT, steps[i].amount, 12);
        expect(&reversal, steps[i].de39);
        expect_held(11, steps[i].held);
    }
}

static void another_currency(void **state)
{
    (void)state;
    struct iso8583_message a, reversal, answer;
    pay(12, 3000, NULL, &a, &answer);
    reversal_of(&a, &reversal);
    iso8583_set_text(&reversal, ISO8583_CURRENCY, "840");
    expect(&reversal, "12");
    expect_held(12, 3000);
}

/* A part of what the network converted releases that part of the hold, and all of it the whole. */
static void a_part_of_what_was_converted(void **state)
{
    (void)state;
    char code[4];
    struct iso8583_message a, reversal, answer;
    lab_code_static(&till_lab, 13, code);
    lab_request(&a, LAB_VISA, 13, till_trace++, 1000, code);
    iso8583_set_text(&a, ISO8583_CURRENCY, "840");
    iso8583_set_decimal(&a, ISO8583_BILLING_AMOUNT, 1501, 12);
    iso8583_set_text(&a, ISO8583_BILLING_CURRENCY, "036");
    lab_call(&till_lab, LAB_VISA, &a, &answer);
    till_expect(&answer, LAB_VISA, "00", 'M');
    expect_held(13, 1501);
    reversal_of(&a, &reversal);
    iso8583_set_decimal(&reversal, ISO8583_AMOUNT, 500, 12);
    expect(&reversal, "00");
    expect_held(13, 751);
    reversal_of(&a, &reversal);
    iso8583_set_decimal(&reversal, ISO8583_AMOUNT, 500, 12);
    expect(&reversal, "00");
    expect_held(13, 0);
}

static void a_repeat_of_what_was_reversed(void **state)
{
    (void)state;
    struct iso8583_message a, reversal, answer;
    pay(14, 3000, NULL, &a, &answer);
    reversal_of(&a, &reversal);
    expect(&reversal, "00");
    a.mti = ISO8583_AUTHORISATION_REPEAT;
    lab_call(&till_lab, LAB_VISA, &a, &answer);
    till_expect(&answer, LAB_VISA, "05", 0);
    a.mti = ISO8583_AUTHORISATION;
    lab_call(&till_lab, LAB_VISA, &a, &answer);
    till_expect(&answer, LAB_VISA, "05", 0);
    expect_held(14, 0);
}

static void a_repeat_of_what_was_reversed_in_part(void **state)
{
    (void)state;
    struct iso8583_message a, reversal, answer;
    pay(15, 3000, NULL, &a, &answer);
    reversal_of(&a, &reversal);
    assert_int_equal(iso8583_replacement_write(&reversal, 1000), ERR_OK);
    expect(&reversal, "00");
    a.mti = ISO8583_AUTHORISATION_REPEAT;
    lab_call(&till_lab, LAB_VISA, &a, &answer);
    till_expect(&answer, LAB_VISA, "00", 'M');
    expect_held(15, 1000);
}

static void a_reversal_of_a_decline(void **state)
{
    (void)state;
    char code[4], wrong[4];
    struct iso8583_message a, reversal, answer;
    lab_code_static(&till_lab, 16, code);
    till_wrong(code, wrong);
    lab_request(&a, LAB_VISA, 16, till_trace++, 1000, wrong);
    lab_call(&till_lab, LAB_VISA, &a, &answer);
    till_expect(&answer, LAB_VISA, "N7", 'N');
    reversal_of(&a, &reversal);
    expect(&reversal, "00");
    a.mti = ISO8583_AUTHORISATION_REPEAT;
    lab_call(&till_lab, LAB_VISA, &a, &answer);
    till_expect(&answer, LAB_VISA, "N7", 'N');
    expect_held(16, 0);
}

/* ---- the window: days go by in the rows ---- */

static const struct store_row age_row[] = {
    {"AGE_AUTH", STORE_ROW_WRITE, 0, NULL, NULL, NULL, "UPDATE auth SET received_at = received_at - 259200000", ""},
    {"AGE_IDEM", STORE_ROW_WRITE, 0, NULL, NULL, NULL, "DELETE FROM idem", ""},
};
static const struct store_set age_set = {.name = "age", .row = age_row, .count = 2};

/* Three days pass: the idempotency rows are gone. */
static void three_days_pass(void)
{
    static const struct store_set *const sets[] = {&age_set, NULL};
    struct store *store = NULL;
    assert_int_equal(store_open(till_lab.url, &till_lab.env, sets, &store), ERR_OK);
    struct store_op op[] = {{.row = &age_row[0]}, {.row = &age_row[1]}};
    assert_int_equal(store_run(store, &(struct store_batch){.op = op, .count = 2}), ERR_OK);
    store_close(store);
}

static void days_later(void **state)
{
    (void)state;
    struct iso8583_message a, b, reversal, answer;
    pay(17, 1000, NULL, &a, &answer);
    pay(18, 1000, NULL, &b, &answer);
    for (int i = 0; i < 9; i++)
        three_days_pass();
    reversal_of(&a, &reversal);
    expect(&reversal, "00");
    expect_held(17, 0);
    three_days_pass();
    reversal_of(&b, &reversal);
    expect(&reversal, "00"); /* a tombstone: what is older than the window is not known */
    expect_held(18, 1000);
}

#define TESTS                                                                                                                    \
    cmocka_unit_test(the_card_decides), cmocka_unit_test(the_terminal_decides), cmocka_unit_test(several_are_none),              \
        cmocka_unit_test(a_tombstone_is_of_a_card), cmocka_unit_test(a_tombstone_stands_once),                                   \
        cmocka_unit_test(the_class_is_part_of_the_key), cmocka_unit_test(parts_of_zeros), cmocka_unit_test(what_makes_a_repeat), \
        cmocka_unit_test(the_amount_of_the_message), cmocka_unit_test(another_currency),                                         \
        cmocka_unit_test(a_part_of_what_was_converted), cmocka_unit_test(a_repeat_of_what_was_reversed),                         \
        cmocka_unit_test(a_repeat_of_what_was_reversed_in_part), cmocka_unit_test(a_reversal_of_a_decline),                      \
        cmocka_unit_test(days_later)

int main(void)
{
    const struct CMUnitTest on_sqlite[] = {TESTS};
    const struct CMUnitTest on_postgres[] = {TESTS};
    int failed = cmocka_run_group_tests(on_sqlite, till_open, till_close);
    return failed + cmocka_run_group_tests(on_postgres, till_open_postgres, till_close);
}
