/* SPDX-License-Identifier: Apache-2.0 */
#include "support/gateway_world.h"

#include "gateway/rows.h"
#include "gateway/seed.h"
#include "iso8583/profile.h"
#include "net/net.h"
#include "store/reader.h"
#include "store/writer.h"
#include "support/sockets.h"

#include <crypto/vault.h>
#include <pthread.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { SLOTS = 16, WRITER_CAP = 256 };

struct gateway_world {
    struct log log;
    off_t log_read;
    struct env env;
    char path[64];
    char url[96];
    struct store_writer *writer;
    struct store_reader *reader;
    struct crypto_vault *vault;
    struct net_loop *loop;
    struct http *http;
    struct http_mount mount[GATEWAY_MOUNTS_MAX];
    struct gateway *gateway;
    pthread_t loop_thread, network_thread;
    atomic_bool stop;
    atomic_size_t busy;
    int listener;
    atomic_int authorisations, reversals;
    atomic_bool freeze_sent;
    sqlite3 *lock;
};

static void must(bool holds, const char *what)
{
    if (!holds)
        fail_msg("gateway world: %s", what);
}

/* ---- the network ---- */

/* Large amounts get a code of their own; an amount with so many cents gets no answer. */
enum { LARGE = 100000, SILENT_CENTS = 66 };

static uint64_t amount_of(const struct iso8583_message *m)
{
    uint64_t amount = 0;
    must(span_decimal(iso8583_get(m, ISO8583_AMOUNT), &amount) == ERR_OK, "an amount");
    return amount;
}

static void approve(const struct iso8583_message *in, struct iso8583_message *out)
{
    bool large = amount_of(in) >= LARGE;
    iso8583_set(out, ISO8583_APPROVAL, large ? iso8583_get(in, ISO8583_STAN) : span_text("A1B2C3"));
}

static void answer(struct gateway_world *w, const struct iso8583_profile *profile, int fd, struct span frame)
{
    static struct iso8583_message in, out;
    uint8_t room[2048];
    struct buf reply = buf_over(room, sizeof room);
    if (iso8583_parse(profile, frame, &in, NULL) != ERR_OK)
        return;
    w->authorisations += in.mti == ISO8583_AUTHORISATION;
    w->reversals += in.mti == ISO8583_REVERSAL || in.mti == ISO8583_REVERSAL_REPEAT;
    if (in.mti == ISO8583_AUTHORISATION && atomic_exchange(&w->freeze_sent, false))
        gateway_world_freeze(w);
    if (in.mti == ISO8583_AUTHORISATION && amount_of(&in) % 100 == SILENT_CENTS)
        return;
    iso8583_answer_init(profile, &in, &out);
    iso8583_set_text(&out, ISO8583_RESPONSE, "00");
    if (in.mti == ISO8583_AUTHORISATION)
        approve(&in, &out);
    if (iso8583_build(profile, &out, &reply) == ERR_OK)
        socket_send_frame(fd, buf_span(&reply));
}

static void *play_network(void *context)
{
    struct gateway_world *w = context;
    const struct iso8583_profile *profile = iso8583_profile_find(span_text("iso87-ascii"));
    uint8_t frame[2048];
    size_t len = 0;
    int fd = accept(w->listener, NULL, NULL);
    while (fd >= 0 && socket_receive_frame(fd, frame, sizeof frame, &len))
        answer(w, profile, fd, span_of(frame, len));
    if (fd >= 0)
        (void)close(fd);
    return NULL;
}

/* ---- the gateway ---- */

static int64_t on_turn(void *context)
{
    struct gateway_world *w = context;
    if (w->stop)
        net_loop_stop(w->loop);
    int64_t next_us = gateway_turn(w->gateway);
    w->busy = gateway_busy(w->gateway);
    return next_us;
}

static void *run_loop(void *context)
{
    struct gateway_world *w = context;
    return net_loop_run(w->loop) == ERR_OK ? NULL : w;
}

static void open_store(struct gateway_world *w)
{
    const struct gateway_seed merchant = {.merchant_id = "shop",
                                          .terminal_id = "10000001",
                                          .name = "Shop",
                                          .sandbox = true,
                                          .api_key = GATEWAY_WORLD_USER,
                                          .secret = GATEWAY_WORLD_PASSWORD};
    static const uint8_t master[CRYPTO_VAULT_MASTER] = {1};
    struct store *store = NULL;
    (void)snprintf(w->path, sizeof w->path, "/tmp/countersign-gateway.XXXXXX");
    int file = mkstemp(w->path);
    must(file >= 0, "file");
    (void)close(file);
    (void)snprintf(w->url, sizeof w->url, "sqlite:%s", w->path);
    must(crypto_vault_open(master, GATEWAY_VAULT_PURPOSE, &w->vault) == ERR_OK, "vault");
    must(store_open(w->url, &w->env, gateway_sets, &store) == ERR_OK && store_migrate(store, &gateway_set) == ERR_OK, "store");
    must(gateway_seed(store, w->vault, &w->env, &merchant) == ERR_OK, "merchant");
    const struct store_reader_config reader = {.url = w->url, .env = &w->env, .sets = gateway_sets, .cap = WRITER_CAP};
    must(store_reader_open(&reader, &w->reader) == ERR_OK, "reader");
    must(store_writer_start(store, &w->env, WRITER_CAP, &w->writer) == ERR_OK, "writer");
}

static void open_gateway(struct gateway_world *w, const struct gateway_faces *faces, int64_t store_ms, uint16_t network)
{
    struct http_config rest = {.slots = SLOTS, .mount = w->mount, .wake = net_loop_wake, .wake_context = w->loop};
    rest.mount_count = gateway_mounts(faces, w->mount, GATEWAY_MOUNTS_MAX);
    must(http_create(&rest, &w->env, &w->http) == ERR_OK, "http");
    struct gateway_config config = {.faces = *faces,
                                    .node = "test",
                                    .link_count = 1,
                                    .bin = {{"4", "net"}},
                                    .bin_count = 1,
                                    .slots = SLOTS,
                                    .workers = 1,
                                    .key_workers = 1,
                                    .keys_live = 8,
                                    .keys_making = 2,
                                    .clock_window_ms = 300000,
                                    .key_days = 1,
                                    .reversal_first_ms = 2000,
                                    .store_ms = store_ms};
    config.link[0] = (struct gateway_link_config){.link = {.name = "net",
                                                           .address = "127.0.0.1",
                                                           .port = network,
                                                           .profile = "iso87-ascii",
                                                           .extract = "generic_126_10",
                                                           .result = "none",
                                                           .acquirer = "400123",
                                                           .in_flight = 100,
                                                           .timeout_ms = 1500},
                                                  .source = "visa"};
    const struct gateway_parts parts = {
        .env = &w->env, .http = w->http, .writer = w->writer, .reader = w->reader, .vault = w->vault, .loop = w->loop};
    must(gateway_create(&config, &parts, &w->gateway) == ERR_OK, "gateway");
}

static void await_link(const struct gateway_world *w)
{
    for (int i = 0; i < 500 && !gateway_ready(w->gateway); i++)
        (void)usleep(10000);
    must(gateway_ready(w->gateway), "the link does not sign on");
}

struct gateway_world *gateway_world_open(const struct gateway_faces *faces, int64_t store_ms)
{
    struct gateway_world *w = calloc(1, sizeof *w);
    uint16_t port = 0;
    must(w, "memory");
    w->log = (struct log){.fd = memfd_create("log", MFD_CLOEXEC), .service = "test"};
    w->env = env_system(&w->log);
    w->listener = socket_listen(&port);
    must(pthread_create(&w->network_thread, NULL, play_network, w) == 0, "thread");
    open_store(w);
    const struct net_loop_config loop = {.env = &w->env, .turn = on_turn, .context = w};
    must(net_loop_create(&loop, &w->loop) == ERR_OK, "loop");
    open_gateway(w, faces, store_ms, port);
    must(pthread_create(&w->loop_thread, NULL, run_loop, w) == 0, "thread");
    await_link(w);
    return w;
}

void gateway_world_close(struct gateway_world *w)
{
    w->stop = true;
    net_loop_wake(w->loop);
    (void)pthread_join(w->loop_thread, NULL);
    store_writer_stop(w->writer);
    store_reader_close(w->reader);
    gateway_destroy(w->gateway);
    http_destroy(w->http);
    net_loop_destroy(w->loop);
    crypto_vault_close(w->vault);
    (void)pthread_join(w->network_thread, NULL);
    (void)close(w->listener);
    (void)close(w->log.fd);
    (void)unlink(w->path);
    free(w);
}

/* ---- what tests ask ---- */

int gateway_world_ask(struct gateway_world *w, const char *path, const char *headers, const char *body, char text[static 4096])
{
    char request[2048];
    int len =
        snprintf(request, sizeof request, "POST %s HTTP/1.1\r\nHost: t\r\nConnection: close\r\n%sContent-Length: %zu\r\n\r\n%s",
                 path, headers, strlen(body), body);
    int fd = socket_connect(http_port(w->http));
    socket_send(fd, request, (size_t)len);
    size_t got = 0;
    while (got < 4095 && socket_receive(fd, text + got, 1))
        got++;
    text[got] = 0;
    (void)close(fd);
    int status = 0;
    assert_int_equal(sscanf(text, "HTTP/1.1 %d", &status), 1);
    const char *end = strstr(text, "\r\n\r\n");
    assert_non_null(end);
    memmove(text, end + 4, strlen(end + 4) + 1);
    return status;
}

int64_t gateway_world_count(struct gateway_world *w, const struct store_row *row, const char *state)
{
    struct store *store = NULL;
    struct arena arena;
    const struct gateway_by_state by = {.state = span_text(state)};
    struct store_op op = {.row = row, .argument = &by};
    struct store_batch batch = {.op = &op, .count = 1, .arena = &arena};
    assert_int_equal(arena_create(&arena, 65536), ERR_OK);
    assert_int_equal(store_open(w->url, &w->env, gateway_sets, &store), ERR_OK);
    assert_int_equal(store_run(store, &batch), ERR_OK);
    int64_t count = store_cell_int(&op.rows, 0, 0);
    store_close(store);
    arena_destroy(&arena);
    return count;
}

void gateway_world_freeze(struct gateway_world *w)
{
    assert_int_equal(sqlite3_open(w->path, &w->lock), SQLITE_OK);
    assert_int_equal(sqlite3_busy_timeout(w->lock, 2000), SQLITE_OK);
    assert_int_equal(sqlite3_exec(w->lock, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
}

void gateway_world_freeze_sent(struct gateway_world *w)
{
    w->freeze_sent = true;
}

void gateway_world_thaw(struct gateway_world *w)
{
    assert_int_equal(sqlite3_exec(w->lock, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(w->lock), SQLITE_OK);
}

const char *gateway_world_url(const struct gateway_world *w)
{
    return w->url;
}

int gateway_world_authorisations(const struct gateway_world *w)
{
    return w->authorisations;
}

int gateway_world_reversals(const struct gateway_world *w)
{
    return w->reversals;
}

bool gateway_world_ready(const struct gateway_world *w)
{
    return gateway_ready(w->gateway);
}

bool gateway_world_logged(struct gateway_world *w, const char *text)
{
    static char room[65536];
    ssize_t len = pread(w->log.fd, room, sizeof room - 1, w->log_read);
    room[len < 0 ? 0 : len] = 0;
    const char *found = strstr(room, text);
    if (found)
        w->log_read += found + strlen(text) - room;
    return found;
}

size_t gateway_world_busy(const struct gateway_world *w)
{
    return w->busy;
}
