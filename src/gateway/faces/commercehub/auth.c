/* SPDX-License-Identifier: Apache-2.0 */
/* HMAC of the Commerce Hub API: base64(HMAC-SHA-256(secret, Api-Key || Client-Request-Id || Timestamp || body)). */
#include "crypto/base64.h"
#include "crypto/mac.h"
#include "gateway/faces/commercehub/commercehub.h"

#include <string.h>

enum { LEGACY_TEXT = 88 };

/* The published sample code encoded the hexadecimal text of the MAC until November 2023. */
static void put_lower_hex(const uint8_t mac[static CRYPTO_DIGEST_SHA256], char out[static 2 * CRYPTO_DIGEST_SHA256])
{
    static const char digit[] = "0123456789abcdef";
    for (size_t i = 0; i < CRYPTO_DIGEST_SHA256; i++) {
        out[2 * i] = digit[mac[i] >> 4];
        out[2 * i + 1] = digit[mac[i] & 15];
    }
}

enum err commercehub_mac(const struct gateway_secret *key, const struct commercehub_headers *h, struct span body, bool legacy,
                         struct buf *out)
{
    const struct span part[] = {h->api_key, h->request_id, h->timestamp, body};
    uint8_t mac[CRYPTO_DIGEST_SHA256];
    TRY(crypto_hmac_sha256(span_of(key->at, key->len), part, 4, mac));
    if (legacy) {
        char hex[2 * CRYPTO_DIGEST_SHA256];
        put_lower_hex(mac, hex);
        crypto_base64_encode(span_of(hex, sizeof hex), out);
    } else {
        crypto_base64_encode(span_of(mac, sizeof mac), out);
    }
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

static bool mac_valid(const struct commercehub_headers *h, struct span body, const struct gateway_secret *key, bool legacy)
{
    uint8_t room[LEGACY_TEXT];
    struct buf text = buf_over(room, sizeof room);
    if (commercehub_mac(key, h, body, legacy, &text) != ERR_OK)
        return false;
    return text_equal(h->authorization, buf_span(&text));
}

static bool timestamp_valid(struct span timestamp, int64_t now_ms, int64_t window_ms)
{
    uint64_t given = 0;
    if (span_decimal(timestamp, &given) != ERR_OK)
        return false;
    int64_t off = (int64_t)given - now_ms;
    return off <= window_ms && off >= -window_ms;
}

bool commercehub_authenticated(const struct commercehub_headers *h, struct span body, const struct gateway_secret *key, bool known,
                               int64_t now_ms, int64_t window_ms)
{
    bool valid = mac_valid(h, body, key, false);
    if (key->legacy_mac)
        valid |= mac_valid(h, body, key, true);
    return valid & known & timestamp_valid(h->timestamp, now_ms, window_ms) & span_is(h->token_type, "HMAC");
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
