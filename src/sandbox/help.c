/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/help.h"

#include <stdio.h>

#include "sandbox/tell.h"

static const struct demo_card *first_card(const struct demo *demo, enum demo_mode mode)
{
    const struct demo_card *card = demo->card;
    while (card->mode != mode)
        card++;
    return card;
}

static void say_places(const struct demo *demo)
{
    demo_say(demo, "\nThe sandbox stays up until Ctrl-C.");
    demo_say(demo, "  gateway   http://127.0.0.1:%u   (Commerce Hub face)", demo->port[DEMO_PORT_GATEWAY]);
    demo_say(demo, "  issuer    http://127.0.0.1:%u   issuer %s, X-Api-Key %s", demo->port[DEMO_PORT_ISSUER], demo->issuer_id,
             demo->issuer_key);
    demo_say(demo, "  switch    127.0.0.1:%u visa, %u eftpos, %u generic   (ISO 8583)", demo->port[DEMO_PORT_VISA],
             demo->port[DEMO_PORT_EFTPOS], demo->port[DEMO_PORT_GENERIC]);
    demo_say(demo, "  HSM       127.0.0.1:%u   (host commands, 4-byte header, test LMK)", demo->port[DEMO_PORT_HSM]);
    demo_say(demo, "  all of it %s/sandbox.json", demo->dir);
}

/* An answer, then a charge with the code it holds; HMAC by the openssl tool. */
static void say_lines(const struct demo *demo, enum demo_mode mode, const char *comment)
{
    const struct demo_card *card = first_card(demo, mode);
    const struct demo_merchant *m = &demo->merchant[0];
    demo_say(demo, "\n# %s", comment);
    demo_say(demo,
             "CVV=$(curl -s -H 'X-Api-Key: %s' http://127.0.0.1:%u/v2/issuers/%s/cards/%s/credentials | sed "
             "'s/.*\"cvv\":\"\\([0-9]*\\)\".*/\\1/')",
             demo->issuer_key, demo->port[DEMO_PORT_ISSUER], demo->issuer_id, card->id);
    demo_say(demo,
             "BODY='{\"amount\":{\"total\":12.50,\"currency\":\"AUD\"},\"source\":{\"sourceType\":\"PaymentCard\",\"card\":"
             "{\"cardData\":\"%.*s\",\"expirationMonth\":\"%.2s\",\"expirationYear\":\"20%.2s\",\"securityCode\":\"'$CVV'\","
             "\"securityCodeIndicator\":\"PROVIDED\"}},\"transactionDetails\":{\"captureFlag\":true},\"merchantDetails\":"
             "{\"merchantId\":\"%s\",\"terminalId\":\"%s\"}}'",
             (int)card->pan.len, card->pan.digit, card->expiry + 2, card->expiry, m->id, m->terminal);
    demo_say(demo,
             "ID=$(cat /proc/sys/kernel/random/uuid); TIME=$(date +%%s%%3N); MAC=$(printf %%s '%s'$ID$TIME\"$BODY\" | openssl "
             "dgst -sha256 -hmac '%s' -binary | base64)",
             m->api_key, m->secret);
    demo_say(demo,
             "curl -s http://127.0.0.1:%u/payments/v1/charges -H 'Content-Type: application/json' -H 'Api-Key: %s' -H "
             "\"Client-Request-Id: $ID\" -H \"Timestamp: $TIME\" -H 'Auth-Token-Type: HMAC' -H \"Authorization: $MAC\" -d "
             "\"$BODY\"; echo",
             demo->port[DEMO_PORT_GATEWAY], m->api_key);
}

void demo_help(const struct demo *demo)
{
    say_places(demo);
    say_lines(demo, DEMO_ONE_TIME, "paste these four lines: a fresh one-time code, and a payment with it");
    demo_say(demo, "# paste the last two again: the same code is refused");
}
