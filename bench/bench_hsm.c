/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CY a second: the HSM process on one core, pipelined verifications from this process on another, over loopback TCP. Every answer
 * is looked at. The limit is the same frames answered in this process without a socket between.
 */
#include "cvv/cvv.h"
#include "hsm/hsm.h"
#include "keys/keys.h"
#include "support/bench.h"
#include "support/hsm_process.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEADER = 4, CARDS = 512, FRAME_MAX = 96, REPLY = 10, ROUNDS = 5, BATCHES = 250, AHEAD = 4 };

/* One batch: the frames of all cards back to back, sequence numbers 0..CARDS-1 in their headers. */
struct load {
    uint8_t bytes[CARDS * FRAME_MAX];
    size_t len;
    size_t start[CARDS + 1];
};

static void put_frame(struct load *load, size_t card, struct cvv_key *key)
{
    struct card_pan pan = {.len = 16, .digit = "4123456789012345"};
    struct code_digits code;
    struct buf b = buf_over(load->bytes + load->len, FRAME_MAX);
    pan.digit[13] = (char)('0' + card / 100);
    pan.digit[14] = (char)('0' + card / 10 % 10);
    pan.digit[15] = (char)('0' + card % 10);
    ASSERT(cvv_generate(key, &pan, "2812", "000", 3, &code) == ERR_OK);
    buf_put_u16(&b, 0);
    buf_put_decimal(&b, card, HEADER);
    buf_put_text(&b, "CYU9B4934384B19946B040CD702B4D58145");
    buf_put(&b, code.at, code.len);
    buf_put_span(&b, card_pan_span(&pan));
    buf_put_text(&b, ";2812000");
    ASSERT(buf_done(&b) == ERR_OK);
    b.at[1] = (uint8_t)(b.len - 2);
    load->start[card] = load->len;
    load->len += b.len;
}

static void make_load(struct load *load)
{
    const struct secret_key cvk = {
        16, {0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF, 0xFE, 0xDC, 0xBA, 0x98, 0x76, 0x54, 0x32, 0x10}};
    struct cvv_key key;
    ASSERT(cvv_key_load(&cvk, &key) == ERR_OK);
    for (size_t card = 0; card < CARDS; card++)
        put_frame(load, card, &key);
    load->start[CARDS] = load->len;
    cvv_key_unload(&key);
}

/* ---- the limit ---- */

struct here {
    struct hsm *hsm;
    const struct load *load;
    size_t together;
};

static void answer_here(void *context, size_t count)
{
    static uint8_t room[HSM_REPLY_MAX];
    const struct here *here = context;
    for (size_t i = 0; i < count; i++) {
        const struct load *load = here->load;
        size_t from = load->start[i % CARDS], to = load->start[i % CARDS + 1];
        struct buf reply = buf_over(room, sizeof room);
        ASSERT(hsm_answer(here->hsm, NULL, span_of(load->bytes + from + 2, to - from - 2), &reply) == ERR_OK);
        ASSERT(reply.len == REPLY - 2 && room[6] == '0' && room[7] == '0');
    }
}

/* The same, `together` frames at a time. */
static void answer_together(void *context, size_t count)
{
    static uint8_t room[HSM_REPLY_MAX];
    static struct hsm_ask ask[HSM_ASK_MAX];
    const struct here *here = context;
    for (size_t done = 0; done < count; done += here->together) {
        for (size_t i = 0; i < here->together; i++) {
            size_t card = (done + i) % CARDS, from = here->load->start[card], to = here->load->start[card + 1];
            ask[i].payload = span_of(here->load->bytes + from + 2, to - from - 2);
        }
        hsm_answer_begin(here->hsm, ask, here->together);
        for (size_t i = 0; i < here->together; i++) {
            struct buf reply = buf_over(room, sizeof room);
            ASSERT(hsm_answer_at(here->hsm, i, &reply) == ERR_OK);
            ASSERT(reply.len == REPLY - 2 && room[6] == '0' && room[7] == '0');
        }
        ASSERT(hsm_answer_end(here->hsm) == ERR_OK);
    }
}

/* From how many on it pays to answer together, and the least time for one: all are measured in turn, so that a neighbour does not
 * slow down one of them alone. */
static double least_ns(struct here *here)
{
    static const size_t sizes[] = {8, 16, 24, 32, 40, 48, 56, 64, 96, 128, 256, 512};
    enum { SIZES = sizeof sizes / sizeof *sizes, TURNS = 40, EACH = 2048 };
    double apart = 1e9, best[SIZES], least = 1e9;
    for (size_t turn = 0; turn < TURNS; turn++) {
        double now = bench_best_ns(answer_here, here, EACH, 1);
        apart = now < apart ? now : apart;
        for (size_t i = 0; i < SIZES; i++) {
            here->together = sizes[i];
            now = bench_best_ns(answer_together, here, EACH / sizes[i] * sizes[i], 1);
            best[i] = turn == 0 || now < best[i] ? now : best[i];
        }
    }
    printf("CY answered here, one by one: %.0f ns each; together:", apart);
    for (size_t i = 0; i < SIZES; i++) {
        printf(" %zu: %.0f", sizes[i], best[i]);
        least = best[i] < least ? best[i] : least;
    }
    printf("\n");
    return apart < least ? apart : least;
}

static double limit_per_second(const struct load *load)
{
    struct env env = env_system(NULL);
    struct here here = {.load = load};
    const struct hsm_config config = {.env = &env, .header = HEADER, .sockets = 64, .test_lmk = true};
    ASSERT(hsm_create(&config, &here.hsm) == ERR_OK);
    double ns = least_ns(&here);
    hsm_destroy(here.hsm);
    return 1e9 / ns;
}

/* ---- over the wire ---- */

static int dial(uint16_t port)
{
    const struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT(fd >= 0 && connect(fd, (const struct sockaddr *)&to, sizeof to) == 0);
    ASSERT(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0);
    return fd;
}

static void send_batch(int fd, const struct load *load)
{
    for (size_t at = 0; at < load->len;) {
        ssize_t sent = send(fd, load->bytes + at, load->len - at, MSG_NOSIGNAL);
        ASSERT(sent > 0);
        at += (size_t)sent;
    }
}

/* The answers to one batch, in order, each 00; made once, so that this side's core is not what is measured. */
struct answers {
    uint8_t bytes[CARDS * REPLY];
};

static void make_answers(struct answers *answers)
{
    struct buf b = buf_over(answers->bytes, sizeof answers->bytes);
    for (size_t card = 0; card < CARDS; card++) {
        buf_put_u16(&b, REPLY - 2);
        buf_put_decimal(&b, card, HEADER);
        buf_put_text(&b, "CZ00");
    }
    ASSERT(buf_done(&b) == ERR_OK);
}

static void take_batch(int fd, const struct answers *wanted)
{
    struct answers got;
    ASSERT(recv(fd, got.bytes, sizeof got.bytes, MSG_WAITALL) == (ssize_t)sizeof got.bytes);
    ASSERT(memcmp(got.bytes, wanted->bytes, sizeof got.bytes) == 0);
}

static double per_second(int fd, const struct load *load, const struct answers *wanted)
{
    int64_t start = bench_now_ns();
    for (size_t sent = 0; sent < BATCHES + AHEAD; sent++) {
        if (sent < BATCHES)
            send_batch(fd, load);
        if (sent >= AHEAD)
            take_batch(fd, wanted);
    }
    return (double)BATCHES * CARDS * 1e9 / (double)(bench_now_ns() - start);
}

static void pin(pid_t pid, unsigned cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    /* One core each where there are two; on a single core the figure is what it is. */
    (void)sched_setaffinity(pid, sizeof set, &set);
}

int main(void)
{
    static struct load load;
    static struct answers wanted;
    make_load(&load);
    make_answers(&wanted);
    struct hsm_process process = hsm_process_start(NULL);
    pin(process.pid, 0);
    pin(0, 1);
    int fd = dial(process.port);
    double best = per_second(fd, &load, &wanted);
    for (int round = 1; round < ROUNDS; round++) {
        double now = per_second(fd, &load, &wanted);
        best = now > best ? now : best;
    }
    close(fd);
    (void)hsm_process_stop(&process, SIGTERM);
    bool holds = bench_report(&(struct bench_figure){.bench = "hsm.cy",
                                                     .unit = "/s",
                                                     .limit_is = "the same frames in one process, no socket",
                                                     .value = best,
                                                     .limit = limit_per_second(&load),
                                                     .goal = 500000,
                                                     .rule = BENCH_VALUE_AT_LEAST});
    return holds ? 0 : 1;
}
