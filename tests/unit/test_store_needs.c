/* SPDX-License-Identifier: Apache-2.0 */
/* What a store keeps when its process locks itself in: the folder of a file, the files that a connection string names. */
#include "store/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct confine_needs needs;

static void ask(const char *url)
{
    needs = (struct confine_needs){.set_count = 0};
    store_needs(url, &needs);
}

static const struct confine_path *find(const char *path)
{
    for (size_t i = 0; i < needs.path_count; i++)
        if (strcmp(needs.path[i].path, path) == 0)
            return &needs.path[i];
    return NULL;
}

static bool dials(void)
{
    for (size_t i = 0; i < needs.set_count; i++)
        if (needs.set[i] == &confine_dial)
            return true;
    return false;
}

static void test_a_file_needs_its_folder_and_no_connection(void **state)
{
    (void)state;
    ask("sqlite:/nonexistent/place/ledger.db");
    assert_int_equal(needs.path_count, 1);
    const struct confine_path *folder = find("/nonexistent/place/");
    assert_non_null(folder);
    assert_true(folder->how & CONFINE_WRITE);
    assert_false(dials());
    ask("sqlite:ledger.db");
    assert_non_null(find("."));
}

static void test_a_server_needs_what_its_connection_string_names(void **state)
{
    (void)state;
    assert_int_equal(setenv("HOME", "/nonexistent/home", 1), 0);
    assert_int_equal(setenv("PGSSLCERT", "/nonexistent/own/own.pem", 1), 0);
    ask("postgres:host=db sslmode=verify-full sslrootcert=/nonexistent/tls/ca.pem passfile=/nonexistent/secret/pass");
    static const char *const path[] = {"/nonexistent/tls/", "/nonexistent/secret/", "/nonexistent/own/",
                                       "/nonexistent/home/.postgresql", "/nonexistent/home/.pgpass"};
    for (size_t i = 0; i < sizeof path / sizeof path[0]; i++) {
        const struct confine_path *found = find(path[i]);
        if (!found || found->how & CONFINE_WRITE)
            fail_msg("%s: %s", path[i], found ? "may be written" : "is not kept");
    }
    assert_true(dials());
}

static void test_a_url_that_cannot_be_used_needs_nothing(void **state)
{
    (void)state;
    ask("oracle:scott");
    assert_int_equal(needs.path_count + needs.set_count, 0);
    ask("postgres:=");
    assert_true(dials());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_file_needs_its_folder_and_no_connection),
        cmocka_unit_test(test_a_server_needs_what_its_connection_string_names),
        cmocka_unit_test(test_a_url_that_cannot_be_used_needs_nothing),
    };
    return cmocka_run_group_tests_name("store needs", tests, NULL, NULL);
}
