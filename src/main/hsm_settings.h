/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can be set for countersign-hsm: the keys of its configuration file and the options that stand for them.
 *
 * Purpose    One row a key, in groups by what they are about; --help, the reference and the error texts are printed from them.
 * Ownership  Values of the process.
 */
#ifndef MAIN_HSM_SETTINGS_H
#define MAIN_HSM_SETTINGS_H

#include "main/command.h"

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
    char credentials[256];
    int64_t passphrase_fd;
    bool authorised;
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
    char config[COMMAND_CONFIG_MAX]; /* path of --config; no key of its own */
    int64_t secret_memory;           /* MiB */
    bool secretmem;
    bool sandbox;
};

enum { MAIN_HSM_OPTIONS = 4 };
extern const struct command_option main_hsm_options[MAIN_HSM_OPTIONS];

#endif
