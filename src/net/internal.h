/* SPDX-License-Identifier: Apache-2.0 */
/* The loop and addresses. loop.c drives groups of streams (net/stream/stream.h) in phases; server.c and client.c open and close. */
#ifndef NET_INTERNAL_H
#define NET_INTERNAL_H

#include "net/net.h"
#include "net/turns.h"

#include <uv.h>

struct net_group;
struct net_stream;

enum {
    NET_TIMERS_MAX = 8,
    NET_WATCHES_MAX = 8,
    NET_SIGNALS = 3,
    NET_CIPHER_SIZE = 64 * 1024,
};

struct net_timer {
    uv_timer_t uv;
    struct net_loop *loop;
    void (*tick)(void *context);
    void *context;
};

struct net_watch {
    uv_poll_t poll;
    struct net_loop *loop;
    int set; /* of the kernel's, with at most one descriptor in it */
    int fd;
};

struct net_loop {
    uv_loop_t uv;
    uv_async_t wake;
    uv_prepare_t prepare;
    uv_check_t check;
    uv_timer_t deadline;
    uv_timer_t housekeeping;
    uv_timer_t grace;
    uv_signal_t signal[NET_SIGNALS];
    struct net_timer timer[NET_TIMERS_MAX];
    size_t timer_count;
    struct net_watch watch[NET_WATCHES_MAX];
    size_t watch_count;
    struct net_loop_config config;
    struct net_group *group;
    struct net_stream *unsent; /* in the order in which they were answered: nobody is last in every turn */
    struct net_stream *unsent_last;
    int64_t armed_us; /* deadline the timer is set for; 0 = not set */
    bool due;         /* the turn hook must run before the next wait */
    bool draining;
    bool destroying;
    uint64_t turn;
    struct net_turns turns; /* how long they were */
    size_t files;           /* connections of all servers */
    size_t files_max;       /* of them that descriptors allow; SIZE_MAX: all */
    size_t readers;         /* streams read in this turn */
    size_t quantum;         /* bytes a stream may be read in a turn */
    size_t promised;        /* sum of the shares of this turn */
    struct net_frame frame[NET_BATCH_MAX];
    uint8_t cipher[NET_CIPHER_SIZE]; /* what a TLS stream received; used up at once */
};

/* ---- loop.c ---- */

void net_loop_add(struct net_loop *loop, struct net_group *group);
int64_t net_loop_now_us(const struct net_loop *loop);
void net_loop_log(struct net_loop *loop, enum log_level level, const char *event, const struct net_group *group,
                  const char *reason);

/* ---- watch.c: after the loop is closed ---- */

void net_watch_close_all(struct net_loop *loop);

/* ---- address.c ---- */

enum err net_address_resolve(const char *text, bool passive, struct sockaddr_storage *out, struct net_problem *problem);
/* The host of "HOST:PORT", without brackets; the text was resolved before. */
void net_address_host(const char *text, char out[static 128]);
void net_address_text(const struct sockaddr_storage *address, char out[static 64]);
void net_problem_set(struct net_problem *problem, const char *subject, const char *reason);

#endif
