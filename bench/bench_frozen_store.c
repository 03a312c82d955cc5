/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The slowest turn of each service while its database stands still. HSM, switch, issuer and gateway are separate processes over
 * one PostgreSQL, which is stopped (SIGSTOP) for five seconds under load and then goes on. Printed: how long the turns of the loops
 * were (their own metric), what echo took meanwhile, what each service answered, and whether all recovered.
 */
#include "support/bench.h"
#include "support/charge.h"
#include "support/lab.h"
#include "support/postgres.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CARDS = 500, EACH = 8, ROOM = 8192, BUCKETS = 32, LEN = 2 };
enum { PACE_US = 4000, BEFORE_MS = 3000, STOP_MS = 5000, AFTER_MS = 8000, SETTLED_MS = 4000, TURN_GOAL_MS = 20 };

enum kind { ECHO, SWITCH, ISSUER, GATEWAY, KINDS };
static const char *const kind_names[KINDS] = {"echo", "switch", "issuer", "gateway"};
enum phase { BEFORE, STOPPED, AFTER, SETTLED, PHASES };
static const char *const phase_names[PHASES] = {"before", "stopped", "after", "settled"};

struct client {
    enum kind kind;
    int fd;
    int64_t sent_ns; /* 0: nothing is under way */
    int64_t next_ns;
    size_t len;
    char in[ROOM];
};
struct told {
    size_t good, refused;
    int64_t longest_ns;
};
struct turns {
    double end_ms[BUCKETS];
    uint64_t sum[BUCKETS]; /* up to and with the bucket */
    size_t buckets;
    double longest_ms;
};

static struct lab lab;
static char codes[CARDS * 3];
static uint16_t rest_port[KINDS], admin_port[KINDS];
static struct client clients[KINDS * EACH];
static size_t client_count;
static struct told told[KINDS][PHASES];
static uint64_t trace;

static _Noreturn void stop(const char *what)
{
    (void)fprintf(stderr, "bench_frozen_store: %s\n", what);
    exit(1);
}

/* ---- processes ---- */

static pid_t service_start(const char *name, const char *settings)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s.ini", lab.dir, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, settings, strlen(settings)) != (ssize_t)strlen(settings) || close(fd) != 0)
        stop(name);
    pid_t pid = fork();
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (!freopen("/dev/null", "w", stderr))
            _exit(127);
        (void)execl("build/countersign", "countersign", name, "--config", path, NULL);
        _exit(127);
    }
    return pid;
}

static pid_t gateway_start(void)
{
    char text[1024], url[256], merchants[128];
    struct buf fresh = buf_over(url, sizeof url);
    postgres_fresh(&fresh);
    (void)snprintf(merchants, sizeof merchants, "%s/merchants.ini", lab.dir);
    FILE *f = fopen(merchants, "we");
    if (!f)
        stop("merchants.ini");
    (void)fprintf(f, "[merchants]\n" CHARGE_MERCHANT " = " CHARGE_TERMINAL " " CHARGE_API_KEY " " CHARGE_SECRET " Bench\n");
    (void)fclose(f);
    (void)snprintf(
        text, sizeof text,
        "[store]\nurl = %s\n[admin]\nlisten = 127.0.0.1:%u\n[vault]\nfile = %s/vault.key\n[rest]\nlisten = 127.0.0.1:%u\n"
        "[link]\nvisa.port = %u\neftpos.port = 0\n[sandbox]\nmerchants = %s\n",
        url, admin_port[GATEWAY], lab.dir, rest_port[GATEWAY], lab.port[0][LAB_VISA], merchants);
    return service_start("gateway", text);
}

static int connect_patiently(uint16_t port)
{
    for (int i = 0; i < 1000; i++) {
        int fd = lab_connect_port(port);
        if (fd >= 0)
            return fd;
        (void)usleep(10000);
    }
    stop("a service does not start");
}

/* ---- the metric ---- */

static void turns_read(uint16_t port, struct turns *out)
{
    static char page[128 * 1024];
    static const char request[] = "GET /metrics HTTP/1.1\r\nHost: b\r\n\r\n";
    size_t len = 0;
    int fd = connect_patiently(port);
    (void)send(fd, request, sizeof request - 1, MSG_NOSIGNAL);
    for (ssize_t n; len < sizeof page - 1 && (n = recv(fd, page + len, sizeof page - 1 - len, 0)) > 0;)
        len += (size_t)n;
    page[len] = 0;
    (void)close(fd);
    *out = (struct turns){0};
    static const char bucket[] = "net_loop_turn_seconds_bucket{le=\"", longest[] = "\nnet_loop_turn_longest_microseconds ";
    for (const char *at = page; (at = strstr(at, bucket)) && out->buckets < BUCKETS; out->buckets++) {
        at += sizeof bucket - 1;
        out->end_ms[out->buckets] = strtod(at, NULL) * 1000; /* +Inf reads as infinite */
        out->sum[out->buckets] = strtoull(strchr(at, ' '), NULL, 10);
    }
    const char *at = strstr(page, longest);
    if (!at || out->buckets == 0)
        stop("a service does not tell its turns");
    out->longest_ms = strtod(at + sizeof longest - 1, NULL) / 1000;
}

/* Where the given part of the turns between two readings ends, in whole buckets. */
static double turns_end(const struct turns *from, const struct turns *to, double part)
{
    size_t last = to->buckets - 1;
    uint64_t count = to->sum[last] - from->sum[last];
    for (size_t i = 0; i < last; i++)
        if ((double)(to->sum[i] - from->sum[i]) >= part * (double)count)
            return to->end_ms[i];
    return to->longest_ms;
}

/* Prints the turns between two readings; the longest of them in milliseconds. */
static double turns_print(enum kind kind, const char *when, const struct turns *from, const struct turns *to)
{
    size_t last = to->buckets - 1;
    double whole = turns_end(from, to, 1);
    /* The longest turn is exact when it was in this time; else all were within the bucket. */
    double longest = to->longest_ms > from->longest_ms ? to->longest_ms : whole;
    (void)printf("%-8s %s, %llu turns: half within %g ms, 99 %% within %g ms, 99.9 %% within %g ms, the longest %.3f ms\n",
                 kind_names[kind], when, (unsigned long long)(to->sum[last] - from->sum[last]), turns_end(from, to, 0.5),
                 turns_end(from, to, 0.99), turns_end(from, to, 0.999), longest);
    return longest;
}

static bool turns_report(enum kind kind, const struct turns *from, const struct turns *thaw, const struct turns *to)
{
    char name[64];
    double longest = turns_print(kind, "stopped", from, thaw);
    (void)turns_print(kind, "after", thaw, to);
    (void)snprintf(name, sizeof name, "frozen_store.%s.turn", kind_names[kind]);
    return bench_report(
        &(struct bench_figure){.bench = name, .value = longest, .unit = "ms", .goal = TURN_GOAL_MS, .rule = BENCH_VALUE_AT_MOST});
}

/* ---- load: each client has one request under way ---- */

static void clients_open(enum kind kind, size_t count, uint16_t port)
{
    for (size_t i = 0; i < count; i++)
        clients[client_count++] = (struct client){.kind = kind, .fd = connect_patiently(port)};
}

static void message_send(const struct client *c)
{
    struct iso8583_message m;
    uint8_t frame[ISO8583_FRAME_MAX];
    size_t card = trace % CARDS;
    char code[4] = {0};
    memcpy(code, codes + 3 * card, 3);
    lab_request(&m, LAB_VISA, 1 + card, trace++, 100, code);
    if (c->kind == ECHO) {
        iso8583_message_init(&m, ISO8583_NETWORK);
        iso8583_set_text(&m, ISO8583_TRANSMISSION, "1121043000");
        iso8583_set_text(&m, ISO8583_STAN, "000001");
        iso8583_set_text(&m, ISO8583_NETWORK_CODE, "301");
    }
    lab_send(c->fd, frame, lab_frame(LAB_VISA, &m, frame, sizeof frame));
}

static void request_send(struct client *c)
{
    char text[2048];
    size_t len = 0;
    size_t card = trace++ % CARDS;
    if (c->kind == GATEWAY)
        len = charge_write(&lab, 1 + card, codes + 3 * card, text, sizeof text);
    else
        len = (size_t)snprintf(
            text, sizeof text,
            "GET /v2/issuers/" LAB_ISSUER "/cards/card-%zu HTTP/1.1\r\nHost: b\r\nX-Api-Key: " LAB_API_KEY "\r\n\r\n", 1 + card);
    if (send(c->fd, text, len, MSG_NOSIGNAL) != (ssize_t)len)
        stop("a service closed");
}

/* 0: not whole yet; else the bytes of the answer, and whether it is what the client wanted. */
static size_t message_whole(const struct client *c, bool *good)
{
    size_t len = LEN + ((size_t)(uint8_t)c->in[0] << 8 | (uint8_t)c->in[1]);
    struct iso8583_message answer;
    if (c->len < LEN || c->len < len)
        return 0;
    if (iso8583_parse(lab_profile(LAB_VISA), span_of((const uint8_t *)c->in + LEN, len - LEN), &answer, NULL) != ERR_OK)
        stop("an answer of the switch cannot be read");
    *good = span_is(iso8583_get(&answer, ISO8583_RESPONSE), "00");
    return len;
}

static size_t response_whole(struct client *c, bool *good)
{
    c->in[c->len] = 0;
    const char *length = strstr(c->in, "Content-Length: ");
    const char *body = strstr(c->in, "\r\n\r\n");
    size_t len = length && body ? (size_t)(body + 4 - c->in) + strtoul(length + 16, NULL, 10) : SIZE_MAX;
    if (c->len < len)
        return 0;
    *good = c->in[9] == '2';
    return len;
}

static void answer_take(struct client *c, enum phase phase)
{
    ssize_t n = recv(c->fd, c->in + c->len, sizeof c->in - 1 - c->len, 0);
    if (n <= 0)
        stop("a service closed");
    c->len += (size_t)n;
    bool good = false;
    bool http = c->kind == ISSUER || c->kind == GATEWAY;
    if ((http ? response_whole(c, &good) : message_whole(c, &good)) == 0)
        return;
    int64_t now_ns = bench_now_ns();
    struct told *t = &told[c->kind][phase];
    t->good += good;
    t->refused += !good;
    t->longest_ns = now_ns - c->sent_ns > t->longest_ns ? now_ns - c->sent_ns : t->longest_ns;
    c->len = 0;
    c->sent_ns = 0;
    c->next_ns = now_ns + PACE_US * 1000;
}

static void run(enum phase phase, int64_t ms)
{
    struct pollfd on[KINDS * EACH];
    for (int64_t until_ns = bench_now_ns() + ms * 1000000; bench_now_ns() < until_ns;) {
        for (size_t i = 0; i < client_count; i++) {
            struct client *c = &clients[i];
            if (c->sent_ns == 0 && bench_now_ns() >= c->next_ns) {
                c->sent_ns = bench_now_ns();
                c->kind == ISSUER || c->kind == GATEWAY ? request_send(c) : message_send(c);
            }
            on[i] = (struct pollfd){c->fd, POLLIN, 0};
        }
        (void)poll(on, client_count, 2);
        for (size_t i = 0; i < client_count; i++)
            if (on[i].revents)
                answer_take(&clients[i], phase);
    }
}

/* ---- */

static void told_print(void)
{
    for (int kind = 0; kind < KINDS; kind++)
        for (int phase = 0; phase < PHASES; phase++)
            (void)printf("%-8s %-8s %6zu good, %6zu refused, the slowest %.1f ms\n", kind_names[kind], phase_names[phase],
                         told[kind][phase].good, told[kind][phase].refused, (double)told[kind][phase].longest_ns / 1e6);
}

static bool recovered(void)
{
    bool all = true;
    for (int kind = 0; kind < KINDS; kind++)
        all &= told[kind][SETTLED].good > 0 && told[kind][SETTLED].refused == 0;
    for (size_t i = 0; i < client_count; i++)
        all &= clients[i].sent_ns == 0 || bench_now_ns() - clients[i].sent_ns < (int64_t)SETTLED_MS * 1000000;
    (void)printf("recovered: %s\n", all ? "all of them" : "NOT all of them");
    return all;
}

static void world_open(void)
{
    static char url[256];
    struct buf fresh = buf_over(url, sizeof url);
    postgres_fresh(&fresh);
    lab_open(&lab, NULL, url);
    rest_port[GATEWAY] = lab_free_port(&lab);
    admin_port[GATEWAY] = lab_free_port(&lab);
    admin_port[SWITCH] = lab.admin_port[0];
    lab_hsm_start(&lab);
    struct ledger_product product = lab_product("static", LEDGER_STATIC);
    lab_put_product(&lab, &product);
    lab_put_cards(&lab, "static", 1, CARDS, 100000000);
    lab_codes_many(&lab, 1, CARDS, false, codes);
    lab_switch_start(&lab);
    lab_issuer_start(&lab);
    rest_port[ISSUER] = lab.issuer_port;
    admin_port[ISSUER] = lab.issuer_admin_port;
}

int main(void)
{
    struct turns from[KINDS], thaw[KINDS], to[KINDS];
    world_open();
    pid_t gateway = gateway_start();
    clients_open(ECHO, 1, lab.port[0][LAB_VISA]);
    clients_open(SWITCH, EACH, lab.port[0][LAB_VISA]);
    clients_open(ISSUER, EACH, rest_port[ISSUER]);
    clients_open(GATEWAY, EACH, rest_port[GATEWAY]);
    (void)usleep(1000000); /* the gateway's link signs on */
    run(BEFORE, BEFORE_MS);
    for (int kind = SWITCH; kind < KINDS; kind++)
        turns_read(admin_port[kind], &from[kind]);
    postgres_freeze();
    run(STOPPED, STOP_MS);
    for (int kind = SWITCH; kind < KINDS; kind++)
        turns_read(admin_port[kind], &thaw[kind]);
    postgres_thaw();
    run(AFTER, AFTER_MS);
    run(SETTLED, SETTLED_MS);
    for (int kind = SWITCH; kind < KINDS; kind++)
        turns_read(admin_port[kind], &to[kind]);
    told_print();
    bool good = recovered();
    for (int kind = SWITCH; kind < KINDS; kind++)
        good &= turns_report((enum kind)kind, &from[kind], &thaw[kind], &to[kind]);
    good &= bench_report(&(struct bench_figure){.bench = "frozen_store.echo",
                                                .value = (double)told[ECHO][STOPPED].longest_ns / 1e6,
                                                .unit = "ms",
                                                .goal = 100,
                                                .rule = BENCH_VALUE_AT_MOST});
    (void)kill(gateway, SIGTERM);
    (void)waitpid(gateway, NULL, 0);
    (void)lab_switch_stop(&lab);
    lab_close(&lab);
    return good ? 0 : 1;
}
