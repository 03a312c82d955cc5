/* SPDX-License-Identifier: Apache-2.0 */
/* http and issuer when memory runs out at start: the n-th reservation fails, for every n, until one start succeeds. */
#include "crypto/vault.h"
#include "issuer/issuer.h"
#include "support/http_lab.h"
#include "support/stores.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* The program is linked with --wrap=calloc, under which all memory of the house is reserved. */
static long calls;
static long fail_at;
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size)
{
    return ++calls == fail_at ? NULL : __real_calloc(count, size);
}

static void arm(long n)
{
    calls = 0;
    fail_at = n;
}

static void no_wake(void *context)
{
    (void)context;
}

static void test_http(void **state)
{
    (void)state;
    struct env env = env_system(NULL);
    struct http_config config = {.mount = http_lab_mount, .mount_count = 2, .slots = 8, .wake = no_wake};
    enum err err = ERR_MEMORY;
    long n = 0;
    while (err != ERR_OK) {
        struct http *http = NULL;
        arm(++n);
        err = http_create(&config, &env, &http);
        arm(0);
        assert_true(err == ERR_OK || err == ERR_MEMORY);
        assert_true((err == ERR_OK) == !!http);
        if (http)
            http_destroy(http);
    }
    assert_true(n > 5); /* every reservation had its turn */
}

static void test_issuer(void **state)
{
    (void)state;
    static const uint8_t master[CRYPTO_VAULT_MASTER] = {1};
    struct stores_fixture stores;
    struct http *http = NULL;
    struct crypto_vault *vault = NULL;
    stores_setup(&stores, &stores_sqlite);
    struct http_config http_config = {.slots = 8, .wake = no_wake};
    http_config.mount = issuer_mounts(&http_config.mount_count);
    assert_int_equal(http_create(&http_config, &stores.env, &http), ERR_OK);
    assert_int_equal(crypto_vault_open(master, "ledger", &vault), ERR_OK);
    struct store_reader *reader = NULL;
    struct store_reader_config reader_config = {.url = stores.url, .env = &stores.env, .sets = ledger_sets, .cap = 8};
    assert_int_equal(store_reader_open(&reader_config, &reader), ERR_OK);
    struct issuer_config config = {
        .env = &stores.env, .http = http, .reader = reader, .vault = vault, .slots = 8, .sandbox = true, .wake = no_wake};
    enum err err = ERR_MEMORY;
    long n = 0;
    while (err != ERR_OK) {
        struct issuer *issuer = NULL;
        arm(++n);
        err = issuer_create(&config, &issuer);
        arm(0);
        assert_true(err == ERR_OK || err == ERR_MEMORY);
        assert_true((err == ERR_OK) == !!issuer);
        if (issuer)
            issuer_destroy(issuer);
    }
    assert_true(n > 10);
    store_reader_close(reader);
    crypto_vault_close(vault);
    http_destroy(http);
    stores_teardown(&stores);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_http),
        cmocka_unit_test(test_issuer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
