/* SPDX-License-Identifier: Apache-2.0 */
/* What the sandbox is filled with: invented people, keys from the HSM, products and cards through the issuer's API. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "hostcmd/error.h"
#include "sandbox/internal.h"
#include "sandbox/net.h"

#define ISSUER_ID "SANDBOX001"
#define EXPIRY "2912"
enum { BIN_DIGITS = 6 };

/* The BINs say which networks a card may travel over: see the gateway's routing rows in its configuration. */
const struct sandbox_product sandbox_products[SANDBOX_PRODUCTS] = {
    [SANDBOX_STATIC] = {"static", "static", "visa", "411111", "cvk", NULL, 34, 16},
    [SANDBOX_ONE_TIME] = {"one-time", "one_time", "visa", "422222", "cvk", "mk_one_time", 34, 16},
    [SANDBOX_TIME_WINDOW] = {"time-window", "time_window", "visa+eftpos", "433333", "cvk", "mk_time_window", 32, 16},
    [SANDBOX_MASTERCARD] = {"mastercard", "static", "mastercard", "555555", "cvk", NULL, 4, 16},
    [SANDBOX_AMEX] = {"amex", "static", "amex", "377777", "csck", NULL, 4, 15},
    [SANDBOX_DISCOVER] = {"discover", "static", "discover", "601166", "cvk", NULL, 4, 16},
};

/* ---- people ---- */

static void random_hex(const struct sandbox *box, char *out, size_t digits)
{
    uint8_t bytes[32];
    struct buf text = buf_over(out, digits);
    env_random(&box->env, bytes, sizeof bytes);
    buf_put_hex(&text, bytes, digits / 2);
    out[digits] = '\0';
}

static enum err invent_card(struct sandbox *box, enum sandbox_mode product, size_t index)
{
    struct sandbox_card *card = &box->card[index];
    char digits[20];
    size_t last = sandbox_products[product].digits - 1;
    card->mode = product;
    (void)snprintf(card->id, sizeof card->id, "card-%03zu", index + 1);
    (void)snprintf(digits, sizeof digits, "%s%0*zu", sandbox_products[product].bin, (int)last - BIN_DIGITS, 104729 * (index + 1));
    digits[last] = card_luhn_digit(span_of(digits, last));
    memcpy(card->expiry, EXPIRY, sizeof card->expiry);
    return card_pan_parse(span_of(digits, last + 1), CARD_LUHN, &card->pan);
}

enum err sandbox_invent(struct sandbox *box)
{
    memcpy(box->issuer_id, ISSUER_ID, sizeof box->issuer_id);
    random_hex(box, box->issuer_key, 40);
    size_t index = 0;
    for (enum sandbox_mode product = 0; product < SANDBOX_PRODUCTS; product++)
        for (size_t i = 0; i < sandbox_products[product].cards; i++)
            TRY(invent_card(box, product, index++));
    ASSERT(index == SANDBOX_CARDS);
    for (size_t i = 0; i < SANDBOX_MERCHANTS; i++) {
        struct sandbox_merchant *m = &box->merchant[i];
        (void)snprintf(m->id, sizeof m->id, "1000080000%05zu", i + 1);
        (void)snprintf(m->terminal, sizeof m->terminal, "%08zu", 10000000 + i + 1);
        random_hex(box, m->api_key, 32);
        random_hex(box, m->secret, 44);
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

static enum err make_pair(struct sandbox *box, char to[static SANDBOX_KEY_TEXT])
{
    struct hostcmd_as pair = {0};
    struct hostcmd_as_reply pair_reply = {0};
    WIRE_SET(pair.unused, span_text("0"));
    WIRE_SET(pair.lmk_scheme, span_text("U"));
    WIRE_SET(pair.kcv_type, span_text("1"));
    if (sandbox_hsm_call(box->port[SANDBOX_PORT_HSM], HOSTCMD_AS, &pair, &pair_reply) != ERR_OK)
        return sandbox_fail(box, HOSTCMD_ERR_UNAVAILABLE, "the HSM makes no CVK pair", NULL);
    copy_key(WIRE_SPAN(pair_reply.key), to);
    return ERR_OK;
}

enum err sandbox_make_keys(struct sandbox *box)
{
    TRY(make_pair(box, box->keys.cvk));
    TRY(make_pair(box, box->keys.csck)); /* a CSCK is a key of the same type */
    for (enum sandbox_mode m = SANDBOX_ONE_TIME; m < SANDBOX_MODES; m++) {
        struct hostcmd_a0 ask = {0};
        struct hostcmd_a0_reply reply = {0};
        WIRE_SET(ask.mode, span_text("0"));
        WIRE_SET(ask.type, span_text("109"));
        WIRE_SET(ask.scheme, span_text("U"));
        if (sandbox_hsm_call(box->port[SANDBOX_PORT_HSM], HOSTCMD_A0, &ask, &reply) != ERR_OK)
            return sandbox_fail(box, HOSTCMD_ERR_UNAVAILABLE, "the HSM makes no key", sandbox_products[m].key_name);
        copy_key(WIRE_SPAN(reply.key), box->keys.mk[m]);
    }
    return ERR_OK;
}

/* ---- products and cards, through the issuer's API ---- */

static enum err post(struct sandbox *box, const char *collection, struct span body, const char *what)
{
    char path[64], headers[80], room[4096];
    struct buf answer = buf_over(room, sizeof room);
    unsigned status = 0;
    (void)snprintf(path, sizeof path, "/v2/issuers/%s/%s", box->issuer_id, collection);
    (void)snprintf(headers, sizeof headers, "X-Api-Key: %s\r\n", box->issuer_key);
    TRY(sandbox_http_call(
        &(struct sandbox_http){
            .method = "POST", .port = box->port[SANDBOX_PORT_ISSUER], .path = path, .headers = span_text(headers), .body = body},
        &status, &answer));
    return status == 201 ? ERR_OK : sandbox_fail(box, ERR_INTERNAL, what, buf_text(&answer));
}

static enum err make_product(struct sandbox *box, const struct sandbox_product *product)
{
    char room[512];
    struct buf body = buf_over(room, sizeof room);
    struct json_writer w = json_writer(&body);
    json_open(&w, NULL);
    json_put_text(&w, "productId", product->id);
    json_put_text(&w, "mode", product->mode);
    json_put_text(&w, "network", product->network);
    json_put_integer(&w, "tries", 3);
    json_put_integer(&w, "displayRatePerH", 600);
    json_put_text(&w, "cvkRef", product->printed);
    if (product->key_name)
        json_put_text(&w, "mkRef", product->key_name);
    json_close(&w);
    TRY(json_done(&w));
    return post(box, "card-products", buf_span(&body), "the issuer makes no card product");
}

static enum err register_card(struct sandbox *box, const struct sandbox_card *card)
{
    char room[512];
    struct buf body = buf_over(room, sizeof room);
    struct json_writer w = json_writer(&body);
    json_open(&w, NULL);
    json_put_text(&w, "cardId", card->id);
    json_put_text(&w, "productId", sandbox_products[card->mode].id);
    json_put(&w, "pan", card_pan_span(&card->pan));
    const char mmyy[] = {card->expiry[2], card->expiry[3], card->expiry[0], card->expiry[1]};
    json_put(&w, "exp", span_of(mmyy, sizeof mmyy));
    json_close(&w);
    TRY(json_done(&w));
    return post(box, "cards", buf_span(&body), "the issuer does not register a card");
}

enum err sandbox_issue(struct sandbox *box)
{
    for (enum sandbox_mode m = 0; m < SANDBOX_PRODUCTS; m++)
        TRY(make_product(box, &sandbox_products[m]));
    for (size_t i = 0; i < SANDBOX_CARDS; i++)
        TRY(register_card(box, &box->card[i]));
    return ERR_OK;
}
