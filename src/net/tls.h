/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the room: TLS between the bytes of the wire and the bytes of frames; the library stays behind this door.
 *
 * Purpose    A net_tls is the certificates and rules of one server or client; a net_tls_session is one connection. The session is
 *            fed with what was received and writes records to its wire; it knows no socket.
 * Ownership  net_tls_create and net_tls_session_open own what they make. Fed bytes are borrowed until the next call that waits.
 * Threading  The loop's thread.
 * Failure    Certificates and keys are refused with file, reason and what to do. A session that failed stays failed; its reason is
 *            one line without secrets.
 * Limits     Texts of a configuration up to NET_TLS_TEXT - 1 bytes.
 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include "net/net.h"

#include <sys/types.h>

enum {
    NET_TLS_TEXT = 256,
    NET_TLS_RECORD = 18 * 1024 + 512, /* a record of 16 KiB with all that TLS 1.2 allows around it */
};

struct net_tls;
struct ssl_st;

MUST_USE enum err net_tls_create(const struct net_tls_config *config, bool is_server, const char *host, struct net_tls **out,
                                 struct net_problem *problem);
/* Reads the files again, for sessions opened from now on; after a failure everything stays as it was. */
MUST_USE enum err net_tls_reload(struct net_tls *tls, struct net_problem *problem);
uint32_t net_tls_handshake_ms(const struct net_tls *tls);
void net_tls_release(struct net_tls *tls);

struct net_tls_session {
    struct ssl_st *ssl;
    struct span fed; /* what the library has not taken yet */
    /* How many bytes the wire took: 0 none now, below 0 it is broken. */
    ssize_t (*wire)(void *context, struct span bytes);
    void *context;
    const char *reason; /* why it failed */
};

enum net_tls_step {
    NET_TLS_DONE,
    NET_TLS_WAIT, /* for bytes to be fed, or for the wire to take some */
    NET_TLS_ENDED,
    NET_TLS_FAILED,
};

MUST_USE enum err net_tls_session_open(struct net_tls *tls, struct net_tls_session *session);
void net_tls_session_close(struct net_tls_session *session);
enum net_tls_step net_tls_shake(struct net_tls_session *session);
/* DONE: *got bytes were put to `to`. */
enum net_tls_step net_tls_read(struct net_tls_session *session, uint8_t *to, size_t room, size_t *got);
/* DONE: *taken bytes are on the wire. After WAIT the same bytes are given again, others may follow them. */
enum net_tls_step net_tls_write(struct net_tls_session *session, struct span bytes, size_t *taken);
/* Tells the peer that nothing follows. */
void net_tls_notify(struct net_tls_session *session);
/* As net_server_peer_identity; false: the certificate carries no usable name. */
bool net_tls_identity(struct net_tls_session *session, char out[static NET_IDENTITY_SIZE]);

#endif
