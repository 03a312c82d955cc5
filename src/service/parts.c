/* SPDX-License-Identifier: Apache-2.0 */
#include "service/parts.h"

#include "store/error.h"
#include "store/store.h"

#include <stdio.h>
#include <string.h>

/* ---- vault ---- */

enum err service_vault_open(struct service_parts *parts, const char *path, const char *purpose, struct net_problem *problem)
{
    ASSERT(!parts->vault);
    enum err err = crypto_vault_open_file(path, purpose, &parts->vault);
    return err == ERR_OK ? err
                         : service_problem(problem, err, "vault.file", path,
                                           "the file holds 64 hexadecimal digits (openssl rand -hex 32) and is readable here");
}

/* ---- store ---- */

static struct service_identity_config identity_of(const struct service_store_config *config)
{
    return (struct service_identity_config){.url = config->settings->url,
                                            .file = config->settings->identity,
                                            .replaces = config->settings->replaces,
                                            .vault_path = config->vault_path,
                                            .set = config->sets[0]};
}

enum err service_store_remembered(struct service_parts *parts, const struct service_store_config *config,
                                  struct net_problem *problem)
{
    const struct service_identity_config identity = identity_of(config);
    return service_identity_open(&identity, &parts->remembered, problem);
}

static enum err prepare(struct service_parts *parts, const struct service_store_config *config, struct store *store,
                        struct net_problem *problem)
{
    struct service_process *p = parts->process;
    const struct service_identity_config identity = identity_of(config);
    TRY(service_identity_check(&identity, &parts->remembered, store, &p->log, &parts->identity, problem));
    for (size_t i = 0; config->sets[i]; i++)
        TRY(store_migrate(store, config->sets[i]));
    if (config->prepare)
        TRY(config->prepare(p, store, problem));
    return store_writer_start(store, &p->env, config->writer_cap, &parts->writer);
}

static enum err writer_open(struct service_parts *parts, const struct service_store_config *config, struct net_problem *problem)
{
    struct service_process *p = parts->process;
    struct store *writes = NULL;
    ASSERT(!parts->writer);
    parts->sets = config->sets;
    TRY(store_open(config->settings->url, &p->env, config->sets, &writes));
    parts->driver = store_driver_name(writes);
    enum err err = prepare(parts, config, writes, problem);
    if (err != ERR_OK)
        store_close(writes);
    return err;
}

static const char *hint_of(enum err err)
{
    if (err == STORE_ERR_FULL)
        return "make room on its disk";
    if (err == STORE_ERR_READ_ONLY)
        return "let this user write to the file and to its folder";
    if (err == STORE_ERR_DAMAGED)
        return "put a copy in its place that was saved before";
    return "write sqlite:PATH in a folder that this user may write to, or postgres: of a database that runs";
}

enum err service_store_open(struct service_parts *parts, const struct service_store_config *config, struct net_problem *problem)
{
    enum err err = writer_open(parts, config, problem);
    service_identity_close(&parts->remembered);
    if (err == ERR_OK || problem->text[0])
        return err;
    return service_problem(problem, err, "store.url", NULL, hint_of(err));
}

enum err service_health_open(struct service_parts *parts, int64_t timeout_ms)
{
    struct service_process *p = parts->process;
    ASSERT(p->loop && parts->writer);
    const struct store_health_config config = {.env = &p->env,
                                               .writer = parts->writer,
                                               .set_name = parts->sets[0]->name,
                                               .identity = parts->identity,
                                               .service = p->service->name,
                                               .timeout_us = timeout_ms * 1000,
                                               .wake = net_loop_wake,
                                               .context = p->loop};
    return store_health_create(&config, &parts->health);
}

int64_t service_health_turn(struct service_parts *parts, enum err reads, int64_t next_us)
{
    int64_t health_us = store_health_turn(parts->health, env_monotonic_us(&parts->process->env), reads);
    return next_us == NET_NEVER_US || health_us < next_us ? health_us : next_us;
}

bool service_store_up(const struct service_parts *parts)
{
    return store_health_err(parts->health) == ERR_OK;
}

static enum err reader_open(struct service_parts *parts, const char *url, size_t cap)
{
    struct service_process *p = parts->process;
    struct net_watch *watch = NULL;
    TRY(net_watch_create(p->loop, &watch));
    const struct store_reader_config config = {
        .url = url, .env = &p->env, .sets = parts->sets, .cap = cap, .watch = net_watch_set, .context = watch};
    return store_reader_open(&config, &parts->reader);
}

enum err service_reader_open(struct service_parts *parts, const char *url, size_t cap, struct net_problem *problem)
{
    ASSERT(parts->process->loop && parts->sets);
    enum err err = reader_open(parts, url, cap);
    return err == ERR_OK ? err : service_problem(problem, err, "store.url", NULL, "the database can be written but not be read");
}

/* ---- REST ---- */

/* "ADDR:PORT" or "[ADDR6]:PORT"; localhost is 127.0.0.1. */
static enum err listen_split(const char *text, char host[static SERVICE_ADDRESS], uint16_t *port)
{
    const char *colon = strrchr(text, ':');
    uint64_t number = 0;
    if (!colon || span_decimal(span_text(colon + 1), &number) != ERR_OK || number > UINT16_MAX)
        return ERR_CONFIG;
    bool bracket = text[0] == '[' && colon > text + 1 && colon[-1] == ']';
    struct span name = span_of(text + bracket, (size_t)(colon - text) - 2 * (size_t)bracket);
    struct buf out = buf_over(host, SERVICE_ADDRESS);
    if (span_is(name, "localhost"))
        name = span_text("127.0.0.1");
    buf_put_span(&out, name);
    (void)buf_text(&out);
    if (buf_done(&out) != ERR_OK)
        return ERR_CONFIG;
    *port = (uint16_t)number;
    return ERR_OK;
}

enum err service_rest_open(struct service_parts *parts, const struct service_rest_config *config, struct net_problem *problem)
{
    const struct service_rest_settings *s = config->settings;
    struct http_config http = {
        .address = parts->host,
        .threads = (uint16_t)s->threads,
        .connections = (uint32_t)s->connections,
        .connections_per_address = (uint32_t)s->connections_per_address,
        .unfinished_per_address = (uint32_t)s->unfinished_per_address,
        .idle_timeout_s = (uint32_t)s->idle_s,
        .head_timeout_ms = (uint32_t)s->head_s * 1000,
        .body_timeout_ms = (uint32_t)s->body_s * 1000,
        .slots = (uint32_t)config->slots,
        .certificate_path = s->certificate[0] ? s->certificate : NULL,
        .key_path = s->key,
        .mount = config->mount,
        .mount_count = config->mount_count,
        .wake = net_loop_wake,
        .wake_context = parts->process->loop,
    };
    ASSERT(parts->process->loop);
    enum err err = listen_split(s->listen, parts->host, &http.port);
    if (err == ERR_OK)
        err = http_create(&http, &parts->process->env, &parts->http);
    if (err == ERR_OK)
        return ERR_OK;
    return service_problem(problem, err, "rest.listen", s->listen,
                           http.certificate_path
                               ? "write a free ADDR:PORT of this machine, and PEM files as rest.certificate and rest.key"
                               : "write a free ADDR:PORT of this machine");
}

/* ---- HSM ---- */

enum err service_hsm_open(struct service_parts *parts, const struct service_hsm_link_settings *settings,
                          struct net_problem *problem)
{
    struct service_process *p = parts->process;
    const struct service_hsm_link_config config = {p->loop, &p->env, settings};
    ASSERT(p->loop);
    return service_hsm_link_create(&config, &parts->hsm, problem);
}

/* ---- stop ---- */

void service_parts_stop(struct service_parts *parts)
{
    store_writer_stop(parts->writer);
    store_reader_close(parts->reader);
    store_health_destroy(parts->health);
    parts->writer = NULL;
    parts->health = NULL;
    parts->reader = NULL;
}

void service_parts_disconnect(struct service_parts *parts)
{
    struct service_process *p = parts->process;
    if (parts->http)
        http_destroy(parts->http);
    net_loop_destroy(p->loop);
    service_hsm_link_destroy(parts->hsm);
    parts->http = NULL;
    p->loop = NULL;
    parts->hsm = NULL;
}

void service_parts_close(struct service_parts *parts)
{
    ASSERT(!parts->writer && !parts->process->loop);
    if (parts->vault)
        crypto_vault_close(parts->vault);
    parts->vault = NULL;
}
