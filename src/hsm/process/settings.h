/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can be set for countersign-hsm: the keys of its configuration file.
 *
 * Purpose    One row a key, in groups by what they are about; --help, the reference and the error texts are printed from them.
 * Ownership  Values of the process.
 */
#ifndef HSM_PROCESS_SETTINGS_H
#define HSM_PROCESS_SETTINGS_H

#include "base/config.h"

enum { HSM_SETTINGS_CONFIG = 256 };

struct hsm_settings {
    /* host port */
    char listen[64];
    char admin[64];
    char tls_listen[64];
    char tls_certificate[256];
    char tls_key[256];
    char tls_ca[256];
    char tls_crl[256];
    int64_t header;
    int64_t connections;
    int64_t connections_per_address;
    int64_t idle_s;
    int64_t keepalive_s;
    int64_t lmk;
    char lmk_ports[128];
    char layout[256];
    char serial[13];

    /* keys and authority */
    bool test_lmk;
    char lmk_store[256];
    char console[108]; /* as sockaddr_un */
    bool test_lmk_old;
    char user_storage[256];
    int64_t storage_size;
    int64_t authorise_officers;
    bool unsafe;
    char credentials[256];
    int64_t passphrase_fd;
    bool authorised;
    bool variant_keys;
    bool qy_service_998_only;
    char disabled[256];

    /* mode and limits */
    char mode[16];
    int64_t guess_limit; /* 0: what the mode has */
    int64_t guess_pans;
    int64_t guess_memory; /* MiB */
    char guess_key[256];
    char plaintext_peers[1024];
    char clients[256];
    char audit[224];
    char audit_key[256];
    int64_t audit_size; /* MiB */

    /* the process */
    char config[HSM_SETTINGS_CONFIG]; /* path of --config; no key of its own */
    int64_t secret_memory;            /* MiB */
    bool secretmem;
    bool sandbox;
};

extern const struct config_table hsm_settings_table;

#endif
