/* SPDX-License-Identifier: Apache-2.0 */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "support/vector_codes.h"

#include "base/env.h"
#include "cvv/batch.h"
#include "cvv/csc.h"
#include "cvv/cvc3.h"
#include "cvv/cvv.h"
#include "support/vectors.h"

#include <stdlib.h>
#include <string.h>

/* The same card in every lane of two lots of every kernel that this machine runs. */
static void assert_batch(const struct secret_key *cvk, const struct cvv_batch_card *card, const char *expected)
{
    enum { COUNT = CRYPTO_DES_BATCH_LANES_MAX + 7 };
    static struct cvv_batch_card cards[COUNT];
    static struct cvv_batch_code codes[COUNT];
    static struct crypto_des_batch_key key;
    const struct crypto_des_kernel *kernel;
    for (size_t i = 0; i < COUNT; i++)
        cards[i] = *card;
    assert_int_equal(cvv_batch_load(cvk, &key), ERR_OK);
    for (size_t k = 0; (kernel = crypto_des_kernel_at(k)); k++) {
        memset(codes, 0, sizeof codes);
        cvv_batch_generate(kernel, &key, cards, COUNT, codes);
        for (size_t i = 0; i < COUNT; i++) {
            assert_int_equal(codes[i].err, ERR_OK);
            vector_assert_text(span_of(codes[i].digit, sizeof codes[i].digit), expected);
        }
    }
    crypto_des_batch_unload(&key);
}

void vector_assert_cvv(const struct secret_key *cvk, const cJSON *in, const char *service, const char *expected)
{
    struct cvv_key key;
    struct code_digits code;
    struct card_pan pan = vector_pan(vector_text(in, "pan"));
    assert_int_equal(cvv_key_load(cvk, &key), ERR_OK);
    assert_int_equal(cvv_generate(&key, &pan, vector_text_or(in, "expiry", "0000"), service, (uint8_t)strlen(expected), &code),
                     ERR_OK);
    vector_assert_text(span_of(code.at, code.len), expected);
    cvv_key_unload(&key);
    if (code.len == CVV_BATCH_DIGITS) {
        struct cvv_batch_card card = {.pan = pan};
        memcpy(card.expiry, vector_text_or(in, "expiry", "0000"), sizeof card.expiry);
        memcpy(card.service, service, sizeof card.service);
        assert_batch(cvk, &card, expected);
    }
}

void vector_run_cvv(const cJSON *v)
{
    struct secret_key cvk = vector_key(vector_text(vector_keys(v), "cvk"));
    vector_assert_cvv(&cvk, vector_inputs(v), vector_text(vector_inputs(v), "service_code"), vector_text(v, "expected"));
}

void vector_run_cvv_block(const cJSON *v)
{
    const cJSON *in = vector_inputs(v);
    const char *expected = vector_text(v, "expected");
    struct secret_key cvk = vector_key(vector_text(vector_keys(v), "cvk"));
    struct cvv_key key;
    struct card_pan pan = vector_pan(vector_text(in, "pan"));
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

void vector_run_cavv(const cJSON *v)
{
    const cJSON *in = vector_inputs(v);
    struct secret_key cvk = vector_key(vector_text(vector_keys(v), "cvk"));
    struct cvv_key key;
    struct code_digits code;
    struct card_pan pan = vector_pan(vector_text(in, "pan"));
    assert_int_equal(cvv_key_load(&cvk, &key), ERR_OK);
    assert_int_equal(
        cvv_cavv(&key, &pan, vector_text(in, "unpredictable_number"), vector_text(in, "auth_result_and_second_factor"), &code),
        ERR_OK);
    vector_assert_text(span_of(code.at, code.len), vector_text(v, "expected"));
    cvv_key_unload(&key);
}

static void assert_dynamic_batch(const struct secret_key *mk, const struct cvv_dynamic *card, const struct code_digits *expected)
{
    enum { COUNT = 3 };
    const struct cvv_dynamic cards[COUNT] = {*card, *card, *card};
    static struct crypto_des_batch_key key;
    const struct crypto_des_kernel *kernel;
    assert_int_equal(cvv_batch_load(mk, &key), ERR_OK);
    for (size_t k = 0; (kernel = crypto_des_kernel_at(k)); k++) {
        struct cvv_batch_code codes[COUNT] = {0};
        cvv_batch_dynamic(kernel, &key, cards, COUNT, codes);
        for (size_t i = 0; i < COUNT; i++)
            assert_memory_equal(codes[i].digit, expected->at, CVV_BATCH_DIGITS);
    }
}

static struct code_digits dynamic(const cJSON *v, const char overlay[4])
{
    const cJSON *in = vector_inputs(v);
    struct secret_key mk = vector_key(vector_text(vector_keys(v), "mk_ac"));
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
    assert_dynamic_batch(&mk, &d, &code);
    cvv_master_unload(&master);
    return code;
}

void vector_run_dcvv(const cJSON *v)
{
    const cJSON *in = vector_inputs(v);
    char overlay[4];
    cvv_overlay(strtoull(vector_text_or(in, "atc_wire", vector_text(in, "atc_digits")), NULL, 10), overlay);
    assert_memory_equal(overlay, vector_text(in, "atc_digits"), 4);
    struct code_digits code = dynamic(v, overlay);
    vector_assert_text(span_of(code.at, code.len), vector_text(v, "expected"));
}

void vector_run_t0(const cJSON *v)
{
    const cJSON *in = vector_inputs(v);
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
void vector_run_skip_rule(const cJSON *v)
{
    const cJSON *in = vector_inputs(v);
    char overlay[4];
    cvv_overlay((uint64_t)vector_number(in, "candidate_counter"), overlay);
    struct code_digits code = dynamic(v, overlay);
    vector_assert_text(span_of(code.at, code.len), vector_text(v, "expected"));
    struct secret_key cvk = vector_key(vector_text(vector_keys(v), "cvk"));
    vector_assert_cvv(&cvk, in, CARD_SERVICE_CVV2, vector_text(in, "static_cvv2"));
    if (!cJSON_HasObjectItem(in, "previous_counter")) {
        vector_assert_text(span_of(code.at, code.len), vector_text(in, "static_cvv2"));
        return;
    }
    cvv_overlay((uint64_t)vector_number(in, "previous_counter"), overlay);
    struct code_digits previous = dynamic(v, overlay);
    assert_true(secret_code_equal(&code, &previous));
}

static struct secret_key card_key(const char *master, const char *pan, const char *psn, const char *method)
{
    struct secret_key mk = vector_key(master), card = {0};
    struct card_pan number = vector_pan(pan);
    struct crypto_des des;
    assert_int_equal(crypto_des_load(&mk, &des), ERR_OK);
    assert_int_equal(cvv_card_key(&des, &number, psn, (enum cvv_method)method[0], &card), ERR_OK);
    crypto_des_unload(&des);
    return card;
}

static struct secret_key cvc3_key(const cJSON *v)
{
    const cJSON *in = vector_inputs(v);
    return card_key(vector_text(vector_keys(v), "mk_cvc3"), vector_text(in, "pan"), vector_text(in, "psn"),
                    vector_text(in, "method"));
}

void vector_run_cvc3_iv(const cJSON *v)
{
    struct secret_key card = cvc3_key(v);
    uint8_t iv[2];
    assert_int_equal(cvv_cvc3_iv(&card, span_text(vector_text(vector_inputs(v), "static_track2")), iv), ERR_OK);
    vector_assert_hex(iv, vector_text(v, "expected"));
}

static void assert_cvc3(const struct secret_key *card, const uint8_t iv[static 2], const char *un, uint16_t atc,
                        const char *expected)
{
    struct code_digits code;
    size_t len = strlen(expected);
    assert_int_equal(cvv_cvc3(card, iv, un, atc, &code), ERR_OK);
    vector_assert_text(span_of(code.at + code.len - len, len), expected);
}

void vector_run_cvc3(const cJSON *v)
{
    const cJSON *in = vector_inputs(v);
    struct secret_key card = cvc3_key(v);
    uint8_t iv[2];
    const char *given = vector_text_or(in, "ivcvc3", NULL), *hex = vector_text_or(in, "atc_hex", NULL);
    uint16_t atc = (uint16_t)strtoul(hex ? hex : vector_text(in, "atc"), NULL, hex ? 16 : 10);
    if (given)
        assert_int_equal(span_unhex(span_text(given), iv, 2), ERR_OK);
    else
        assert_int_equal(cvv_cvc3_iv(&card, span_text(vector_text(in, "static_track2")), iv), ERR_OK);
    assert_cvc3(&card, iv, vector_text(in, "un"), atc, vector_text(v, "expected"));
    /* The track as it came gives the same as its static form. */
    const char *track = vector_text_or(in, "track2", NULL);
    if (track)
        assert_int_equal(cvv_cvc3_iv(&card, span_text(track), iv), ERR_OK);
    assert_cvc3(&card, iv, vector_text(in, "un"), atc, vector_text(v, "expected"));
}

void vector_run_csc(const cJSON *v)
{
    const cJSON *in = vector_inputs(v), *expected = cJSON_GetObjectItemCaseSensitive(v, "expected");
    struct secret_key csck = vector_key(vector_text(vector_keys(v), "csck"));
    struct cvv_csc csc;
    const char *service = strcmp(vector_text(in, "flag"), "2") == 0 ? vector_text(in, "service_code") : NULL;
    assert_int_equal(cvv_csc_generate(&csck, span_text(vector_text(in, "account")), vector_text(in, "expiry"), service, &csc),
                     ERR_OK);
    vector_assert_text(span_of(csc.five, 5), vector_text(expected, "csc5"));
    vector_assert_text(span_of(csc.four, 4), vector_text(expected, "csc4"));
    vector_assert_text(span_of(csc.three, 3), vector_text(expected, "csc3"));
}

void vector_run_independent_cvv(const cJSON *v)
{
    char hex[33] = {0};
    memcpy(hex, vector_text(v, "key_a"), 16);
    memcpy(hex + 16, vector_text(v, "key_b"), 16);
    struct secret_key cvk = vector_key(hex);
    vector_assert_cvv(&cvk, v, vector_text(v, "service_code"), vector_text(v, "expected"));
}

void vector_run_independent_cvc3(const cJSON *v)
{
    struct secret_key card =
        card_key(vector_text(v, "imk"), vector_text(v, "pan"), vector_text(v, "psn"), vector_text(v, "derivation"));
    uint8_t iv[2];
    assert_int_equal(cvv_cvc3_iv(&card, span_text(vector_text(v, "track2_template")), iv), ERR_OK);
    assert_cvc3(&card, iv, vector_text(v, "un"), (uint16_t)atoi(vector_text(v, "atc")), vector_text(v, "expected"));
}
