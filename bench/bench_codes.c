/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each code command answered in this process, frame to frame, against the computation alone with its key loaded: what looking up,
 * parsing, layouts, comparing and building cost.
 */
#include "cvv/csc.h"
#include "cvv/cvc3.h"
#include "cvv/cvv.h"
#include "hsm/hsm.h"
#include "hsm/key/resolve.h"
#include "support/bench.h"

#include <stdio.h>
#include <string.h>

#define CVK "U9B4934384B19946B040CD702B4D58145"
#define MK "UB68E039974B21519E5E2226866C4D3A0"
#define MK_CVC3 "U1E6F5623CAEF7F791373A1F01A506A28"
#define TRACK "\x54\x13\x12\x35\x56\x78\x48\x04\xD0\x90\x61\x01\x90\x05\x99\x77\x22\x55\x3F"

enum { COUNT = 20000, ROUNDS = 7 };

struct work {
    struct hsm *hsm;
    struct span frame;
    struct cvv_key cvk;
    struct cvv_master master;
    struct cvv_dynamic card;
};

/* ---- the computations ---- */

static void static_code(void *context, size_t count)
{
    struct work *w = context;
    struct code_digits code;
    for (size_t i = 0; i < count; i++) {
        ASSERT(cvv_generate(&w->cvk, &w->card.pan, "8701", "101", 3, &code) == ERR_OK);
        bench_keep(&code);
    }
}

static void dynamic_code(void *context, size_t count)
{
    struct work *w = context;
    struct code_digits code;
    for (size_t i = 0; i < count; i++) {
        ASSERT(cvv_dynamic_generate(&w->master, &w->card, &code) == ERR_OK);
        bench_keep(&code);
    }
}

static void cvc3(void *context, size_t count)
{
    struct work *w = context;
    struct code_digits code;
    for (size_t i = 0; i < count; i++) {
        struct secret_key card;
        uint8_t iv[2];
        ASSERT(cvv_card_key(&w->master.master, &w->card.pan, "00", CVV_METHOD_A, &card) == ERR_OK);
        ASSERT(cvv_cvc3_iv(&card, span_text("5413123556784804D09061019005997722553F"), iv) == ERR_OK);
        ASSERT(cvv_cvc3(&card, iv, "00000772", 5, &code) == ERR_OK);
        bench_keep(&code);
    }
}

static void csc(void *context, size_t count)
{
    struct work *w = context;
    struct cvv_csc made;
    for (size_t i = 0; i < count; i++) {
        ASSERT(cvv_csc_generate_with(&w->cvk.pair, span_text("3712345678901230000"), "9912", "702", &made) == ERR_OK);
        bench_keep(&made);
    }
}

/* ---- the frames ---- */

static void answer(void *context, size_t count)
{
    struct work *w = context;
    uint8_t room[256];
    for (size_t i = 0; i < count; i++) {
        struct buf reply = buf_over(room, sizeof room);
        ASSERT(hsm_answer(w->hsm, NULL, w->frame, &reply) == ERR_OK && memcmp(room + 6, "00", 2) == 0);
        bench_keep(room);
    }
}

/* clang-format off */
static const struct {
    const char *bench, *frame;
    void (*alone)(void *context, size_t count);
} commands[] = {
    {"hsm.CW",  "HEADCW" CVK "4123456789012345;8701101", static_code},
    {"hsm.CY",  "HEADCY" CVK "5614123456789012345;8701101", static_code},
    {"hsm.QY0", "HEADQY0" MK "A4123456789012345;2812998000001", dynamic_code},
    {"hsm.QY5", "HEADQY5" MK "A4123456789012345;2812000260101000001", dynamic_code},
    {"hsm.PM0", "HEADPM00" MK "A4123456789012345;2812998000001104", dynamic_code},
    {"hsm.PM5", "HEADPM50" MK "A4123456789012345;2812000260101000001411", dynamic_code},
    {"hsm.PM1", "HEADPM12" MK_CVC3 "A5413123556784804;00019" TRACK "0000077200005XX255", cvc3},
    {"hsm.RY3", "HEADRY32" CVK "37123456789012300009912702", csc},
    {"hsm.RY4", "HEADRY42" CVK "37123456789012300009912702213345068221", csc},
};
/* clang-format on */

static bool measure(struct work *w, size_t i)
{
    w->frame = span_text(commands[i].frame);
    double value = bench_best_ns(answer, w, COUNT, ROUNDS), limit = bench_best_ns(commands[i].alone, w, COUNT, ROUNDS);
    return bench_report(&(struct bench_figure){.bench = commands[i].bench,
                                               .unit = "ns",
                                               .value = value,
                                               .limit = limit,
                                               .limit_is = "the computation alone",
                                               .rule = BENCH_RATIO_AT_MOST,
                                               .goal = 4});
}

static void load(struct work *w)
{
    struct secret_key cvk = {.len = 16}, mk = {.len = 16};
    ASSERT(span_unhex(span_text("0123456789ABCDEFFEDCBA9876543210"), cvk.at, 16) == ERR_OK);
    ASSERT(span_unhex(span_text("4F2A25C49119019194F2D0AE43F4D579"), mk.at, 16) == ERR_OK);
    ASSERT(cvv_key_load(&cvk, &w->cvk) == ERR_OK && cvv_master_load(&mk, &w->master) == ERR_OK);
    ASSERT(card_pan_parse(span_text("4123456789012345"), CARD_ANY, &w->card.pan) == ERR_OK);
    w->card.method = CVV_METHOD_A;
    memcpy(w->card.psn, "00", 2);
    memcpy(w->card.expiry, "2812", 4);
    memcpy(w->card.service, "998", 3);
    memcpy(w->card.overlay, "0001", 4);
}

int main(void)
{
    struct work w = {0};
    struct env env = env_system(NULL);
    const struct hsm_config config = {.env = &env, .header = 4, .sockets = 64, .test_lmk = true};
    bool good = true;
    load(&w);
    ASSERT(hsm_create(&config, &w.hsm) == ERR_OK);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        good = measure(&w, i) && good;
    hsm_destroy(w.hsm);
    cvv_key_unload(&w.cvk);
    cvv_master_unload(&w.master);
    return good ? 0 : 1;
}
