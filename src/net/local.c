/* SPDX-License-Identifier: Apache-2.0 */
#include "net/local.h"

#include "net/internal.h"
#include "net/stream/stream.h"

#include "base/arena.h"
#include "base/secret.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 4 };

struct net_local;

struct peer {
    struct net_local *local;
    uv_pipe_t pipe;
    uv_timer_t idle;
    int handles; /* open ones; the place is free at 0 */
    bool closing;
    size_t len;
    uint8_t in[NET_LOCAL_LINE];
};

struct net_local {
    struct net_group group; /* for the loop: without streams */
    struct net_local_config config;
    uv_pipe_t listener;
    uid_t owner;
    bool waiting; /* a connection came while every place was taken */
    struct peer peer[NET_LOCAL_PEERS];
    uint8_t answer[NET_LOCAL_ANSWER];
};

static void release(struct net_group *g)
{
    struct net_local *local = (struct net_local *)(void *)g;
    memory_release(local, 1, sizeof *local);
}

/* ---- connections ---- */

static void on_connection(uv_stream_t *listener, int status);

static void on_closed(uv_handle_t *handle)
{
    struct peer *p = handle->data;
    struct net_local *local = p->local;
    if (--p->handles > 0 || !local->waiting)
        return;
    local->waiting = false;
    if (!uv_is_closing((uv_handle_t *)&local->listener))
        on_connection((uv_stream_t *)&local->listener, 0);
}

static void drop(struct peer *p)
{
    if (p->closing)
        return;
    p->closing = true;
    secret_wipe(p->in, sizeof p->in);
    uv_close((uv_handle_t *)&p->pipe, on_closed);
    uv_close((uv_handle_t *)&p->idle, on_closed);
}

static void on_idle(uv_timer_t *timer)
{
    drop(timer->data);
}

static bool answered(struct peer *p, struct span line)
{
    struct net_local *local = p->local;
    struct buf answer = buf_over(local->answer, sizeof local->answer);
    local->config.line(local->config.context, line, &answer);
    uv_buf_t out = uv_buf_init((char *)local->answer, (unsigned)answer.len);
    bool sent = answer.err == ERR_OK && uv_try_write((uv_stream_t *)&p->pipe, &out, 1) == (int)answer.len;
    secret_wipe(local->answer, answer.len);
    return sent;
}

/* Answers the complete lines; false: the peer is to go. */
static bool take_lines(struct peer *p)
{
    for (uint8_t *end; (end = memchr(p->in, '\n', p->len));) {
        size_t len = (size_t)(end - p->in), whole = len + 1;
        bool sent = answered(p, span_of(p->in, len));
        memmove(p->in, p->in + whole, p->len - whole);
        secret_wipe(p->in + p->len - whole, whole);
        p->len -= whole;
        if (!sent)
            return false;
    }
    return p->len < sizeof p->in;
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    (void)suggested;
    struct peer *p = handle->data;
    *out = uv_buf_init((char *)p->in + p->len, (unsigned)(sizeof p->in - p->len));
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *into)
{
    (void)into;
    struct peer *p = stream->data;
    if (got == 0)
        return;
    if (got < 0) {
        drop(p);
        return;
    }
    p->len += (size_t)got;
    (void)uv_timer_again(&p->idle); /* fails for a closing timer only */
    if (!take_lines(p))
        drop(p);
}

static bool is_heard(const struct peer *p, uid_t *who)
{
    struct ucred cred = {.uid = (uid_t)-1};
    socklen_t len = sizeof cred;
    int fd = -1;
    bool known = uv_fileno((const uv_handle_t *)&p->pipe, &fd) == 0 && getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0;
    *who = cred.uid;
    return known && (cred.uid == p->local->owner || cred.uid == 0);
}

static struct peer *vacant(struct net_local *local)
{
    for (size_t i = 0; i < NET_LOCAL_PEERS; i++)
        if (local->peer[i].handles == 0)
            return &local->peer[i];
    return NULL;
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct net_local *local = listener->data;
    struct peer *p = vacant(local);
    uid_t who = 0;
    local->waiting |= status >= 0 && !p;
    if (status < 0 || !p)
        return;
    *p = (struct peer){.local = local, .handles = 2};
    uv_pipe_init(&local->group.loop->uv, &p->pipe, 0);
    uv_timer_init(&local->group.loop->uv, &p->idle);
    p->pipe.data = p->idle.data = p;
    bool accepted = uv_accept(listener, (uv_stream_t *)&p->pipe) == 0;
    bool heard = accepted && is_heard(p, &who);
    if (accepted && !heard)
        LOG(local->group.loop->config.env->log, LOG_WARN, "net.local_refused", LOG_TEXT("name", local->config.name),
            LOG_INT("uid", who));
    if (!heard || uv_read_start((uv_stream_t *)&p->pipe, on_room, on_read) != 0)
        drop(p);
    else
        uv_timer_start(&p->idle, on_idle, NET_LOCAL_IDLE_MS, NET_LOCAL_IDLE_MS);
}

/* ---- the socket ---- */

/* True if nothing stands at the path any more; a socket that somebody listens on, or another file, stays. */
static bool cleared(const char *path, struct net_problem *problem)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct stat facts;
    if (strlen(path) >= sizeof address.sun_path) {
        net_problem_set(problem, path, "the path is too long for a socket");
        return false;
    }
    if (lstat(path, &facts) != 0)
        return true;
    if (!S_ISSOCK(facts.st_mode)) {
        net_problem_set(problem, path, "exists, and is not a socket");
        return false;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool alive = fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) == 0;
    if (fd >= 0)
        close(fd);
    if (alive) {
        net_problem_set(problem, path, "another process listens here");
        return false;
    }
    return unlink(path) == 0;
}

static int bind_closed(uv_pipe_t *listener, const char *path)
{
    mode_t before = umask(S_IXUSR | S_IRWXG | S_IRWXO);
    int status = uv_pipe_bind(listener, path);
    umask(before);
    return status;
}

enum err net_local_create(struct net_loop *loop, const struct net_local_config *config, struct net_problem *problem)
{
    void *at = NULL;
    if (!cleared(config->path, problem))
        return ERR_CONFIG;
    TRY(memory_reserve(1, sizeof(struct net_local), &at));
    struct net_local *local = at;
    local->config = *config;
    local->owner = geteuid();
    local->group = (struct net_group){.name = config->name, .release = release};
    net_loop_add(loop, &local->group);
    uv_pipe_init(&loop->uv, &local->listener, 0);
    local->listener.data = local;
    local->group.listener = (uv_handle_t *)&local->listener;
    int status = bind_closed(&local->listener, config->path);
    if (status == 0)
        status = uv_listen((uv_stream_t *)&local->listener, BACKLOG, on_connection);
    if (status == 0)
        return ERR_OK;
    /* libuv gives EACCES for a folder that does not exist, too. */
    net_problem_set(problem, config->path, status == UV_EACCES ? "permission denied, or no such folder" : uv_strerror(status));
    return ERR_SYSTEM;
}
