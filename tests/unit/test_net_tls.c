/* SPDX-License-Identifier: Apache-2.0 */
/* The TLS server over real sockets: who is let in, how bytes may arrive, how a connection ends. */
#include "support/certificates.h"
#include "support/sockets.h"
#include "support/tls_service.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- who is let in ---- */

static void test_both_versions(void **state)
{
    (void)state;
    static const struct {
        struct tls_peer_offer offer;
        const char *version, *identity;
    } row[] = {
        {{.name = "client", .version = TLS1_2_VERSION}, "TLSv1.2", "switch 1"},
        {{.name = "client", .version = TLS1_3_VERSION}, "TLSv1.3", "switch 1"},
        {{.name = "clientrsa"}, "TLSv1.3", "switch 1"},
        {{.name = "alias"}, "TLSv1.3", "switch2.example"},
    };
    struct tls_service *s = tls_service_start(certificates_server());
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct tls_peer p;
        assert_true(tls_peer_open(&p, net_server_port(s->server), &row[i].offer));
        assert_string_equal(SSL_get_version(p.ssl), row[i].version);
        assert_true(SSL_CIPHER_is_aead(SSL_get_current_cipher(p.ssl)));
        assert_null(SSL_get_current_compression(p.ssl));
        tls_service_ask(&p, span_text("hello"), span_text("hello"));
        tls_service_ask(&p, span_text("WHO?"), span_text(row[i].identity));
        assert_false(SSL_SESSION_has_ticket(SSL_get0_session(p.ssl)));
        tls_peer_close(&p);
    }
    assert_int_equal(net_server_counters(s->server).handshakes_failed, 0);
    tls_service_finish(s);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        struct tls_peer_offer offer;
        const char *reason;
    } row[] = {
        {{.name = "client", .version = TLS1_1_VERSION, .suites = "ALL:@SECLEVEL=0"}, "unsupported protocol"},
        {{.name = "client", .version = TLS1_2_VERSION, .suites = "ECDHE-ECDSA-AES128-SHA256"}, "no shared cipher"},
        {{.name = "client", .version = TLS1_2_VERSION, .suites = "DHE-RSA-AES128-GCM-SHA256"}, "no shared cipher"},
        {{.name = NULL, .version = TLS1_2_VERSION}, "peer did not return a certificate"},
        {{.name = NULL, .version = TLS1_3_VERSION}, "peer did not return a certificate"},
        {{.name = "other"}, "unable to get local issuer certificate"},
        {{.name = "expired"}, "certificate has expired"},
        {{.name = "expired", .version = TLS1_2_VERSION}, "certificate has expired"},
        {{.name = "revoked"}, "certificate revoked"},
        {{.name = "bysub"}, "certificate revoked"}, /* the authority between */
        {{.name = "serveronly"}, "unsuitable certificate purpose"},
        {{.name = "nameless"}, "the certificate carries no usable name"},
        {{.name = "twofold"}, "the certificate carries no usable name"}, /* which of the two is allowed? */
    };
    struct net_tls_config tls = certificates_server();
    tls.crl = certificates_file("crl.pem");
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct tls_service *s = tls_service_start(tls);
        struct tls_peer p;
        uint8_t byte;
        if (tls_peer_open(&p, net_server_port(s->server), &row[i].offer))
            assert_false(tls_peer_receive(&p, &byte, 1));
        tls_peer_close(&p);
        struct tls_peer good;
        assert_true(tls_peer_open(&good, net_server_port(s->server), &(struct tls_peer_offer){.name = "client"}));
        tls_service_ask(&good, span_text("on"), span_text("on"));
        tls_peer_close(&good);
        assert_int_equal(net_server_counters(s->server).handshakes_failed, 1);
        assert_int_equal(net_server_counters(s->server).accepted, 1);
        assert_non_null(strstr(tls_service_finish(s), row[i].reason));
    }
}

static void test_no_renegotiation(void **state)
{
    (void)state;
    struct tls_service *s = tls_service_start(certificates_server());
    struct tls_peer p;
    assert_true(tls_peer_open(&p, net_server_port(s->server), &(struct tls_peer_offer){"client", TLS1_2_VERSION, NULL, 0}));
    tls_service_ask(&p, span_text("before"), span_text("before"));
    assert_int_equal(SSL_renegotiate(p.ssl), 1);
    assert_int_not_equal(SSL_do_handshake(p.ssl), 1);
    tls_peer_push(&p);
    uint8_t byte;
    assert_false(tls_peer_receive(&p, &byte, 1)); /* the server's alert: no renegotiation */
    tls_peer_close(&p);
    tls_service_finish(s);
}

/* New keys in the middle are a part of TLS 1.3 and change nothing. */
static void test_key_update(void **state)
{
    (void)state;
    struct tls_service *s = tls_service_start(certificates_server());
    struct tls_peer p;
    assert_true(tls_peer_open(&p, net_server_port(s->server), &(struct tls_peer_offer){"client", TLS1_3_VERSION, NULL, 0}));
    for (int i = 0; i < 5; i++) {
        tls_service_ask(&p, span_text("again"), span_text("again"));
        assert_int_equal(SSL_key_update(p.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
    }
    tls_peer_close(&p);
    tls_service_finish(s);
}

/* ---- how bytes arrive ---- */

static void test_byte_by_byte(void **state)
{
    (void)state;
    struct tls_service *s = tls_service_start(certificates_server());
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct tls_peer p;
        assert_true(tls_peer_open(&p, net_server_port(s->server), &(struct tls_peer_offer){"client", version, NULL, 1}));
        tls_service_ask(&p, span_text("one byte at a time"), span_text("one byte at a time"));
        /* And a frame cut into records. */
        tls_peer_write(&p, "\0", 1);
        tls_peer_write(&p, "\2h", 2);
        tls_peer_write(&p, "i", 1);
        uint8_t got[4];
        assert_true(tls_peer_receive(&p, got, sizeof got));
        assert_memory_equal(got, "\0\2hi", 4);
        tls_peer_close(&p);
    }
    tls_service_finish(s);
}

/* A frame that its number makes: mostly small, some as large as allowed. */
static struct span numbered(size_t n, uint8_t out[static TLS_FRAME_MAX])
{
    size_t len = n % 17 == 0 ? TLS_FRAME_MAX - n % 1000 : 1 + n % 97;
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)(n * 31 + i);
    return span_of(out, len);
}

static void expect_numbered(struct tls_peer *p, size_t n)
{
    static uint8_t wanted[TLS_FRAME_MAX], got[TLS_FRAME_MAX];
    struct span frame = numbered(n, wanted);
    size_t len = 0;
    assert_true(tls_peer_receive_frame(p, got, sizeof got, &len));
    assert_int_equal(len, frame.len);
    assert_memory_equal(got, frame.at, len);
}

static void test_pipelines(void **state)
{
    (void)state;
    enum { ROUNDS = 60, AHEAD = 40 };
    static uint8_t room[TLS_FRAME_MAX];
    struct tls_service *s = tls_service_start(certificates_server());
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct tls_peer p;
        assert_true(tls_peer_open(&p, net_server_port(s->server), &(struct tls_peer_offer){"client", version, NULL, 0}));
        for (size_t round = 0; round < ROUNDS; round++) {
            for (size_t i = 0; i < AHEAD; i++)
                tls_peer_send(&p, numbered(round * AHEAD + i, room));
            for (size_t i = 0; i < AHEAD; i++)
                expect_numbered(&p, round * AHEAD + i);
        }
        tls_peer_close(&p);
    }
    struct net_counters c = net_server_counters(s->server);
    assert_int_equal(c.frames_in, 2 * ROUNDS * AHEAD);
    assert_int_equal(c.frames_out, 2 * ROUNDS * AHEAD);
    tls_service_finish(s);
}

/* Sends what the library has written, as far as the kernel takes it at once; what is left is kept. */
static size_t push_some(struct tls_peer *p)
{
    static uint8_t held[4096];
    static size_t from, to;
    size_t sent = 0;
    for (;;) {
        if (from == to) {
            int got = BIO_read(SSL_get_wbio(p->ssl), held, sizeof held);
            if (got <= 0)
                return sent;
            from = 0;
            to = (size_t)got;
        }
        ssize_t n = send(p->fd, held + from, to - from, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0)
            return sent;
        from += (size_t)n;
        sent += (size_t)n;
    }
}

/* A peer that sends without reading is no longer read, loses nothing, and does not disturb others. */
static void test_slow_reader(void **state)
{
    (void)state;
    enum { FRAMES = 12000 };
    static uint8_t room[TLS_FRAME_MAX], wire[TLS_FRAME_MAX + 2];
    struct tls_service *s = tls_service_start(certificates_server());
    struct tls_peer p, other;
    assert_true(tls_peer_open(&p, net_server_port(s->server), &(struct tls_peer_offer){.name = "client"}));
    for (size_t i = 0; i < FRAMES; i++) {
        struct span frame = numbered(i, room);
        struct buf b = buf_over(wire, sizeof wire);
        buf_put_u16(&b, (uint16_t)frame.len);
        buf_put_span(&b, frame);
        assert_int_equal(SSL_write(p.ssl, b.at, (int)b.len), b.len);
    }
    for (int still = 0; still < 4; still++) { /* until the kernel's buffers and ours are full */
        if (push_some(&p) > 0)
            still = 0;
        usleep(50000);
    }
    assert_true(BIO_pending(SSL_get_wbio(p.ssl)) > 1000000);
    assert_true(tls_peer_open(&other, net_server_port(s->server), &(struct tls_peer_offer){.name = "client"}));
    tls_service_ask(&other, span_text("other"), span_text("other"));
    tls_peer_close(&other);
    for (size_t i = 0; i < FRAMES; i++) {
        (void)push_some(&p);
        expect_numbered(&p, i);
    }
    tls_peer_close(&p);
    tls_service_finish(s);
}

static void test_garbage(void **state)
{
    (void)state;
    static const struct {
        const char *wire;
        size_t len;
        const char *reason;
    } row[] = {
        {"\0\6HEADNC", 8, "wrong version number"}, /* a plain host command */
        {"GET / HTTP/1.1\r\n\r\n", 18, "http request"},
        {"\x16\x03\x01\x00\x02\x01\x00 and more of it", 22, "wrong version number"},
        {"\x16\x03\x01\xFF\xFF....", 9, "packet length too long"},
        {"\x15\x03\x03\x00\x02\x02\x28", 7, "unexpected message"}, /* an alert */
        {"\x16\x03\x01\x00", 4, "closed by the peer"},             /* and then nothing */
    };
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct tls_service *s = tls_service_start(certificates_server());
        int fd = socket_connect(net_server_port(s->server));
        socket_send(fd, row[i].wire, row[i].len);
        shutdown(fd, SHUT_WR);
        uint8_t byte;
        while (recv(fd, &byte, 1, 0) > 0) /* an alert at most */
            continue;
        close(fd);
        struct tls_peer p;
        assert_true(tls_peer_open(&p, net_server_port(s->server), &(struct tls_peer_offer){.name = "client"}));
        tls_service_ask(&p, span_text("on"), span_text("on"));
        tls_peer_close(&p);
        assert_int_equal(net_server_counters(s->server).handshakes_failed, 1);
        const char *said = tls_service_finish(s);
        if (!strstr(said, row[i].reason))
            fail_msg("row %zu: %s", i, said);
    }
}

/* Records that were changed on their way close the connection; nothing of them is answered. */
static void test_forged_record(void **state)
{
    (void)state;
    struct tls_service *s = tls_service_start(certificates_server());
    struct tls_peer p;
    assert_true(tls_peer_open(&p, net_server_port(s->server), &(struct tls_peer_offer){.name = "client"}));
    tls_service_ask(&p, span_text("good"), span_text("good"));
    uint8_t record[128];
    assert_int_equal(SSL_write(p.ssl, "\0\4evil", 6), 6);
    int len = BIO_read(SSL_get_wbio(p.ssl), record, sizeof record);
    assert_true(len > 10);
    record[len - 1] ^= 1;
    socket_send(p.fd, record, (size_t)len);
    uint8_t byte;
    assert_false(tls_peer_receive(&p, &byte, 1));
    tls_peer_close(&p);
    assert_int_equal(net_server_counters(s->server).frames_in, 1);
    assert_non_null(strstr(tls_service_finish(s), "decryption failed or bad record mac"));
}

/* ---- how it ends ---- */

/* A client that ends its side after the last request still gets every answer, and the server's own end. */
static void test_half_closed(void **state)
{
    (void)state;
    struct tls_service *s = tls_service_start(certificates_server());
    for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
        struct tls_peer p;
        uint8_t byte;
        assert_true(tls_peer_open(&p, net_server_port(s->server), &(struct tls_peer_offer){"client", version, NULL, 0}));
        static uint8_t room[TLS_FRAME_MAX];
        for (size_t i = 0; i < 100; i++)
            tls_peer_send(&p, numbered(i, room));
        tls_peer_end(&p);
        for (size_t i = 0; i < 100; i++)
            expect_numbered(&p, i);
        assert_false(tls_peer_receive(&p, &byte, 1));
        assert_true(SSL_get_shutdown(p.ssl) & SSL_RECEIVED_SHUTDOWN);
        tls_peer_close(&p);
    }
    tls_service_finish(s);
}

static void test_handshake_deadline(void **state)
{
    (void)state;
    struct net_tls_config tls = certificates_server();
    tls.handshake_ms = 500;
    struct tls_service *s = tls_service_start(tls);
    int silent = socket_connect(net_server_port(s->server));
    int half = socket_connect(net_server_port(s->server));
    struct tls_peer open;
    assert_true(tls_peer_open(&open, net_server_port(s->server), &(struct tls_peer_offer){.name = "client"}));
    socket_send(half, "\x16\x03\x01", 3);
    assert_true(socket_closed(silent));
    assert_true(socket_closed(half));
    tls_service_ask(&open, span_text("still here"), span_text("still here"));
    tls_peer_close(&open);
    close(silent);
    close(half);
    assert_non_null(strstr(tls_service_finish(s), "no handshake within the deadline"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_versions),      cmocka_unit_test(test_refused),
        cmocka_unit_test(test_no_renegotiation),   cmocka_unit_test(test_key_update),
        cmocka_unit_test(test_byte_by_byte),       cmocka_unit_test(test_pipelines),
        cmocka_unit_test(test_slow_reader),        cmocka_unit_test(test_garbage),
        cmocka_unit_test(test_forged_record),      cmocka_unit_test(test_half_closed),
        cmocka_unit_test(test_handshake_deadline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
