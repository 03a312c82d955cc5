/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls.h"

#include "base/arena.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <sys/stat.h>

enum { HANDSHAKE_MS = 10000, BIO_KIND = BIO_TYPE_SOURCE_SINK | 120, SECURITY_LEVEL = 2 };

/* TLS 1.2: forward secrecy and authenticated encryption only (RFC 9325, 4.2). TLS 1.3 has nothing else. */
static const char suites_12[] = "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256:"
                                "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";

struct net_tls {
    SSL_CTX *context;
    BIO_METHOD *wire;
    bool is_server;
    uint32_t handshake_ms;
    char certificate[NET_TLS_TEXT];
    char key[NET_TLS_TEXT];
    char ca[NET_TLS_TEXT];
    char crl[NET_TLS_TEXT];
    char name[NET_TLS_TEXT];
};

/* ---- the wire: a BIO without a buffer of its own ---- */

static int bio_read(BIO *bio, char *to, size_t room, size_t *got)
{
    struct net_tls_session *s = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    *got = s->fed.len < room ? s->fed.len : room;
    if (*got == 0) {
        BIO_set_retry_read(bio);
        return 0;
    }
    memcpy(to, s->fed.at, *got);
    s->fed = span_slice(s->fed, *got, SIZE_MAX);
    return 1;
}

static int bio_write(BIO *bio, const char *at, size_t len, size_t *written)
{
    struct net_tls_session *s = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    ssize_t took = s->wire(s->context, span_of(at, len));
    *written = took > 0 ? (size_t)took : 0;
    if (took == 0)
        BIO_set_retry_write(bio);
    return took > 0;
}

static long bio_control(BIO *bio, int command, long number, void *at)
{
    (void)bio, (void)number, (void)at;
    return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *wire_method(void)
{
    BIO_METHOD *m = BIO_meth_new(BIO_KIND, "net");
    if (m && BIO_meth_set_read_ex(m, bio_read) == 1 && BIO_meth_set_write_ex(m, bio_write) == 1 &&
        BIO_meth_set_ctrl(m, bio_control) == 1)
        return m;
    BIO_meth_free(m);
    return NULL;
}

/* ---- certificates, keys, authorities ---- */

static enum err refuse(struct net_problem *problem, const char *path, const char *reason, const char *advice)
{
    struct buf b = buf_over(problem->text, sizeof problem->text - 1);
    buf_put_text(&b, path[0] ? path : "TLS");
    buf_put_text(&b, ": ");
    buf_put_text(&b, reason);
    buf_put_text(&b, "; ");
    buf_put_text(&b, advice);
    problem->text[b.len] = 0;
    ERR_clear_error();
    return ERR_CONFIG;
}

/* What the library found first, or `otherwise`. */
static const char *reason_of(const char *otherwise)
{
    const char *reason = ERR_reason_error_string(ERR_peek_error());
    return reason ? reason : otherwise;
}

static enum err check_file(const char *path, mode_t closed, const char *what, struct net_problem *problem)
{
    struct stat facts;
    if (!path[0])
        return refuse(problem, what, "no file is named", "TLS needs a certificate, its key and the authorities of its peers");
    if (stat(path, &facts) != 0)
        return refuse(problem, path, strerror(errno), "name a PEM file that the service's user may read");
    if ((facts.st_mode & closed) != 0)
        return refuse(problem, path, "the private key is open to everyone on this machine", "chmod o-rwx it, or make a new key");
    return ERR_OK;
}

static enum err check_times(const char *path, const X509 *certificate, struct net_problem *problem)
{
    if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0)
        return refuse(problem, path, "the certificate has expired", "every peer would refuse it: install its successor");
    if (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0)
        return refuse(problem, path, "the certificate is not valid yet", "look at the clock of this machine");
    return ERR_OK;
}

static enum err load_own(const struct net_tls *tls, SSL_CTX *context, struct net_problem *problem)
{
    TRY(check_file(tls->certificate, 0, "certificate", problem));
    TRY(check_file(tls->key, S_IRWXO, "key", problem));
    if (SSL_CTX_use_certificate_chain_file(context, tls->certificate) != 1)
        return refuse(problem, tls->certificate, reason_of("no certificate"),
                      "write the own certificate first, then its chain, all as PEM; RSA keys from 2048 bits on");
    if (SSL_CTX_use_PrivateKey_file(context, tls->key, SSL_FILETYPE_PEM) != 1) {
        bool other = ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_VALUES_MISMATCH;
        return refuse(problem, tls->key, other ? "the key does not belong to the certificate" : reason_of("no key"),
                      other ? "name the key that the certificate was requested with"
                            : "write a PEM private key without a passphrase (openssl pkey -in KEY -out NEW)");
    }
    return check_times(tls->certificate, SSL_CTX_get0_certificate(context), problem);
}

static enum err load_authorities(const struct net_tls *tls, SSL_CTX *context, struct net_problem *problem)
{
    TRY(check_file(tls->ca, 0, "CA", problem));
    if (SSL_CTX_load_verify_file(context, tls->ca) != 1)
        return refuse(problem, tls->ca, reason_of("no certificate"), "write the certificates of the authorities as PEM");
    if (tls->is_server) {
        STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(tls->ca);
        if (!names)
            return refuse(problem, tls->ca, reason_of("no certificate"), "write the certificates of the authorities as PEM");
        SSL_CTX_set_client_CA_list(context, names);
    }
    if (!tls->crl[0])
        return ERR_OK;
    TRY(check_file(tls->crl, 0, "CRL", problem));
    X509_STORE *store = SSL_CTX_get_cert_store(context);
    X509_LOOKUP *lookup = X509_STORE_add_lookup(store, X509_LOOKUP_file());
    if (!lookup || X509_load_crl_file(lookup, tls->crl, X509_FILETYPE_PEM) < 1)
        return refuse(problem, tls->crl, reason_of("no revocation list"), "write the list of every authority of the chain as PEM");
    X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    return ERR_OK;
}

/* A key with a passphrase must not make a service ask at a terminal. */
static int no_passphrase(char *to, int size, int writing, void *context)
{
    (void)to, (void)size, (void)writing, (void)context;
    return 0;
}

static bool set_rules(SSL_CTX *context)
{
    SSL_CTX_set_security_level(context, SECURITY_LEVEL);
    SSL_CTX_set_default_passwd_cb(context, no_passphrase);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_CLEANSE_PLAINTEXT);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS |
                                  SSL_MODE_NO_AUTO_CHAIN);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 && SSL_CTX_set_cipher_list(context, suites_12) == 1 &&
           SSL_CTX_set_num_tickets(context, 0) == 1;
}

static enum err load(const struct net_tls *tls, SSL_CTX **out, struct net_problem *problem)
{
    ERR_clear_error();
    SSL_CTX *context = SSL_CTX_new(tls->is_server ? TLS_server_method() : TLS_client_method());
    enum err err = ERR_OK;
    if (!context || !set_rules(context))
        err = refuse(problem, "", reason_of("not enough memory"), "the TLS library did not start");
    if (err == ERR_OK)
        err = load_own(tls, context, problem);
    if (err == ERR_OK)
        err = load_authorities(tls, context, problem);
    if (err != ERR_OK) {
        SSL_CTX_free(context);
        return err;
    }
    *out = context;
    return ERR_OK;
}

/* ---- life of a configuration ---- */

static bool keep(char to[static NET_TLS_TEXT], const char *text)
{
    size_t len = text ? strlen(text) : 0;
    if (len >= NET_TLS_TEXT)
        return false;
    memcpy(to, text ? text : "", len + 1);
    return true;
}

enum err net_tls_create(const struct net_tls_config *config, bool is_server, const char *host, struct net_tls **out,
                        struct net_problem *problem)
{
    void *at = NULL;
    TRY(memory_reserve(1, sizeof(struct net_tls), &at));
    struct net_tls *tls = at;
    tls->is_server = is_server;
    tls->handshake_ms = config->handshake_ms ? config->handshake_ms : HANDSHAKE_MS;
    enum err err = ERR_OK;
    if (!keep(tls->certificate, config->certificate) || !keep(tls->key, config->key) || !keep(tls->ca, config->ca) ||
        !keep(tls->crl, config->crl) || !keep(tls->name, config->name && config->name[0] ? config->name : host))
        err = refuse(problem, "", "a path or name is too long", "write at most 255 characters");
    tls->wire = wire_method();
    if (err == ERR_OK && !tls->wire)
        err = ERR_MEMORY;
    if (err == ERR_OK)
        err = load(tls, &tls->context, problem);
    if (err != ERR_OK) {
        net_tls_release(tls);
        return err;
    }
    *out = tls;
    return ERR_OK;
}

enum err net_tls_reload(struct net_tls *tls, struct net_problem *problem)
{
    SSL_CTX *fresh = NULL;
    TRY(load(tls, &fresh, problem));
    SSL_CTX_free(tls->context); /* sessions that are open hold it as long as they need it */
    tls->context = fresh;
    return ERR_OK;
}

uint32_t net_tls_handshake_ms(const struct net_tls *tls)
{
    return tls->handshake_ms;
}

void net_tls_release(struct net_tls *tls)
{
    if (!tls)
        return;
    SSL_CTX_free(tls->context);
    BIO_meth_free(tls->wire);
    memory_release(tls, 1, sizeof *tls);
}

/* ---- sessions ---- */

/* The server must prove the address as it was configured: an IP address by an IP entry, a name by a name. */
static bool expect_name(const struct net_tls *tls, SSL *ssl)
{
    X509_VERIFY_PARAM *rule = SSL_get0_param(ssl);
    if (X509_VERIFY_PARAM_set1_ip_asc(rule, tls->name) == 1)
        return true;
    ERR_clear_error();
    X509_VERIFY_PARAM_set_hostflags(rule, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return tls->name[0] && X509_VERIFY_PARAM_set1_host(rule, tls->name, 0) == 1 && SSL_set_tlsext_host_name(ssl, tls->name) == 1;
}

enum err net_tls_session_open(struct net_tls *tls, struct net_tls_session *s)
{
    ERR_clear_error();
    SSL *ssl = SSL_new(tls->context);
    BIO *bio = ssl ? BIO_new(tls->wire) : NULL;
    if (bio) {
        BIO_set_data(bio, s);
        BIO_set_init(bio, 1);
        SSL_set_bio(ssl, bio, bio);
    }
    if (!bio || (!tls->is_server && !expect_name(tls, ssl))) {
        SSL_free(ssl);
        ERR_clear_error();
        return ERR_MEMORY;
    }
    if (tls->is_server)
        SSL_set_accept_state(ssl);
    else
        SSL_set_connect_state(ssl);
    s->ssl = ssl;
    s->fed = (struct span){0};
    s->reason = "";
    return ERR_OK;
}

void net_tls_session_close(struct net_tls_session *s)
{
    SSL_free(s->ssl);
    s->ssl = NULL;
}

static enum net_tls_step failed(struct net_tls_session *s)
{
    long verified = SSL_get_verify_result(s->ssl);
    s->reason = verified != X509_V_OK ? X509_verify_cert_error_string(verified) : reason_of("the connection broke");
    ERR_clear_error();
    return NET_TLS_FAILED;
}

static enum net_tls_step step_of(struct net_tls_session *s, int result)
{
    if (result == 1)
        return NET_TLS_DONE;
    switch (SSL_get_error(s->ssl, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return NET_TLS_WAIT;
    case SSL_ERROR_ZERO_RETURN:
        return NET_TLS_ENDED;
    default:
        return failed(s);
    }
}

enum net_tls_step net_tls_shake(struct net_tls_session *s)
{
    ERR_clear_error();
    enum net_tls_step step = step_of(s, SSL_do_handshake(s->ssl));
    if (step != NET_TLS_ENDED)
        return step;
    s->reason = "closed by the peer";
    return NET_TLS_FAILED;
}

enum net_tls_step net_tls_read(struct net_tls_session *s, uint8_t *to, size_t room, size_t *got)
{
    ERR_clear_error();
    return step_of(s, SSL_read_ex(s->ssl, to, room, got));
}

enum net_tls_step net_tls_write(struct net_tls_session *s, struct span bytes, size_t *taken)
{
    ERR_clear_error();
    return step_of(s, SSL_write_ex(s->ssl, bytes.at, bytes.len, taken));
}

void net_tls_notify(struct net_tls_session *s)
{
    ERR_clear_error();
    (void)SSL_shutdown(s->ssl); /* the peer's own notice is not waited for: frames have lengths */
    ERR_clear_error();
}

/* ---- who it is ---- */

/* A name that is compared and logged: printable ASCII without spaces at its ends, and it fits. */
static bool usable(const ASN1_STRING *text, char out[static NET_IDENTITY_SIZE])
{
    unsigned char *utf8 = NULL;
    int len = ASN1_STRING_to_UTF8(&utf8, text);
    bool good = len > 0 && len < NET_IDENTITY_SIZE && utf8[0] != ' ' && utf8[len - 1] != ' ';
    for (int i = 0; good && i < len; i++)
        good = utf8[i] >= ' ' && utf8[i] <= '~';
    if (good) {
        memcpy(out, utf8, (size_t)len);
        out[len] = 0;
    }
    OPENSSL_free(utf8);
    return good;
}

/* 1: found; 0: there is none; -1: there is one that cannot be used, or more than one. */
static int common_name(const X509 *certificate, char out[static NET_IDENTITY_SIZE])
{
    const X509_NAME *subject = X509_get_subject_name(certificate);
    int first = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (first < 0)
        return 0;
    if (X509_NAME_get_index_by_NID(subject, NID_commonName, first) >= 0)
        return -1;
    return usable(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, first)), out) ? 1 : -1;
}

static bool dns_name(const X509 *certificate, char out[static NET_IDENTITY_SIZE])
{
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    bool found = false;
    for (int i = 0; !found && i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        found = name->type == GEN_DNS && usable(name->d.dNSName, out);
    }
    GENERAL_NAMES_free(names);
    return found;
}

bool net_tls_identity(struct net_tls_session *s, char out[static NET_IDENTITY_SIZE])
{
    out[0] = 0;
    const X509 *certificate = SSL_get0_peer_certificate(s->ssl);
    int common = certificate ? common_name(certificate, out) : -1;
    bool named = common == 1 || (common == 0 && dns_name(certificate, out));
    if (!named)
        s->reason = "the certificate carries no usable name";
    ERR_clear_error();
    return named;
}
