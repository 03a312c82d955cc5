/* SPDX-License-Identifier: Apache-2.0 */
/* Requests of Commerce Hub: one list of rows binds the body, checks the values, names the faults and says what is required. */
#include "gateway/faces/commercehub/internal.h"

#include "crypto/mac.h"
#include "http/json.h"

#include <string.h>

enum {
    VERIFY = 1 << COMMERCEHUB_VERIFICATION,
    CHARGE = 1 << COMMERCEHUB_CHARGES,
    KEYS = 1 << COMMERCEHUB_KEYS_GENERATE | 1 << COMMERCEHUB_KEYS_REVOKE,
    PAY = VERIFY | CHARGE,
    ALL = PAY | KEYS,
    NEVER = 0,
    FREE_TEXT = 1 << 30, /* no card number may stand in it: it is stored and told again */
    DIGITS = 1 << 29,    /* clients write it as an integer, too: it is read as its digits */
};

/* Names as known and published, but not taken here. */
#define ORIGINS "ECOM|MOTO|POS"
#define INDICATORS "NOT_SUPPORTED|PROVIDED|VALUE_ILLEGIBLE|NOT_AVAILABLE"

/* clang-format off */
/*     path, member, kind of the value, min, max, choices, calls that need it, fault of a bad value, fault of a missing one */
#define TEXT(F, path_, member_, max_) F(path_, member_, WIRE_B, 1, max_, NULL, FREE_TEXT | DIGITS, FIELD_VALUE, FIELD_MISSING)
#define MERCHANT_ROWS(O, F) \
    O("merchantDetails") \
    F("merchantDetails.merchantId", merchant_id, WIRE_B, 1, 64, NULL, ALL | DIGITS, MERCHANT, FIELD_MISSING) \
    F("merchantDetails.terminalId", terminal_id, WIRE_B, 1, 64, NULL, PAY | DIGITS, TERMINAL, FIELD_MISSING)
#define PAYMENT_ROWS(O, F) \
    O("amount") \
    F("amount.total", amount_total, WIRE_DECIMAL, 1, 24, NULL, CHARGE, AMOUNT_VALUE, AMOUNT_MISSING) \
    F("amount.currency", amount_currency, WIRE_AN, 3, 3, NULL, CHARGE, CURRENCY, AMOUNT_MISSING) \
    O("source") \
    F("source.sourceType", source_type, WIRE_B, 1, 40, NULL, PAY, SOURCE_UNKNOWN, SOURCE_UNKNOWN) \
    O("source.card") \
    F("source.card.cardData", card_data, WIRE_N, 12, 19, NULL, NEVER, CARD_NUMBER, CARD_NUMBER) \
    TEXT(F, "source.card.nameOnCard", name_on_card, 256) \
    F("source.card.expirationMonth", expiration_month, WIRE_ENUM, 2, 2, MONTHS, NEVER, EXPIRY, EXPIRY) \
    F("source.card.expirationYear", expiration_year, WIRE_N, 4, 4, NULL, NEVER, EXPIRY, EXPIRY) \
    F("source.card.securityCode", security_code, WIRE_N, 3, 4, NULL, NEVER, FIELD_VALUE, CONDITIONAL) \
    F("source.card.securityCodeIndicator", security_code_indicator, WIRE_ENUM, 1, 15, INDICATORS, NEVER, FIELD_VALUE, CONDITIONAL) \
    O("source.encryptionData") \
    F("source.encryptionData.encryptionType", encryption_type, WIRE_ENUM, 1, 256, "RSA", NEVER, ENCRYPTION, ENCRYPTION) \
    F("source.encryptionData.encryptionTarget", encryption_target, WIRE_ENUM, 1, 256, "MANUAL", NEVER, ENCRYPTION, ENCRYPTION) \
    F("source.encryptionData.encryptionBlock", encryption_block, WIRE_B, 1, 2000, NULL, NEVER, ENCRYPTION, ENCRYPTION) \
    F("source.encryptionData.encryptionBlockFields", encryption_block_fields, WIRE_B, 1, 256, NULL, NEVER, ENCRYPTION, ENCRYPTION) \
    F("source.encryptionData.keyId", key_id, WIRE_A, 1, 64, NULL, NEVER, KEY_UNKNOWN, KEY_UNKNOWN) \
    F("source.encryptionData.deviceType", device_type, WIRE_B, 1, 256, NULL, NEVER, ENCRYPTION, ENCRYPTION) \
    F("source.tokenData", token_data, WIRE_B, 1, 256, NULL, NEVER, CARD_NUMBER, CARD_NUMBER) \
    O("transactionDetails") \
    F("transactionDetails.captureFlag", capture_flag, WIRE_BOOL, 4, 5, NULL, NEVER, FIELD_VALUE, FIELD_MISSING) \
    F("transactionDetails.createToken", create_token, WIRE_BOOL, 4, 5, NULL, NEVER, FIELD_VALUE, FIELD_MISSING) \
    F("transactionDetails.partialApproval", partial_approval, WIRE_BOOL, 4, 5, NULL, NEVER, FIELD_VALUE, FIELD_MISSING) \
    F("transactionDetails.physicalGoodsIndicator", physical_goods, WIRE_BOOL, 4, 5, NULL, NEVER, FIELD_VALUE, FIELD_MISSING) \
    TEXT(F, "transactionDetails.merchantOrderId", merchant_order_id, 128) \
    TEXT(F, "transactionDetails.merchantTransactionId", merchant_transaction_id, 128) \
    TEXT(F, "transactionDetails.merchantInvoiceNumber", merchant_invoice_number, 128) \
    MERCHANT_ROWS(O, F) \
    O("transactionInteraction") \
    F("transactionInteraction.origin", origin, WIRE_ENUM, 1, 4, ORIGINS, NEVER, FIELD_VALUE, FIELD_MISSING) \
    TEXT(F, "transactionInteraction.eciIndicator", eci_indicator, 36) \
    TEXT(F, "transactionInteraction.posConditionCode", pos_condition_code, 26) \
    TEXT(F, "transactionInteraction.posEntryMode", pos_entry_mode, 22) \
    O("storedCredentials") \
    TEXT(F, "storedCredentials.initiator", initiator, 32) \
    O("billingAddress") \
    TEXT(F, "billingAddress.firstName", first_name, 256) \
    TEXT(F, "billingAddress.middleName", middle_name, 256) \
    TEXT(F, "billingAddress.lastName", last_name, 256) \
    O("billingAddress.address") \
    TEXT(F, "billingAddress.address.street", street, 256) \
    TEXT(F, "billingAddress.address.houseNumberOrName", house_number, 256) \
    TEXT(F, "billingAddress.address.recipientNameOrAddress", recipient, 256) \
    TEXT(F, "billingAddress.address.city", city, 256) \
    TEXT(F, "billingAddress.address.stateOrProvince", state, 256) \
    TEXT(F, "billingAddress.address.postalCode", postal_code, 10) \
    TEXT(F, "billingAddress.address.country", country, 256) \
    TEXT(F, "billingAddress.address.county", county, 256) \
    O("referenceTransactionDetails") \
    F("referenceTransactionDetails.referenceTransactionId", reference_id, WIRE_B, 1, 40, NULL, NEVER, REFERENCE, REFERENCE)
/* clang-format on */
#define MONTHS "01|02|03|04|05|06|07|08|09|10|11|12"

struct rule {
    unsigned needed; /* bit of the call; FREE_TEXT */
    enum gateway_fault_id bad;
    enum gateway_fault_id missing;
};

/* How the JSON binder takes them: types and lengths only, so that one pass can then name every wrong value at once. */
#define BIND_OBJECT(path_) {.name = path_, .kind = WIRE_OBJECT, .flags = WIRE_OPTIONAL},
#define BIND_FIELD(path_, member_, kind_, min_, max_, choices_, needed_, bad_, missing_) \
    {.name = path_,                                                                      \
     .kind = BOUND(kind_),                                                               \
     .max = sizeof(((struct commercehub_request *)0)->member_.at),                       \
     .flags = ROW_FLAGS(kind_) | FROM_INTEGER(needed_),                                  \
     WIRE_AT(struct commercehub_request, member_)},
#define BOUND(kind_) ((kind_) == WIRE_BOOL || (kind_) == WIRE_DECIMAL ? (kind_) : WIRE_B)
#define ROW_FLAGS(kind_) (BOUND(kind_) == WIRE_B ? WIRE_OPTIONAL | WIRE_EMPTY_OK : WIRE_OPTIONAL)
#define FROM_INTEGER(needed_) (((needed_)&DIGITS) != 0 ? WIRE_FROM_INTEGER : 0)
#define CHECK_OBJECT(path_) {.name = path_, .kind = WIRE_OBJECT},
#define CHECK_FIELD(path_, member_, kind_, min_, max_, choices_, needed_, bad_, missing_) \
    {.name = path_, .kind = kind_, .min = min_, .max = max_, .choices = choices_, WIRE_AT(struct commercehub_request, member_)},
#define RULE_OBJECT(path_) {NEVER, GATEWAY_FAULT_FIELD_VALUE, GATEWAY_FAULT_FIELD_MISSING},
#define RULE_FIELD(path_, member_, kind_, min_, max_, choices_, needed_, bad_, missing_) \
    {needed_, GATEWAY_FAULT_##bad_, GATEWAY_FAULT_##missing_},

static const struct wire_field payment_fields[] = {PAYMENT_ROWS(BIND_OBJECT, BIND_FIELD)};
static const struct wire_field payment_checks[] = {PAYMENT_ROWS(CHECK_OBJECT, CHECK_FIELD)};
static const struct rule payment_rules[] = {PAYMENT_ROWS(RULE_OBJECT, RULE_FIELD)};
static const struct wire_field merchant_fields[] = {MERCHANT_ROWS(BIND_OBJECT, BIND_FIELD)};
static const struct wire_field merchant_checks[] = {MERCHANT_ROWS(CHECK_OBJECT, CHECK_FIELD)};
static const struct rule merchant_rules[] = {MERCHANT_ROWS(RULE_OBJECT, RULE_FIELD)};

struct table {
    struct wire_record record;
    const struct wire_field *check;
    const struct rule *rule;
};
static const struct table payment_table = {WIRE_RECORD("Commerce Hub payment", struct commercehub_request, payment_fields),
                                           payment_checks, payment_rules};
static const struct table merchant_table = {WIRE_RECORD("Commerce Hub merchant", struct commercehub_request, merchant_fields),
                                            merchant_checks, merchant_rules};

static const struct table *table_of(enum commercehub_call call)
{
    return (1 << call) & PAY ? &payment_table : &merchant_table;
}

static const struct wire_text *member_of(const struct commercehub_request *request, const struct wire_field *field)
{
    return field->cap == 0 ? NULL : (const struct wire_text *)(const void *)((const uint8_t *)request + field->member);
}

static bool has_control(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] < 0x20 || text.at[i] == 0x7F)
            return true;
    return false;
}

/* A value that is there, by its row. */
static void check_value(const struct table *table, size_t row, struct span value, struct gateway_faults *faults)
{
    const struct wire_field *check = &table->check[row];
    if (has_control(value))
        gateway_fault_add(faults, GATEWAY_FAULT_CHARACTERS, check->name);
    else if (wire_value_check(check, value, NULL) != ERR_OK)
        gateway_fault_add(faults, table->rule[row].bad, check->name);
    else if (table->rule[row].needed & FREE_TEXT && card_text_has_number(value))
        gateway_fault_add(faults, GATEWAY_FAULT_CARD_IN_TEXT, check->name);
}

static void check_row(const struct table *table, size_t row, enum commercehub_call call, const struct commercehub_request *request,
                      struct gateway_faults *faults)
{
    const struct wire_field *check = &table->check[row];
    const struct wire_text *member = member_of(request, check);
    if (!member || gateway_fault_of(faults, check->name))
        return; /* what has the wrong type is not missing as well, nor is what it should hold */
    if (!member->present) {
        if (table->rule[row].needed & 1u << call)
            gateway_fault_add(faults, table->rule[row].missing, check->name);
    } else {
        check_value(table, row, span_of(member->at, member->len), faults);
    }
}

static void take_bind_faults(const struct table *table, const struct http_json_faults *from, struct gateway_faults *faults)
{
    for (size_t i = 0; i < from->count; i++) {
        const struct http_json_fault *fault = &from->at[i];
        if (!fault->field)
            gateway_fault_add(faults, GATEWAY_FAULT_MALFORMED, NULL);
        else if (fault->err == ERR_PARSE_TYPE)
            gateway_fault_add(faults, GATEWAY_FAULT_FIELD_VALUE, fault->field->name);
        else
            gateway_fault_add(faults, table->rule[fault->field - table->record.field].bad, fault->field->name);
    }
    if (faults->count == 0)
        gateway_fault_add(faults, GATEWAY_FAULT_MALFORMED, NULL);
}

void commercehub_parse(enum commercehub_call call, struct span body, struct commercehub_request *out, struct gateway_faults *faults)
{
    const struct table *table = table_of(call);
    struct http_json_faults from = {0};
    if (body.len == 0) {
        gateway_fault_add(faults, GATEWAY_FAULT_BODY_MISSING, NULL);
        return;
    }
    if (http_json_bind(&table->record, body, HTTP_JSON_NULL_ABSENT | HTTP_JSON_KEEP, out, &from) != ERR_OK)
        take_bind_faults(table, &from, faults);
    if (gateway_fault_has(faults, GATEWAY_FAULT_MALFORMED))
        return;
    for (size_t row = 0; row < table->record.count; row++)
        check_row(table, row, call, out, faults);
    out->encrypted = out->encryption_type.present || out->encryption_block.present || out->encryption_block_fields.present ||
                     out->key_id.present || out->encryption_target.present || out->device_type.present;
}

static size_t position(const struct table *table, const char *field)
{
    for (size_t row = 0; field && row < table->record.count; row++)
        if (strcmp(table->record.field[row].name, field) == 0)
            return row;
    return SIZE_MAX;
}

void commercehub_order(enum commercehub_call call, struct gateway_faults *faults)
{
    const struct table *table = table_of(call);
    for (size_t i = 1; i < faults->count; i++)
        for (size_t j = i; j > 0; j--) {
            struct gateway_fault *pair = &faults->at[j - 1];
            if (position(table, pair[0].field) <= position(table, pair[1].field))
                break;
            struct gateway_fault first = pair[0];
            pair[0] = pair[1];
            pair[1] = first;
        }
}

void commercehub_check_value(const char *path, struct span value, struct gateway_faults *faults)
{
    size_t row = position(&payment_table, path);
    ASSERT(row < payment_table.record.count);
    check_value(&payment_table, row, value, faults);
}

enum { DIGEST_NAMES = 4096 };
static const char encryption[] = "source.encryptionData.";

enum err commercehub_digest(enum commercehub_call call, const struct commercehub_request *request, const uint8_t *fingerprint,
                            uint8_t out[static 32])
{
    const struct table *table = table_of(call);
    uint8_t room[sizeof *request + DIGEST_NAMES];
    struct buf text = buf_over(room, sizeof room);
    buf_put_byte(&text, (uint8_t)call);
    buf_put(&text, fingerprint, fingerprint ? 32 : 0);
    for (size_t row = 0; row < table->record.count; row++) {
        const struct wire_field *field = &table->record.field[row];
        const struct wire_text *member = member_of(request, field);
        if (!member || !member->present || member == (const void *)&request->security_code ||
            member == (const void *)&request->card_data || strncmp(field->name, encryption, sizeof encryption - 1) == 0)
            continue;
        buf_put_text(&text, field->name);
        buf_put_byte(&text, 0);
        buf_put_u16(&text, member->len);
        buf_put(&text, member->at, member->len);
    }
    TRY(buf_done(&text));
    return crypto_digest_sha256(buf_span(&text), out);
}
