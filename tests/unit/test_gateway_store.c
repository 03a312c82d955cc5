/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with the store is told as what it is, and the gateway is not ready as long. */
#include "support/faulty_vfs.h"
#include "support/gateway_world.h"
#include "support/plain_face.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <sqlite3.h>

#include <cmocka.h>

#define WHO "X-User: " GATEWAY_WORLD_USER "\r\nX-Password: " GATEWAY_WORLD_PASSWORD "\r\n"
#define CARD "4111111111111111 3012 123 "
enum { STORE_MS = 400 };

static const struct gateway_face *const faces[] = {&plain_face};
static const struct gateway_faces list = {faces, 1};

static char answer[4096];

static int pay(struct gateway_world *w)
{
    static int number;
    char headers[160];
    (void)snprintf(headers, sizeof headers, WHO "X-Id: pay-%d\r\n", ++number);
    return gateway_world_ask(w, "/plain/pay", headers, CARD "100", answer);
}

static void wait_until(const struct gateway_world *w, bool ready)
{
    for (int i = 0; i < 1500 && gateway_world_ready(w) != ready; i++)
        (void)usleep(10000);
    assert_int_equal(gateway_world_ready(w), ready);
}

static void each_fault_says_what_it_is(void **state)
{
    static const struct {
        int code;
        const char *text;
    } fault[] = {{SQLITE_FULL, "STORE_ERR_FULL\",\"text\":\"the disk of the database is full"},
                 {SQLITE_READONLY, "STORE_ERR_READ_ONLY\",\"text\":\"the database can only be read"},
                 {SQLITE_CORRUPT, "STORE_ERR_DAMAGED\",\"text\":\"the database is damaged"},
                 {SQLITE_IOERR_WRITE, "STORE_ERR_FILE\",\"text\":\"a database file cannot be opened or used"}};
    struct gateway_world *w = *state;
    for (size_t i = 0; i < sizeof fault / sizeof fault[0]; i++) {
        faulty_vfs_hold(fault[i].code);
        assert_int_equal(pay(w), 503);
        wait_until(w, false);
        assert_true(gateway_world_logged(w, fault[i].text));
        faulty_vfs_hold(0);
        wait_until(w, true);
        assert_true(gateway_world_logged(w, "gateway.store_up"));
        assert_int_equal(pay(w), 200);
    }
}

/* Nobody pays, and the disk is full all the same. */
static void it_is_found_without_a_payment(void **state)
{
    struct gateway_world *w = *state;
    faulty_vfs_hold(SQLITE_FULL);
    wait_until(w, false);
    faulty_vfs_hold(0);
    wait_until(w, true);
}

static void a_store_that_stands_still_is_not_ready(void **state)
{
    struct gateway_world *w = *state;
    gateway_world_freeze(w);
    assert_int_equal(pay(w), 503);
    wait_until(w, false);
    gateway_world_thaw(w);
    wait_until(w, true);
    assert_int_equal(pay(w), 200);
}

static int open_world(void **state)
{
    faulty_vfs_install();
    *state = gateway_world_open(&list, STORE_MS);
    return 0;
}

static int close_world(void **state)
{
    gateway_world_close(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_fault_says_what_it_is),
        cmocka_unit_test(it_is_found_without_a_payment),
        cmocka_unit_test(a_store_that_stands_still_is_not_ready),
    };
    return cmocka_run_group_tests_name("gateway store", tests, open_world, close_world);
}
