/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One code, one approval: 100,000 concurrent uses of 1,000 one-time codes over 32 connections to two switches that share a ledger.
 * The same oracle must find the double use when the consume has lost its condition (build/countersign-planted).
 */
#include "support/lab.h"
#include "support/postgres.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { CONNECTIONS = 32, WINDOW = 16, USES = 100, CODES_MAX = 1000 };

struct attack {
    char code[CODES_MAX][3];
    unsigned approved[CODES_MAX];
    unsigned unavailable;
    unsigned other;
};

/* Uses of one code follow each other, so that all connections have it in flight at once. */
static size_t frame_of(void *context, size_t i, uint8_t *out, size_t cap)
{
    const struct attack *a = context;
    char code[4] = {0};
    memcpy(code, a->code[i / USES], 3);
    struct iso8583_message m;
    lab_request(&m, LAB_VISA, 1 + i / USES, i, 100, code);
    return lab_frame(LAB_VISA, &m, out, cap);
}

static void answer_of(void *context, size_t i, const struct iso8583_message *answer)
{
    struct attack *a = context;
    struct span de39 = iso8583_get(answer, ISO8583_RESPONSE);

    if (span_is(de39, "00"))
        a->approved[i / USES]++;
    else if (span_is(de39, "96") || span_is(de39, "91"))
        a->unavailable++;
    else if (!span_is(de39, "N7"))
        a->other++;
}

/* Codes whose reference was approved more than once, by the ledger; `approvals` counts all. */
static size_t ledger_doubles(struct lab *lab, size_t *approvals)
{
    struct store_op op = {.row = LEDGER_ROW(AUTH_APPROVED_CODES)};
    struct store_batch batch = {.op = &op, .count = 1, .arena = &lab->arena};
    size_t doubles = 0;

    *approvals = 0;
    assert_int_equal(store_run(lab->store, &batch), ERR_OK);
    for (size_t i = 0; i < op.rows.count; i++) {
        doubles += store_cell_int(&op.rows, i, 2) > 1;
        *approvals += (size_t)store_cell_int(&op.rows, i, 2);
    }
    arena_reset(&lab->arena);
    return doubles;
}

static size_t attack(const char *url, bool planted, size_t codes, struct attack *a, size_t *approvals)
{
    struct lab lab;
    struct ledger_product product = lab_product("one-time", LEDGER_ONE_TIME);
    struct lab_load load = {.link = LAB_VISA,
                            .connections = CONNECTIONS,
                            .window = WINDOW,
                            .count = codes * USES,
                            .frame = frame_of,
                            .answer = answer_of,
                            .context = a};
    size_t doubles;
    int64_t held = 0;

    lab_open(&lab, planted ? "build/countersign-planted" : NULL, url);
    lab.nodes = 2;
    lab_put_product(&lab, &product);
    lab_put_cards(&lab, "one-time", 1, codes, 1000000);
    lab_issue_many(&lab, 1, codes);
    lab_hsm_start(&lab);
    lab_switch_start(&lab);
    lab_codes_many(&lab, 1, codes, true, a->code[0]);
    (void)printf("%zu uses in %.1f s\n", load.count, (double)lab_load_run(&lab, &load) / 1e9);
    assert_true(lab_switch_stop(&lab));
    doubles = ledger_doubles(&lab, approvals);
    for (size_t i = 0; i < codes; i++) {
        struct ledger_full_card card;

        lab_read(&lab, 1 + i, &card);
        held += card.account.held;
    }
    assert_int_equal(held, planted ? held : (int64_t)*approvals * 100);
    lab_close(&lab);
    return doubles;
}

static void once_each(const char *url, size_t codes)
{
    struct attack *a = calloc(1, sizeof *a);
    size_t approvals = 0;

    assert_non_null(a);
    assert_int_equal(attack(url, false, codes, a, &approvals), 0);
    (void)printf("%zu approvals, %u unavailable\n", approvals, a->unavailable);
    assert_int_equal(approvals, codes);
    for (size_t i = 0; i < codes; i++)
        assert_int_equal(a->approved[i], 1);
    assert_int_equal(a->other, 0);
    assert_int_equal(a->unavailable, 0);
    free(a);
}

static void each_code_is_approved_once(void **state)
{
    (void)state;
    once_each(NULL, CODES_MAX);
}

static void each_code_is_approved_once_on_postgres(void **state)
{
    char url[256];
    struct buf text = buf_over(url, sizeof url);
    (void)state;
    postgres_fresh(&text);
    once_each(url, 200);
}

static void a_dropped_condition_is_found(void **state)
{
    struct attack *a = calloc(1, sizeof *a);
    size_t approvals = 0;
    (void)state;
    assert_non_null(a);
    size_t doubles = attack(NULL, true, CODES_MAX, a, &approvals);
    (void)printf("%zu approvals of %d codes, %zu codes used twice or more\n", approvals, CODES_MAX, doubles);
    assert_true(doubles > 0);
    free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_code_is_approved_once),
        cmocka_unit_test(each_code_is_approved_once_on_postgres),
        cmocka_unit_test(a_dropped_condition_is_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
