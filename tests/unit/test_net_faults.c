/* SPDX-License-Identifier: Apache-2.0 */
/* net when things run out: memory at every allocation, time of an idle peer, the grace of a drain with answers still owed. */
#include "hostcmd/client.h"
#include "hsm/hsm.h"
#include "net/admin.h"

#include "support/sockets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* The program is linked with --wrap=calloc, under which all memory of the house is reserved: the n-th call fails. */
static size_t calls;
static size_t fail_at;
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size)
{
    return ++calls == fail_at ? NULL : __real_calloc(count, size);
}

struct world {
    struct env env;
    struct net_loop *loop;
    struct net_server *server;
    struct net_peer peer;
    size_t frames;
    size_t released;
    bool answer;
    bool busy;
};

static void on_frames(void *context, const struct net_frame *frame, size_t count)
{
    struct world *w = context;
    w->frames += count;
    w->peer = frame[0].peer;
    for (size_t i = 0; w->answer && i < count; i++)
        assert_int_equal(net_server_send(w->server, frame[i].peer, &frame[i].payload, 1), ERR_OK);
}

static void on_released(void *context)
{
    ((struct world *)context)->released++;
}

static bool is_busy(void *context)
{
    return ((struct world *)context)->busy;
}

static enum err open_all(struct world *w, const char *listen, uint32_t idle_ms)
{
    struct net_problem problem;
    struct net_events events = {.frames = on_frames, .released = on_released, .context = w};
    struct net_server_config config = {.name = "test",
                                       .listen = listen,
                                       .framing = {NET_LEN2, 1, 100},
                                       .sizes = {256, 256, 0},
                                       .connections = 4,
                                       .idle_ms = idle_ms,
                                       .events = events};
    TRY(net_loop_create(&(struct net_loop_config){.env = &w->env, .busy = is_busy, .context = w}, &w->loop));
    return net_server_create(w->loop, &config, &w->server, &problem);
}

static int setup(void **state)
{
    static struct world world;
    world = (struct world){.env = env_system(NULL)};
    fail_at = 0;
    *state = &world;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    fail_at = 0;
    net_loop_destroy(w->loop);
    return 0;
}

static void turns(struct world *w, int count)
{
    for (int i = 0; i < count; i++) {
        net_loop_turn(w->loop, false);
        usleep(1000);
    }
}

static enum err open_everything(struct world *w)
{
    struct net_problem problem;
    struct net_admin *admin;
    struct net_client *client;
    struct net_events events = {.frames = on_frames, .released = on_released, .context = w};
    struct net_client_config config = {
        .name = "c", .address = "127.0.0.1:1", .framing = {NET_LEN2, 1, 9}, .sizes = {99, 99, 0}, .events = events};
    TRY(open_all(w, "127.0.0.1:0", 0));
    TRY(net_client_create(w->loop, &config, &client, &problem));
    return net_admin_create(w->loop, &(struct net_admin_config){.listen = "127.0.0.1:0"}, &admin, &problem);
}

/* Whatever allocation fails, the error says so and the loop releases what there is (leaks are the sanitizer's to find). */
static void test_every_allocation_fails_once(void **state)
{
    struct world *w = *state;
    size_t failures = 0;
    for (size_t n = 1;; n++) {
        w->loop = NULL;
        calls = 0;
        fail_at = n;
        enum err err = open_everything(w);
        fail_at = 0;
        net_loop_destroy(w->loop);
        w->loop = NULL;
        if (err == ERR_OK)
            break;
        assert_int_equal(err, ERR_MEMORY);
        failures++;
    }
    assert_true(failures > 20);
}

static enum err swallow(void *context, size_t endpoint, const struct span *part, size_t count)
{
    (void)context;
    (void)endpoint;
    (void)part;
    (void)count;
    return ERR_OK;
}

static void test_clients_and_hsm_without_memory(void **state)
{
    struct world *w = *state;
    for (size_t n = 1;; n++) {
        struct hostcmd_client *client = NULL;
        struct hostcmd_client_config config = {&w->env, {.endpoints = 1, .send = swallow}, 4, HOSTCMD_HEADER, ""};
        calls = 0;
        fail_at = n;
        enum err err = hostcmd_client_create(&config, &client);
        hostcmd_client_destroy(client);
        if (err == ERR_OK)
            break;
        assert_int_equal(err, ERR_MEMORY);
    }
    for (size_t n = 1;; n++) {
        struct hsm *hsm = NULL;
        struct hsm_config config = {.env = &w->env, .header = 4, .sockets = 1, .test_lmk = true};
        calls = 0;
        fail_at = n;
        enum err err = hsm_create(&config, &hsm);
        fail_at = 0;
        hsm_destroy(hsm);
        if (err == ERR_OK)
            break;
        assert_int_not_equal(err, ERR_OK);
    }
}

static void test_idle_peer_is_let_go(void **state)
{
    struct world *w = *state;
    assert_int_equal(open_all(w, "127.0.0.1:0", 200), ERR_OK);
    int fd = socket_connect(net_server_port(w->server));
    turns(w, 50);
    assert_int_equal(net_server_count(w->server), 1);
    turns(w, 2500); /* looked at once a second */
    assert_int_equal(net_server_count(w->server), 0);
    assert_true(socket_closed(fd));
    close(fd);
}

static void test_ipv6_and_names(void **state)
{
    struct world *w = *state;
    if (open_all(w, "[::1]:0", 0) != ERR_OK)
        skip(); /* a machine without IPv6 */
    w->answer = true;
    char name[64];
    net_server_peer_name(w->server, (struct net_peer){0, 1}, name);
    assert_string_equal(name, "");
    static struct world echoed;
    struct net_client *client;
    struct net_problem problem;
    char address[32] = "[::1]:";
    struct buf b = buf_over(address, sizeof address);
    b.len = strlen(address);
    buf_put_decimal(&b, net_server_port(w->server), 0);
    assert_true(*buf_text(&b));
    struct net_client_config config = {.name = "six",
                                       .address = address,
                                       .framing = {NET_LEN2, 1, 100},
                                       .sizes = {256, 256, 0},
                                       .events = {.frames = on_frames, .context = &echoed}};
    assert_int_equal(net_client_create(w->loop, &config, &client, &problem), ERR_OK);
    turns(w, 50);
    assert_true(net_client_up(client));
    struct span hello = span_text("hello");
    assert_int_equal(net_client_send(client, &hello, 1), ERR_OK);
    turns(w, 20);
    assert_int_equal(w->frames, 1);
    assert_int_equal(echoed.frames, 1);
    net_server_peer_name(w->server, w->peer, name);
    assert_true(strncmp(name, "[::1]:", 6) == 0);
    net_client_reconnect(client);
    turns(w, 50);
    assert_true(net_client_up(client));
    assert_int_equal(net_client_counters(client).accepted, 2);
}

/* A drain waits for the answers that are owed, and only for them. */
static void test_drain_waits_for_answers(void **state)
{
    struct world *w = *state;
    assert_int_equal(open_all(w, "127.0.0.1:0", 0), ERR_OK);
    int fd = socket_connect(net_server_port(w->server));
    socket_send_frame(fd, span_text("question"));
    turns(w, 20);
    assert_int_equal(w->frames, 1);
    net_loop_drain(w->loop, 60000);
    turns(w, 50);
    assert_int_equal(net_server_count(w->server), 1);
    struct span text = span_text("answer");
    assert_int_equal(net_server_send(w->server, w->peer, &text, 1), ERR_OK);
    assert_int_equal(net_loop_run(w->loop), ERR_OK); /* ends with the last connection */
    uint8_t got[16];
    size_t len = 0;
    assert_true(socket_receive_frame(fd, got, sizeof got, &len));
    assert_memory_equal(got, "answer", len);
    assert_true(socket_closed(fd));
    close(fd);
}

static void not_busy(void *context)
{
    ((struct world *)context)->busy = false;
}

/* Without connections a drain still waits for what the service has under way. */
static void test_drain_waits_for_work(void **state)
{
    struct world *w = *state;
    w->busy = true;
    assert_int_equal(open_all(w, "127.0.0.1:0", 0), ERR_OK);
    assert_int_equal(net_loop_every(w->loop, 50, 1000, not_busy, w), ERR_OK);
    net_loop_drain(w->loop, 60000);
    assert_int_equal(net_loop_run(w->loop), ERR_OK);
    assert_false(w->busy);
}

static void test_grace_ends(void **state)
{
    struct world *w = *state;
    assert_int_equal(open_all(w, "127.0.0.1:0", 0), ERR_OK);
    int fd = socket_connect(net_server_port(w->server));
    socket_send_frame(fd, span_text("question"));
    turns(w, 20);
    int64_t began = env_monotonic_us(&w->env);
    net_loop_drain(w->loop, 100);
    net_loop_drain(w->loop, 60000); /* the second one changes nothing */
    assert_int_equal(net_loop_run(w->loop), ERR_OK);
    assert_true(env_monotonic_us(&w->env) - began < 5000000);
    assert_int_equal(net_server_count(w->server), 1);
    close(fd);
}

/* A handle of an earlier connection never reaches a later one in the same slot. */
static void test_stale_peer(void **state)
{
    struct world *w = *state;
    assert_int_equal(open_all(w, "127.0.0.1:0", 0), ERR_OK);
    struct span text = span_text("late");
    int first = socket_connect(net_server_port(w->server));
    socket_send_frame(first, span_text("one"));
    turns(w, 20);
    struct net_peer old = w->peer;
    struct linger hard = {.l_onoff = 1};
    setsockopt(first, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close(first);
    turns(w, 20);
    int second = socket_connect(net_server_port(w->server));
    socket_send_frame(second, span_text("two"));
    turns(w, 20);
    assert_int_equal(w->peer.slot, old.slot);
    assert_int_equal(net_server_send(w->server, old, &text, 1), ERR_CLOSED);
    net_server_close(w->server, old);
    assert_int_equal(net_server_send(w->server, w->peer, &text, 1), ERR_OK);
    assert_int_equal(net_server_send(w->server, (struct net_peer){99, 1}, &text, 1), ERR_CLOSED);
    close(second);
}

#define TEST(name_) cmocka_unit_test_setup_teardown(name_, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_every_allocation_fails_once),
        TEST(test_clients_and_hsm_without_memory),
        TEST(test_idle_peer_is_let_go),
        TEST(test_ipv6_and_names),
        TEST(test_drain_waits_for_answers),
        TEST(test_drain_waits_for_work),
        TEST(test_grace_ends),
        TEST(test_stale_peer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
