/* SPDX-License-Identifier: Apache-2.0 */
/* The server's life: configuration, daemon, slots. */
#include "base/arena.h"
#include "base/file.h"
#include "base/secret.h"
#include "http/internal.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

enum {
    CONNECTION_MEMORY = 32 * 1024,
    PEM_MAX = 64 * 1024,
    LISTEN_BACKLOG = 1024,
    TAKE_MAX = 256,
    FILES_BESIDE = 128, /* what else a process has open */
    KEPT_FREE = 16,     /* one place of a connection in so many is for a request that is on its way */
    LINGER_MS = 250,    /* for answers that were given but not sent when the server ends */
};

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static void set_defaults(struct http_config *config)
{
    config->address = config->address ? config->address : "127.0.0.1";
    config->threads = config->threads ? config->threads : 2;
    config->connections = config->connections ? config->connections : 1000;
    config->slots = config->slots ? config->slots : 512;
    config->unfinished_per_address = config->unfinished_per_address ? config->unfinished_per_address : 256;
    config->idle_timeout_s = config->idle_timeout_s ? config->idle_timeout_s : 10;
    config->head_timeout_ms = config->head_timeout_ms ? config->head_timeout_ms : 10000;
    config->body_timeout_ms = config->body_timeout_ms ? config->body_timeout_ms : 10000;
}

/* No more connections than descriptors: whoever is accepted can be served, and the rest of the process keeps some for itself. */
static void fit_files(struct http_config *config, const struct env *env)
{
    struct rlimit files;
    rlim_t wanted = config->connections + FILES_BESIDE;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= wanted)
        return;
    files.rlim_cur = files.rlim_max < wanted ? files.rlim_max : wanted;
    if (setrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur == wanted)
        return;
    config->connections = files.rlim_cur > 2 * FILES_BESIDE ? (uint32_t)files.rlim_cur - FILES_BESIDE : FILES_BESIDE / 2;
    if (env->log)
        LOG(env->log, LOG_WARN, "http.files", LOG_INT("connections", config->connections),
            LOG_TEXT("reason", "fewer files may be open than connections: raise RLIMIT_NOFILE (LimitNOFILE= of the unit)"));
}

static enum err address_read(const struct http_config *config, union address *out)
{
    memset(out, 0, sizeof *out);
    out->v4.sin_port = htons(config->port);
    out->v4.sin_family = AF_INET;
    if (inet_pton(AF_INET, config->address, &out->v4.sin_addr) == 1)
        return ERR_OK;
    memset(out, 0, sizeof *out);
    out->v6.sin6_family = AF_INET6;
    out->v6.sin6_port = htons(config->port);
    return inet_pton(AF_INET6, config->address, &out->v6.sin6_addr) == 1 ? ERR_OK : ERR_CONFIG;
}

/* ---- slots ---- */

static enum err slots_create(struct http *http)
{
    uint32_t count = http->config.connections;
    void *at = NULL;
    TRY(queue_create(&http->free, count, NULL, NULL));
    TRY(queue_create(&http->numbers, http->config.slots, NULL, NULL));
    TRY(queue_create(&http->arrived, http->config.slots, http->config.wake, http->config.wake_context));
    TRY(memory_reserve(count, HTTP_BODY_MAX, &at));
    http->bodies = at;
    TRY(memory_reserve(count, HTTP_ANSWER_MAX, &at));
    http->answers = at;
    TRY(memory_reserve(count, sizeof(struct http_slot), &at));
    http->slot = at;
    for (uint32_t i = 0; i < count; i++) {
        http->slot[i].http = http;
        TRY(queue_put(&http->free, &http->slot[i]));
    }
    for (uintptr_t i = 1; i <= http->config.slots; i++)
        TRY(queue_put(&http->numbers, (void *)i));
    return ERR_OK;
}

/* What was used has been wiped slot by slot; touching every page again would only cost time. */
static void slots_destroy(struct http *http)
{
    queue_destroy(&http->free);
    queue_destroy(&http->numbers);
    queue_destroy(&http->arrived);
    memory_release(http->slot, http->config.connections, 0);
    memory_release(http->bodies, http->config.connections, 0);
    memory_release(http->answers, http->config.connections, 0);
}

/* ---- daemon ---- */

struct pem {
    char certificate[PEM_MAX];
    char key[PEM_MAX];
};

/* A text that ends with a zero. */
static enum err pem_read(const char *path, char out[static PEM_MAX])
{
    struct buf text = buf_over(out, PEM_MAX - 1);
    enum err err = file_read(path, &text);
    out[text.len] = 0;
    return err == ERR_OK && text.len > 0 ? ERR_OK : ERR_CONFIG;
}

/* Paths arrive as they were sent: the room decodes them itself and refuses bad escapes. */
static size_t leave_escaped(void *context, struct MHD_Connection *connection, char *text)
{
    (void)context;
    (void)connection;
    return strlen(text);
}

static enum err daemon_start(struct http *http, const struct pem *pem)
{
    const struct http_config *config = &http->config;
    union address address;
    TRY(address_read(config, &address));
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)(pem ? pem->certificate : NULL)},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)(pem ? pem->key : NULL)},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t) "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"},
        {MHD_OPTION_END, 0, NULL},
    };
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_TURBO | (pem ? MHD_USE_TLS : 0u) |
                     (address.any.sa_family == AF_INET6 ? MHD_USE_IPv6 : 0u);
    http->daemon = MHD_start_daemon(
        flags, config->port, NULL, NULL, http_handle, http, MHD_OPTION_SOCK_ADDR, &address.any, MHD_OPTION_THREAD_POOL_SIZE,
        (unsigned)config->threads, MHD_OPTION_CONNECTION_LIMIT, (unsigned)config->connections, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)config->idle_timeout_s, MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)config->connections_per_address,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, MHD_OPTION_NOTIFY_COMPLETED, http_completed, http,
        MHD_OPTION_NOTIFY_CONNECTION, http_peers_notify, &http->peers, MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL,
        MHD_OPTION_LISTEN_BACKLOG_SIZE, (unsigned)LISTEN_BACKLOG, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_ARRAY,
        pem ? tls : &tls[3], MHD_OPTION_END);
    return http->daemon ? ERR_OK : ERR_SYSTEM;
}

static enum err daemon_start_tls(struct http *http)
{
    void *at = NULL;
    TRY(memory_reserve(1, sizeof(struct pem), &at));
    struct pem *pem = at;
    enum err err = pem_read(http->config.certificate_path, pem->certificate);
    if (err == ERR_OK)
        err = pem_read(http->config.key_path, pem->key);
    if (err == ERR_OK)
        err = daemon_start(http, pem);
    memory_release(pem, 1, sizeof *pem);
    return err;
}

static enum err peers_create(struct http *http)
{
    const struct http_config *config = &http->config;
    http->peers = (struct http_peers){.env = http->env,
                                      .tls = !!config->certificate_path,
                                      .head_ms = config->head_timeout_ms,
                                      .body_ms = config->body_timeout_ms,
                                      .idle_ms = config->idle_timeout_s * 1000,
                                      .per_address = config->unfinished_per_address,
                                      .most = config->connections - config->connections / KEPT_FREE,
                                      .count = config->connections};
    return http_peers_create(&http->peers);
}

enum err http_create(const struct http_config *config, const struct env *env, struct http **out)
{
    TRY(http_check(config->mount, config->mount_count));
    void *at = NULL;
    TRY(memory_reserve(1, sizeof(struct http), &at));
    struct http *http = at;
    http->config = *config;
    http->env = env;
    set_defaults(&http->config);
    fit_files(&http->config, env);
    enum err err = slots_create(http);
    if (err == ERR_OK)
        err = peers_create(http);
    if (err == ERR_OK)
        err = config->certificate_path ? daemon_start_tls(http) : daemon_start(http, NULL);
    if (err != ERR_OK) {
        http_peers_destroy(&http->peers);
        slots_destroy(http);
        memory_release(http, 1, sizeof *http);
        return err;
    }
    *out = http;
    return ERR_OK;
}

void http_quiesce(struct http *http)
{
    MHD_socket listening = MHD_quiesce_daemon(http->daemon);
    if (listening != MHD_INVALID_SOCKET)
        close(listening);
}

static bool answers_leaving(const struct http *http)
{
    for (uint32_t i = 0; i < http->config.connections; i++) {
        int state = atomic_load(&http->slot[i].state);
        if (state == HTTP_SLOT_REPLIED || state == HTTP_SLOT_SENDING)
            return true;
    }
    return false;
}

void http_destroy(struct http *http)
{
    queue_close(&http->arrived);
    struct http_request *left[TAKE_MAX];
    while (http_take(http, left, TAKE_MAX) > 0)
        ;
    for (uint32_t i = 0; i < http->config.connections; i++) {
        struct http_slot *slot = &http->slot[i];
        if (atomic_load(&slot->state) != HTTP_SLOT_TAKEN)
            continue;
        buf_clear(&slot->answer);
        http_reply(&slot->request, MHD_HTTP_SERVICE_UNAVAILABLE, NULL);
    }
    const struct timespec pause = {.tv_nsec = 1000 * 1000};
    for (int waited_ms = 0; waited_ms < LINGER_MS && answers_leaving(http); waited_ms++)
        nanosleep(&pause, NULL);
    MHD_stop_daemon(http->daemon);
    http_peers_destroy(&http->peers);
    slots_destroy(http);
    memory_release(http, 1, sizeof *http);
}

uint16_t http_port(const struct http *http)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_BIND_PORT);
    return info ? info->port : 0;
}

size_t http_take(struct http *http, struct http_request **out, size_t max)
{
    void *item[TAKE_MAX];
    size_t taken = queue_take(&http->arrived, item, max < TAKE_MAX ? max : TAKE_MAX);
    for (size_t i = 0; i < taken; i++) {
        struct http_slot *slot = item[i];
        atomic_store(&slot->state, HTTP_SLOT_TAKEN);
        out[i] = &slot->request;
    }
    return taken;
}
