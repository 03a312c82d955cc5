/* SPDX-License-Identifier: Apache-2.0 */
/* The HSM link of a service over real sockets: against a real HSM, and against one that is slow, closes, or talks rubbish. */
#include "hostcmd/error.h"
#include "service/hsm_link.h"

#include "hostcmd/commands.h"

#include "support/hsm_process.h"
#include "support/sockets.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { DEADLINE_US = 300000, ANSWERS = 4096, TURNS_MAX = 5000 };

struct world {
    struct env env;
    struct net_loop *loop;
    struct service_hsm_link *link;
    struct hostcmd_client *client;
    size_t taken;
    size_t ok;
    enum err last;
    uint64_t next_ticket; /* the order answers are expected in, where the HSM keeps it */
    bool ordered;
};

static int64_t on_turn(void *context)
{
    struct world *w = context;
    if (!w->client)
        return NET_NEVER_US;
    struct hostcmd_answer answer[16];
    int64_t next = hostcmd_client_turn(w->client, env_monotonic_us(&w->env));
    for (size_t n; (n = hostcmd_client_take(w->client, answer, 16)) > 0;) {
        for (size_t i = 0; i < n; i++) {
            struct hostcmd_said said = {0};
            w->taken++;
            w->last = answer[i].err;
            if (w->ordered)
                assert_int_equal(answer[i].ticket, w->next_ticket++);
            if (answer[i].err == ERR_OK &&
                hostcmd_reply_parse(HOSTCMD_CY, NULL, span_of(answer[i].at, answer[i].len), &said, NULL) == ERR_OK)
                w->ok += said.verdict == (answer[i].ticket % 2 ? VERDICT_MISMATCH : VERDICT_MATCH);
            hostcmd_answer_wipe(&answer[i]);
        }
    }
    return next == INT64_MAX ? NET_NEVER_US : next;
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
    service_hsm_link_destroy(w->link);
    return 0;
}

static void link_to(struct world *w, const uint16_t *port, size_t count)
{
    char list[128];
    struct buf b = buf_over(list, sizeof list);
    for (size_t i = 0; i < count; i++) {
        buf_put_text(&b, i > 0 ? ",127.0.0.1:" : "127.0.0.1:");
        buf_put_decimal(&b, port[i], 0);
    }
    struct net_problem problem;
    struct service_hsm_link_settings settings = {.window = 1024, .header = HOSTCMD_HEADER};
    memcpy(settings.addresses, buf_text(&b), b.len + 1);
    struct service_hsm_link_config config = {w->loop, &w->env, &settings};
    assert_int_equal(service_hsm_link_create(&config, &w->link, &problem), ERR_OK);
    w->client = service_hsm_link_client(w->link);
}

static void turn(struct world *w)
{
    net_loop_turn(w->loop, false);
    usleep(1000);
}

static void wait_ready(struct world *w, bool ready)
{
    for (int i = 0; i < TURNS_MAX && hostcmd_client_ready(w->client) != ready; i++)
        turn(w);
    assert_true(hostcmd_client_ready(w->client) == ready);
}

static void wait_taken(struct world *w, size_t count)
{
    for (int i = 0; i < TURNS_MAX && w->taken < count; i++)
        turn(w);
    assert_int_equal(w->taken, count);
}

/* Even tickets carry the right code, odd ones a wrong one. */
static enum err ask(struct world *w, uint64_t ticket)
{
    static const char *const command[] = {"CYU9B4934384B19946B040CD702B4D581455614123456789012345;8701101",
                                          "CYU9B4934384B19946B040CD702B4D581451114123456789012345;8701101"};
    return hostcmd_client_send(w->client, &(struct hostcmd_send){.command = span_text(command[ticket % 2]),
                                                                 .deadline_us = env_monotonic_us(&w->env) + DEADLINE_US,
                                                                 .ticket = ticket});
}

static void test_real_hsm(void **state)
{
    struct world *w = *state;
    struct hsm_process hsm = hsm_process_start(NULL);
    link_to(w, &hsm.port, 1);
    wait_ready(w, true);
    w->ordered = true;
    for (uint64_t sent = 0; sent < 5000;) {
        while (sent < 5000 && ask(w, sent) == ERR_OK)
            sent++;
        net_loop_turn(w->loop, true);
    }
    wait_taken(w, 5000);
    assert_int_equal(w->ok, 5000);
    assert_int_equal(hsm_process_stop(&hsm, SIGTERM), 0);
    wait_ready(w, false);
    assert_int_equal(ask(w, 1), HOSTCMD_ERR_UNAVAILABLE);
}

/* One of two goes away in the middle: its requests come back as failed, the other one serves on. */
static void test_one_of_two_dies(void **state)
{
    struct world *w = *state;
    struct hsm_process first = hsm_process_start(NULL);
    struct hsm_process second = hsm_process_start(NULL);
    link_to(w, (const uint16_t[]){first.port, second.port}, 2);
    wait_ready(w, true);
    for (int i = 0; i < 50; i++)
        turn(w);
    kill(first.pid, SIGSTOP);
    for (uint64_t i = 0; i < 100; i++)
        assert_int_equal(ask(w, i), ERR_OK);
    turn(w);
    kill(first.pid, SIGKILL);
    wait_taken(w, 100);
    assert_int_equal(w->ok, 50);
    assert_true(hostcmd_client_ready(w->client));
    for (uint64_t i = 0; i < 100; i++)
        assert_int_equal(ask(w, i), ERR_OK);
    wait_taken(w, 200);
    assert_int_equal(w->ok, 150);
    assert_int_equal(hsm_process_stop(&first, SIGKILL), 128 + SIGKILL);
    assert_int_equal(hsm_process_stop(&second, SIGTERM), 0);
}

static void test_silent_hsm(void **state)
{
    struct world *w = *state;
    uint16_t port;
    int listener = socket_listen(&port);
    link_to(w, &port, 1);
    wait_ready(w, true);
    for (uint64_t i = 0; i < 3; i++)
        assert_int_equal(ask(w, i), ERR_OK);
    wait_taken(w, 3);
    assert_int_equal(w->last, ERR_TIMEOUT);
    assert_false(hostcmd_client_ready(w->client)); /* the breaker */
    /* It recovers with the answer to the probe. */
    int fd = socket_accept(listener);
    uint8_t got[128];
    size_t len = 0;
    for (;;) {
        assert_true(socket_receive_frame(fd, got, sizeof got, &len));
        if (span_is(span_slice(span_of(got, len), HOSTCMD_HEADER, 2), "NC"))
            break;
    }
    memcpy(got + HOSTCMD_HEADER, "ND00", 4);
    socket_send_frame(fd, span_of(got, HOSTCMD_HEADER + 4));
    wait_ready(w, true);
    close(fd);
    close(listener);
}

static void test_hsm_that_closes(void **state)
{
    struct world *w = *state;
    uint16_t port;
    int listener = socket_listen(&port);
    link_to(w, &port, 1);
    wait_ready(w, true);
    assert_int_equal(ask(w, 1), ERR_OK);
    turn(w);
    close(socket_accept(listener));
    wait_taken(w, 1);
    assert_int_equal(w->last, HOSTCMD_ERR_UNAVAILABLE);
    close(listener);
}

static void test_hsm_that_talks_rubbish(void **state)
{
    struct world *w = *state;
    uint16_t port;
    int listener = socket_listen(&port);
    link_to(w, &port, 1);
    static const struct {
        const char *wire;
        size_t len;
        enum err err;
    } row[] = {
        {"HTTP/1.1 400 Bad Request\r\n\r\n", 28, ERR_TIMEOUT}, /* a length that never comes */
        {"\0\3abc", 5, HOSTCMD_ERR_UNAVAILABLE},               /* too short */
        {"\0\10????CZ00", 10, ERR_TIMEOUT},                    /* nobody's */
    };
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        w->taken = 0;
        wait_ready(w, true);
        assert_int_equal(ask(w, 1), ERR_OK);
        turn(w);
        int fd = socket_accept(listener);
        socket_send(fd, row[i].wire, row[i].len);
        wait_taken(w, 1);
        assert_int_equal(w->last, row[i].err);
        close(fd);
        if (i == 0)
            wait_ready(w, false);
    }
    close(listener);
}

static void test_bad_addresses(void **state)
{
    struct world *w = *state;
    static const char *const bad[] = {
        "",
        ",",
        "here",
        "127.0.0.1:1,,127.0.0.1:2",
        "127.0.0.1:1,there",
        "127.0.0.1:1,127.0.0.1:2,127.0.0.1:3,127.0.0.1:4,127.0.0.1:5,127.0.0.1:6,127.0.0.1:7,127.0.0.1:8,"
        "127.0.0.1:9"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct net_loop *loop;
        struct service_hsm_link *link = NULL;
        struct net_problem problem = {""};
        assert_int_equal(net_loop_create(&(struct net_loop_config){.env = &w->env}, &loop), ERR_OK);
        struct service_hsm_link_settings settings = {.window = 8, .header = HOSTCMD_HEADER};
        memcpy(settings.addresses, bad[i], strlen(bad[i]) + 1);
        assert_int_equal(service_hsm_link_create(&(struct service_hsm_link_config){loop, &w->env, &settings}, &link, &problem),
                         ERR_CONFIG);
        assert_true(strlen(problem.text) > 0);
        net_loop_destroy(loop);
        service_hsm_link_destroy(link);
    }
}

#define TEST(name_) cmocka_unit_test_setup_teardown(name_, setup, teardown)

int main(void)
{
    (void)signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        TEST(test_real_hsm),        TEST(test_one_of_two_dies),        TEST(test_silent_hsm),
        TEST(test_hsm_that_closes), TEST(test_hsm_that_talks_rubbish), TEST(test_bad_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
