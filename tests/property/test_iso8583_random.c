/* SPDX-License-Identifier: Apache-2.0 */
/* Cases made from the tables: random valid messages, truncations, changed bytes, random bytes; every outcome must be reached. */
#include "iso8583/layout.h"
#include "iso8583/profile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void seeded_fill(void *context, void *out, size_t len)
{
    uint64_t *seed = context;

    for (size_t i = 0; i < len; i++) {
        *seed ^= *seed << 13;
        *seed ^= *seed >> 7;
        *seed ^= *seed << 17;
        ((uint8_t *)out)[i] = (uint8_t)(*seed >> 24);
    }
}

static const struct iso8583_profile *const profiles[] = {&iso8583_profile_visa_base1, &iso8583_profile_iso87_ascii};
static const uint16_t classes[] = {0x0100, 0x0101, 0x0110, 0x0400, 0x0401, 0x0410, 0x0800, 0x0810};

struct reached {
    unsigned outcome[ISO8583_OUTCOME_COUNT];
    unsigned wire[WIRE_OUTCOME_COUNT];
};

static void note(struct reached *r, const struct iso8583_fault *fault)
{
    r->outcome[fault->outcome]++;
    if (fault->outcome == ISO8583_OUTCOME_FIELD)
        r->wire[fault->wire.outcome]++;
}

static size_t frame_make(const struct iso8583_profile *p, uint16_t mti, const struct env *env, uint8_t *room,
                         struct iso8583_message *m)
{
    struct buf out = buf_over(room, ISO8583_FRAME_MAX);

    iso8583_generate(p, mti, env, m);
    assert_int_equal(m->err, ERR_OK);
    assert_int_equal(iso8583_build(p, m, &out), ERR_OK);
    return out.len;
}

static void valid_messages_survive(void **state)
{
    uint64_t seed = 0x9E3779B97F4A7C15;
    struct env env = {.random_fill = seeded_fill, .context = &seed};

    (void)state;
    for (int round = 0; round < 16000; round++) {
        const struct iso8583_profile *p = profiles[round & 1];
        uint16_t mti = classes[round / 2 % 8];
        uint8_t frame[ISO8583_FRAME_MAX];
        uint8_t again[ISO8583_FRAME_MAX];
        struct buf out = buf_over(again, sizeof again);
        struct iso8583_message m;
        struct iso8583_message back;
        struct iso8583_fault fault;
        size_t len = frame_make(p, mti, &env, frame, &m);

        assert_int_equal(iso8583_parse(p, span_of(frame, len), &back, &fault), ERR_OK);
        assert_int_equal(back.mti, mti);
        assert_memory_equal(back.present, m.present, sizeof m.present);
        for (unsigned f = 2; f < ISO8583_FIELDS; f++)
            if (iso8583_has(&m, f))
                assert_true(span_equal(iso8583_get(&back, f), iso8583_get(&m, f)));
        assert_int_equal(iso8583_build(p, &back, &out), ERR_OK);
        assert_int_equal(out.len, len);
        assert_memory_equal(again, frame, len);
    }
}

static void truncations_and_changes_are_faults_or_valid(void **state)
{
    uint64_t seed = 0xD1B54A32D192ED03;
    struct env env = {.random_fill = seeded_fill, .context = &seed};
    struct reached reached = {0};

    (void)state;
    for (int round = 0; round < 4000; round++) {
        const struct iso8583_profile *p = profiles[round & 1];
        uint8_t frame[ISO8583_FRAME_MAX + 1] = {0};
        struct iso8583_message m;
        struct iso8583_fault fault;
        size_t len = frame_make(p, classes[round / 2 % 8], &env, frame, &m);
        uint32_t draw;

        for (size_t cut = 0; cut < len; cut += round < 64 ? 1 : 17) {
            assert_int_not_equal(iso8583_parse(p, span_of(frame, cut), &m, &fault), ERR_OK);
            note(&reached, &fault);
        }
        assert_int_equal(iso8583_parse(p, span_of(frame, len + 1), &m, &fault), ERR_PARSE_TRAILING);
        note(&reached, &fault);
        for (int change = 0; change < 20; change++) {
            uint8_t kept;

            env_random(&env, &draw, sizeof draw);
            kept = frame[draw % len];
            frame[draw % len] = (uint8_t)(draw >> 24);
            if (iso8583_parse(p, span_of(frame, len), &m, &fault) == ERR_OK) {
                uint8_t again[ISO8583_FRAME_MAX];
                struct buf out = buf_over(again, sizeof again);

                assert_int_equal(iso8583_build(p, &m, &out), ERR_OK);
            }
            note(&reached, &fault);
            frame[draw % len] = kept;
        }
    }
    for (int i = 0; i < ISO8583_OUTCOME_COUNT; i++)
        if (reached.outcome[i] == 0 && i != ISO8583_OUTCOME_FORBIDDEN)
            fail_msg("outcome %d was not reached", i);
    assert_true(reached.wire[WIRE_OUTCOME_SHORT] > 0);
    assert_true(reached.wire[WIRE_OUTCOME_LONG] > 0);
    assert_true(reached.wire[WIRE_OUTCOME_CHARACTER] > 0);
}

static void random_bytes_never_crash(void **state)
{
    uint64_t seed = 0x2545F4914F6CDD1D;
    struct env env = {.random_fill = seeded_fill, .context = &seed};

    (void)state;
    for (int round = 0; round < 40000; round++) {
        uint8_t frame[300];
        struct iso8583_message m;
        struct iso8583_fault fault;
        struct iso8583_code code;
        struct iso8583_original original;
        uint64_t amount;
        bool present;
        uint16_t len;

        env_random(&env, &len, sizeof len);
        env_random(&env, frame, sizeof frame);
        if (iso8583_parse(profiles[round & 1], span_of(frame, len % sizeof frame), &m, &fault) != ERR_OK)
            (void)iso8583_fault_response(&fault, &m);
        iso8583_set(&m, ISO8583_CODE, span_of(frame, len % 64));
        iso8583_set(&m, ISO8583_NATIONAL, span_of(frame, len % 64));
        iso8583_set(&m, ISO8583_ORIGINAL, span_of(frame, len % 64));
        iso8583_set(&m, ISO8583_REPLACEMENT, span_of(frame, len % 64));
        for (int rule = 0; rule < ISO8583_EXTRACT_COUNT; rule++)
            iso8583_code_read((enum iso8583_extract)rule, &m, &code);
        if (iso8583_original_read(&m, &original) == ERR_OK)
            assert_int_equal(original.stan.len, 6);
        if (iso8583_replacement_read(&m, &present, &amount) == ERR_OK)
            assert_true(amount <= 999999999999);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(valid_messages_survive),
        cmocka_unit_test(truncations_and_changes_are_faults_or_valid),
        cmocka_unit_test(random_bytes_never_crash),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
