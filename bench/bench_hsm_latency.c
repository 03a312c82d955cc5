/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One question after the other: CY on one connection without pipelining, half of the answers sooner than the figure. The limit is a
 * bare epoll loop in a process of its own that sends the same number of bytes back. Then the same over TLS 1.3, whose limit is the
 * HSM over plain TCP.
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

enum { QUESTIONS = 20000, ROUNDS = 3, ANSWER = 10 };

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

static double plain_us(uint16_t port)
{
    struct way way = {.fd = dial(port)};
    double us = median_us(&way);
    close(way.fd);
    return us;
}

static double tls_us(uint16_t port)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    struct way way = {.fd = dial(port), .ssl = SSL_new(context)};
    ASSERT(SSL_use_certificate_file(way.ssl, certificates_file("client.pem"), SSL_FILETYPE_PEM) == 1);
    ASSERT(SSL_use_PrivateKey_file(way.ssl, certificates_file("client.key"), SSL_FILETYPE_PEM) == 1);
    ASSERT(SSL_set_fd(way.ssl, way.fd) == 1 && SSL_connect(way.ssl) == 1);
    double us = median_us(&way);
    SSL_free(way.ssl);
    SSL_CTX_free(context);
    close(way.fd);
    return us;
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
    double limit = plain_us(echo_port);
    double plain = plain_us(hsm.port);
    double tls = tls_us(hsm.tls_port);
    (void)waitpid(echo_pid, NULL, 0);
    (void)hsm_process_stop(&hsm, SIGTERM);
    bool holds = bench_report(&(struct bench_figure){.bench = "hsm.latency_p50",
                                                     .unit = "us",
                                                     .limit_is = "an epoll loop that answers without looking",
                                                     .value = plain,
                                                     .limit = limit,
                                                     .goal = 40,
                                                     .rule = BENCH_VALUE_AT_MOST});
    holds = bench_report(&(struct bench_figure){.bench = "hsm.latency_tls_p50",
                                                .unit = "us",
                                                .limit_is = "the HSM over plain TCP",
                                                .value = tls,
                                                .limit = plain,
                                                .goal = 2,
                                                .rule = BENCH_RATIO_AT_MOST}) &&
            holds;
    return holds ? 0 : 1;
}
