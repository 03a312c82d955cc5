/* SPDX-License-Identifier: Apache-2.0 */
#include "service/hsm_link.h"

#include "hostcmd/commands.h"

#include "base/arena.h"

#include <stdio.h>
#include <string.h>

enum { READ_SIZE = 64 * 1024, WRITE_SIZE = 256 * 1024, CODES_LEN = 4, ADDRESS_SIZE = 64 };

struct service_hsm_link;

struct endpoint {
    struct service_hsm_link *link;
    size_t index;
    struct net_client *net;
    char address[ADDRESS_SIZE];
};

struct service_hsm_link {
    const struct env *env;
    struct hostcmd_client *client;
    struct endpoint endpoint[HOSTCMD_ENDPOINTS_MAX];
    size_t count;
};

/* ---- net to client ---- */

static void on_frames(void *context, const struct net_frame *frame, size_t count)
{
    const struct endpoint *e = context;
    for (size_t i = 0; i < count; i++)
        hostcmd_client_receive(e->link->client, e->index, frame[i].payload);
}

static void on_opened(void *context, struct net_peer peer)
{
    (void)peer;
    const struct endpoint *e = context;
    hostcmd_client_link(e->link->client, e->index, true);
}

static void on_closed(void *context, struct net_peer peer)
{
    (void)peer;
    const struct endpoint *e = context;
    hostcmd_client_link(e->link->client, e->index, false);
}

/* ---- client to net ---- */

static enum err transport_send(void *context, size_t endpoint, const struct span *part, size_t count)
{
    struct service_hsm_link *link = context;
    return net_client_send(link->endpoint[endpoint].net, part, count);
}

static void transport_reset(void *context, size_t endpoint)
{
    struct service_hsm_link *link = context;
    net_client_reconnect(link->endpoint[endpoint].net);
}

/* ---- life ---- */

static bool split(struct service_hsm_link *link, const char *addresses)
{
    for (struct span rest = span_text(addresses); rest.len > 0;) {
        struct span address = span_cut(&rest, ',');
        if (address.len == 0 || address.len >= ADDRESS_SIZE || link->count == HOSTCMD_ENDPOINTS_MAX)
            return false;
        struct endpoint *e = &link->endpoint[link->count];
        *e = (struct endpoint){.link = link, .index = link->count};
        memcpy(e->address, address.at, address.len);
        link->count++;
    }
    return link->count > 0;
}

/* Any file of TLS makes it TLS; what is missing then is told. */
static bool wants_tls(const struct service_hsm_link_settings *s)
{
    return s->tls_ca[0] || s->tls_certificate[0] || s->tls_key[0];
}

static enum err connect_all(struct service_hsm_link *link, const struct service_hsm_link_config *config,
                            struct net_problem *problem)
{
    const struct service_hsm_link_settings *s = config->settings;
    const struct net_tls_config tls = {
        .certificate = s->tls_certificate, .key = s->tls_key, .ca = s->tls_ca, .crl = s->tls_crl, .name = s->tls_name};
    for (size_t i = 0; i < link->count; i++) {
        struct endpoint *e = &link->endpoint[i];
        struct net_client_config client = {
            .name = "hsm",
            .address = e->address,
            .framing = {NET_LEN2, (uint32_t)s->header + CODES_LEN, HOSTCMD_FRAME_MAX},
            .sizes = {READ_SIZE, WRITE_SIZE, 0},
            .events = {.frames = on_frames, .opened = on_opened, .closed = on_closed, .context = e},
            .tls = wants_tls(s) ? &tls : NULL,
        };
        TRY(net_client_create(config->loop, &client, &e->net, problem));
    }
    return ERR_OK;
}

static enum err create_client(struct service_hsm_link *link, const struct service_hsm_link_config *config,
                              struct net_problem *problem)
{
    const struct service_hsm_link_settings *s = config->settings;
    struct hostcmd_client_config client = {.env = config->env,
                                           .transport = {link, link->count, transport_send, transport_reset},
                                           .window = (uint32_t)s->window,
                                           .header = (uint8_t)s->header};
    size_t digits = strspn(s->lmk, "0123456789");
    if (s->lmk[0] && (digits != 2 || s->lmk[2])) {
        (void)snprintf(problem->text, sizeof problem->text, "hsm.lmk: write two digits, such as 01, or nothing");
        return ERR_CONFIG;
    }
    memcpy(client.lmk, s->lmk, sizeof client.lmk);
    return hostcmd_client_create(&client, &link->client);
}

enum err service_hsm_link_create(const struct service_hsm_link_config *config, struct service_hsm_link **out,
                                 struct net_problem *problem)
{
    void *at = NULL;
    TRY(memory_reserve(1, sizeof(struct service_hsm_link), &at));
    struct service_hsm_link *link = at;
    link->env = config->env;
    enum err err = split(link, config->settings->addresses) ? ERR_OK : ERR_CONFIG;
    if (err != ERR_OK)
        (void)snprintf(problem->text, sizeof problem->text, "hsm.address: write ADDR:PORT, several with commas, at most %d",
                       HOSTCMD_ENDPOINTS_MAX);
    if (err == ERR_OK)
        err = create_client(link, config, problem);
    if (err == ERR_OK)
        err = connect_all(link, config, problem);
    /* Also after a failure: connections that were made still point here until the loop is gone. */
    *out = link;
    return err;
}

void service_hsm_link_reload(struct service_hsm_link *link)
{
    struct net_problem problem = {""};
    for (size_t i = 0; i < link->count; i++)
        if (net_client_tls_reload(link->endpoint[i].net, &problem) != ERR_OK)
            LOG(link->env->log, LOG_ERROR, "hsm.certificates_kept", LOG_TEXT("reason", problem.text));
}

struct hostcmd_client *service_hsm_link_client(struct service_hsm_link *link)
{
    return link->client;
}

void service_hsm_link_destroy(struct service_hsm_link *link)
{
    if (!link)
        return;
    hostcmd_client_destroy(link->client);
    memory_release(link, 1, sizeof *link);
}
