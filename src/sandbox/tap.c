/* SPDX-License-Identifier: Apache-2.0 */
/* The relay process of the tap. A connection is two directions that never wait for each other: a direction reads only when all it
 * read before has been written, so a full far end holds up its own direction alone. */
#include "sandbox/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/secret.h"
#include "sandbox/wire.h"

enum { TAP_CONNECTIONS = 64, CHUNK = 16 * 1024, FRAME = 2 + 32768, PROBE_MS = 50 };

struct direction {
    int source, target;
    size_t len, sent; /* of the chunk */
    size_t framed;    /* bytes of the frame being collected */
    uint8_t chunk[CHUNK];
    uint8_t frame[FRAME];
};

struct connection {
    bool open;
    enum sandbox_wire wire;
    struct direction side[2]; /* 0: to the far end */
};

struct relay {
    int listener[SANDBOX_WIRES]; /* -1: the far end is away */
    uint16_t near_port[SANDBOX_WIRES];
    uint16_t far_port[SANDBOX_WIRES];
    int lines; /* -1: nobody reads */
    struct connection *at;
};

static struct sockaddr_in loopback(uint16_t port)
{
    return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
}

/* port 0: any free one. */
static int listen_on(uint16_t port)
{
    struct sockaddr_in at = loopback(port);
    int one = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&at, sizeof at) == 0 && listen(fd, 64) == 0 && fcntl(fd, F_SETFL, O_NONBLOCK) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

static int connect_to(uint16_t port)
{
    struct sockaddr_in to = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

static void make_ready(int fd)
{
    int one = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    (void)fcntl(fd, F_SETFL, O_NONBLOCK);
}

/* ---- describing ---- */

static void tell(struct relay *r, enum sandbox_wire wire, bool answer, struct span frame)
{
    char room[SANDBOX_TAP_LINE];
    struct buf line = buf_over(room, sizeof room - 1);
    buf_put_byte(&line, (uint8_t)('0' + wire));
    buf_put_byte(&line, answer ? '<' : '>');
    if (!sandbox_wire_describe(wire, answer, frame, &line))
        return;
    room[line.len] = '\n';
    /* A pipe takes a line whole or not at all. */
    if (write(r->lines, room, line.len + 1) < 0 && errno == EPIPE)
        r->lines = -1;
}

/* Collects frames of LEN 2 + payload out of what passes. */
static void watch(struct relay *r, const struct connection *c, struct direction *d, struct span passed)
{
    while (passed.len > 0) {
        size_t want = d->framed < 2 ? 2 : 2 + (size_t)(d->frame[0] << 8 | d->frame[1]);
        if (want > sizeof d->frame)
            return;
        struct span part = span_slice(passed, 0, want - d->framed);
        memcpy(d->frame + d->framed, part.at, part.len);
        d->framed += part.len;
        passed = span_slice(passed, part.len, passed.len);
        want = d->framed < 2 ? 2 : 2 + (size_t)(d->frame[0] << 8 | d->frame[1]);
        if (d->framed == want) {
            if (r->lines >= 0)
                tell(r, c->wire, d == &c->side[1], span_of(d->frame + 2, want - 2));
            secret_wipe(d->frame, want);
            d->framed = 0;
        }
    }
}

/* ---- relaying ---- */

static void drop(struct connection *c)
{
    (void)close(c->side[0].source);
    (void)close(c->side[0].target);
    secret_wipe(c, sizeof *c);
}

/* First the listener: a near end that lost its connection connects again at once, and one that is let in by a listener that is
 * about to close would take itself for connected. */
static void drop_wire(struct relay *r, enum sandbox_wire wire)
{
    int listener = r->listener[wire];
    for (int waiting; listener >= 0 && (waiting = accept(listener, NULL, NULL)) >= 0;)
        (void)close(waiting);
    if (listener >= 0)
        (void)close(listener);
    r->listener[wire] = -1;
    for (size_t i = 0; i < TAP_CONNECTIONS; i++)
        if (r->at[i].open && r->at[i].wire == wire)
            drop(&r->at[i]);
}

/* The far end closed a connection. Has it closed one, or has it gone? */
static void far_closed(struct relay *r, struct connection *c)
{
    int fd = connect_to(r->far_port[c->wire]);
    if (fd < 0) {
        drop_wire(r, c->wire);
        return;
    }
    (void)close(fd);
    drop(c);
}

static void take_connection(struct relay *r, enum sandbox_wire wire)
{
    int near = accept(r->listener[wire], NULL, NULL);
    int far = near < 0 ? -1 : connect_to(r->far_port[wire]);
    struct connection *c = NULL;
    for (size_t i = 0; i < TAP_CONNECTIONS && !c; i++)
        if (!r->at[i].open)
            c = &r->at[i];
    if (far < 0 || !c) {
        if (near >= 0)
            (void)close(near);
        if (far >= 0)
            (void)close(far);
        if (near >= 0 && far < 0)
            drop_wire(r, wire);
        return;
    }
    make_ready(near);
    make_ready(far);
    c->open = true;
    c->wire = wire;
    c->side[0].source = c->side[1].target = near;
    c->side[0].target = c->side[1].source = far;
}

/* False when the connection is over. */
static bool move_bytes(struct relay *r, struct connection *c, struct direction *d)
{
    if (d->len == 0) {
        ssize_t n = recv(d->source, d->chunk, sizeof d->chunk, 0);
        if (n <= 0)
            return n < 0 && (errno == EAGAIN || errno == EINTR);
        d->len = (size_t)n;
        d->sent = 0;
        watch(r, c, d, span_of(d->chunk, d->len));
    }
    ssize_t n = send(d->target, d->chunk + d->sent, d->len - d->sent, MSG_NOSIGNAL);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    d->sent += (size_t)n;
    if (d->sent == d->len) {
        secret_wipe(d->chunk, d->len);
        d->len = 0;
    }
    return true;
}

/* Whether the far end listens again. */
static void probe(struct relay *r)
{
    for (enum sandbox_wire w = 0; w < SANDBOX_WIRES; w++) {
        int fd = r->listener[w] >= 0 ? -1 : connect_to(r->far_port[w]);
        if (fd < 0)
            continue;
        (void)close(fd);
        r->listener[w] = listen_on(r->near_port[w]);
    }
}

static void serve(struct pollfd *slot, const struct connection *c, size_t side)
{
    const struct direction *d = &c->side[side];
    *slot = d->len ? (struct pollfd){d->target, POLLOUT, 0} : (struct pollfd){d->source, POLLIN, 0};
}

static void turn(struct relay *r)
{
    struct pollfd poll_at[SANDBOX_WIRES + 2 * TAP_CONNECTIONS];
    bool away = false;
    for (enum sandbox_wire w = 0; w < SANDBOX_WIRES; w++) {
        poll_at[w] = (struct pollfd){r->listener[w], POLLIN, 0};
        away = away || r->listener[w] < 0;
    }
    for (size_t i = 0; i < TAP_CONNECTIONS; i++)
        for (size_t side = 0; side < 2; side++) {
            struct pollfd *slot = &poll_at[SANDBOX_WIRES + 2 * i + side];
            *slot = (struct pollfd){-1, 0, 0};
            if (r->at[i].open)
                serve(slot, &r->at[i], side);
        }
    (void)poll(poll_at, SANDBOX_WIRES + 2 * TAP_CONNECTIONS, away ? PROBE_MS : 1000);
    for (size_t i = 0; i < TAP_CONNECTIONS; i++)
        for (size_t side = 0; side < 2; side++) {
            struct connection *c = &r->at[i];
            if (!c->open || !poll_at[SANDBOX_WIRES + 2 * i + side].revents || move_bytes(r, c, &c->side[side]))
                continue;
            if (side == 1)
                far_closed(r, c);
            else
                drop(c);
        }
    for (enum sandbox_wire w = 0; w < SANDBOX_WIRES; w++)
        if (poll_at[w].revents && r->listener[w] >= 0)
            take_connection(r, w);
    if (away)
        probe(r);
}

static _Noreturn void relay_run(struct relay *r, pid_t parent)
{
    void *room = NULL;
    sigset_t none;
    (void)sigemptyset(&none);
    (void)signal(SIGTERM, SIG_DFL);
    (void)signal(SIGINT, SIG_DFL);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)setsid();
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent || memory_reserve(TAP_CONNECTIONS, sizeof(struct connection), &room) != ERR_OK ||
        secret_process_harden() != ERR_OK)
        _exit(127);
    r->at = room;
    for (;;)
        turn(r);
}

/* ---- our side ---- */

static enum err open_listeners(struct relay *r, struct sandbox_tap *tap)
{
    for (enum sandbox_wire w = 0; w < SANDBOX_WIRES; w++) {
        struct sockaddr_in at;
        socklen_t len = sizeof at;
        r->listener[w] = listen_on(0);
        if (r->listener[w] < 0 || getsockname(r->listener[w], (struct sockaddr *)&at, &len) != 0)
            return ERR_SYSTEM;
        tap->port[w] = r->near_port[w] = ntohs(at.sin_port);
    }
    return ERR_OK;
}

enum err sandbox_tap_start(struct sandbox_tap *tap, const uint16_t far[static SANDBOX_WIRES])
{
    struct relay r = {.lines = -1};
    int ends[2];
    pid_t parent = getpid();
    *tap = (struct sandbox_tap){.lines = -1};
    memcpy(r.far_port, far, sizeof r.far_port);
    TRY(open_listeners(&r, tap));
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
        return ERR_SYSTEM;
    pid_t pid = fork();
    if (pid == 0) {
        (void)close(ends[0]);
        r.lines = ends[1];
        relay_run(&r, parent);
    }
    for (enum sandbox_wire w = 0; w < SANDBOX_WIRES; w++)
        (void)close(r.listener[w]);
    (void)close(ends[1]);
    tap->lines = ends[0];
    tap->child = (struct sandbox_child){.pid = pid < 0 ? 0 : pid};
    return pid < 0 ? ERR_SYSTEM : ERR_OK;
}

void sandbox_tap_stop(struct sandbox_tap *tap)
{
    sandbox_child_stop(&tap->child, 500);
    if (tap->lines >= 0)
        (void)close(tap->lines);
    tap->lines = -1;
}

/* Takes the first whole line out of what has been read. */
static bool line_cut(struct sandbox_tap *tap, struct sandbox_tap_line *out)
{
    char *end = memchr(tap->left, '\n', tap->left_len);
    if (!end)
        return false;
    size_t len = (size_t)(end - tap->left);
    enum sandbox_wire wire = (enum sandbox_wire)(tap->left[0] - '0');
    bool answer = tap->left[1] == '<';
    out->from = sandbox_wire_end(wire, answer);
    out->to = sandbox_wire_end(wire, !answer);
    memcpy(out->text, tap->left + 2, len - 2);
    out->text[len - 2] = '\0';
    tap->left_len -= len + 1;
    memmove(tap->left, end + 1, tap->left_len);
    return true;
}

bool sandbox_tap_read(struct sandbox_tap *tap, int wait_ms, struct sandbox_tap_line *out)
{
    if (line_cut(tap, out))
        return true;
    struct pollfd p = {tap->lines, POLLIN, 0};
    if (tap->lines < 0 || poll(&p, 1, wait_ms) <= 0)
        return false;
    ssize_t n = read(tap->lines, tap->left + tap->left_len, sizeof tap->left - tap->left_len);
    if (n <= 0)
        return false;
    tap->left_len += (size_t)n;
    return line_cut(tap, out);
}
