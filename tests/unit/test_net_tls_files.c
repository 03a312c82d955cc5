/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates and keys of a TLS server: what a bad start is told, how they are changed while it runs; and a client of others. */
#include "support/certificates.h"
#include "support/tls_service.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- certificates ---- */

static void copy(const char *from, const char *to)
{
    char command[512];
    (void)snprintf(command, sizeof command, "cp %s %s", certificates_file(from), certificates_file(to));
    assert_int_equal(system(command), 0);
}

static bool has_subject(const struct tls_peer *p, const char *name)
{
    char text[128];
    X509 *certificate = SSL_get0_peer_certificate(p->ssl);
    return X509_NAME_oneline(X509_get_subject_name(certificate), text, sizeof text) && strstr(text, name);
}

static void test_reload(void **state)
{
    (void)state;
    copy("server.pem", "live.pem");
    copy("server.key", "live.key");
    struct net_tls_config tls = certificates_server();
    tls.certificate = certificates_file("live.pem");
    tls.key = certificates_file("live.key");
    struct tls_service *s = tls_service_start(tls);
    struct tls_peer before, after;
    const struct tls_peer_offer offer = {.name = "client"};
    assert_true(tls_peer_open(&before, net_server_port(s->server), &offer));
    assert_true(has_subject(&before, "hsm 1"));
    copy("serverdns.pem", "live.pem"); /* without its key: refused, the old one stays */
    assert_int_equal(tls_service_reload(s), ERR_CONFIG);
    assert_non_null(strstr(s->problem.text, "live.key: the key does not belong to the certificate"));
    assert_true(tls_peer_open(&after, net_server_port(s->server), &offer));
    assert_true(has_subject(&after, "hsm 1"));
    tls_peer_close(&after);
    copy("serverdns.key", "live.key");
    assert_int_equal(tls_service_reload(s), ERR_OK);
    assert_true(tls_peer_open(&after, net_server_port(s->server), &offer));
    assert_true(has_subject(&after, "CN=127.0.0.1"));
    tls_service_ask(&after, span_text("new"), span_text("new"));
    tls_service_ask(&before, span_text("old"), span_text("old"));
    tls_peer_close(&after);
    tls_peer_close(&before);
    tls_service_finish(s);
}

static void test_bad_starts(void **state)
{
    (void)state;
    static const struct {
        const char *certificate, *key, *ca, *crl, *told;
    } row[] = {
        {"absent.pem", "server.key", "ca.pem", NULL, "absent.pem: No such file or directory; name a PEM file"},
        {"empty.pem", "server.key", "ca.pem", NULL, "empty.pem: no start line; write the own certificate first"},
        {"expired.pem", "expired.key", "ca.pem", NULL, "expired.pem: the certificate has expired; "},
        {"server.pem", "absent.key", "ca.pem", NULL, "absent.key: No such file"},
        {"server.pem", "client.key", "ca.pem", NULL, "client.key: the key does not belong to the certificate; "},
        {"server.pem", "open.key", "ca.pem", NULL, "open.key: the private key is open to everyone on this machine; chmod o-rwx"},
        {"client.pem", "locked.key", "ca.pem", NULL, "write a PEM private key without a passphrase"},
        {"server.pem", "empty.pem", "ca.pem", NULL, "write a PEM private key"},
        {"server.pem", "server.key", "absent.pem", NULL, "absent.pem: No such file"},
        {"server.pem", "server.key", "empty.pem", NULL, "write the certificates of the authorities as PEM"},
        {"server.pem", "server.key", "ca.pem", "empty.pem", "write the list of every authority"},
    };
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct tls_service s = {.env = env_system(NULL)};
        struct net_tls_config tls = {.certificate = certificates_file(row[i].certificate),
                                     .key = certificates_file(row[i].key),
                                     .ca = certificates_file(row[i].ca),
                                     .crl = row[i].crl ? certificates_file(row[i].crl) : NULL};
        assert_int_equal(tls_service_open(&s, &tls), ERR_CONFIG);
        if (!strstr(s.problem.text, row[i].told))
            fail_msg("row %zu: %s", i, s.problem.text);
        net_loop_destroy(s.loop);
    }
    struct tls_service s = {.env = env_system(NULL)};
    assert_int_equal(tls_service_open(&s, &(struct net_tls_config){0}), ERR_CONFIG);
    assert_non_null(strstr(s.problem.text, "certificate: no file is named"));
    net_loop_destroy(s.loop);
}

/* ---- a client that somebody else wrote ---- */

static void test_openssl_command(void **state)
{
    (void)state;
    struct tls_service *s = tls_service_start(certificates_server());
    static const char *const version[] = {"-tls1_2", "-tls1_3"};
    for (size_t i = 0; i < 2; i++) {
        char command[1024], got[16] = "";
        (void)snprintf(
            command, sizeof command,
            "(printf '\\0\\5hello'; sleep 0.5) | openssl s_client -quiet -no_ign_eof -verify_return_error -verify_ip 127.0.0.1 %s "
            "-connect 127.0.0.1:%d -CAfile %s -cert %s -key %s 2>/dev/null",
            version[i], net_server_port(s->server), certificates_file("ca.pem"), certificates_file("client.pem"),
            certificates_file("client.key"));
        FILE *from = popen(command, "r");
        assert_non_null(from);
        assert_int_equal(fread(got, 1, sizeof got, from), 7);
        assert_memory_equal(got, "\0\5hello", 7);
        assert_int_equal(pclose(from), 0);
    }
    tls_service_finish(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reload),
        cmocka_unit_test(test_bad_starts),
        cmocka_unit_test(test_openssl_command),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
