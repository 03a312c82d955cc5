/* SPDX-License-Identifier: Apache-2.0 */
/* Strangers who begin requests and do not end them, over real sockets: others are served meanwhile. */
#include "support/http_lab.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { CROWD = 200 };
#define HALF_BODY "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 100\r\n\r\n{"
#define HALF_HEAD "POST /echo HTTP/1.1\r\n" HOST "X-A"

/* A connection from 127.0.0.HOST. */
static int dial_from(const struct service *s, unsigned host)
{
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7F000000u + host)};
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(http_port(s->http))};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&from, sizeof from), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

static void assert_served(const struct service *s)
{
    for (int i = 0; i < 20; i++)
        assert_int_equal(ask(s, "GET /effect HTTP/1.1\r\n" HOST "\r\n")->status, 201);
}

/* `hosts` addresses from 127.0.0.FIRST on begin requests; honest ones from 127.0.0.1 are answered all the while. */
static void besiege(struct http_config config, const char *text, unsigned first, unsigned hosts)
{
    struct service *s = start_with(config);
    int fd[CROWD];
    for (unsigned i = 0; i < CROWD; i++) {
        fd[i] = dial_from(s, first + i % hosts);
        (void)send(fd[i], text, strlen(text), MSG_NOSIGNAL);
    }
    assert_served(s);
    for (unsigned i = 0; i < CROWD; i++)
        close(fd[i]);
    stop(s);
}

static void test_half_bodies_hold_no_slot(void **state)
{
    (void)state;
    besiege((struct http_config){.slots = 4}, HALF_BODY, 2, 1);
    besiege((struct http_config){.slots = 4}, HALF_BODY, 1, 1);
}

static void test_one_address_cannot_take_all_places(void **state)
{
    (void)state;
    const struct http_config config = {.connections = 64, .unfinished_per_address = 16};
    besiege(config, HALF_HEAD, 2, 1);
    besiege(config, HALF_BODY, 2, 1);
    besiege(config, HALF_HEAD, 1, 1);
    besiege(config, "", 1, 1);
}

static void test_the_oldest_makes_room(void **state)
{
    (void)state;
    const struct http_config config = {.connections = 64};
    besiege(config, HALF_HEAD, 2, CROWD);
    besiege(config, HALF_BODY, 2, CROWD);
    besiege(config, "", 2, CROWD);
}

/* A byte every 50 ms, each long before the idle limit; the answer comes at the total time. */
static void test_late_requests_are_told(void **state)
{
    (void)state;
    static const char *const begin[] = {"", HALF_HEAD, HALF_BODY};
    struct service *s = start_with((struct http_config){.idle_timeout_s = 5, .head_timeout_ms = 300, .body_timeout_ms = 300});
    for (size_t i = 0; i < sizeof begin / sizeof begin[0]; i++) {
        static struct ear ear;
        static struct reply r;
        char byte = 0;
        int fd = dial(s);
        say(fd, begin[i]);
        for (int n = 0; begin[i][0] && n < 100 && recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) != 1; n++) {
            usleep(50000);
            (void)send(fd, "x", 1, MSG_NOSIGNAL);
        }
        ear.len = 0;
        assert_true(hear_next(fd, &ear, false, &r));
        assert_int_equal(r.status, 408);
        assert_memory_equal(header(&r, "Content-Type"), "application/problem+json\r\n", 26);
        assert_non_null(strstr(r.body, "\"status\":408"));
        close(fd);
    }
    assert_served(s);
    stop(s);
}

static void test_a_length_told_twice(void **state)
{
    (void)state;
    static const char *const row[] = {
        "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 3\r\ncontent-length: 4\r\n\r\nabcd",
        "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
        "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
        "GET /effect HTTP/1.1\r\n" HOST "Content-Length: 0\r\nContent-Length: 40\r\n\r\n",
    };
    struct service *s = start();
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct reply *r = ask(s, row[i]);
        assert_int_equal(r->status, 400);
        assert_non_null(strstr(r->body, "\"code\":\"bad_framing\""));
    }
    /* What stands behind it is no request of its own. */
    static struct ear ear;
    static struct reply r;
    ear.len = 0;
    int fd = dial(s);
    say(fd, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
            "GET /effect HTTP/1.1\r\n" HOST "\r\n");
    assert_true(hear_next(fd, &ear, false, &r));
    assert_int_equal(r.status, 400);
    assert_false(hear_next(fd, &ear, false, &r));
    close(fd);
    stop(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_half_bodies_hold_no_slot), cmocka_unit_test(test_one_address_cannot_take_all_places),
        cmocka_unit_test(test_the_oldest_makes_room),    cmocka_unit_test(test_late_requests_are_told),
        cmocka_unit_test(test_a_length_told_twice),
    };
    return cmocka_run_group_tests_name("strangers", tests, NULL, NULL);
}
