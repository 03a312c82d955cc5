/* SPDX-License-Identifier: Apache-2.0 */
/* The client side of net: connects, comes back after a loss, backs off, drops garbage; and the admin port. */
#include "base/metric.h"
#include "net/admin.h"
#include "net/net.h"

#include "support/sockets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct world {
    struct env env;
    struct net_loop *loop;
    struct net_client *client;
    size_t opened;
    size_t closed;
    size_t frames;
    uint8_t last[64];
    size_t last_len;
    size_t ticks;
    int64_t deadline_us;
    size_t turns;
};

static void on_frames(void *context, const struct net_frame *frame, size_t count)
{
    struct world *w = context;
    w->frames += count;
    struct span last = frame[count - 1].payload;
    assert_true(last.len <= sizeof w->last);
    memcpy(w->last, last.at, last.len);
    w->last_len = last.len;
}

static void on_opened(void *context, struct net_peer peer)
{
    (void)peer;
    ((struct world *)context)->opened++;
}

static void on_closed(void *context, struct net_peer peer)
{
    (void)peer;
    ((struct world *)context)->closed++;
}

static int64_t on_turn(void *context)
{
    struct world *w = context;
    w->turns++;
    return w->deadline_us;
}

static int setup(void **state)
{
    static struct world world;
    world = (struct world){.env = env_system(NULL)};
    *state = &world;
    return net_loop_create(&(struct net_loop_config){.env = &world.env, .turn = on_turn, .context = &world}, &world.loop) == ERR_OK
               ? 0
               : -1;
}

static int teardown(void **state)
{
    struct world *w = *state;
    net_loop_destroy(w->loop);
    return 0;
}

static void connect_to(struct world *w, uint16_t port)
{
    char address[32];
    struct buf b = buf_over(address, sizeof address);
    buf_put_text(&b, "localhost:");
    buf_put_decimal(&b, port, 0);
    struct net_problem problem;
    struct net_client_config config = {.name = "test",
                                       .address = buf_text(&b),
                                       .framing = {NET_LEN2, 1, 64},
                                       .sizes = {256, 256, 0},
                                       .events = {.frames = on_frames, .opened = on_opened, .closed = on_closed, .context = w}};
    assert_int_equal(net_client_create(w->loop, &config, &w->client, &problem), ERR_OK);
}

/* Turns until the counter reaches the value, at most about three seconds. */
static void turn_until(struct world *w, const size_t *counter, size_t value)
{
    for (int i = 0; i < 3000 && *counter < value; i++) {
        net_loop_turn(w->loop, false);
        usleep(1000);
    }
    assert_true(*counter >= value);
}

static void test_round_trip(void **state)
{
    struct world *w = *state;
    uint16_t port;
    int listener = socket_listen(&port);
    struct span text = span_text("ping");
    connect_to(w, port);
    assert_false(net_client_up(w->client));
    assert_int_equal(net_client_send(w->client, &text, 1), ERR_CLOSED);
    turn_until(w, &w->opened, 1);
    int fd = socket_accept(listener);
    assert_true(net_client_up(w->client));
    assert_int_equal(net_client_send(w->client, &text, 1), ERR_OK);
    assert_int_equal(net_client_send(w->client, &text, 1), ERR_OK);
    net_loop_turn(w->loop, false);
    uint8_t got[12];
    assert_true(socket_receive(fd, got, sizeof got));
    assert_memory_equal(got, "\0\4ping\0\4ping", sizeof got);
    assert_int_equal(net_client_counters(w->client).writes, 1);
    socket_send_frame(fd, span_text("pong"));
    turn_until(w, &w->frames, 1);
    assert_int_equal(w->last_len, 4);
    assert_memory_equal(w->last, "pong", 4);
    close(fd);
    close(listener);
}

static void test_full(void **state)
{
    struct world *w = *state;
    uint16_t port;
    int listener = socket_listen(&port);
    connect_to(w, port);
    turn_until(w, &w->opened, 1);
    uint8_t large[100] = {0};
    struct span part = span_of(large, 65);
    assert_int_equal(net_client_send(w->client, &part, 1), ERR_FRAME);
    part = span_of(large, 64);
    for (int i = 0; i < 3; i++)
        assert_int_equal(net_client_send(w->client, &part, 1), ERR_OK);
    assert_int_equal(net_client_send(w->client, &part, 1), ERR_BUSY);
    net_loop_turn(w->loop, false);
    assert_int_equal(net_client_send(w->client, &part, 1), ERR_OK);
    close(listener);
}

static void test_comes_back(void **state)
{
    struct world *w = *state;
    uint16_t port;
    int listener = socket_listen(&port);
    connect_to(w, port);
    turn_until(w, &w->opened, 1);
    int fd = socket_accept(listener);
    socket_send_frame(fd, span_text("x"));
    turn_until(w, &w->frames, 1);
    close(fd);
    turn_until(w, &w->closed, 1);
    turn_until(w, &w->opened, 2); /* at once */
    fd = socket_accept(listener);
    /* A peer that drops us before it ever answered is not tried in a tight loop. */
    close(fd);
    turn_until(w, &w->closed, 2);
    for (int i = 0; i < 200; i++) {
        net_loop_turn(w->loop, false);
        usleep(1000);
    }
    assert_int_equal(w->opened, 2);
    close(listener);
}

static void test_garbage_drops(void **state)
{
    struct world *w = *state;
    uint16_t port;
    int listener = socket_listen(&port);
    connect_to(w, port);
    turn_until(w, &w->opened, 1);
    int fd = socket_accept(listener);
    socket_send(fd, "\377\377garbage", 9);
    turn_until(w, &w->closed, 1);
    assert_int_equal(w->frames, 0);
    assert_int_equal(net_client_counters(w->client).bad_frames, 1);
    close(fd);
    close(listener);
}

static void test_nobody_listens(void **state)
{
    struct world *w = *state;
    uint16_t port;
    int listener = socket_listen(&port);
    close(listener);
    connect_to(w, port);
    for (int i = 0; i < 300; i++) {
        net_loop_turn(w->loop, false);
        usleep(1000);
    }
    assert_int_equal(w->opened, 0);
    assert_int_equal(w->closed, 0);
}

static void on_tick(void *context)
{
    ((struct world *)context)->ticks++;
}

static void test_timers(void **state)
{
    struct world *w = *state;
    assert_int_equal(net_loop_every(w->loop, 1, 1, on_tick, w), ERR_OK);
    turn_until(w, &w->ticks, 5);
    for (int i = 1; i < 8; i++)
        assert_int_equal(net_loop_every(w->loop, 60000, 60000, on_tick, w), ERR_OK);
    assert_int_equal(net_loop_every(w->loop, 1, 1, on_tick, w), ERR_BUSY);
}

/* A deadline of the turn hook wakes the loop, not before its time. */
static void test_deadline(void **state)
{
    struct world *w = *state;
    int64_t begin = env_monotonic_us(&w->env);
    w->deadline_us = begin + 30000;
    net_loop_turn(w->loop, false);
    size_t before = w->turns;
    while (w->turns < before + 2 && env_monotonic_us(&w->env) < begin + 2000000)
        net_loop_turn(w->loop, true);
    int64_t waited = env_monotonic_us(&w->env) - begin;
    assert_true(waited >= 30000 && waited < 1000000);
}

/* ---- admin ---- */

static bool not_ready(void *context)
{
    (void)context;
    return false;
}

static void metrics(void *context, struct buf *out)
{
    (void)context;
    metric_put(out, "things_total", "things so far", "counter", 42);
}

static void ask(struct world *w, uint16_t port, const char *request, const char *expected)
{
    int fd = socket_connect(port);
    socket_send(fd, request, strlen(request));
    for (int i = 0; i < 20; i++) {
        net_loop_turn(w->loop, false);
        usleep(500);
    }
    char answer[4096];
    ssize_t len = read(fd, answer, sizeof answer - 1);
    answer[len > 0 ? len : 0] = 0;
    if (*expected)
        assert_non_null(strstr(answer, expected));
    else
        assert_string_equal(answer, "");
    close(fd);
}

static void test_admin(void **state)
{
    struct world *w = *state;
    struct net_admin *admin;
    struct net_problem problem;
    struct net_admin_config config = {"127.0.0.1:0", not_ready, metrics, NULL};
    assert_int_equal(net_admin_create(w->loop, &config, &admin, &problem), ERR_OK);
    uint16_t port = net_admin_port(admin);
    ask(w, port, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 OK");
    ask(w, port, "GET /readyz HTTP/1.1\r\n\r\n", "HTTP/1.1 503 ");
    ask(w, port, "GET /metrics HTTP/1.1\r\n\r\n", "# TYPE things_total counter\nthings_total 42\n");
    ask(w, port, "GET /metrics HTTP/1.1\r\n\r\n", "# TYPE net_loop_turn_seconds histogram\n");
    ask(w, port, "POST /metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 405 ");
    ask(w, port, "GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 404 ");
    ask(w, port, "\r\n\r\n", "HTTP/1.1 404 ");
    char endless[5000];
    memset(endless, 'x', sizeof endless - 1);
    endless[sizeof endless - 1] = 0;
    ask(w, port, endless, "");
}

/* A turn that takes 30 ms is told. */
static void slow_tick(void *context)
{
    bool *slow = context;
    if (*slow)
        usleep(30000);
    *slow = false;
}

static void test_long_turns(void **state)
{
    struct world *w = *state;
    struct net_admin *admin;
    struct net_problem problem;
    struct net_admin_config config = {.listen = "127.0.0.1:0"};
    bool slow = true;
    assert_int_equal(net_admin_create(w->loop, &config, &admin, &problem), ERR_OK);
    assert_int_equal(net_loop_every(w->loop, 1, 1000000, slow_tick, &slow), ERR_OK);
    int fd = socket_connect(net_admin_port(admin));
    while (slow)
        net_loop_turn(w->loop, true);
    static const char request[] = "GET /metrics HTTP/1.1\r\n\r\n";
    socket_send(fd, request, strlen(request));
    for (int i = 0; i < 20; i++) {
        net_loop_turn(w->loop, false);
        usleep(500);
    }
    char answer[4096];
    ssize_t len = read(fd, answer, sizeof answer - 1);
    assert_true(len > 0);
    answer[len] = 0;
    close(fd);
    const char *longest = strstr(answer, "\nnet_loop_turn_longest_microseconds ");
    assert_non_null(longest);
    assert_true(strtol(longest + strlen("\nnet_loop_turn_longest_microseconds "), NULL, 10) >= 30000);
}

#define TEST(name_) cmocka_unit_test_setup_teardown(name_, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_round_trip), TEST(test_full),     TEST(test_comes_back), TEST(test_garbage_drops), TEST(test_nobody_listens),
        TEST(test_timers),     TEST(test_deadline), TEST(test_admin),      TEST(test_long_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
