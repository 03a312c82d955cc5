/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/process/ports.h"

#include "base/metric.h"

#include <stdio.h>
#include <string.h>

enum { TLS_PORT = 2500, ADDRESS_SIZE = 80 };

/* "10.0.0.1" and "[::1]" get the port of payShield's own TLS. */
static void with_port(const char *listen, char out[static ADDRESS_SIZE])
{
    const char *behind = listen[0] == '[' ? strchr(listen, ']') : listen;
    bool has_port = behind && strchr(behind, ':');
    (void)snprintf(out, ADDRESS_SIZE, has_port ? "%s" : "%s:%d", listen, TLS_PORT);
}

static struct hsm_serve_config serving(const struct hsm_settings *s, const char *address)
{
    return (struct hsm_serve_config){.listen = address,
                                     .connections = (uint32_t)s->connections,
                                     .per_address = (uint32_t)s->connections_per_address,
                                     .idle_ms = (uint32_t)s->idle_s * 1000,
                                     .keepalive_s = (uint32_t)s->keepalive_s};
}

static enum err open_tls(const struct hsm_settings *s, struct hsm *hsm, struct net_loop *loop, struct net_server **out,
                         struct net_problem *problem)
{
    char address[ADDRESS_SIZE];
    const struct net_tls_config tls = {.certificate = s->tls_certificate, .key = s->tls_key, .ca = s->tls_ca, .crl = s->tls_crl};
    with_port(s->tls_listen, address);
    struct hsm_serve_config serve = serving(s, address);
    serve.tls = &tls;
    return hsm_serve(hsm, loop, &serve, out, problem);
}

/* "1501=00" of the list; *rest moves behind it. */
static bool next_lmk_port(struct span *rest, uint16_t *port, uint8_t *lmk)
{
    struct span pair = span_cut(rest, ',');
    struct span digits = span_cut(&pair, '=');
    uint64_t number = 0, id = 0;
    bool good = digits.len <= 5 && span_decimal(digits, &number) == ERR_OK && number <= UINT16_MAX && pair.len == 2 &&
                span_decimal(pair, &id) == ERR_OK;
    *port = (uint16_t)number;
    *lmk = (uint8_t)id;
    return good;
}

/* A payShield answers port 1500 + 1 + n by LMK n; here the list says it, so that any ports may be taken. */
static enum err open_lmk_ports(const struct hsm_settings *s, struct hsm *hsm, struct net_loop *loop, struct hsm_ports *out,
                               struct net_problem *problem)
{
    const char *colon = strrchr(s->listen, ':');
    for (struct span rest = span_text(s->lmk_ports); rest.len > 0;) {
        char address[ADDRESS_SIZE];
        uint16_t port = 0;
        uint8_t lmk = 0;
        if (!colon || out->lmk_count == HSM_LMK_PORTS || !next_lmk_port(&rest, &port, &lmk)) {
            (void)snprintf(problem->text, sizeof problem->text,
                           "hsm.lmk_ports: write up to %d pairs such as 1501=00,1502=01, and set hsm.listen", HSM_LMK_PORTS);
            return ERR_CONFIG;
        }
        (void)snprintf(address, sizeof address, "%.*s:%u", (int)(colon - s->listen), s->listen, (unsigned)port);
        struct hsm_serve_config serve = serving(s, address);
        serve.lmk = &lmk;
        TRY(hsm_serve(hsm, loop, &serve, &out->lmk[out->lmk_count], problem));
        out->lmk_count++;
    }
    return ERR_OK;
}

enum err hsm_ports_open(const struct hsm_settings *settings, struct hsm *hsm, struct net_loop *loop, struct hsm_ports *out,
                        struct net_problem *problem)
{
    *out = (struct hsm_ports){0};
    if (!settings->listen[0] && !settings->tls_listen[0]) {
        (void)snprintf(problem->text, sizeof problem->text, "no host port: set hsm.listen, hsm.tls_listen or both");
        return ERR_CONFIG;
    }
    const struct hsm_serve_config plain = serving(settings, settings->listen);
    if (settings->listen[0])
        TRY(hsm_serve(hsm, loop, &plain, &out->plain, problem));
    TRY(open_lmk_ports(settings, hsm, loop, out, problem));
    return settings->tls_listen[0] ? open_tls(settings, hsm, loop, &out->tls, problem) : ERR_OK;
}

uint16_t hsm_ports_number(const struct net_server *server)
{
    return server ? net_server_port(server) : 0;
}

enum err hsm_ports_reload(const struct hsm_ports *ports, struct net_problem *problem)
{
    return ports->tls ? net_server_tls_reload(ports->tls, problem) : ERR_OK;
}

void hsm_ports_metrics(const struct hsm_ports *ports, struct buf *out)
{
    const struct net_server *const main_ports[] = {ports->plain, ports->tls};
    int64_t open = 0, full = 0, cut = 0, refused = 0, evicted = 0;
    for (size_t i = 0; i < 2 + ports->lmk_count; i++) {
        const struct net_server *server = i < 2 ? main_ports[i] : ports->lmk[i - 2];
        if (!server)
            continue;
        struct net_counters c = net_server_counters(server);
        open += (int64_t)net_server_count(server);
        full += (int64_t)c.refused;
        cut += (int64_t)c.bad_frames;
        evicted += (int64_t)c.evicted;
        refused += (int64_t)c.handshakes_failed;
    }
    metric_put(out, "countersign_hsm_connections", "connections open", "gauge", open);
    metric_put(out, "countersign_hsm_connections_evicted_total", "connections closed for another one", "counter", evicted);
    metric_put(out, "countersign_hsm_connections_refused_total", "connections beyond the limit", "counter", full);
    metric_put(out, "countersign_hsm_frames_cut_total", "connections closed for a malformed length", "counter", cut);
    metric_put(out, "countersign_hsm_handshakes_failed_total", "TLS connections that were not let in", "counter", refused);
}
