/* SPDX-License-Identifier: Apache-2.0 */
#include "support/tls_peer.h"

#include "support/certificates.h"
#include "support/sockets.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

void tls_peer_push(struct tls_peer *p)
{
    BIO *out = SSL_get_wbio(p->ssl);
    uint8_t bytes[4096];
    for (int got; (got = BIO_read(out, bytes, p->chunk ? (int)p->chunk : (int)sizeof bytes)) > 0;)
        if (send(p->fd, bytes, (size_t)got, MSG_NOSIGNAL) != got)
            return; /* the server has closed: reading says so */
}

/* Feeds what arrives; false at the end. */
static bool pull(struct tls_peer *p)
{
    uint8_t bytes[16384];
    ssize_t got = recv(p->fd, bytes, sizeof bytes, 0);
    return got > 0 && BIO_write(SSL_get_rbio(p->ssl), bytes, (int)got) == got;
}

static bool configure(struct tls_peer *p, const struct tls_peer_offer *offer)
{
    char file[64];
    SSL_CTX *c = p->context;
    SSL_CTX_set_security_level(c, 0);
    SSL_CTX_set_verify(c, SSL_VERIFY_PEER, NULL);
    ASSERT(SSL_CTX_load_verify_file(c, certificates_file("ca.pem")) == 1);
    if (offer->version)
        ASSERT(SSL_CTX_set_min_proto_version(c, offer->version) == 1 && SSL_CTX_set_max_proto_version(c, offer->version) == 1);
    if (offer->suites && SSL_CTX_set_cipher_list(c, offer->suites) != 1)
        return false;
    if (!offer->name)
        return true;
    (void)snprintf(file, sizeof file, "%s.pem", offer->name);
    ASSERT(SSL_CTX_use_certificate_chain_file(c, certificates_file(file)) == 1);
    (void)snprintf(file, sizeof file, "%s.key", offer->name);
    ASSERT(SSL_CTX_use_PrivateKey_file(c, certificates_file(file), SSL_FILETYPE_PEM) == 1);
    return true;
}

bool tls_peer_open(struct tls_peer *p, uint16_t port, const struct tls_peer_offer *offer)
{
    *p = (struct tls_peer){.context = SSL_CTX_new(TLS_client_method()), .fd = socket_connect(port), .chunk = offer->chunk};
    ASSERT(p->context && configure(p, offer));
    p->ssl = SSL_new(p->context);
    SSL_set_bio(p->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(p->ssl);
    for (;;) {
        int done = SSL_do_handshake(p->ssl);
        tls_peer_push(p);
        if (done == 1)
            return true;
        if (SSL_get_error(p->ssl, done) != SSL_ERROR_WANT_READ || !pull(p))
            return false;
    }
}

void tls_peer_close(struct tls_peer *p)
{
    SSL_free(p->ssl);
    SSL_CTX_free(p->context);
    close(p->fd);
    *p = (struct tls_peer){.fd = -1};
}

void tls_peer_write(struct tls_peer *p, const void *at, size_t len)
{
    ASSERT(SSL_write(p->ssl, at, (int)len) == (int)len);
    tls_peer_push(p);
}

void tls_peer_send(struct tls_peer *p, struct span payload)
{
    uint8_t frame[65537];
    struct buf b = buf_over(frame, sizeof frame);
    buf_put_u16(&b, (uint16_t)payload.len);
    buf_put_span(&b, payload);
    ASSERT(buf_done(&b) == ERR_OK);
    tls_peer_write(p, frame, b.len);
}

void tls_peer_end(struct tls_peer *p)
{
    ASSERT(SSL_shutdown(p->ssl) == 0);
    tls_peer_push(p);
}

bool tls_peer_receive(struct tls_peer *p, void *at, size_t len)
{
    uint8_t *to = at;
    while (len > 0) {
        int got = SSL_read(p->ssl, to, (int)len);
        if (got > 0) {
            to += got;
            len -= (size_t)got;
            continue;
        }
        if (SSL_get_error(p->ssl, got) != SSL_ERROR_WANT_READ || !pull(p))
            return false;
    }
    return true;
}

bool tls_peer_receive_frame(struct tls_peer *p, uint8_t *out, size_t cap, size_t *len)
{
    uint8_t prefix[2];
    if (!tls_peer_receive(p, prefix, sizeof prefix))
        return false;
    *len = (size_t)prefix[0] << 8 | prefix[1];
    return *len <= cap && tls_peer_receive(p, out, *len);
}
