/* SPDX-License-Identifier: Apache-2.0 */
/* HMAC of the Commerce Hub API: base64(HMAC-SHA-256(secret, Api-Key || Client-Request-Id || Timestamp || body)). */
#include "crypto/base64.h"
#include "crypto/mac.h"
#include "gateway/faces/commercehub/commercehub.h"

#include <string.h>

enum { LEGACY_TEXT = 88, TIMESTAMP_DIGITS = 13 };

/* The published sample code encoded the hexadecimal text of the MAC until November 2023. */
static void put_lower_hex(const uint8_t mac[static CRYPTO_DIGEST_SHA256], char out[static 2 * CRYPTO_DIGEST_SHA256])
{
    static const char digit[] = "0123456789abcdef";
    for (size_t i = 0; i < CRYPTO_DIGEST_SHA256; i++) {
        out[2 * i] = digit[mac[i] >> 4];
        out[2 * i + 1] = digit[mac[i] & 15];
    }
}

static void put_text(const uint8_t mac[static CRYPTO_DIGEST_SHA256], bool legacy, struct buf *out)
{
    char hex[2 * CRYPTO_DIGEST_SHA256];
    put_lower_hex(mac, hex);
    crypto_base64_encode(legacy ? span_of(hex, sizeof hex) : span_of(mac, CRYPTO_DIGEST_SHA256), out);
}

static enum err compute(const struct gateway_secret *key, const struct commercehub_headers *h, struct span body,
                        uint8_t mac[static CRYPTO_DIGEST_SHA256])
{
    const struct span part[] = {h->api_key, h->request_id, h->timestamp, body};
    return crypto_hmac_sha256(span_of(key->at, key->len), part, 4, mac);
}

enum err commercehub_mac(const struct gateway_secret *key, const struct commercehub_headers *h, struct span body, bool legacy,
                         struct buf *out)
{
    uint8_t mac[CRYPTO_DIGEST_SHA256];
    TRY(compute(key, h, body, mac));
    put_text(mac, legacy, out);
    return buf_done(out);
}

/* Both texts padded to one length, so that the comparison takes as long whatever was sent. */
static bool text_equal(struct span given, struct span wanted)
{
    char left[LEGACY_TEXT] = {0};
    char right[LEGACY_TEXT] = {0};
    bool fits = given.len <= sizeof left;
    if (fits && given.len > 0)
        memcpy(left, given.at, given.len);
    memcpy(right, wanted.at, wanted.len);
    return secret_equal(left, right, sizeof left) & fits & (given.len == wanted.len);
}

static bool mac_given(const struct commercehub_headers *h, const uint8_t mac[static CRYPTO_DIGEST_SHA256], bool legacy)
{
    uint8_t room[LEGACY_TEXT];
    struct buf text = buf_over(room, sizeof room);
    put_text(mac, legacy, &text);
    return text_equal(h->authorization, buf_span(&text));
}

/* What is signed has no separators: with a time of any other length, or with zeros in front, digits could move between the fields,
 * and one signature would be good for several requests. */
static bool timestamp_valid(struct span timestamp, const struct commercehub_signer *signer, int64_t *out)
{
    uint64_t given = 0;
    if (timestamp.len != TIMESTAMP_DIGITS || timestamp.at[0] == '0' || span_decimal(timestamp, &given) != ERR_OK)
        return false;
    *out = (int64_t)given;
    int64_t off = *out - signer->now_ms;
    return off <= signer->window_ms && off >= -signer->window_ms;
}

enum gateway_authentication commercehub_authenticate(const struct commercehub_headers *h, struct span body,
                                                     const struct commercehub_signer *signer, struct gateway_signature *out)
{
    struct gateway_signature signature = {0};
    bool valid = compute(signer->key, h, body, signature.mac) == ERR_OK;
    bool given = mac_given(h, signature.mac, false);
    if (signer->key->legacy_mac)
        given |= mac_given(h, signature.mac, true);
    bool in_time = timestamp_valid(h->timestamp, signer, &signature.at_ms);
    bool by_mac = span_is(h->token_type, "HMAC");
    if (!signer->known)
        return GATEWAY_AUTHENTICATION_KEY;
    if (!by_mac)
        return GATEWAY_AUTHENTICATION_TYPE;
    if (!(valid & given))
        return GATEWAY_AUTHENTICATION_MAC;
    if (!in_time)
        return GATEWAY_AUTHENTICATION_TIME;
    *out = signature;
    return GATEWAY_AUTHENTICATION_DONE;
}

bool commercehub_request_id_valid(struct span id)
{
    if (id.len == 0 || id.len > COMMERCEHUB_ID_MAX)
        return false;
    for (size_t i = 0; i < id.len; i++)
        if (id.at[i] < 0x20 || id.at[i] > 0x7E)
            return false;
    return true;
}
