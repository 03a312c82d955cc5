/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors that a library opens and closes as it likes. The event library must be told before a descriptor is closed, and it
 * lets go of a handle only a turn later; a set of the kernel's forgets a closed descriptor by itself. So the library's descriptor
 * stands in a set of the watch, and the loop watches that set.
 */
#include "net/internal.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

static void on_ready(uv_poll_t *poll, int status, int events)
{
    (void)poll; /* the turn that follows is the point */
    (void)status;
    (void)events;
}

enum err net_watch_create(struct net_loop *loop, struct net_watch **out)
{
    if (loop->watch_count == NET_WATCHES_MAX)
        return ERR_BUSY;
    struct net_watch *watch = &loop->watch[loop->watch_count];
    *watch = (struct net_watch){.loop = loop, .set = epoll_create1(EPOLL_CLOEXEC), .fd = -1};
    if (watch->set < 0)
        return ERR_SYSTEM;
    if (uv_poll_init(&loop->uv, &watch->poll, watch->set) != 0) {
        close(watch->set);
        return ERR_SYSTEM;
    }
    loop->watch_count++;
    uv_poll_start(&watch->poll, UV_READABLE, on_ready);
    *out = watch;
    return ERR_OK;
}

void net_watch_set(void *watch, int fd, bool readable, bool writable)
{
    struct net_watch *w = watch;
    if (w->fd >= 0 && w->fd != fd)
        (void)epoll_ctl(w->set, EPOLL_CTL_DEL, w->fd, NULL); /* fails when it was closed, which has the same effect */
    w->fd = fd;
    if (fd < 0)
        return;
    struct epoll_event event = {.events = (readable ? EPOLLIN : 0U) | (writable ? EPOLLOUT : 0U), .data.fd = fd};
    if (epoll_ctl(w->set, EPOLL_CTL_MOD, fd, &event) != 0 && (errno != ENOENT || epoll_ctl(w->set, EPOLL_CTL_ADD, fd, &event) != 0))
        net_loop_log(w->loop, LOG_ERROR, "net.watch", NULL, "a descriptor cannot be watched");
}

void net_watch_close_all(struct net_loop *loop)
{
    for (size_t i = 0; i < loop->watch_count; i++)
        close(loop->watch[i].set);
}
