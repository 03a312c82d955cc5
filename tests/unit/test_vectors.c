/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every line of docs/spec/vectors: reproduced, or listed as pending by id. A line whose algorithm
 * is in neither list fails, and so does a vector that is neither run nor pending.
 */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "keys/block/block.h"
#include "keys/block/tr31.h"
#include "keys/keys.h"
#include "support/frames.h"
#include "support/vector_codes.h"
#include "support/vectors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_MAX_LENGTH = 4096 };

static struct keys_lmk_set *lmks;

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
    const cJSON *in = vector_inputs(v);
    struct secret_key key = vector_key(vector_text(vector_keys(v), "key"));
    struct keys_type_place place = {.pair = (uint8_t)(atoi(vector_text(in, "lmk_pair")) / 2),
                                    .variant = (uint8_t)vector_number(in, "variant")};
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
    const cJSON *in = vector_inputs(v);
    struct secret_key key = vector_key(vector_text(vector_keys(v), "key"));
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
    struct secret_key zmk = {0}, known = vector_key(vector_text(vector_keys(v), "zmk"));
    const char *wrapped = vector_text(vector_inputs(v), "zmk_under_lmk");
    assert_int_equal(keys_unwrap(lmks, 0, place_of("000"), span_text(wrapped), &zmk), ERR_OK);
    assert_int_equal(zmk.len, known.len);
    assert_memory_equal(zmk.at, known.at, known.len);
    return zmk;
}

static void run_under_zmk(const cJSON *v)
{
    uint8_t room[64];
    struct buf b = buf_over(room, sizeof room);
    struct secret_key zmk = zmk_of(v), key = vector_key(vector_text(vector_keys(v), "key"));
    assert_int_equal(keys_zmk_wrap(&zmk, scheme_of(vector_text(vector_inputs(v), "scheme")), &key, &b), ERR_OK);
    vector_assert_text(buf_span(&b), vector_text(v, "expected"));
}

static void put_kcv(struct buf *b, const struct secret_key *key)
{
    uint8_t kcv[8];
    assert_int_equal(keys_kcv(key, kcv), ERR_OK);
    buf_put_hex(b, kcv, 3);
}

/* The same over the wire. */
static void assert_moves(const char *code, const char *reply_code, const cJSON *v, const char *key, const char *scheme)
{
    const cJSON *in = vector_inputs(v);
    struct env env = env_system(NULL);
    struct hsm *hsm = frames_hsm(&env, 0, false);
    char request[256], reply[128];
    snprintf(request, sizeof request, "%s%s%s%s%s", code, vector_text(in, "key_type"), vector_text(in, "zmk_under_lmk"), key,
             scheme);
    snprintf(reply, sizeof reply, "%s00%s", reply_code, vector_text(v, "expected"));
    frames_assert(hsm, request, reply);
    hsm_destroy(hsm);
}

/* The key part of an A6 or A8 answer and its check value. */
static void run_import(const cJSON *v)
{
    const cJSON *in = vector_inputs(v);
    uint8_t room[64];
    struct buf b = buf_over(room, sizeof room);
    struct secret_key zmk = zmk_of(v), key, known = vector_key(vector_text(vector_keys(v), "key"));
    assert_int_equal(keys_zmk_unwrap(&zmk, span_text(vector_text(in, "key_under_zmk")), &key), ERR_OK);
    assert_memory_equal(key.at, known.at, known.len);
    assert_int_equal(keys_wrap(lmks, 0, place_of(vector_text(in, "key_type")), scheme_of(vector_text(in, "lmk_scheme")), &key, &b),
                     ERR_OK);
    put_kcv(&b, &key);
    vector_assert_text(buf_span(&b), vector_text(v, "expected"));
    assert_moves("A6", "A7", v, vector_text(in, "key_under_zmk"), vector_text(in, "lmk_scheme"));
}

static void run_export(const cJSON *v)
{
    const cJSON *in = vector_inputs(v);
    uint8_t room[64];
    struct buf b = buf_over(room, sizeof room);
    struct secret_key zmk = zmk_of(v), key;
    assert_int_equal(keys_unwrap(lmks, 0, place_of(vector_text(in, "key_type")), span_text(vector_text(in, "key_under_lmk")), &key),
                     ERR_OK);
    assert_int_equal(keys_zmk_wrap(&zmk, scheme_of(vector_text(in, "zmk_scheme")), &key, &b), ERR_OK);
    put_kcv(&b, &key);
    vector_assert_text(buf_span(&b), vector_text(v, "expected"));
    assert_moves("A8", "A9", v, vector_text(in, "key_under_lmk"), vector_text(in, "zmk_scheme"));
}

/* Hands out the recorded padding where the builder asks for random bytes. */
static void recorded_random(void *context, void *out, size_t len)
{
    assert_int_equal(len, 6);
    memcpy(out, context, len);
}

static void run_block(const cJSON *v)
{
    const cJSON *in = vector_inputs(v);
    const char *expected = vector_text(v, "expected");
    uint8_t padding[6], room[128];
    struct buf b = buf_over(room, sizeof room);
    struct secret_key kbpk = vector_key(vector_text(vector_keys(v), "kbpk")),
                      known = vector_key(vector_text(vector_keys(v), "key")), key = {0};
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

/* ---- TR-31 ---- */

static void assert_reading(const char *block, const struct secret_key *kbpk, const struct secret_key *known, const char *header)
{
    char text[256];
    struct buf b = buf_over(text, sizeof text);
    struct keys_header h;
    struct secret_key key = {0};
    buf_put_byte(&b, 'R');
    buf_put_text(&b, block);
    assert_int_equal(buf_done(&b), ERR_OK);
    assert_int_equal(keys_tr31_unwrap(kbpk, buf_span(&b), &h, &key), ERR_OK);
    assert_int_equal(key.len, known->len);
    assert_memory_equal(key.at, known->at, known->len);
    assert_int_equal(h.format, header[0]);
    assert_memory_equal(h.usage, header + 5, 2);
    assert_int_equal(h.algorithm, header[7]);
    assert_int_equal(h.mode, header[8]);
    assert_memory_equal(h.version, header + 9, 2);
    assert_int_equal(h.exportability, header[11]);
    vector_assert_text(h.blocks, strlen(header) > 16 ? header + 16 : "");
}

static void run_tr31(const cJSON *v)
{
    struct secret_key kbpk = vector_key(vector_text(vector_keys(v), "kbpk")),
                      known = vector_key(vector_text(vector_keys(v), "key"));
    assert_reading(vector_text(v, "expected"), &kbpk, &known, vector_text(vector_inputs(v), "header"));
}

static void run_independent_tr31(const cJSON *v)
{
    struct secret_key kbpk = vector_key(vector_text(v, "kbpk")), known = vector_key(vector_text(v, "key"));
    char header[17] = "";
    memcpy(header, vector_text(v, "key_block"), 16);
    assert_reading(vector_text(v, "key_block"), &kbpk, &known, header);
    assert_memory_equal(header + 5, vector_text(v, "usage"), 2);
}

/* ---- the independent file ---- */

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
    vector_assert_cvv(&key, v, vector_text(v, "service_code"), vector_text(v, "expected"));
    vector_run_independent_cvv(v);
}

static void run_frame(const cJSON *v)
{
    struct env env = env_system(NULL);
    struct hsm *hsm = frames_hsm(&env, 0, false);
    frames_assert(hsm, vector_text(v, "request"), vector_text(v, "response"));
    hsm_destroy(hsm);
}

/* ---- the lists ---- */

/* Over the wire, as command A4. */
static void run_form(const cJSON *v)
{
    char request[256], reply[128];
    const cJSON *in = cJSON_GetObjectItem(v, "inputs"), *parts = cJSON_GetObjectItem(in, "components_under_lmk"), *part = NULL;
    struct env env = env_system(NULL);
    struct hsm *hsm = frames_hsm(&env, 0, false);
    int len = snprintf(request, sizeof request, "A4%d%s%s", cJSON_GetArraySize(parts), vector_text(in, "key_type"),
                       vector_text(in, "scheme"));
    cJSON_ArrayForEach(part, parts) len += snprintf(request + len, sizeof request - (size_t)len, "%s", part->valuestring);
    snprintf(reply, sizeof reply, "A500%s", vector_text(v, "expected"));
    frames_assert(hsm, request, reply);
    hsm_destroy(hsm);
}

struct runner {
    const char *algorithm;
    void (*run)(const cJSON *v);
    const char *pending; /* why it is not run yet */
};

static const struct runner runners[] = {
    {"cvv", vector_run_cvv, NULL},
    {"cvv2", vector_run_cvv, NULL},
    {"icvv", vector_run_cvv, NULL},
    {"cvv-block", vector_run_cvv_block, NULL},
    {"cavv", vector_run_cavv, NULL},
    {"visa-dcvv", vector_run_dcvv, NULL},
    {"t0-dcvv2", vector_run_t0, NULL},
    {"one-time-skip-rule", vector_run_skip_rule, NULL},
    {"key-wrap-variant", run_wrap, NULL},
    {"kcv-tdes", run_kcv, NULL},
    {"key-under-zmk", run_under_zmk, NULL},
    {"import-key", run_import, NULL},
    {"export-key", run_export, NULL},
    {"thales-keyblock-v0", run_block, NULL},
    {"form-key-from-components", run_form, NULL},
    {"mastercard-cvc3", vector_run_cvc3, NULL},
    {"mastercard-ivcvc3", vector_run_cvc3_iv, NULL},
    {"amex-csc", vector_run_csc, NULL},
    {"tr31-A", run_tr31, NULL},
    {"tr31-B", run_tr31, NULL},
    {"tr31-C", run_tr31, NULL},
    {"tr31-D", run_tr31, NULL},
    {"CVV", vector_run_independent_cvv, NULL},
    {"CVV2", vector_run_independent_cvv, NULL},
    {"iCVV", vector_run_independent_cvv, NULL},
    {"KCV-TDES", run_independent_kcv, NULL},
    {"KCV-AES-CMAC", run_independent_cmac, NULL},
    {"PAYSHIELD-KB", run_independent_block, NULL},
    {"frame CW", run_frame, NULL},
    {"frame CY", run_frame, NULL},
    {"frame A6", run_frame, NULL},
    {"CVC3", vector_run_independent_cvc3, NULL},
    {"TR31-A", run_independent_tr31, NULL},
    {"TR31-B", run_independent_tr31, NULL},
    {"TR31-C", run_independent_tr31, NULL},
    {"TR31-D", run_independent_tr31, NULL},
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
    whole_file("published", "docs/spec/vectors/published.jsonl", 121);
}

static void independent(void **state)
{
    (void)state;
    whole_file("independent", "docs/spec/vectors/independent.jsonl", 316);
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
