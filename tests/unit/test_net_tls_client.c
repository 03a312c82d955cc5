/* SPDX-License-Identifier: Apache-2.0 */
/* The TLS client: which servers it believes, what it tells when it does not, large pipelines, servers that others wrote. */
#include "support/certificates.h"
#include "support/sockets.h"
#include "support/tls_service.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { FRAMES = 20000, TURNS_MAX = 5000 };

struct world {
    struct env env;
    struct net_loop *loop;
    struct net_client *client;
    size_t opened, failed, frames;
    bool numbered; /* frames are the numbers 0, 1, 2 ... as text */
    char why[128];
    char got[64];
};

static struct span number(size_t n, char out[static 2000])
{
    struct buf b = buf_over(out, 2000);
    buf_put_decimal(&b, n, 8);
    buf_put_fill(&b, (uint8_t)('a' + n % 26), n % 31 == 0 ? 1900 : n % 40);
    return buf_span(&b);
}

static void on_frames(void *context, const struct net_frame *frame, size_t count)
{
    struct world *w = context;
    char wanted[2000];
    for (size_t i = 0; i < count; i++) {
        if (w->numbered)
            assert_true(span_equal(frame[i].payload, number(w->frames, wanted)));
        else
            (void)snprintf(w->got, sizeof w->got, "%.*s", (int)frame[i].payload.len, (const char *)frame[i].payload.at);
        w->frames++;
    }
}

static void on_opened(void *context, struct net_peer peer)
{
    (void)peer;
    ((struct world *)context)->opened++;
}

static void on_failed(void *context, const char *why)
{
    struct world *w = context;
    w->failed++;
    (void)snprintf(w->why, sizeof w->why, "%s", why);
}

static void dial(struct world *w, uint16_t port, const struct net_tls_config *tls)
{
    struct net_problem problem;
    char address[32];
    *w = (struct world){.env = env_system(NULL)};
    (void)snprintf(address, sizeof address, "127.0.0.1:%d", port);
    struct net_client_config config = {.name = "c",
                                       .address = address,
                                       .framing = {NET_LEN2, 1, 2000},
                                       .sizes = {4096, 64 * 1024, 0},
                                       .events = {.frames = on_frames, .opened = on_opened, .failed = on_failed, .context = w},
                                       .tls = tls};
    assert_int_equal(net_loop_create(&(struct net_loop_config){.env = &w->env}, &w->loop), ERR_OK);
    assert_int_equal(net_client_create(w->loop, &config, &w->client, &problem), ERR_OK);
}

static void turns_until(struct world *w, const size_t *counter, size_t least)
{
    for (int i = 0; i < TURNS_MAX && *counter < least; i++) {
        net_loop_turn(w->loop, false);
        usleep(1000);
    }
    assert_true(*counter >= least);
}

static void expect_echo(struct world *w, const char *text)
{
    struct span part = span_text(text);
    size_t before = w->frames;
    assert_int_equal(net_client_send(w->client, &part, 1), ERR_OK);
    turns_until(w, &w->frames, before + 1);
    assert_string_equal(w->got, text);
}

static void test_believes(void **state)
{
    (void)state;
    struct world w;
    struct tls_service *s = tls_service_start(certificates_server());
    struct net_tls_config tls = certificates_client();
    for (size_t i = 0; i < 2; i++) {
        tls.name = i == 0 ? NULL : "localhost"; /* the address, or a name for it */
        dial(&w, net_server_port(s->server), &tls);
        assert_false(net_client_up(w.client));
        turns_until(&w, &w.opened, 1);
        assert_true(net_client_up(w.client));
        expect_echo(&w, "hello");
        net_client_reconnect(w.client);
        turns_until(&w, &w.opened, 2);
        expect_echo(&w, "again");
        net_loop_destroy(w.loop);
    }
    tls_service_finish(s);
}

static void test_disbelieves(void **state)
{
    (void)state;
    static const struct {
        const char *server, *ca, *name, *why;
    } row[] = {
        {"serverdns", "ca", NULL, "IP address mismatch"}, /* a common name is no IP address */
        {"serverdns", "ca", "localhost", "hostname mismatch"},
        {"server", "ca", "hsm.example", "hostname mismatch"},
        {"server", "ca", "127.0.0.2", "IP address mismatch"},
        {"server", "otherca", NULL, "unable to get local issuer certificate"},
        {"client", "ca", NULL, "unsuitable certificate purpose"},
    };
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct world w;
        char certificate[32], key[32], ca[32];
        (void)snprintf(certificate, sizeof certificate, "%s.pem", row[i].server);
        (void)snprintf(key, sizeof key, "%s.key", row[i].server);
        (void)snprintf(ca, sizeof ca, "%s.pem", row[i].ca);
        struct net_tls_config server = certificates_server(), tls = certificates_client();
        server.certificate = certificates_file(certificate);
        server.key = certificates_file(key);
        tls.ca = certificates_file(ca);
        tls.name = row[i].name;
        struct tls_service *s = tls_service_start(server);
        dial(&w, net_server_port(s->server), &tls);
        turns_until(&w, &w.failed, 1);
        assert_string_equal(w.why, row[i].why);
        assert_int_equal(w.opened, 0);
        assert_int_equal(net_client_counters(w.client).handshakes_failed, 1);
        net_loop_destroy(w.loop);
        tls_service_finish(s);
    }
}

/* A server without TLS, one that says nothing, and a plain client at a TLS port. */
static void test_no_tls_there(void **state)
{
    (void)state;
    struct world w;
    uint16_t port;
    uint8_t hello[64];
    int listener = socket_listen(&port);
    struct net_tls_config tls = certificates_client();
    dial(&w, port, &tls);
    net_loop_turn(w.loop, true);
    int fd = socket_accept(listener);
    for (int i = 0; i < 5; i++)
        net_loop_turn(w.loop, false);
    assert_true(socket_receive(fd, hello, sizeof hello));
    socket_send(fd, "\0\6HEADND", 8);
    turns_until(&w, &w.failed, 1);
    assert_string_equal(w.why, "wrong version number");
    close(fd);
    net_loop_destroy(w.loop);
    tls.handshake_ms = 300;
    dial(&w, port, &tls);
    turns_until(&w, &w.failed, 1);
    assert_string_equal(w.why, "no handshake within the deadline");
    net_loop_destroy(w.loop);
    close(listener);
}

static void test_pipeline(void **state)
{
    (void)state;
    struct world w;
    char room[2000];
    struct tls_service *s = tls_service_start(certificates_server());
    struct net_tls_config tls = certificates_client();
    dial(&w, net_server_port(s->server), &tls);
    w.numbered = true;
    turns_until(&w, &w.opened, 1);
    for (size_t sent = 0; w.frames < FRAMES;) {
        while (sent < FRAMES) {
            struct span part = number(sent, room);
            enum err err = net_client_send(w.client, &part, 1);
            if (err == ERR_BUSY)
                break;
            assert_int_equal(err, ERR_OK);
            sent++;
        }
        net_loop_turn(w.loop, true);
    }
    assert_int_equal(w.opened, 1);
    net_loop_destroy(w.loop);
    tls_service_finish(s);
}

static pid_t s_server(uint16_t port, const char *name, const char *version)
{
    char command[1024];
    (void)snprintf(command, sizeof command,
                   "(sleep 0.7; printf '\\0\\5hello'; sleep 3) | exec openssl s_server -quiet %s -accept 127.0.0.1:%d -Verify 1 "
                   "-verify_return_error -CAfile %s -cert %s/%s.pem -key %s/%s.key >/dev/null 2>&1",
                   version, port, certificates_file("ca.pem"), certificates_directory(), name, certificates_directory(), name);
    pid_t pid = fork();
    if (pid == 0) {
        (void)setpgid(0, 0);
        (void)!freopen("/dev/null", "w", stdout);
        (void)!freopen("/dev/null", "w", stderr);
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    return pid;
}

static void end(pid_t pid)
{
    int status;
    assert_int_equal(kill(-pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
}

/* openssl s_server: it verifies us, we verify it; an expired certificate is not believed. */
static void test_openssl_command(void **state)
{
    (void)state;
    static const struct {
        const char *name, *version, *why;
    } row[] = {{"server", "-tls1_2", NULL}, {"server", "-tls1_3", NULL}, {"expired", "-tls1_3", "certificate has expired"}};
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct world w;
        uint16_t port;
        close(socket_listen(&port));
        pid_t pid = s_server(port, row[i].name, row[i].version);
        struct net_tls_config tls = certificates_client();
        usleep(400000); /* its start; a first attempt before it is repeated a second later */
        dial(&w, port, &tls);
        if (row[i].why) {
            for (int tries = 0; tries < 5 && strcmp(w.why, row[i].why) != 0; tries++)
                turns_until(&w, &w.failed, w.failed + 1);
            assert_string_equal(w.why, row[i].why);
        } else {
            turns_until(&w, &w.frames, 1);
            assert_string_equal(w.got, "hello");
        }
        net_loop_destroy(w.loop);
        end(pid);
    }
}

int main(void)
{
    (void)signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_believes), cmocka_unit_test(test_disbelieves),     cmocka_unit_test(test_no_tls_there),
        cmocka_unit_test(test_pipeline), cmocka_unit_test(test_openssl_command),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
