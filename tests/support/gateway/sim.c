/* SPDX-License-Identifier: Apache-2.0 */
#include "support/gateway/sim.h"

#include "gateway/rows.h"
#include "gateway/seed.h"
#include "store/error.h"
#include "store/reader.h"
#include "store/writer.h"
#include "support/plain_face.h"

#include <crypto/vault.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BACK_US = 1000000 };

/* The wrapped functions below have no context of their own. */
static struct gateway_sim *played;

void __wrap_net_loop_wake(void *loop);
size_t __wrap_http_take(struct http *http, struct http_request **out, size_t max);
struct span __wrap_http_header(const struct http_request *request, const char *name);
struct buf *__wrap_http_body(struct http_request *request);
void __wrap_http_put_header(struct http_request *request, const char *name, struct span value);
void __wrap_http_reply(struct http_request *request, unsigned status, const char *content_type);
enum err __wrap_net_client_create(struct net_loop *loop, const struct net_client_config *config, struct net_client **out,
                                  struct net_problem *problem);
enum err __wrap_net_client_send(struct net_client *client, const struct span *part, size_t count);
bool __wrap_net_client_up(const struct net_client *client);
void __wrap_net_client_reconnect(struct net_client *client);
enum err __wrap_store_writer_submit(struct store_writer *writer, struct store_batch *batch);
size_t __wrap_store_writer_submit_all(struct store_writer *writer, struct store_batch *const *batch, size_t count);

void __wrap_net_loop_wake(void *loop)
{
    (void)loop; /* there is one loop */
    played->woken = true;
}

/* ---- requests ---- */

static struct gateway_sim_request *request_of(const struct http_request *http)
{
    return &played->request[http->index];
}

size_t __wrap_http_take(struct http *http, struct http_request **out, size_t max)
{
    (void)http;
    size_t count = 0;
    for (size_t i = 0; i < GATEWAY_SIM_SLOTS && count < max; i++) {
        struct gateway_sim_request *r = &played->request[i];
        if (!r->used || r->taken)
            continue;
        r->taken = true;
        out[count++] = &r->http;
    }
    return count;
}

struct span __wrap_http_header(const struct http_request *request, const char *name)
{
    const struct gateway_sim_request *r = request_of(request);
    if (strcmp(name, "X-Id") == 0)
        return span_text(r->id);
    return span_text(strcmp(name, "X-User") == 0 ? r->user : GATEWAY_SIM_PASSWORD);
}

struct buf *__wrap_http_body(struct http_request *request)
{
    return &request_of(request)->answer;
}

void __wrap_http_put_header(struct http_request *request, const char *name, struct span value)
{
    (void)request; /* the plain face's clients look at the body alone */
    (void)name;
    (void)value;
}

void __wrap_http_reply(struct http_request *request, unsigned status, const char *content_type)
{
    (void)content_type;
    struct gateway_sim_request *r = request_of(request);
    ASSERT(r->used && r->taken && !r->replied && buf_done(&r->answer) == ERR_OK);
    r->replied = !played->dead; /* what a dead process says is not heard */
    r->status = status;
}

struct gateway_sim_request *gateway_sim_pay(struct gateway_sim *sim, const char *id, const char *card, uint64_t amount)
{
    static const struct http_mount mount = {.prefix = "/plain"};
    static struct http_mount plain;
    plain = mount;
    plain.route = plain_face.route;
    for (uint32_t i = 0; i < GATEWAY_SIM_SLOTS && sim->gateway; i++) {
        struct gateway_sim_request *r = &sim->request[i];
        if (r->used)
            continue;
        *r = (struct gateway_sim_request){.used = true, .user = GATEWAY_SIM_USER};
        r->answer = buf_over(r->room, sizeof r->room);
        (void)snprintf(r->id, sizeof r->id, "%s", id);
        (void)snprintf(r->text, sizeof r->text, "%s 3012 123 %llu", card, (unsigned long long)amount);
        r->http = (struct http_request){.method = HTTP_POST,
                                        .mount = &plain,
                                        .route = &plain_face.route[0],
                                        .path = span_text("/plain/pay"),
                                        .body = span_text(r->text),
                                        .index = i};
        sim->woken = true;
        return r;
    }
    return NULL;
}

unsigned gateway_sim_paid(struct gateway_sim *sim, const char *id, uint64_t amount, char answer[static 64])
{
    struct gateway_sim_request *r = gateway_sim_pay(sim, id, "4111111111111111", amount);
    ASSERT(r);
    while (!r->replied) {
        ASSERT(sim->gateway);
        if (!gateway_sim_turn(sim))
            gateway_sim_pass(sim, INT64_MAX);
    }
    (void)snprintf(answer, 64, "%s", buf_text(&r->answer));
    gateway_sim_forget(r);
    return r->status;
}

void gateway_sim_forget(struct gateway_sim_request *request)
{
    request->used = false;
}

/* ---- links ---- */

enum err __wrap_net_client_create(struct net_loop *loop, const struct net_client_config *config, struct net_client **out,
                                  struct net_problem *problem)
{
    (void)loop;
    (void)problem;
    struct net_client *c = &played->client[played->clients++];
    c->events = config->events;
    c->up = false;
    c->up_us = played->world.monotonic_us;
    *out = c;
    return ERR_OK;
}

enum err __wrap_net_client_send(struct net_client *client, const struct span *part, size_t count)
{
    size_t link = (size_t)(client - played->client);
    ASSERT(count == 1);
    if (!client->up || played->dead)
        return ERR_CLOSED;
    if (played->on_frame)
        played->on_frame(played, link, *part);
    network_take(&played->network, link, *part, played->world.monotonic_us);
    return ERR_OK;
}

bool __wrap_net_client_up(const struct net_client *client)
{
    return client->up && !played->dead;
}

void __wrap_net_client_reconnect(struct net_client *client)
{
    gateway_sim_cut(played, (size_t)(client - played->client), client->cut);
}

void gateway_sim_cut(struct gateway_sim *sim, size_t link, bool stays)
{
    static const struct net_peer peer;
    struct net_client *c = &sim->client[link];
    bool was_up = c->up;
    c->up = false;
    c->cut = stays;
    c->up_us = sim->world.monotonic_us + BACK_US;
    network_cut(&sim->network, link);
    if (was_up && sim->gateway)
        c->events.closed(c->events.context, peer);
}

static bool open_links(struct gateway_sim *sim)
{
    static const struct net_peer peer;
    bool opened = false;
    for (size_t i = 0; i < sim->clients; i++) {
        struct net_client *c = &sim->client[i];
        if (c->up || c->cut || c->up_us > sim->world.monotonic_us)
            continue;
        opened = c->up = true;
        c->events.opened(c->events.context, peer);
    }
    return opened;
}

static bool deliver(struct gateway_sim *sim)
{
    struct network_waiting w;
    if (!network_due(&sim->network, sim->world.monotonic_us, &w))
        return false;
    const struct net_frame frame = {.payload = span_of(w.frame, w.len)};
    const struct net_client *c = &sim->client[w.link];
    c->events.frames(c->events.context, &frame, 1);
    return true;
}

/* ---- the writer ---- */

static bool is_applied(enum gateway_sim_fate fate)
{
    return fate != GATEWAY_SIM_UNAVAILABLE && fate != GATEWAY_SIM_LOST && fate != GATEWAY_SIM_LIES;
}

static void apply(struct gateway_sim *sim, struct gateway_sim_write *w)
{
    if (w->applied)
        return;
    w->applied = true;
    w->batch->err = is_applied(w->fate) ? store_run(sim->f.store, w->batch) : ERR_OK;
    if (w->fate == GATEWAY_SIM_UNAVAILABLE)
        w->batch->err = STORE_ERR_UNAVAILABLE;
    else if (w->batch->err == ERR_OK && (w->fate == GATEWAY_SIM_LOST || w->fate == GATEWAY_SIM_DONE))
        w->batch->err = STORE_ERR_UNKNOWN;
}

static bool write_due(struct gateway_sim *sim)
{
    bool moved = false;
    while (sim->under_way > 0) {
        struct gateway_sim_write *w = &sim->write[0];
        if (w->fate != GATEWAY_SIM_STANDS_STILL)
            apply(sim, w);
        if (w->due_us > sim->world.monotonic_us)
            break;
        apply(sim, w);
        ASSERT(queue_put(w->batch->done, w->batch) == ERR_OK);
        memmove(w, w + 1, --sim->under_way * sizeof *w);
        moved = true;
    }
    return moved;
}

static enum err die(struct gateway_sim *sim, struct store_batch *batch, bool behind)
{
    for (size_t i = 0; behind && i < sim->under_way; i++)
        apply(sim, &sim->write[i]);
    if (behind)
        batch->err = store_run(sim->f.store, batch);
    sim->dead = true;
    return ERR_CLOSED;
}

enum err __wrap_store_writer_submit(struct store_writer *writer, struct store_batch *batch)
{
    (void)writer;
    struct gateway_sim *sim = played;
    if (sim->dead)
        return ERR_CLOSED;
    enum gateway_sim_fate fate = sim->fate ? sim->fate(++sim->writes) : GATEWAY_SIM_COMMITS;
    if (sim->on_write)
        sim->on_write(batch, &fate);
    if (fate == GATEWAY_SIM_DIES_BEFORE || fate == GATEWAY_SIM_DIES_BEHIND)
        return die(sim, batch, fate == GATEWAY_SIM_DIES_BEHIND);
    if (fate == GATEWAY_SIM_FULL && !sim->starting)
        return ERR_BUSY;
    bool waits = !sim->starting && (fate == GATEWAY_SIM_STANDS_STILL || fate == GATEWAY_SIM_LEARNS_LATE);
    ASSERT(sim->under_way < GATEWAY_SIM_WRITES_MAX);
    sim->write[sim->under_way++] =
        (struct gateway_sim_write){batch, sim->starting ? GATEWAY_SIM_COMMITS : fate, false,
                                   sim->world.monotonic_us + (waits ? 2 * GATEWAY_SIM_STORE_MS * 1000 : 0)};
    if (sim->starting)
        (void)write_due(sim);
    return ERR_OK;
}

size_t __wrap_store_writer_submit_all(struct store_writer *writer, struct store_batch *const *batch, size_t count)
{
    size_t taken = 0;
    while (taken < count && __wrap_store_writer_submit(writer, batch[taken]) == ERR_OK)
        taken++;
    return taken;
}

/* ---- the process ---- */

static void start(struct gateway_sim *sim)
{
    const struct gateway_parts parts = {.env = &sim->env, .reader = sim->reader, .vault = sim->vault};
    sim->dead = false;
    sim->clients = sim->under_way = 0;
    sim->starting = true;
    sim->starts++;
    enum err err = gateway_create(&sim->config, &parts, &sim->gateway);
    sim->starting = false;
    ASSERT(err == ERR_OK || sim->dead);
    sim->woken = true;
    sim->next_us = 0;
    if (err == ERR_OK && sim->dead)
        gateway_sim_kill(sim);
}

void gateway_sim_kill(struct gateway_sim *sim)
{
    sim->dead = true;
    gateway_destroy(sim->gateway);
    sim->gateway = NULL;
    sim->under_way = 0;
    for (size_t i = 0; i < sim->clients; i++) {
        network_cut(&sim->network, i);
        sim->client[i].up = false;
    }
    for (size_t i = 0; i < GATEWAY_SIM_SLOTS; i++)
        if (sim->request[i].used && !sim->request[i].replied) {
            sim->request[i].replied = true; /* by a closed connection */
            sim->request[i].status = 0;
        }
}

bool gateway_sim_turn(struct gateway_sim *sim)
{
    if (!sim->gateway) {
        start(sim);
        return true;
    }
    bool happened = open_links(sim);
    happened |= deliver(sim);
    happened |= write_due(sim);
    happened |= atomic_exchange(&sim->woken, false) || sim->next_us <= sim->world.monotonic_us;
    if (happened)
        sim->next_us = gateway_turn(sim->gateway);
    if (sim->dead)
        gateway_sim_kill(sim);
    return happened;
}

void gateway_sim_pass(struct gateway_sim *sim, int64_t latest_us)
{
    int64_t to_us = latest_us < sim->next_us ? latest_us : sim->next_us;
    int64_t next_us = network_next_us(&sim->network);
    to_us = next_us < to_us ? next_us : to_us;
    if (sim->under_way > 0 && sim->write[0].due_us < to_us)
        to_us = sim->write[0].due_us;
    for (size_t i = 0; i < sim->clients; i++)
        if (!sim->client[i].up && !sim->client[i].cut && sim->client[i].up_us < to_us)
            to_us = sim->client[i].up_us;
    int64_t step_us = to_us - sim->world.monotonic_us;
    if (step_us <= 0)
        return;
    int64_t before_us = sim->world.monotonic_us;
    sim->world.monotonic_us += step_us;
    sim->world.wall_ms += sim->world.monotonic_us / 1000 - before_us / 1000;
}

void gateway_sim_run(struct gateway_sim *sim, int64_t for_us)
{
    int64_t until_us = sim->world.monotonic_us + for_us;
    for (;;) {
        if (gateway_sim_turn(sim))
            continue;
        if (sim->world.monotonic_us >= until_us)
            return;
        gateway_sim_pass(sim, until_us);
    }
}

/* ---- life ---- */

static void configure(struct gateway_config *config)
{
    static const struct gateway_face *const faces[] = {&plain_face};
    *config = (struct gateway_config){.faces = {faces, 1},
                                      .node = "test",
                                      .link_count = 1,
                                      .bin = {{"4", "net"}},
                                      .bin_count = 1,
                                      .slots = GATEWAY_SIM_SLOTS,
                                      .workers = 1,
                                      .key_workers = 1,
                                      .keys_live = 8,
                                      .keys_making = 2,
                                      .clock_window_ms = 300000,
                                      .key_days = 1,
                                      .reversal_first_ms = 2000,
                                      .store_ms = GATEWAY_SIM_STORE_MS};
    config->link[0] = (struct gateway_link_config){.link = {.name = "net",
                                                            .address = "127.0.0.1",
                                                            .port = 1,
                                                            .profile = "iso87-ascii",
                                                            .extract = "generic_126_10",
                                                            .result = "none",
                                                            .acquirer = "400123",
                                                            .in_flight = 100,
                                                            .timeout_ms = GATEWAY_SIM_TIMEOUT_MS},
                                                   .source = "visa"};
}

/* Nothing here asks whether the disk keeps what it took. */
static void in_memory(struct buf *url)
{
    char path[] = "/dev/shm/countersign-sim.XXXXXX";
    int file = mkstemp(path);
    ASSERT(file >= 0);
    (void)close(file);
    buf_put_text(url, "sqlite:");
    buf_put_text(url, path);
    (void)buf_text(url);
}

void gateway_sim_open(struct gateway_sim *sim, uint64_t seed)
{
    static const uint8_t master[CRYPTO_VAULT_MASTER] = {1};
    const struct gateway_seed merchant = {.merchant_id = "shop",
                                          .terminal_id = "10000001",
                                          .name = "Shop",
                                          .sandbox = true,
                                          .api_key = GATEWAY_SIM_USER,
                                          .secret = GATEWAY_SIM_PASSWORD};
    memset(sim, 0, sizeof *sim);
    played = sim;
    stores_setup(&sim->f, &(struct stores_driver){"sqlite", in_memory});
    sim->world = (struct rng_world){seed, 1767225600000, 1000000};
    sim->env = rng_env_over(&sim->world);
    sim->env.log = &sim->f.log;
    configure(&sim->config);
    const struct store_reader_config reader = {.url = sim->f.url, .env = &sim->env, .sets = gateway_sets, .cap = 256};
    ASSERT(crypto_vault_open(master, GATEWAY_VAULT_PURPOSE, &sim->vault) == ERR_OK);
    ASSERT(gateway_seed(sim->f.store, sim->vault, &sim->env, &merchant) == ERR_OK);
    ASSERT(store_reader_open(&reader, &sim->reader) == ERR_OK);
}

void gateway_sim_close(struct gateway_sim *sim)
{
    sim->dead = true;
    gateway_destroy(sim->gateway);
    store_reader_close(sim->reader);
    crypto_vault_close(sim->vault);
    stores_teardown(&sim->f);
}

int64_t gateway_sim_count(struct gateway_sim *sim, const struct store_row *row, const char *state)
{
    const struct gateway_by_state by = {.state = span_text(state)};
    struct store_op op = {.row = row, .argument = &by};
    arena_reset(&sim->f.arena);
    ASSERT(store_run(sim->f.store, &(struct store_batch){.op = &op, .count = 1, .arena = &sim->f.arena}) == ERR_OK);
    return store_cell_int(&op.rows, 0, 0);
}
