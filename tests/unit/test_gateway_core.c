/* SPDX-License-Identifier: Apache-2.0 */
/* The core's tables and values, without a socket: the stages of the operations, the trace of a payment, the memory of claims. */
#include "gateway/claims.h"
#include "gateway/pipeline.h"

#include "support/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static bool goes_through(uint32_t path, enum gateway_stage stage)
{
    return path >> stage & 1;
}

static void every_operation_is_authenticated_and_answered(void **state)
{
    (void)state;
    for (unsigned i = 0; i < GATEWAY_OPERATION_COUNT; i++) {
        uint32_t path = gateway_operation_row((enum gateway_operation)i)->path;
        assert_true(goes_through(path, GATEWAY_STAGE_AUTHENTICATE) && goes_through(path, GATEWAY_STAGE_PARSE));
        assert_true(goes_through(path, GATEWAY_STAGE_WRITE) && goes_through(path, GATEWAY_STAGE_ANSWER));
        assert_true(path < GATEWAY_BIT(LEAVE)); /* the answer ends it */
    }
}

static void nothing_leaves_without_a_claim_or_stays_without_a_record(void **state)
{
    (void)state;
    for (unsigned i = 0; i < GATEWAY_OPERATION_COUNT; i++) {
        const struct gateway_operation_row *row = gateway_operation_row((enum gateway_operation)i);
        assert_int_equal(row->pays, goes_through(row->path, GATEWAY_STAGE_AUTHORISE));
        assert_int_equal(goes_through(row->path, GATEWAY_STAGE_CLAIM), goes_through(row->path, GATEWAY_STAGE_RECORD));
        assert_int_equal(goes_through(row->path, GATEWAY_STAGE_CLAIM), goes_through(row->path, GATEWAY_STAGE_CLAIMED));
        assert_int_equal(goes_through(row->path, GATEWAY_STAGE_RECORD), goes_through(row->path, GATEWAY_STAGE_RECORDED));
        if (row->pays)
            assert_true(goes_through(row->path, GATEWAY_STAGE_CLAIM));
    }
}

static void a_late_reject_counts(void **state)
{
    (void)state;
    struct gateway_payment payment = {.outcome = GATEWAY_OUTCOME_PASS};
    for (size_t i = 0; i < GATEWAY_TRACE_MAX; i++)
        gateway_payment_trace_add(&payment, "check", GATEWAY_OUTCOME_PASS, "fine");
    gateway_payment_trace_add(&payment, "late", GATEWAY_OUTCOME_REJECT, "bad");
    assert_int_equal(payment.outcome, GATEWAY_OUTCOME_REJECT);
    assert_int_equal(payment.trace_count, GATEWAY_TRACE_MAX);
    gateway_payment_trace_add(&payment, "later", GATEWAY_OUTCOME_FLAG, "not so bad");
    assert_int_equal(payment.outcome, GATEWAY_OUTCOME_REJECT);
}

static void the_number_is_needed_until_nothing_can_follow(void **state)
{
    (void)state;
    for (unsigned i = GATEWAY_STATE_RECEIVED; i <= GATEWAY_STATE_VOIDED; i++) {
        const struct gateway_payment payment = {.state = (enum gateway_state)i};
        bool open = i == GATEWAY_STATE_AUTHORIZED || i == GATEWAY_STATE_CAPTURED;
        assert_int_equal(gateway_payment_final(&payment), !open);
    }
}

static bool expired(const char *expiry, struct env_calendar now)
{
    struct gateway_payment payment = {.id = ""};
    int64_t now_ms = 0;
    memcpy(payment.expiry, expiry, sizeof payment.expiry);
    assert_int_equal(env_calendar_ms(&now, &now_ms), ERR_OK);
    return gateway_payment_expired(&payment, now_ms);
}

static void a_month_is_over_when_it_is_over_everywhere(void **state)
{
    (void)state;
    assert_false(expired("2611", (struct env_calendar){2026, 11, 30, 23, 59, 59, 999}));
    assert_false(expired("2611", (struct env_calendar){2026, 12, 1, 11, 59, 59, 999}));
    assert_true(expired("2611", (struct env_calendar){2026, 12, 1, 12, 0, 0, 0}));
    assert_true(expired("2012", (struct env_calendar){2026, 1, 1, 0, 0, 0, 0}));
    assert_false(expired("2701", (struct env_calendar){2026, 12, 31, 23, 0, 0, 0}));
    assert_false(expired("9912", (struct env_calendar){2026, 12, 31, 23, 0, 0, 0}));
    assert_false(expired("\0\0\0\0", (struct env_calendar){2026, 12, 31, 23, 0, 0, 0}));
}

static enum gateway_claim compare(struct gateway_claims *claims, const char *face, const char *merchant, uint8_t mac_byte)
{
    const struct gateway_claims_key key = {span_text(face), span_text(merchant), span_text("id")};
    uint8_t mac[32];
    enum gateway_claim claim = GATEWAY_CLAIM_UNKNOWN;
    memset(mac, mac_byte, sizeof mac);
    assert_int_equal(gateway_claims_compare(claims, &key, mac, &claim), ERR_OK);
    return claim;
}

static void claims_are_of_a_face_and_a_merchant(void **state)
{
    (void)state;
    const struct env env = rng_env(7);
    struct gateway_claims *claims = NULL;
    assert_int_equal(gateway_claims_create(&env, &claims), ERR_OK);
    assert_int_equal(compare(claims, "a", "m", 1), GATEWAY_CLAIM_UNKNOWN);
    assert_int_equal(compare(claims, "a", "m", 1), GATEWAY_CLAIM_SAME);
    assert_int_equal(compare(claims, "a", "m", 2), GATEWAY_CLAIM_OTHER);
    assert_int_equal(compare(claims, "b", "m", 2), GATEWAY_CLAIM_UNKNOWN);
    assert_int_equal(compare(claims, "a", "n", 2), GATEWAY_CLAIM_UNKNOWN);
    const struct gateway_claims_key key = {span_text("a"), span_text("m"), span_text("id")};
    gateway_claims_forget(claims, &key);
    assert_int_equal(compare(claims, "a", "m", 2), GATEWAY_CLAIM_UNKNOWN);
    gateway_claims_destroy(claims);
}

static bool replayed(struct gateway_claims *claims, uint8_t mac_byte, int64_t target, const char *id, uint8_t body, int64_t now_ms)
{
    uint8_t mac[32];
    uint8_t body_mac[32];
    memset(mac, mac_byte, sizeof mac);
    memset(body_mac, body, sizeof body_mac);
    const struct gateway_claims_signed request = {mac, target, span_text(id), body_mac};
    return gateway_claims_replayed(claims, &request, now_ms, now_ms + 1000);
}

static void a_signature_is_good_for_one_request(void **state)
{
    (void)state;
    const struct env env = rng_env(8);
    struct gateway_claims *claims = NULL;
    assert_int_equal(gateway_claims_create(&env, &claims), ERR_OK);
    assert_false(replayed(claims, 1, 7, "id", 9, 0));
    assert_false(replayed(claims, 1, 7, "id", 9, 1)); /* the same request again */
    assert_true(replayed(claims, 1, 8, "id", 9, 2));
    assert_true(replayed(claims, 1, 7, "other", 9, 3));
    assert_true(replayed(claims, 1, 7, "id", 10, 4));
    assert_false(replayed(claims, 2, 8, "id", 9, 5)); /* another signature */
    assert_true(replayed(claims, 1, 8, "id", 9, 999));
    assert_false(replayed(claims, 1, 8, "id", 9, 1000)); /* its time is over */
    gateway_claims_destroy(claims);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operation_is_authenticated_and_answered),
        cmocka_unit_test(nothing_leaves_without_a_claim_or_stays_without_a_record),
        cmocka_unit_test(a_late_reject_counts),
        cmocka_unit_test(the_number_is_needed_until_nothing_can_follow),
        cmocka_unit_test(claims_are_of_a_face_and_a_merchant),
        cmocka_unit_test(a_month_is_over_when_it_is_over_everywhere),
        cmocka_unit_test(a_signature_is_good_for_one_request),
    };
    return cmocka_run_group_tests_name("gateway core", tests, NULL, NULL);
}
