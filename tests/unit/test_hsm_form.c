/* SPDX-License-Identifier: Apache-2.0 */
/* A4: keys from components of both kinds, and every refusal. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "support/frames.h"
#include "support/rng.h"

#include <stdio.h>
#include <string.h>

enum { REQUEST = 8192 };

static struct env env;
static struct hsm *hsm;

/* What the components make, computed here: exclusive or, then odd parity. */
static struct secret_key sum_of(const struct secret_key *part, size_t count)
{
    struct secret_key sum = {.len = part[0].len};
    for (size_t i = 0; i < sum.len; i++) {
        unsigned byte = 0;
        for (size_t n = 0; n < count; n++)
            byte ^= part[n].at[i];
        unsigned ones = 0;
        for (unsigned bit = 1; bit < 8; bit++)
            ones += byte >> bit & 1;
        sum.at[i] = (uint8_t)((byte & 0xFE) | (ones % 2 == 0));
    }
    return sum;
}

/* ---- variant components ---- */

/* Components wrapped by openssl with byte 0 of the pair xor DE (variant 4) and FF; the sum likewise, without FF. */
static void component_variant(void **state)
{
    (void)state;
    frames_assert(hsm, "A42402UU0D44019C073C54DD8403A9ACA257AE20U00FA56CCA3541F988601706F3CCA222E",
                  "A500UC54A6A467D1A4CBB17DAC4D019A723E409427B");
}

static void any_number_of_components(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        enum keys_scheme scheme;
        uint8_t len;
    } rows[] = {{"002", KEYS_Z, 8},  {"000", KEYS_X, 16}, {"402", KEYS_U, 16}, {"109", KEYS_U, 16},
                {"009", KEYS_T, 24}, {"00A", KEYS_Y, 24}, {"709", KEYS_U, 16}, {"100", KEYS_U, 16}};
    struct env fixed = rng_env(7);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        for (unsigned count = 2; count <= 9; count++) {
            struct keys_type_place place;
            struct secret_key part[9];
            char request[REQUEST], text[KEYS_BLOCK_MAX];
            assert_int_equal(keys_type_place(span_text(rows[i].type), &place), ERR_OK);
            place.component = count % 2; /* either way of wrapping */
            int len = snprintf(request, sizeof request, "A4%u%s%c", count, rows[i].type, rows[i].scheme);
            for (unsigned n = 0; n < count; n++) {
                keys_generate(&fixed, rows[i].len, &part[n]);
                frames_wrap_under(hsm, 0, place, rows[i].scheme, &part[n], text);
                len += snprintf(request + len, sizeof request - (size_t)len, "%s", text);
            }
            struct secret_key sum = sum_of(part, count);
            const char *r = frames_ask(hsm, request);
            assert_memory_equal(r, "A500", 4);
            size_t digits = 2 * (size_t)rows[i].len + (rows[i].scheme != KEYS_Z);
            assert_int_equal(strlen(r), 4 + digits + 6);
            frames_assert_clear(hsm, 0, rows[i].type, span_of(r + 4, digits), &sum);
            frames_assert_kcv(&sum, r + 4 + digits, 6);
        }
}

static void refusals_of_variant_components(void **state)
{
    (void)state;
    static const struct exchange frames[] = {
        {"A41002Z3B723AF4CF00A7A6", "A503"},
        {"A40002Z", "A503"},
        /* the parity of the second one */
        {"A42002Z3B723AF4CF00A7A63B723AF4CF00A7A7", "A510"},
        /* nothing is left */
        {"A42002Z3B723AF4CF00A7A63B723AF4CF00A7A6", "A511"},
        {"A42002ZK00AK0FF", "A512"},
        {"A42002ZK00AKFFF", "A521"},
        {"A42402UU0D44019C073C54DD8403A9ACA257AE20U00FA56CCA3541F988601706F3CCA222E%07", "A513"},
        {"A42402UU0D44019C073C54DD8403A9ACA257AE20", "A515"},
        {"A42402Q3B723AF4CF00A7A6954111D254A90D17", "A526"},
        {"A42402SU0D44019C073C54DD8403A9ACA257AE20U00FA56CCA3541F988601706F3CCA222E", "A526"},
        {"A42402RU0D44019C073C54DD8403A9ACA257AE20U00FA56CCA3541F988601706F3CCA222E", "A526"},
        {"A42402UU0D44019C073C54DD8403A9ACA257AE20K00A", "A527"},
        {"A42002TZ3B723AF4CF00A7A6Z954111D254A90D17", "A527"},
        {"A4240FUU0D44019C073C54DD8403A9ACA257AE20U00FA56CCA3541F988601706F3CCA222E", "A528"},
        {"A4200FUU0D44019C073C54DD8403A9ACA257AE20U00FA56CCA3541F988601706F3CCA222E", "A528"},
        {"A42FFFUU0D44019C073C54DD8403A9ACA257AE20U00FA56CCA3541F988601706F3CCA222E", "A528"},
        {"A4200CUU0D44019C073C54DD8403A9ACA257AE20U00FA56CCA3541F988601706F3CCA222E", "A529"},
        {"A4210CUU0D44019C073C54DD8403A9ACA257AE20U00FA56CCA3541F988601706F3CCA222E", "A529"},
        {"A42402UK00BU00FA56CCA3541F988601706F3CCA222E", "A5A2"},
        {"A42402UK00AK00A%01", "A5A2"},
    };
    assert_int_equal(hsm_keys_store(hsm_context(hsm)->keys, 0x0A, 0, span_text("3B723AF4CF00A7A6")), ERR_OK);
    assert_int_equal(hsm_keys_store(hsm_context(hsm)->keys, 0x0B, 1,
                                    span_text("S00072C0TN00E0001A417975993E2331918759DD1656AC94306BE01C19FDE29E83A93AB42")),
                     ERR_OK);
    FRAMES_ASSERT(hsm, frames);
    assert_memory_equal(frames_ask(hsm, "A42002ZK00A954111D254A90D17"), "A500", 4);
}

/* ---- key block components ---- */

static const struct keys_header c1 = {
    .usage = {'C', '0'}, .algorithm = 'T', .mode = 'C', .version = {'c', '1'}, .exportability = 'S'};

/* A request of components under LMK 01 with these headers and lengths. */
static void block_request(const struct keys_header *header, const uint8_t *lens, unsigned count, struct secret_key *part,
                          char out[static REQUEST])
{
    int len = snprintf(out, REQUEST, "A4%uFFFS", count);
    for (unsigned n = 0; n < count; n++) {
        char text[KEYS_BLOCK_MAX];
        if (part[n].len == 0)
            keys_generate(&env, lens[n], &part[n]);
        frames_block_under(hsm, 1, &header[n], &part[n], text);
        len += snprintf(out + len, REQUEST - (size_t)len, "%s", text);
    }
    strcat(out, "%01");
}

static void blocks_make_a_block(void **state)
{
    (void)state;
    static const uint8_t lens[9] = {16, 16, 16, 16, 16, 16, 16, 16, 16};
    for (unsigned count = 2; count <= 9; count++) {
        struct keys_header header[9], made;
        struct secret_key part[9] = {0}, key;
        char request[REQUEST];
        for (unsigned n = 0; n < count; n++) {
            header[n] = c1;
            header[n].version[1] = (char)('1' + n);
        }
        block_request(header, lens, count, part, request);
        struct secret_key sum = sum_of(part, count);
        const char *r = frames_ask(hsm, request);
        assert_memory_equal(r, "A500S00072C0TC00S0001", 21);
        assert_int_equal(keys_block_unwrap(hsm_context(hsm)->lmks, 1, span_of(r + 4, 73), &made, &key), ERR_OK);
        assert_memory_equal(&key, &sum, sizeof key);
        frames_assert_kcv(&sum, r + 77, 6);
        strcat(request, "#4701KS1800604B120F9292800000");
        assert_memory_equal(frames_ask(hsm, request), "A500S00096C0TC47S0101KS1800604B120F9292800000", 45);
    }
}

static void refusal_of_blocks(const struct keys_header header[2], const uint8_t lens[2], const char *reply)
{
    struct secret_key part[2] = {0};
    char request[REQUEST];
    block_request(header, lens, 2, part, request);
    frames_assert(hsm, request, reply);
}

static void refusals_of_block_components(void **state)
{
    (void)state;
    static const uint8_t doubles[] = {16, 16}, mixed[] = {16, 24};
    struct keys_header h[2] = {c1, c1};
    struct secret_key part[2] = {0};
    char request[REQUEST];
    refusal_of_blocks(h, doubles, "A5B5"); /* c1 twice */
    h[1].version[1] = '0';
    refusal_of_blocks(h, doubles, "A5B5");
    h[1].version[0] = '0';
    refusal_of_blocks(h, doubles, "A5B5");
    h[1] = c1;
    h[1].version[1] = '2';
    refusal_of_blocks(h, mixed, "A527");
    h[1].usage[0] = 'E';
    refusal_of_blocks(h, doubles, "A5B5");
    h[1].usage[0] = 'C';
    h[1].mode = 'G';
    refusal_of_blocks(h, doubles, "A5B5");
    h[1].mode = 'C';
    h[1].exportability = 'N';
    refusal_of_blocks(h, doubles, "A5B5");
    h[1].exportability = 'S';
    h[0].algorithm = h[1].algorithm = 'A';
    refusal_of_blocks(h, doubles, "A5A7");
    h[0].algorithm = h[1].algorithm = 'T';
    keys_generate(&env, 16, &part[0]);
    part[1] = part[0];
    block_request(h, doubles, 2, part, request);
    frames_assert(hsm, request, "A511");
    part[1].at[3] ^= 1;
    block_request(h, doubles, 2, part, request);
    frames_assert(hsm, request, "A510");
    part[1].at[3] ^= 2 ^ 1 ^ 4; /* another odd one */
    block_request(h, doubles, 2, part, request);
    assert_memory_equal(frames_ask(hsm, request), "A500", 4);
    char *last = &request[strlen(request) - 4];
    *last = *last == '0' ? '1' : '0';
    frames_assert(hsm, request, "A5A4");
    request[6 + 2] = 'X'; /* length field of the first block */
    frames_assert(hsm, request, "A583");
    block_request(h, doubles, 2, part, request);
    memcpy(request + 3, "402", 3);
    frames_assert(hsm, request, "A528");
    memcpy(request + 3, "FFFR", 4);
    frames_assert(hsm, request, "A526");
    /* A component is no key: its version says so. */
    char text[KEYS_BLOCK_MAX];
    frames_block_under(hsm, 1, &c1, &part[0], text);
    frames_assert_key(hsm, "CW", text, "4123456789012345;8701101%01", "CXA9");
    assert_memory_equal(frames_ask(hsm, request), "A5", 2);
}

static int set_up(void **state)
{
    (void)state;
    env = env_system(NULL);
    hsm = frames_hsm(&env, 0, false);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    hsm_destroy(hsm);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(component_variant),
        cmocka_unit_test(any_number_of_components),
        cmocka_unit_test(refusals_of_variant_components),
        cmocka_unit_test(blocks_make_a_block),
        cmocka_unit_test(refusals_of_block_components),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
