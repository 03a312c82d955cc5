/* SPDX-License-Identifier: Apache-2.0 */
/* The lab's messages, sockets and load. */
#include "support/lab.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static _Noreturn void die(const char *what)
{
    (void)fprintf(stderr, "lab: %s (%s)\n", what, strerror(errno));
    exit(1);
}

const struct iso8583_profile *lab_profile(int link)
{
    return link == LAB_VISA ? &iso8583_profile_visa_base1 : &iso8583_profile_iso87_ascii;
}

void lab_request(struct iso8583_message *m, int link, size_t n, uint64_t trace, int64_t amount, const char *code)
{
    struct iso8583_code presented = {.presence = ISO8583_CODE_PRESENT, .result_wanted = true, .digits = {.len = 3}};
    char pan[17];
    lab_pan(n, pan);
    iso8583_message_init(m, ISO8583_AUTHORISATION);
    iso8583_set_text(m, ISO8583_PAN, pan);
    iso8583_set_text(m, ISO8583_PROCESSING_CODE, "000000");
    iso8583_set_decimal(m, ISO8583_AMOUNT, (uint64_t)amount, 12);
    iso8583_set_text(m, ISO8583_TRANSMISSION, "1121043000");
    iso8583_set_decimal(m, ISO8583_STAN, trace % 1000000, 6);
    iso8583_set_text(m, ISO8583_TIME_LOCAL, "043000");
    iso8583_set_text(m, ISO8583_DATE_LOCAL, "1121");
    iso8583_set_text(m, ISO8583_EXPIRY, "2912");
    iso8583_set_text(m, ISO8583_MCC, "5999");
    iso8583_set_text(m, ISO8583_ENTRY_MODE, link == LAB_VISA ? "0100" : "010");
    iso8583_set_text(m, ISO8583_CONDITION, amount == 0 ? "51" : "59");
    iso8583_set_text(m, ISO8583_ACQUIRER, "12345678901");
    iso8583_set_decimal(m, ISO8583_RRN, trace, 12);
    iso8583_set_text(m, ISO8583_TERMINAL, "TERM0001");
    iso8583_set_text(m, ISO8583_MERCHANT, "MERCHANT0000001");
    iso8583_set_text(m, ISO8583_CURRENCY, "036");
    if (!code)
        return;
    memcpy(presented.digits.at, code, 3);
    if (iso8583_code_write(link == LAB_VISA ? ISO8583_EXTRACT_VISA_126_10 : ISO8583_EXTRACT_GENERIC_126_10, &presented, m) !=
        ERR_OK)
        die("the code cannot be written");
}

size_t lab_frame(int link, const struct iso8583_message *m, uint8_t *out, size_t cap)
{
    struct buf frame = buf_over(out, cap);

    if (iso8583_build(lab_profile(link), m, &frame) != ERR_OK)
        die("the request cannot be built");
    return frame.len;
}

int lab_connect(const struct lab *lab, size_t node, int link)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(lab->port[node][link])};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;

    if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof at) != 0)
        die("no switch");
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

void lab_send(int fd, const void *payload, size_t len)
{
    uint8_t room[4096];
    if (len + 2 > sizeof room)
        die("the frame is too long");
    room[0] = (uint8_t)(len >> 8);
    room[1] = (uint8_t)len;
    memcpy(room + 2, payload, len);
    if (write(fd, room, len + 2) != (ssize_t)(len + 2))
        die("cannot send");
}

static bool receive_exactly(int fd, int wait_ms, uint8_t *out, size_t len)
{
    for (size_t got = 0; got < len;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        ssize_t n = poll(&p, 1, wait_ms) > 0 ? read(fd, out + got, len - got) : 0;

        if (n <= 0)
            return false;
        got += (size_t)n;
    }
    return true;
}

bool lab_receive(int fd, int wait_ms, uint8_t *out, size_t cap, size_t *len)
{
    uint8_t head[2];
    if (!receive_exactly(fd, wait_ms, head, 2))
        return false;
    *len = (size_t)(head[0] << 8 | head[1]);
    return *len <= cap && receive_exactly(fd, wait_ms, out, *len);
}

void lab_call(const struct lab *lab, int link, const struct iso8583_message *request, struct iso8583_message *answer)
{
    uint8_t frame[ISO8583_FRAME_MAX];
    int fd = lab_connect(lab, 0, link);
    size_t len = lab_frame(link, request, frame, sizeof frame);
    lab_send(fd, frame, len);
    if (!lab_receive(fd, 8000, frame, sizeof frame, &len))
        die("no answer");
    if (iso8583_parse(lab_profile(link), span_of(frame, len), answer, NULL) != ERR_OK)
        die("the answer cannot be read");
    (void)close(fd);
}

/* ---- load ---- */

enum { CONNECTIONS_MAX = 64, ROOM = 256 * 1024 };

struct connection {
    int fd;
    size_t in_flight;
    size_t out_at, out_len, in_len;
    uint8_t out[ROOM], in[ROOM];
};

struct load_state {
    const struct lab_load *load;
    size_t next, answered;
};

static void fill(struct load_state *s, struct connection *c)
{
    const struct lab_load *load = s->load;

    if (c->out_at == c->out_len)
        c->out_at = c->out_len = 0;
    while (c->in_flight < load->window && s->next < load->count && c->out_len + ISO8583_FRAME_MAX + 2 < ROOM) {
        uint8_t *at = c->out + c->out_len;
        size_t len = load->frame(load->context, s->next++, at + 2, ISO8583_FRAME_MAX);

        at[0] = (uint8_t)(len >> 8);
        at[1] = (uint8_t)len;
        c->out_len += len + 2;
        c->in_flight++;
    }
}

static void drain(struct connection *c)
{
    while (c->out_at < c->out_len) {
        ssize_t n = write(c->fd, c->out + c->out_at, c->out_len - c->out_at);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (n <= 0)
            die("the switch closed");
        c->out_at += (size_t)n;
    }
}

static void take(struct load_state *s, struct span frame)
{
    uint64_t i = 0;
    struct iso8583_message answer;
    if (iso8583_parse(lab_profile(s->load->link), frame, &answer, NULL) != ERR_OK ||
        span_decimal(iso8583_get(&answer, ISO8583_RRN), &i) != ERR_OK || i >= s->load->count)
        die("an answer cannot be read");
    s->load->answer(s->load->context, (size_t)i, &answer);
    s->answered++;
}

static void absorb(struct load_state *s, struct connection *c)
{
    ssize_t n = read(c->fd, c->in + c->in_len, ROOM - c->in_len);
    size_t at = 0;

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0)
        die("the switch closed");
    c->in_len += (size_t)n;
    while (c->in_len - at >= 2) {
        size_t len = (size_t)(c->in[at] << 8 | c->in[at + 1]);

        if (c->in_len - at < len + 2)
            break;
        take(s, span_of(c->in + at + 2, len));
        c->in_flight--;
        at += len + 2;
    }
    memmove(c->in, c->in + at, c->in_len - at);
    c->in_len -= at;
}

static int64_t now_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t lab_load_run(const struct lab *lab, const struct lab_load *load)
{
    struct load_state s = {.load = load};
    struct connection *c = calloc(load->connections, sizeof *c);
    int64_t began = now_ns();
    if (!c || load->connections > CONNECTIONS_MAX)
        die("too many connections");
    for (size_t i = 0; i < load->connections; i++) {
        c[i].fd = lab_connect(lab, i % lab->nodes, load->link);
        (void)fcntl(c[i].fd, F_SETFL, O_NONBLOCK);
    }
    struct pollfd p[CONNECTIONS_MAX];
    while (s.answered < load->count) {
        for (size_t i = 0; i < load->connections; i++) {
            /* Half a window at a time: one write for many frames. */
            if (c[i].in_flight <= load->window / 2)
                fill(&s, &c[i]);
            drain(&c[i]);
            p[i] = (struct pollfd){.fd = c[i].fd, .events = (short)(POLLIN | (c[i].out_at < c[i].out_len ? POLLOUT : 0))};
        }
        if (poll(p, load->connections, 10000) <= 0)
            die("no answers for ten seconds");
        for (size_t i = 0; i < load->connections; i++)
            if (p[i].revents & (POLLIN | POLLHUP | POLLERR))
                absorb(&s, &c[i]);
    }
    began = now_ns() - began;
    for (size_t i = 0; i < load->connections; i++)
        (void)close(c[i].fd);
    free(c);
    return began;
}
