/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of errors: those of all rooms together, and each row for itself. */
#include "card/error.h"
#include "hostcmd/error.h"
#include "keys/error.h"
#include "store/error.h"

#include <ctype.h>
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define EACH_TABLE(table_) for (const struct err_table *const *table_ = err_tables; *table_; table_++)

static const struct err_table *table_of(const char *room)
{
    EACH_TABLE(table)
    if (strcmp((*table)->room, room) == 0)
        return *table;
    return NULL;
}

/* A room that brings errors is a file; a table that nobody lists would read as ERR_INTERNAL. */
static void every_rooms_table_is_listed(void **state)
{
    (void)state;
    glob_t found;
    assert_int_equal(glob("src/*/error.h", 0, NULL, &found), 0);
    size_t listed = 0;
    EACH_TABLE(table)
    listed += *table != &err_general;
    for (size_t i = 0; i < found.gl_pathc; i++) {
        char room[32];
        assert_int_equal(sscanf(found.gl_pathv[i], "src/%31[a-z0-9]/error.h", room), 1);
        if (!table_of(room))
            fail_msg("tests/support/errors.c does not list the errors of %s", room);
    }
    assert_int_equal(found.gl_pathc, listed);
    globfree(&found);
}

static void ranges_are_disjoint(void **state)
{
    (void)state;
    assert_ptr_equal(err_tables[0], &err_general);
    assert_int_equal(err_general.first, ERR_OK);
    EACH_TABLE(table)
    {
        assert_true((*table)->count > 0);
        assert_int_equal((*table)->first >> 8, ((*table)->first + (*table)->count) >> 8);
        EACH_TABLE(other)
        if (other != table)
            assert_int_not_equal((*table)->first >> 8, (*other)->first >> 8);
    }
}

static bool is_word(const char *text, int (*kind)(int))
{
    for (; *text; text++)
        if (*text != '_' && !kind((unsigned char)*text) && !isdigit((unsigned char)*text))
            return false;
    return true;
}

static void assert_row(const struct err_row *row, const char *room)
{
    char prefix[40] = "ERR_";
    if (strcmp(room, "base") != 0) {
        (void)snprintf(prefix, sizeof prefix, "%s_ERR_", room);
        for (char *at = prefix; *at; at++)
            *at = (char)toupper((unsigned char)*at);
    }
    if (strncmp(row->name, prefix, strlen(prefix)) != 0)
        fail_msg("%s of %s", row->name, room);
    assert_true(is_word(row->name, isupper) && row->name[strlen(prefix)]);
    assert_true(is_word(row->code, islower) && row->code[0]);
    assert_true(strlen(row->text) > 0);
    assert_true(is_word(row->host_code, isupper) && strlen(row->host_code) == 2);
    assert_true(is_word(row->de39, isupper) && strlen(row->de39) == 2);
    assert_in_range(row->http_status, 200, 599);
    assert_int_equal(row->class == ERR_CLASS_NONE, row == err_row(ERR_OK));
}

static void rows_are_complete_and_found(void **state)
{
    (void)state;
    EACH_TABLE(table)
    for (unsigned i = 0; i < (*table)->count; i++) {
        assert_row(&(*table)->row[i], (*table)->room);
        assert_ptr_equal(err_row((enum err)((*table)->first + i)), &(*table)->row[i]);
    }
}

static void names_are_unique(void **state)
{
    (void)state;
    EACH_TABLE(table)
    for (unsigned i = 0; i < (*table)->count; i++)
        EACH_TABLE(other)
    for (unsigned j = 0; j < (*other)->count; j++)
        if (&(*table)->row[i] != &(*other)->row[j])
            assert_string_not_equal((*table)->row[i].name, (*other)->row[j].name);
}

static void constants_name_their_rows(void **state)
{
    (void)state;
    static const struct {
        enum err err;
        const char *name;
    } some[] = {
        {ERR_OK, "ERR_OK"},
        {ERR_INTERNAL, "ERR_INTERNAL"},
        {CARD_ERR_PAN, "CARD_ERR_PAN"},
        {KEYS_ERR_SCHEME, "KEYS_ERR_SCHEME"},
        {KEYS_ERR_HEADER_IDENTIFIER, "KEYS_ERR_HEADER_IDENTIFIER"},
        {STORE_ERR_UNKNOWN, "STORE_ERR_UNKNOWN"},
    };
    for (size_t i = 0; i < sizeof some / sizeof some[0]; i++)
        assert_string_equal(err_row(some[i].err)->name, some[i].name);
}

static void other_values_read_as_internal(void **state)
{
    (void)state;
    EACH_TABLE(table)
    assert_ptr_equal(err_row((enum err)((*table)->first + (*table)->count)), err_row(ERR_INTERNAL));
    static const unsigned other[] = {0x0100, 0x4000, 0x7fffffff, 0xffffffff};
    for (size_t i = 0; i < sizeof other / sizeof other[0]; i++)
        assert_ptr_equal(err_row((enum err)other[i]), err_row(ERR_INTERNAL));
}

/* Every code that a row has is read as a row with that code; where rows share one, the HSM's own rows come first. */
static void answer_codes_are_read(void **state)
{
    (void)state;
    EACH_TABLE(table)
    for (unsigned i = 0; i < (*table)->count; i++) {
        const char *code = (*table)->row[i].host_code;
        assert_string_equal(err_row(hostcmd_err_of_code(code))->host_code, code);
    }
    assert_int_equal(hostcmd_err_of_code("00"), ERR_OK);
    assert_int_equal(hostcmd_err_of_code("15"), ERR_PARSE_SHORT);
    assert_int_equal(hostcmd_err_of_code("17"), ERR_NOT_AUTHORISED);
    assert_int_equal(hostcmd_err_of_code("26"), KEYS_ERR_SCHEME);
    assert_int_equal(hostcmd_err_of_code("41"), HOSTCMD_ERR_INTERNAL);
    assert_int_equal(hostcmd_err_of_code("68"), HOSTCMD_ERR_COMMAND_DISABLED);
    assert_int_equal(hostcmd_err_of_code("ZZ"), HOSTCMD_ERR_INTERNAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_rooms_table_is_listed), cmocka_unit_test(ranges_are_disjoint),
        cmocka_unit_test(rows_are_complete_and_found), cmocka_unit_test(names_are_unique),
        cmocka_unit_test(constants_name_their_rows),   cmocka_unit_test(other_values_read_as_internal),
        cmocka_unit_test(answer_codes_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
