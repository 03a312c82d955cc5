/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/help.h"

#include <stdio.h>

#include "sandbox/tell.h"

static const struct sandbox_card *first_card(const struct sandbox *box, enum sandbox_mode mode)
{
    const struct sandbox_card *card = box->card;
    while (card->mode != mode)
        card++;
    return card;
}

static void say_places(const struct sandbox *box)
{
    sandbox_say(box, "\nThe sandbox stays up until Ctrl-C.");
    sandbox_say(box, "  gateway   http://127.0.0.1:%u   (Commerce Hub face)", box->port[SANDBOX_PORT_GATEWAY]);
    sandbox_say(box, "  issuer    http://127.0.0.1:%u   issuer %s, X-Api-Key %s", box->port[SANDBOX_PORT_ISSUER], box->issuer_id,
                box->issuer_key);
    sandbox_say(box, "  switch    127.0.0.1:%u visa, %u eftpos, %u generic   (ISO 8583)", box->port[SANDBOX_PORT_VISA],
                box->port[SANDBOX_PORT_EFTPOS], box->port[SANDBOX_PORT_GENERIC]);
    sandbox_say(box, "  HSM       127.0.0.1:%u   (host commands, 4-byte header, test LMK)", box->port[SANDBOX_PORT_HSM]);
    sandbox_say(box, "  all of it %s/sandbox.json", box->dir);
}

/* An answer, then a charge with the code it holds; HMAC by the openssl tool. */
static void say_lines(const struct sandbox *box, enum sandbox_mode mode, const char *comment)
{
    const struct sandbox_card *card = first_card(box, mode);
    const struct sandbox_merchant *m = &box->merchant[0];
    sandbox_say(box, "\n# %s", comment);
    sandbox_say(box,
                "CVV=$(curl -s -H 'X-Api-Key: %s' http://127.0.0.1:%u/v2/issuers/%s/cards/%s/credentials | sed "
                "'s/.*\"cvv\":\"\\([0-9]*\\)\".*/\\1/')",
                box->issuer_key, box->port[SANDBOX_PORT_ISSUER], box->issuer_id, card->id);
    sandbox_say(box,
                "BODY='{\"amount\":{\"total\":12.50,\"currency\":\"AUD\"},\"source\":{\"sourceType\":\"PaymentCard\",\"card\":"
                "{\"cardData\":\"%.*s\",\"expirationMonth\":\"%.2s\",\"expirationYear\":\"20%.2s\",\"securityCode\":\"'$CVV'\","
                "\"securityCodeIndicator\":\"PROVIDED\"}},\"transactionDetails\":{\"captureFlag\":true},\"merchantDetails\":"
                "{\"merchantId\":\"%s\",\"terminalId\":\"%s\"}}'",
                (int)card->pan.len, card->pan.digit, card->expiry + 2, card->expiry, m->id, m->terminal);
    sandbox_say(box,
                "ID=$(cat /proc/sys/kernel/random/uuid); TIME=$(date +%%s%%3N); MAC=$(printf %%s '%s'$ID$TIME\"$BODY\" | openssl "
                "dgst -sha256 -hmac '%s' -binary | base64)",
                m->api_key, m->secret);
    sandbox_say(box,
                "curl -s http://127.0.0.1:%u/payments/v1/charges -H 'Content-Type: application/json' -H 'Api-Key: %s' -H "
                "\"Client-Request-Id: $ID\" -H \"Timestamp: $TIME\" -H 'Auth-Token-Type: HMAC' -H \"Authorization: $MAC\" -d "
                "\"$BODY\"; echo",
                box->port[SANDBOX_PORT_GATEWAY], m->api_key);
}

void sandbox_help(const struct sandbox *box)
{
    say_places(box);
    say_lines(box, SANDBOX_ONE_TIME, "paste these four lines: a fresh one-time code, and a payment with it");
    sandbox_say(box, "# paste the last two again: the same code is refused");
}
