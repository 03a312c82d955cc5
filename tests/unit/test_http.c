/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP adapter over real sockets: what goes right, and what peers do wrong. */
#include "support/http_lab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- tests ---- */

static void test_body_comes_as_it_was_sent(void **state)
{
    (void)state;
    struct service *s = start();
    struct reply *r = ask(s, "POST /echo HTTP/1.1\r\n" HOST
                             "Content-Type: Application/JSON; charset=utf-8\r\nContent-Length: 9\r\n\r\n {\"a\":1} ");
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
        {"POST /chXcharges HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", 404, "\"code\":\"not_found\""},
        {"GET /ch HTTP/1.1\r\n" HOST "\r\n", 404, "\"code\":\"not_found\""},
        {"GET /cards/%zz/x/2 HTTP/1.1\r\n" HOST "\r\n", 400, "\"code\":\"bad_field\""},
        {"GET /cards/%4/x/2 HTTP/1.1\r\n" HOST "\r\n", 400, "\"code\":\"bad_field\""},
        {"GET /cards/1/x/%4 HTTP/1.1\r\n" HOST "\r\n", 400, "\"code\":\"bad_field\""},
        {"GET /cards/%00/x/2 HTTP/1.1\r\n" HOST "\r\n", 400, "\"code\":\"bad_field\""},
        {"GET /cards/\x80/x/2 HTTP/1.1\r\n" HOST "\r\n", 400, "\"code\":\"bad_field\""},
        {"GET /cards/1/x/2?q=a%00b HTTP/1.1\r\n" HOST "\r\n", 400, "\"code\":\"bad_field\""},
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
    /* so is silence, and that is told */
    fd = dial(s);
    say(fd, "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 4\r\n\r\nx");
    ear.len = 0;
    assert_true(hear_next(fd, &ear, false, &r));
    assert_int_equal(r.status, 408);
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
    struct service *s = start_with((struct http_config){.slots = 4, .idle_timeout_s = 1});
    for (int i = 0; i < 40; i++) {
        int fd = dial(s);
        say(fd, i % 2 ? "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 10\r\n\r\nabc" : "GET /effect HTTP/1.1\r\n" HOST "\r\n");
        close(fd);
        usleep(2000);
    }
    /* An unfinished body holds no slot; an answer that nobody reads holds none either. */
    for (int good = 0, tries = 0; good < 8; tries++) {
        good = ask(s, "GET /effect HTTP/1.1\r\n" HOST "\r\n")->status == 201 ? good + 1 : 0;
        if (!good)
            usleep(20000);
        assert_true(tries < 600);
    }
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

/* A certificate made by openssl, and curl as the client: nothing of ours on the other side. */
static int curl(const char *options, const char *dir, uint16_t port)
{
    char command[512];
    snprintf(command, sizeof command, "curl -s --max-time 10 --cacert %s/cert.pem %s -d hello https://localhost:%u/echo >%s/o", dir,
             options, port, dir);
    return system(command);
}

static void test_tls(void **state)
{
    (void)state;
    char dir[] = "/tmp/countersign-tls.XXXXXX";
    char command[512], certificate[64], key[64], body[16] = "";
    assert_non_null(mkdtemp(dir));
    snprintf(certificate, sizeof certificate, "%s/cert.pem", dir);
    snprintf(key, sizeof key, "%s/key.pem", dir);
    snprintf(command, sizeof command,
             "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=localhost "
             "-addext subjectAltName=DNS:localhost -keyout %s -out %s 2>/dev/null",
             key, certificate);
    assert_int_equal(system(command), 0);
    struct service *s = start_with((struct http_config){.certificate_path = certificate, .key_path = key});
    assert_int_equal(curl("--ipv4 --tlsv1.2 --tls-max 1.2", dir, http_port(s->http)), 0);
    assert_int_equal(curl("--ipv4 --tlsv1.3", dir, http_port(s->http)), 0);
    assert_int_not_equal(curl("--ipv4 --tls-max 1.1", dir, http_port(s->http)), 0);
    assert_int_equal(curl("--ipv4", dir, http_port(s->http)), 0);
    snprintf(command, sizeof command, "%s/o", dir);
    FILE *f = fopen(command, "r");
    assert_non_null(fgets(body, sizeof body, f));
    assert_string_equal(body, "hello");
    fclose(f);
    stop(s);
    struct env env = env_system(NULL);
    struct http *http = NULL;
    struct http_config bad = {.mount = http_lab_mount, .mount_count = 2, .certificate_path = "/nonexistent", .key_path = key};
    assert_int_equal(http_create(&bad, &env, &http), ERR_CONFIG);
    snprintf(command, sizeof command, "rm -rf %s", dir);
    assert_int_equal(system(command), 0);
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
    assert_int_equal(http_check(http_lab_mount, 2), ERR_OK);
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
    struct http_config config = {.address = "localhost?", .mount = http_lab_mount, .mount_count = 2};
    assert_int_equal(http_create(&config, &env, &http), ERR_CONFIG);
    uint8_t room[2000];
    struct buf doc = buf_over(room, sizeof room);
    http_document(http_lab_mount, 2, &doc);
    assert_int_equal(buf_done(&doc), ERR_OK);
    assert_non_null(memmem(doc.at, doc.len, "| POST | `/ch/charges` |  | another face |", 42));
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
        cmocka_unit_test(test_tls),
        cmocka_unit_test(test_stops_with_requests_inside),
        cmocka_unit_test(test_tables_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
