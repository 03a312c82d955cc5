/* SPDX-License-Identifier: Apache-2.0 */
#include "support/cutter.h"

#include "support/postgres.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { PAIRS_MAX = 32, TURN_MS = 10, CHUNK = 65536, CLIENT = 0, SERVER = 1 };

struct pair {
    int fd[2]; /* the client, the server */
    bool commits;
};

static char directory[64];
static struct pair pair[PAIRS_MAX];
static size_t pairs;
static int listener = -1;
static int64_t refuse_until_ms;
static pthread_t thread;
static atomic_bool ends;
static atomic_uint left;
static _Atomic enum cutter_place place;
static atomic_int refuse_ms;

static void must(bool condition, const char *what)
{
    if (condition)
        return;
    (void)fprintf(stderr, "cutter: %s\n", what);
    exit(1);
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static struct sockaddr_un address(const char *in)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    must(snprintf(at.sun_path, sizeof at.sun_path, "%s/.s.PGSQL.5432", in) < (int)sizeof at.sun_path, "a short path");
    return at;
}

static void listen_again(void)
{
    struct sockaddr_un at = address(directory);
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(listener >= 0 && bind(listener, (struct sockaddr *)&at, sizeof at) == 0 && listen(listener, PAIRS_MAX) == 0, "listen");
}

static void stop_listening(void)
{
    if (listener < 0)
        return;
    (void)close(listener);
    listener = -1;
    (void)unlink(address(directory).sun_path);
}

static void drop(size_t i)
{
    (void)close(pair[i].fd[CLIENT]);
    (void)close(pair[i].fd[SERVER]);
    pair[i] = pair[--pairs];
}

static void drop_all(void)
{
    while (pairs > 0)
        drop(pairs - 1);
}

static void cut(void)
{
    stop_listening();
    drop_all();
    refuse_until_ms = now_ms() + atomic_load(&refuse_ms);
    atomic_fetch_sub(&left, 1);
}

static void take(void)
{
    struct sockaddr_un at = address(postgres_socket());
    must(pairs < PAIRS_MAX, "few connections");
    struct pair *p = &pair[pairs];
    /* No process that is started meanwhile may keep them open. */
    *p = (struct pair){.fd = {accept4(listener, NULL, NULL, SOCK_CLOEXEC), socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)}};
    must(p->fd[CLIENT] >= 0 && p->fd[SERVER] >= 0, "a connection");
    must(connect(p->fd[SERVER], (struct sockaddr *)&at, sizeof at) == 0, "the server");
    pairs++;
}

/* false: the connection is over, or all are. */
static bool pass(size_t i, int from)
{
    static char data[CHUNK];
    struct pair *p = &pair[i];
    ssize_t len = recv(p->fd[from], data, sizeof data, 0);
    if (len <= 0) {
        drop(i);
        return false;
    }
    bool commit = from == CLIENT && atomic_load(&left) > 0 && memmem(data, (size_t)len, "COMMIT", 6);
    bool answer = from == SERVER && p->commits;
    if (answer || (commit && atomic_load(&place) == CUTTER_COMMIT)) {
        cut();
        return false;
    }
    p->commits = p->commits || commit;
    for (ssize_t done = 0; done < len;) {
        ssize_t sent = send(p->fd[!from], data + done, (size_t)(len - done), MSG_NOSIGNAL);
        if (sent <= 0) {
            drop(i);
            return false;
        }
        done += sent;
    }
    return true;
}

static void turn(void)
{
    struct pollfd poll_fd[1 + 2 * PAIRS_MAX];
    size_t count = pairs;
    if (listener < 0 && now_ms() >= refuse_until_ms)
        listen_again();
    poll_fd[0] = (struct pollfd){.fd = listener, .events = POLLIN};
    for (size_t i = 0; i < 2 * count; i++)
        poll_fd[1 + i] = (struct pollfd){.fd = pair[i / 2].fd[i % 2], .events = POLLIN};
    (void)poll(poll_fd, 1 + 2 * count, TURN_MS);
    /* From the last: what is dropped is replaced by one that was seen to. */
    for (size_t i = 2 * count; i-- > 0;)
        if (poll_fd[1 + i].revents != 0 && i / 2 < pairs && pair[i / 2].fd[i % 2] == poll_fd[1 + i].fd &&
            !pass(i / 2, (int)(i % 2)))
            return;
    if (poll_fd[0].revents != 0)
        take();
}

static void *cutter_main(void *context)
{
    while (!atomic_load(&ends))
        turn();
    return context;
}

void cutter_open(struct buf *url)
{
    char direct[256];
    struct buf text = buf_over(direct, sizeof direct);
    postgres_fresh(&text);
    const char *rest = strchr(direct, ' '); /* behind the host */
    must(rest, "a host");
    (void)snprintf(directory, sizeof directory, "/tmp/countersign-cutter.XXXXXX");
    must(mkdtemp(directory), "a directory");
    buf_put_text(url, "postgres:host=");
    buf_put_text(url, directory);
    buf_put_text(url, rest);
    (void)buf_text(url);
    atomic_store(&ends, false);
    atomic_store(&left, 0);
    listen_again();
    must(pthread_create(&thread, NULL, cutter_main, NULL) == 0, "a thread");
}

void cutter_close(void)
{
    atomic_store(&ends, true);
    (void)pthread_join(thread, NULL);
    stop_listening();
    drop_all();
    (void)rmdir(directory);
}

void cutter_arm(enum cutter_place where, unsigned times, int refuse)
{
    atomic_store(&place, where);
    atomic_store(&refuse_ms, refuse);
    atomic_store(&left, times);
}

unsigned cutter_left(void)
{
    return atomic_load(&left);
}
