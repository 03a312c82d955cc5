/* SPDX-License-Identifier: Apache-2.0 */
/* The face's row: its routes, and what the core calls. */
#include "crypto/mac.h"
#include "gateway/faces/commercehub/commercehub.h"

/* ---- routes ---- */

/* clang-format off */
#define CALL(path_, call_, doc_) {.method = HTTP_POST, .path = path_, .handler = COMMERCEHUB_##call_, .doc = doc_}
static const struct http_route routes[] = {
    CALL("/payments-vas/v1/accounts/verification", VERIFICATION, "checks card and security code; no charge"),
    CALL("/payments/v1/accounts/verification", VERIFICATION, "the same, under the address of the published guide"),
    CALL("/payments/v1/charges", CHARGES, "authorises, or sells (captureFlag true, the default)"),
    CALL("/security/v1/keys/generate", KEYS_GENERATE, "makes an RSA key for the encryption block"),
    CALL("/security/v1/keys/{keyId}/revoke", KEYS_REVOKE, "revokes it and destroys its private half"),
};
static const enum gateway_operation operations[] = {
    [COMMERCEHUB_VERIFICATION]  = GATEWAY_VERIFY,
    [COMMERCEHUB_CHARGES]       = GATEWAY_CHARGE,
    [COMMERCEHUB_KEYS_GENERATE] = GATEWAY_KEY_GENERATE,
    [COMMERCEHUB_KEYS_REVOKE]   = GATEWAY_KEY_REVOKE,
};
/* clang-format on */
static const char *const prefixes[] = {"", "/ch"};
static const char busy_body[] = "{\"gatewayResponse\":{\"transactionProcessingDetails\":{}},\"error\":[{\"type\":\"APIM\","
                                "\"message\":\"Service unavailable.\"}]}";

/* ---- who asks ---- */

static struct commercehub_headers headers_of(const struct http_request *http)
{
    return (struct commercehub_headers){
        .api_key = http_header(http, "Api-Key"),
        .request_id = http_header(http, "Client-Request-Id"),
        .timestamp = http_header(http, "Timestamp"),
        .token_type = http_header(http, "Auth-Token-Type"),
        .authorization = http_header(http, "Authorization"),
    };
}

static void identify(struct gateway_exchange *x)
{
    struct span id = http_header(x->http, "Client-Request-Id");
    if (commercehub_request_id_valid(id))
        x->request_id = id;
}

/* What the signature was computed over must be one thing for everybody who reads it. */
static bool told_twice(const struct http_request *http)
{
    static const char *const once[] = {"Api-Key", "Client-Request-Id", "Timestamp", "Auth-Token-Type", "Authorization"};
    for (size_t i = 0; i < sizeof once / sizeof once[0]; i++)
        if (http_header_repeated(http, once[i]))
            return true;
    return false;
}

static bool encoded(const struct http_request *http)
{
    struct span coding = http_header(http, "Content-Encoding");
    return coding.len > 0 && !span_is(coding, "identity");
}

static enum gateway_authentication authenticate(struct gateway_exchange *x, const struct gateway_merchants *merchants,
                                                int64_t clock_window_ms)
{
    struct commercehub_headers headers = headers_of(x->http);
    const struct gateway_access *access = gateway_access_find(merchants, headers.api_key);
    const struct commercehub_signer signer = {&access->secret, access->known, x->now_ms, clock_window_ms};
    enum gateway_authentication found = commercehub_authenticate(&headers, x->http->body, &signer, &x->signature);
    if (found != GATEWAY_AUTHENTICATION_DONE)
        return found;
    x->merchant = gateway_merchant_at(merchants, access->merchant);
    if (told_twice(x->http))
        gateway_fault_add(&x->faults, GATEWAY_FAULT_MALFORMED, NULL);
    else if (!http_is_json(x->http) || encoded(x->http))
        gateway_fault_add(&x->faults, GATEWAY_FAULT_MEDIA_TYPE, NULL);
    else if (headers.request_id.len == 0)
        gateway_fault_add(&x->faults, GATEWAY_FAULT_BODY_MISSING, "Client-Request-Id");
    else if (x->request_id.len == 0)
        gateway_fault_add(&x->faults, GATEWAY_FAULT_FIELD_VALUE, "Client-Request-Id");
    return GATEWAY_AUTHENTICATION_DONE;
}

/* ---- what is asked ---- */

static enum gateway_origin origin_of(const struct commercehub_request *request)
{
    struct span origin = WIRE_SPAN(request->origin);
    if (span_is(origin, "MOTO"))
        return GATEWAY_ORIGIN_ORDER;
    return span_is(origin, "POS") ? GATEWAY_ORIGIN_TILL : GATEWAY_ORIGIN_INTERNET;
}

static bool parse(struct gateway_exchange *x, struct gateway_order *out)
{
    struct commercehub_request *request = x->request;
    commercehub_parse((enum commercehub_call)x->call, x->http->body, request, &x->faults);
    if (gateway_fault_has(&x->faults, GATEWAY_FAULT_MALFORMED) || gateway_fault_has(&x->faults, GATEWAY_FAULT_BODY_MISSING))
        return false;
    *out = (struct gateway_order){
        .merchant_id = WIRE_SPAN(request->merchant_id),
        .terminal_id = WIRE_SPAN(request->terminal_id),
        .sealed = request->encrypted,
        .key_id = WIRE_SPAN(request->key_id),
        .block = WIRE_SPAN(request->encryption_block),
        .origin = origin_of(request),
    };
    if (x->call == COMMERCEHUB_KEYS_REVOKE)
        out->key_id = http_parameter(x->http, "keyId");
    return true;
}

static void check(struct gateway_exchange *x)
{
    commercehub_check((enum commercehub_call)x->call, x->merchant, x->request, &x->faults);
}

static enum err digest(const struct gateway_exchange *x, const uint8_t *fingerprint, uint8_t out[static 32])
{
    TRY(commercehub_digest((enum commercehub_call)x->call, x->request, fingerprint, out));
    if (x->call != COMMERCEHUB_KEYS_REVOKE)
        return ERR_OK;
    /* Which key is said in the path alone. */
    uint8_t room[32 + GATEWAY_KEY_ID_MAX];
    struct buf text = buf_over(room, sizeof room);
    struct span key_id = http_parameter(x->http, "keyId");
    buf_put(&text, out, 32);
    buf_put_span(&text, span_slice(key_id, 0, key_id.len < GATEWAY_KEY_ID_MAX ? key_id.len : GATEWAY_KEY_ID_MAX));
    return crypto_digest_sha256(buf_span(&text), out);
}

static void open(struct gateway_exchange *x, struct span plain)
{
    struct commercehub_request *request = x->request;
    struct commercehub_slices slices;
    if (commercehub_slices_parse(WIRE_SPAN(request->encryption_block_fields), &slices) != ERR_OK)
        gateway_fault_add(&x->faults, GATEWAY_FAULT_ENCRYPTION, "source.encryptionData.encryptionBlockFields");
    else
        commercehub_merge(&slices, plain, request, &x->faults);
}

static void pay(struct gateway_exchange *x, struct gateway_payment_secret *secret)
{
    commercehub_payment((enum commercehub_call)x->call, x->request, &x->payment, secret, &x->faults);
    if (gateway_payment_expired(&x->payment, x->now_ms))
        gateway_fault_add(&x->faults, GATEWAY_FAULT_EXPIRY, "source.card.expirationYear");
}

static bool simulate(struct gateway_exchange *x, const struct gateway_payment_secret *secret)
{
    return commercehub_simulate(x->request, secret, &x->payment);
}

/* ---- answers ---- */

static enum err answer(struct gateway_exchange *x, struct buf *body)
{
    const struct commercehub_identity identity = {x->trace_id, x->request_id};
    x->status = x->operation == GATEWAY_KEY_REVOKE ? 200 : 201;
    if (gateway_operation_row(x->operation)->pays)
        return commercehub_payment_write(&identity, &x->payment, x->request, x->merchant, body);
    return commercehub_key_write(&identity, http_header(x->http, "Api-Key"), x->now_ms, &x->key, body);
}

static void error(struct gateway_exchange *x, struct buf *body)
{
    const struct commercehub_identity identity = {x->trace_id, x->request_id};
    commercehub_order((enum commercehub_call)x->call, &x->faults);
    x->status = commercehub_error_write(&identity, &x->faults, body);
}

static void forget(void *request)
{
    secret_wipe(request, sizeof(struct commercehub_request));
}

const struct gateway_face gateway_commercehub = {
    .name = "commercehub",
    .route = routes,
    .routes = sizeof routes / sizeof routes[0],
    .operation = operations,
    .prefix = prefixes,
    .prefixes = sizeof prefixes / sizeof prefixes[0],
    .busy_body = busy_body,
    .content_type = "application/json",
    .trace_header = "ApiTraceId",
    .field = {[GATEWAY_FIELD_MERCHANT] = "merchantDetails.merchantId",
              [GATEWAY_FIELD_TERMINAL] = "merchantDetails.terminalId",
              [GATEWAY_FIELD_KEY] = "source.encryptionData.keyId",
              [GATEWAY_FIELD_BLOCK] = "source.encryptionData.encryptionBlock"},
    .request_size = sizeof(struct commercehub_request),
    .identify = identify,
    .authenticate = authenticate,
    .parse = parse,
    .check = check,
    .digest = digest,
    .open = open,
    .pay = pay,
    .simulate = simulate,
    .answer = answer,
    .error = error,
    .forget = forget,
};
