/* SPDX-License-Identifier: Apache-2.0 */
#include "support/charge.h"

#include "crypto/base64.h"
#include "crypto/mac.h"
#include "support/lab.h"

#include <stdio.h>
#include <stdlib.h>

static _Noreturn void stop(const char *what)
{
    (void)fprintf(stderr, "charge: %s\n", what);
    exit(1);
}

size_t charge_write(struct lab *lab, size_t n, const char *code, char *out, size_t cap)
{
    char pan[17], body[512], time[24], mac_text[64];
    char id[37];
    uint8_t mac[CRYPTO_DIGEST_SHA256];
    struct buf mac_out = buf_over(mac_text, sizeof mac_text - 1);
    lab_pan(n, pan);
    env_uuid(&lab->env, id);
    (void)snprintf(time, sizeof time, "%lld", (long long)env_wall_ms(&lab->env));
    int body_len =
        snprintf(body, sizeof body,
                 "{\"amount\":{\"total\":1.00,\"currency\":\"AUD\"},\"source\":{\"sourceType\":\"PaymentCard\",\"card\":{"
                 "\"cardData\":\"%s\",\"expirationMonth\":\"12\",\"expirationYear\":\"2029\",\"securityCode\":\"%.3s\","
                 "\"securityCodeIndicator\":\"PROVIDED\"}},\"merchantDetails\":{\"merchantId\":\"" CHARGE_MERCHANT
                 "\",\"terminalId\":\"" CHARGE_TERMINAL "\"}}",
                 pan, code);
    const struct span part[] = {span_text(CHARGE_API_KEY), span_text(id), span_text(time), span_of(body, (size_t)body_len)};
    if (crypto_hmac_sha256(span_text(CHARGE_SECRET), part, sizeof part / sizeof part[0], mac) != ERR_OK)
        stop("MAC");
    crypto_base64_encode(span_of(mac, sizeof mac), &mac_out);
    int len = snprintf(out, cap,
                       "POST /payments/v1/charges HTTP/1.1\r\nHost: b\r\nContent-Type: application/json\r\nApi-Key: " CHARGE_API_KEY
                       "\r\nClient-Request-Id: %s\r\nTimestamp: %s\r\nAuth-Token-Type: HMAC\r\nAuthorization: %s\r\n"
                       "Content-Length: %d\r\n\r\n%s",
                       id, time, buf_text(&mac_out), body_len, body);
    if (len <= 0 || (size_t)len >= cap)
        stop("a request does not fit");
    return (size_t)len;
}
