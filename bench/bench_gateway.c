/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Charges a second, the card in clear: HSM, switch, gateway and this load program are separate processes on this machine, every
 * charge is signed, authorised with its static code, recorded durably on both sides. The limit is the same authorisations sent
 * straight to the switch, measured in the same run.
 */
#include "support/bench.h"
#include "support/charge.h"
#include "support/lab.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gateway/seed.h"
#include "gateway/statements.h"

enum { CARDS = 2000, CHARGES = 30000, STRAIGHT = 60000, CONNECTIONS = 192, REQUEST = 1024, ANSWER = 8192, GOAL = 5000 };

static struct {
    char at[REQUEST];
    size_t len;
} requests[CHARGES];
static char codes[CARDS * 3];

static _Noreturn void stop(const char *what)
{
    (void)fprintf(stderr, "bench_gateway: %s\n", what);
    exit(1);
}

static void must(enum err err, const char *what)
{
    if (err != ERR_OK)
        stop(what);
}

/* ---- the gateway ---- */

static void seed(struct lab *lab)
{
    char path[128], url[160];
    struct store *store = NULL;
    struct crypto_vault *vault = NULL;
    const struct gateway_seed merchant = {.merchant_id = CHARGE_MERCHANT,
                                          .terminal_id = CHARGE_TERMINAL,
                                          .name = "Bench",
                                          .sandbox = true,
                                          .api_key = CHARGE_API_KEY,
                                          .secret = CHARGE_SECRET};
    (void)snprintf(path, sizeof path, "%s/vault.key", lab->dir);
    (void)snprintf(url, sizeof url, "sqlite:%s/gateway.db", lab->dir);
    must(crypto_vault_open_file(path, GATEWAY_VAULT_PURPOSE, &vault), "vault");
    must(store_open(url, &lab->env, gateway_sets, &store), "store");
    must(store_migrate(store, &gateway_set), "migration");
    must(gateway_seed(store, vault, &lab->env, &merchant), "merchant");
    store_close(store);
    crypto_vault_close(vault);
}

static pid_t gateway_start(const struct lab *lab, uint16_t port)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/gateway.ini", lab->dir);
    FILE *f = fopen(path, "w");
    if (!f)
        stop("gateway.ini");
    (void)fprintf(f,
                  "[store]\nurl = sqlite:%s/gateway.db\n[admin]\nlisten =\n[vault]\nfile = %s/vault.key\n"
                  "[rest]\nlisten = 127.0.0.1:%u\n[link]\nvisa.port = %u\neftpos.port = 0\n",
                  lab->dir, lab->dir, port, lab->port[0][LAB_VISA]);
    (void)fclose(f);
    pid_t pid = fork();
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (!freopen("/dev/null", "w", stderr))
            _exit(127);
        (void)execl("build/countersign", "countersign", "gateway", "--config", path, NULL);
        _exit(127);
    }
    return pid;
}

/* ---- requests, signed before the clock starts ---- */

static void request_write(struct lab *lab, size_t i)
{
    requests[i].len = charge_write(lab, 1 + i % CARDS, codes + 3 * (i % CARDS), requests[i].at, sizeof requests[i].at);
}

/* ---- load: one thread, keep-alive, one charge in flight on each connection ---- */

struct caller {
    char in[ANSWER];
    size_t len;
};

static void ask(int fd, size_t i)
{
    if (send(fd, requests[i].at, requests[i].len, MSG_NOSIGNAL) != (ssize_t)requests[i].len)
        stop("cannot send");
}

/* True when a whole answer has come. */
static bool read_answer(int fd, struct caller *c, size_t *approved)
{
    ssize_t n = recv(fd, c->in + c->len, sizeof c->in - 1 - c->len, 0);
    if (n <= 0)
        stop("the gateway closed");
    c->len += (size_t)n;
    c->in[c->len] = '\0';
    const char *length = strstr(c->in, "Content-Length: ");
    const char *body = strstr(c->in, "\r\n\r\n");
    if (!length || !body || c->len < (size_t)(body + 4 - c->in) + strtoul(length + 16, NULL, 10))
        return false;
    *approved += strstr(body, "\"approvalStatus\":\"APPROVED\"") ? 1 : 0;
    c->len = 0;
    return true;
}

static double charges_per_second(uint16_t port, size_t from, size_t count)
{
    static struct caller caller[CONNECTIONS];
    struct pollfd on[CONNECTIONS];
    size_t next = from, done = 0, approved = 0;
    int64_t began = bench_now_ns();
    for (size_t i = 0; i < CONNECTIONS; i++) {
        on[i] = (struct pollfd){lab_connect_port(port), POLLIN, 0};
        caller[i].len = 0;
        ask(on[i].fd, next++);
    }
    while (done < count) {
        (void)poll(on, CONNECTIONS, 1000);
        for (size_t i = 0; i < CONNECTIONS; i++) {
            if (!on[i].revents || !read_answer(on[i].fd, &caller[i], &approved))
                continue;
            done++;
            if (next < from + count)
                ask(on[i].fd, next++);
            else
                on[i].events = 0;
        }
    }
    double seconds = (double)(bench_now_ns() - began) / 1e9;
    for (size_t i = 0; i < CONNECTIONS; i++)
        (void)close(on[i].fd);
    if (approved != count) {
        (void)fprintf(stderr, "bench_gateway: %zu of %zu approved\n", approved, count);
        exit(1);
    }
    return (double)count / seconds;
}

/* ---- the limit ---- */

static size_t straight_approved;

static size_t straight_frame(void *context, size_t i, uint8_t *out, size_t cap)
{
    struct iso8583_message m;
    char code[4] = {0};
    (void)context;
    memcpy(code, codes + 3 * (i % CARDS), 3);
    lab_request(&m, LAB_VISA, 1 + i % CARDS, i, 100, code);
    return lab_frame(LAB_VISA, &m, out, cap);
}

static void straight_answer(void *context, size_t i, const struct iso8583_message *answer)
{
    (void)context;
    (void)i;
    straight_approved += span_is(iso8583_get(answer, ISO8583_RESPONSE), "00");
}

static double straight_rate(const struct lab *lab)
{
    const struct lab_load load = {.link = LAB_VISA,
                                  .connections = 4,
                                  .window = CONNECTIONS / 4,
                                  .count = STRAIGHT,
                                  .frame = straight_frame,
                                  .answer = straight_answer};
    int64_t ns = lab_load_run(lab, &load);
    if (straight_approved != STRAIGHT)
        stop("the switch did not approve all");
    return (double)STRAIGHT * 1e9 / (double)ns;
}

/* ---- */

static void wait_for(uint16_t port)
{
    for (int i = 0; i < 1000; i++) {
        int fd = lab_connect_port(port);
        if (fd >= 0) {
            (void)close(fd);
            (void)usleep(500000); /* the link signs on */
            return;
        }
        (void)usleep(10000);
    }
    stop("the gateway does not start");
}

int main(void)
{
    static struct lab lab;
    const uint16_t port = (uint16_t)(23000 + getpid() % 8000);
    struct ledger_product product;
    lab_open(&lab, NULL, NULL);
    lab_hsm_start(&lab);
    product = lab_product("static", LEDGER_STATIC);
    lab_put_product(&lab, &product);
    lab_put_cards(&lab, "static", 1, CARDS, 100000000);
    lab_codes_many(&lab, 1, CARDS, false, codes);
    lab_switch_start(&lab);
    seed(&lab);
    pid_t gateway = gateway_start(&lab, port);
    for (size_t i = 0; i < CHARGES; i++)
        request_write(&lab, i);
    wait_for(port);
    double limit = straight_rate(&lab);
    (void)charges_per_second(port, 0, CHARGES / 10);
    double value = charges_per_second(port, CHARGES / 10, CHARGES - CHARGES / 10);
    (void)kill(gateway, SIGTERM);
    (void)waitpid(gateway, NULL, 0);
    (void)lab_switch_stop(&lab);
    lab_close(&lab);
    return bench_report(&(struct bench_figure){.bench = "gateway.charges",
                                               .unit = "/s",
                                               .value = value,
                                               .limit = limit,
                                               .limit_is = "the same authorisations straight to the switch",
                                               .rule = BENCH_VALUE_AT_LEAST,
                                               .goal = GOAL})
               ? 0
               : 1;
}
