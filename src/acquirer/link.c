/* SPDX-License-Identifier: Apache-2.0 */
/* The connection of a link: sign-on, echo, frames, deadlines. */
#include "acquirer/internal.h"

#include "base/arena.h"
#include "base/log.h"
#include "base/secret.h"
#include "net/net.h"

#include <string.h>

enum { SIGN_ON_TIMEOUT_US = 5000000, ECHO_US = 30000000 };

/* ---- sending ---- */

enum err acquirer_send(struct acquirer_link *link, struct iso8583_message *m)
{
    uint8_t room[ACQUIRER_FRAME_MAX];
    struct buf frame = buf_over(room, sizeof room);
    enum err err = iso8583_build(link->profile, m, &frame);
    if (err == ERR_OK) {
        const struct span part = buf_span(&frame);
        err = net_client_send(link->client, &part, 1);
    }
    secret_wipe(room, frame.len);
    iso8583_message_wipe(m);
    return err == ERR_CLOSED ? ERR_LINK_UNAVAILABLE : err;
}

/* ---- sign-on and echo ---- */

static enum err send_network(struct acquirer_link *link, const char *code)
{
    struct iso8583_message m;
    struct acquirer_entry entry = {.kind = ACQUIRER_ENTRY_NETWORK, .stamp = {.stan = acquirer_stan_next(link)}};
    acquirer_stamp_time(env_wall_ms(link->env), entry.stamp.transmission);
    iso8583_message_init(&m, ISO8583_NETWORK);
    iso8583_set_text(&m, ISO8583_TRANSMISSION, entry.stamp.transmission);
    iso8583_set_decimal(&m, ISO8583_STAN, entry.stamp.stan, 6);
    iso8583_set_text(&m, ISO8583_NETWORK_CODE, code);
    TRY(acquirer_send(link, &m));
    entry.deadline_us = env_monotonic_us(link->env) + SIGN_ON_TIMEOUT_US;
    acquirer_expect(link, &entry);
    return ERR_OK;
}

static void on_opened(void *context, struct net_peer peer)
{
    (void)peer;
    struct acquirer_link *link = context;
    link->signed_on = false;
    if (send_network(link, "001") != ERR_OK)
        net_client_reconnect(link->client);
}

static void on_closed(void *context, struct net_peer peer)
{
    (void)peer;
    struct acquirer_link *link = context;
    if (link->signed_on)
        LOG(link->env->log, LOG_WARN, "acquirer.link_down", LOG_TEXT("link", link->config.name));
    link->signed_on = false;
    /* Sign-on and echo die with their connection: their deadline would cut the next one. */
    for (size_t i = 0; i < ACQUIRER_IN_FLIGHT_MAX; i++) {
        if (link->entry[i].kind == ACQUIRER_ENTRY_NETWORK)
            (void)acquirer_settle(link, &link->entry[i]); /* nobody waits for it */
    }
}

static void network_answered(struct acquirer_link *link, const struct iso8583_message *m)
{
    bool accepted = span_is(iso8583_get(m, ISO8583_RESPONSE), "00");
    if (!accepted) {
        net_client_reconnect(link->client);
        return;
    }
    if (!link->signed_on)
        LOG(link->env->log, LOG_INFO, "acquirer.link_up", LOG_TEXT("link", link->config.name));
    link->signed_on = true;
    link->echo_us = env_monotonic_us(link->env) + ECHO_US;
}

/* ---- answers ---- */

static void finish(struct acquirer_link *link, struct acquirer_entry *entry, const struct iso8583_message *m)
{
    struct acquirer_entry done = acquirer_settle(link, entry);
    if (done.kind == ACQUIRER_ENTRY_NETWORK) {
        if (m)
            network_answered(link, m);
        else
            net_client_reconnect(link->client);
        return;
    }
    link->events.answered(link->events.owner, done.kind == ACQUIRER_ENTRY_REVERSAL ? ACQUIRER_REVERSAL : ACQUIRER_AUTHORISATION,
                          done.context, m);
}

/* A frame of length zero is a keepalive: to take it for a fault would cost every answer that is on its way. */
static void on_frame(struct acquirer_link *link, struct span frame)
{
    struct iso8583_message m;
    if (frame.len == 0)
        return;
    if (iso8583_parse(link->profile, frame, &m, NULL) != ERR_OK) {
        link->counts.unreadable++;
    } else {
        struct acquirer_entry *entry = acquirer_match(link, &m);
        link->counts.answered += entry ? 1 : 0;
        link->counts.unmatched += !entry; /* late, doubled or foreign: its request has been reversed */
        if (entry)
            finish(link, entry, &m);
    }
    iso8583_message_wipe(&m);
}

static void on_frames(void *context, const struct net_frame *frame, size_t count)
{
    for (size_t i = 0; i < count; i++)
        on_frame(context, frame[i].payload);
}

/* ---- turn ---- */

static void expire(struct acquirer_link *link, int64_t now_us)
{
    link->next_us = ACQUIRER_NEVER_US;
    for (size_t i = 0; link->in_flight > 0 && i < ACQUIRER_IN_FLIGHT_MAX; i++) {
        struct acquirer_entry *entry = &link->entry[i];
        if (entry->kind == ACQUIRER_ENTRY_FREE)
            continue;
        if (entry->deadline_us <= now_us) {
            link->counts.timeouts++;
            finish(link, entry, NULL);
        } else if (entry->deadline_us < link->next_us) {
            link->next_us = entry->deadline_us;
        }
    }
}

int64_t acquirer_turn(struct acquirer_link *link, int64_t now_us)
{
    if (link->next_us <= now_us)
        expire(link, now_us);
    if (link->signed_on && link->echo_us <= now_us) {
        link->echo_us = now_us + ECHO_US;
        if (send_network(link, "301") != ERR_OK)
            net_client_reconnect(link->client);
    }
    return link->signed_on && link->echo_us < link->next_us ? link->echo_us : link->next_us;
}

/* ---- life ---- */

static enum err open_client(struct acquirer_link *link, struct net_loop *loop)
{
    uint8_t room[96];
    struct buf address = buf_over(room, sizeof room);
    struct net_problem problem = {0};
    buf_put_text(&address, link->config.address);
    buf_put_byte(&address, ':');
    buf_put_decimal(&address, (uint64_t)link->config.port, 0);
    struct net_client_config config = {
        .name = link->config.name,
        .address = buf_text(&address),
        .framing = {NET_LEN2, 0, ISO8583_FRAME_MAX},
        .sizes = {.read = 256 * 1024, .write = 1024 * 1024},
        .events = {.frames = on_frames, .opened = on_opened, .closed = on_closed, .context = link},
    };
    enum err err = net_client_create(loop, &config, &link->client, &problem);
    if (err != ERR_OK)
        LOG(link->env->log, LOG_ERROR, "acquirer.link", LOG_TEXT("link", link->config.name), LOG_TEXT("problem", problem.text));
    return err;
}

enum err acquirer_create(const struct acquirer_config *config, const struct env *env, struct net_loop *loop,
                         const struct acquirer_events *events, struct acquirer_link **out)
{
    void *at = NULL;
    TRY(memory_reserve(1, sizeof(struct acquirer_link), &at));
    struct acquirer_link *link = at;
    link->config = *config;
    link->env = env;
    link->events = *events;
    link->profile = iso8583_profile_find(span_text(config->profile));
    link->extract = iso8583_extract_find(span_text(config->extract));
    link->result = iso8583_result_find(span_text(config->result));
    /* A random start: a process that comes back within a second does not repeat the numbers of the one before. */
    env_random(env, &link->stan, sizeof link->stan);
    link->stan %= ACQUIRER_STANS;
    link->next_us = ACQUIRER_NEVER_US;
    enum err err = ERR_CONFIG;
    if (link->profile && link->extract != ISO8583_EXTRACT_UNSET && link->result != ISO8583_RESULT_UNSET && config->in_flight > 0 &&
        config->in_flight <= ACQUIRER_IN_FLIGHT_MAX - ACQUIRER_IN_FLIGHT_RESERVE)
        err = open_client(link, loop);
    if (err != ERR_OK)
        memory_release(link, 1, sizeof *link);
    else
        *out = link;
    return err;
}

void acquirer_destroy(struct acquirer_link *link)
{
    if (link)
        memory_release(link, 1, sizeof *link);
}

bool acquirer_up(const struct acquirer_link *link)
{
    return link->signed_on && net_client_up(link->client);
}

struct acquirer_counts acquirer_counts(const struct acquirer_link *link)
{
    return link->counts;
}
