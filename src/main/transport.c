/* SPDX-License-Identifier: Apache-2.0 */
#include "main/transport.h"

#include "hostcmd/commands.h"

#include "base/arena.h"

#include <string.h>

enum { READ_SIZE = 64 * 1024, WRITE_SIZE = 256 * 1024, REPLY_LEAST = HOSTCMD_HEADER + 4, ADDRESS_SIZE = 64 };

struct hsm_link;

struct endpoint {
    struct hsm_link *link;
    size_t index;
    struct net_client *net;
    char address[ADDRESS_SIZE];
};

struct hsm_link {
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
    struct hsm_link *link = context;
    return net_client_send(link->endpoint[endpoint].net, part, count);
}

static void transport_reset(void *context, size_t endpoint)
{
    struct hsm_link *link = context;
    net_client_reconnect(link->endpoint[endpoint].net);
}

/* ---- life ---- */

static enum err split(struct hsm_link *link, const char *addresses, struct net_problem *problem)
{
    while (*addresses) {
        size_t len = strcspn(addresses, ",");
        if (len == 0 || len >= ADDRESS_SIZE || link->count == HOSTCMD_ENDPOINTS_MAX)
            break;
        struct endpoint *e = &link->endpoint[link->count];
        *e = (struct endpoint){.link = link, .index = link->count};
        memcpy(e->address, addresses, len);
        link->count++;
        addresses += len;
        addresses += *addresses == ',' && addresses[1];
    }
    if (link->count > 0 && !*addresses)
        return ERR_OK;
    struct buf text = buf_over(problem->text, sizeof problem->text);
    buf_put_text(&text, "HSM addresses: write ADDR:PORT, several with commas, at most 8");
    return *buf_text(&text) ? ERR_CONFIG : ERR_INTERNAL;
}

static enum err connect_all(struct hsm_link *link, struct net_loop *loop, struct net_problem *problem)
{
    for (size_t i = 0; i < link->count; i++) {
        struct endpoint *e = &link->endpoint[i];
        struct net_client_config config = {
            .name = "hsm",
            .address = e->address,
            .framing = {NET_LEN2, REPLY_LEAST, HOSTCMD_FRAME_MAX},
            .sizes = {READ_SIZE, WRITE_SIZE, 0},
            .events = {.frames = on_frames, .opened = on_opened, .closed = on_closed, .context = e},
        };
        TRY(net_client_create(loop, &config, &e->net, problem));
    }
    return ERR_OK;
}

enum err hsm_link_create(const struct hsm_link_config *config, struct hsm_link **out, struct net_problem *problem)
{
    void *at = NULL;
    TRY(memory_reserve(1, sizeof(struct hsm_link), &at));
    struct hsm_link *link = at;
    enum err err = split(link, config->addresses, problem);
    if (err == ERR_OK)
        err = hostcmd_client_create(
            &(struct hostcmd_client_config){config->env, {link, link->count, transport_send, transport_reset}, config->window, HOSTCMD_HEADER, ""},
            &link->client);
    if (err == ERR_OK)
        err = connect_all(link, config->loop, problem);
    /* Also after a failure: connections that were made still point here until the loop is gone. */
    *out = link;
    return err;
}

struct hostcmd_client *hsm_link_client(struct hsm_link *link)
{
    return link->client;
}

void hsm_link_destroy(struct hsm_link *link)
{
    if (!link)
        return;
    hostcmd_client_destroy(link->client);
    memory_release(link, 1, sizeof *link);
}
