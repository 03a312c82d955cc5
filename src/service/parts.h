/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the services open, and the one order in which it is closed.
 *
 * Purpose    Vault, store with its writer, REST server and HSM link, each from its settings with one call; a service takes those
 *            that it needs. The HSM's process needs none of them and does not link this file.
 * Ownership  The parts belong to the service's process; closing takes what is there. The service destroys what it made over a part
 *            in between (below).
 * Threading  The main thread.
 * Failure    `problem` says which setting cannot be used, why, and what to do.
 *
 * The order of a stop:
 *     service_parts_stop        writer and reader end: their last completions wake the loop, and nothing is submitted afterwards
 *     service_parts_disconnect  HTTP answers what is left, whose threads wake the loop until they end; then loop and HSM link
 *     service_parts_close       the vault
 * A core that answers HTTP requests goes before the disconnect, one that owns connections behind it.
 */
#ifndef SERVICE_PARTS_H
#define SERVICE_PARTS_H

#include "crypto/vault.h"
#include "http/http.h"
#include "service/hsm_link.h"
#include "service/identity.h"
#include "service/service.h"
#include "store/health.h"
#include "store/reader.h"
#include "store/writer.h"

struct service_parts {
    struct service_process *process;
    struct crypto_vault *vault;
    const char *driver; /* of the store: "sqlite" or "postgres" */
    const struct store_set *const *sets;
    struct store_writer *writer;
    struct store_reader *reader;
    struct service_identity remembered;
    struct store_identity identity;
    struct store_health *health;
    struct http *http;
    char host[SERVICE_ADDRESS];
    struct service_hsm_link *hsm;
};

/* ---- vault ---- */

#define SERVICE_VAULT_ROW(struct_, member_)                                                                      \
    {                                                                                                            \
        "vault", "file", "key of the vault: 64 hexadecimal digits", CONFIG_TEXT, CONFIG_MEMBER(struct_, member_) \
    }
MUST_USE enum err service_vault_open(struct service_parts *parts, const char *path, const char *purpose,
                                     struct net_problem *problem);

/* ---- store ---- */

struct service_store_settings {
    char url[320];
    char identity[256];
    char replaces[STORE_IDENTITY_LEN + 1];
};
struct service_store_config {
    const struct service_store_settings *settings;
    const char *vault_path;              /* beside which the identity of the store is kept, unless the settings name a file */
    const struct store_set *const *sets; /* statements and tables of the service; ends with NULL */
    size_t writer_cap;                   /* batches that wait */
    /* NULL, or what is written before anything else, once the tables are there. */
    enum err (*prepare)(void *process, struct store *store, struct net_problem *problem);
};
/* clang-format off */
/* The rows of section [store] in a table over struct_, whose member_ is a struct service_store_settings. */
#define SERVICE_STORE_ROWS(struct_, member_, file_) \
    {"store", "url", "sqlite:/path/" file_ " or postgres:...", CONFIG_TEXT, CONFIG_MEMBER(struct_, member_.url)}, \
    {"store", "identity", "FILE that remembers which store was there, made at the first start; empty: in " \
     "$STATE_DIRECTORY, or beside vault.file", \
     CONFIG_TEXT, CONFIG_MEMBER(struct_, member_.identity), .initial = ""}, \
    {"store", "replaces", "identity of a store that is gone for good: another one is taken in its place, once", CONFIG_TEXT, \
     CONFIG_MEMBER(struct_, member_.replaces), .initial = ""}
/* clang-format on */
/* In the check hook, before the process locks itself in: the file that remembers which store was there. */
MUST_USE enum err service_store_remembered(struct service_parts *parts, const struct service_store_config *config,
                                           struct net_problem *problem);
/* After the vault. A store that is empty, or is another one than before, is refused (service/identity.h). */
MUST_USE enum err service_store_open(struct service_parts *parts, const struct service_store_config *config,
                                     struct net_problem *problem);

/* Whether it can be written, is the same, and is there, told while it runs. After the loop. */
MUST_USE enum err service_health_open(struct service_parts *parts, int64_t timeout_ms);
/* In the turn hook, with what the service's own readings ended with: when it must be called again, or `next_us`. */
int64_t service_health_turn(struct service_parts *parts, enum err reads, int64_t next_us);
bool service_store_up(const struct service_parts *parts);

/* Reads that never make the loop wait, with the sets of the store. After the loop, which turns when the database answers. */
MUST_USE enum err service_reader_open(struct service_parts *parts, const char *url, size_t cap, struct net_problem *problem);

/* ---- REST ---- */

struct service_rest_settings {
    char listen[SERVICE_ADDRESS];
    char certificate[256];
    char key[256];
    int64_t threads;
    int64_t connections;
    int64_t connections_per_address;
    int64_t unfinished_per_address;
    int64_t idle_s;
    int64_t head_s;
    int64_t body_s;
};
/* clang-format off */
/* The rows of section [rest] in a table over struct_, whose member_ is a struct service_rest_settings. */
#define SERVICE_REST_ROWS(struct_, member_, listen_) \
    {"rest", "listen", "ADDR:PORT of the API", CONFIG_TEXT, CONFIG_MEMBER(struct_, member_.listen), .initial = listen_}, \
    {"rest", "certificate", "PEM file; with key: TLS 1.2 and later; empty: plain HTTP", CONFIG_TEXT, \
     CONFIG_MEMBER(struct_, member_.certificate), .initial = ""}, \
    {"rest", "key", "PEM file of the certificate's key", CONFIG_TEXT, CONFIG_MEMBER(struct_, member_.key), .initial = ""}, \
    {"rest", "threads", "threads that read and write connections", CONFIG_INTEGER, CONFIG_MEMBER(struct_, member_.threads), \
     1, 64, "2"}, \
    {"rest", "connections", "open connections", CONFIG_INTEGER, CONFIG_MEMBER(struct_, member_.connections), 8, 20000, "1000"}, \
    {"rest", "connections_per_address", "of them from one address; 0: no limit of its own", CONFIG_INTEGER, \
     CONFIG_MEMBER(struct_, member_.connections_per_address), 0, 20000, "800"}, \
    {"rest", "unfinished_per_address", "connections of one address whose request is not complete; the oldest makes room", \
     CONFIG_INTEGER, CONFIG_MEMBER(struct_, member_.unfinished_per_address), 1, 20000, "256"}, \
    {"rest", "idle_s", "seconds of silence after which a connection is closed", CONFIG_INTEGER, \
     CONFIG_MEMBER(struct_, member_.idle_s), 1, 3600, "10"}, \
    {"rest", "head_s", "seconds from the connection, with its handshake, to the last header", CONFIG_INTEGER, \
     CONFIG_MEMBER(struct_, member_.head_s), 1, 600, "10"}, \
    {"rest", "body_s", "seconds from the last header to the end of the body", CONFIG_INTEGER, \
     CONFIG_MEMBER(struct_, member_.body_s), 1, 600, "10"}
/* clang-format on */
struct service_rest_config {
    const struct service_rest_settings *settings;
    const struct http_mount *mount;
    size_t mount_count;
    int64_t slots;
};
/* After the loop, which requests wake. */
MUST_USE enum err service_rest_open(struct service_parts *parts, const struct service_rest_config *config,
                                    struct net_problem *problem);

/* ---- HSM ---- */

/* After the loop. */
MUST_USE enum err service_hsm_open(struct service_parts *parts, const struct service_hsm_link_settings *settings,
                                   struct net_problem *problem);

/* ---- stop ---- */

void service_parts_stop(struct service_parts *parts);
void service_parts_disconnect(struct service_parts *parts);
void service_parts_close(struct service_parts *parts);

#endif
