/* SPDX-License-Identifier: Apache-2.0 */
/* Requests a second through the adapter (park, queue, batch, resume), against the same answer given by libmicrohttpd alone. */
#include "http/http.h"
#include "support/bench.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECTIONS = 64, ROUND_MS = 700, ROUNDS = 3, GOAL = 60000 };
static const char answer[] = "{\"ok\":true}";
static const char question[] =
    "POST /ok HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{\"a\":1234}";

/* ---- the service: one thread, batches ---- */

struct service {
    struct http *http;
    int wake;
    atomic_bool stop;
};

static void wake(void *context)
{
    struct service *s = context;
    eventfd_write(s->wake, 1);
}

static void *serve(void *context)
{
    struct service *s = context;
    while (!atomic_load(&s->stop)) {
        eventfd_t count;
        struct http_request *batch[64];
        eventfd_read(s->wake, &count);
        for (size_t n; (n = http_take(s->http, batch, 64)) > 0;) {
            for (size_t i = 0; i < n; i++) {
                buf_put_text(http_body(batch[i]), answer);
                http_reply(batch[i], 200, "application/json");
            }
        }
    }
    return NULL;
}

/* ---- the limit: the library alone ---- */

static enum MHD_Result bare_handle(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                                   const char *version, const char *upload, size_t *upload_len, void **request)
{
    (void)context, (void)url, (void)method, (void)version, (void)upload;
    if (!*request) {
        *request = connection;
        return MHD_YES;
    }
    if (*upload_len > 0) {
        *upload_len = 0;
        return MHD_YES;
    }
    struct MHD_Response *r = MHD_create_response_from_buffer(sizeof answer - 1, (void *)(uintptr_t)answer, MHD_RESPMEM_PERSISTENT);
    MHD_add_response_header(r, "Content-Type", "application/json");
    MHD_add_response_header(r, "Cache-Control", "no-store");
    MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
    enum MHD_Result result = MHD_queue_response(connection, 200, r);
    MHD_destroy_response(r);
    return result;
}

/* ---- load: one thread, keep-alive, one request in flight on each connection ---- */

static int dial(uint16_t port)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0)
        abort();
    return fd;
}

static void ask(int fd)
{
    if (send(fd, question, sizeof question - 1, MSG_NOSIGNAL) != (ssize_t)sizeof question - 1)
        abort();
}

static double requests_per_second(uint16_t port)
{
    struct pollfd on[CONNECTIONS];
    char in[4096];
    size_t done = 0;
    for (size_t i = 0; i < CONNECTIONS; i++) {
        on[i] = (struct pollfd){dial(port), POLLIN, 0};
        ask(on[i].fd);
    }
    int64_t start = bench_now_ns();
    while (bench_now_ns() - start < (int64_t)ROUND_MS * 1000000) {
        poll(on, CONNECTIONS, 100);
        for (size_t i = 0; i < CONNECTIONS; i++) {
            if ((on[i].revents & POLLIN) == 0)
                continue;
            if (recv(on[i].fd, in, sizeof in, 0) <= 0)
                abort();
            done++;
            ask(on[i].fd);
        }
    }
    double seconds = (double)(bench_now_ns() - start) / 1e9;
    for (size_t i = 0; i < CONNECTIONS; i++)
        close(on[i].fd);
    return (double)done / seconds;
}

static double best(uint16_t port)
{
    double top = 0;
    for (int i = 0; i < ROUNDS; i++) {
        double now = requests_per_second(port);
        top = now > top ? now : top;
    }
    return top;
}

static double limit_measure(void)
{
    struct MHD_Daemon *d = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_TURBO, 0, NULL, NULL, bare_handle, NULL,
                                            MHD_OPTION_THREAD_POOL_SIZE, 2u, MHD_OPTION_END);
    if (!d)
        abort();
    double top = best(MHD_get_daemon_info(d, MHD_DAEMON_INFO_BIND_PORT)->port);
    MHD_stop_daemon(d);
    return top;
}

static double value_measure(void)
{
    static const struct http_route route = {HTTP_POST, "/ok", 0, 0, 0, NULL, "the bench"};
    static const struct http_mount mount = {.prefix = "", .route = &route, .count = 1};
    struct env env = env_system(NULL);
    struct service s = {.wake = eventfd(0, 0)};
    struct http_config config = {.mount = &mount, .mount_count = 1, .wake = wake, .wake_context = &s};
    pthread_t thread;
    if (http_create(&config, &env, &s.http) != ERR_OK || pthread_create(&thread, NULL, serve, &s) != 0)
        abort();
    double top = best(http_port(s.http));
    atomic_store(&s.stop, true);
    wake(&s);
    pthread_join(thread, NULL);
    http_destroy(s.http);
    close(s.wake);
    return top;
}

int main(void)
{
    double limit = limit_measure();
    double value = value_measure();
    struct bench_figure figure = {.bench = "http.requests",
                                  .unit = "/s",
                                  .value = value,
                                  .limit = limit,
                                  .limit_is = "libmicrohttpd answering in its own threads",
                                  .rule = BENCH_VALUE_AT_LEAST,
                                  .goal = GOAL};
    return bench_report(&figure) ? 0 : 1;
}
