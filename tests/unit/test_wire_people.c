/* SPDX-License-Identifier: Apache-2.0 */
/* Frames explained field by field, and records filled by names. */
#include "wire/annotate.h"
#include "wire/named.h"

#include "support/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct thing {
    WIRE_TEXT(1) mode;
    WIRE_TEXT(19) pan;
    WIRE_TEXT(3) code;
    WIRE_TEXT(4) count;
    WIRE_TEXT(64) data;
    WIRE_TEXT(33) key;
    WIRE_TEXT(1) flag;
    WIRE_TEXT(1) fixed;
    WIRE_TEXT(8) tail;
};

static size_t key_shape(struct span in)
{
    return in.at[0] == 'U' ? 33 : 0;
}

static void key_generate(const struct env *env, struct buf *out)
{
    uint8_t byte[16];
    env_random(env, byte, sizeof byte);
    buf_put_byte(out, 'U');
    buf_put_hex(out, byte, sizeof byte);
}

/* clang-format off */
#define KEY_WHEN(mode_)                                                                                                          \
    {.name = "CVK", .kind = WIRE_SHAPED, .shape = key_shape, .shape_generate = key_generate, .min = 33, .max = 33,                \
     .when = offsetof(struct thing, mode), .equals = (mode_), WIRE_AT(struct thing, key)}
static const struct wire_field fields[] = {
    {.name = "mode", .kind = WIRE_ENUM, .choices = "0|1|2", .min = 1, .max = 1, WIRE_AT(struct thing, mode)},
    KEY_WHEN("0"),
    KEY_WHEN("1"),
    {.name = "PAN", .kind = WIRE_N, .length = WIRE_DELIMITED, .delimiter = ';', .min = 12, .max = 19, .flags = WIRE_PAN,
     WIRE_AT(struct thing, pan)},
    {.name = "security value", .kind = WIRE_N, .min = 3, .max = 3, .flags = WIRE_SECRET, WIRE_AT(struct thing, code)},
    {.name = "length", .kind = WIRE_H, .min = 4, .max = 4, WIRE_AT(struct thing, count)},
    {.name = "I/O data", .kind = WIRE_B, .length = WIRE_COUNTED, .counter = offsetof(struct thing, count), .min = 0, .max = 64,
     .flags = WIRE_COUNT_HEX, WIRE_AT(struct thing, data)},
    {.name = "group", .kind = WIRE_CONST, .literal = ";", .flags = WIRE_GROUP},
    {.name = "version", .kind = WIRE_ENUM, .choices = "0", .min = 1, .max = 1, WIRE_AT(struct thing, fixed)},
    {.name = "flag", .kind = WIRE_AN, .min = 1, .max = 1, WIRE_AT(struct thing, flag)},
    {.name = "tail", .kind = WIRE_N, .length = WIRE_LLL, .min = 1, .max = 8, .flags = WIRE_OPTIONAL | WIRE_END_GROUP,
     WIRE_AT(struct thing, tail)},
};
/* clang-format on */
static const struct wire_record record = WIRE_RECORD("thing", struct thing, fields);

#define FRAME "1U0123456789ABCDEF0123456789ABCDEF4123456789012345;5610003a;b;0x"

static void note(void *context, const struct wire_part *part)
{
    struct buf *out = context;
    buf_put_decimal(out, part->offset, 0);
    buf_put_byte(out, '+');
    buf_put_decimal(out, part->bytes.len, 0);
    buf_put_byte(out, ' ');
    buf_put_text(out, part->field->name);
    buf_put_byte(out, '=');
    wire_value_describe(part->field, part->value, out);
    buf_put_byte(out, '\n');
}

static void test_every_field_is_told_with_its_place(void **state)
{
    (void)state;
    uint8_t room[1024];
    struct buf out = buf_over(room, sizeof room);
    struct thing thing;
    size_t used = 0;
    struct span in = span_text(FRAME);
    assert_int_equal(wire_annotate(&record, in, &thing, &(struct wire_visitor){note, &out}, &used, NULL), ERR_OK);
    assert_int_equal(used, in.len);
    assert_string_equal(buf_text(&out), "0+1 mode=1\n"
                                        "1+33 CVK=U0123456789ABCDEF0123456789ABCDEF\n"
                                        "34+17 PAN=412345******2345\n"
                                        "51+3 security value=***\n"
                                        "54+4 length=0003\n"
                                        "58+3 I/O data=a;b\n"
                                        "61+1 group=;\n"
                                        "62+1 version=0\n"
                                        "63+1 flag=x\n");
}

/* Both rows of the key have one member: the row whose condition holds is told, the other is not. */
static void test_rows_of_other_variants_are_not_described(void **state)
{
    (void)state;
    uint8_t room[1024];
    struct buf out = buf_over(room, sizeof room);
    struct thing thing;
    assert_int_equal(wire_parse_all(&record, span_text(FRAME), &thing, NULL), ERR_OK);
    wire_describe(&record, &thing, &out);
    assert_string_equal(buf_text(&out), "mode=1 CVK=U0123456789ABCDEF0123456789ABCDEF PAN=412345******2345 security value=*** "
                                        "length=0003 I/O data=a;b version=0 flag=x");
}

static void test_what_came_before_a_fault_is_told(void **state)
{
    (void)state;
    uint8_t room[1024];
    struct buf out = buf_over(room, sizeof room);
    struct thing thing;
    struct wire_fault fault = {0};
    size_t used = 0;
    struct span in = span_text("24123456789012345;56X0000");
    assert_int_equal(wire_annotate(&record, in, &thing, &(struct wire_visitor){note, &out}, &used, &fault), ERR_PARSE_CHARACTER);
    assert_string_equal(buf_text(&out), "0+1 mode=2\n1+17 PAN=412345******2345\n");
    assert_string_equal(fault.field, "security value");
    assert_int_equal(fault.offset, 20);
    static const struct thing wiped;
    assert_memory_equal(&thing, &wiped, sizeof thing);
}

static void test_labels_fit_a_command_line(void **state)
{
    (void)state;
    static const struct {
        const char *name, *label;
    } expected[] = {{"PAN", "pan"}, {"service code", "service-code"}, {"I/O buffer", "i-o-buffer"}, {"(KCV) ", "kcv"}};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        char label[WIRE_LABEL];
        wire_label(&(struct wire_field){.name = expected[i].name}, label);
        assert_string_equal(label, expected[i].label);
    }
}

static void test_names_that_a_person_means(void **state)
{
    (void)state;
    static const struct {
        const char *name, *label;
        enum err err;
    } expected[] = {{"pan", "pan", ERR_OK},           {"sec", "security-value", ERR_OK},
                    {"key", "cvk", ERR_OK},           {"code", "security-value", ERR_OK},
                    {"i-o", "i-o-data", ERR_OK},      {"cvk", "cvk", ERR_OK},
                    {"zzz", "", ERR_PARSE_UNKNOWN},   {"", "", ERR_PARSE_UNKNOWN},
                    {"group", "", ERR_PARSE_UNKNOWN}, {"pant", "", ERR_PARSE_UNKNOWN}};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        char label[WIRE_LABEL] = "";
        assert_int_equal(wire_label_find(&record, span_text(expected[i].name), label), expected[i].err);
        assert_string_equal(label, expected[i].label);
    }
    static const struct wire_field twins[] = {
        {.name = "key type", .kind = WIRE_N, .max = 1, WIRE_AT(struct thing, mode)},
        {.name = "key tag", .kind = WIRE_N, .max = 1, WIRE_AT(struct thing, flag)},
    };
    static const struct wire_record both = WIRE_RECORD("both", struct thing, twins);
    char label[WIRE_LABEL] = "";
    assert_int_equal(wire_label_find(&both, span_text("key-t"), label), ERR_PARSE_DUPLICATE);
}

struct pair {
    const char *label;
    const char *value;
};

static bool look_up(void *context, const char *label, struct span *out)
{
    for (const struct pair *p = context; p->label; p++)
        if (strcmp(p->label, label) == 0) {
            *out = span_text(p->value);
            return true;
        }
    return false;
}

static void assert_filled(struct pair *pairs, enum err err, const char *told)
{
    uint8_t room[1024];
    struct buf out = buf_over(room, sizeof room);
    struct thing thing;
    struct wire_fault fault = {0};
    assert_int_equal(wire_fill(&record, look_up, pairs, &thing, &fault), err);
    if (err != ERR_OK) {
        assert_string_equal(fault.field, told);
        return;
    }
    assert_int_equal(wire_build(&record, &thing, &out), ERR_OK);
    assert_string_equal(buf_text(&out), told);
}

static void test_counters_choices_and_groups_fill_themselves(void **state)
{
    (void)state;
    assert_filled((struct pair[]){{"mode", "1"},
                                  {"cvk", "U0123456789ABCDEF0123456789ABCDEF"},
                                  {"pan", "4123456789012345"},
                                  {"security-value", "561"},
                                  {"i-o-data", "a;b"},
                                  {"flag", "x"},
                                  {NULL, NULL}},
                  ERR_OK, FRAME);
    assert_filled((struct pair[]){{"mode", "2"}, {"pan", "4123456789012345"}, {"security-value", "561"}, {NULL, NULL}}, ERR_OK,
                  "24123456789012345;5610000");
}

static void test_what_is_missing_or_wrong_has_a_name(void **state)
{
    (void)state;
    assert_filled((struct pair[]){{"mode", "2"}, {"pan", "4123456789012345"}, {NULL, NULL}}, ERR_PARSE_MISSING, "security value");
    assert_filled((struct pair[]){{"mode", "3"}, {NULL, NULL}}, ERR_PARSE_VALUE, "mode");
    assert_filled((struct pair[]){{"mode", "2"}, {"pan", "41234567890123456789"}, {NULL, NULL}}, ERR_PARSE_LONG, "PAN");
    assert_filled((struct pair[]){{"mode", "0"}, {NULL, NULL}}, ERR_PARSE_MISSING, "CVK");
}

/* Any record can be told in names and filled from them: the frame is the same. */
struct generated {
    const struct thing *thing;
};

static bool from_record(void *context, const char *label, struct span *out)
{
    const struct generated *g = context;
    for (size_t i = 0; i < record.count; i++) {
        char own[WIRE_LABEL];
        wire_label(&fields[i], own);
        if (fields[i].cap == 0 || strcmp(own, label) != 0)
            continue;
        const struct wire_text *member = (const void *)((const uint8_t *)g->thing + fields[i].member);
        *out = span_of(member->at, member->len);
        return member->present;
    }
    return false;
}

static void test_any_record_survives_its_names(void **state)
{
    (void)state;
    struct env env = rng_env(20261121);
    for (int i = 0; i < 2000; i++) {
        uint8_t room[2][512];
        struct buf one = buf_over(room[0], sizeof room[0]), two = buf_over(room[1], sizeof room[1]);
        struct thing made, filled;
        wire_generate(&record, &env, &made);
        assert_int_equal(wire_build(&record, &made, &one), ERR_OK);
        assert_int_equal(wire_fill(&record, from_record, &(struct generated){&made}, &filled, NULL), ERR_OK);
        assert_int_equal(wire_build(&record, &filled, &two), ERR_OK);
        assert_true(span_equal(buf_span(&one), buf_span(&two)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_field_is_told_with_its_place),
        cmocka_unit_test(test_rows_of_other_variants_are_not_described),
        cmocka_unit_test(test_what_came_before_a_fault_is_told),
        cmocka_unit_test(test_labels_fit_a_command_line),
        cmocka_unit_test(test_names_that_a_person_means),
        cmocka_unit_test(test_counters_choices_and_groups_fill_themselves),
        cmocka_unit_test(test_what_is_missing_or_wrong_has_a_name),
        cmocka_unit_test(test_any_record_survives_its_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
