/* SPDX-License-Identifier: Apache-2.0 */
/* What the sandbox is filled with: invented people, keys from the HSM, rows in both databases, cards through the issuer's API. */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "crypto/mac.h"
#include "http/json.h"
#include "ledger/ledger.h"
#include "sandbox/internal.h"
#include "sandbox/net.h"

enum { ARENA = 1 << 20, CARDS_PER_MODE = (DEMO_CARDS + DEMO_MODES - 1) / DEMO_MODES };
#define ISSUER_ID "SANDBOX001"
#define EXPIRY "2912"

/* The BINs say which networks a card may travel over: see the gateway's routing rows in its configuration. */
const struct demo_product demo_products[DEMO_MODES] = {
    [DEMO_STATIC] = {"static", "static", "visa", "411111", NULL},
    [DEMO_ONE_TIME] = {"one-time", "one_time", "visa", "422222", "mk_one_time"},
    [DEMO_TIME_WINDOW] = {"time-window", "time_window", "visa+eftpos", "433333", "mk_time_window"},
};

/* ---- people ---- */

static void random_hex(const struct demo *demo, char *out, size_t digits)
{
    uint8_t bytes[32];
    struct buf text = buf_over(out, digits);
    env_random(&demo->env, bytes, sizeof bytes);
    buf_put_hex(&text, bytes, digits / 2);
    out[digits] = '\0';
}

static enum err invent_card(struct demo *demo, size_t index)
{
    struct demo_card *card = &demo->card[index];
    char digits[17];
    card->mode = (enum demo_mode)(index / CARDS_PER_MODE);
    (void)snprintf(card->id, sizeof card->id, "card-%03zu", index + 1);
    (void)snprintf(digits, sizeof digits, "%s%09zu", demo_products[card->mode].bin, 104729 * (index + 1));
    digits[15] = card_luhn_digit(span_of(digits, 15));
    memcpy(card->expiry, EXPIRY, sizeof card->expiry);
    return card_pan_parse(span_of(digits, 16), CARD_LUHN, &card->pan);
}

enum err demo_invent(struct demo *demo)
{
    memcpy(demo->issuer_id, ISSUER_ID, sizeof demo->issuer_id);
    random_hex(demo, demo->issuer_key, 40);
    for (size_t i = 0; i < DEMO_CARDS; i++)
        TRY(invent_card(demo, i));
    for (size_t i = 0; i < DEMO_MERCHANTS; i++) {
        struct demo_merchant *m = &demo->merchant[i];
        (void)snprintf(m->id, sizeof m->id, "1000080000%05zu", i + 1);
        (void)snprintf(m->terminal, sizeof m->terminal, "%08zu", 10000000 + i + 1);
        random_hex(demo, m->api_key, 32);
        random_hex(demo, m->secret, 44);
    }
    return ERR_OK;
}

/* ---- keys ---- */

static void copy_key(struct span from, char to[static 80])
{
    struct buf out = buf_over(to, 79);
    buf_put_span(&out, from);
    to[out.len] = '\0';
}

enum err demo_make_keys(struct demo *demo)
{
    struct hostcmd_as pair = {0};
    struct hostcmd_as_reply pair_reply = {0};
    WIRE_SET(pair.unused, span_text("0"));
    WIRE_SET(pair.lmk_scheme, span_text("U"));
    WIRE_SET(pair.kcv_type, span_text("1"));
    if (demo_hsm_call(demo->port[DEMO_PORT_HSM], HOSTCMD_AS, &pair, &pair_reply) != ERR_OK)
        return demo_fail(demo, ERR_HSM_UNAVAILABLE, "the HSM makes no CVK pair", NULL);
    copy_key(WIRE_SPAN(pair_reply.key), demo->keys.cvk);
    for (enum demo_mode m = DEMO_ONE_TIME; m < DEMO_MODES; m++) {
        struct hostcmd_a0 ask = {0};
        struct hostcmd_a0_reply reply = {0};
        WIRE_SET(ask.mode, span_text("0"));
        WIRE_SET(ask.type, span_text("109"));
        WIRE_SET(ask.scheme, span_text("U"));
        if (demo_hsm_call(demo->port[DEMO_PORT_HSM], HOSTCMD_A0, &ask, &reply) != ERR_OK)
            return demo_fail(demo, ERR_HSM_UNAVAILABLE, "the HSM makes no key", demo_products[m].key_name);
        copy_key(WIRE_SPAN(reply.key), demo->keys.mk[m]);
    }
    return ERR_OK;
}

/* ---- the ledger ---- */

static void put_product(const struct demo *demo, struct ledger_unit *unit, enum demo_mode mode)
{
    const struct demo_product *p = &demo_products[mode];
    struct ledger_product row = {
        .version = 1,
        .mode = (enum ledger_mode)mode,
        .expiry_delay_s = 300,
        .tries = 3,
        .twu_h = 1,
        .accept_previous_window = true,
        .static_policy = mode == DEMO_ONE_TIME ? LEDGER_STATIC_OFF : LEDGER_STATIC_ALLOWED,
        .count_other_declines = true,
        .deferred_slots = 4,
        .diag_step = true,
        .malformed_policy = LEDGER_DECLINE,
        .batch_max = 24,
        .notify_batch = 20,
        .display_rate_per_h = 600,
        .cvk_ref = "cvk",
        .key_derivation = "A",
    };
    (void)snprintf(row.product_id, sizeof row.product_id, "%s", p->id);
    (void)snprintf(row.issuer_id, sizeof row.issuer_id, "%s", demo->issuer_id);
    (void)snprintf(row.network, sizeof row.network, "%s", p->network);
    (void)snprintf(row.mk_ref, sizeof row.mk_ref, "%s", p->key_name ? p->key_name : "");
    (void)snprintf(row.service_code_dyn, sizeof row.service_code_dyn, "%s",
                   mode == DEMO_ONE_TIME ? CARD_SERVICE_ONE_TIME : CARD_SERVICE_CVV2);
    ledger_put_product(unit, &row);
}

static enum err put_client(const struct demo *demo, struct ledger_unit *unit)
{
    struct ledger_client row = {
        .client_id = "sandbox", .kind = "sandbox", .status = "active", .roles = "cards display read products operator keys"};
    (void)snprintf(row.issuer_id, sizeof row.issuer_id, "%s", demo->issuer_id);
    TRY(crypto_digest_sha256(span_text(demo->issuer_key), row.api_key_hash.at));
    row.api_key_hash.len = CRYPTO_DIGEST_SHA256;
    ledger_put_client(unit, &row);
    return ERR_OK;
}

static enum err seed_ledger(struct demo *demo, struct store *store, struct arena *arena)
{
    struct ledger_unit unit;
    TRY(store_migrate(store, STORE_LEDGER));
    ledger_unit_begin(&unit, DEMO_MODES + 1, arena);
    for (enum demo_mode m = 0; m < DEMO_MODES; m++)
        put_product(demo, &unit, m);
    TRY(put_client(demo, &unit));
    return ledger_unit_run(&unit, store);
}

static enum err with_store(struct demo *demo, const char *database,
                           enum err (*body)(struct demo *demo, struct store *store, struct arena *arena))
{
    char path[DEMO_PATH], url[DEMO_PATH + 16];
    struct store *store = NULL;
    struct arena arena;
    demo_path(demo, database, path);
    (void)snprintf(url, sizeof url, "sqlite:%s", path);
    TRY(arena_create(&arena, ARENA));
    enum err err = store_open(url, &demo->env, &store);
    if (err == ERR_OK)
        err = body(demo, store, &arena);
    store_close(store);
    arena_destroy(&arena);
    return err == ERR_OK ? err : demo_fail(demo, err, "cannot seed", path);
}

enum err demo_seed(struct demo *demo)
{
    TRY(with_store(demo, "ledger.db", seed_ledger));
    return with_store(demo, "gateway.db", demo_seed_merchants);
}

/* ---- cards ---- */

static enum err register_card(struct demo *demo, const struct demo_card *card)
{
    char path[64], headers[80], body_room[512], answer_room[2048];
    struct buf body = buf_over(body_room, sizeof body_room);
    struct buf answer = buf_over(answer_room, sizeof answer_room);
    struct http_json_writer w = http_json_writer(&body);
    unsigned status = 0;
    http_json_open(&w, NULL);
    http_json_put_text(&w, "cardId", card->id);
    http_json_put_text(&w, "productId", demo_products[card->mode].id);
    http_json_put(&w, "pan", card_pan_span(&card->pan));
    const char mmyy[] = {card->expiry[2], card->expiry[3], card->expiry[0], card->expiry[1]};
    http_json_put(&w, "exp", span_of(mmyy, sizeof mmyy));
    http_json_close(&w);
    TRY(http_json_done(&w));
    (void)snprintf(path, sizeof path, "/v2/issuers/%s/cards", demo->issuer_id);
    (void)snprintf(headers, sizeof headers, "X-Api-Key: %s\r\n", demo->issuer_key);
    TRY(demo_http_call(&(struct demo_http){.method = "POST",
                                           .port = demo->port[DEMO_PORT_ISSUER],
                                           .path = path,
                                           .headers = span_text(headers),
                                           .body = buf_span(&body)},
                       &status, &answer));
    return status == 201 ? ERR_OK : demo_fail(demo, ERR_INTERNAL, "the issuer does not register a card", buf_text(&answer));
}

enum err demo_register_cards(struct demo *demo)
{
    for (size_t i = 0; i < DEMO_CARDS; i++)
        TRY(register_card(demo, &demo->card[i]));
    return ERR_OK;
}
