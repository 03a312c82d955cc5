/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates made by the openssl command, for tests and benches of TLS: files in a directory of their own.
 *
 *     ca.pem crl.pem       an authority and its revocation list (of revoked.pem and sub.pem); and that of sub.pem, which is empty
 *     server.pem .key      for localhost and 127.0.0.1; serverdns.pem .key: for hsm.example alone
 *     client.pem .key      common name "switch 1"; clientrsa.pem .key: the same with an RSA key
 *     alias.pem .key       no common name, alternative name switch2.example
 *     bysub.pem .key       a client of sub.pem, an authority that was revoked; twofold.pem .key: two common names
 *     nameless.pem .key, expired.pem .key, revoked.pem .key, serveronly.pem .key (not for clients)
 *     other.pem .key, otherca.pem       a client of another authority
 */
#ifndef SUPPORT_CERTIFICATES_H
#define SUPPORT_CERTIFICATES_H

#include "net/net.h"

/* Made at the first call; removed when the process ends. */
const char *certificates_directory(void);
/* DIRECTORY/NAME in a buffer that lives on; up to 64 names. */
const char *certificates_file(const char *name);
/* A server of server.pem, or a client of client.pem. */
struct net_tls_config certificates_server(void);
struct net_tls_config certificates_client(void);

#endif
