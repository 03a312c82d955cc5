/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of Commerce Hub, in the shapes of commerce-hub.md 6 and 7; a letter in brackets is a decided conflict of section 7. */
#include "base/json.h"
#include "gateway/faces/commercehub/commercehub.h"
#include "http/json.h"

struct answer {
    struct json_writer w;
    const struct commercehub_identity *identity;
    const struct gateway_payment *payment;
    const struct commercehub_request *request;
    const struct gateway_merchant *merchant;
    bool verification;
    bool approved;
    char time[25];
};

static const char *approval_status(const struct answer *a)
{
    return a->approved ? "APPROVED" : "DECLINED";
}

/* [b], [m] */
static const char *transaction_state(const struct answer *a)
{
    switch (a->payment->state) {
    case GATEWAY_STATE_AUTHORIZED:
        return "AUTHORIZED";
    case GATEWAY_STATE_CAPTURED:
        return "CAPTURED";
    case GATEWAY_STATE_VERIFIED:
        return "VERIFIED";
    case GATEWAY_STATE_VOIDED:
        return "VOIDED";
    case GATEWAY_STATE_PROCESSOR_DECLINED:
        return a->verification ? "NOT_VERIFIED" : "DECLINED";
    case GATEWAY_STATE_RECEIVED:
    case GATEWAY_STATE_AUTHORIZING:
    case GATEWAY_STATE_GATEWAY_REJECTED:
    case GATEWAY_STATE_FAILED:
    default:
        return "DECLINED";
    }
}

static void put_order_id(struct answer *a)
{
    uint8_t room[48];
    struct buf text = buf_over(room, sizeof room);
    buf_put_text(&text, "CHG01");
    buf_put_text(&text, a->payment->id);
    json_put(&a->w, "orderId", buf_span(&text));
}

static void put_processing(struct json_writer *w, const struct commercehub_identity *identity, const char *time)
{
    json_put_text(w, "transactionTimestamp", time);
    json_put_text(w, "apiTraceId", identity->trace_id);
    json_put(w, "clientRequestId", identity->request_id);
    json_put_text(w, "transactionId", identity->trace_id);
}

static void put_gateway_response(struct answer *a)
{
    struct span origin = a->request->origin.present ? WIRE_SPAN(a->request->origin) : span_text("ECOM");
    json_open(&a->w, "gatewayResponse");
    put_order_id(a); /* [k] here and below */
    json_put_text(&a->w, "transactionType", a->verification ? "VERIFICATION" : "CHARGE");
    json_put_text(&a->w, "transactionState", transaction_state(a));
    json_put(&a->w, "transactionOrigin", origin);
    json_open(&a->w, "transactionProcessingDetails");
    put_order_id(a);
    put_processing(&a->w, a->identity, a->time);
    json_close(&a->w);
    json_close(&a->w);
}

static void put_source(struct answer *a)
{
    const struct commercehub_request *r = a->request;
    json_open(&a->w, "source");
    json_put_member(&a->w, "sourceType", r->source_type);
    json_open(&a->w, "card");
    json_put_member(&a->w, "nameOnCard", r->name_on_card);
    json_put_member(&a->w, "expirationMonth", r->expiration_month);
    json_put_member(&a->w, "expirationYear", r->expiration_year);
    json_put_member(&a->w, "securityCodeIndicator", r->security_code_indicator);
    json_put_text(&a->w, "bin", a->payment->bin6); /* [n] */
    json_put_text(&a->w, "last4", a->payment->last4);
    json_put_text(&a->w, "scheme", card_brand_row(a->payment->brand)->name);
    json_close(&a->w);
    json_close(&a->w);
}

/* [f] */
static const char *address_match(enum gateway_avs match, bool given)
{
    static const char *const text[] = {[GATEWAY_AVS_MATCHED] = "MATCHED",
                                       [GATEWAY_AVS_NOT_MATCHED] = "NOT_MATCHED",
                                       [GATEWAY_AVS_NOT_CHECKED] = "NOT_CHECKED",
                                       [GATEWAY_AVS_NO_INPUT_DATA] = "NO_INPUT_DATA",
                                       [GATEWAY_AVS_NONE] = "NONE"};
    if (match == GATEWAY_AVS_UNKNOWN)
        return given ? "NOT_CHECKED" : "NO_INPUT_DATA";
    return text[match];
}

static void put_code_result(struct answer *a)
{
    char letter[2];
    struct span raw = span_of(&a->payment->cvv_raw, a->payment->cvv_raw ? 1 : 0);
    card_result_association(a->payment->cvv, raw, letter);
    json_open(&a->w, "avsSecurityCodeResponse");
    bool street = a->request->street.present || a->request->house_number.present;
    json_put_text(&a->w, "streetMatch", address_match(a->payment->avs_street, street)); /* [e] */
    json_put_text(&a->w, "postalCodeMatch", address_match(a->payment->avs_postal, a->request->postal_code.present));
    json_put_text(&a->w, "securityCodeMatch", card_result_export(CARD_FACE_COMMERCEHUB_MATCH, a->payment->cvv));
    json_open(&a->w, "association");
    if (letter[0])
        json_put_text(&a->w, "securityCodeResponse", letter);
    if (a->payment->avs_name)
        json_put(&a->w, "cardholderNameResponse", span_of(&a->payment->avs_name, 1));
    json_close(&a->w);
    json_close(&a->w);
}

static void put_association(struct answer *a)
{
    json_open(&a->w, "bankAssociationDetails");
    json_put_text(&a->w, "associationResponseCode", a->approved ? "000" : a->payment->de39);
    json_put_text(&a->w, "transactionTimestamp", a->time);
    put_code_result(a);
    json_close(&a->w);
}

static void put_processor_details(struct answer *a)
{
    const struct gateway_payment *p = a->payment;
    const struct commercehub_host_row *host = commercehub_host_row(p->de39);
    const char *response = a->request->told[0] ? a->request->told : host->response;
    const char *message = commercehub_message(COMMERCEHUB_RESPONSE_CODES, response);
    json_open(&a->w, "processorResponseDetails");
    json_put_text(&a->w, "approvalStatus", approval_status(a));
    if (p->approval[0] && p->state != GATEWAY_STATE_PROCESSOR_DECLINED) /* some issuers send one with a decline */
        json_put_text(&a->w, "approvalCode", p->approval);
    json_put_text(&a->w, "referenceNumber", p->stamp.rrn);
    json_put_text(&a->w, "processor", "COUNTERSIGN");
    json_put_text(&a->w, "host", "COUNTERSIGN");
    json_put_text(&a->w, "networkRouted", p->network);
    json_put_text(&a->w, "responseCode", response);                             /* [h] */
    json_put_text(&a->w, "responseMessage", message[0] ? message : "Declined"); /* [i] */
    json_put_text(&a->w, "hostResponseCode", host->host[0] ? host->host : p->de39);
    json_put_text(&a->w, "hostResponseMessage", host->message);
    json_put_text(&a->w, "localTimestamp", a->time);
    put_association(a);
    json_close(&a->w);
}

static void put_optional(struct json_writer *w, const char *name, const char *text)
{
    if (text[0])
        json_put_text(w, name, text);
}

static void put_receipt(struct answer *a)
{
    const struct gateway_payment *p = a->payment;
    json_open(&a->w, "paymentReceipt");
    if (!a->verification) {
        uint8_t room[24];
        struct buf total = buf_over(room, sizeof room);
        /* Of a decline what was asked for: clients compare it. approvalStatus tells what was approved. */
        gateway_money_write(a->approved ? p->approved_minor : p->amount_minor, p->currency->scale, &total);
        json_open(&a->w, "approvedAmount");
        json_put_decimal(&a->w, "total", buf_span(&total)); /* [j] */
        json_put_text(&a->w, "currency", p->currency->alpha);
        json_close(&a->w);
    }
    put_optional(&a->w, "merchantName", a->merchant->name);
    put_optional(&a->w, "merchantAddress", a->merchant->address);
    put_optional(&a->w, "merchantCity", a->merchant->city);
    put_optional(&a->w, "merchantStateOrProvince", a->merchant->state);
    put_optional(&a->w, "merchantPostalCode", a->merchant->postal_code);
    put_optional(&a->w, "merchantCountry", a->merchant->country);
    put_processor_details(a);
    json_close(&a->w);
}

static void put_interaction(struct json_writer *w, const struct commercehub_request *r)
{
    if (!r->origin.present && !r->eci_indicator.present && !r->pos_condition_code.present && !r->pos_entry_mode.present)
        return;
    json_open(w, "transactionInteraction");
    json_put_member(w, "origin", r->origin);
    json_put_member(w, "eciIndicator", r->eci_indicator);
    json_put_member(w, "posConditionCode", r->pos_condition_code);
    json_put_member(w, "posEntryMode", r->pos_entry_mode);
    json_close(w);
}

static void put_address_lines(struct json_writer *w, const struct commercehub_request *r)
{
    json_open(w, "address");
    json_put_member(w, "street", r->street);
    json_put_member(w, "houseNumberOrName", r->house_number);
    json_put_member(w, "recipientNameOrAddress", r->recipient);
    json_put_member(w, "city", r->city);
    json_put_member(w, "stateOrProvince", r->state);
    json_put_member(w, "postalCode", r->postal_code);
    json_put_member(w, "country", r->country);
    json_put_member(w, "county", r->county);
    json_close(w);
}

static void put_address(struct json_writer *w, const struct commercehub_request *r)
{
    bool address = r->street.present || r->house_number.present || r->recipient.present || r->city.present || r->state.present ||
                   r->postal_code.present || r->country.present || r->county.present;
    if (!address && !r->first_name.present && !r->middle_name.present && !r->last_name.present)
        return;
    json_open(w, "billingAddress");
    json_put_member(w, "firstName", r->first_name);
    json_put_member(w, "middleName", r->middle_name);
    json_put_member(w, "lastName", r->last_name);
    if (address)
        put_address_lines(w, r);
    json_close(w);
}

static void put_echoes(struct answer *a)
{
    const struct commercehub_request *r = a->request;
    json_open(&a->w, "transactionDetails");
    if (!a->verification)
        json_put_bool(&a->w, "captureFlag", a->payment->kind == GATEWAY_KIND_SALE);
    if (r->physical_goods.present)
        json_put_bool(&a->w, "physicalGoodsIndicator", http_json_true(WIRE_SPAN(r->physical_goods)));
    if (r->partial_approval.present)
        json_put_bool(&a->w, "partialApproval", a->payment->takes_part);
    json_put_member(&a->w, "merchantOrderId", r->merchant_order_id);
    json_put_member(&a->w, "merchantTransactionId", r->merchant_transaction_id);
    json_put_member(&a->w, "merchantInvoiceNumber", r->merchant_invoice_number);
    json_close(&a->w);
    json_open(&a->w, "merchantDetails");
    json_put_member(&a->w, "merchantId", r->merchant_id);
    json_put_member(&a->w, "terminalId", r->terminal_id);
    json_close(&a->w);
    put_interaction(&a->w, r);
    put_address(&a->w, r);
}

enum err commercehub_payment_write(const struct commercehub_identity *identity, const struct gateway_payment *payment,
                                   const struct commercehub_request *request, const struct gateway_merchant *merchant,
                                   struct buf *out)
{
    struct answer a = {.w = json_writer(out), .identity = identity, .payment = payment, .request = request, .merchant = merchant};
    a.verification = payment->kind == GATEWAY_KIND_VERIFICATION;
    a.approved = payment->state == GATEWAY_STATE_AUTHORIZED || payment->state == GATEWAY_STATE_CAPTURED ||
                 payment->state == GATEWAY_STATE_VERIFIED;
    env_rfc3339(payment->created_ms, a.time);
    json_open(&a.w, NULL);
    put_gateway_response(&a);
    put_source(&a);
    if (a.verification)
        put_processor_details(&a); /* [a]: top level as well */
    put_receipt(&a);
    put_echoes(&a);
    json_close(&a.w);
    return json_done(&a.w);
}

enum err commercehub_key_write(const struct commercehub_identity *identity, struct span api_key, int64_t now_ms,
                               const struct gateway_key_answer *key, struct buf *out)
{
    char now[25], from[25], to[25];
    env_rfc3339(now_ms, now);
    env_rfc3339(key->valid_from_ms, from);
    env_rfc3339(key->valid_to_ms, to);
    struct json_writer w = json_writer(out);
    json_open(&w, NULL);
    json_open(&w, "gatewayResponse");
    json_open(&w, "transactionProcessingDetails");
    put_processing(&w, identity, now);
    json_put(&w, "apiKey", api_key);
    json_close(&w);
    json_close(&w);
    json_open(&w, "asymmetricKeyDetails");
    json_put_text(&w, "keyId", key->key_id);
    json_put_text(&w, "encryptionType", "RSA");
    json_put_integer(&w, "modulus", 2048);
    if (key->public_text.len > 0)
        json_put(&w, "encodedPublicKey", key->public_text);
    json_put_text(&w, "validFrom", from);
    json_put_text(&w, "validTo", to);
    json_put_text(&w, "status", key->active ? "ACTIVE" : "REVOKED");
    json_close(&w);
    json_close(&w);
    return json_done(&w);
}
