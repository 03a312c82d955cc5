/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Charges a second, card data in clear, over kept connections: gateway, switch, HSM and this load on one machine, every answer
 * after its commit. The limit is the same gateway answering 404 to the same requests: HTTP, queue and loop without payment.
 */
#include "support/bench.h"
#include "support/lab.h"

#include "crypto/base64.h"
#include "crypto/mac.h"
#include "gateway/seed.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CONNECTIONS = 128, CARDS = 4000, CHARGES = 20000, REQUEST_ROOM = 1024, ANSWER_ROOM = 8192 };
static const char api_key[] = "bench-key";
static const char secret[] = "bench-secret-of-44-characters-and-some-more.";

struct connection {
    int fd;
    size_t at;
    char answer[ANSWER_ROOM];
};

struct load {
    struct lab *lab;
    const char *path;
    uint16_t port;
    size_t count;
    char (*request)[REQUEST_ROOM];
    size_t ok;
    unsigned want;
};

/* ---- requests, signed before the clock starts ---- */

static void request_make(struct load *load, size_t i, const char *codes)
{
    char pan[17], id[40], stamp[24], body[512], authorization[64];
    uint8_t mac[DIGEST_SHA256];
    struct buf text = buf_over(authorization, sizeof authorization);
    size_t card = i % CARDS;
    lab_pan(1 + card, pan);
    (void)snprintf(id, sizeof id, "%s-%zu", load->want == 201 ? "charge" : "none", i);
    (void)snprintf(stamp, sizeof stamp, "%lld", (long long)env_wall_ms(&load->lab->env));
    (void)snprintf(
        body, sizeof body,
        "{\"amount\":{\"total\":1.00,\"currency\":\"AUD\"},\"source\":{\"sourceType\":\"PaymentCard\",\"card\":{\"cardData\":"
        "\"%s\",\"expirationMonth\":\"12\",\"expirationYear\":\"2029\",\"securityCode\":\"%.3s\"}},\"merchantDetails\":{"
        "\"merchantId\":\"100008000003683\",\"terminalId\":\"10000001\"}}",
        pan, codes + 3 * card);
    const struct span part[] = {span_text(api_key), span_text(id), span_text(stamp), span_text(body)};
    if (hmac_sha256(span_text(secret), part, 4, mac) != ERR_OK)
        exit(1);
    base64_encode(span_of(mac, sizeof mac), &text);
    (void)snprintf(load->request[i], REQUEST_ROOM,
                   "POST %s HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/json\r\nApi-Key: %s\r\nClient-Request-Id: %s\r\n"
                   "Timestamp: %s\r\nAuth-Token-Type: HMAC\r\nAuthorization: %s\r\nContent-Length: %zu\r\n\r\n%s",
                   load->path, api_key, id, stamp, buf_text(&text), strlen(body), body);
}

/* ---- one request at a time on each connection ---- */

static void start(const struct load *load, struct connection *c, size_t i)
{
    size_t len = strlen(load->request[i]);
    c->at = 0;
    if (write(c->fd, load->request[i], len) != (ssize_t)len)
        exit(1);
}

/* True once the whole answer is here. */
static bool receive(struct load *load, struct connection *c)
{
    ssize_t got = read(c->fd, c->answer + c->at, sizeof c->answer - 1 - c->at);
    if (got <= 0) {
        (void)fprintf(stderr, "bench: the gateway closed a connection\n");
        exit(1);
    }
    c->at += (size_t)got;
    c->answer[c->at] = 0;
    const char *end = strstr(c->answer, "\r\n\r\n");
    const char *length = strstr(c->answer, "Content-Length: ");
    if (!end || !length || c->at < (size_t)(end + 4 - c->answer) + strtoul(length + 16, NULL, 10))
        return false;
    bool approved = load->want != 201 || strstr(end, "\"approvalStatus\":\"APPROVED\"");
    load->ok += strtoul(c->answer + 9, NULL, 10) == load->want && approved;
    return true;
}

static double run(struct load *load)
{
    static struct connection connection[CONNECTIONS];
    struct pollfd watched[CONNECTIONS];
    size_t next = 0;
    size_t done = 0;
    for (size_t i = 0; i < CONNECTIONS; i++) {
        connection[i].fd = lab_connect_port(load->port);
        watched[i] = (struct pollfd){.fd = connection[i].fd, .events = POLLIN};
    }
    int64_t began = bench_now_ns();
    for (size_t i = 0; i < CONNECTIONS; i++)
        start(load, &connection[i], next++);
    while (done < load->count) {
        if (poll(watched, CONNECTIONS, 10000) <= 0)
            exit(1);
        for (size_t i = 0; i < CONNECTIONS; i++) {
            if (!(watched[i].revents & (POLLIN | POLLHUP)) || !receive(load, &connection[i]))
                continue;
            done++;
            if (next < load->count)
                start(load, &connection[i], next++);
        }
    }
    double rate = (double)load->count * 1e9 / (double)(bench_now_ns() - began);
    for (size_t i = 0; i < CONNECTIONS; i++)
        (void)close(connection[i].fd);
    return rate;
}

static double measure(struct lab *lab, uint16_t port, const char *path, unsigned want, const char *codes)
{
    struct load load = {.lab = lab, .path = path, .port = port, .count = CHARGES, .want = want};
    load.request = calloc(load.count, sizeof *load.request);
    if (!load.request)
        exit(1);
    for (size_t i = 0; i < load.count; i++)
        request_make(&load, i, codes);
    double rate = run(&load);
    if (load.ok != load.count)
        (void)fprintf(stderr, "bench: only %zu of %zu answered %u as they should\n", load.ok, load.count, want);
    free(load.request);
    return load.ok == load.count ? rate : 0;
}

/* ---- the gateway ---- */

static void seed(struct lab *lab, const char *url, const char *vault_path)
{
    struct store *store = NULL;
    struct vault *vault = NULL;
    struct gateway_seed merchant = {
        .merchant_id = "100008000003683", .terminal_id = "10000001", .sandbox = true, .api_key = api_key, .secret = secret};
    if (store_open(url, &lab->env, &store) != ERR_OK || store_migrate(store, STORE_GATEWAY) != ERR_OK ||
        vault_open_file(vault_path, GATEWAY_VAULT_PURPOSE, &vault) != ERR_OK ||
        gateway_seed(store, vault, &lab->env, &merchant) != ERR_OK)
        exit(1);
    vault_close(vault);
    store_close(store);
}

static pid_t gateway_start(struct lab *lab, uint16_t port)
{
    static char url[160], path[160], config[160], listen[40], visa[40];
    (void)snprintf(url, sizeof url, "sqlite:%s/gateway.db", lab->dir);
    (void)snprintf(path, sizeof path, "%s/vault.key", lab->dir);
    (void)snprintf(config, sizeof config, "%s/gateway.ini", lab->dir);
    (void)snprintf(listen, sizeof listen, "rest.listen=127.0.0.1:%u", port);
    (void)snprintf(visa, sizeof visa, "link.visa.port=%u", lab->port[0][LAB_VISA]);
    seed(lab, url, path);
    FILE *file = fopen(config, "w");
    if (!file)
        exit(1);
    (void)fprintf(file, "[store]\nurl = %s\n[vault]\nfile = %s\n[admin]\nlisten =\n[link]\neftpos.port = 0\n", url, path);
    (void)fclose(file);
    pid_t pid = fork();
    if (pid == 0) {
        (void)execl("build/countersign", "countersign", "gateway", "--config", config, "--set", listen, "--set", visa,
                    (char *)NULL);
        _exit(1);
    }
    for (int i = 0; i < 500; i++) {
        int fd = lab_connect_port(port);
        if (fd >= 0) {
            (void)close(fd);
            break;
        }
        (void)usleep(10000);
    }
    (void)usleep(300000); /* sign-on */
    return pid;
}

int main(void)
{
    static char codes[3 * CARDS];
    struct lab lab;
    lab_open(&lab, NULL, NULL);
    lab_hsm_start(&lab);
    struct ledger_product p = lab_product("fixed", LEDGER_STATIC);
    lab_put_product(&lab, &p);
    lab_put_cards(&lab, "fixed", 1, CARDS, 100000000);
    lab_switch_start(&lab);
    lab_codes_many(&lab, 1, CARDS, false, codes);
    uint16_t port = (uint16_t)(lab.admin_port[0] + 8000);
    pid_t gateway = gateway_start(&lab, port);
    double rate = measure(&lab, port, "/payments/v1/charges", 201, codes);
    double limit = measure(&lab, port, "/payments/v1/nothing", 404, codes);
    (void)kill(gateway, SIGTERM);
    (void)waitpid(gateway, NULL, 0);
    lab_close(&lab);
    return bench_report(&(struct bench_figure){.bench = "gateway.charges",
                                               .value = rate,
                                               .unit = "charges/s",
                                               .limit = limit,
                                               .limit_is = "404 from the same gateway",
                                               .rule = BENCH_VALUE_AT_LEAST,
                                               .goal = 5000})
               ? 0
               : 1;
}
