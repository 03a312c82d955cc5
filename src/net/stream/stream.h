/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream is one connection with its two buffers; a group is what the streams of a server, or the one of a client, have in common.
 * Inside the room.
 *
 * Purpose    Moves bytes: from the wire to frames, from answers to the wire, through TLS where the group has it. The loop delivers
 *            and flushes in phases; server.c and client.c make groups.
 * Ownership  A group owns its streams, which are slots reserved at start. Buffers are lent by the group's pools while they hold
 *            something. A handle belongs to the event library from net_stream_open until `gone` is called.
 * Threading  The loop's thread.
 * Failure    A stream that breaks its framing, or whose peer is gone, is closed; the owner learns it from its events.
 * Limits     Reading stops while the write buffer has no room for an answer; all streams together read NET_QUANTUM_SUM in a turn.
 */
#ifndef NET_STREAM_STREAM_H
#define NET_STREAM_STREAM_H

#include "net/pool.h"
#include "net/tls.h"

#include <uv.h>

enum {
    NET_HALF_CLOSED_MS = 60000,
    NET_QUANTUM_MIN = 4096,
    NET_QUANTUM_TLS = 4 * NET_TLS_RECORD, /* records cut by a share cost the library a buffer for all of each */
    NET_QUANTUM_SUM = 4 * 1024 * 1024,    /* bytes read in a turn, shared by the connections that send */
    NET_REFUSALS_LOGGED = 20,             /* a second */
    NET_LINGER_MS = 300,
    NET_ADDRESS_LEN = 16,
    NET_LINGER_LOOK_MS = 50, /* how often a drain looks after those that linger */
};

enum net_state {
    NET_FREE,    /* the slot is unused */
    NET_SHAKING, /* TLS: the owner does not know of it yet */
    NET_OPEN,
    NET_CLOSING,   /* no more frames in or out; what is queued is written */
    NET_LINGERING, /* all is written and the peer was told; what it still sends is thrown away until it closes. Closing with bytes
                      unread would reset the connection, and answers on their way would be lost with it */
    NET_DEAD,      /* waiting for the event library to let go of the handle */
};

struct net_group;

struct net_stream {
    struct net_group *group;
    uv_tcp_t tcp;
    uv_write_t write;
    enum net_state state;
    uint32_t slot;
    uint32_t generation;
    uint32_t owed;  /* frames delivered that no frame was sent for */
    bool announced; /* the owner knows of it */
    bool spoke;     /* something was received */
    bool left;      /* the peer closed its side */
    bool notified;  /* TLS: the peer was told that nothing follows */
    bool reading;
    bool ended;      /* the peer sends no more, or we are draining */
    bool bad;        /* a malformed frame is next */
    bool limited;    /* frames wait for room in the write buffer */
    bool listed_in;  /* in group->arrived */
    bool listed_out; /* in loop->unsent */
    int64_t heard_us;
    int64_t served_us;                /* opened, or the last complete frame */
    int64_t begun_us;                 /* a frame is read in part since then; 0: none */
    uint8_t from[NET_ADDRESS_LEN];    /* servers: the peer's address */
    char identity[NET_IDENTITY_SIZE]; /* what its certificate proves */
    struct net_tls_session tls;
    uint64_t turn;        /* the last one it was read in */
    size_t turn_len;      /* bytes read in it */
    size_t turn_share;    /* bytes it may be read in it */
    uint64_t handed_turn; /* the last one in which frames of it were handed over */
    uint32_t handed;      /* in it, by weight */
    bool spent;           /* it had all the frames of its turn */
    /* Borrowed while they hold something. */
    uint8_t *in;
    size_t in_len;
    size_t in_high;  /* the most it held since it was borrowed */
    size_t in_taken; /* handed over in this batch */
    uint8_t *out;
    size_t out_start;
    size_t out_end;
    size_t out_high;
    uint8_t *spill; /* TLS: what of a record the wire did not take */
    size_t writing; /* bytes from out_start, or of the spill, that the event library holds */
    struct net_stream *next_in;
    struct net_stream *next_out;
};

struct net_group {
    struct net_loop *loop;
    struct net_group *next;
    const char *name;
    struct net_framing framing;
    struct net_sizes sizes;
    struct net_events events;
    struct net_counters counters;
    struct net_tls *tls; /* NULL: plain TCP */
    struct net_pool in, out, spill;
    int64_t refusal_us; /* the second in which refusals are counted for the log */
    uint32_t refusals;
    struct net_stream *arrived; /* streams that may have complete frames, in the order in which they were heard */
    struct net_stream *arrived_last;
    struct net_stream *later; /* streams whose further frames wait for the next turn */
    struct net_stream *later_last;
    struct net_stream *stream; /* all of them, open or not */
    size_t stream_count;
    size_t open;
    size_t shaking; /* not announced yet */
    size_t lingering;
    bool is_server;
    uint32_t turn_frames; /* of a connection in a turn; 0: no limit */
    uint32_t idle_ms;
    uint32_t frame_ms;
    bool (*room)(struct net_group *group);  /* for one more open connection; may be NULL */
    void (*tick)(struct net_group *group);  /* every second; may be NULL */
    void (*ready)(struct net_group *group); /* a connection is open, before the owner is told; may be NULL */
    void (*gone)(struct net_group *group, struct net_stream *stream); /* the handle is released */
    void (*release)(struct net_group *group);
    uv_handle_t *listener; /* servers, until the drain */
};

/* ---- stream.c: life of a connection ---- */

enum err net_group_reserve(struct net_group *group, size_t streams, struct net_problem *problem);
void net_group_release(struct net_group *group);
struct net_stream *net_group_find(const struct net_group *group, struct net_peer peer);
/* The handle is connected: start reading, shake hands, tell the owner. */
void net_stream_open(struct net_stream *stream);
void net_stream_close(struct net_stream *stream);
/* At once; what was queued is lost. */
void net_stream_kill(struct net_stream *stream);
/* Tells the owner that the connection is closed. */
void net_stream_retire(struct net_stream *stream);
/* Closes it once everything owed is sent. */
void net_stream_end(struct net_stream *stream);
bool net_stream_end_reached(const struct net_stream *stream);
static inline struct net_peer net_stream_peer(const struct net_stream *s)
{
    return (struct net_peer){s->slot, s->generation};
}

/* ---- read.c: from the wire to frames ---- */

void net_group_deliver(struct net_group *group);
void net_stream_list_in(struct net_stream *stream);
/* Reads or stops reading, as the stream has room. */
void net_stream_adjust(struct net_stream *stream);
void net_stream_stop_reading(struct net_stream *stream);
/* All is written: tells the peer and waits for it to close, NET_LINGER_MS at most. False: there is nothing to wait for. */
bool net_stream_linger(struct net_stream *stream);
/* Gives back what an open stream does not need. */
void net_stream_trim(struct net_stream *stream);
static inline size_t net_prefix_len(const struct net_group *g)
{
    return g->framing.kind == NET_LEN2 ? 2 : 0;
}

/* ---- write.c: from answers to the wire ---- */

enum err net_stream_send(struct net_stream *stream, const struct span *part, size_t count);
void net_stream_flush(struct net_stream *stream);
/* Bytes that may still be sent before the peer takes some. */
size_t net_stream_room(const struct net_stream *stream);
bool net_stream_written(const struct net_stream *stream);
/* All is written and the stream is to be closed. */
void net_stream_finish(struct net_stream *stream);

/* ---- records.c: handshake, records ---- */

void net_stream_shake(struct net_stream *stream);
void net_stream_refuse(struct net_stream *stream, const char *reason);
/* What was received is in loop->cipher. */
void net_stream_decipher(struct net_stream *stream, size_t len);
/* Puts what is to be sent on the wire; true when the wire has all of it. */
bool net_stream_encipher(struct net_stream *stream);
/* The wire of a session. */
ssize_t net_stream_wire(void *stream, struct span bytes);

#endif
