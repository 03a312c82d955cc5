/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP adapter over real sockets: what goes right, and what peers do wrong. */
#include "http/http.h"
#include "http/problem.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
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
static const struct http_mount mount[] = {
    {.prefix = "", .route = route, .count = sizeof route / sizeof route[0]},
    {.prefix = "/ch", .route = ch_route, .count = 1, .busy_body = "{\"busy\":true}", .busy_content_type = "application/json"},
};

/* ---- a service of the tests: one thread that answers ---- */

struct service {
    struct env env;
    struct http *http;
    pthread_t thread;
    int wake[2];
    atomic_bool stop;
    atomic_bool release;
    atomic_int held;
};

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
        problem_reply(r, &(struct problem){.err = r->err, .correlation_id = id});
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

static struct service *start_with(struct http_config config)
{
    struct service *s = calloc(1, sizeof *s);
    s->env = env_system(NULL);
    assert_int_equal(pipe(s->wake), 0);
    config.mount = mount;
    config.mount_count = 2;
    config.wake = wake;
    config.wake_context = s;
    assert_int_equal(http_create(&config, &s->env, &s->http), ERR_OK);
    assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
    return s;
}

static struct service *start(void)
{
    return start_with((struct http_config){.idle_timeout_s = 5});
}

static void stop(struct service *s)
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

static int dial(const struct service *s)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(http_port(s->http)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    struct timeval limit = {10, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    return fd;
}

static void say_bytes(int fd, const void *at, size_t len)
{
    for (size_t sent = 0; sent < len;) {
        ssize_t n = send(fd, (const char *)at + sent, len - sent, MSG_NOSIGNAL);
        if (n <= 0)
            return; /* the server closed: what it said is read afterwards */
        sent += (size_t)n;
    }
}

static void say(int fd, const char *text)
{
    say_bytes(fd, text, strlen(text));
}

struct reply {
    int status;
    char head[4096];
    char body[70000];
    size_t body_len;
};

static bool hear_some(int fd, char *at, size_t cap, size_t *len)
{
    ssize_t n = recv(fd, at + *len, cap - *len, 0);
    *len += n > 0 ? (size_t)n : 0;
    return n > 0;
}

/* One reply; bytes of the next one stay in `rest`. */
struct ear {
    char at[80000];
    size_t len;
};

static const char *header(const struct reply *r, const char *name)
{
    char line[64];
    snprintf(line, sizeof line, "\r\n%s: ", name);
    const char *at = strcasestr(r->head, line);
    return at ? at + strlen(line) : NULL;
}

static bool hear_next(int fd, struct ear *ear, bool head_only, struct reply *r)
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

static struct reply *ask_as(const struct service *s, const char *text, bool head_only)
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

static struct reply *ask(const struct service *s, const char *text)
{
    return ask_as(s, text, false);
}

#define HOST "Host: x\r\n"

/* ---- tests ---- */

static void test_body_comes_as_it_was_sent(void **state)
{
    (void)state;
    struct service *s = start();
    struct reply *r = ask(s, "POST /echo HTTP/1.1\r\n" HOST "Content-Type: Application/JSON; charset=utf-8\r\nContent-Length: 9\r\n\r\n {\"a\":1} ");
    assert_int_equal(r->status, 200);
    assert_memory_equal(r->body, " {\"a\":1} ", 9);
    assert_memory_equal(header(r, "Content-Type"), "application/json\r\n", 18);
    assert_memory_equal(header(r, "Cache-Control"), "no-store\r\n", 10);
    assert_memory_equal(header(r, "X-Content-Type-Options"), "nosniff\r\n", 9);
    r = ask(s, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n");
    assert_int_equal(r->status, 200);
    assert_int_equal(r->body_len, 0);
    r = ask(s, "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\n\r\n\r\n0\r\n\r\n");
    assert_int_equal(r->status, 200);
    assert_memory_equal(r->body, "abc\r\n", 5);
    stop(s);
}

static void test_parameters_query_headers(void **state)
{
    (void)state;
    struct service *s = start();
    struct reply *r = ask(s, "GET /cards/a%2Fb%20c/x/%C3%A9?x=1&q=%26+7 HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(r->status, 200);
    assert_string_equal(r->body, "a/b c|\xC3\xA9|& 7");
    assert_memory_equal(header(r, "ApiTraceId"), "trace-1\r\n", 9);
    assert_null(header(r, "Set-Cookie"));
    r = ask_as(s, "HEAD /cards/1/x/2 HTTP/1.1\r\n" HOST "\r\n", true);
    assert_int_equal(r->status, 200);
    assert_memory_equal(header(r, "Content-Length"), "4\r\n", 3);
    stop(s);
}

static void test_what_the_server_finds_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *request;
        int status;
        const char *holds;
    } row[] = {
        {"GET /nothing HTTP/1.1\r\n" HOST "X-Correlation-Id: c-1\r\n\r\n", 404, "\"correlationId\":\"c-1\""},
        {"GET /cards/1/x/ HTTP/1.1\r\n" HOST "\r\n", 404, "\"code\":\"not_found\""},
        {"GET /cards/1/x/2/ HTTP/1.1\r\n" HOST "\r\n", 404, "\"code\":\"not_found\""},
        {"GET //cards/1/x/2 HTTP/1.1\r\n" HOST "\r\n", 404, "\"code\":\"not_found\""},
        {"GET /chx HTTP/1.1\r\n" HOST "\r\n", 404, "\"code\":\"not_found\""},
        {"GET /ch HTTP/1.1\r\n" HOST "\r\n", 404, "\"code\":\"not_found\""},
        {"GET /cards/%zz/x/2 HTTP/1.1\r\n" HOST "\r\n", 400, "\"code\":\"bad_field\""},
        {"GET /cards/%4/x/2 HTTP/1.1\r\n" HOST "\r\n", 400, "\"code\":\"bad_field\""},
        {"GET /cards/1/x/%4 HTTP/1.1\r\n" HOST "\r\n", 400, "\"code\":\"bad_field\""},
        {"GET /cards/%00/x/2 HTTP/1.1\r\n" HOST "\r\n", 400, "\"code\":\"bad_field\""},
        {"GET /cards/\x80/x/2 HTTP/1.1\r\n" HOST "\r\n", 400, "\"code\":\"bad_field\""},
        {"GET /cards/1/x/2?q=%g1 HTTP/1.1\r\n" HOST "\r\n", 400, "\"code\":\"bad_field\""},
        {"GET /echo HTTP/1.1\r\n" HOST "\r\n", 405, "\"code\":\"bad_method\""},
        {"BREW /echo HTTP/1.1\r\n" HOST "\r\n", 405, "\"code\":\"bad_method\""},
        {"POST /echo HTTP/1.1\r\n" HOST "Content-Length: 65537\r\n\r\n", 413, "\"code\":\"too_large\""},
        {"POST /echo HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999\r\n\r\n", 413, "\"code\":\"too_large\""},
    };
    struct service *s = start();
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct reply *r = ask(s, row[i].request);
        assert_int_equal(r->status, row[i].status);
        if (!strstr(r->body, row[i].holds))
            fail_msg("%s: %s", row[i].request, r->body);
        assert_memory_equal(header(r, "Content-Type"), "application/problem+json\r\n", 26);
    }
    stop(s);
}

static void test_methods(void **state)
{
    (void)state;
    struct service *s = start();
    struct reply *r = ask_as(s, "HEAD /effect HTTP/1.1\r\n" HOST "\r\n", true);
    assert_int_equal(r->status, 405);
    r = ask(s, "OPTIONS /cards/1/x/2 HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(r->status, 204);
    assert_memory_equal(header(r, "Allow"), "GET, HEAD, PUT, OPTIONS\r\n", 25);
    r = ask(s, "DELETE /effect HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(r->status, 405);
    assert_memory_equal(header(r, "Allow"), "GET, OPTIONS\r\n", 14);
    r = ask(s, "POST /ch/charges HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n");
    assert_int_equal(r->status, 201);
    stop(s);
}

static void test_keep_alive_pipelined(void **state)
{
    (void)state;
    struct service *s = start();
    static struct ear ear;
    static struct reply r;
    ear.len = 0;
    int fd = dial(s);
    for (int i = 0; i < 50; i++) {
        char text[200];
        snprintf(text, sizeof text, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\n%03d", i);
        say(fd, text);
    }
    for (int i = 0; i < 50; i++) {
        char want[4];
        snprintf(want, sizeof want, "%03d", i);
        assert_true(hear_next(fd, &ear, false, &r));
        assert_int_equal(r.status, 200);
        assert_string_equal(r.body, want);
    }
    close(fd);
    stop(s);
}

static void test_slow_body(void **state)
{
    (void)state;
    struct service *s = start_with((struct http_config){.idle_timeout_s = 2, .body_timeout_ms = 300});
    static struct ear ear;
    static struct reply r;
    ear.len = 0;
    int fd = dial(s);
    say(fd, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\n");
    for (const char *c = "slow"; *c; c++) {
        usleep(20000);
        say_bytes(fd, c, 1);
    }
    assert_true(hear_next(fd, &ear, false, &r));
    assert_string_equal(r.body, "slow");
    /* a drip beyond the limit is cut off, and its slot comes back */
    say(fd, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 400\r\n\r\n");
    bool open = true;
    for (int i = 0; i < 100 && open; i++) {
        usleep(20000);
        open = send(fd, "x", 1, MSG_NOSIGNAL) == 1;
    }
    assert_false(open);
    close(fd);
    /* silence is ended by the idle timeout */
    fd = dial(s);
    say(fd, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nx");
    char byte;
    assert_int_equal(recv(fd, &byte, 1, 0), 0);
    close(fd);
    stop(s);
}

static void test_bodies_at_the_limit(void **state)
{
    (void)state;
    struct service *s = start();
    static char body[HTTP_BODY_MAX];
    static struct ear ear;
    static struct reply r;
    for (size_t i = 0; i < sizeof body; i++)
        body[i] = (char)('a' + i % 26);
    ear.len = 0;
    int fd = dial(s);
    say(fd, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 65536\r\n\r\n");
    say_bytes(fd, body, sizeof body);
    assert_true(hear_next(fd, &ear, false, &r));
    assert_int_equal(r.status, 200);
    assert_int_equal(r.body_len, sizeof body);
    assert_memory_equal(r.body, body, sizeof body);
    /* chunked: the size is known only by its bytes */
    say(fd, "POST /echo HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n10000\r\n");
    say_bytes(fd, body, sizeof body);
    say(fd, "\r\n1\r\nx\r\n0\r\n\r\n");
    assert_true(hear_next(fd, &ear, false, &r));
    assert_int_equal(r.status, 413);
    close(fd);
    stop(s);
}

static void test_many_headers(void **state)
{
    (void)state;
    struct service *s = start();
    static char text[20000];
    struct buf b = buf_over(text, sizeof text - 1);
    buf_put_text(&b, "GET /cards/1/x/2 HTTP/1.1\r\n" HOST);
    for (uint64_t i = 0; i < 70; i++) {
        buf_put_text(&b, "X-");
        buf_put_decimal(&b, i, 0);
        buf_put_text(&b, ": v\r\n");
    }
    buf_put_text(&b, "\r\n");
    text[b.len] = 0;
    assert_int_equal(ask(s, text)->status, 431);
    buf_clear(&b);
    buf_put_text(&b, "GET /cards/1/x/2 HTTP/1.1\r\n" HOST "X-Long: ");
    buf_put_fill(&b, 'v', 12000);
    buf_put_text(&b, "\r\n\r\n");
    text[b.len] = 0;
    assert_int_equal(ask(s, text)->status, 431);
    buf_clear(&b);
    buf_put_text(&b, "GET /cards/");
    buf_put_fill(&b, 'v', 1100);
    buf_put_text(&b, "/x/2 HTTP/1.1\r\n" HOST "\r\n");
    text[b.len] = 0;
    assert_int_equal(ask(s, text)->status, 431);
    stop(s);
}

static void test_no_slot_is_busy_and_comes_back(void **state)
{
    (void)state;
    struct service *s = start_with((struct http_config){.slots = 2, .idle_timeout_s = 5});
    int held[2] = {dial(s), dial(s)};
    say(held[0], "GET /hold HTTP/1.1\r\n" HOST "\r\n");
    say(held[1], "GET /hold HTTP/1.1\r\n" HOST "\r\n");
    while (atomic_load(&s->held) < 1)
        usleep(1000);
    usleep(50000); /* the second one has its slot too, and waits for the service */
    struct reply *r = ask(s, "GET /effect HTTP/1.1\r\n" HOST "\r\n");
    assert_int_equal(r->status, 503);
    assert_non_null(strstr(r->body, "\"code\":\"busy\""));
    assert_memory_equal(header(r, "Retry-After"), "1\r\n", 3);
    r = ask(s, "POST /ch/charges HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\n{}");
    assert_int_equal(r->status, 503);
    assert_string_equal(r->body, "{\"busy\":true}");
    atomic_store(&s->release, true);
    static struct ear ear;
    static struct reply reply;
    for (int i = 0; i < 2; i++) {
        ear.len = 0;
        assert_true(hear_next(held[i], &ear, false, &reply));
        assert_int_equal(reply.status, 204);
        close(held[i]);
    }
    assert_int_equal(ask(s, "GET /effect HTTP/1.1\r\n" HOST "\r\n")->status, 201);
    stop(s);
}

static void test_clients_that_leave(void **state)
{
    (void)state;
    struct service *s = start_with((struct http_config){.slots = 4, .idle_timeout_s = 5});
    for (int i = 0; i < 40; i++) {
        int fd = dial(s);
        say(fd, i % 2 ? "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\nabc" : "GET /effect HTTP/1.1\r\n" HOST "\r\n");
        close(fd);
        usleep(2000);
    }
    usleep(100000);
    for (int i = 0; i < 8; i++)
        assert_int_equal(ask(s, "GET /effect HTTP/1.1\r\n" HOST "\r\n")->status, 201);
    stop(s);
}

static void test_garbage_never_harms(void **state)
{
    (void)state;
    struct service *s = start();
    struct env env = env_system(NULL);
    for (int i = 0; i < 60; i++) {
        uint8_t noise[200];
        char answer_bytes[4096];
        env_random(&env, noise, sizeof noise);
        int fd = dial(s);
        if (i % 3 == 0)
            say(fd, "POST /echo HTTP/1.1\r\n");
        say_bytes(fd, noise, sizeof noise);
        say(fd, "\r\n\r\n");
        shutdown(fd, SHUT_WR);
        while (recv(fd, answer_bytes, sizeof answer_bytes, 0) > 0)
            ;
        close(fd);
    }
    assert_int_equal(ask(s, "GET /effect HTTP/1.1\r\n" HOST "\r\n")->status, 201);
    stop(s);
}

static void *client(void *context)
{
    const struct service *s = context;
    struct ear *ear = calloc(1, sizeof *ear);
    struct reply *r = calloc(1, sizeof *r);
    size_t good = 0;
    int fd[16];
    for (int i = 0; i < 16; i++)
        fd[i] = dial(s);
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < 16; i++)
            say(fd[i], "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello");
        for (int i = 0; i < 16; i++) {
            ear->len = 0;
            good += hear_next(fd[i], ear, false, r) && r->status == 200 && strcmp(r->body, "hello") == 0;
        }
    }
    for (int i = 0; i < 16; i++)
        close(fd[i]);
    free(ear);
    free(r);
    return (void *)good;
}

static void test_many_connections(void **state)
{
    (void)state;
    struct service *s = start();
    pthread_t thread[8];
    for (int i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, client, s), 0);
    for (int i = 0; i < 8; i++) {
        void *good = NULL;
        pthread_join(thread[i], &good);
        assert_int_equal((size_t)good, 160);
    }
    stop(s);
}

static void test_stops_with_requests_inside(void **state)
{
    (void)state;
    struct service *s = start();
    int fd = dial(s);
    say(fd, "GET /hold HTTP/1.1\r\n" HOST "\r\n");
    int waiting = dial(s);
    while (atomic_load(&s->held) < 1)
        usleep(1000);
    say(waiting, "GET /effect HTTP/1.1\r\n" HOST "\r\n");
    usleep(20000);
    http_quiesce(s->http);
    stop(s);
    close(fd);
    close(waiting);
}

static void test_tables_are_checked(void **state)
{
    (void)state;
    static const char *const bad_path[] = {"", "x", "/a//b", "/a/", "/a{b}", "/{}", "/{a}{b}"};
    assert_int_equal(http_check(mount, 2), ERR_OK);
    for (size_t i = 0; i < sizeof bad_path / sizeof bad_path[0]; i++) {
        struct http_route bad = {.path = bad_path[i], .doc = "x"};
        struct http_mount one = {.prefix = "", .route = &bad, .count = 1};
        assert_int_equal(http_check(&one, 1), ERR_CONFIG);
    }
    struct http_route twice[2] = {{.path = "/a", .doc = "x"}, {.path = "/a", .doc = "y"}};
    struct http_mount two = {.prefix = "", .route = twice, .count = 2};
    assert_int_equal(http_check(&two, 1), ERR_CONFIG);
    struct http_mount slash = {.prefix = "/ch/", .route = twice, .count = 1};
    assert_int_equal(http_check(&slash, 1), ERR_CONFIG);
    struct env env = env_system(NULL);
    struct http *http = NULL;
    struct http_config config = {.address = "localhost?", .mount = mount, .mount_count = 2};
    assert_int_equal(http_create(&config, &env, &http), ERR_CONFIG);
    uint8_t room[2000];
    struct buf doc = buf_over(room, sizeof room);
    http_document(mount, 2, &doc);
    assert_int_equal(buf_done(&doc), ERR_OK);
    assert_non_null(memmem(doc.at, doc.len, "| POST | `/ch/charges` | another face |", 39));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_body_comes_as_it_was_sent),
        cmocka_unit_test(test_parameters_query_headers),
        cmocka_unit_test(test_what_the_server_finds_wrong),
        cmocka_unit_test(test_methods),
        cmocka_unit_test(test_keep_alive_pipelined),
        cmocka_unit_test(test_slow_body),
        cmocka_unit_test(test_bodies_at_the_limit),
        cmocka_unit_test(test_many_headers),
        cmocka_unit_test(test_no_slot_is_busy_and_comes_back),
        cmocka_unit_test(test_clients_that_leave),
        cmocka_unit_test(test_garbage_never_harms),
        cmocka_unit_test(test_many_connections),
        cmocka_unit_test(test_stops_with_requests_inside),
        cmocka_unit_test(test_tables_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
