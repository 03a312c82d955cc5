/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every line of tests/vectors/published.jsonl and independent.jsonl: reproduced, or listed as pending by id. A line whose algorithm
 * is in neither list fails, and so does a vector that is neither run nor pending.
 */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "cvv/cvv.h"
#include "keys/block.h"
#include "keys/keys.h"
#include "support/frames.h"
#include "support/vectors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_MAX_LENGTH = 4096 };

static struct keys_lmk_set *lmks;

/* ---- reading ---- */

static const cJSON *keys_of(const cJSON *v)
{
    return cJSON_GetObjectItemCaseSensitive(v, "keys");
}
static const cJSON *inputs_of(const cJSON *v)
{
    return cJSON_GetObjectItemCaseSensitive(v, "inputs");
}

/* ---- codes ---- */

static void assert_cvv(const struct secret_key *cvk, const cJSON *in, const char *service, const char *expected)
{
    struct cvv_key key;
    struct code_digits code;
    struct pan pan = vector_pan(vector_text(in, "pan"));
    assert_int_equal(cvv_key_load(cvk, &key), ERR_OK);
    assert_int_equal(cvv_generate(&key, &pan, vector_text_or(in, "expiry", "0000"), service, (uint8_t)strlen(expected), &code),
                     ERR_OK);
    vector_assert_text(span_of(code.at, code.len), expected);
    cvv_key_unload(&key);
}

static void run_cvv(const cJSON *v)
{
    struct secret_key cvk = vector_key(vector_text(keys_of(v), "cvk"));
    assert_cvv(&cvk, inputs_of(v), vector_text(inputs_of(v), "service_code"), vector_text(v, "expected"));
}

static void run_cvv_block(const cJSON *v)
{
    const cJSON *in = inputs_of(v);
    const char *expected = vector_text(v, "expected");
    struct secret_key cvk = vector_key(vector_text(keys_of(v), "cvk"));
    struct cvv_key key;
    struct pan pan = vector_pan(vector_text(in, "pan"));
    uint8_t block[8];
    assert_int_equal(cvv_key_load(&cvk, &key), ERR_OK);
    assert_int_equal(cvv_block(&key, &pan, vector_text(in, "expiry"), vector_text(in, "service_code"), block), ERR_OK);
    cvv_key_unload(&key);
    if (strpbrk(expected, "ABCDEF")) {
        vector_assert_hex(block, expected);
        return;
    }
    struct code_digits all;
    cvv_decimalise(block, 16, 16, &all);
    vector_assert_text(span_of(all.at, all.len), expected);
}

static void run_cavv(const cJSON *v)
{
    const cJSON *in = inputs_of(v);
    struct secret_key cvk = vector_key(vector_text(keys_of(v), "cvk"));
    struct cvv_key key;
    struct code_digits code;
    struct pan pan = vector_pan(vector_text(in, "pan"));
    assert_int_equal(cvv_key_load(&cvk, &key), ERR_OK);
    assert_int_equal(
        cvv_cavv(&key, &pan, vector_text(in, "unpredictable_number"), vector_text(in, "auth_result_and_second_factor"), &code),
        ERR_OK);
    vector_assert_text(span_of(code.at, code.len), vector_text(v, "expected"));
    cvv_key_unload(&key);
}

static struct code_digits dynamic(const cJSON *v, const char overlay[4])
{
    const cJSON *in = inputs_of(v);
    struct secret_key mk = vector_key(vector_text(keys_of(v), "mk_ac"));
    struct cvv_master master;
    struct code_digits code;
    struct cvv_dynamic d = {.pan = vector_pan(vector_text(in, "pan")),
                            .method = (enum cvv_method)vector_text_or(in, "method", "A")[0]};
    memcpy(d.psn, vector_text_or(in, "psn", "00"), 2);
    memcpy(d.expiry, vector_text(in, "expiry"), 4);
    memcpy(d.service, vector_text(in, "service_code"), 3);
    memcpy(d.overlay, overlay, 4);
    assert_int_equal(cvv_master_load(&mk, &master), ERR_OK);
    assert_int_equal(cvv_dynamic_generate(&master, &d, &code), ERR_OK);
    cvv_master_unload(&master);
    return code;
}

static void run_dcvv(const cJSON *v)
{
    const cJSON *in = inputs_of(v);
    char overlay[4];
    cvv_overlay(strtoull(vector_text_or(in, "atc_wire", vector_text(in, "atc_digits")), NULL, 10), overlay);
    assert_memory_equal(overlay, vector_text(in, "atc_digits"), 4);
    struct code_digits code = dynamic(v, overlay);
    vector_assert_text(span_of(code.at, code.len), vector_text(v, "expected"));
}

static void run_t0(const cJSON *v)
{
    const cJSON *in = inputs_of(v);
    const char *t = vector_text(in, "time10");
    char overlay[4];
    uint64_t index = 0;
    int64_t ms = 0;
    struct env_calendar c = {.year = 2000, .month = 1};
    int *const member[] = {&c.year, &c.month, &c.day, &c.hour, &c.minute};
    for (int i = 0; i < 5; i++)
        *member[i] = (i == 0 ? 2000 : 0) + (t[2 * i] - '0') * 10 + t[2 * i + 1] - '0';
    assert_int_equal(env_calendar_ms(&c, &ms), ERR_OK);
    /* The wire has minutes, the vector may have the last second of one. */
    assert_int_equal(ms / 60000, vector_number(in, "unix_time") / 60);
    assert_int_equal(cvv_window_index(vector_number(in, "unix_time"), (unsigned)vector_number(in, "twu_hours"), &index), ERR_OK);
    assert_int_equal(index, vector_number(in, "window_index"));
    cvv_overlay(index, overlay);
    assert_memory_equal(overlay, vector_text(in, "overlay"), 4);
    struct code_digits code = dynamic(v, overlay);
    vector_assert_text(span_of(code.at, code.len), vector_text(v, "expected"));
}

/* The candidate equals the static code or the previous one, so the issuer must skip it. */
static void run_skip_rule(const cJSON *v)
{
    const cJSON *in = inputs_of(v);
    char overlay[4];
    cvv_overlay((uint64_t)vector_number(in, "candidate_counter"), overlay);
    struct code_digits code = dynamic(v, overlay);
    vector_assert_text(span_of(code.at, code.len), vector_text(v, "expected"));
    struct secret_key cvk = vector_key(vector_text(keys_of(v), "cvk"));
    assert_cvv(&cvk, in, CARD_SERVICE_CVV2, vector_text(in, "static_cvv2"));
    if (!cJSON_HasObjectItem(in, "previous_counter")) {
        vector_assert_text(span_of(code.at, code.len), vector_text(in, "static_cvv2"));
        return;
    }
    cvv_overlay((uint64_t)vector_number(in, "previous_counter"), overlay);
    struct code_digits previous = dynamic(v, overlay);
    assert_true(secret_code_equal(&code, &previous));
}

/* ---- keys ---- */

static struct keys_type_place place_of(const char *code)
{
    struct keys_type_place place;
    assert_int_equal(keys_type_place(span_text(code), &place), ERR_OK);
    return place;
}

static enum keys_scheme scheme_of(const char *name)
{
    return strcmp(name, "none") == 0 ? KEYS_NONE : (enum keys_scheme)name[0];
}

static void assert_wraps(struct keys_type_place place, enum keys_scheme scheme, const struct secret_key *key, const char *expected)
{
    uint8_t room[64];
    struct buf b = buf_over(room, sizeof room);
    struct secret_key back = {0};
    assert_int_equal(keys_wrap(lmks, 0, place, scheme, key, &b), ERR_OK);
    vector_assert_text(buf_span(&b), expected);
    assert_int_equal(keys_unwrap(lmks, 0, place, span_text(expected), &back), ERR_OK);
    assert_int_equal(back.len, key->len);
    assert_memory_equal(back.at, key->at, key->len);
}

static void run_wrap(const cJSON *v)
{
    const cJSON *in = inputs_of(v);
    struct secret_key key = vector_key(vector_text(keys_of(v), "key"));
    struct keys_type_place place = {(uint8_t)(atoi(vector_text(in, "lmk_pair")) / 2), (uint8_t)vector_number(in, "variant")};
    const char *type = vector_text_or(in, "key_type", NULL);
    if (type) {
        struct keys_type_place named = place_of(type);
        assert_int_equal(named.pair, place.pair);
        assert_int_equal(named.variant, place.variant);
    }
    assert_wraps(place, scheme_of(vector_text(in, "scheme")), &key, vector_text(v, "expected"));
}

static void run_kcv(const cJSON *v)
{
    const cJSON *in = inputs_of(v);
    struct secret_key key = vector_key(vector_text(keys_of(v), "key"));
    const char *wrapped = vector_text_or(in, "key_under_lmk", NULL);
    uint8_t kcv[8];
    if (wrapped) {
        struct secret_key clear;
        assert_int_equal(keys_unwrap(lmks, 0, place_of(vector_text(in, "key_type")), span_text(wrapped), &clear), ERR_OK);
        assert_memory_equal(clear.at, key.at, key.len);
    }
    assert_int_equal(keys_kcv(&key, kcv), ERR_OK);
    vector_assert_hex(kcv, vector_text(v, "expected"));
}

static struct secret_key zmk_of(const cJSON *v)
{
    struct secret_key zmk = {0}, known = vector_key(vector_text(keys_of(v), "zmk"));
    const char *wrapped = vector_text(inputs_of(v), "zmk_under_lmk");
    assert_int_equal(keys_unwrap(lmks, 0, place_of("000"), span_text(wrapped), &zmk), ERR_OK);
    assert_int_equal(zmk.len, known.len);
    assert_memory_equal(zmk.at, known.at, known.len);
    return zmk;
}

static void run_under_zmk(const cJSON *v)
{
    uint8_t room[64];
    struct buf b = buf_over(room, sizeof room);
    struct secret_key zmk = zmk_of(v), key = vector_key(vector_text(keys_of(v), "key"));
    assert_int_equal(keys_zmk_wrap(&zmk, scheme_of(vector_text(inputs_of(v), "scheme")), &key, &b), ERR_OK);
    vector_assert_text(buf_span(&b), vector_text(v, "expected"));
}

static void put_kcv(struct buf *b, const struct secret_key *key)
{
    uint8_t kcv[8];
    assert_int_equal(keys_kcv(key, kcv), ERR_OK);
    buf_put_hex(b, kcv, 3);
}

/* The key part of an A6 or A8 answer and its check value. */
static void run_import(const cJSON *v)
{
    const cJSON *in = inputs_of(v);
    uint8_t room[64];
    struct buf b = buf_over(room, sizeof room);
    struct secret_key zmk = zmk_of(v), key, known = vector_key(vector_text(keys_of(v), "key"));
    assert_int_equal(keys_zmk_unwrap(&zmk, span_text(vector_text(in, "key_under_zmk")), &key), ERR_OK);
    assert_memory_equal(key.at, known.at, known.len);
    assert_int_equal(keys_wrap(lmks, 0, place_of(vector_text(in, "key_type")), scheme_of(vector_text(in, "lmk_scheme")), &key, &b),
                     ERR_OK);
    put_kcv(&b, &key);
    vector_assert_text(buf_span(&b), vector_text(v, "expected"));
}

static void run_export(const cJSON *v)
{
    const cJSON *in = inputs_of(v);
    uint8_t room[64];
    struct buf b = buf_over(room, sizeof room);
    struct secret_key zmk = zmk_of(v), key;
    assert_int_equal(keys_unwrap(lmks, 0, place_of(vector_text(in, "key_type")), span_text(vector_text(in, "key_under_lmk")), &key),
                     ERR_OK);
    assert_int_equal(keys_zmk_wrap(&zmk, scheme_of(vector_text(in, "zmk_scheme")), &key, &b), ERR_OK);
    put_kcv(&b, &key);
    vector_assert_text(buf_span(&b), vector_text(v, "expected"));
}

/* Hands out the recorded padding where the builder asks for random bytes. */
static void recorded_random(void *context, void *out, size_t len)
{
    assert_true(len >= 24);
    memset(out, 0, len);
    memcpy((uint8_t *)out + 18, context, 6);
}

static void run_block(const cJSON *v)
{
    const cJSON *in = inputs_of(v);
    const char *expected = vector_text(v, "expected");
    uint8_t padding[6], room[128];
    struct buf b = buf_over(room, sizeof room);
    struct secret_key kbpk = vector_key(vector_text(keys_of(v), "kbpk")), known = vector_key(vector_text(keys_of(v), "key")),
                      key = {0};
    struct keys_header header;
    assert_int_equal(keys_block_unwrap_under(&kbpk, span_text(expected), &header, &key), ERR_OK);
    assert_int_equal(key.len, known.len);
    assert_memory_equal(key.at, known.at, known.len);
    assert_memory_equal(header.usage, vector_text(in, "header") + 5, 2);
    if (strcmp(vector_text(in, "wrapping"), "ZMK") != 0)
        assert_int_equal(keys_block_unwrap(lmks, 1, span_text(expected), &header, &key), ERR_OK);
    assert_int_equal(span_unhex(span_text(vector_text(in, "padding")), padding, sizeof padding), ERR_OK);
    struct env env = {.random_fill = recorded_random, .context = padding};
    assert_int_equal(keys_block_wrap_under(&kbpk, &header, &key, &env, &b), ERR_OK);
    vector_assert_text(buf_span(&b), expected);
    uint8_t kcv[8];
    assert_int_equal(keys_kcv(&key, kcv), ERR_OK);
    vector_assert_hex(kcv, vector_text(v, "kcv"));
}

/* ---- the independent file ---- */

static void run_independent_cvv(const cJSON *v)
{
    char hex[33] = {0};
    memcpy(hex, vector_text(v, "key_a"), 16);
    memcpy(hex + 16, vector_text(v, "key_b"), 16);
    struct secret_key cvk = vector_key(hex);
    assert_cvv(&cvk, v, vector_text(v, "service_code"), vector_text(v, "expected"));
}

static void run_independent_kcv(const cJSON *v)
{
    struct secret_key key = vector_key(vector_text(v, "key"));
    uint8_t kcv[8];
    assert_int_equal(keys_kcv(&key, kcv), ERR_OK);
    vector_assert_hex(kcv, vector_text(v, "expected"));
    vector_assert_hex(kcv, vector_text(v, "expected16"));
}

static void run_independent_cmac(const cJSON *v)
{
    struct secret_key key = vector_key(vector_text(v, "key"));
    uint8_t kcv[8];
    assert_int_equal(keys_kcv_aes(&key, kcv), ERR_OK);
    vector_assert_hex(kcv, vector_text(v, "expected"));
}

static void run_independent_block(const cJSON *v)
{
    struct secret_key lmk = vector_key(vector_text(v, "lmk_3des_keyblock_test")), key = {0};
    struct keys_header header;
    uint8_t kcv[8];
    assert_int_equal(keys_block_unwrap_under(&lmk, span_text(vector_text(v, "cvk_block")), &header, &key), ERR_OK);
    /* The header names LMK 01, so it is no block for a ZMK, but the key under it is the same. */
    assert_int_equal(keys_block_unwrap(lmks, 1, span_text(vector_text(v, "cvk_block")), &header, &key), ERR_OK);
    assert_int_equal(keys_kcv(&key, kcv), ERR_OK);
    vector_assert_hex(kcv, vector_text(v, "kcv"));
    assert_cvv(&key, v, vector_text(v, "service_code"), vector_text(v, "expected"));
    run_independent_cvv(v);
}

static void run_frame(const cJSON *v)
{
    struct env env = env_system(NULL);
    struct hsm *hsm = frames_hsm(&env, 0, false);
    frames_assert(hsm, vector_text(v, "request"), vector_text(v, "response"));
    hsm_destroy(hsm);
}

/* ---- the lists ---- */

struct runner {
    const char *algorithm;
    void (*run)(const cJSON *v);
    const char *pending; /* why it is not run yet */
};

static const struct runner runners[] = {
    {"cvv", run_cvv, NULL},
    {"cvv2", run_cvv, NULL},
    {"icvv", run_cvv, NULL},
    {"cvv-block", run_cvv_block, NULL},
    {"cavv", run_cavv, NULL},
    {"visa-dcvv", run_dcvv, NULL},
    {"t0-dcvv2", run_t0, NULL},
    {"one-time-skip-rule", run_skip_rule, NULL},
    {"key-wrap-variant", run_wrap, NULL},
    {"kcv-tdes", run_kcv, NULL},
    {"key-under-zmk", run_under_zmk, NULL},
    {"import-key", run_import, NULL},
    {"export-key", run_export, NULL},
    {"thales-keyblock-v0", run_block, NULL},
    {"form-key-from-components", NULL, "components: command A4"},
    {"mastercard-cvc3", NULL, "CVC3"},
    {"mastercard-ivcvc3", NULL, "CVC3"},
    {"amex-csc", NULL, "CSC"},
    {"tr31-A", NULL, "TR-31 blocks"},
    {"tr31-B", NULL, "TR-31 blocks"},
    {"tr31-C", NULL, "TR-31 blocks"},
    {"tr31-D", NULL, "TR-31 blocks"},
    {"CVV", run_independent_cvv, NULL},
    {"CVV2", run_independent_cvv, NULL},
    {"iCVV", run_independent_cvv, NULL},
    {"KCV-TDES", run_independent_kcv, NULL},
    {"KCV-AES-CMAC", run_independent_cmac, NULL},
    {"PAYSHIELD-KB", run_independent_block, NULL},
    {"frame CW", run_frame, NULL},
    {"frame CY", run_frame, NULL},
    {"frame A6", NULL, "command A6"},
    {"CVC3", NULL, "CVC3"},
    {"TR31-A", NULL, "TR-31 blocks"},
    {"TR31-B", NULL, "TR-31 blocks"},
    {"TR31-C", NULL, "TR-31 blocks"},
    {"TR31-D", NULL, "TR-31 blocks"},
};

static const struct runner *find(const char *algorithm)
{
    for (size_t i = 0; i < sizeof runners / sizeof runners[0]; i++)
        if (strcmp(runners[i].algorithm, algorithm) == 0)
            return &runners[i];
    fail_msg("no runner and no pending row for algorithm %s", algorithm);
    return NULL;
}

struct tally {
    unsigned run, pending;
};

static void one_line(const char *line, const char *file, unsigned number_of_line, struct tally *tally)
{
    cJSON *v = cJSON_Parse(line);
    char id[64];
    assert_non_null(v);
    char frame[16];
    const char *algorithm = vector_text_or(v, "algorithm", vector_text_or(v, "scheme", ""));
    if (strcmp(algorithm, "PAYSHIELD-CMD-TESTLMK") == 0) {
        snprintf(frame, sizeof frame, "frame %.2s", vector_text(v, "request"));
        algorithm = frame;
    }
    snprintf(id, sizeof id, "%s:%u", vector_text_or(v, "id", file), number_of_line);
    const struct runner *r = find(algorithm);
    if (r->run) {
        r->run(v);
        tally->run++;
    } else {
        assert_non_null(r->pending);
        print_message("pending %s (%s): %s\n", id, algorithm, r->pending);
        tally->pending++;
    }
    cJSON_Delete(v);
}

static void whole_file(const char *file, const char *path, unsigned lines)
{
    char line[LINE_MAX_LENGTH];
    struct tally tally = {0};
    unsigned at = 0;
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    while (fgets(line, sizeof line, in)) {
        assert_non_null(strchr(line, '\n'));
        one_line(line, file, ++at, &tally);
    }
    fclose(in);
    print_message("%s: %u reproduced, %u pending\n", file, tally.run, tally.pending);
    assert_int_equal(tally.run + tally.pending, at);
    assert_int_equal(at, lines);
}

static void published(void **state)
{
    (void)state;
    whole_file("published", "tests/vectors/published.jsonl", 121);
}

static void independent(void **state)
{
    (void)state;
    whole_file("independent", "tests/vectors/independent.jsonl", 316);
}

static int set_up(void **state)
{
    (void)state;
    return keys_lmk_set_create(&lmks) != ERR_OK || keys_lmk_add_test_variant(lmks, 0) != ERR_OK ||
           keys_lmk_add_test_block(lmks, 1) != ERR_OK;
}

static int tear_down(void **state)
{
    (void)state;
    keys_lmk_set_destroy(lmks);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(published), cmocka_unit_test(independent)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
