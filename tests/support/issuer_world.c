/* SPDX-License-Identifier: Apache-2.0 */
#include "support/issuer_world.h"

#include "card/card.h"
#include "crypto/mac.h"
#include "crypto/vault.h"
#include "keys/keys.h"
#include "support/ledgers.h"
#include "support/sockets.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#include <unistd.h>

enum { READY_TRIES = 400, READY_US = 25000 };

static void insist(bool condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "world: %s\n", what);
    abort();
}

/* ---- files ---- */

static void write_file(const struct world *w, const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", w->dir, name);
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
    insist(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text), "cannot write a file");
    close(fd);
}

static void wrap(struct keys_lmk_set *lmk, const char *type, const char *hex, struct buf *out)
{
    struct keys_type_place place;
    struct secret_key key = {.len = 16};
    insist(span_unhex(span_text(hex), key.at, sizeof key.at) == ERR_OK, "hex");
    insist(keys_type_place(span_text(type), &place) == ERR_OK, "key type");
    insist(keys_wrap(lmk, 0, place, KEYS_U, &key, out) == ERR_OK, "wrap");
}

static void write_keys(struct world *w)
{
    char text[512];
    struct buf out = buf_over(text, sizeof text - 1);
    struct keys_lmk_set *lmk = NULL;
    insist(keys_lmk_set_create(&lmk) == ERR_OK && keys_lmk_add_test_variant(lmk, 0) == ERR_OK, "test LMK");
    buf_put_text(&out, "[keys]\ncvk = ");
    wrap(lmk, "402", WORLD_CVK, &out);
    buf_put_text(&out, "\nmk = ");
    wrap(lmk, "109", WORLD_MK, &out);
    buf_put_text(&out, "\n");
    text[out.len] = 0;
    keys_lmk_set_destroy(lmk);
    write_file(w, "keys.ini", text);
}

static uint16_t free_port(void)
{
    uint16_t port = 0;
    close(socket_listen(&port));
    return port;
}

const char *world_layout;

static void write_config(struct world *w, bool sandbox)
{
    char text[1024], layout[160] = "countersign-5";
    if (world_layout) {
        write_file(w, "site.layout", world_layout);
        snprintf(layout, sizeof layout, "%s/site.layout", w->dir);
    }
    snprintf(text, sizeof text,
             "[store]\nurl = %s\n[rest]\nlisten = 127.0.0.1:%u\n[admin]\nlisten = 127.0.0.1:%u\n[hsm]\naddress = 127.0.0.1:%u\n"
             "layout = %s\ntimeout_ms = 700\n[keys]\nfile = %s/keys.ini\n[vault]\nfile = %s/vault.key\n[sandbox]\nenabled = "
             "%s\napi_key = %s\n",
             w->url, w->port, w->admin_port, w->hsm_port, layout, w->dir, w->dir, sandbox ? "true" : "false", WORLD_API_KEY);
    write_file(w, "issuer.ini", text);
}

/* ---- processes ---- */

static pid_t spawn(const struct world *w, const char *program, char *const argv[])
{
    char self[512], path[600], log[128];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    insist(n > 0, "where am I");
    self[n] = 0;
    for (int i = 0; i < 3; i++)
        *strrchr(self, '/') = 0;
    snprintf(path, sizeof path, "%s/%s", self, program);
    snprintf(log, sizeof log, "%s/%s.log", w->dir, program);
    pid_t pid = fork();
    insist(pid >= 0, "fork");
    if (pid > 0)
        return pid;
    int fd = open(log, O_CREAT | O_APPEND | O_WRONLY, 0600);
    dup2(fd, 1);
    dup2(fd, 2);
    execv(path, argv);
    _exit(127);
}

static bool try_get(uint16_t port, const char *path)
{
    char text[256];
    char answer[32] = {0};
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int len = snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", path);
    bool good = connect(fd, (struct sockaddr *)&to, sizeof to) == 0 && send(fd, text, (size_t)len, MSG_NOSIGNAL) == len &&
                recv(fd, answer, 12, MSG_WAITALL) == 12 && memcmp(answer + 9, "200", 3) == 0;
    close(fd);
    return good;
}

static void wait_ready(const struct world *w)
{
    for (int i = 0; i < READY_TRIES; i++) {
        if (try_get(w->admin_port, "/readyz"))
            return;
        usleep(READY_US);
    }
    insist(false, "the issuer does not get ready");
}

void world_hsm_start(struct world *w)
{
    char listen[32];
    snprintf(listen, sizeof listen, "127.0.0.1:%u", w->hsm_port);
    char layout[160] = "hsm.layout=countersign-5";
    if (world_layout)
        snprintf(layout, sizeof layout, "hsm.layout=%s/site.layout", w->dir);
    char *argv[] = {"countersign-hsm", "--test-lmk", "--listen", listen, "--set", layout, NULL};
    w->hsm = spawn(w, "countersign-hsm", argv);
    if (w->issuer > 0)
        wait_ready(w);
}

void world_hsm_kill(struct world *w)
{
    kill(w->hsm, SIGKILL);
    waitpid(w->hsm, NULL, 0);
    w->hsm = 0;
}

/* ---- ledger ---- */

static void run(struct world *w, struct ledger_unit *unit, const char *what)
{
    enum err err = ledger_unit_run(unit, w->store);
    if (err != ERR_OK)
        fprintf(stderr, "%s: %s\n", what, err_row(err)->name);
    insist(err == ERR_OK, what);
}

void world_put_product(struct world *w, const struct ledger_product *product)
{
    struct ledger_unit unit;
    arena_reset(&w->arena);
    ledger_unit_begin(&unit, 1, &w->arena);
    ledger_put_product(&unit, product);
    run(w, &unit, "product");
}

void world_put_products(struct world *w)
{
    static const struct {
        const char *id;
        enum ledger_mode mode;
        enum ledger_regenerate regenerate;
        int64_t rate;
    } row[] = {
        {"static", LEDGER_STATIC, LEDGER_REPLACE, 600},  {"one-time", LEDGER_ONE_TIME, LEDGER_REPLACE, 600},
        {"refuse", LEDGER_ONE_TIME, LEDGER_REFUSE, 600}, {"same", LEDGER_ONE_TIME, LEDGER_SAME_UNTIL_EXPIRY, 600},
        {"rate-2", LEDGER_ONE_TIME, LEDGER_REPLACE, 2},  {"window", LEDGER_TIME_WINDOW, LEDGER_REPLACE, 600},
    };
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct ledger_product p = {.issuer_id = WORLD_ISSUER,
                                   .version = 1,
                                   .mode = row[i].mode,
                                   .network = "visa",
                                   .expiry_delay_s = 300,
                                   .tries = 3,
                                   .twu_h = 1,
                                   .accept_previous_window = true,
                                   .regenerate = row[i].regenerate,
                                   .batch_max = 24,
                                   .notify_batch = 20,
                                   .deferred_slots = 4,
                                   .display_rate_per_h = row[i].rate,
                                   .cvk_ref = "cvk",
                                   .mk_ref = "mk",
                                   .key_derivation = "A"};
        snprintf(p.product_id, sizeof p.product_id, "%s", row[i].id);
        snprintf(p.service_code_dyn, sizeof p.service_code_dyn, "%s", row[i].mode == LEDGER_ONE_TIME ? "998" : "000");
        world_put_product(w, &p);
    }
}

void world_put_client(struct world *w, const char *client_id, const char *issuer_id, const char *roles, const char *api_key)
{
    struct ledger_client client = {.kind = "app", .status = "active", .api_key_hash.len = CRYPTO_DIGEST_SHA256};
    snprintf(client.client_id, sizeof client.client_id, "%s", client_id);
    snprintf(client.issuer_id, sizeof client.issuer_id, "%s", issuer_id);
    snprintf(client.roles, sizeof client.roles, "%s", roles);
    insist(crypto_digest_sha256(span_text(api_key), client.api_key_hash.at) == ERR_OK, "digest");
    struct ledger_unit unit;
    arena_reset(&w->arena);
    ledger_unit_begin(&unit, 1, &w->arena);
    ledger_put_client(&unit, &client);
    run(w, &unit, "client");
}

void world_put_card(struct world *w, const char *card_id, const char *product_id, const char *pan)
{
    struct ledger_card card = {.issuer_id = WORLD_ISSUER,
                               .expiry = WORLD_EXPIRY,
                               .psn = "00",
                               .enrolled = true,
                               .version = 1,
                               .created_at = env_wall_ms(&w->env),
                               .pan_mac.len = CRYPTO_VAULT_MAC};
    snprintf(card.card_id, sizeof card.card_id, "%s", card_id);
    snprintf(card.reference, sizeof card.reference, "%s", card_id);
    snprintf(card.product_id, sizeof card.product_id, "%s", product_id);
    snprintf(card.pan_last4, sizeof card.pan_last4, "%s", pan + strlen(pan) - 4);
    card.updated_at = card.created_at;
    struct buf sealed = buf_over(card.pan_enc.at, sizeof card.pan_enc.at);
    insist(crypto_vault_seal(w->vault, &w->env, span_text(card_id), span_text(pan), &sealed) == ERR_OK, "seal");
    card.pan_enc.len = (uint16_t)sealed.len;
    insist(crypto_vault_pan_mac(w->vault, span_text(pan), card.pan_mac.at) == ERR_OK, "mac");
    struct ledger_unit unit;
    arena_reset(&w->arena);
    ledger_unit_begin(&unit, 2, &w->arena);
    ledger_put_card(&unit, &card);
    run(w, &unit, "card");
}

struct ledger_full_card world_card(struct world *w, const char *card_id)
{
    struct ledger_full_card card;
    struct ledger_unit unit;
    arena_reset(&w->arena);
    ledger_unit_begin(&unit, 1, &w->arena);
    size_t at = ledger_get_card_by_reference(&unit, WORLD_ISSUER, card_id);
    run(w, &unit, "read card");
    insist(ledger_take_card(&unit, at, &card), "the card is there");
    return card;
}

void world_issue(struct world *w, const char *card_id, int64_t n)
{
    world_issue_at(w, card_id, n, env_wall_ms(&w->env) - 7200000);
}

void world_issue_at(struct world *w, const char *card_id, int64_t n, int64_t at)
{
    struct ledger_full_card card = world_card(w, card_id);
    struct ledger_code after = card.code;
    struct ledger_issuance journal = {.at = at, .issue_n = n};
    memcpy(journal.card_id, card.card.card_id, sizeof journal.card_id);
    env_uuid(&w->env, journal.issuance_id);
    struct ledger_code_change change = {.at = journal.at, .issue_n = n, .expires_at = journal.at + 1000};
    insist(ledger_code_apply(&after, LEDGER_EVENT_ISSUE, &change), "issue");
    struct ledger_unit unit;
    arena_reset(&w->arena);
    ledger_unit_begin(&unit, 4, &w->arena);
    ledger_put_issue(&unit, &card.code, &after, &journal);
    run(w, &unit, "issue");
}

/* ---- life ---- */

void world_setup(struct world *w, bool sandbox)
{
    char path[128], key[65];
    uint8_t master[32];
    *w = (struct world){.env = env_system(NULL), .dir = "/tmp/countersign-issuer.XXXXXX"};
    insist(mkdtemp(w->dir), "no directory");
    snprintf(w->url, sizeof w->url, "sqlite:%s/ledger.db", w->dir);
    env_random(&w->env, master, sizeof master);
    struct buf hex = buf_over(key, sizeof key - 1);
    buf_put_hex(&hex, master, sizeof master);
    key[hex.len] = 0;
    write_file(w, "vault.key", key);
    write_keys(w);
    w->hsm_port = free_port();
    w->port = free_port();
    w->admin_port = free_port();
    write_config(w, sandbox);
    insist(crypto_vault_open(master, "ledger", &w->vault) == ERR_OK, "vault");
    insist(arena_create(&w->arena, 1 << 20) == ERR_OK, "arena");
    insist(store_open(w->url, &w->env, ledger_sets, &w->store) == ERR_OK && store_migrate(w->store, &ledger_set) == ERR_OK,
           "store");
    ledgers_enrol(w->store, &w->arena, WORLD_ISSUER, "000000-999999/12-19", "UTC");
    world_put_products(w);
    world_hsm_start(w);
    snprintf(path, sizeof path, "%s/issuer.ini", w->dir);
    char *argv[] = {"countersign", "issuer", "--config", path, NULL};
    w->issuer = spawn(w, "countersign", argv);
    wait_ready(w);
}

void world_teardown(struct world *w)
{
    char command[160];
    int status = 0;
    kill(w->issuer, SIGTERM);
    waitpid(w->issuer, &status, 0);
    insist(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the issuer stops in order");
    if (w->hsm > 0)
        world_hsm_kill(w);
    store_close(w->store);
    crypto_vault_close(w->vault);
    arena_destroy(&w->arena);
    snprintf(command, sizeof command, "rm -rf %s", w->dir);
    insist(system(command) == 0, "clean up");
}

void world_second_start(const struct world *w, struct world *other)
{
    char path[128], listen[64], admin[64];
    *other = *w;
    other->port = free_port();
    other->admin_port = free_port();
    snprintf(path, sizeof path, "%s/issuer.ini", w->dir);
    snprintf(listen, sizeof listen, "rest.listen=127.0.0.1:%u", other->port);
    snprintf(admin, sizeof admin, "admin.listen=127.0.0.1:%u", other->admin_port);
    char *argv[] = {"countersign", "issuer", "--config", path, "--set", listen, "--set", admin, NULL};
    other->issuer = spawn(w, "countersign", argv);
    wait_ready(other);
}

void world_second_stop(struct world *other)
{
    int status = 0;
    kill(other->issuer, SIGTERM);
    waitpid(other->issuer, &status, 0);
    insist(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the second issuer stops in order");
}

/* ---- client ---- */

static size_t receive_all(int fd, char *at, size_t cap)
{
    size_t len = 0;
    for (ssize_t n = 1; n > 0 && len < cap;) {
        n = recv(fd, at + len, cap - len, 0);
        len += n > 0 ? (size_t)n : 0;
    }
    return len;
}

void world_call_begin(struct world_call *call, const struct world *w, const char *method, const char *path, const char *headers,
                      const char *body)
{
    char text[8192];
    bool absolute = path[0] == '/' && path[1] == '/';
    int len = snprintf(text, sizeof text, "%s %s%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s%sContent-Length: %zu\r\n\r\n%s",
                       method, absolute ? "" : "/v2/issuers/" WORLD_ISSUER, absolute ? path + 1 : path,
                       headers ? headers : "X-Api-Key: " WORLD_API_KEY "\r\n", body ? "Content-Type: application/json\r\n" : "",
                       body ? strlen(body) : 0, body ? body : "");
    struct timeval limit = {.tv_sec = 15}; /* more than a database may take to say that it is locked */
    call->fd = socket_connect(w->port);
    insist(setsockopt(call->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0, "a time limit");
    socket_send(call->fd, text, (size_t)len);
}

struct world_reply *world_call_end(struct world_call *call)
{
    char answer[20000];
    struct world_reply *r = calloc(1, sizeof *r);
    size_t got = receive_all(call->fd, answer, sizeof answer - 1);
    close(call->fd);
    answer[got] = 0;
    char *end = strstr(answer, "\r\n\r\n");
    insist(end && sscanf(answer, "HTTP/1.1 %d", &r->status) == 1, "an HTTP answer");
    snprintf(r->head, sizeof r->head, "%.*s\r\n", (int)(end - answer), answer);
    snprintf(r->body, sizeof r->body, "%s", end + 4);
    r->json = cJSON_Parse(r->body);
    return r;
}

struct world_reply *world_ask(const struct world *w, const char *method, const char *path, const char *headers, const char *body)
{
    struct world_call call;
    world_call_begin(&call, w, method, path, headers, body);
    return world_call_end(&call);
}

void world_reply_free(struct world_reply *reply)
{
    cJSON_Delete(reply->json);
    free(reply);
}

const char *world_text(const struct world_reply *reply, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(reply->json, name));
    return text ? text : "";
}

const char *world_header(const struct world_reply *reply, const char *name)
{
    static _Thread_local char value[256];
    char line[64];
    snprintf(line, sizeof line, "\r\n%s: ", name);
    const char *at = strcasestr(reply->head, line);
    if (!at)
        return NULL;
    at += strlen(line);
    snprintf(value, sizeof value, "%.*s", (int)strcspn(at, "\r"), at);
    return value;
}
