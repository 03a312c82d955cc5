/* SPDX-License-Identifier: Apache-2.0 */
/* Claims and keys as rows, on both engines: an id that led to nothing keeps its address, and counts are those of a merchant. */
#include "gateway/rows.h"
#include "support/stores.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { CHARGES = 11, VERIFICATIONS = 12, RUNS = 0, RELEASED = -1 };

static const struct gateway_claim_row like = {.tenant = {(const uint8_t *)"shop", 4},
                                              .face = {(const uint8_t *)"face", 4},
                                              .request_id = {(const uint8_t *)"id", 2},
                                              .fingerprint = {(const uint8_t *)"digest", 6},
                                              .record_id = {(const uint8_t *)"first", 5},
                                              .node = {(const uint8_t *)"one", 3},
                                              .created_at = 1000,
                                              .signed_at = 900,
                                              .target = CHARGES};

static enum err run(struct stores_fixture *f, const struct store_row *row, const void *argument, struct store_op *out)
{
    arena_reset(&f->arena);
    *out = (struct store_op){.row = row, .argument = argument};
    return store_run(f->store, &(struct store_batch){.op = out, .count = 1, .arena = &f->arena});
}

static int64_t changed(struct stores_fixture *f, const struct store_row *row, const void *argument)
{
    struct store_op op;
    assert_int_equal(run(f, row, argument, &op), ERR_OK);
    return op.changed;
}

static int64_t claim(struct stores_fixture *f, const char *record_id, int64_t target)
{
    struct gateway_claim_row row = like;
    row.record_id = span_text(record_id);
    row.target = target;
    return changed(f, GATEWAY_ROW(CLAIM_INSERT), &row);
}

static int64_t release(struct stores_fixture *f, const char *record_id)
{
    struct gateway_claim_row row = like;
    row.record_id = span_text(record_id);
    return changed(f, GATEWAY_ROW(CLAIM_RELEASE), &row);
}

static struct gateway_claimed found(struct stores_fixture *f)
{
    struct store_op op;
    struct gateway_claimed row;
    assert_int_equal(run(f, GATEWAY_ROW(CLAIM_GET), &like, &op), ERR_OK);
    assert_int_equal(op.rows.count, 1);
    assert_int_equal(store_op_read(&op, 0, &row), ERR_OK);
    return row;
}

static void what_led_to_nothing_keeps_its_address(void **state)
{
    struct stores_fixture f;
    stores_setup(&f, *state);
    assert_int_equal(claim(&f, "first", CHARGES), 1);
    assert_int_equal(claim(&f, "second", CHARGES), 0); /* it runs */
    assert_int_equal(release(&f, "second"), 0);        /* and is not the second's */
    assert_int_equal(release(&f, "first"), 1);
    assert_int_equal(found(&f).answer_status, RELEASED);
    assert_int_equal(claim(&f, "third", VERIFICATIONS), 0);
    assert_int_equal(claim(&f, "fourth", CHARGES), 1);
    assert_int_equal(found(&f).answer_status, RUNS);
    assert_true(span_is(found(&f).record_id, "fourth"));
    struct gateway_claim_row answered = like;
    answered.record_id = span_text("fourth");
    answered.answer_status = 201;
    assert_int_equal(changed(&f, GATEWAY_ROW(CLAIM_ANSWER), &answered), 1);
    assert_int_equal(release(&f, "fourth"), 0); /* what was told stands */
    assert_int_equal(claim(&f, "fifth", CHARGES), 0);
    stores_teardown(&f);
}

static void a_process_that_died_leaves_released_claims(void **state)
{
    struct stores_fixture f;
    stores_setup(&f, *state);
    assert_int_equal(claim(&f, "first", CHARGES), 1);
    struct gateway_sweep sweep = {.node = span_text("two"), .before = 5000, .now = 5000};
    assert_int_equal(changed(&f, GATEWAY_ROW(CLAIM_ABANDONED), &sweep), 0); /* another's */
    sweep.node = span_text("one");
    assert_int_equal(changed(&f, GATEWAY_ROW(CLAIM_ABANDONED), &sweep), 1);
    assert_int_equal(found(&f).answer_status, RELEASED);
    assert_int_equal(found(&f).signed_at, 900);
    sweep.released_before = 1000;
    assert_int_equal(changed(&f, GATEWAY_ROW(CLAIM_PURGE), &sweep), 0);
    sweep.released_before = 1001; /* its signature's time is over */
    assert_int_equal(changed(&f, GATEWAY_ROW(CLAIM_PURGE), &sweep), 1);
    stores_teardown(&f);
}

static void a_refused_request_is_remembered_beside_what_stands(void **state)
{
    struct stores_fixture f;
    stores_setup(&f, *state);
    assert_int_equal(changed(&f, GATEWAY_ROW(CLAIM_SPEND), &like), 1);
    assert_int_equal(found(&f).answer_status, RELEASED);
    assert_int_equal(claim(&f, "first", CHARGES), 1);
    assert_int_equal(changed(&f, GATEWAY_ROW(CLAIM_SPEND), &like), 0); /* the claim stands */
    assert_int_equal(found(&f).answer_status, RUNS);
    stores_teardown(&f);
}

static void keep_key(struct stores_fixture *f, const char *key_id, const char *merchant, const char *key_state, int64_t expires_at)
{
    const struct gateway_encryption_key_row row = {.key_id = span_text(key_id),
                                                   .merchant_id = span_text(merchant),
                                                   .created_at = 10,
                                                   .expires_at = expires_at,
                                                   .state = span_text(key_state)};
    assert_int_equal(changed(f, GATEWAY_ROW(ENCRYPTION_KEY_INSERT), &row), 1);
}

static struct gateway_keys_live live(struct stores_fixture *f, const char *merchant, int64_t now_ms)
{
    const struct gateway_encryption_key_row of = {.merchant_id = span_text(merchant), .created_at = now_ms};
    struct store_op op;
    struct gateway_keys_live row;
    assert_int_equal(run(f, GATEWAY_ROW(ENCRYPTION_KEY_LIVE), &of, &op), ERR_OK);
    assert_int_equal(store_op_read(&op, 0, &row), ERR_OK);
    return row;
}

static void keys_are_counted_while_they_can_be_used(void **state)
{
    struct stores_fixture f;
    stores_setup(&f, *state);
    assert_int_equal(live(&f, "shop", 0).counted, 0);
    keep_key(&f, "a", "shop", "active", 500);
    keep_key(&f, "b", "shop", "active", 300);
    keep_key(&f, "c", "shop", "revoked", 900);
    keep_key(&f, "d", "other", "active", 100);
    assert_int_equal(live(&f, "shop", 200).counted, 2);
    assert_int_equal(live(&f, "shop", 200).soonest, 300);
    assert_int_equal(live(&f, "shop", 300).counted, 1); /* one has expired */
    const struct gateway_sweep sweep = {.claims_before = 301};
    assert_int_equal(changed(&f, GATEWAY_ROW(ENCRYPTION_KEY_PURGE), &sweep), 2);
    stores_teardown(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(what_led_to_nothing_keeps_its_address),
        ON_BOTH(a_process_that_died_leaves_released_claims),
        ON_BOTH(a_refused_request_is_remembered_beside_what_stands),
        ON_BOTH(keys_are_counted_while_they_can_be_used),
    };
    return cmocka_run_group_tests_name("gateway claim rows", tests, NULL, NULL);
}
