/* SPDX-License-Identifier: Apache-2.0 */
#include "net/admin.h"

#include "base/arena.h"
#include "net/internal.h"

enum {
    HEAD_MAX = 4096,
    PAGE_MAX = 96 * 1024,
    ANSWER_MAX = PAGE_MAX + 512,
    CONNECTIONS = 32,
    IDLE_MS = 30000,
    FRAME_MS = 10000,
    KEEPALIVE_S = 60
};

struct net_admin {
    struct net_admin_config config;
    struct net_loop *loop;
    struct net_server *server;
    uint8_t page[PAGE_MAX];
    uint8_t head[512];
};

struct page {
    const char *path;
    void (*render)(struct net_admin *admin, const char **status, struct buf *out);
};

static void render_health(struct net_admin *admin, const char **status, struct buf *out)
{
    (void)admin;
    (void)status;
    buf_put_text(out, "ok\n");
}

static void render_ready(struct net_admin *admin, const char **status, struct buf *out)
{
    bool ready = !admin->config.ready || admin->config.ready(admin->config.context);
    if (!ready)
        *status = "503 Service Unavailable";
    buf_put_text(out, ready ? "ready\n" : "not ready\n");
}

static void render_metrics(struct net_admin *admin, const char **status, struct buf *out)
{
    (void)status;
    if (admin->config.metrics)
        admin->config.metrics(admin->config.context, out);
    net_turns_metrics(&admin->loop->turns, out);
}

static const struct page pages[] = {
    {"/healthz", render_health},
    {"/readyz", render_ready},
    {"/metrics", render_metrics},
};

/* The two words a request line begins with. */
static struct span word(struct span *line)
{
    size_t n = 0;
    while (n < line->len && line->at[n] != ' ' && line->at[n] != '\r')
        n++;
    struct span found = span_slice(*line, 0, n);
    *line = span_slice(*line, n + 1, line->len);
    return found;
}

static void render(struct net_admin *admin, struct span request, const char **status, struct buf *out)
{
    struct span method = word(&request);
    struct span path = word(&request);
    *status = "200 OK";
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        if (!span_is(path, pages[i].path))
            continue;
        if (span_is(method, "GET")) {
            pages[i].render(admin, status, out);
        } else {
            *status = "405 Method Not Allowed";
            buf_put_text(out, "only GET is served here\n");
        }
        return;
    }
    *status = "404 Not Found";
    buf_put_text(out, "served here: /healthz /readyz /metrics\n");
}

static void answer(struct net_admin *admin, const struct net_frame *frame)
{
    const char *status = NULL;
    struct buf page = buf_over(admin->page, sizeof admin->page);
    render(admin, frame->payload, &status, &page);
    if (buf_done(&page) != ERR_OK)
        status = "500 Internal Server Error";
    struct buf head = buf_over(admin->head, sizeof admin->head);
    buf_put_text(&head, "HTTP/1.1 ");
    buf_put_text(&head, status);
    buf_put_text(&head, "\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\nConnection: close\r\nContent-Length: ");
    buf_put_decimal(&head, page.len, 0);
    buf_put_text(&head, "\r\n\r\n");
    struct span part[] = {buf_span(&head), buf_span(&page)};
    if (buf_done(&head) == ERR_OK && net_server_send(admin->server, frame->peer, part, 2) != ERR_OK)
        part[0].len = 0; /* the peer is gone: nobody to tell */
    net_server_close(admin->server, frame->peer);
}

static void on_frames(void *context, const struct net_frame *frame, size_t count)
{
    for (size_t i = 0; i < count; i++)
        answer(context, &frame[i]);
}

static void admin_release(void *context)
{
    memory_release(context, 1, sizeof(struct net_admin));
}

enum err net_admin_create(struct net_loop *loop, const struct net_admin_config *config, struct net_admin **out,
                          struct net_problem *problem)
{
    void *at = NULL;
    TRY(memory_reserve(1, sizeof(struct net_admin), &at));
    struct net_admin *admin = at;
    admin->config = *config;
    admin->loop = loop;
    struct net_server_config server = {.name = "admin",
                                       .listen = config->listen,
                                       .framing = {NET_HEAD, 0, HEAD_MAX},
                                       .sizes = {HEAD_MAX, ANSWER_MAX, 1024},
                                       .connections = CONNECTIONS,
                                       .idle_ms = IDLE_MS,
                                       .frame_ms = FRAME_MS,
                                       .keepalive_s = KEEPALIVE_S,
                                       .events = {.frames = on_frames, .released = admin_release, .context = admin}};
    TRY(net_server_create(loop, &server, &admin->server, problem));
    *out = admin;
    return ERR_OK;
}

uint16_t net_admin_port(const struct net_admin *admin)
{
    return net_server_port(admin->server);
}
