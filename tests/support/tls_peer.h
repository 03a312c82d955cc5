/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TLS client of its own over a blocking socket, for tests of the server: what it offers and how its bytes are cut is the test's
 * choice.
 */
#ifndef SUPPORT_TLS_PEER_H
#define SUPPORT_TLS_PEER_H

#include "base/buf.h"

#include <openssl/ssl.h>

struct tls_peer_offer {
    const char *name;   /* of the certificate; NULL: none */
    int version;        /* TLS1_2_VERSION ...; 0: any */
    const char *suites; /* of TLS 1.2 and before; NULL: the library's */
    size_t chunk;       /* bytes a write; 0: as they come */
};

struct tls_peer {
    SSL *ssl;
    SSL_CTX *context;
    int fd;
    size_t chunk;
};

/* True when the handshake went through; with TLS 1.3 the server may still refuse. */
bool tls_peer_open(struct tls_peer *peer, uint16_t port, const struct tls_peer_offer *offer);
void tls_peer_close(struct tls_peer *peer);
/* One len2 frame. */
void tls_peer_send(struct tls_peer *peer, struct span payload);
void tls_peer_write(struct tls_peer *peer, const void *at, size_t len);
/* Tells that nothing follows. */
void tls_peer_end(struct tls_peer *peer);
/* Exactly `len` bytes; false when the server ended or refused before. */
bool tls_peer_receive(struct tls_peer *peer, void *at, size_t len);
bool tls_peer_receive_frame(struct tls_peer *peer, uint8_t *out, size_t cap, size_t *len);
/* Sends what the library has to say. */
void tls_peer_push(struct tls_peer *peer);

#endif
