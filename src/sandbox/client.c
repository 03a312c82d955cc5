/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/client.h"

#include <stdio.h>
#include <string.h>

#include "crypto/base64.h"
#include "crypto/error.h"
#include "crypto/mac.h"
#include "crypto/rsa.h"
#include "http/json.h"
#include "sandbox/net.h"

enum { BODY_ROOM = 64 * 1024 };

static void copy_text(struct span from, char *to, size_t cap)
{
    struct buf out = buf_over(to, cap - 1);
    buf_put_span(&out, span_slice(from, 0, cap - 1));
    to[out.len] = '\0';
}
#define COPY(member_, to_) copy_text(WIRE_SPAN(member_), (to_), sizeof(to_))

#define ROW(struct_, member_, path_)                                                                        \
    {                                                                                                       \
        .name = (path_), .kind = WIRE_B, .flags = WIRE_OPTIONAL, .max = sizeof(((struct_ *)0)->member_.at), \
        WIRE_AT(struct_, member_)                                                                           \
    }

/* ---- the cardholder ---- */

struct credentials_body {
    WIRE_TEXT(4) code;
    WIRE_TEXT(31) expires_at;
};
static const struct wire_field credentials_fields[] = {
    ROW(struct credentials_body, code, "cvv"),
    ROW(struct credentials_body, expires_at, "cvvExpiresAt"),
};
static const struct wire_record credentials_record = WIRE_RECORD("credentials", struct credentials_body, credentials_fields);

enum err sandbox_holder_display(const struct sandbox *box, const struct sandbox_card *card, struct sandbox_credentials *out)
{
    char path[160], headers[80], room[4096];
    struct buf body = buf_over(room, sizeof room);
    struct credentials_body bound;
    *out = (struct sandbox_credentials){0};
    (void)snprintf(path, sizeof path, "/v2/issuers/%s/cards/%s/credentials", box->issuer_id, card->id);
    (void)snprintf(headers, sizeof headers, "X-Api-Key: %s\r\n", box->issuer_key);
    TRY(sandbox_http_call(
        &(struct sandbox_http){
            .method = "GET", .port = box->port[SANDBOX_PORT_ISSUER], .path = path, .headers = span_text(headers)},
        &out->status, &body));
    enum err err = out->status == 200 ? http_json_bind(&credentials_record, buf_span(&body), 0, &bound, NULL) : ERR_OK;
    if (out->status == 200 && err == ERR_OK) {
        COPY(bound.code, out->code);
        COPY(bound.expires_at, out->expires_at);
    }
    secret_wipe(room, sizeof room);
    secret_wipe(&bound, sizeof bound);
    return err;
}

/* ---- the merchant ---- */

/* Api-Key, Client-Request-Id, Timestamp and body, signed with the merchant's secret (Commerce Hub, HMAC). */
static enum err sign(const struct sandbox *box, const struct sandbox_merchant *merchant, struct span body, struct buf *headers)
{
    char id[37], time[24];
    uint8_t mac[CRYPTO_DIGEST_SHA256];
    env_uuid(&box->env, id);
    (void)snprintf(time, sizeof time, "%lld", (long long)env_wall_ms(&box->env));
    const struct span part[] = {span_text(merchant->api_key), span_text(id), span_text(time), body};
    TRY(crypto_hmac_sha256(span_text(merchant->secret), part, sizeof part / sizeof part[0], mac));
    buf_put_text(headers, "Api-Key: ");
    buf_put_text(headers, merchant->api_key);
    buf_put_text(headers, "\r\nClient-Request-Id: ");
    buf_put_text(headers, id);
    buf_put_text(headers, "\r\nTimestamp: ");
    buf_put_text(headers, time);
    buf_put_text(headers, "\r\nAuth-Token-Type: HMAC\r\nAuthorization: ");
    crypto_base64_encode(span_of(mac, sizeof mac), headers);
    buf_put_text(headers, "\r\n");
    return buf_done(headers);
}

static enum err post(const struct sandbox *box, const struct sandbox_merchant *merchant, const char *path, struct span body,
                     unsigned *status, struct buf *answer)
{
    char room[512];
    struct buf headers = buf_over(room, sizeof room);
    TRY(sign(box, merchant, body, &headers));
    return sandbox_http_call(
        &(struct sandbox_http){
            .method = "POST", .port = box->port[SANDBOX_PORT_GATEWAY], .path = path, .headers = buf_span(&headers), .body = body},
        status, answer);
}

static void put_merchant(struct json_writer *w, const struct sandbox_merchant *merchant)
{
    json_open(w, "merchantDetails");
    json_put_text(w, "merchantId", merchant->id);
    json_put_text(w, "terminalId", merchant->terminal);
    json_close(w);
}

struct key_body {
    WIRE_TEXT(64) id;
    WIRE_TEXT(400) spki;
};
static const struct wire_field key_fields[] = {
    ROW(struct key_body, id, "asymmetricKeyDetails.keyId"),
    ROW(struct key_body, spki, "asymmetricKeyDetails.encodedPublicKey"),
};
static const struct wire_record key_record = WIRE_RECORD("key", struct key_body, key_fields);

static enum err fetch_key(const struct sandbox *box, const struct sandbox_merchant *merchant, struct key_body *out)
{
    char ask_room[256], room[8192];
    struct buf ask = buf_over(ask_room, sizeof ask_room);
    struct buf answer = buf_over(room, sizeof room);
    struct json_writer w = json_writer(&ask);
    unsigned status = 0;
    json_open(&w, NULL);
    put_merchant(&w, merchant);
    json_close(&w);
    TRY(json_done(&w));
    TRY(post(box, merchant, "/security/v1/keys/generate", buf_span(&ask), &status, &answer));
    return status == 201 ? http_json_bind(&key_record, buf_span(&answer), 0, out, NULL) : CRYPTO_ERR_FAILED;
}

static void put_year(const struct sandbox_card *card, char out[static 5])
{
    (void)snprintf(out, 5, "20%.2s", card->expiry);
}

/* Number, expiry and code one after the other, under the gateway's key. */
static enum err encrypt_card(const struct sandbox *box, const struct sandbox_charge *charge, struct key_body *key, struct buf *text)
{
    char year[5];
    uint8_t plain_room[CRYPTO_RSA_PLAIN_MAX], cipher_room[CRYPTO_RSA_BYTES];
    struct buf plain = buf_over(plain_room, sizeof plain_room), cipher = buf_over(cipher_room, sizeof cipher_room);
    struct crypto_rsa_key rsa = {0};
    TRY(fetch_key(box, charge->merchant, key));
    TRY(crypto_rsa_import_public(WIRE_SPAN(key->spki), &rsa));
    put_year(charge->card, year);
    buf_put_span(&plain, card_pan_span(&charge->card->pan));
    buf_put(&plain, charge->card->expiry + 2, 2);
    buf_put(&plain, year, 4);
    buf_put_text(&plain, charge->code);
    enum err err = buf_done(&plain);
    if (err == ERR_OK)
        err = crypto_rsa_oaep_encrypt(&rsa, buf_span(&plain), &cipher);
    crypto_rsa_free(&rsa);
    secret_wipe(plain_room, sizeof plain_room);
    TRY(err);
    crypto_base64_encode(buf_span(&cipher), text);
    return buf_done(text);
}

static enum err put_encrypted(const struct sandbox *box, const struct sandbox_charge *charge, struct json_writer *w)
{
    struct key_body key;
    char room[360], fields[128];
    struct buf block = buf_over(room, sizeof room);
    TRY(encrypt_card(box, charge, &key, &block));
    (void)snprintf(fields, sizeof fields, "card.cardData:%u,card.expirationMonth:2,card.expirationYear:4,card.securityCode:%zu",
                   charge->card->pan.len, strlen(charge->code));
    json_open(w, "encryptionData");
    json_put_text(w, "encryptionType", "RSA");
    json_put_text(w, "encryptionTarget", "MANUAL");
    json_put(w, "encryptionBlock", buf_span(&block));
    json_put_text(w, "encryptionBlockFields", fields);
    json_put(w, "keyId", WIRE_SPAN(key.id));
    json_close(w);
    return ERR_OK;
}

static void put_plain(const struct sandbox_charge *charge, struct json_writer *w)
{
    char year[5];
    put_year(charge->card, year);
    json_put(w, "cardData", card_pan_span(&charge->card->pan));
    json_put(w, "expirationMonth", span_of(charge->card->expiry + 2, 2));
    json_put_text(w, "expirationYear", year);
    json_put_text(w, "securityCode", charge->code);
}

static enum err charge_write(const struct sandbox *box, const struct sandbox_charge *charge, struct buf *out)
{
    struct json_writer w = json_writer(out);
    char total[24];
    (void)snprintf(total, sizeof total, "%lld.%02lld", (long long)charge->amount_minor / 100,
                   (long long)charge->amount_minor % 100);
    json_open(&w, NULL);
    json_open(&w, "amount");
    json_put_decimal(&w, "total", span_text(total));
    json_put_text(&w, "currency", "AUD");
    json_close(&w);
    json_open(&w, "source");
    json_put_text(&w, "sourceType", "PaymentCard");
    if (charge->encrypted)
        TRY(put_encrypted(box, charge, &w));
    json_open(&w, "card");
    if (!charge->encrypted)
        put_plain(charge, &w);
    json_put_text(&w, "securityCodeIndicator", "PROVIDED");
    json_close(&w);
    json_close(&w);
    json_open(&w, "transactionDetails");
    json_put_bool(&w, "captureFlag", true);
    json_close(&w);
    put_merchant(&w, charge->merchant);
    json_close(&w);
    return json_done(&w);
}

struct verdict_body {
    WIRE_TEXT(23) approval;
    WIRE_TEXT(7) response;
    WIRE_TEXT(7) host;
    WIRE_TEXT(23) network;
    WIRE_TEXT(23) match;
    WIRE_TEXT(79) problem;
};
#define DETAILS "paymentReceipt.processorResponseDetails."
static const struct wire_field verdict_fields[] = {
    ROW(struct verdict_body, approval, DETAILS "approvalStatus"),
    ROW(struct verdict_body, response, DETAILS "responseCode"),
    ROW(struct verdict_body, host, DETAILS "hostResponseCode"),
    ROW(struct verdict_body, network, DETAILS "networkRouted"),
    ROW(struct verdict_body, match, DETAILS "bankAssociationDetails.avsSecurityCodeResponse.securityCodeMatch"),
    ROW(struct verdict_body, problem, "error[0].message"),
};
static const struct wire_record verdict_record = WIRE_RECORD("verdict", struct verdict_body, verdict_fields);

enum err sandbox_merchant_charge(const struct sandbox *box, const struct sandbox_charge *charge, struct sandbox_verdict *out)
{
    char ask_room[4096], room[BODY_ROOM];
    struct buf ask = buf_over(ask_room, sizeof ask_room);
    struct buf answer = buf_over(room, sizeof room);
    struct verdict_body bound;
    *out = (struct sandbox_verdict){0};
    TRY(charge_write(box, charge, &ask));
    enum err err = post(box, charge->merchant, "/payments/v1/charges", buf_span(&ask), &out->status, &answer);
    secret_wipe(ask_room, sizeof ask_room);
    TRY(err);
    TRY(http_json_bind(&verdict_record, buf_span(&answer), 0, &bound, NULL));
    COPY(bound.approval, out->approval);
    COPY(bound.response, out->response);
    COPY(bound.host, out->host);
    COPY(bound.network, out->network);
    COPY(bound.match, out->match);
    COPY(bound.problem, out->problem);
    return ERR_OK;
}
