/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections: one loop, framed TCP in batches. The event library stays behind this door.
 *
 * Purpose    A loop thread reads all connections, hands over every complete frame of the turn as one batch, calls the service's
 *            turn hook, and writes each connection's answers with one write.
 * Ownership  The loop owns its servers, clients, timers and watches and everything in them; net_loop_destroy releases all. A
 *            frame's bytes are borrowed for the time of the `frames` call and are wiped after it; sent bytes are copied, and wiped
 *            once written.
 * Threading  Everything belongs to the loop's thread, except net_loop_wake, which any thread (and queue wake hook) may call.
 * Failure    A frame shorter or longer than its rule ends reading; the connection closes when the frames before it are answered.
 *            net_*_send gives ERR_CLOSED for a
 *            connection that is gone and ERR_BUSY when the write buffer is full; nothing of the frame is written then.
 * Limits     Slots and the addresses of buffers are reserved at start; a buffer is resident while it holds something. When a
 *            server is full, or an address has its share, the connection that has been without a complete frame for longest, and
 *            waits for no answer, makes room for the next one; where there is none, the next one is closed at once. Handshakes
 *            have places of their own. Descriptors that run out stop accepting, until there are some again. Reading pauses while
 *            the write buffer could not take `reply_room` bytes for each frame of the batch. In a turn every connection is read
 *            to the same share.
 *
 * Order of one turn: timers -> read what arrived -> frames (batches) -> turn hook -> write.
 *
 * Example
 *     static void echo(void *context, const struct net_frame *frame, size_t count)
 *     {
 *         struct service *s = context;
 *         for (size_t i = 0; i < count; i++)
 *             if (net_server_send(s->server, frame[i].peer, &frame[i].payload, 1) != ERR_OK)
 *                 net_server_close(s->server, frame[i].peer);
 *     }
 */
#ifndef NET_NET_H
#define NET_NET_H

#include "base/buf.h"
#include "base/env.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct net_loop;
struct net_server;
struct net_client;

/* One line for people about what stopped a start: "127.0.0.1:1500: address already in use". */
struct net_problem {
    char text[512];
};

/* ---- loop ---- */

enum { NET_NEVER_US = 0 }; /* a turn hook's answer: no deadline */

struct net_loop_config {
    const struct env *env;
    /* Called once in every turn, after the frames; returns the next deadline (monotonic microseconds) or NET_NEVER_US.
     * May be NULL. */
    int64_t (*turn)(void *context);
    /* SIGTERM, SIGINT or SIGHUP arrived. NULL: signals are left alone. */
    void (*signal)(void *context, int signum);
    /* True while the service has work of its own under way: a drain waits for it, too. NULL: never. */
    bool (*busy)(void *context);
    void *context;
};

MUST_USE enum err net_loop_create(const struct net_loop_config *config, struct net_loop **out);
/* Runs until net_loop_stop or the end of a drain. */
MUST_USE enum err net_loop_run(struct net_loop *loop);
/* One turn: waits at most until something happens if `wait`. For tests and simulators. */
void net_loop_turn(struct net_loop *loop, bool wait);
void net_loop_stop(struct net_loop *loop);
/* Makes a turn happen soon. Any thread. `loop` is a struct net_loop; the type fits a queue's wake hook. */
void net_loop_wake(void *loop);
/* Listeners close and nothing more is read; a connection closes when as many frames were sent on it as it received and all is
 * written. When that is so of all, and `busy` is not, or after grace_ms, the loop stops. */
void net_loop_drain(struct net_loop *loop, uint32_t grace_ms);
/* Calls `tick` every `period_ms`, first after `first_ms`; at most 8 of them. */
MUST_USE enum err net_loop_every(struct net_loop *loop, uint32_t first_ms, uint32_t period_ms, void (*tick)(void *context),
                                 void *context);
/* A descriptor of a library, such as the one of store/reader.h: what happens on it makes the loop turn. One watch a library, at
 * most 8. */
struct net_watch;
MUST_USE enum err net_watch_create(struct net_loop *loop, struct net_watch **out);
/* From now on `fd` is watched and the one before is not; -1: none. `watch` is a struct net_watch. Whoever is called in the turn
 * must read, or the loop turns again at once. A descriptor may be closed while it is watched. */
void net_watch_set(void *watch, int fd, bool readable, bool writable);
/* Closes and releases everything. */
void net_loop_destroy(struct net_loop *loop);

/* ---- frames ---- */

enum net_framing_kind {
    NET_LEN2, /* two bytes big-endian, not counting themselves, then the payload */
    NET_HEAD, /* everything up to and with an empty line (CR LF CR LF); sent as it is */
};
struct net_framing {
    enum net_framing_kind kind;
    uint32_t min; /* payload bytes; less ends reading */
    uint32_t max; /* more ends reading */
};

/* Names one connection, never a later one in the same slot. */
struct net_peer {
    uint32_t slot;
    uint32_t generation;
};
struct net_frame {
    struct net_peer peer;
    struct span payload; /* without the length */
};

struct net_events {
    /* All complete frames of this turn in order of arrival per connection, at most NET_BATCH_MAX a call. Frames of a peer that is
     * closed within the call may still follow in it. */
    void (*frames)(void *context, const struct net_frame *frame, size_t count);
    /* Write space to set aside for the answer to a frame beyond its own length, and how many frames it counts for in `turn_frames`;
     * NULL: sizes.reply_room, and one. */
    size_t (*room)(void *context, struct span payload, uint32_t *weight);
    void (*opened)(void *context, struct net_peer peer); /* may be NULL */
    void (*closed)(void *context, struct net_peer peer); /* may be NULL; may come out of net_*_send or _close */
    void (*failed)(void *context, const char *why);      /* a connection did not come about; may be NULL */
    void (*released)(void *context); /* the loop is destroyed, or creation failed: nothing will be called any more; may be NULL */
    void *context;
};
enum { NET_BATCH_MAX = 1024 };

/* Sizes of one connection. Both buffers hold at least one largest frame with its length. */
struct net_sizes {
    uint32_t read;
    uint32_t write;
    uint32_t reply_room; /* write space set aside for each frame beyond the frame's own length before it is handed over */
};

/* ---- TLS ---- */

/* TLS 1.2 with ECDHE and AEAD alone, and TLS 1.3; no renegotiation, no compression, no resumption. Both sides show a certificate.
 * All files are PEM; texts are copied. */
struct net_tls_config {
    const char *certificate; /* the own one first, then its chain */
    const char *key;         /* without a passphrase, closed to others */
    const char *ca;          /* authorities from which the peer's certificate must come */
    const char *crl;         /* revocation lists of all of them; NULL or empty: none is asked for */
    const char *name;        /* client: DNS name or IP address that the server must prove; NULL or empty: the host of the address */
    uint32_t handshake_ms;   /* a connection that is not through by then is closed; 0: 10 s */
};

/* ---- server ---- */

struct net_server_config {
    const char *name;   /* in logs */
    const char *listen; /* "ADDR:PORT", "[ADDR6]:PORT", "localhost:PORT"; port 0 takes any free one */
    struct net_framing framing;
    struct net_sizes sizes;
    uint32_t connections;
    uint32_t turn_frames; /* of a connection in a turn; what it sent beyond that waits for the next; 0: no limit */
    uint32_t handshakes;  /* TLS: connections that are not through; the oldest makes room. 0: as many as connections */
    uint32_t per_address; /* connections of one address, handshakes included; 0: no limit of its own */
    uint32_t idle_ms;     /* a connection that sends nothing for so long is closed; 0 = never */
    uint32_t frame_ms;    /* from the first byte of a frame to its last; 0 = any */
    uint32_t keepalive_s; /* silence after which TCP asks whether the peer is there; 0 = never */
    struct net_events events;
    const struct net_tls_config *tls; /* NULL: plain TCP. `opened` comes after the handshake */
};

/* A peer's slot is below this: a few more than there are places, for those whose handles are not closed yet. */
uint32_t net_server_slots(const struct net_server_config *config);
MUST_USE enum err net_server_create(struct net_loop *loop, const struct net_server_config *config, struct net_server **out,
                                    struct net_problem *problem);
/* One frame from its parts; the length is put before it by the framing rule. */
MUST_USE enum err net_server_send(struct net_server *server, struct net_peer peer, const struct span *part, size_t count);
/* One frame of the connection gets no answer: whoever waits for answers before it closes need not wait for this one. */
void net_server_waive(struct net_server *server, struct net_peer peer);
/* Closes after what was sent so far is written. */
void net_server_close(struct net_server *server, struct net_peer peer);
/* Closes at once: what is not on the wire is lost. */
void net_server_kill(struct net_server *server, struct net_peer peer);
/* The port really listened on. */
uint16_t net_server_port(const struct net_server *server);
/* Connections open now. */
size_t net_server_count(const struct net_server *server);
/* "ADDR:PORT" of the other side; empty when it is gone. */
void net_server_peer_name(const struct net_server *server, struct net_peer peer, char out[static 64]);
/* Who the other side has proved to be: the one common name of its certificate's subject or, where that has none, the first DNS
 * name of its alternative names. Printable, never empty over TLS; empty on plain TCP and when the peer is gone. */
enum { NET_IDENTITY_SIZE = 72 };
void net_server_peer_identity(const struct net_server *server, struct net_peer peer, char out[static NET_IDENTITY_SIZE]);

/* Reads certificates, key, authorities and revocation lists again, for connections from now on; after a failure, told in `problem`,
 * everything stays as it was. Plain TCP: nothing to do. */
MUST_USE enum err net_server_tls_reload(struct net_server *server, struct net_problem *problem);

struct net_counters {
    uint64_t accepted, refused, closed, frames_in, frames_out, bad_frames, bytes_in, bytes_out, writes;
    uint64_t evicted;           /* closed for another one */
    uint64_t handshakes_failed; /* each is logged with its reason, at most 20 a second */
};
struct net_counters net_server_counters(const struct net_server *server);

/* ---- client: one connection that is kept up ---- */

struct net_client_config {
    const char *name;
    const char *address; /* "ADDR:PORT" */
    struct net_framing framing;
    struct net_sizes sizes;
    struct net_events events;         /* the peer's slot is 0 */
    const struct net_tls_config *tls; /* NULL: plain TCP */
};

/* Connects at once and again after a loss: 1, 2, 4 ... 30 s with jitter; the first attempt after a loss is immediate. */
MUST_USE enum err net_client_create(struct net_loop *loop, const struct net_client_config *config, struct net_client **out,
                                    struct net_problem *problem);
MUST_USE enum err net_client_send(struct net_client *client, const struct span *part, size_t count);
bool net_client_up(const struct net_client *client);
/* Drops the connection; it is opened again as after a loss. */
void net_client_reconnect(struct net_client *client);
/* As net_server_tls_reload. */
MUST_USE enum err net_client_tls_reload(struct net_client *client, struct net_problem *problem);
struct net_counters net_client_counters(const struct net_client *client);

#endif
