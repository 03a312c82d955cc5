/* SPDX-License-Identifier: Apache-2.0 */
/* The pipelined client over a transport the test plays: order, deadlines, lost links, rubbish, breaker, windows. */
#include "hostcmd/client.h"

#include "hostcmd/error.h"
#include "support/rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { ENDPOINTS = 2, WINDOW = 8, SENT_MAX = 256, SECOND = 1000000 };

/* Everything that was sent, for the test to answer as it likes. */
struct sent {
    size_t endpoint;
    uint8_t header[HOSTCMD_HEADER_MAX];
    size_t header_len;
    uint8_t command[32];
    size_t len;
};
struct world {
    struct rng_world rng;
    struct env env;
    struct hostcmd_client *client;
    struct sent sent[SENT_MAX];
    size_t count;
    enum err next_err;
    size_t resets;
};

static enum err transport_send(void *context, size_t endpoint, const struct span *part, size_t count)
{
    struct world *w = context;
    if (w->next_err != ERR_OK)
        return w->next_err;
    assert_true(w->count < SENT_MAX);
    struct sent *s = &w->sent[w->count++];
    struct buf command = buf_over(s->command, sizeof s->command);
    s->endpoint = endpoint;
    s->header_len = part[0].len;
    memcpy(s->header, part[0].at, part[0].len);
    for (size_t i = 1; i < count; i++)
        buf_put_span(&command, part[i]);
    assert_int_equal(buf_done(&command), ERR_OK);
    s->len = command.len;
    return ERR_OK;
}

static void transport_reset(void *context, size_t endpoint)
{
    struct world *w = context;
    w->resets++;
    hostcmd_client_link(w->client, endpoint, false);
}

static int setup(void **state)
{
    static struct world world;
    world = (struct world){.rng = {1, 0, 1000 * (int64_t)SECOND}};
    world.env = rng_env_over(&world.rng);
    struct hostcmd_client_config config = {
        &world.env, {&world, ENDPOINTS, transport_send, transport_reset}, WINDOW, HOSTCMD_HEADER, ""};
    *state = &world;
    return hostcmd_client_create(&config, &world.client) == ERR_OK ? 0 : -1;
}

static int teardown(void **state)
{
    struct world *w = *state;
    hostcmd_client_destroy(w->client);
    return 0;
}

static enum err ask(struct world *w, uint64_t ticket)
{
    return hostcmd_client_send(
        w->client,
        &(struct hostcmd_send){.command = span_text("CYkey"), .deadline_us = w->rng.monotonic_us + SECOND, .ticket = ticket});
}

static void reply(struct world *w, size_t index, const char *text)
{
    uint8_t room[HOSTCMD_HEADER_MAX + 128];
    struct buf b = buf_over(room, sizeof room);
    buf_put(&b, w->sent[index].header, w->sent[index].header_len);
    buf_put_text(&b, text);
    hostcmd_client_receive(w->client, w->sent[index].endpoint, buf_span(&b));
}

static void both_up(struct world *w)
{
    hostcmd_client_link(w->client, 0, true);
    hostcmd_client_link(w->client, 1, true);
}

static void expect_answer(struct world *w, uint64_t ticket, enum err err, const char *text)
{
    struct hostcmd_answer a;
    assert_int_equal(hostcmd_client_take(w->client, &a, 1), 1);
    assert_int_equal(a.ticket, ticket);
    assert_int_equal(a.err, err);
    assert_true(span_is(span_of(a.at, a.len), text));
    hostcmd_answer_wipe(&a);
}

static void test_without_links(void **state)
{
    struct world *w = *state;
    assert_false(hostcmd_client_ready(w->client));
    assert_int_equal(ask(w, 1), HOSTCMD_ERR_UNAVAILABLE);
    assert_int_equal(hostcmd_client_pending(w->client), 0);
    assert_int_equal(hostcmd_client_turn(w->client, w->rng.monotonic_us), INT64_MAX);
}

static void test_answers_in_any_order(void **state)
{
    struct world *w = *state;
    both_up(w);
    for (uint64_t i = 0; i < 6; i++)
        assert_int_equal(ask(w, 100 + i), ERR_OK);
    assert_int_equal(hostcmd_client_pending(w->client), 6);
    size_t first = 0;
    for (size_t i = 0; i < 6; i++)
        first += w->sent[i].endpoint == 0;
    assert_int_equal(first, 3); /* the load is shared */
    reply(w, 4, "CZ00");
    reply(w, 0, "CZ01");
    reply(w, 5, "CZ10");
    expect_answer(w, 104, ERR_OK, "CZ00");
    expect_answer(w, 100, ERR_OK, "CZ01");
    expect_answer(w, 105, ERR_OK, "CZ10");
    struct hostcmd_answer none;
    assert_int_equal(hostcmd_client_take(w->client, &none, 1), 0);
    assert_int_equal(hostcmd_client_pending(w->client), 3);
}

static void test_window(void **state)
{
    struct world *w = *state;
    both_up(w);
    for (uint64_t i = 0; i < ENDPOINTS * WINDOW; i++)
        assert_int_equal(ask(w, i), ERR_OK);
    assert_int_equal(ask(w, 99), ERR_BUSY);
    reply(w, 3, "CZ00");
    assert_int_equal(ask(w, 99), ERR_OK);
    expect_answer(w, 3, ERR_OK, "CZ00");
    w->next_err = ERR_CLOSED;
    reply(w, 4, "CZ00");
    assert_int_equal(ask(w, 100), HOSTCMD_ERR_UNAVAILABLE);
}

static void test_avoid(void **state)
{
    struct world *w = *state;
    both_up(w);
    struct hostcmd_send again = {.command = span_text("CYkey"), .deadline_us = w->rng.monotonic_us + SECOND};
    for (int i = 0; i < 4; i++) {
        again.avoid = HOSTCMD_AVOID(0);
        assert_int_equal(hostcmd_client_send(w->client, &again), ERR_OK);
        assert_int_equal(w->sent[w->count - 1].endpoint, 1);
    }
    hostcmd_client_link(w->client, 1, false);
    assert_int_equal(hostcmd_client_send(w->client, &again), HOSTCMD_ERR_UNAVAILABLE);
}

static void test_deadline(void **state)
{
    struct world *w = *state;
    hostcmd_client_link(w->client, 0, true);
    assert_int_equal(ask(w, 7), ERR_OK);
    int64_t deadline = w->rng.monotonic_us + SECOND;
    assert_int_equal(hostcmd_client_turn(w->client, w->rng.monotonic_us), deadline);
    w->rng.monotonic_us = deadline;
    hostcmd_client_turn(w->client, w->rng.monotonic_us);
    expect_answer(w, 7, ERR_TIMEOUT, "");
    /* The late answer belongs to nobody, also when its slot has a new request. */
    reply(w, 0, "CZ00");
    assert_int_equal(ask(w, 8), ERR_OK);
    reply(w, 0, "CZ00");
    assert_int_equal(hostcmd_client_counters(w->client).strays, 2);
    reply(w, 1, "CZ01");
    expect_answer(w, 8, ERR_OK, "CZ01");
}

static void test_lost_link(void **state)
{
    struct world *w = *state;
    both_up(w);
    for (uint64_t i = 0; i < 4; i++)
        assert_int_equal(ask(w, i), ERR_OK);
    hostcmd_client_link(w->client, 0, false);
    struct hostcmd_answer a[8];
    assert_int_equal(hostcmd_client_take(w->client, a, 8), 2);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(a[i].err, HOSTCMD_ERR_UNAVAILABLE);
        assert_int_equal(a[i].endpoint, 0);
    }
    assert_int_equal(hostcmd_client_pending(w->client), 2);
    assert_true(hostcmd_client_ready(w->client));
    hostcmd_client_link(w->client, 0, true);
    assert_int_equal(ask(w, 9), ERR_OK);
    assert_int_equal(w->sent[w->count - 1].endpoint, 0);
}

static void expire_one(struct world *w)
{
    assert_int_equal(ask(w, 1), ERR_OK);
    w->rng.monotonic_us += SECOND;
    hostcmd_client_turn(w->client, w->rng.monotonic_us);
    expect_answer(w, 1, ERR_TIMEOUT, "");
}

static void test_breaker(void **state)
{
    struct world *w = *state;
    hostcmd_client_link(w->client, 0, true);
    for (int i = 0; i < 3; i++)
        expire_one(w);
    assert_false(hostcmd_client_ready(w->client));
    assert_int_equal(ask(w, 1), HOSTCMD_ERR_UNAVAILABLE);
    /* A probe is on its way; without an answer another follows after its second. */
    size_t probes = w->count;
    assert_true(span_is(span_of(w->sent[probes - 1].command, w->sent[probes - 1].len), "NC"));
    hostcmd_client_turn(w->client, w->rng.monotonic_us + SECOND / 2);
    assert_int_equal(w->count, probes);
    w->rng.monotonic_us += SECOND;
    hostcmd_client_turn(w->client, w->rng.monotonic_us);
    assert_int_equal(w->count, probes + 1);
    /* A probe that answers closes the breaker and is nobody's completion. */
    reply(w, w->count - 1, "ND0026860400000000001500-0023");
    assert_true(hostcmd_client_ready(w->client));
    assert_int_equal(ask(w, 2), ERR_OK);
    reply(w, w->count - 1, "CZ00");
    expect_answer(w, 2, ERR_OK, "CZ00");
    assert_int_equal(hostcmd_client_counters(w->client).opened, 1);
}

static void test_breaker_needs_three_in_five_seconds(void **state)
{
    struct world *w = *state;
    hostcmd_client_link(w->client, 0, true);
    for (int i = 0; i < 6; i++) {
        expire_one(w);
        reply(w, w->count - 1, "CZ00"); /* late */
        w->rng.monotonic_us += 2 * SECOND;
    }
    assert_true(hostcmd_client_ready(w->client));
}

static void test_rubbish(void **state)
{
    struct world *w = *state;
    both_up(w);
    assert_int_equal(ask(w, 1), ERR_OK);
    size_t endpoint = w->sent[0].endpoint;
    reply(w, 0, "ND00"); /* the answer to another command */
    assert_int_equal(w->resets, 1);
    expect_answer(w, 1, ERR_FRAME, "");
    hostcmd_client_link(w->client, endpoint, true);
    hostcmd_client_receive(w->client, endpoint, span_text("1234CZ0")); /* too short for any answer */
    assert_int_equal(w->resets, 2);
    hostcmd_client_link(w->client, endpoint, true);
    hostcmd_client_receive(w->client, endpoint, span_text("1234CZ00")); /* nobody asked */
    assert_int_equal(w->resets, 2);
    static uint8_t long_reply[HOSTCMD_HEADER + HOSTCMD_ANSWER_MAX + 1];
    assert_int_equal(ask(w, 2), ERR_OK);
    memcpy(long_reply, w->sent[w->count - 1].header, HOSTCMD_HEADER);
    memcpy(long_reply + HOSTCMD_HEADER, "CZ00", 4);
    hostcmd_client_receive(w->client, w->sent[w->count - 1].endpoint, span_of(long_reply, sizeof long_reply));
    expect_answer(w, 2, ERR_FRAME, "");
}

/* An answer on another link than the request's is not taken for it. */
static void test_wrong_link(void **state)
{
    struct world *w = *state;
    both_up(w);
    assert_int_equal(ask(w, 1), ERR_OK);
    w->sent[0].endpoint ^= 1;
    reply(w, 0, "CZ00");
    assert_int_equal(hostcmd_client_pending(w->client), 1);
    assert_int_equal(hostcmd_client_counters(w->client).strays, 1);
}

static void other_client(struct world *w, uint8_t header, const char *lmk)
{
    struct hostcmd_client_config config = {&w->env, {w, ENDPOINTS, transport_send, transport_reset}, WINDOW, header, ""};
    memcpy(config.lmk, lmk, strlen(lmk) + 1);
    hostcmd_client_destroy(w->client);
    assert_int_equal(hostcmd_client_create(&config, &w->client), ERR_OK);
    w->count = w->resets = 0;
}

/* Every header in flight is another one, printable, of the length that the HSM expects. */
static void test_header_lengths(void **state)
{
    struct world *w = *state;
    static const uint8_t length[] = {2, 3, 4, 5, 8, 255};
    for (size_t l = 0; l < sizeof length; l++) {
        other_client(w, length[l], "");
        hostcmd_client_link(w->client, 0, true);
        for (uint64_t i = 0; i < WINDOW; i++)
            assert_int_equal(ask(w, i), ERR_OK);
        for (size_t i = 0; i < WINDOW; i++) {
            assert_int_equal(w->sent[i].header_len, length[l]);
            for (size_t j = 0; j < length[l]; j++)
                assert_true(w->sent[i].header[j] > ' ' && w->sent[i].header[j] < 127);
            for (size_t j = 0; j < i; j++)
                assert_memory_not_equal(w->sent[i].header, w->sent[j].header, length[l]);
        }
        for (size_t i = WINDOW; i > 0; i--) {
            reply(w, i - 1, i % 2 ? "CZ00" : "CZ01");
            expect_answer(w, i - 1, ERR_OK, i % 2 ? "CZ00" : "CZ01");
        }
    }
}

/* With two digits there is no generation: a number is not given again while its late answer may still come. */
static void test_late_answers_under_short_headers(void **state)
{
    struct world *w = *state;
    other_client(w, HOSTCMD_HEADER_MIN, "");
    hostcmd_client_link(w->client, 0, true);
    assert_int_equal(ask(w, 1), ERR_OK);
    w->rng.monotonic_us += SECOND;
    hostcmd_client_turn(w->client, w->rng.monotonic_us);
    for (uint64_t i = 0; i < WINDOW; i++) {
        assert_int_equal(ask(w, 10 + i), ERR_OK);
        assert_memory_not_equal(w->sent[1 + i].header, w->sent[0].header, HOSTCMD_HEADER_MIN);
    }
    reply(w, 0, "CZ00"); /* of the one that timed out, not yet taken */
    expect_answer(w, 1, ERR_TIMEOUT, "");
    struct hostcmd_answer none;
    assert_int_equal(hostcmd_client_take(w->client, &none, 1), 0);
    assert_int_equal(hostcmd_client_counters(w->client).strays, 1);
    reply(w, 1, "CZ01");
    expect_answer(w, 10, ERR_OK, "CZ01");
}

static void test_lmk_identifier(void **state)
{
    struct world *w = *state;
    other_client(w, HOSTCMD_HEADER, "01");
    hostcmd_client_link(w->client, 0, true);
    for (int i = 0; i < 3; i++)
        expire_one(w);
    assert_true(span_is(span_of(w->sent[0].command, w->sent[0].len), "CYkey%01"));
    assert_true(span_is(span_of(w->sent[3].command, w->sent[3].len), "NC%01"));
}

/* An HSM that takes everything and answers nothing gets a new link: after five probes, or when half of the numbers are lost. */
static void test_silence_renews_the_link(void **state)
{
    struct world *w = *state;
    other_client(w, HOSTCMD_HEADER, "");
    hostcmd_client_link(w->client, 0, true);
    for (int i = 0; i < 4; i++) /* far apart: the breaker stays closed */
        for (int j = 0; j < 5; j++)
            if (w->resets == 0 && ask(w, 1) == ERR_OK) {
                w->rng.monotonic_us += 4 * SECOND;
                hostcmd_client_turn(w->client, w->rng.monotonic_us);
                expect_answer(w, 1, ERR_TIMEOUT, "");
                hostcmd_client_turn(w->client, w->rng.monotonic_us);
            }
    assert_int_equal(w->resets, 1);
    assert_int_equal(w->count, 5); /* of the nine numbers */
    hostcmd_client_link(w->client, 0, true);
    for (uint64_t i = 0; i < WINDOW; i++)
        assert_int_equal(ask(w, i), ERR_OK);
}

static void test_unanswered_probes_renew_the_link(void **state)
{
    struct world *w = *state;
    struct hostcmd_client_config config = {&w->env, {w, 1, transport_send, transport_reset}, 64, HOSTCMD_HEADER, ""};
    hostcmd_client_destroy(w->client);
    assert_int_equal(hostcmd_client_create(&config, &w->client), ERR_OK);
    hostcmd_client_link(w->client, 0, true);
    for (int i = 0; i < 3; i++)
        expire_one(w);
    size_t asked = w->count;
    for (int i = 0; i < 20 && w->resets == 0; i++) {
        w->rng.monotonic_us += SECOND;
        hostcmd_client_turn(w->client, w->rng.monotonic_us);
    }
    assert_int_equal(w->resets, 1);
    assert_int_equal(w->count - asked, 4); /* one went out before */
    assert_false(hostcmd_client_ready(w->client));
}

/* Random histories: each accepted request completes exactly once, whatever happens. */
static void test_every_request_completes_once(void **state)
{
    struct world *w = *state;
    uint8_t completed[4096] = {0};
    uint64_t next = 0;
    for (int step = 0; step < 400000 && next < 4000; step++) {
        uint8_t draw[2];
        env_random(&w->env, draw, sizeof draw);
        if (w->count > SENT_MAX - 16) {
            memmove(w->sent, w->sent + SENT_MAX / 2, SENT_MAX / 2 * sizeof w->sent[0]);
            w->count -= SENT_MAX / 2;
        }
        switch (draw[0] % 16) {
        case 0:
            hostcmd_client_link(w->client, draw[1] % ENDPOINTS, draw[1] & 4);
            break;
        case 1:
            w->rng.monotonic_us += draw[1] * 8000;
            break;
        case 2:
        case 3:
        case 4:
        case 5:
        case 6:
            if (w->count > 0)
                reply(w, draw[1] % w->count,
                      draw[1] % 50 == 0                               ? "XX"
                      : w->sent[draw[1] % w->count].command[0] == 'N' ? "ND00"
                                                                      : "CZ00");
            break;
        case 7:
            both_up(w);
            break;
        default:
            if (ask(w, next) == ERR_OK)
                next++;
            break;
        }
        hostcmd_client_turn(w->client, w->rng.monotonic_us);
        struct hostcmd_answer a;
        while (hostcmd_client_take(w->client, &a, 1) == 1)
            completed[a.ticket]++;
    }
    assert_true(next > 1000);
    w->rng.monotonic_us += 10 * SECOND;
    hostcmd_client_turn(w->client, w->rng.monotonic_us);
    struct hostcmd_answer a;
    while (hostcmd_client_take(w->client, &a, 1) == 1)
        completed[a.ticket]++;
    for (uint64_t i = 0; i < next; i++)
        assert_int_equal(completed[i], 1);
    struct hostcmd_client_counters c = hostcmd_client_counters(w->client);
    assert_true(c.timeouts > 0 && c.broken > 0 && c.answered > 0 && c.opened > 0 && c.rubbish > 0 && c.strays > 0);
}

static void test_limits(void **state)
{
    struct world *w = *state;
    struct hostcmd_client *client = NULL;
    struct hostcmd_client_config config = {&w->env, {w, 0, transport_send, NULL}, 1, HOSTCMD_HEADER, ""};
    assert_int_equal(hostcmd_client_create(&config, &client), ERR_CONFIG);
    config.transport.endpoints = HOSTCMD_ENDPOINTS_MAX + 1;
    assert_int_equal(hostcmd_client_create(&config, &client), ERR_CONFIG);
    config.transport.endpoints = 1;
    config.window = 0;
    assert_int_equal(hostcmd_client_create(&config, &client), ERR_CONFIG);
    config.window = HOSTCMD_WINDOW_MAX + 1;
    assert_int_equal(hostcmd_client_create(&config, &client), ERR_CONFIG);
    config.window = HOSTCMD_WINDOW_MAX;
    config.header = HOSTCMD_HEADER_MIN - 1; /* no room for a sequence number */
    assert_int_equal(hostcmd_client_create(&config, &client), ERR_CONFIG);
    config.header = HOSTCMD_HEADER_MIN;
    memcpy(config.lmk, "0x", 3);
    assert_int_equal(hostcmd_client_create(&config, &client), ERR_CONFIG);
    memcpy(config.lmk, "99", 3);
    assert_int_equal(hostcmd_client_create(&config, &client), ERR_OK);
    hostcmd_client_destroy(client);
}

#define TEST(name_) cmocka_unit_test_setup_teardown(name_, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_without_links),
        TEST(test_answers_in_any_order),
        TEST(test_window),
        TEST(test_avoid),
        TEST(test_deadline),
        TEST(test_lost_link),
        TEST(test_breaker),
        TEST(test_breaker_needs_three_in_five_seconds),
        TEST(test_rubbish),
        TEST(test_wrong_link),
        TEST(test_header_lengths),
        TEST(test_late_answers_under_short_headers),
        TEST(test_lmk_identifier),
        TEST(test_silence_renews_the_link),
        TEST(test_unanswered_probes_renew_the_link),
        TEST(test_every_request_completes_once),
        TEST(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
