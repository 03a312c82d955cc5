/* SPDX-License-Identifier: Apache-2.0 */
/* Threads for RSA: what decrypts does not wait for what makes keys. */
#include "gateway/workers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { KEYS = 16, PATIENCE = 6000 };

static struct gateway_job making[KEYS];
static struct gateway_job payment;
static struct crypto_rsa_key key;

static void start(size_t cap, struct gateway_workers **out)
{
    const struct gateway_workers_config config = {.pool = {[GATEWAY_JOB_DECRYPT] = {1, 1}, [GATEWAY_JOB_GENERATE] = {1, cap}}};
    assert_int_equal(gateway_workers_start(&config, out), ERR_OK);
}

static void submit_keys(struct gateway_workers *workers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        making[i] = (struct gateway_job){.kind = GATEWAY_JOB_GENERATE};
        assert_int_equal(gateway_workers_submit(workers, &making[i]), ERR_OK);
    }
}

/* How many jobs are back once `wanted` is. */
static size_t back_with(struct gateway_workers *workers, const struct gateway_job *wanted)
{
    struct gateway_job *job[KEYS + 1];
    size_t back = 0;
    for (int i = 0; i < PATIENCE; i++) {
        size_t count = gateway_workers_take(workers, job, KEYS + 1);
        back += count;
        for (size_t j = 0; j < count; j++)
            if (job[j] == wanted)
                return back;
        (void)usleep(10000);
    }
    fail_msg("it does not come back");
    return 0;
}

static void a_payment_is_served_before_the_keys_that_came_first(void **state)
{
    (void)state;
    struct gateway_workers *workers = NULL;
    start(KEYS, &workers);
    submit_keys(workers, KEYS);
    payment = (struct gateway_job){.kind = GATEWAY_JOB_DECRYPT, .key = &key, .in_len = CRYPTO_RSA_BYTES};
    assert_int_equal(gateway_workers_submit(workers, &payment), ERR_OK);
    assert_true(back_with(workers, &payment) <= KEYS);
    assert_true(back_with(workers, &making[KEYS - 1]) > 0); /* behind it, the last key as well */
    gateway_workers_stop(workers);
}

static void the_queue_of_keys_has_an_end(void **state)
{
    (void)state;
    struct gateway_workers *workers = NULL;
    struct gateway_job more[3] = {{.kind = GATEWAY_JOB_GENERATE}, {.kind = GATEWAY_JOB_GENERATE}, {.kind = GATEWAY_JOB_GENERATE}};
    size_t refused = 0;
    start(1, &workers);
    for (size_t i = 0; i < 3; i++) /* one waits, and the thread may have taken another */
        refused += gateway_workers_submit(workers, &more[i]) == ERR_BUSY;
    assert_true(refused >= 1);
    gateway_workers_stop(workers); /* finishes what was taken */
}

static int make_key(void **state)
{
    (void)state;
    return crypto_rsa_generate(&key) == ERR_OK ? 0 : -1;
}

static int free_key(void **state)
{
    (void)state;
    crypto_rsa_free(&key);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_payment_is_served_before_the_keys_that_came_first),
        cmocka_unit_test(the_queue_of_keys_has_an_end),
    };
    return cmocka_run_group_tests_name("gateway workers", tests, make_key, free_key);
}
