/* SPDX-License-Identifier: Apache-2.0 */
#include "support/plain_face.h"

#include <string.h>

enum { PAY, KEY };

/* The words of a body: NUMBER YYMM CODE AMOUNT, the amount in minor units. */
enum { NUMBER, EXPIRY, CODE, AMOUNT, WORDS };
struct request {
    char at[128];
    struct span word[WORDS];
};

static const struct http_route routes[] = {
    {.method = HTTP_POST, .path = "/pay", .handler = PAY, .doc = "sells"},
    {.method = HTTP_POST, .path = "/key", .handler = KEY, .doc = "makes a key"},
};
static const enum gateway_operation operations[] = {[PAY] = GATEWAY_CHARGE, [KEY] = GATEWAY_KEY_GENERATE};
static const char *const prefixes[] = {"/plain"};

static void identify(struct gateway_exchange *x)
{
    struct span id = http_header(x->http, "X-Id");
    if (id.len <= GATEWAY_REQUEST_ID_MAX)
        x->request_id = id;
}

/* A password instead of a MAC, and no clock. */
static enum gateway_authentication authenticate(struct gateway_exchange *x, const struct gateway_merchants *merchants,
                                                int64_t clock_window_ms)
{
    (void)clock_window_ms; /* nothing is signed */
    const struct gateway_access *access = gateway_access_find(merchants, http_header(x->http, "X-User"));
    struct span password = http_header(x->http, "X-Password");
    if (!access->known)
        return GATEWAY_AUTHENTICATION_KEY;
    if (password.len != access->secret.len || !secret_equal(password.at, access->secret.at, password.len))
        return GATEWAY_AUTHENTICATION_MAC;
    x->merchant = gateway_merchant_at(merchants, access->merchant);
    return GATEWAY_AUTHENTICATION_DONE;
}

static bool parse(struct gateway_exchange *x, struct gateway_order *out)
{
    struct request *r = x->request;
    struct span body = x->http->body;
    *out = (struct gateway_order){.origin = GATEWAY_ORIGIN_ORDER};
    if (x->call == KEY)
        return true;
    if (body.len > sizeof r->at) {
        gateway_fault_add(&x->faults, GATEWAY_FAULT_MALFORMED, NULL);
        return false;
    }
    memcpy(r->at, body.at, body.len);
    size_t at = 0;
    for (size_t i = 0; i < WORDS; i++) {
        size_t from = at;
        while (at < body.len && r->at[at] != ' ')
            at++;
        r->word[i] = span_of(r->at + from, at - from);
        at += at < body.len;
    }
    return true;
}

static void check(struct gateway_exchange *x)
{
    const struct request *r = x->request;
    if (r->word[AMOUNT].len == 0)
        gateway_fault_add(&x->faults, GATEWAY_FAULT_AMOUNT_MISSING, "4");
}

static enum err digest(const struct gateway_exchange *x, const uint8_t *fingerprint, uint8_t out[static 32])
{
    const struct request *r = x->request;
    uint64_t amount = 0;
    memset(out, 0, 32);
    if (fingerprint)
        memcpy(out, fingerprint, 24);
    if (span_decimal(r->word[AMOUNT], &amount) == ERR_OK)
        memcpy(out + 24, &amount, sizeof amount);
    return ERR_OK;
}

static void open(struct gateway_exchange *x, struct span plain)
{
    (void)plain; /* this face takes no blocks: parse never says `sealed` */
    gateway_fault_add(&x->faults, GATEWAY_FAULT_ENCRYPTION, NULL);
}

static void pay(struct gateway_exchange *x, struct gateway_payment_secret *secret)
{
    struct request *r = x->request;
    struct gateway_payment *p = &x->payment;
    if (card_pan_parse(r->word[NUMBER], CARD_LUHN, &secret->pan) != ERR_OK)
        gateway_fault_add(&x->faults, GATEWAY_FAULT_CARD_NUMBER, "1");
    if (r->word[EXPIRY].len != 4 || r->word[CODE].len > sizeof secret->code.at ||
        span_decimal(r->word[AMOUNT], &p->amount_minor) != ERR_OK)
        gateway_fault_add(&x->faults, GATEWAY_FAULT_FIELD_VALUE, NULL);
    if (x->faults.count > 0)
        return;
    p->kind = GATEWAY_KIND_SALE;
    p->customer_initiated = true;
    p->brand = card_brand_of(&secret->pan);
    card_pan_bin6(&secret->pan, p->bin6);
    card_pan_last4(&secret->pan, p->last4);
    memcpy(p->expiry, r->word[EXPIRY].at, 4);
    p->presence = r->word[CODE].len > 0 ? GATEWAY_CODE_PRESENT : GATEWAY_CODE_ABSENT;
    secret->code.len = (uint8_t)r->word[CODE].len;
    memcpy(secret->code.at, r->word[CODE].at, r->word[CODE].len);
}

static enum err answer(struct gateway_exchange *x, struct buf *body)
{
    x->status = 200;
    if (x->call == KEY) {
        buf_put_text(body, "key ");
        buf_put_text(body, x->key.key_id);
    } else {
        buf_put_text(body, gateway_payment_approved(&x->payment) ? "approved " : "declined ");
        buf_put_text(body, x->payment.approval);
    }
    return buf_done(body);
}

static void error(struct gateway_exchange *x, struct buf *body)
{
    enum gateway_fault_id id = x->faults.at[0].id;
    x->status = id == GATEWAY_FAULT_AUTHENTICATION ? 401 : id == GATEWAY_FAULT_UNAVAILABLE ? 503 : 422;
    buf_put_text(body, "fault ");
    buf_put_decimal(body, id, 0);
}

static void forget(void *request)
{
    secret_wipe(request, sizeof(struct request));
}

const struct gateway_face plain_face = {
    .name = "plain",
    .route = routes,
    .routes = sizeof routes / sizeof routes[0],
    .operation = operations,
    .prefix = prefixes,
    .prefixes = sizeof prefixes / sizeof prefixes[0],
    .busy_body = "busy",
    .content_type = "text/plain",
    .request_size = sizeof(struct request),
    .identify = identify,
    .authenticate = authenticate,
    .parse = parse,
    .check = check,
    .digest = digest,
    .open = open,
    .pay = pay,
    .answer = answer,
    .error = error,
    .forget = forget,
};
