/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Codes a second on one core from the text of the cards to three digits, for each kernel that the machine runs. The limit is the
 * kernel's own cipher in the same run: planes of blocks in, planes out, four DES operations a code.
 */
#include "cvv/batch.h"
#include "support/bench.h"

#include <stdio.h>
#include <string.h>

enum { CARDS = 4096, ROUNDS = 15 };

struct work {
    const struct crypto_des_kernel *kernel;
    struct crypto_des_batch_key key, single;
    struct crypto_des_planes planes;
    struct cvv_batch_card card[CARDS];
    struct cvv_dynamic dynamic[CARDS];
    struct cvv_batch_code code[CARDS];
};

/* Four single DES operations for each lane of the kernel. */
static void raw(void *context, size_t count)
{
    struct work *w = context;
    for (size_t i = 0; i < 4 * count; i++)
        w->kernel->encrypt(&w->single, &w->planes);
    bench_keep(&w->planes);
}

static void codes(void *context, size_t count)
{
    struct work *w = context;
    for (size_t i = 0; i < count; i++)
        cvv_batch_generate(w->kernel, &w->key, w->card, CARDS, w->code);
    bench_keep(w->code);
}

static void dynamic_codes(void *context, size_t count)
{
    struct work *w = context;
    for (size_t i = 0; i < count; i++)
        cvv_batch_dynamic(w->kernel, &w->key, w->dynamic, CARDS, w->code);
    bench_keep(w->code);
}

static void make_cards(struct work *w)
{
    for (size_t i = 0; i < CARDS; i++) {
        struct cvv_batch_card *c = &w->card[i];
        *c = (struct cvv_batch_card){.pan = {.len = 16, .digit = "4123456789012345"}, .expiry = "2812", .service = "000"};
        for (size_t k = 0, n = i; k < 6; k++, n /= 10)
            c->pan.digit[15 - k] = (char)('0' + n % 10);
        w->dynamic[i] = (struct cvv_dynamic){
            .pan = c->pan, .method = CVV_METHOD_A, .psn = "00", .expiry = "2812", .service = "998", .overlay = "0001"};
    }
}

static double goal_of(const struct crypto_des_kernel *kernel)
{
    return strcmp(kernel->name, "avx512") == 0 ? 25e6 : strcmp(kernel->name, "avx2") == 0 ? 16e6 : 5e6;
}

static bool measure(struct work *w)
{
    char name[32];
    (void)snprintf(name, sizeof name, "batch.%s", w->kernel->name);
    double limit = 1e9 * w->kernel->lanes / bench_best_ns(raw, w, 200, ROUNDS);
    double value = 1e9 * CARDS / bench_best_ns(codes, w, 25, ROUNDS);
    /* Twice EDE2 for the card key and four operations under it, besides what a static code costs; no goal of its own. */
    printf("dynamic codes, each card with its own key, %s: %.0f /s\n", w->kernel->name,
           1e9 * CARDS / bench_best_ns(dynamic_codes, w, 10, ROUNDS));
    return bench_report(&(struct bench_figure){.bench = name,
                                               .unit = "/s",
                                               .limit_is = "raw blocks/s of the same kernel, four a code",
                                               .value = value,
                                               .limit = limit,
                                               .goal = goal_of(w->kernel),
                                               .rule = BENCH_VALUE_AT_LEAST});
}

int main(void)
{
    static struct work w;
    const struct secret_key pair = {
        16, {0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF, 0xFE, 0xDC, 0xBA, 0x98, 0x76, 0x54, 0x32, 0x10}};
    struct secret_key half = pair;
    bool holds = true;
    half.len = 8;
    ASSERT(cvv_batch_load(&pair, &w.key) == ERR_OK && crypto_des_batch_load(&half, &w.single) == ERR_OK);
    make_cards(&w);
    for (size_t i = 0; (w.kernel = crypto_des_kernel_at(i)); i++)
        holds = measure(&w) && holds;
    return holds ? 0 : 1;
}
