/* SPDX-License-Identifier: Apache-2.0 */
#include "acquirer/acquirer.h"

#include "base/arena.h"
#include "iso8583/layout.h"
#include "iso8583/profile.h"
#include "net/net.h"

#include <string.h>

enum { STANS = 1000000, SIGN_ON_TIMEOUT_US = 5000000, ECHO_US = 30000000 };

enum entry_kind { ENTRY_FREE, ENTRY_AUTHORISATION, ENTRY_REVERSAL, ENTRY_NETWORK };

struct entry {
    enum entry_kind kind;
    uint32_t stan;
    char transmission[11];
    char rrn[13]; /* "": not compared */
    int64_t deadline_us;
    void *context;
};

struct gateway_link {
    struct gateway_link_config config;
    const struct iso8583_profile *profile;
    enum iso8583_extract extract;
    enum iso8583_result result;
    const struct env *env;
    struct net_client *client;
    struct gateway_link_events events;
    bool signed_on;
    int64_t sign_on_us; /* when the connection was opened; 0: nothing to sign on */
    int64_t echo_us;    /* next network message */
    uint32_t stan;
    struct entry entry[GATEWAY_IN_FLIGHT_MAX]; /* by trace number */
    size_t in_flight;
    int64_t next_us; /* no deadline is earlier; 0: none */
    struct gateway_link_counts counts;
};

/* ---- numbers and times ---- */

static struct entry *entry_of(struct gateway_link *link, uint32_t stan)
{
    return &link->entry[stan % GATEWAY_IN_FLIGHT_MAX];
}

/* The next trace number whose place is free; with less than GATEWAY_IN_FLIGHT_MAX in flight there is one. */
static uint32_t next_stan(struct gateway_link *link)
{
    for (size_t tries = 0; tries <= GATEWAY_IN_FLIGHT_MAX; tries++) {
        link->stan = link->stan % (STANS - 1) + 1;
        if (entry_of(link, link->stan)->kind == ENTRY_FREE)
            break;
    }
    return link->stan;
}

static void write_transmission(int64_t now_ms, char out[static 11])
{
    struct env_calendar c = env_calendar(now_ms);
    const int part[] = {c.month, c.day, c.hour, c.minute, c.second};
    struct buf b = buf_over(out, 11);
    for (size_t i = 0; i < sizeof part / sizeof part[0]; i++)
        buf_put_decimal(&b, (uint64_t)part[i], 2);
    (void)buf_text(&b);
}

/* YDDDHHnnnnnn: last digit of the year, day of the year, hour, trace number. */
static void write_rrn(int64_t now_ms, uint32_t stan, char out[static 13])
{
    struct env_calendar c = env_calendar(now_ms);
    struct env_calendar first = {.year = c.year, .month = 1, .day = 1};
    int64_t start_ms = 0;
    if (env_calendar_ms(&first, &start_ms) != ERR_OK)
        start_ms = now_ms;
    struct buf b = buf_over(out, 13);
    buf_put_decimal(&b, (uint64_t)c.year % 10, 1);
    buf_put_decimal(&b, (uint64_t)((now_ms - start_ms) / 86400000 + 1), 3);
    buf_put_decimal(&b, (uint64_t)c.hour, 2);
    buf_put_decimal(&b, stan, 6);
    (void)buf_text(&b);
}

void gateway_link_stamp(struct gateway_link *link, int64_t now_ms, struct payment *payment)
{
    payment->stan = next_stan(link);
    write_transmission(now_ms, payment->transmission);
    write_rrn(now_ms, payment->stan, payment->rrn);
}

/* ---- messages ---- */

static void put_cut(struct iso8583_message *m, unsigned field, const char *text, size_t max)
{
    struct span value = span_text(text);
    if (value.len > 0)
        iso8583_set(m, field, span_slice(value, 0, max));
}

/* DE22: number keyed by the shopper (01), no PIN entry; the length is the profile's. */
static void put_entry_mode(const struct iso8583_profile *profile, struct iso8583_message *m)
{
    static const char mode[] = "0100";
    iso8583_set(m, ISO8583_ENTRY_MODE, span_of(mode, profile->field[ISO8583_ENTRY_MODE].max == 4 ? 4 : 3));
}

static void put_common(const struct gateway_link *link, const struct payment *payment, const struct payment_secret *secret,
                       const struct gateway_place *place, struct iso8583_message *m)
{
    iso8583_set(m, ISO8583_PAN, card_pan_span(&secret->pan));
    iso8583_set_text(m, ISO8583_PROCESSING_CODE, "000000");
    iso8583_set_decimal(m, ISO8583_AMOUNT, payment->amount_minor, 12);
    iso8583_set_text(m, ISO8583_TIME_LOCAL, payment->transmission + 4);
    iso8583_set(m, ISO8583_DATE_LOCAL, span_of(payment->transmission, 4));
    iso8583_set_text(m, ISO8583_EXPIRY, payment->expiry);
    iso8583_set_text(m, ISO8583_MCC, place->mcc);
    put_entry_mode(link->profile, m);
    iso8583_set_text(m, ISO8583_CONDITION, place->condition);
    iso8583_set_text(m, ISO8583_ACQUIRER, link->config.acquirer);
    iso8583_set_text(m, ISO8583_RRN, payment->rrn);
    put_cut(m, ISO8583_TERMINAL, place->terminal, 8);
    put_cut(m, ISO8583_MERCHANT, place->merchant, 15);
    iso8583_set_text(m, ISO8583_CURRENCY, payment->currency->numeric);
}

static enum err put_code(const struct gateway_link *link, const struct payment *payment, const struct payment_secret *secret,
                         struct iso8583_message *m)
{
    static const enum iso8583_presence presence[] = {
        [PAYMENT_CODE_ABSENT] = ISO8583_CODE_ABSENT,
        [PAYMENT_CODE_PRESENT] = ISO8583_CODE_PRESENT,
        [PAYMENT_CODE_ILLEGIBLE] = ISO8583_CODE_ILLEGIBLE,
        [PAYMENT_CODE_NOT_ON_CARD] = ISO8583_CODE_NOT_ON_CARD,
    };
    struct iso8583_code code = {.presence = presence[payment->presence], .result_wanted = true};
    if (payment->presence == PAYMENT_CODE_PRESENT)
        code.digits = secret->code;
    enum err err = iso8583_code_write(link->extract, &code, m);
    secret_wipe(&code, sizeof code);
    return err;
}

/* ---- sending ---- */

static enum err send_frame(struct gateway_link *link, struct span frame)
{
    enum err err = net_client_send(link->client, &frame, 1);
    return err == ERR_CLOSED ? ERR_LINK_UNAVAILABLE : err;
}

/* Builds, sends and wipes. */
static enum err send_message(struct gateway_link *link, struct iso8583_message *m)
{
    uint8_t room[GATEWAY_FRAME_MAX];
    struct buf frame = buf_over(room, sizeof room);
    enum err err = iso8583_build(link->profile, m, &frame);
    if (err == ERR_OK)
        err = send_frame(link, buf_span(&frame));
    secret_wipe(room, frame.len);
    iso8583_message_wipe(m);
    return err;
}

static void expect(struct gateway_link *link, const struct entry *entry)
{
    struct entry *place = entry_of(link, entry->stan);
    ASSERT(place->kind == ENTRY_FREE);
    *place = *entry;
    link->in_flight++;
    link->counts.sent++;
    if (link->next_us == 0 || entry->deadline_us < link->next_us)
        link->next_us = entry->deadline_us;
}

enum err gateway_link_authorise(struct gateway_link *link, const struct payment *payment, struct payment_secret *secret,
                                const struct gateway_place *place, void *context)
{
    struct iso8583_message m;
    enum err err = ERR_OK;
    if (!gateway_link_up(link))
        err = ERR_LINK_UNAVAILABLE;
    else if (link->in_flight >= (size_t)link->config.in_flight || entry_of(link, payment->stan)->kind != ENTRY_FREE)
        err = ERR_BUSY;
    if (err == ERR_OK) {
        iso8583_message_init(&m, ISO8583_AUTHORISATION);
        put_common(link, payment, secret, place, &m);
        iso8583_set_text(&m, ISO8583_TRANSMISSION, payment->transmission);
        iso8583_set_decimal(&m, ISO8583_STAN, payment->stan, 6);
        err = put_code(link, payment, secret, &m);
        if (err == ERR_OK)
            err = send_message(link, &m);
        else
            iso8583_message_wipe(&m);
    }
    secret_wipe(&secret->code, sizeof secret->code);
    if (err != ERR_OK)
        return err;
    struct entry entry = {.kind = ENTRY_AUTHORISATION, .stan = payment->stan, .context = context};
    memcpy(entry.transmission, payment->transmission, sizeof entry.transmission);
    memcpy(entry.rrn, payment->rrn, sizeof entry.rrn);
    entry.deadline_us = env_monotonic_us(link->env) + link->config.timeout_ms * 1000;
    expect(link, &entry);
    return ERR_OK;
}

/* ---- reversals ---- */

enum err gateway_link_reversal(struct gateway_link *link, const struct payment *payment, const struct payment_secret *secret,
                               const struct gateway_place *place, int64_t now_ms, struct buf *frame)
{
    struct iso8583_message original, m;
    char transmission[11];
    write_transmission(now_ms, transmission);
    iso8583_message_init(&original, ISO8583_AUTHORISATION);
    iso8583_set_text(&original, ISO8583_TRANSMISSION, payment->transmission);
    iso8583_set_decimal(&original, ISO8583_STAN, payment->stan, 6);
    iso8583_set_text(&original, ISO8583_ACQUIRER, link->config.acquirer);
    iso8583_message_init(&m, ISO8583_REVERSAL);
    put_common(link, payment, secret, place, &m);
    iso8583_set_text(&m, ISO8583_TRANSMISSION, transmission);
    /* A number of its own, not one in flight at this moment: repeats keep it. */
    iso8583_set_decimal(&m, ISO8583_STAN, next_stan(link), 6);
    iso8583_set_text(&m, ISO8583_RESPONSE, "68"); /* why: answer received too late */
    enum err err = iso8583_original_write(&original, &m);
    if (err == ERR_OK)
        err = iso8583_build(link->profile, &m, frame);
    iso8583_message_wipe(&m);
    return err;
}

static void take_key(const struct iso8583_message *m, struct entry *entry)
{
    uint64_t stan = 0;
    struct span transmission = iso8583_get(m, ISO8583_TRANSMISSION), rrn = iso8583_get(m, ISO8583_RRN);
    entry->stan = span_decimal(iso8583_get(m, ISO8583_STAN), &stan) == ERR_OK ? (uint32_t)stan : 0;
    memset(entry->transmission, 0, sizeof entry->transmission);
    memset(entry->rrn, 0, sizeof entry->rrn);
    memcpy(entry->transmission, transmission.at, transmission.len < 11 ? transmission.len : 10);
    memcpy(entry->rrn, rrn.at, rrn.len < 13 ? rrn.len : 12);
}

enum err gateway_link_reverse(struct gateway_link *link, struct span frame, bool repeat, int64_t timeout_us, void *context)
{
    struct iso8583_message m;
    if (!gateway_link_up(link))
        return ERR_LINK_UNAVAILABLE;
    enum err err = iso8583_parse(link->profile, frame, &m, NULL);
    struct entry entry = {.kind = ENTRY_REVERSAL, .context = context, .deadline_us = env_monotonic_us(link->env) + timeout_us};
    if (err == ERR_OK) {
        take_key(&m, &entry);
        if (entry_of(link, entry.stan)->kind != ENTRY_FREE)
            err = ERR_BUSY;
    }
    if (err == ERR_OK) {
        m.mti = repeat ? ISO8583_REVERSAL_REPEAT : ISO8583_REVERSAL;
        err = send_message(link, &m);
    } else {
        iso8583_message_wipe(&m);
    }
    if (err == ERR_OK)
        expect(link, &entry);
    return err;
}

/* ---- sign-on and echo ---- */

static enum err send_network(struct gateway_link *link, const char *code)
{
    struct iso8583_message m;
    struct entry entry = {.kind = ENTRY_NETWORK, .stan = next_stan(link)};
    write_transmission(env_wall_ms(link->env), entry.transmission);
    iso8583_message_init(&m, ISO8583_NETWORK);
    iso8583_set_text(&m, ISO8583_TRANSMISSION, entry.transmission);
    iso8583_set_decimal(&m, ISO8583_STAN, entry.stan, 6);
    iso8583_set_text(&m, ISO8583_NETWORK_CODE, code);
    TRY(send_message(link, &m));
    entry.deadline_us = env_monotonic_us(link->env) + SIGN_ON_TIMEOUT_US;
    expect(link, &entry);
    return ERR_OK;
}

static void on_opened(void *context, struct net_peer peer)
{
    (void)peer;
    struct gateway_link *link = context;
    link->signed_on = false;
    if (send_network(link, "001") != ERR_OK)
        net_client_reconnect(link->client);
}

static void on_closed(void *context, struct net_peer peer)
{
    (void)peer;
    struct gateway_link *link = context;
    if (link->signed_on)
        LOG(link->env->log, LOG_WARN, "gateway.link_down", LOG_TEXT("link", link->config.name));
    link->signed_on = false;
    /* Sign-on and echo die with their connection: their deadline would cut the next one. */
    for (size_t i = 0; i < GATEWAY_IN_FLIGHT_MAX; i++) {
        if (link->entry[i].kind != ENTRY_NETWORK)
            continue;
        link->entry[i] = (struct entry){0};
        link->in_flight--;
    }
}

static void network_answered(struct gateway_link *link, const struct iso8583_message *m)
{
    bool accepted = span_is(iso8583_get(m, ISO8583_RESPONSE), "00");
    if (!accepted) {
        net_client_reconnect(link->client);
        return;
    }
    if (!link->signed_on)
        LOG(link->env->log, LOG_INFO, "gateway.link_up", LOG_TEXT("link", link->config.name));
    link->signed_on = true;
    link->echo_us = env_monotonic_us(link->env) + ECHO_US;
}

/* ---- answers ---- */

static struct entry *match(struct gateway_link *link, const struct iso8583_message *m)
{
    struct entry told = {0};
    take_key(m, &told);
    struct entry *entry = entry_of(link, told.stan);
    bool same = entry->kind != ENTRY_FREE && entry->stan == told.stan &&
                memcmp(entry->transmission, told.transmission, sizeof told.transmission) == 0;
    if (same && entry->kind != ENTRY_NETWORK)
        same = memcmp(entry->rrn, told.rrn, sizeof told.rrn) == 0;
    static const uint16_t wanted[] = {[ENTRY_AUTHORISATION] = ISO8583_AUTHORISATION_ANSWER,
                                      [ENTRY_REVERSAL] = ISO8583_REVERSAL_ANSWER,
                                      [ENTRY_NETWORK] = ISO8583_NETWORK_ANSWER};
    return same && m->mti == wanted[entry->kind] ? entry : NULL;
}

static void finish(struct gateway_link *link, struct entry *entry, const struct iso8583_message *m)
{
    struct entry done = *entry;
    *entry = (struct entry){0};
    link->in_flight--;
    if (done.kind == ENTRY_NETWORK) {
        if (m)
            network_answered(link, m);
        else
            net_client_reconnect(link->client);
        return;
    }
    link->events.answered(link->events.owner, done.kind == ENTRY_REVERSAL ? GATEWAY_SENT_REVERSAL : GATEWAY_SENT_AUTHORISATION,
                          done.context, m);
}

static void on_frame(struct gateway_link *link, struct span frame)
{
    struct iso8583_message m;
    struct entry *entry = NULL;
    if (iso8583_parse(link->profile, frame, &m, NULL) != ERR_OK) {
        link->counts.unreadable++;
    } else if ((entry = match(link, &m)) == NULL) {
        link->counts.unmatched++; /* late, doubled or foreign: its request has been reversed */
    } else {
        link->counts.answered++;
        finish(link, entry, &m);
    }
    iso8583_message_wipe(&m);
}

static void on_frames(void *context, const struct net_frame *frame, size_t count)
{
    for (size_t i = 0; i < count; i++)
        on_frame(context, frame[i].payload);
}

void gateway_link_read(const struct gateway_link *link, const struct iso8583_message *m, struct payment *payment)
{
    struct span response = iso8583_get(m, ISO8583_RESPONSE);
    struct span approval = iso8583_get(m, ISO8583_APPROVAL);
    uint64_t amount_minor = 0;
    if (response.len == 2)
        memcpy(payment->de39, response.at, 2);
    if (approval.len < sizeof payment->approval)
        memcpy(payment->approval, approval.at, approval.len);
    payment->cvv_raw = iso8583_result_read(link->result, m);
    payment->approved_minor = payment->amount_minor;
    /* A partial approval says how much in field 4. */
    if (span_is(response, "10") && span_decimal(iso8583_get(m, ISO8583_AMOUNT), &amount_minor) == ERR_OK &&
        amount_minor < payment->amount_minor)
        payment->approved_minor = amount_minor;
}

/* ---- turn ---- */

static void expire(struct gateway_link *link, int64_t now_us)
{
    link->next_us = 0;
    for (size_t i = 0; link->in_flight > 0 && i < GATEWAY_IN_FLIGHT_MAX; i++) {
        struct entry *entry = &link->entry[i];
        if (entry->kind == ENTRY_FREE)
            continue;
        if (entry->deadline_us <= now_us) {
            link->counts.timeouts++;
            finish(link, entry, NULL);
        } else if (link->next_us == 0 || entry->deadline_us < link->next_us) {
            link->next_us = entry->deadline_us;
        }
    }
}

int64_t gateway_link_turn(struct gateway_link *link, int64_t now_us)
{
    if (link->next_us != 0 && link->next_us <= now_us)
        expire(link, now_us);
    if (link->signed_on && link->echo_us <= now_us) {
        link->echo_us = now_us + ECHO_US;
        if (send_network(link, "301") != ERR_OK)
            net_client_reconnect(link->client);
    }
    int64_t next_us = link->next_us;
    if (link->signed_on && (next_us == 0 || link->echo_us < next_us))
        next_us = link->echo_us;
    return next_us;
}

/* ---- life ---- */

static enum err open_client(struct gateway_link *link, struct net_loop *loop)
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
        .framing = {NET_LEN2, 4, GATEWAY_FRAME_MAX},
        .sizes = {.read = 256 * 1024, .write = 1024 * 1024},
        .events = {.frames = on_frames, .opened = on_opened, .closed = on_closed, .context = link},
    };
    enum err err = net_client_create(loop, &config, &link->client, &problem);
    if (err != ERR_OK)
        LOG(link->env->log, LOG_ERROR, "gateway.link", LOG_TEXT("link", link->config.name), LOG_TEXT("problem", problem.text));
    return err;
}

enum err gateway_link_create(const struct gateway_link_config *config, const struct env *env, struct net_loop *loop,
                             const struct gateway_link_events *events, struct gateway_link **out)
{
    void *at = NULL;
    TRY(memory_reserve(1, sizeof(struct gateway_link), &at));
    struct gateway_link *link = at;
    link->config = *config;
    link->env = env;
    link->events = *events;
    link->profile = iso8583_profile_find(span_text(config->profile));
    link->extract = iso8583_extract_find(span_text(config->extract));
    link->result = iso8583_result_find(span_text(config->result));
    /* A random start: a process that comes back within a second does not repeat the numbers of the one before. */
    env_random(env, &link->stan, sizeof link->stan);
    link->stan %= STANS;
    enum err err = ERR_CONFIG;
    if (link->profile && link->extract != ISO8583_EXTRACT_UNSET && link->result != ISO8583_RESULT_UNSET && config->in_flight > 0 &&
        config->in_flight <= GATEWAY_IN_FLIGHT_MAX - GATEWAY_IN_FLIGHT_RESERVE)
        err = open_client(link, loop);
    if (err != ERR_OK)
        memory_release(link, 1, sizeof *link);
    else
        *out = link;
    return err;
}

void gateway_link_destroy(struct gateway_link *link)
{
    if (link)
        memory_release(link, 1, sizeof *link);
}

bool gateway_link_up(const struct gateway_link *link)
{
    return link->signed_on && net_client_up(link->client);
}

struct gateway_link_counts gateway_link_counts(const struct gateway_link *link)
{
    return link->counts;
}
