/* SPDX-License-Identifier: Apache-2.0 */
#include "main/hsm_tls.h"

#include "net/admin.h"

#include <stdio.h>
#include <string.h>

enum { TLS_PORT = 2500, ADDRESS_SIZE = 80 };

/* "10.0.0.1" and "[::1]" get the port of payShield's own TLS. */
static void with_port(const char *listen, char out[static ADDRESS_SIZE])
{
    const char *behind = listen[0] == '[' ? strchr(listen, ']') : listen;
    bool has_port = behind && strchr(behind, ':') != NULL;
    (void)snprintf(out, ADDRESS_SIZE, has_port ? "%s" : "%s:%d", listen, TLS_PORT);
}

static enum err open_tls(const struct hsm_settings *s, struct hsm *hsm, struct net_loop *loop, struct net_server **out,
                         struct net_problem *problem)
{
    char address[ADDRESS_SIZE];
    const struct net_tls_config tls = {
        .certificate = s->tls_certificate, .key = s->tls_key, .ca = s->tls_ca, .crl = s->tls_crl};
    with_port(s->tls_listen, address);
    return hsm_serve(hsm, loop, &(struct hsm_serve_config){address, (uint32_t)s->connections, &tls}, out, problem);
}

enum err hsm_ports_open(const struct hsm_settings *settings, struct hsm *hsm, struct net_loop *loop, struct hsm_ports *out,
                        struct net_problem *problem)
{
    *out = (struct hsm_ports){0};
    if (!settings->listen[0] && !settings->tls_listen[0]) {
        (void)snprintf(problem->text, sizeof problem->text, "no host port: set hsm.listen, hsm.tls_listen or both");
        return ERR_CONFIG;
    }
    const struct hsm_serve_config plain = {settings->listen, (uint32_t)settings->connections, NULL};
    if (settings->listen[0])
        TRY(hsm_serve(hsm, loop, &plain, &out->plain, problem));
    return settings->tls_listen[0] ? open_tls(settings, hsm, loop, &out->tls, problem) : ERR_OK;
}

uint16_t hsm_ports_number(const struct net_server *server)
{
    return server ? net_server_port(server) : 0;
}

void hsm_ports_reload(const struct hsm_ports *ports, struct log *log)
{
    struct net_problem problem = {""};
    if (!ports->tls)
        return;
    if (net_server_tls_reload(ports->tls, &problem) == ERR_OK)
        LOG(log, LOG_INFO, "hsm.certificates_read", LOG_TEXT("for", "new connections"));
    else
        LOG(log, LOG_ERROR, "hsm.certificates_kept", LOG_TEXT("reason", problem.text));
}

void hsm_ports_metrics(const struct hsm_ports *ports, struct buf *out)
{
    const struct net_server *const server[] = {ports->plain, ports->tls};
    int64_t open = 0, full = 0, cut = 0, refused = 0;
    for (size_t i = 0; i < 2; i++) {
        if (!server[i])
            continue;
        struct net_counters c = net_server_counters(server[i]);
        open += (int64_t)net_server_count(server[i]);
        full += (int64_t)c.refused;
        cut += (int64_t)c.bad_frames;
        refused += (int64_t)c.handshakes_failed;
    }
    net_metric(out, "countersign_hsm_connections", "connections open", "gauge", open);
    net_metric(out, "countersign_hsm_connections_refused_total", "connections beyond the limit", "counter", full);
    net_metric(out, "countersign_hsm_frames_cut_total", "connections closed for a malformed length", "counter", cut);
    net_metric(out, "countersign_hsm_handshakes_failed_total", "TLS connections that were not let in", "counter", refused);
}
