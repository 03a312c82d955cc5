/* SPDX-License-Identifier: Apache-2.0 */
#include "support/till.h"

#include "support/postgres.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct lab till_lab;
uint64_t till_trace = 1;

static void open_on(const char *url, const char *layout)
{
    lab_open(&till_lab, NULL, url);
    if (layout)
        lab_layout(&till_lab, layout);
    struct ledger_product p = lab_product("static", LEDGER_STATIC);
    lab_put_product(&till_lab, &p);
    p = lab_product("one-time", LEDGER_ONE_TIME);
    lab_put_product(&till_lab, &p);
    p = lab_product("window", LEDGER_TIME_WINDOW);
    lab_put_product(&till_lab, &p);
    p = lab_product("parallel", LEDGER_ONE_TIME);
    p.static_policy = LEDGER_STATIC_ALLOWED;
    p.plan_parallel = true;
    lab_put_product(&till_lab, &p);
    lab_put_cards(&till_lab, "static", TILL_STATIC, TILL_CARDS_EACH, 100000);
    lab_put_cards(&till_lab, "one-time", TILL_ONE_TIME, TILL_CARDS_EACH, 100000);
    lab_put_cards(&till_lab, "window", TILL_WINDOW, TILL_CARDS_EACH, 100000);
    lab_put_cards(&till_lab, "parallel", TILL_PARALLEL, TILL_CARDS_EACH, 100000);
    lab_hsm_start(&till_lab);
    lab_switch_start(&till_lab);
}

int till_open(void **state)
{
    (void)state;
    open_on(NULL, NULL);
    return 0;
}

int till_open_postgres(void **state)
{
    char url[256];
    struct buf text = buf_over(url, sizeof url);
    (void)state;
    postgres_fresh(&text);
    open_on(url, NULL);
    return 0;
}

void till_open_url(const char *url)
{
    open_on(url, NULL);
}

void till_open_layout(const char *layout)
{
    open_on(NULL, layout);
}

int till_close(void **state)
{
    bool orderly = lab_switch_stop(&till_lab);

    (void)state;
    lab_close(&till_lab);
    return orderly ? 0 : 1;
}

void till_expect(const struct iso8583_message *answer, int link, const char *de39, char letter)
{
    struct span code = iso8583_get(answer, ISO8583_RESPONSE);

    if (!span_is(code, de39))
        print_error("DE39 %.*s, not %s\n", (int)code.len, code.at, de39);
    assert_true(span_is(code, de39));
    assert_int_equal(iso8583_result_read(link == LAB_EFTPOS ? ISO8583_RESULT_NONE : ISO8583_RESULT_44_10, answer), letter);
    assert_int_equal(iso8583_has(answer, ISO8583_APPROVAL), strcmp(de39, "00") == 0 || strcmp(de39, "85") == 0);
}

/* One request of card `n`, its answer checked. */
void till_pay(int link, size_t n, int64_t amount, const char *code, const char *de39, char letter)
{
    struct iso8583_message request;
    lab_request(&request, link, n, till_trace++, amount, code);
    struct iso8583_message answer;
    lab_call(&till_lab, link, &request, &answer);
    assert_int_equal(answer.mti, ISO8583_AUTHORISATION_ANSWER);
    assert_true(span_equal(iso8583_get(&request, ISO8583_STAN), iso8583_get(&answer, ISO8583_STAN)));
    assert_false(iso8583_has(&answer, ISO8583_CODE));
    till_expect(&answer, link, de39, letter);
}

void till_wrong(const char *code, char out[static 4])
{
    memcpy(out, code, 4);
    out[2] = (char)('0' + (out[2] - '0' + 1) % 10);
}
