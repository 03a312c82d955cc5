/* SPDX-License-Identifier: Apache-2.0 */
/* A checked request becomes a payment: source, card, security code, amount. */
#include "gateway/faces/commercehub/commercehub.h"
#include "http/json.h"

#include <string.h>

/* ---- source ---- */

static void check_source(enum commercehub_call call, const struct commercehub_request *request, struct gateway_faults *faults)
{
    static const char path[] = "source.sourceType";
    static const char *const known[] = {"PaymentTrack", "PaymentEMV",      "PaymentSession", "ApplePay",
                                        "GooglePay",    "DecryptedWallet", "PaymentCheck",   "PayPal"};
    struct span type = WIRE_SPAN(request->source_type);
    if (!request->source_type.present || span_is(type, "PaymentCard"))
        return;
    if (span_is(type, "PaymentToken")) { /* there is no vault of tokens yet: none is known */
        gateway_fault_add(faults, GATEWAY_FAULT_CARD_NUMBER, "source.tokenData");
        return;
    }
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (span_is(type, known[i])) {
            gateway_fault_add(faults,
                              call == COMMERCEHUB_VERIFICATION ? GATEWAY_FAULT_SOURCE_UNVERIFIED : GATEWAY_FAULT_SOURCE_UNSUPPORTED,
                              path);
            return;
        }
    gateway_fault_add(faults, GATEWAY_FAULT_SOURCE_UNKNOWN, path);
}

/* ---- encryption ---- */

static void check_encryption(const struct commercehub_request *request, struct gateway_faults *faults)
{
    struct commercehub_slices slices;
    if (!request->encryption_type.present)
        gateway_fault_add(faults, GATEWAY_FAULT_ENCRYPTION, "source.encryptionData.encryptionType");
    if (!request->encryption_block.present)
        gateway_fault_add(faults, GATEWAY_FAULT_ENCRYPTION, "source.encryptionData.encryptionBlock");
    if (!request->encryption_block_fields.present ||
        commercehub_slices_parse(WIRE_SPAN(request->encryption_block_fields), &slices) != ERR_OK)
        gateway_fault_add(faults, GATEWAY_FAULT_ENCRYPTION, "source.encryptionData.encryptionBlockFields");
    if (!request->key_id.present)
        gateway_fault_add(faults, GATEWAY_FAULT_KEY_UNKNOWN, "source.encryptionData.keyId");
}

/* ---- amount ---- */

static void check_amount(const struct gateway_merchant *merchant, const struct commercehub_request *request,
                         struct gateway_faults *faults)
{
    uint64_t amount_minor = 0;
    if (!request->amount_total.present || !request->amount_currency.present)
        return; /* named as missing already */
    const struct gateway_currency *currency = gateway_money_currency(WIRE_SPAN(request->amount_currency));
    if (!currency || !gateway_merchant_sells_in(merchant, currency->alpha)) {
        gateway_fault_add(faults, GATEWAY_FAULT_CURRENCY, "amount.currency");
        return;
    }
    if (gateway_money_read(WIRE_SPAN(request->amount_total), currency->scale, &amount_minor) != ERR_OK || amount_minor == 0)
        gateway_fault_add(faults, GATEWAY_FAULT_AMOUNT_VALUE, "amount.total");
}

static void take_amount(const struct commercehub_request *request, struct gateway_payment *payment)
{
    if (!payment->currency ||
        gateway_money_read(WIRE_SPAN(request->amount_total), payment->currency->scale, &payment->amount_minor) != ERR_OK)
        payment->amount_minor = 0;
}

/* ---- card ---- */

static bool has_card(const struct commercehub_request *request)
{
    return request->card_data.present || request->expiration_month.present || request->expiration_year.present ||
           request->security_code.present || request->name_on_card.present;
}

static void take_number(struct commercehub_request *request, struct gateway_payment *payment, struct gateway_payment_secret *secret,
                        struct gateway_faults *faults)
{
    static const char path[] = "source.card.cardData";
    static const char no_brand[] = "4000300011112220"; /* published for the answer 104 */
    if (!request->card_data.present) {
        gateway_fault_add(faults, GATEWAY_FAULT_CARD_NUMBER, path);
        return;
    }
    if (card_pan_parse(WIRE_SPAN(request->card_data), CARD_LUHN, &secret->pan) != ERR_OK) {
        gateway_fault_add(faults, GATEWAY_FAULT_CARD_NUMBER, path);
        return;
    }
    payment->brand = span_is(WIRE_SPAN(request->card_data), no_brand) ? CARD_BRAND_UNKNOWN : card_brand_of(&secret->pan);
    if (payment->brand == CARD_BRAND_UNKNOWN)
        gateway_fault_add(faults, GATEWAY_FAULT_BRAND, path);
    card_pan_bin6(&secret->pan, payment->bin6);
    card_pan_last4(&secret->pan, payment->last4);
}

static void take_expiry(const struct commercehub_request *request, struct gateway_payment *payment, struct gateway_faults *faults)
{
    struct card_expiry expiry = {0};
    if (!request->expiration_month.present)
        gateway_fault_add(faults, GATEWAY_FAULT_EXPIRY, "source.card.expirationMonth");
    if (!request->expiration_year.present)
        gateway_fault_add(faults, GATEWAY_FAULT_EXPIRY, "source.card.expirationYear");
    if (!request->expiration_month.present || !request->expiration_year.present)
        return;
    struct span month = WIRE_SPAN(request->expiration_month);
    if (card_expiry_from_parts(month, span_text("2030"), &expiry) != ERR_OK)
        gateway_fault_add(faults, GATEWAY_FAULT_EXPIRY, "source.card.expirationMonth");
    else if (card_expiry_from_parts(month, WIRE_SPAN(request->expiration_year), &expiry) != ERR_OK)
        gateway_fault_add(faults, GATEWAY_FAULT_EXPIRY, "source.card.expirationYear");
    card_expiry_write(expiry, CARD_YYMM, payment->expiry);
}

/* ---- security code: indicator against code, commerce-hub.md 5 ---- */

struct indicator {
    const char *name; /* "": absent */
    bool code;        /* the row takes a code */
    bool none;        /* the row takes no code */
    enum gateway_presence with;
    enum gateway_presence without;
};
static const struct indicator indicators[] = {
    {"", true, true, GATEWAY_CODE_PRESENT, GATEWAY_CODE_ABSENT},
    {"NOT_SUPPORTED", false, true, GATEWAY_CODE_ABSENT, GATEWAY_CODE_ABSENT},
    {"PROVIDED", true, false, GATEWAY_CODE_PRESENT, GATEWAY_CODE_ABSENT},
    {"VALUE_ILLEGIBLE", false, true, GATEWAY_CODE_ABSENT, GATEWAY_CODE_ILLEGIBLE},
    {"NOT_AVAILABLE", false, true, GATEWAY_CODE_ABSENT, GATEWAY_CODE_NOT_ON_CARD},
};

static const struct indicator *indicator_of(const struct commercehub_request *request)
{
    for (size_t i = 0; i < sizeof indicators / sizeof indicators[0]; i++)
        if (span_is(WIRE_SPAN(request->security_code_indicator), indicators[i].name))
            return &indicators[i];
    return NULL; /* a fault of its own */
}

static void take_code(const struct commercehub_request *request, struct gateway_payment *payment,
                      struct gateway_payment_secret *secret, struct gateway_faults *faults)
{
    static const char path[] = "source.card.securityCode";
    const struct indicator *row = indicator_of(request);
    if (!row)
        return;
    struct span code = WIRE_SPAN(request->security_code);
    bool present = request->security_code.present;
    if (present ? !row->code : !row->none) {
        gateway_fault_add(faults, GATEWAY_FAULT_CONDITIONAL, path);
        return;
    }
    payment->presence = present ? row->with : row->without;
    if (!present)
        return;
    if (payment->brand != CARD_BRAND_UNKNOWN && code.len != card_brand_row(payment->brand)->code_digits) {
        gateway_fault_add(faults, GATEWAY_FAULT_FIELD_VALUE, path);
        return;
    }
    if (code.len <= sizeof secret->code.at) {
        secret->code.len = (uint8_t)code.len;
        memcpy(secret->code.at, code.at, code.len);
    }
}

void commercehub_payment(enum commercehub_call call, struct commercehub_request *request, struct gateway_payment *payment,
                         struct gateway_payment_secret *secret, struct gateway_faults *faults)
{
    payment->kind = GATEWAY_KIND_VERIFICATION;
    if (call == COMMERCEHUB_CHARGES)
        payment->kind = span_is(WIRE_SPAN(request->capture_flag), "false") ? GATEWAY_KIND_AUTH : GATEWAY_KIND_SALE;
    payment->takes_part = http_json_true(WIRE_SPAN(request->partial_approval));
    payment->customer_initiated = !span_is(WIRE_SPAN(request->initiator), "MERCHANT");
    payment->currency = gateway_money_currency(WIRE_SPAN(request->amount_currency));
    if (call == COMMERCEHUB_CHARGES) /* a verification moves no money, whatever amount comes with it */
        take_amount(request, payment);
    if (span_is(WIRE_SPAN(request->source_type), "PaymentCard") && (request->encrypted || has_card(request))) {
        take_number(request, payment, secret, faults);
        take_expiry(request, payment, faults);
        take_code(request, payment, secret, faults);
    }
    commercehub_request_wipe(request);
}

void commercehub_request_wipe(struct commercehub_request *request)
{
    secret_wipe(&request->card_data, sizeof request->card_data);
    secret_wipe(&request->security_code, sizeof request->security_code);
    secret_wipe(&request->encryption_block, sizeof request->encryption_block);
}

/* ---- the checks that need no card ---- */

void commercehub_check(enum commercehub_call call, const struct gateway_merchant *merchant,
                       const struct commercehub_request *request, struct gateway_faults *faults)
{
    check_source(call, request, faults);
    if (request->encrypted)
        check_encryption(request, faults);
    else if (span_is(WIRE_SPAN(request->source_type), "PaymentCard") && !has_card(request))
        gateway_fault_add(faults, GATEWAY_FAULT_CARD_MISSING, "source.card");
    /* Also beside an encryption block: it may hold the code alone. */
    if (request->card_data.present && !merchant->sandbox)
        gateway_fault_add(faults, GATEWAY_FAULT_CARD_PLAIN, "source.card.cardData");
    if (http_json_true(WIRE_SPAN(request->create_token)))
        gateway_fault_add(faults, GATEWAY_FAULT_FEATURE, "transactionDetails.createToken");
    if (request->reference_id.present)
        gateway_fault_add(faults, GATEWAY_FAULT_FEATURE, "referenceTransactionDetails.referenceTransactionId");
    if (call == COMMERCEHUB_CHARGES)
        check_amount(merchant, request, faults);
}
