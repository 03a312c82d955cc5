/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HSM link of a service: net connections wired into the pipelined host command client.
 *
 * Purpose    One call makes the connections to all HSMs of a configuration line and the client over them. What a real payShield
 *            needs (header length, LMK identifier, TLS) are settings; every service that asks an HSM has the same rows.
 * Ownership  service_hsm_link_destroy releases the client. The connections belong to the loop and are gone with
 *            net_loop_destroy, which therefore comes first.
 * Threading  The loop's thread.
 * Failure    A setting that cannot be is described in `problem`; what was made is in *out all the same and is destroyed as usual.
 *            An HSM that is not there yet is not a failure: it is tried again.
 * Limits     HOSTCMD_ENDPOINTS_MAX addresses.
 *
 * Example
 *     TRY(service_hsm_link_create(&(struct service_hsm_link_config){loop, &env, &settings.hsm}, &link, &problem));
 *     struct hostcmd_client *hsm = service_hsm_link_client(link);      // send, take, turn; one write a turn
 */
#ifndef SERVICE_HSM_LINK_H
#define SERVICE_HSM_LINK_H

#include "base/config.h"
#include "base/confine.h"
#include "hostcmd/client.h"
#include "net/net.h"

struct service_hsm_link;

struct service_hsm_link_settings {
    char addresses[256];
    int64_t window;
    int64_t header;
    char lmk[8];
    char layout[256];
    char tls_ca[256];
    char tls_certificate[256];
    char tls_key[256];
    char tls_crl[256];
    char tls_name[128];
};

/* The rows of section [hsm] in a table over struct_, whose member_ is a struct service_hsm_link_settings. */
/* clang-format off */
#define SERVICE_HSM_LINK_ROWS(struct_, member_, window_) \
    {"hsm", "address", "ADDR:PORT of the HSM, several with commas", CONFIG_TEXT, CONFIG_MEMBER(struct_, member_.addresses), \
     .initial = "127.0.0.1:1500"}, \
    {"hsm", "window", "commands in flight for each HSM", CONFIG_INTEGER, \
     CONFIG_MEMBER(struct_, member_.window), 1, 4095, window_}, \
    {"hsm", "header", "length of the header as the HSM is set; from 2 on, for the number by which answers are matched", \
     CONFIG_INTEGER, CONFIG_MEMBER(struct_, member_.header), 2, 255, "4"}, \
    {"hsm", "lmk", "two digits: LMK identifier that goes with every command as %NN; empty: the HSM's default", CONFIG_TEXT, \
     CONFIG_MEMBER(struct_, member_.lmk), .initial = ""}, \
    {"hsm", "layout", "layout profile of scheme 5, as the HSM has it: a file, or countersign-5", CONFIG_TEXT, \
     CONFIG_MEMBER(struct_, member_.layout), .initial = "countersign-5"}, \
    {"hsm", "tls_ca", "PEM file: authorities of the HSM's certificate; with it, or tls_certificate, the link is TLS", \
     CONFIG_TEXT, CONFIG_MEMBER(struct_, member_.tls_ca), .initial = ""}, \
    {"hsm", "tls_certificate", "PEM file: own certificate, then its chain", CONFIG_TEXT, \
     CONFIG_MEMBER(struct_, member_.tls_certificate), .initial = ""}, \
    {"hsm", "tls_key", "PEM file of its private key, closed to others", CONFIG_TEXT, CONFIG_MEMBER(struct_, member_.tls_key), \
     .initial = ""}, \
    {"hsm", "tls_crl", "PEM file: revocation lists of all of these authorities; empty: none is asked for", CONFIG_TEXT, \
     CONFIG_MEMBER(struct_, member_.tls_crl), .initial = ""}, \
    {"hsm", "tls_name", "DNS name or IP address that the HSM's certificate must carry; empty: the host of its address", \
     CONFIG_TEXT, CONFIG_MEMBER(struct_, member_.tls_name), .initial = ""}
/* The files among them, as rows of a process that locks itself in: those of TLS are read again while it runs. */
#define SERVICE_HSM_LINK_FILES(struct_, member_) \
    {offsetof(struct_, member_.layout), CONFINE_IF_THERE, NULL}, \
    {offsetof(struct_, member_.tls_ca), CONFINE_BESIDE | CONFINE_IF_THERE, NULL}, \
    {offsetof(struct_, member_.tls_certificate), CONFINE_BESIDE | CONFINE_IF_THERE, NULL}, \
    {offsetof(struct_, member_.tls_key), CONFINE_BESIDE | CONFINE_IF_THERE, NULL}, \
    {offsetof(struct_, member_.tls_crl), CONFINE_BESIDE | CONFINE_IF_THERE, NULL}
/* clang-format on */

struct service_hsm_link_config {
    struct net_loop *loop;
    const struct env *env;
    const struct service_hsm_link_settings *settings;
};

MUST_USE enum err service_hsm_link_create(const struct service_hsm_link_config *config, struct service_hsm_link **out,
                                          struct net_problem *problem);
struct hostcmd_client *service_hsm_link_client(struct service_hsm_link *link);
/* Reads certificates and keys again, for connections from now on; told in the log. Plain TCP: nothing. */
void service_hsm_link_reload(struct service_hsm_link *link);
void service_hsm_link_destroy(struct service_hsm_link *link);

#endif
