/* SPDX-License-Identifier: Apache-2.0 */
#include "support/http_lab.h"

#include "http/problem.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { ECHO, CARD, EFFECT, SINK, HOLD, CH_CHARGE };

static const struct http_route route[] = {
    {HTTP_POST, "/echo", ECHO, 0, 0, NULL, "the body"},
    {HTTP_GET, "/cards/{cardId}/x/{part}", CARD, 0, 0, NULL, "parameters"},
    {HTTP_PUT, "/cards/{cardId}/x/{part}", CARD, 0, 0, NULL, "parameters"},
    {HTTP_GET, "/effect", EFFECT, HTTP_NO_HEAD, 0, NULL, "a GET with an effect"},
    {HTTP_GET, "/hold", HOLD, 0, 0, NULL, "answered when the test says so"},
};
static const struct http_route ch_route[] = {
    {HTTP_POST, "/charges", CH_CHARGE, 0, 0, NULL, "another face"},
};
const struct http_mount http_lab_mount[2] = {
    {.prefix = "", .route = route, .count = sizeof route / sizeof route[0]},
    {.prefix = "/ch", .route = ch_route, .count = 1, .busy_body = "{\"busy\":true}", .busy_content_type = "application/json"},
};

/* ---- a service of the tests: one thread that answers ---- */

static void wake(void *context)
{
    struct service *s = context;
    ssize_t n = write(s->wake[1], "w", 1);
    (void)n;
}

static void answer_card(struct http_request *r)
{
    struct buf *out = http_body(r);
    buf_put_span(out, http_parameter(r, "cardId"));
    buf_put_byte(out, '|');
    buf_put_span(out, http_parameter(r, "part"));
    buf_put_byte(out, '|');
    buf_put_span(out, http_query(r, "q"));
    http_put_header(r, "ApiTraceId", span_text("trace-1"));
    http_put_header(r, "X-Bad", span_text("a\r\nSet-Cookie: x"));
    http_reply(r, 200, "text/plain");
}

static void answer(struct service *s, struct http_request *r)
{
    struct span id = http_header(r, "x-correlation-id");
    if (r->err != ERR_OK) {
        http_problem_reply(r, &(struct http_problem){.err = r->err, .correlation_id = id});
        return;
    }
    switch (r->route->handler) {
    case ECHO:
        buf_put_span(http_body(r), r->body);
        http_reply(r, 200, http_is_json(r) ? "application/json" : "application/octet-stream");
        return;
    case CARD:
        answer_card(r);
        return;
    case HOLD:
        atomic_fetch_add(&s->held, 1);
        while (!atomic_load(&s->release) && !atomic_load(&s->stop))
            usleep(500);
        http_reply(r, 204, NULL);
        return;
    default:
        buf_put_text(http_body(r), "{}");
        http_reply(r, 201, "application/json");
        return;
    }
}

static void *serve(void *context)
{
    struct service *s = context;
    while (!atomic_load(&s->stop)) {
        struct pollfd p = {s->wake[0], POLLIN, 0};
        char drain[64];
        if (poll(&p, 1, 20) > 0 && read(s->wake[0], drain, sizeof drain) < 0)
            break;
        struct http_request *batch[64];
        for (size_t n; (n = http_take(s->http, batch, 64)) > 0;)
            for (size_t i = 0; i < n; i++)
                answer(s, batch[i]);
    }
    return NULL;
}

struct service *start_with(struct http_config config)
{
    struct service *s = calloc(1, sizeof *s);
    s->env = env_system(NULL);
    assert_int_equal(pipe(s->wake), 0);
    config.mount = http_lab_mount;
    config.mount_count = 2;
    config.wake = wake;
    config.wake_context = s;
    assert_int_equal(http_create(&config, &s->env, &s->http), ERR_OK);
    assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
    return s;
}

struct service *start(void)
{
    return start_with((struct http_config){.idle_timeout_s = 5});
}

void stop(struct service *s)
{
    atomic_store(&s->stop, true);
    wake(s);
    pthread_join(s->thread, NULL);
    http_destroy(s->http);
    close(s->wake[0]);
    close(s->wake[1]);
    free(s);
}

/* ---- a client that does what it is told ---- */

int dial(const struct service *s)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(http_port(s->http)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    struct timeval limit = {10, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    return fd;
}

void say_bytes(int fd, const void *at, size_t len)
{
    for (size_t sent = 0; sent < len;) {
        ssize_t n = send(fd, (const char *)at + sent, len - sent, MSG_NOSIGNAL);
        if (n <= 0)
            return; /* the server closed: what it said is read afterwards */
        sent += (size_t)n;
    }
}

void say(int fd, const char *text)
{
    say_bytes(fd, text, strlen(text));
}

static bool hear_some(int fd, char *at, size_t cap, size_t *len)
{
    ssize_t n = recv(fd, at + *len, cap - *len, 0);
    *len += n > 0 ? (size_t)n : 0;
    return n > 0;
}

const char *header(const struct reply *r, const char *name)
{
    char line[64];
    snprintf(line, sizeof line, "\r\n%s: ", name);
    const char *at = strcasestr(r->head, line);
    return at ? at + strlen(line) : NULL;
}

bool hear_next(int fd, struct ear *ear, bool head_only, struct reply *r)
{
    memset(r, 0, sizeof *r);
    char *end;
    while (!(end = memmem(ear->at, ear->len, "\r\n\r\n", 4)))
        if (!hear_some(fd, ear->at, sizeof ear->at, &ear->len))
            return false;
    size_t head_len = (size_t)(end - ear->at) + 4;
    assert_true(head_len < sizeof r->head);
    memcpy(r->head, ear->at, head_len);
    assert_int_equal(sscanf(r->head, "HTTP/1.1 %d", &r->status), 1);
    const char *length = header(r, "Content-Length");
    r->body_len = length && !head_only ? strtoul(length, NULL, 10) : 0;
    while (ear->len < head_len + r->body_len)
        if (!hear_some(fd, ear->at, sizeof ear->at, &ear->len))
            return false;
    memcpy(r->body, ear->at + head_len, r->body_len);
    ear->len -= head_len + r->body_len;
    memmove(ear->at, ear->at + head_len + r->body_len, ear->len);
    return true;
}

struct reply *ask_as(const struct service *s, const char *text, bool head_only)
{
    static struct reply r;
    static struct ear ear;
    ear.len = 0;
    int fd = dial(s);
    say(fd, text);
    assert_true(hear_next(fd, &ear, head_only, &r));
    close(fd);
    return &r;
}

struct reply *ask(const struct service *s, const char *text)
{
    return ask_as(s, text, false);
}
