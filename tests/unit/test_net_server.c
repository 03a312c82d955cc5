/* SPDX-License-Identifier: Apache-2.0 */
/* The server side of net over real sockets: half frames, bad lengths, many connections, slow readers, drain. */
#include "net/net.h"

#include "support/rng.h"
#include "support/sockets.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { FRAME_MIN = 4, FRAME_MAX = 1000, SLOTS = 64, WRITE_SIZE = 64 * 1024 };

/* An echo service in a thread of its own. */
struct service {
    struct env env;
    struct net_loop *loop;
    struct net_server *server;
    pthread_t thread;
    bool stop;
    bool drain;
    size_t calls;
    size_t frames;
    size_t largest_batch;
    size_t opened;
    size_t closed;
    size_t expand; /* the answer to a frame is the frame this many times */
};

static void on_frames(void *context, const struct net_frame *frame, size_t count)
{
    struct service *s = context;
    s->calls++;
    s->frames += count;
    if (count > s->largest_batch)
        s->largest_batch = count;
    for (size_t i = 0; i < count; i++) {
        struct span part[8];
        for (size_t j = 0; j < s->expand; j++)
            part[j] = frame[i].payload;
        if (span_is(frame[i].payload, "QUIT"))
            net_server_close(s->server, frame[i].peer);
        else
            assert_int_equal(net_server_send(s->server, frame[i].peer, part, s->expand),
                             span_is(frame[i].payload, "late") ? ERR_CLOSED : ERR_OK);
    }
}

static void on_opened(void *context, struct net_peer peer)
{
    struct service *s = context;
    s->opened++;
    assert_true(peer.generation > 0);
}

static void on_closed(void *context, struct net_peer peer)
{
    struct service *s = context;
    s->closed++;
    struct span none = {0};
    assert_int_equal(net_server_send(s->server, peer, &none, 1), ERR_CLOSED);
}

static int64_t on_turn(void *context)
{
    struct service *s = context;
    if (__atomic_load_n(&s->stop, __ATOMIC_ACQUIRE))
        net_loop_stop(s->loop);
    if (__atomic_load_n(&s->drain, __ATOMIC_ACQUIRE))
        net_loop_drain(s->loop, 3000);
    return NET_NEVER_US;
}

static void *serve(void *context)
{
    struct service *s = context;
    assert_int_equal(net_loop_run(s->loop), ERR_OK);
    return NULL;
}

/* What an answer needs beyond the length of its frame: seven times that. */
static size_t room_of(void *context, struct span payload, uint32_t *weight)
{
    (void)context;
    (void)weight;
    return 7 * payload.len;
}

static int start_sized(void **state, uint32_t reply_room, size_t (*room)(void *, struct span, uint32_t *))
{
    static struct service service;
    service = (struct service){.env = env_system(NULL), .expand = 1};
    struct net_problem problem;
    struct net_server_config config = {
        .name = "test",
        .listen = "127.0.0.1:0",
        .framing = {NET_LEN2, FRAME_MIN, FRAME_MAX},
        .sizes = {4096, WRITE_SIZE, reply_room},
        .connections = SLOTS,
        .events = {.frames = on_frames, .room = room, .opened = on_opened, .closed = on_closed, .context = &service}};
    if (net_loop_create(&(struct net_loop_config){.env = &service.env, .turn = on_turn, .context = &service}, &service.loop) !=
        ERR_OK)
        return -1;
    if (net_server_create(service.loop, &config, &service.server, &problem) != ERR_OK)
        return -1;
    *state = &service;
    return pthread_create(&service.thread, NULL, serve, &service);
}

static int start(void **state)
{
    return start_sized(state, FRAME_MAX * 7, NULL);
}

static int start_with_room(void **state)
{
    return start_sized(state, 0, room_of);
}

static void finish(struct service *s)
{
    if (!s->thread)
        return;
    __atomic_store_n(&s->stop, true, __ATOMIC_RELEASE);
    net_loop_wake(s->loop);
    pthread_join(s->thread, NULL);
    s->thread = 0;
}

static int stop(void **state)
{
    struct service *s = *state;
    finish(s);
    net_loop_destroy(s->loop);
    return 0;
}

static void expect_frame(int fd, struct span expected)
{
    uint8_t got[8 * FRAME_MAX];
    size_t len = 0;
    assert_true(socket_receive_frame(fd, got, sizeof got, &len));
    assert_int_equal(len, expected.len);
    assert_memory_equal(got, expected.at, len);
}

static void test_echo(void **state)
{
    const struct service *s = *state;
    int fd = socket_connect(net_server_port(s->server));
    socket_send_frame(fd, span_text("hello"));
    expect_frame(fd, span_text("hello"));
    close(fd);
}

static void test_byte_by_byte(void **state)
{
    const struct service *s = *state;
    int fd = socket_connect(net_server_port(s->server));
    const uint8_t wire[] = {0, 5, 'a', 'b', 'c', 'd', 'e', 0, 4, 'w', 'x', 'y', 'z'};
    for (size_t i = 0; i < sizeof wire; i++) {
        socket_send(fd, &wire[i], 1);
        usleep(500);
    }
    expect_frame(fd, span_text("abcde"));
    expect_frame(fd, span_text("wxyz"));
    close(fd);
}

/* Frames in one segment come as one batch and go back as one write. */
static void test_batch(void **state)
{
    struct service *s = *state;
    int fd = socket_connect(net_server_port(s->server));
    uint8_t room[4000];
    struct buf b = buf_over(room, sizeof room);
    for (int i = 0; i < 8; i++) {
        buf_put_u16(&b, 4);
        buf_put_decimal(&b, (uint64_t)i, 4);
    }
    buf_put_u16(&b, 4); /* and half of a ninth */
    buf_put_text(&b, "00");
    socket_send(fd, b.at, b.len);
    uint8_t got[6];
    for (char i = 0; i < 8; i++) {
        assert_true(socket_receive(fd, got, sizeof got));
        assert_int_equal(got[5], '0' + i);
    }
    socket_send(fd, "08", 2);
    expect_frame(fd, span_text("0008"));
    finish(s);
    assert_int_equal(s->largest_batch, 8);
    assert_int_equal(s->calls, 2);
    assert_int_equal(net_server_counters(s->server).writes, 2);
    close(fd);
}

static void expect_close(const struct service *s, const void *wire, size_t len, const char *answered_before)
{
    int fd = socket_connect(net_server_port(s->server));
    socket_send(fd, wire, len);
    if (answered_before)
        expect_frame(fd, span_text(answered_before));
    assert_true(socket_closed(fd));
    close(fd);
}

static void test_bad_lengths(void **state)
{
    struct service *s = *state;
    expect_close(s, "\0\3abc", 5, NULL);
    expect_close(s, "\0\0", 2, NULL);
    expect_close(s, "\3\351", 2, NULL); /* 1001 */
    expect_close(s, "\377\377garbage", 9, NULL);
    /* What was good before is answered. */
    expect_close(s, "\0\4good\0\1x", 9, "good");
    /* A good one after the bad one is not. */
    expect_close(s, "\0\1x\0\4good", 9, NULL);
    finish(s);
    assert_int_equal(net_server_counters(s->server).bad_frames, 6);
    assert_int_equal(s->closed, 6);
}

static void test_largest_and_smallest(void **state)
{
    const struct service *s = *state;
    int fd = socket_connect(net_server_port(s->server));
    uint8_t large[FRAME_MAX];
    memset(large, 'L', sizeof large);
    for (int i = 0; i < 20; i++) {
        socket_send_frame(fd, span_of(large, sizeof large));
        socket_send_frame(fd, span_text("tiny"));
    }
    for (int i = 0; i < 20; i++) {
        expect_frame(fd, span_of(large, sizeof large));
        expect_frame(fd, span_text("tiny"));
    }
    close(fd);
}

static void test_many_connections(void **state)
{
    struct service *s = *state;
    int fd[SLOTS];
    for (int i = 0; i < SLOTS; i++)
        fd[i] = socket_connect(net_server_port(s->server));
    for (int round = 0; round < 20; round++) {
        uint8_t text[8];
        for (int i = 0; i < SLOTS; i++) {
            struct buf b = buf_over(text, sizeof text);
            buf_put_decimal(&b, (uint64_t)(1000 * i + round), 8);
            socket_send_frame(fd[i], buf_span(&b));
        }
        for (int i = 0; i < SLOTS; i++) {
            struct buf b = buf_over(text, sizeof text);
            buf_put_decimal(&b, (uint64_t)(1000 * i + round), 8);
            expect_frame(fd[i], buf_span(&b));
        }
    }
    /* No place left: number 7, the longest idle one, makes room; the others go on. */
    usleep(20000);
    for (int i = 0; i < SLOTS; i++) {
        if (i == 7)
            continue;
        socket_send_frame(fd[i], span_text("still"));
        expect_frame(fd[i], span_text("still"));
    }
    int beyond = socket_connect(net_server_port(s->server));
    socket_send_frame(beyond, span_text("again"));
    expect_frame(beyond, span_text("again"));
    assert_true(socket_closed(fd[7]));
    for (int i = 0; i < SLOTS; i++) {
        if (i == 7)
            continue;
        socket_send_frame(fd[i], span_text("goes on"));
        expect_frame(fd[i], span_text("goes on"));
    }
    close(beyond);
    for (int i = 0; i < SLOTS; i++)
        close(fd[i]);
    finish(s);
    assert_int_equal(net_server_counters(s->server).evicted, 1);
}

/* A peer that sends without reading is no longer read, loses nothing, and does not disturb others. */
static void test_slow_reader(void **state)
{
    struct service *s = *state;
    s->expand = 8;
    int fd = socket_connect(net_server_port(s->server));
    uint8_t payload[FRAME_MAX / 8];
    memset(payload, 'S', sizeof payload);
    uint8_t wire[2 + sizeof payload] = {0, (uint8_t)sizeof payload};
    memcpy(wire + 2, payload, sizeof payload);
    size_t sent = 0;
    size_t part = 0;
    for (;;) { /* until the kernel's buffers and ours are full */
        ssize_t n = send(fd, wire + part, sizeof wire - part, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0) {
            usleep(50000);
            n = send(fd, wire + part, sizeof wire - part, MSG_DONTWAIT | MSG_NOSIGNAL);
            if (n < 0)
                break;
        }
        part += (size_t)n;
        sent += part == sizeof wire;
        part %= sizeof wire;
    }
    assert_true(sent > 500);
    int other = socket_connect(net_server_port(s->server));
    socket_send_frame(other, span_text("abcd"));
    expect_frame(other, span_text("abcdabcdabcdabcdabcdabcdabcdabcd"));
    close(other);
    uint8_t got[8 * FRAME_MAX];
    size_t len = 0;
    for (size_t i = 0; i < sent; i++) {
        assert_true(socket_receive_frame(fd, got, sizeof got, &len));
        assert_int_equal(len, 8 * sizeof payload);
    }
    close(fd);
}

/* The same where the room that an answer needs is told frame by frame. */
static void test_room_told_by_frame(void **state)
{
    test_slow_reader(state);
}

/* A client that ends its side after the last request still gets every answer. */
static void test_half_closed(void **state)
{
    const struct service *s = *state;
    int fd = socket_connect(net_server_port(s->server));
    for (int i = 0; i < 100; i++)
        socket_send_frame(fd, span_text("request"));
    shutdown(fd, SHUT_WR);
    for (int i = 0; i < 100; i++)
        expect_frame(fd, span_text("request"));
    assert_true(socket_closed(fd));
    close(fd);
}

static void test_server_closes(void **state)
{
    const struct service *s = *state;
    int fd = socket_connect(net_server_port(s->server));
    socket_send(fd, "\0\4good\0\4QUIT\0\4late", 18);
    expect_frame(fd, span_text("good"));
    assert_true(socket_closed(fd));
    close(fd);
}

static void test_reset_by_peer(void **state)
{
    struct service *s = *state;
    for (int i = 0; i < 50; i++) {
        int fd = socket_connect(net_server_port(s->server));
        struct linger hard = {.l_onoff = 1};
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        socket_send_frame(fd, span_text("request"));
        close(fd);
    }
    int fd = socket_connect(net_server_port(s->server));
    socket_send_frame(fd, span_text("still here"));
    expect_frame(fd, span_text("still here"));
    close(fd);
    finish(s);
    assert_int_equal(s->opened, 51);
}

static void test_drain(void **state)
{
    struct service *s = *state;
    int fd = socket_connect(net_server_port(s->server));
    socket_send_frame(fd, span_text("before"));
    expect_frame(fd, span_text("before"));
    int idle = socket_connect(net_server_port(s->server));
    socket_send_frame(idle, span_text("here"));
    expect_frame(idle, span_text("here"));
    __atomic_store_n(&s->drain, true, __ATOMIC_RELEASE);
    net_loop_wake(s->loop);
    pthread_join(s->thread, NULL);
    s->thread = 0;
    assert_true(socket_closed(fd));
    assert_true(socket_closed(idle));
    assert_int_equal(net_server_count(s->server), 0);
    close(fd);
    close(idle);
}

/* Who is still sending when the drain comes gets what was answered, and then an orderly end instead of a reset. */
static void test_drain_resets_nobody(void **state)
{
    struct service *s = *state;
    enum { MANY = 20000, LEN = 8 };
    static uint8_t frames[MANY][2 + LEN], answers[MANY][2 + LEN];
    for (size_t i = 0; i < MANY; i++) {
        frames[i][1] = LEN;
        for (size_t k = 0; k < LEN; k++)
            frames[i][2 + k] = (uint8_t)(i >> (k % 4 * 8) | 1);
    }
    int fd = socket_connect(net_server_port(s->server));
    socket_send_frame(fd, span_text("before"));
    expect_frame(fd, span_text("before"));
    size_t sent = 0, got = 0;
    for (ssize_t n = 1; n > 0 && sent < sizeof frames; sent += (size_t)(n > 0 ? n : 0)) {
        n = send(fd, (uint8_t *)frames + sent, sizeof frames - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent == 0) {
            __atomic_store_n(&s->drain, true, __ATOMIC_RELEASE);
            net_loop_wake(s->loop);
        }
    }
    for (ssize_t n = 1; n > 0; got += (size_t)(n > 0 ? n : 0)) {
        n = recv(fd, (uint8_t *)answers + got, sizeof answers - got, 0);
        if (n < 0)
            fail_msg("reset after %zu of %zu bytes", got, sent);
    }
    assert_int_equal(got % sizeof frames[0], 0);
    assert_memory_equal(answers, frames, got);
    pthread_join(s->thread, NULL);
    s->thread = 0;
    close(fd);
}

static void test_port_in_use(void **state)
{
    const struct service *s = *state;
    struct env env = env_system(NULL);
    struct net_loop *loop;
    struct net_server *server = NULL;
    struct net_problem problem;
    char listen[32];
    struct buf b = buf_over(listen, sizeof listen);
    buf_put_text(&b, "127.0.0.1:");
    buf_put_decimal(&b, net_server_port(s->server), 0);
    assert_string_not_equal(buf_text(&b), "");
    assert_int_equal(net_loop_create(&(struct net_loop_config){.env = &env}, &loop), ERR_OK);
    struct net_server_config config = {
        .name = "second", .listen = listen, .framing = {NET_LEN2, 1, 100}, .sizes = {200, 200, 0}, .connections = 1};
    assert_int_equal(net_server_create(loop, &config, &server, &problem), ERR_SYSTEM);
    assert_non_null(strstr(problem.text, "already in use"));
    assert_non_null(strstr(problem.text, listen));
    static const char *const bad[] = {"", "nowhere", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:70000", ":80", "[]:80"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        config.listen = bad[i];
        assert_int_equal(net_server_create(loop, &config, &server, &problem), ERR_CONFIG);
    }
    config.listen = "127.0.0.1:0";
    config.sizes.read = 101; /* a largest frame needs 102 */
    assert_int_equal(net_server_create(loop, &config, &server, &problem), ERR_CONFIG);
    net_loop_destroy(loop);
}

#define TEST(name_) cmocka_unit_test_setup_teardown(name_, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_echo),
        TEST(test_byte_by_byte),
        TEST(test_batch),
        TEST(test_bad_lengths),
        TEST(test_largest_and_smallest),
        TEST(test_many_connections),
        TEST(test_slow_reader),
        cmocka_unit_test_setup_teardown(test_room_told_by_frame, start_with_room, stop),
        TEST(test_half_closed),
        TEST(test_server_closes),
        TEST(test_reset_by_peer),
        TEST(test_drain),
        TEST(test_drain_resets_nobody),
        TEST(test_port_in_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
