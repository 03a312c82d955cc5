/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Payments of several clients while the store fails in every way it can: it takes a batch late, not at all, loses it, or takes it
 * and cannot say so. Two clients send each payment, again and again until it is settled. In the end
 *     no payment is approved twice, and every client was told what is stored;
 *     every authorisation that left stands in a record or was reversed;
 *     no reversal stays armed, no request stays in its place.
 */
#include "gateway/rows.h"
#include "store/error.h"
#include "store/writer.h"
#include "support/gateway_world.h"
#include "support/plain_face.h"
#include "support/rng.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define WHO "X-User: " GATEWAY_WORLD_USER "\r\nX-Password: " GATEWAY_WORLD_PASSWORD "\r\n"
enum { STORE_MS = 150, CLIENTS = 12, PAYMENTS = 96, TRIES = 200, HELD = 64, SILENT_EVERY = 16, TOLD = 64 };

static struct gateway_world *world;

/* ---- the store: the program is linked with --wrap ---- */

enum fate { RUN, LATE, DOWN, LOST, DONE, FATES };

/* Batches that a thread brings back later. */
static struct held {
    struct store_batch *batch;
    enum fate fate;
    unsigned left; /* steps of the thread */
} held[HELD];
static size_t held_count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct env dice;
static atomic_bool calm = true, ended;
static unsigned fates[FATES], full;

size_t __real_store_writer_submit_all(struct store_writer *writer, struct store_batch *const *batch, size_t count);
size_t __wrap_store_writer_submit_all(struct store_writer *writer, struct store_batch *const *batch, size_t count);
static struct store_writer *real_writer;

static unsigned roll(unsigned sides)
{
    uint32_t random;
    env_random(&dice, &random, sizeof random);
    return random % sides;
}

/* What undoes is left alone more often: it is tried a few times, and the sweep that comes after it only every two minutes. */
static enum fate fate_of(const struct store_batch *batch)
{
    bool undoes = batch->op[0].row == GATEWAY_ROW(CLAIM_RELEASE);
    return calm || roll(undoes ? 12 : 3) != 0 ? RUN : (enum fate)(1 + roll(FATES - 1));
}

size_t __wrap_store_writer_submit_all(struct store_writer *writer, struct store_batch *const *batch, size_t count)
{
    size_t taken = 0;
    pthread_mutex_lock(&lock);
    real_writer = writer;
    for (; taken < count; taken++) {
        enum fate fate = fate_of(batch[taken]);
        if (!calm && roll(24) == 0) {
            full++;
            break;
        }
        fates[fate]++;
        if (fate == RUN || held_count == HELD)
            assert_int_equal(__real_store_writer_submit_all(writer, &batch[taken], 1), 1);
        else
            held[held_count++] = (struct held){batch[taken], fate, roll(3) == 0 ? roll(2 * STORE_MS) : roll(20)};
    }
    pthread_mutex_unlock(&lock);
    return taken;
}

static void bring_back(struct store *store, const struct held *h)
{
    if (h->fate == LATE) {
        assert_int_equal(__real_store_writer_submit_all(real_writer, &h->batch, 1), 1);
        return;
    }
    h->batch->err = h->fate == DONE ? store_run(store, h->batch) : ERR_OK;
    if (h->batch->err == ERR_OK)
        h->batch->err = h->fate == DOWN ? STORE_ERR_UNAVAILABLE : STORE_ERR_UNKNOWN;
    assert_int_equal(queue_put(h->batch->done, h->batch), ERR_OK);
}

static void *play_store(void *context)
{
    struct store *store = context;
    for (bool more = true; more;) {
        (void)usleep(1000);
        pthread_mutex_lock(&lock);
        for (size_t i = 0; i < held_count;) {
            if (held[i].left > 0) {
                held[i++].left--;
                continue;
            }
            struct held h = held[i];
            held[i] = held[--held_count];
            bring_back(store, &h);
        }
        more = !ended || held_count > 0;
        pthread_mutex_unlock(&lock);
    }
    return NULL;
}

/* ---- the clients ---- */

static struct payment {
    char told[2][TOLD]; /* the last word to each of its clients */
} payment[PAYMENTS];

static bool silent(size_t n)
{
    return n % SILENT_EVERY == 0;
}

/* The last word: an answer, or that the issuer gave none. */
static bool is_last(int status, const char *text)
{
    char timeout[32];
    (void)snprintf(timeout, sizeof timeout, "fault %d", GATEWAY_FAULT_ISSUER_TIMEOUT);
    return status == 200 || strcmp(text, timeout) == 0;
}

static void settle(size_t n, unsigned which)
{
    static _Thread_local char text[4096];
    char headers[160], body[64];
    (void)snprintf(headers, sizeof headers, WHO "X-Id: p%zu\r\n", n);
    (void)snprintf(body, sizeof body, "4111111111111111 3012 123 %zu", 200000 + 100 * n + (silent(n) ? 66 : 0));
    for (unsigned i = 0; i < TRIES; i++) {
        int status = gateway_world_ask(world, "/plain/pay", headers, body, text);
        if (is_last(status, text)) {
            (void)snprintf(payment[n].told[which], TOLD, "%.*s", TOLD - 1, text);
            return;
        }
        (void)usleep(20000);
    }
}

/* Each payment has two clients, which begin at different ones. */
static void *play_client(void *context)
{
    size_t client = (size_t)(uintptr_t)context;
    unsigned which = client % 2;
    size_t pairs = CLIENTS / 2, pair = client / 2;
    for (size_t i = 0; i < PAYMENTS / pairs; i++)
        settle(i * pairs + pair, which);
    return NULL;
}

/* ---- in the end ---- */

static int64_t rows(const struct store_row *row, const char *state)
{
    return gateway_world_count(world, row, state);
}

static void wait_until_done(void)
{
    for (int i = 0; i < 2000 && (gateway_world_busy(world) > 0 || rows(GATEWAY_ROW(REVERSAL_COUNT), "queued") > 0); i++)
        (void)usleep(10000);
    assert_int_equal(gateway_world_busy(world), 0);
    assert_int_equal(rows(GATEWAY_ROW(REVERSAL_COUNT), "queued"), 0);
    assert_int_equal(rows(GATEWAY_ROW(REVERSAL_COUNT), "armed"), 0);
}

static void check_payments(void)
{
    size_t captured = 0;
    for (size_t n = 0; n < PAYMENTS; n++) {
        char told[TOLD];
        assert_true(payment[n].told[0][0]);
        assert_string_equal(payment[n].told[0], payment[n].told[1]);
        memcpy(told, payment[n].told[0], sizeof told);
        settle(n, 0); /* what is stored is told again */
        assert_string_equal(payment[n].told[0], told);
        captured += !silent(n);
    }
    assert_int_equal(rows(GATEWAY_ROW(RECORD_COUNT), "captured"), captured);
    assert_true(rows(GATEWAY_ROW(RECORD_COUNT), "failed") >= (int64_t)(PAYMENTS - captured)); /* each of them may run again */
    assert_int_equal(gateway_world_authorisations(world), (int64_t)captured + rows(GATEWAY_ROW(REVERSAL_COUNT), "accepted"));
}

static void payments_and_a_store_that_fails(void **state)
{
    static const struct gateway_face *const faces[] = {&plain_face};
    static const struct gateway_faces list = {faces, 1};
    pthread_t client[CLIENTS], store_thread;
    struct store *store = NULL;
    (void)state;
    dice = rng_env(2027);
    world = gateway_world_open(&list, STORE_MS);
    assert_int_equal(store_open(gateway_world_url(world), &dice, gateway_sets, &store), ERR_OK);
    assert_int_equal(pthread_create(&store_thread, NULL, play_store, store), 0);
    calm = false;
    for (size_t i = 0; i < CLIENTS; i++)
        assert_int_equal(pthread_create(&client[i], NULL, play_client, (void *)(uintptr_t)i), 0);
    for (size_t i = 0; i < CLIENTS; i++)
        assert_int_equal(pthread_join(client[i], NULL), 0);
    calm = true;
    wait_until_done();
    check_payments();
    for (size_t i = 0; i < FATES; i++)
        assert_true(fates[i] > 0);
    assert_true(full > 0 && gateway_world_reversals(world) > PAYMENTS / SILENT_EVERY);
    ended = true;
    assert_int_equal(pthread_join(store_thread, NULL), 0);
    store_close(store);
    gateway_world_close(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(payments_and_a_store_that_fails)};
    return cmocka_run_group_tests_name("gateway, random", tests, NULL, NULL);
}
