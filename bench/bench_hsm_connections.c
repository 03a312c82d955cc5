/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thousand connections: how evenly they are served while all of them ask without pause, and what memory the HSM holds when each
 * has sent 64 KiB and fallen silent; over plain TCP and over TLS. The limit of fairness is the same share for everybody, that of
 * memory the process before the first connection.
 */
#include "support/bench.h"
#include "support/certificates.h"
#include "support/hsm_process.h"

#include "base/err.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECTIONS = 1000, AHEAD = 8, SECONDS = 3, ANSWER = 10, BURST = 64 * 1024, FILES = 4096, QUIET_US = 2500000 };

static const char question[] = "\0\102HEADCYU9B4934384B19946B040CD702B4D581455614123456789012345;8701101";
enum { QUESTION = sizeof question - 1, BURST_COUNT = BURST / QUESTION };

struct connection {
    int fd;
    SSL *ssl;
    size_t got; /* bytes of answers */
};

static struct connection connection[CONNECTIONS];

static int dial(uint16_t port)
{
    const struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT(fd >= 0 && connect(fd, (const struct sockaddr *)&to, sizeof to) == 0);
    ASSERT(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0);
    return fd;
}

static void put_questions(const struct connection *c, size_t count)
{
    static char bytes[BURST_COUNT * QUESTION];
    for (size_t i = 0; i < count; i++)
        memcpy(bytes + i * QUESTION, question, QUESTION);
    int len = (int)(count * QUESTION);
    if (c->ssl)
        ASSERT(SSL_write(c->ssl, bytes, len) == len);
    else
        ASSERT(send(c->fd, bytes, (size_t)len, MSG_NOSIGNAL) == len);
}

/* ---- fairness ---- */

/* As many new questions as answers came. */
static void serve(struct connection *c)
{
    char bytes[ANSWER * AHEAD * 2];
    ssize_t got = recv(c->fd, bytes, sizeof bytes, MSG_DONTWAIT);
    ASSERT(got > 0);
    size_t before = c->got / ANSWER;
    c->got += (size_t)got;
    put_questions(c, c->got / ANSWER - before);
}

static void load(int poll, int64_t until_ns)
{
    struct epoll_event event[256];
    while (bench_now_ns() < until_ns) {
        int count = epoll_wait(poll, event, 256, 1000);
        for (int i = 0; i < count; i++)
            serve(event[i].data.ptr);
    }
}

static void drain(size_t wanted)
{
    char bytes[4096];
    for (size_t i = 0; i < CONNECTIONS; i++)
        for (struct connection *c = &connection[i]; c->got < wanted * ANSWER;) {
            ssize_t got = c->ssl ? SSL_read(c->ssl, bytes, sizeof bytes) : recv(c->fd, bytes, sizeof bytes, 0);
            ASSERT(got > 0);
            c->got += (size_t)got;
        }
}

/* Most served over least served. */
static double unevenness(void)
{
    int poll = epoll_create1(EPOLL_CLOEXEC);
    for (size_t i = 0; i < CONNECTIONS; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &connection[i]};
        ASSERT(epoll_ctl(poll, EPOLL_CTL_ADD, connection[i].fd, &event) == 0);
        put_questions(&connection[i], AHEAD);
    }
    load(poll, bench_now_ns() + SECONDS * INT64_C(1000000000));
    size_t least = SIZE_MAX, most = 0;
    for (size_t i = 0; i < CONNECTIONS; i++) {
        least = connection[i].got < least ? connection[i].got : least;
        most = connection[i].got > most ? connection[i].got : most;
    }
    for (size_t i = 0; i < CONNECTIONS; i++) {
        /* What is under way still comes. */
        size_t asked = connection[i].got / ANSWER + AHEAD;
        char bytes[ANSWER * AHEAD];
        while (connection[i].got < asked * ANSWER) {
            ssize_t got = recv(connection[i].fd, bytes, sizeof bytes, 0);
            ASSERT(got > 0);
            connection[i].got += (size_t)got;
        }
        connection[i].got = 0;
    }
    close(poll);
    return (double)most / (double)(least > 0 ? least : 1);
}

/* ---- memory ---- */

static double resident_mib(const struct hsm_process *hsm)
{
    char path[64], line[256];
    long kib = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/status", hsm->pid);
    FILE *file = fopen(path, "r");
    ASSERT(file);
    while (kib == 0 && fgets(line, sizeof line, file))
        (void)sscanf(line, "VmRSS: %ld", &kib);
    (void)fclose(file);
    ASSERT(kib > 0);
    return (double)kib / 1024;
}

static double after_traffic(const struct hsm_process *hsm)
{
    for (size_t i = 0; i < CONNECTIONS; i++)
        put_questions(&connection[i], BURST_COUNT);
    drain(BURST_COUNT);
    (void)usleep(QUIET_US);
    return resident_mib(hsm);
}

static void open_all(uint16_t port, SSL_CTX *context)
{
    for (size_t i = 0; i < CONNECTIONS; i++) {
        struct connection *c = &connection[i];
        *c = (struct connection){.fd = dial(port)};
        if (!context)
            continue;
        c->ssl = SSL_new(context);
        ASSERT(c->ssl && SSL_set_fd(c->ssl, c->fd) == 1 && SSL_connect(c->ssl) == 1);
    }
}

static void close_all(void)
{
    for (size_t i = 0; i < CONNECTIONS; i++) {
        SSL_free(connection[i].ssl);
        close(connection[i].fd);
    }
}

static struct hsm_process start_hsm(void)
{
    char certificate[200], key[200], ca[200];
    (void)snprintf(certificate, sizeof certificate, "--set=hsm.tls_certificate=%s", certificates_file("server.pem"));
    (void)snprintf(key, sizeof key, "--set=hsm.tls_key=%s", certificates_file("server.key"));
    (void)snprintf(ca, sizeof ca, "--set=hsm.tls_ca=%s", certificates_file("ca.pem"));
    return hsm_process_start((const char *const[]){"--set=hsm.tls_listen=127.0.0.1:0", certificate, key, ca, NULL});
}

static bool report_memory(const char *name, double value, double limit)
{
    return bench_report(&(struct bench_figure){.bench = name,
                                               .unit = "MiB",
                                               .limit_is = "the process before the first connection",
                                               .value = value,
                                               .limit = limit,
                                               .goal = 64,
                                               .rule = BENCH_VALUE_AT_MOST});
}

static void pin(pid_t pid, unsigned cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    /* One core each where there are two; on a single core the figure is what it is. */
    (void)sched_setaffinity(pid, sizeof set, &set);
}

static bool plain_figures(void)
{
    struct hsm_process hsm = start_hsm();
    pin(hsm.pid, 0);
    pin(0, 1);
    double fresh = resident_mib(&hsm);
    open_all(hsm.port, NULL);
    double uneven = unevenness();
    double resident = after_traffic(&hsm);
    close_all();
    (void)hsm_process_stop(&hsm, SIGTERM);
    bool holds = bench_report(&(struct bench_figure){.bench = "hsm.fairness_1000",
                                                     .unit = "most/least",
                                                     .limit_is = "the same share for everybody",
                                                     .value = uneven,
                                                     .limit = 1,
                                                     .goal = 1.5,
                                                     .rule = BENCH_VALUE_AT_MOST});
    return report_memory("hsm.memory_1000", resident, fresh) && holds;
}

static bool tls_figures(void)
{
    struct hsm_process hsm = start_hsm();
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    ASSERT(SSL_CTX_use_certificate_file(context, certificates_file("client.pem"), SSL_FILETYPE_PEM) == 1);
    ASSERT(SSL_CTX_use_PrivateKey_file(context, certificates_file("client.key"), SSL_FILETYPE_PEM) == 1);
    double fresh = resident_mib(&hsm);
    open_all(hsm.tls_port, context);
    double resident = after_traffic(&hsm);
    close_all();
    SSL_CTX_free(context);
    (void)hsm_process_stop(&hsm, SIGTERM);
    return report_memory("hsm.memory_tls_1000", resident, fresh);
}

int main(void)
{
    const struct rlimit files = {FILES, FILES};
    ASSERT(setrlimit(RLIMIT_NOFILE, &files) == 0);
    bool holds = plain_figures();
    return tls_figures() && holds ? 0 : 1;
}
