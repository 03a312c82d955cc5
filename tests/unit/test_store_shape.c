/* SPDX-License-Identifier: Apache-2.0 */
/* Shapes and rows: names become numbers, and a row that is not sound does not let its connection open. */
#include "store/driver.h"
#include "store/reader.h"
#include "support/stores.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char *const colours[] = {"red", "green", NULL};

struct every {
    int64_t number;
    bool flag;
    char text[5];
    struct {
        uint16_t len;
        uint8_t at[4];
    } bytes;
    unsigned colour;
    char letter;
    struct span span, blob;
    uint8_t fixed[3];
};
#define MEMBER(kind_, name_) STORE_MEMBER(kind_, struct every, #name_, name_)
static const struct store_member every_member[] = {MEMBER(INT, number),
                                                   MEMBER(BOOL, flag),
                                                   MEMBER(TEXT, text),
                                                   MEMBER(BYTES, bytes),
                                                   STORE_MEMBER_OF(colours, struct every, "colour", colour),
                                                   MEMBER(CHAR, letter),
                                                   MEMBER(SPAN, span),
                                                   MEMBER(BLOB, blob),
                                                   MEMBER(FIXED, fixed)};
static const struct store_shape every_shape = STORE_SHAPE(struct every, every_member);

/* ---- expansion ---- */

static enum err expand(const char *sql, char out[static STORE_SQL_MAX], size_t *count, char problem[static 64])
{
    const struct store_row row = {.name = "ROW", .takes = &every_shape, .gives = &every_shape, .sql = sql};
    const struct store_member *argument[STORE_ARGUMENT_MAX];
    struct buf text = buf_over(out, STORE_SQL_MAX);
    struct span where = {0};
    enum err err = store_row_expand(&row, &text, argument, count, &where);
    memcpy(problem, where.at ? where.at : (const uint8_t *)"", where.len);
    problem[where.len] = 0;
    return err;
}

static void test_names_become_numbers(void **state)
{
    static const struct {
        const char *sql, *out;
        size_t count;
    } row[] = {
        {"SELECT 1", "SELECT 1", 0},
        {"UPDATE t SET a = :number WHERE b = :text AND c < :number", "UPDATE t SET a = $1 WHERE b = $2 AND c < $1", 2},
        {"SELECT ':number' || :text || ''", "SELECT ':number' || $1 || ''", 1},
        {"INSERT INTO t ({takes}) VALUES ({:takes})",
         "INSERT INTO t (number, flag, text, bytes, colour, letter, span, blob, fixed) "
         "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
         9},
        {"SELECT {gives} FROM t WHERE a = :fixed",
         "SELECT number, flag, text, bytes, colour, letter, span, blob, fixed FROM t "
         "WHERE a = $1",
         1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        char out[STORE_SQL_MAX], problem[64];
        size_t count = 99;
        assert_int_equal(expand(row[i].sql, out, &count, problem), ERR_OK);
        assert_string_equal(out, row[i].out);
        assert_int_equal(count, row[i].count);
    }
}

static void test_what_is_no_member_is_named(void **state)
{
    static const struct {
        const char *sql, *problem;
    } row[] = {{"SELECT :number, :nobody", "nobody"}, {"SELECT :numbers", "numbers"}, {"SELECT {columns}", "{columns}"}};
    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        char out[STORE_SQL_MAX], problem[64];
        size_t count = 0;
        assert_int_equal(expand(row[i].sql, out, &count, problem), ERR_INTERNAL);
        assert_string_equal(problem, row[i].problem);
    }
    char out[STORE_SQL_MAX], problem[64], wide[STORE_SQL_MAX + 1];
    size_t count = 0;
    memset(wide, ' ', sizeof wide);
    wide[STORE_SQL_MAX] = 0;
    assert_int_equal(expand(wide, out, &count, problem), ERR_INTERNAL);
    assert_string_equal(problem, "too long");
}

/* ---- opening ---- */

/* What the log says when a connection with this row is opened. */
static void refused(const struct stores_driver *driver, const struct store_row *row, size_t count, const char *expected)
{
    struct stores_fixture f;
    const struct store_set set = {.name = "own", .row = row, .count = count};
    const struct store_set *const sets[] = {&set, NULL};
    struct store *store = NULL;
    struct store_reader *reader = NULL;
    char line[1024] = "";
    int end[2];
    stores_setup(&f, driver);
    assert_int_equal(pipe(end), 0);
    struct log log = {.fd = end[1], .service = "test"};
    struct env env = env_system(&log);
    assert_int_equal(store_open(f.url, &env, sets, &store), ERR_INTERNAL);
    assert_null(store);
    assert_true(read(end[0], line, sizeof line - 1) > 0);
    assert_non_null(strstr(line, "store.refused"));
    assert_non_null(strstr(line, row[count - 1].name));
    assert_non_null(strstr(line, expected));
    const struct store_reader_config config = {.url = f.url, .env = &env, .sets = sets, .cap = 1};
    assert_int_equal(store_reader_open(&config, &reader), ERR_INTERNAL);
    assert_null(reader);
    close(end[0]);
    close(end[1]);
    stores_teardown(&f);
}

static void test_a_row_that_is_not_sound_is_refused_at_open(void **state)
{
    static const struct store_member narrow_member[] = {STORE_MEMBER(INT, struct every, "narrow", flag)};
    static const struct store_member nameless_member[] = {STORE_MEMBER(ENUM, struct every, "nameless", colour)};
    static const struct store_member outside_member[] = {
        {"outside", STORE_MEMBER_INT, sizeof(struct every), sizeof(int64_t), NULL}};
    static const struct store_shape narrow = STORE_SHAPE(struct every, narrow_member);
    static const struct store_shape nameless = STORE_SHAPE(struct every, nameless_member);
    static const struct store_shape outside = STORE_SHAPE(struct every, outside_member);
    static const struct {
        struct store_row row;
        const char *problem;
    } bad[] = {
        {{"BAD_NAME", STORE_ROW_READ, 0, NULL, &every_shape, NULL, "SELECT 1 WHERE 1 = :somebody", ""}, "somebody"},
        {{"BAD_NONE", STORE_ROW_READ, 0, NULL, NULL, NULL, "SELECT 1 WHERE 1 = :number", ""}, "number"},
        {{"BAD_LIST", STORE_ROW_READ, 0, NULL, &every_shape, NULL, "SELECT {gives}", ""}, "{gives}"},
        {{"BAD_KEY", STORE_ROW_WRITE, 0, "text flag", &every_shape, NULL, "DELETE FROM t WHERE t = :text", ""}, "flag"},
        {{"BAD_SIZE", STORE_ROW_READ, 0, NULL, &narrow, NULL, "SELECT 1", ""}, "narrow"},
        {{"BAD_ENUM", STORE_ROW_READ, 0, NULL, NULL, &nameless, "SELECT 1", ""}, "nameless"},
        {{"BAD_PLACE", STORE_ROW_READ, 0, NULL, NULL, &outside, "SELECT 1", ""}, "outside"},
        {{"SCHEMA_GET", STORE_ROW_READ, 0, NULL, NULL, NULL, "SELECT 1", ""}, "name"}, /* the store's own has it */
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        refused(*state, &bad[i].row, 1, bad[i].problem);
}

/* ---- values ---- */

static const struct store_row echo_row[] = {
    {"ECHO", STORE_ROW_READ, 0, NULL, &every_shape, &every_shape,
     "SELECT CAST(:number AS BIGINT) AS number, CAST(:flag AS BIGINT) AS flag, :text AS text, :bytes AS bytes, :colour AS colour, "
     ":letter AS letter, :span AS span, :blob AS blob, :fixed AS fixed",
     ""},
    {"SWAPPED", STORE_ROW_READ, 0, NULL, &every_shape, &every_shape,
     "SELECT CAST(:number AS BIGINT) AS flag, CAST(:flag AS BIGINT) AS number, :text AS text, :bytes AS bytes, :colour AS colour, "
     ":letter AS letter, :span AS span, :blob AS blob, :fixed AS fixed",
     ""},
};
static const struct store_set echo_set = {.name = "echo", .row = echo_row, .count = 2};
static const struct store_set *const echo_sets[] = {&echo_set, NULL};

static void check_echo(struct stores_fixture *f, struct store *store, const struct every *in)
{
    struct every out;
    struct store_op op = {.row = &echo_row[0], .argument = in};
    arena_reset(&f->arena);
    assert_int_equal(store_run(store, &(struct store_batch){.op = &op, .count = 1, .arena = &f->arena}), ERR_OK);
    assert_int_equal(store_op_read(&op, 0, &out), ERR_OK);
    assert_true(out.number == in->number);
    assert_int_equal(out.flag, in->flag);
    assert_string_equal(out.text, in->text);
    assert_int_equal(out.bytes.len, in->bytes.len);
    assert_memory_equal(out.bytes.at, in->bytes.at, in->bytes.len);
    assert_int_equal(out.colour, in->colour);
    assert_int_equal(out.letter, in->letter);
    assert_true(span_equal(out.span, in->span));
    assert_true(span_equal(out.blob, in->blob));
    assert_memory_equal(out.fixed, in->fixed, sizeof in->fixed);
}

static void test_every_kind_survives_the_trip(void **state)
{
    struct stores_fixture f;
    struct store *store = NULL;
    stores_setup(&f, *state);
    assert_int_equal(store_open(f.url, &f.env, echo_sets, &store), ERR_OK);
    check_echo(&f, store, &(struct every){.fixed = {0}});
    const struct every full = {.number = INT64_MIN,
                               .flag = true,
                               .text = "four",
                               .bytes = {4, {0, 1, 0xFF, 0}},
                               .colour = 1,
                               .letter = '\'',
                               .span = span_text("caf\xc3\xa9"),
                               .blob = span_of("\0\xFF", 2),
                               .fixed = {9, 0, 7}};
    check_echo(&f, store, &full);
    /* Columns of one type in another order have the right number and types, and not the right names. */
    struct store_op op = {.row = &echo_row[1], .argument = &full};
    arena_reset(&f.arena);
    assert_int_equal(store_run(store, &(struct store_batch){.op = &op, .count = 1, .arena = &f.arena}), ERR_INTERNAL);
    store_close(store);
    stores_teardown(&f);
}

static void test_a_value_that_does_not_fit_is_told(void **state)
{
    static const uint8_t bytes[8] = {1};
    struct store_value cell[] = {store_int(1),    store_int(0),   store_text("text"), store_bytes(bytes, 4), store_text("red"),
                                 store_text("x"), store_text(""), store_bytes("", 0), store_bytes(bytes, 3)};
    const struct store_rows rows = {.cell = cell, .count = 1, .columns = sizeof cell / sizeof cell[0]};
    static const struct {
        size_t at;
        struct store_value value;
    } bad[] = {{2, {.kind = STORE_TEXT, .len = 5, .at = bytes}},  {2, {.kind = STORE_TEXT, .len = 3, .at = bytes + 1}},
               {3, {.kind = STORE_BYTES, .len = 5, .at = bytes}}, {4, {.kind = STORE_TEXT, .len = 1, .at = bytes}},
               {5, {.kind = STORE_TEXT, .len = 2, .at = bytes}},  {8, {.kind = STORE_BYTES, .len = 2, .at = bytes}}};
    struct every out;
    (void)state;
    assert_int_equal(store_shape_read(&every_shape, &rows, 0, &out), ERR_OK);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct store_value fine = cell[bad[i].at];
        cell[bad[i].at] = bad[i].value;
        assert_int_equal(store_shape_read(&every_shape, &rows, 0, &out), ERR_INTERNAL);
        cell[bad[i].at] = fine;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_become_numbers),
        cmocka_unit_test(test_what_is_no_member_is_named),
        ON_BOTH(test_a_row_that_is_not_sound_is_refused_at_open),
        ON_BOTH(test_every_kind_survives_the_trip),
        cmocka_unit_test(test_a_value_that_does_not_fit_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
