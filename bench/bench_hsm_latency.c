/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One question after the other: CY on one connection without pipelining, half of the answers sooner than the figure. The limit is a
 * bare epoll loop in a process of its own that sends the same number of bytes back. Then the same over TLS 1.3, whose limit is the
 * HSM over plain TCP. Last, pipelined questions a second over TLS, against the same over plain TCP.
 */
#include "support/bench.h"
#include "support/certificates.h"
#include "support/hsm_process.h"

#include "base/err.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { QUESTIONS = 20000, ROUNDS = 3, ANSWER = 10, BATCH = 512, BATCHES = 200, AHEAD = 4 };

static const char question[] = "\0\102HEADCYU9B4934384B19946B040CD702B4D581455614123456789012345;8701101";
static const char answer[] = "\0\10HEADCZ00";

static int dial(uint16_t port)
{
    const struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT(fd >= 0 && connect(fd, (const struct sockaddr *)&to, sizeof to) == 0);
    ASSERT(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0);
    return fd;
}

/* ---- the limit ---- */

static _Noreturn void echo(int listener)
{
    char bytes[128];
    int fd = accept(listener, NULL, NULL), on = 1, poll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    ASSERT(fd >= 0 && poll >= 0 && epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event) == 0);
    ASSERT(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0);
    for (;;) {
        ASSERT(epoll_wait(poll, &event, 1, -1) == 1);
        if (read(fd, bytes, sizeof bytes) <= 0)
            _exit(0);
        ASSERT(write(fd, answer, ANSWER) == ANSWER);
    }
}

static pid_t start_echo(uint16_t *port)
{
    struct sockaddr_in on = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof on;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT(listener >= 0 && bind(listener, (struct sockaddr *)&on, sizeof on) == 0 && listen(listener, 1) == 0);
    ASSERT(getsockname(listener, (struct sockaddr *)&on, &len) == 0);
    *port = ntohs(on.sin_port);
    pid_t pid = fork();
    ASSERT(pid >= 0);
    if (pid == 0)
        echo(listener);
    close(listener);
    return pid;
}

/* ---- one question after the other ---- */

struct way {
    int fd;
    SSL *ssl; /* NULL: plain */
};

static void ask(const struct way *way)
{
    char got[ANSWER];
    int len = sizeof question - 1;
    if (way->ssl) {
        ASSERT(SSL_write(way->ssl, question, len) == len && SSL_read(way->ssl, got, ANSWER) == ANSWER);
    } else {
        ASSERT(send(way->fd, question, (size_t)len, MSG_NOSIGNAL) == len);
        ASSERT(recv(way->fd, got, ANSWER, MSG_WAITALL) == ANSWER);
    }
    ASSERT(memcmp(got, answer, ANSWER) == 0);
}

static int by_time(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Microseconds that half of the answers stay below: the best of the rounds. */
static double median_us(const struct way *way)
{
    static int64_t took[QUESTIONS];
    double best = 0;
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < QUESTIONS; i++) {
            int64_t start = bench_now_ns();
            ask(way);
            took[i] = bench_now_ns() - start;
        }
        qsort(took, QUESTIONS, sizeof took[0], by_time);
        double now = (double)took[QUESTIONS / 2] / 1000;
        best = round == 0 || now < best ? now : best;
    }
    return best;
}

/* ---- many at once ---- */

static void put_batch(const struct way *way)
{
    static char bytes[BATCH * (sizeof question - 1)];
    int len = sizeof bytes;
    for (size_t i = 0; i < BATCH; i++)
        memcpy(bytes + i * (sizeof question - 1), question, sizeof question - 1);
    if (way->ssl)
        ASSERT(SSL_write(way->ssl, bytes, len) == len);
    else
        ASSERT(send(way->fd, bytes, (size_t)len, MSG_NOSIGNAL) == len);
}

static void take_batch(const struct way *way)
{
    static char bytes[BATCH * ANSWER];
    for (size_t got = 0; got < sizeof bytes;) {
        ssize_t now = way->ssl ? SSL_read(way->ssl, bytes + got, (int)(sizeof bytes - got))
                               : recv(way->fd, bytes + got, sizeof bytes - got, 0);
        ASSERT(now > 0);
        got += (size_t)now;
    }
    for (size_t i = 0; i < BATCH; i++)
        ASSERT(memcmp(bytes + i * ANSWER, answer, ANSWER) == 0);
}

/* The best of the rounds. */
static double per_second(const struct way *way)
{
    double best = 0;
    for (int round = 0; round < ROUNDS; round++) {
        int64_t start = bench_now_ns();
        for (size_t i = 0; i < BATCHES + AHEAD; i++) {
            if (i < BATCHES)
                put_batch(way);
            if (i >= AHEAD)
                take_batch(way);
        }
        double now = (double)BATCHES * BATCH * 1e9 / (double)(bench_now_ns() - start);
        best = now > best ? now : best;
    }
    return best;
}

struct speed {
    double median_us;
    double per_second;
};

static struct speed measure(const struct way *way)
{
    double us = median_us(way);
    return (struct speed){us, per_second(way)};
}

static struct speed plain_speed(uint16_t port)
{
    struct way way = {.fd = dial(port)};
    struct speed speed = measure(&way);
    close(way.fd);
    return speed;
}

static double echo_us(uint16_t port)
{
    struct way way = {.fd = dial(port)};
    double us = median_us(&way);
    close(way.fd);
    return us;
}

static struct speed tls_speed(uint16_t port)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    struct way way = {.fd = dial(port), .ssl = SSL_new(context)};
    ASSERT(SSL_use_certificate_file(way.ssl, certificates_file("client.pem"), SSL_FILETYPE_PEM) == 1);
    ASSERT(SSL_use_PrivateKey_file(way.ssl, certificates_file("client.key"), SSL_FILETYPE_PEM) == 1);
    ASSERT(SSL_set_fd(way.ssl, way.fd) == 1 && SSL_connect(way.ssl) == 1);
    struct speed speed = measure(&way);
    SSL_free(way.ssl);
    SSL_CTX_free(context);
    close(way.fd);
    return speed;
}

static struct hsm_process start_hsm(void)
{
    char certificate[200], key[200], ca[200];
    (void)snprintf(certificate, sizeof certificate, "--set=hsm.tls_certificate=%s", certificates_file("server.pem"));
    (void)snprintf(key, sizeof key, "--set=hsm.tls_key=%s", certificates_file("server.key"));
    (void)snprintf(ca, sizeof ca, "--set=hsm.tls_ca=%s", certificates_file("ca.pem"));
    return hsm_process_start((const char *const[]){"--set=hsm.tls_listen=127.0.0.1:0", certificate, key, ca, NULL});
}

int main(void)
{
    uint16_t echo_port;
    pid_t echo_pid = start_echo(&echo_port);
    struct hsm_process hsm = start_hsm();
    double limit = echo_us(echo_port);
    struct speed plain = plain_speed(hsm.port);
    struct speed tls = tls_speed(hsm.tls_port);
    (void)waitpid(echo_pid, NULL, 0);
    (void)hsm_process_stop(&hsm, SIGTERM);
    bool holds = bench_report(&(struct bench_figure){.bench = "hsm.latency_p50",
                                                     .unit = "us",
                                                     .limit_is = "an epoll loop that answers without looking",
                                                     .value = plain.median_us,
                                                     .limit = limit,
                                                     .goal = 40,
                                                     .rule = BENCH_VALUE_AT_MOST});
    holds = bench_report(&(struct bench_figure){.bench = "hsm.latency_tls_p50",
                                                .unit = "us",
                                                .limit_is = "the HSM over plain TCP",
                                                .value = tls.median_us,
                                                .limit = plain.median_us,
                                                .goal = 2,
                                                .rule = BENCH_RATIO_AT_MOST}) &&
            holds;
    holds = bench_report(&(struct bench_figure){.bench = "hsm.cy_tls",
                                                .unit = "/s",
                                                .limit_is = "the same questions over plain TCP",
                                                .value = tls.per_second,
                                                .limit = plain.per_second,
                                                .goal = 250000,
                                                .rule = BENCH_VALUE_AT_LEAST}) &&
            holds;
    return holds ? 0 : 1;
}
