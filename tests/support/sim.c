/* SPDX-License-Identifier: Apache-2.0 */
#include "support/sim.h"

#include "card/card.h"
#include "hostcmd/commands.h"
#include "store/error.h"
#include "support/ledgers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void must(bool condition, const char *what)
{
    if (condition)
        return;
    (void)fprintf(stderr, "sim: %s\n", what);
    abort();
}

uint32_t sim_draw(struct sim *sim, uint32_t bound)
{
    uint32_t value;
    env_random(&sim->env, &value, sizeof value);
    return value % bound;
}

void sim_code(enum switch_question question, size_t card, int64_t ref, char out[static 4])
{
    (void)snprintf(out, 4, "%03u", (unsigned)((card * 37 + (uint64_t)ref * 101 + (unsigned)question * 13 + 7) % 1000));
}

static void pan_of(size_t card, char out[static 17])
{
    (void)snprintf(out, 17, "400000%09zu0", card);
    out[15] = card_luhn_digit(span_of(out, 15));
}

/* ---- the HSM ---- */

static size_t card_of(struct span pan)
{
    uint64_t card = 0;
    must(span_decimal(span_slice(pan, 6, 9), &card) == ERR_OK, "a PAN of ours");
    return card;
}

static bool cy_right(struct span data)
{
    struct hostcmd_cy ask;
    struct hostcmd_tail tail;
    must(hostcmd_request_parse(hostcmd_row(HOSTCMD_CY), data, &ask, &tail, NULL) == ERR_OK, "CY");
    char code[4];
    sim_code(SWITCH_CY, card_of(WIRE_SPAN(ask.pan)), 0, code);
    return span_is(WIRE_SPAN(ask.code), code);
}

/* Time YYMMDDhhmm to its window of one hour. */
static int64_t window_of(struct span time)
{
    struct env_calendar c = {0};
    int *part[] = {&c.year, &c.month, &c.day, &c.hour, &c.minute};
    for (size_t i = 0; i < 5; i++)
        *part[i] = (time.at[i * 2] - '0') * 10 + time.at[i * 2 + 1] - '0';
    c.year += 2000;
    int64_t ms = 0;
    must(env_calendar_ms(&c, &ms) == ERR_OK, "a time");
    return switch_window_index(ms, 1);
}

static bool pm_right(struct span data)
{
    struct hostcmd_pm ask;
    struct hostcmd_tail tail;
    must(hostcmd_request_parse(hostcmd_row(HOSTCMD_PM), data, &ask, &tail, NULL) == ERR_OK, "PM");
    char code[4];
    uint64_t ref = 0;
    if (span_is(WIRE_SPAN(ask.scheme), "5")) {
        sim_code(SWITCH_PM5, card_of(WIRE_SPAN(ask.pan)), window_of(WIRE_SPAN(ask.time)), code);
    } else {
        must(span_decimal(WIRE_SPAN(ask.atc), &ref) == ERR_OK, "a counter");
        sim_code(SWITCH_PM0, card_of(WIRE_SPAN(ask.pan)), (int64_t)ref, code);
    }
    return span_is(WIRE_SPAN(ask.code), code);
}

/* Whatever was lost on the old link is lost with it. */
static void hsm_reset(void *context, size_t endpoint)
{
    struct sim *sim = context;
    hostcmd_client_link(sim->hsm, endpoint, false);
    hostcmd_client_link(sim->hsm, endpoint, true);
}

static enum err hsm_send(void *context, size_t endpoint, const struct span *part, size_t count)
{
    struct sim *sim = context;
    const struct span header = part[0], command = part[1];
    struct span data = span_slice(command, 2, command.len);
    bool cy = span_is(span_slice(command, 0, 2), "CY");
    bool pm = span_is(span_slice(command, 0, 2), "PM");
    struct sim_question *q = &sim->waiting[sim->waiting_count];
    struct buf out = buf_over(q->at, sizeof q->at);
    must(count == 2, "no LMK identifier");
    sim->asked[endpoint] += cy || pm;
    if ((!cy && !pm) || sim->deaf[endpoint] || sim_draw(sim, 100) < sim->drop_percent)
        return ERR_OK; /* probes are not answered, nor is what got lost */
    must(sim->waiting_count < sizeof sim->waiting / sizeof sim->waiting[0], "room for answers");
    buf_put_span(&out, header);
    buf_put_text(&out, cy ? "CZ" : "PN");
    buf_put_text(&out, sim->limited                               ? "39"
                       : sim_draw(sim, 100) < sim->refuse_percent ? "41"
                       : (cy ? cy_right(data) : pm_right(data))   ? "00"
                                                                  : "01");
    q->endpoint = endpoint;
    q->len = out.len;
    sim->waiting_count++;
    return ERR_OK;
}

static void hsm_deliver(struct sim *sim)
{
    size_t count = sim->waiting_count;
    static struct sim_question now[8192];
    memcpy(now, sim->waiting, count * sizeof now[0]);
    sim->waiting_count = 0;
    for (size_t i = 0; sim->reorder && i + 1 < count; i++) {
        size_t other = i + sim_draw(sim, (uint32_t)(count - i));
        struct sim_question kept = now[i];

        now[i] = now[other];
        now[other] = kept;
    }
    for (size_t i = 0; i < count; i++)
        hostcmd_client_receive(sim->hsm, now[i].endpoint, span_of(now[i].at, now[i].len));
}

/* ---- the switch's hooks ---- */

static const char *key_of(void *context, const char *name)
{
    (void)context;
    return name[0] != 0 ? "U0123456789ABCDEF0123456789ABCDEF" : NULL;
}

static void on_reply(void *context, size_t link, struct net_peer peer, struct span frame)
{
    struct sim *sim = context;
    struct sim_request *r = &sim->request[peer.slot];
    (void)link;
    must(frame.len <= sizeof r->answer, "a short answer");
    memcpy(r->answer, frame.at, frame.len);
    r->answer_len = frame.len;
    r->answers++;
}

static void on_silence(void *context, size_t link, struct net_peer peer)
{
    struct sim *sim = context;
    (void)link;
    (void)peer;
    sim->silent++;
}

static void on_wake(void *context)
{
    (void)context; /* sim_settle looks again by itself */
}

/* ---- world ---- */

static void put_product(struct ledger_unit *unit, const char *id, enum ledger_mode mode)
{
    struct ledger_product p = {.issuer_id = "SIM0000001",
                               .version = 1,
                               .mode = mode,
                               .expiry_delay_s = 300,
                               .tries = 3,
                               .twu_h = 1,
                               .accept_previous_window = true,
                               .static_policy = mode == LEDGER_ONE_TIME ? LEDGER_STATIC_OFF : LEDGER_STATIC_ALLOWED,
                               .count_other_declines = true,
                               .deferred_slots = 4,
                               .diag_step = true,
                               .malformed_policy = LEDGER_DECLINE,
                               .batch_max = 24,
                               .notify_batch = 20,
                               .display_rate_per_h = 600,
                               .cvk_ref = "cvk",
                               .mk_ref = "mk",
                               .key_derivation = "A"};
    (void)snprintf(p.product_id, sizeof p.product_id, "%s", id);
    p.plan_parallel = strcmp(id, "parallel") == 0;
    ledger_put_product(unit, &p);
}

static void put_card(struct sim *sim, struct ledger_unit *unit, size_t n)
{
    static const char *const products[SIM_CARDS] = {"one", "one", "one", "static", "parallel", "window"};
    struct ledger_card card = {.issuer_id = "SIM0000001", .psn = "00", .enrolled = true, .expiry = "2912", .version = 1};
    struct ledger_account account = {.currency = "036", .balance = 1000000, .version = 1};
    char pan[17];
    pan_of(n, pan);
    (void)snprintf(card.card_id, sizeof card.card_id, "card-%zu", n);
    memcpy(card.reference, card.card_id, sizeof card.reference);
    (void)snprintf(card.account_id, sizeof card.account_id, "account-%zu", n < 5 ? n : 4);
    (void)snprintf(card.product_id, sizeof card.product_id, "%s", products[n]);
    card.pan_mac.len = LEDGER_MAC_LEN;
    must(crypto_vault_pan_mac(sim->vault, span_of(pan, 16), card.pan_mac.at) == ERR_OK, "PAN MAC");
    memcpy(account.account_id, card.account_id, sizeof account.account_id);
    if (n < 5)
        ledger_put_new_account(unit, &account);
    ledger_put_card(unit, &card);
}

static void ledger_fill(struct sim *sim)
{
    struct ledger_unit unit;
    ledgers_enrol(sim->f.store, &sim->f.arena, "SIM0000001", "000000-999999/12-19", "UTC");
    arena_reset(&sim->f.arena);
    ledger_unit_begin(&unit, 32, &sim->f.arena);
    put_product(&unit, "one", LEDGER_ONE_TIME);
    put_product(&unit, "static", LEDGER_STATIC);
    put_product(&unit, "parallel", LEDGER_TIME_WINDOW);
    put_product(&unit, "window", LEDGER_TIME_WINDOW);
    for (size_t n = 0; n < SIM_CARDS; n++)
        put_card(sim, &unit, n);
    must(ledger_unit_run(&unit, sim->f.store) == ERR_OK, "the ledger");
    arena_reset(&sim->f.arena);
}

static void core_make(struct sim *sim, void (*change)(struct switch_link_config *link))
{
    struct switch_link_config link = {.profile = "visa-base1",
                                      .network = "visa",
                                      .extract = "visa_126_10",
                                      .result = "44_10",
                                      .max_in_flight = 10000,
                                      .late_ms = 10000};
    struct switch_config config = {.env = &sim->env,
                                   .reader = sim->reader,
                                   .writer = sim->writer,
                                   .hsm = sim->hsm,
                                   .vault = sim->vault,
                                   .link = &sim->link,
                                   .link_count = 1,
                                   .key = key_of,
                                   .reply = on_reply,
                                   .silent = on_silence,
                                   .wake = on_wake,
                                   .context = sim,
                                   .slots = 512};
    char problem[128];
    if (change)
        change(&link);
    must(switch_link_resolve("sim", &link, &sim->link, problem, sizeof problem) == ERR_OK, "the link");
    must(switch_create(&config, &sim->core) == ERR_OK, "the switch");
}

/* `first`: a node of the same store that is open. */
static void open_node(struct sim *sim, uint64_t seed, uint32_t window, const struct stores_driver *driver, const struct sim *first)
{
    static const uint8_t master[CRYPTO_VAULT_MASTER] = {1, 2, 3};
    struct hostcmd_client_config hsm = {
        .env = &sim->env, .transport = {sim, SIM_HSMS, hsm_send, hsm_reset}, .window = window, .header = HOSTCMD_HEADER};
    memset(sim, 0, sizeof *sim);
    sim->log = (struct log){-1, LOG_ERROR, "sim"};
    sim->world = (struct rng_world){seed, 1767225600000, 1000000};
    sim->env = rng_env_over(&sim->world);
    sim->env.log = &sim->log;
    sim->writer_env = env_system(&sim->log);
    if (first)
        stores_join(&sim->f, &first->f);
    else
        stores_setup(&sim->f, driver);
    const struct store_reader_config reads = {
        .url = sim->f.url, .env = &sim->env, .sets = ledger_sets, .cap = SWITCH_READS_MAX + 2};
    must(store_reader_open(&reads, &sim->reader) == ERR_OK, "the reader");
    must(store_writer_start(stores_connect(&sim->f), &sim->writer_env, 256, &sim->writer) == ERR_OK, "the writer");
    must(crypto_vault_open(master, "ledger", &sim->vault) == ERR_OK, "the vault");
    must(hostcmd_client_create(&hsm, &sim->hsm) == ERR_OK, "the HSM client");
    for (size_t i = 0; i < SIM_HSMS; i++)
        hostcmd_client_link(sim->hsm, i, true);
    if (!first)
        ledger_fill(sim);
    core_make(sim, NULL);
}

void sim_open_narrow(struct sim *sim, uint64_t seed, uint32_t window)
{
    open_node(sim, seed, window, &stores_sqlite, NULL);
}

void sim_open_pair(struct sim *first, struct sim *second, const struct stores_driver *driver)
{
    open_node(first, 1, HOSTCMD_WINDOW_MAX, driver, NULL);
    open_node(second, 2, HOSTCMD_WINDOW_MAX, NULL, first);
}

void sim_relink(struct sim *sim, void (*change)(struct switch_link_config *link))
{
    must(switch_pending(sim->core) == 0, "rest");
    switch_destroy(sim->core);
    core_make(sim, change);
}

void sim_open(struct sim *sim, uint64_t seed)
{
    sim_open_narrow(sim, seed, HOSTCMD_WINDOW_MAX);
}

void sim_close(struct sim *sim)
{
    store_writer_stop(sim->writer);
    store_reader_close(sim->reader);
    switch_destroy(sim->core);
    hostcmd_client_destroy(sim->hsm);
    crypto_vault_close(sim->vault);
    stores_teardown(&sim->f);
}

void sim_read(struct sim *sim, size_t card, struct ledger_full_card *out)
{
    char id[LEDGER_ID];
    (void)snprintf(id, sizeof id, "card-%zu", card);
    struct ledger_unit unit;
    ledger_unit_begin(&unit, 1, &sim->f.arena);
    size_t at = ledger_get_card(&unit, id);
    must(ledger_unit_run(&unit, sim->f.store) == ERR_OK && ledger_take_card(&unit, at, out), "a card");
    arena_reset(&sim->f.arena);
}

bool sim_row_of(struct sim *sim, const struct iso8583_message *m, struct ledger_original *out)
{
    uint8_t mac[LEDGER_MAC_LEN];
    char de7[11] = {0}, de11[7] = {0}, de32[12] = {0};
    struct span acquirer = iso8583_get(m, ISO8583_ACQUIRER);
    must(acquirer.len < sizeof de32, "a short acquirer");
    memcpy(de32, acquirer.at, acquirer.len);
    must(crypto_vault_pan_mac(sim->vault, iso8583_get(m, ISO8583_PAN), mac) == ERR_OK, "a hash of the card number");
    memcpy(de7, iso8583_get(m, ISO8583_TRANSMISSION).at, 10);
    memcpy(de11, iso8583_get(m, ISO8583_STAN).at, 6);
    const struct ledger_message_id id = {
        .link_id = "", .mti_class = "0100", .de7 = de7, .de11 = de11, .de32 = de32, .pan_mac = mac, .network = "visa"};
    const struct ledger_original_of of = {.id = &id, .complete = true, .de37 = "", .de38 = "", .de41 = ""};
    struct ledger_unit unit;
    ledger_unit_begin(&unit, 1, &sim->f.arena);
    size_t at = ledger_get_originals(&unit, &of);
    must(ledger_unit_run(&unit, sim->f.store) == ERR_OK, "originals");
    bool found = false;
    for (size_t i = 0; !found && ledger_take_original(&unit, at, i, out); i++)
        found = span_is(iso8583_get(m, ISO8583_TERMINAL), out->auth.de41);
    arena_reset(&sim->f.arena);
    return found;
}

void sim_display(struct sim *sim, size_t card)
{
    for (int attempt = 0; attempt < 5; attempt++) {
        struct ledger_full_card row;
        struct ledger_code after;
        struct ledger_issuance journal = {.at = sim->world.wall_ms};
        struct ledger_unit unit;
        enum err err;

        sim_read(sim, card, &row);
        after = row.code;
        journal.issue_n = row.code.issue_n + 1;
        must(ledger_code_apply(&after, LEDGER_EVENT_ISSUE,
                               &(struct ledger_code_change){.at = sim->world.wall_ms,
                                                            .issue_n = journal.issue_n,
                                                            .expires_at = sim->world.wall_ms + 300000}),
             "a display");
        memcpy(journal.card_id, row.card.card_id, sizeof journal.card_id);
        env_uuid(&sim->env, journal.issuance_id);
        ledger_unit_begin(&unit, 2, &sim->f.arena);
        ledger_put_issue(&unit, &row.code, &after, &journal);
        err = ledger_unit_run(&unit, sim->f.store);
        arena_reset(&sim->f.arena);
        if (err == ERR_OK)
            return;
        must(err == STORE_ERR_CONFLICT, "a display can only lose a race");
    }
}

void sim_authorise(struct iso8583_message *m, size_t card, uint64_t serial, int64_t amount, const char *code)
{
    struct iso8583_code presented = {.presence = ISO8583_CODE_PRESENT, .result_wanted = true, .digits = {.len = 3}};
    char pan[17];
    pan_of(card, pan);
    iso8583_message_init(m, ISO8583_AUTHORISATION);
    iso8583_set_text(m, ISO8583_PAN, pan);
    iso8583_set_text(m, ISO8583_PROCESSING_CODE, "000000");
    iso8583_set_decimal(m, ISO8583_AMOUNT, (uint64_t)amount, 12);
    iso8583_set_text(m, ISO8583_TRANSMISSION, "0101000000");
    iso8583_set_decimal(m, ISO8583_STAN, serial % 1000000, 6);
    iso8583_set_text(m, ISO8583_ACQUIRER, "400001");
    iso8583_set_decimal(m, ISO8583_RRN, serial, 12);
    iso8583_set_text(m, ISO8583_CURRENCY, "036");
    memcpy(presented.digits.at, code, 3);
    must(iso8583_code_write(ISO8583_EXTRACT_VISA_126_10, &presented, m) == ERR_OK, "a code");
}

size_t sim_send(struct sim *sim, const struct iso8583_message *m)
{
    struct sim_request *r = &sim->request[sim->count];
    struct buf frame = buf_over(r->frame, sizeof r->frame);
    must(sim->count < SIM_REQUESTS && iso8583_build(&iso8583_profile_visa_base1, m, &frame) == ERR_OK, "a request");
    r->frame_len = frame.len;
    switch_receive(sim->core, 0, (struct net_peer){.slot = (uint32_t)sim->count}, buf_span(&frame));
    return sim->count++;
}

void sim_answer(const struct sim *sim, size_t request, struct iso8583_message *out)
{
    const struct sim_request *r = &sim->request[request];
    must(r->answers == 1, "exactly one answer");
    must(iso8583_parse(&iso8583_profile_visa_base1, span_of(r->answer, r->answer_len), out, NULL) == ERR_OK, "a readable answer");
}

void sim_turn(struct sim *sim)
{
    (void)switch_turn(sim->core);
    hsm_deliver(sim);
}

void sim_settle(struct sim *sim)
{
    for (int quiet = 0; switch_pending(sim->core) > 0; quiet++) {
        must(quiet < 200000, "the switch comes to rest");
        sim_turn(sim);
        /* Only when nothing but a deadline or the writer can help: let both come. */
        if (sim->waiting_count == 0)
            (void)usleep(20);
        if (quiet > 50 && quiet % 50 == 0) {
            sim->world.monotonic_us += 100000;
            sim->world.wall_ms += 100;
        }
    }
}
