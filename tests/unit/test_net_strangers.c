/* SPDX-License-Identifier: Apache-2.0 */
/* Strangers who connect and say nothing, or a byte now and then, over real sockets: others are served meanwhile. */
#include "net/net.h"

#include "support/sockets.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { PLACES = 16, CROWD = 200, FRAME_MAX = 100 };

/* An echo service in a thread of its own. */
struct service {
    struct env env;
    struct net_loop *loop;
    struct net_server *server;
    pthread_t thread;
    bool stop;
};

static void on_frames(void *context, const struct net_frame *frame, size_t count)
{
    struct service *s = context;
    for (size_t i = 0; i < count; i++)
        if (!span_is(frame[i].payload, "wait") && net_server_send(s->server, frame[i].peer, &frame[i].payload, 1) != ERR_OK)
            net_server_close(s->server, frame[i].peer);
}

static int64_t on_turn(void *context)
{
    struct service *s = context;
    if (__atomic_load_n(&s->stop, __ATOMIC_ACQUIRE))
        net_loop_stop(s->loop);
    return NET_NEVER_US;
}

static void *serve(void *context)
{
    struct service *s = context;
    assert_int_equal(net_loop_run(s->loop), ERR_OK);
    return NULL;
}

static struct service *start(uint32_t places, uint32_t per_address, uint32_t frame_ms)
{
    static struct service s;
    s = (struct service){.env = env_system(NULL)};
    struct net_problem problem;
    const struct net_loop_config loop = {.env = &s.env, .turn = on_turn, .context = &s};
    const struct net_server_config config = {.name = "test",
                                             .listen = "127.0.0.1:0",
                                             .framing = {NET_LEN2, 1, FRAME_MAX},
                                             .sizes = {1024, 4096, FRAME_MAX},
                                             .connections = places,
                                             .per_address = per_address,
                                             .frame_ms = frame_ms,
                                             .keepalive_s = 60,
                                             .events = {.frames = on_frames, .context = &s}};
    assert_int_equal(net_loop_create(&loop, &s.loop), ERR_OK);
    assert_int_equal(net_server_create(s.loop, &config, &s.server, &problem), ERR_OK);
    assert_int_equal(pthread_create(&s.thread, NULL, serve, &s), 0);
    return &s;
}

static struct net_counters stop(struct service *s)
{
    __atomic_store_n(&s->stop, true, __ATOMIC_RELEASE);
    net_loop_wake(s->loop);
    pthread_join(s->thread, NULL);
    struct net_counters counters = net_server_counters(s->server);
    net_loop_destroy(s->loop);
    return counters;
}

/* A connection from 127.0.0.HOST. */
static int dial_from(const struct service *s, unsigned host)
{
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7F000000u + host)};
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(net_server_port(s->server))};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&from, sizeof from), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

static void assert_echo(int fd)
{
    uint8_t got[FRAME_MAX];
    size_t len = 0;
    socket_send_frame(fd, span_text("hello"));
    assert_true(socket_receive_frame(fd, got, sizeof got, &len));
    assert_memory_equal(got, "hello", len);
}

/* `hosts` addresses from 127.0.0.FIRST on are silent. One that connected before goes on speaking, and one comes afterwards. */
static struct net_counters besiege(struct service *s, unsigned first, unsigned hosts)
{
    int before = dial_from(s, 1), fd[CROWD];
    assert_echo(before);
    for (unsigned i = 0; i < CROWD; i++) {
        fd[i] = dial_from(s, first + i % hosts);
        if (i % 5 == 4) {
            usleep(2000);
            assert_echo(before);
        }
    }
    int after = dial_from(s, 1);
    assert_echo(after);
    assert_echo(before);
    for (unsigned i = 0; i < CROWD; i++)
        close(fd[i]);
    close(before);
    close(after);
    return stop(s);
}

static void test_the_longest_idle_makes_room(void **state)
{
    (void)state;
    struct net_counters counters = besiege(start(PLACES, 0, 0), 2, 100);
    assert_int_equal(counters.refused, 0);
    assert_int_equal(counters.evicted, CROWD + 2 - PLACES);
}

static void test_one_address_cannot_take_all_places(void **state)
{
    (void)state;
    struct net_counters counters = besiege(start(4 * CROWD, PLACES, 0), 2, 1);
    assert_int_equal(counters.evicted, CROWD - PLACES);
    (void)besiege(start(4 * CROWD, PLACES, 0), 1, 1);
}

/* Who waits for an answer is not closed for a newcomer, who is told at once. */
static void test_who_waits_for_an_answer_stays(void **state)
{
    (void)state;
    struct service *s = start(2, 0, 0);
    int waits[2] = {dial_from(s, 1), dial_from(s, 1)};
    for (int i = 0; i < 2; i++)
        socket_send_frame(waits[i], span_text("wait"));
    usleep(50000);
    int beyond = dial_from(s, 2);
    assert_true(socket_closed(beyond));
    for (int i = 0; i < 2; i++)
        assert_echo(waits[i]);
    close(beyond);
    close(waits[0]);
    close(waits[1]);
    struct net_counters counters = stop(s);
    assert_int_equal(counters.refused, 1);
    assert_int_equal(counters.evicted, 0);
}

/* A byte every 100 ms; the frame would be complete after ten seconds. */
static void test_a_frame_has_a_total_time(void **state)
{
    (void)state;
    struct service *s = start(PLACES, 0, 400);
    int slow = dial_from(s, 2), quiet = dial_from(s, 2);
    const uint8_t length[2] = {0, FRAME_MAX};
    assert_echo(quiet);
    socket_send(slow, length, sizeof length);
    bool open = true;
    for (int i = 0; i < 40 && open; i++) {
        usleep(100000);
        open = send(slow, "x", 1, MSG_NOSIGNAL) == 1;
    }
    assert_false(open);
    assert_echo(quiet); /* silence between frames has the idle limit alone */
    close(slow);
    close(quiet);
    (void)stop(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_longest_idle_makes_room),
        cmocka_unit_test(test_one_address_cannot_take_all_places),
        cmocka_unit_test(test_who_waits_for_an_answer_stays),
        cmocka_unit_test(test_a_frame_has_a_total_time),
    };
    return cmocka_run_group_tests_name("strangers", tests, NULL, NULL);
}
