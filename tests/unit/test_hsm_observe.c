/* SPDX-License-Identifier: Apache-2.0 */
/* What the HSM counts: answers by class, times by bucket, load by band; and how it is printed (Prometheus text format 0.0.4). */
#include "base/metric.h"
#include "hostcmd/error.h"
#include "hsm/hsm.h"
#include "hsm/process/observe.h"
#include "keys/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* ---- a clock of our own ---- */

static int64_t now_us;

static int64_t monotonic(void *context)
{
    (void)context;
    return now_us;
}

static int64_t wall(void *context)
{
    (void)context;
    return 1800000000000 + now_us / 1000;
}

static void no_random(void *context, void *out, size_t len)
{
    (void)context;
    memset(out, 0x5A, len);
}

static const struct env env = {wall, monotonic, no_random, NULL, NULL};

static struct hsm_observe *fresh(int64_t start_us)
{
    struct hsm_observe *o = NULL;
    now_us = start_us;
    assert_int_equal(hsm_observe_create(&env, &o), ERR_OK);
    return o;
}

static void batch(struct hsm_observe *o, enum hostcmd_id id, size_t count, int64_t took_us)
{
    hsm_observe_begin(o);
    for (size_t i = 0; i < count; i++)
        hsm_observe_command(o, id, hostcmd_said(ERR_OK, VERDICT_MATCH));
    now_us += took_us;
    hsm_observe_end(o);
}

static const char *printed(void (*print)(const struct hsm_observe *, struct buf *), const struct hsm_observe *o)
{
    static char room[96 * 1024];
    struct buf out = buf_over(room, sizeof room);
    print(o, &out);
    assert_int_equal(buf_done(&out), ERR_OK);
    return buf_text(&out);
}

static void expect_line(const char *text, const char *line)
{
    char wanted[256];
    (void)snprintf(wanted, sizeof wanted, "\n%s\n", line);
    if (!strstr(text, wanted))
        fail_msg("no line '%s' in\n%s", line, text);
}

/* ---- counting ---- */

static void test_answers(void **state)
{
    (void)state;
    struct hsm_observe *o = fresh(7000000);
    hsm_observe_command(o, HOSTCMD_PM, hostcmd_said(ERR_OK, VERDICT_MATCH));
    hsm_observe_command(o, HOSTCMD_CY, hostcmd_said(ERR_OK, VERDICT_MATCH));
    hsm_observe_command(o, HOSTCMD_CY, hostcmd_said(ERR_OK, VERDICT_MISMATCH));
    hsm_observe_command(o, HOSTCMD_CY, hostcmd_said(HOSTCMD_ERR_FRAUD_DETECTION, VERDICT_MATCH));
    hsm_observe_command(o, HOSTCMD_CY, hostcmd_said(ERR_PARSE_SHORT, VERDICT_MATCH));
    hsm_observe_command(o, HOSTCMD_CY, hostcmd_said(KEYS_ERR_PARITY_SOURCE, VERDICT_MATCH));
    hsm_observe_command(o, HOSTCMD_A0, hostcmd_said(ERR_NOT_AUTHORISED, VERDICT_MATCH));
    hsm_observe_command(o, HOSTCMD_PM, hostcmd_said(HOSTCMD_ERR_INTERNAL, VERDICT_MATCH));
    assert_int_equal(hsm_observe_started_ms(o), 1800000007000);
    assert_int_equal(hsm_observe_count(o, HOSTCMD_CY), 5);
    assert_int_equal(hsm_observe_results(o, HOSTCMD_CY, HSM_OBSERVE_FAILED), 1);
    assert_int_equal(hsm_observe_results(o, HOSTCMD_CY, HSM_OBSERVE_LIMIT), 1);
    assert_int_equal(hsm_observe_results(o, HOSTCMD_CY, HSM_OBSERVE_INPUT), 2);
    enum hostcmd_id order[HOSTCMD_COUNT];
    assert_int_equal(hsm_observe_order(o, order), 3);
    assert_int_equal(order[0], HOSTCMD_PM);
    assert_int_equal(order[1], HOSTCMD_CY);
    assert_int_equal(order[2], HOSTCMD_A0);
    const char *text = printed(hsm_observe_metrics, o);
    expect_line(text, "countersign_hsm_answers_total{command=\"CY\",result=\"ok\"} 1");
    expect_line(text, "countersign_hsm_answers_total{command=\"CY\",result=\"input\"} 2");
    expect_line(text, "countersign_hsm_answers_total{command=\"A0\",result=\"refused\"} 1");
    expect_line(text, "countersign_hsm_answers_total{command=\"PM\",result=\"internal\"} 1");
    /* Outside of a batch nothing is timed. */
    expect_line(text, "countersign_hsm_command_seconds_count{command=\"CY\"} 0");
    hsm_observe_destroy(o);
}

static void test_times(void **state)
{
    (void)state;
    struct hsm_observe *o = fresh(1);
    batch(o, HOSTCMD_CY, 10, 5);     /* 5 us: the end belongs to its bucket */
    batch(o, HOSTCMD_CY, 3, 6);      /* up to 10 us */
    batch(o, HOSTCMD_CY, 2, 600000); /* above the last end */
    batch(o, HOSTCMD_NC, 1, 1500);
    const char *text = printed(hsm_observe_metrics, o);
    expect_line(text, "# TYPE countersign_hsm_command_seconds histogram");
    expect_line(text, "countersign_hsm_command_seconds_bucket{command=\"CY\",le=\"0.000005\"} 10");
    expect_line(text, "countersign_hsm_command_seconds_bucket{command=\"CY\",le=\"0.000010\"} 13");
    expect_line(text, "countersign_hsm_command_seconds_bucket{command=\"CY\",le=\"0.500000\"} 13");
    expect_line(text, "countersign_hsm_command_seconds_bucket{command=\"CY\",le=\"+Inf\"} 15");
    expect_line(text, "countersign_hsm_command_seconds_count{command=\"CY\"} 15");
    /* 10 x 5 + 3 x 6 + 2 x 600,000 us */
    expect_line(text, "countersign_hsm_command_seconds_sum{command=\"CY\"} 1.200068");
    expect_line(text, "countersign_hsm_command_seconds_bucket{command=\"NC\",le=\"0.001000\"} 0");
    expect_line(text, "countersign_hsm_command_seconds_bucket{command=\"NC\",le=\"0.002000\"} 1");
    assert_int_equal(hsm_observe_count(o, HOSTCMD_CY), 15);
    hsm_observe_destroy(o);
}

static void expect_bands(struct hsm_observe *o, const uint64_t wanted[static HSM_OBSERVE_BANDS])
{
    uint64_t got[HSM_OBSERVE_BANDS];
    hsm_observe_load(o, got);
    for (size_t i = 0; i < HSM_OBSERVE_BANDS; i++)
        if (got[i] != wanted[i])
            fail_msg("band %zu: %llu instead of %llu", i, (unsigned long long)got[i], (unsigned long long)wanted[i]);
}

static void test_load(void **state)
{
    (void)state;
    struct hsm_observe *o = fresh(10000000);
    expect_bands(o, (uint64_t[HSM_OBSERVE_BANDS]){0}); /* the period under way does not count */
    batch(o, HOSTCMD_CY, 1, 99999);                    /* 9.9999 % of second 10 */
    now_us = 11000000;
    batch(o, HOSTCMD_CY, 1, 50000);
    batch(o, HOSTCMD_CY, 1, 50000); /* 10 % of second 11 */
    now_us = 12000000;
    expect_bands(o, (uint64_t[HSM_OBSERVE_BANDS]){1, 1});
    now_us = 15000000; /* seconds 12 to 14 were idle */
    expect_bands(o, (uint64_t[HSM_OBSERVE_BANDS]){4, 1});
    now_us = 15500000;
    batch(o, HOSTCMD_CY, 1, 1750000); /* half of 15, all of 16, a quarter of 17 */
    now_us = 18000000;
    expect_bands(o, (uint64_t[HSM_OBSERVE_BANDS]){4, 1, 1, 0, 0, 1, 0, 0, 0, 1});
    hsm_observe_destroy(o);
}

/* ---- the text format ---- */

static void test_labels(void **state)
{
    (void)state;
    char room[256];
    struct buf out = buf_over(room, sizeof room);
    const struct metric_label label[] = {{"a", "x\"y"}, {"b", "p\\q\nr"}};
    metric_value(&out, "m", label, 2, UINT64_MAX);
    metric_value(&out, "n", NULL, 0, 3);
    assert_string_equal(buf_text(&out), "m{a=\"x\\\"y\",b=\"p\\\\q\\nr\"} 18446744073709551615\nn 3\n");
}

/* Every command with every result and the largest numbers: the page of the admin port must hold it beside the other metrics. */
static void test_largest_page(void **state)
{
    (void)state;
    enum { PAGE = 96 * 1024, OTHERS = 16 * 1024, DIGITS_MORE = 19 };
    struct hsm_observe *o = fresh(1);
    for (enum hostcmd_id id = 0; id < HOSTCMD_COUNT; id++) {
        static const enum err each[] = {
            ERR_OK, ERR_PARSE_SHORT, ERR_NOT_AUTHORISED, ERR_BUSY, HOSTCMD_ERR_UNAVAILABLE, KEYS_ERR_LMK_STORAGE, ERR_INTERNAL};
        hsm_observe_begin(o);
        for (size_t i = 0; i < sizeof each / sizeof each[0]; i++)
            hsm_observe_command(o, id, hostcmd_said(each[i], VERDICT_MATCH));
        hsm_observe_command(o, id, hostcmd_said(ERR_OK, VERDICT_MISMATCH));
        hsm_observe_end(o);
    }
    const char *text = printed(hsm_observe_metrics, o);
    size_t lines = 0;
    for (const char *at = text; (at = strchr(at, '\n')); at++)
        lines++;
    assert_true(lines > HOSTCMD_COUNT * (size_t)(HSM_OBSERVE_RESULTS + HSM_OBSERVE_BUCKETS));
    assert_true(strlen(text) + lines * DIGITS_MORE + OTHERS < PAGE);
    hsm_observe_destroy(o);
}

/* ---- fed by the HSM ---- */

static void test_hsm_feeds(void **state)
{
    (void)state;
    struct hsm *hsm = NULL;
    const struct hsm_config config = {.env = &env, .sockets = 1, .test_lmk = true};
    static const char *const ask[] = {"NC", "CYU9B4934384B19946B040CD702B4D581455614123456789012345;8701101",
                                      "CYU9B4934384B19946B040CD702B4D581451114123456789012345;8701101", "XX", "CW"};
    assert_int_equal(hsm_create(&config, &hsm), ERR_OK);
    for (size_t i = 0; i < sizeof ask / sizeof ask[0]; i++) {
        uint8_t room[256];
        struct buf reply = buf_over(room, sizeof room);
        assert_int_equal(hsm_answer(hsm, NULL, span_text(ask[i]), &reply), ERR_OK);
    }
    char room[32 * 1024];
    struct buf out = buf_over(room, sizeof room);
    hsm_metrics(hsm, &out);
    const char *text = buf_text(&out);
    expect_line(text, "countersign_hsm_answers_total{command=\"NC\",result=\"ok\"} 1");
    expect_line(text, "countersign_hsm_answers_total{command=\"CY\",result=\"ok\"} 1");
    expect_line(text, "countersign_hsm_answers_total{command=\"CY\",result=\"failed\"} 1");
    expect_line(text, "countersign_hsm_answers_total{command=\"CW\",result=\"input\"} 1");
    expect_line(text, "countersign_hsm_key_cache_hits_total 1");
    expect_line(text, "countersign_hsm_key_cache_misses_total 1");
    assert_null(strstr(text, "XX"));
    hsm_destroy(hsm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers), cmocka_unit_test(test_times),        cmocka_unit_test(test_load),
        cmocka_unit_test(test_labels),  cmocka_unit_test(test_largest_page), cmocka_unit_test(test_hsm_feeds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
