/* SPDX-License-Identifier: Apache-2.0 */
#include "issuer/body.h"

/* clang-format off */
#define MEMBER(struct_, member_) WIRE_AT(struct struct_, member_)

static const struct wire_field registration_fields[] = {
    {.name = "cardId", .doc = "reference without a link to the PAN; made if absent", .kind = WIRE_A, .min = 1, .max = 48,
     .flags = WIRE_OPTIONAL, MEMBER(issuer_registration_body, card_id)},
    {.name = "productId", .kind = WIRE_A, .min = 1, .max = 48, MEMBER(issuer_registration_body, product_id)},
    {.name = "pan", .doc = "card number", .kind = WIRE_N, .min = 13, .max = 19, .flags = WIRE_PAN,
     MEMBER(issuer_registration_body, pan)},
    {.name = "exp", .doc = "MMYY", .kind = WIRE_N, .min = 4, .max = 4, MEMBER(issuer_registration_body, exp)},
    {.name = "psn", .doc = "PAN sequence number", .kind = WIRE_N, .min = 2, .max = 2, .flags = WIRE_OPTIONAL,
     MEMBER(issuer_registration_body, psn)},
    {.name = "name", .doc = "returned on display only", .kind = WIRE_B, .min = 1, .max = 128, .flags = WIRE_OPTIONAL | WIRE_SECRET,
     MEMBER(issuer_registration_body, name)},
};
const struct wire_record issuer_registration_record =
    WIRE_RECORD("card registration", struct issuer_registration_body, registration_fields);

static const struct wire_field patch_fields[] = {
    {.name = "status", .kind = WIRE_ENUM, .choices = "active|suspended|closed", .max = 9, .flags = WIRE_OPTIONAL,
     MEMBER(issuer_card_patch_body, status)},
    {.name = "productId", .kind = WIRE_A, .min = 1, .max = 48, .flags = WIRE_OPTIONAL, MEMBER(issuer_card_patch_body, product_id)},
    {.name = "exp", .doc = "MMYY", .kind = WIRE_N, .min = 4, .max = 4, .flags = WIRE_OPTIONAL, MEMBER(issuer_card_patch_body, exp)},
    {.name = "name", .kind = WIRE_B, .min = 1, .max = 128, .flags = WIRE_OPTIONAL | WIRE_SECRET,
     MEMBER(issuer_card_patch_body, name)},
};
const struct wire_record issuer_patch_record = WIRE_RECORD("card change", struct issuer_card_patch_body, patch_fields);

static const struct wire_field batch_fields[] = {
    {.name = "count", .doc = "windows from the current one on", .kind = WIRE_DECIMAL, .min = 1, .max = 12,
     MEMBER(issuer_batch_body, count)},
};
const struct wire_record issuer_batch_record = WIRE_RECORD("batch of codes", struct issuer_batch_body, batch_fields);

static const struct wire_field unlock_fields[] = {
    {.name = "reason", .kind = WIRE_A, .min = 1, .max = 64, MEMBER(issuer_unlock_body, reason)},
};
const struct wire_record issuer_unlock_record = WIRE_RECORD("unlock", struct issuer_unlock_body, unlock_fields);

static const struct wire_field key_fields[] = {
    {.name = "kty", .kind = WIRE_ENUM, .choices = "EC", .max = 8, MEMBER(issuer_client_key_body, kty)},
    {.name = "crv", .kind = WIRE_ENUM, .choices = "P-256", .max = 8, MEMBER(issuer_client_key_body, crv)},
    {.name = "x", .doc = "base64url", .kind = WIRE_A, .min = 43, .max = 43, MEMBER(issuer_client_key_body, x)},
    {.name = "y", .doc = "base64url", .kind = WIRE_A, .min = 43, .max = 43, MEMBER(issuer_client_key_body, y)},
    {.name = "use", .kind = WIRE_ENUM, .choices = "sig|enc", .max = 3, MEMBER(issuer_client_key_body, use)},
    {.name = "kid", .doc = "as in the path, if given", .kind = WIRE_A, .min = 1, .max = 64, .flags = WIRE_OPTIONAL,
     MEMBER(issuer_client_key_body, kid)},
    {.name = "lifetimeS", .doc = "seconds until it ends; one year if absent", .kind = WIRE_DECIMAL, .min = 1, .max = 12,
     .flags = WIRE_OPTIONAL, MEMBER(issuer_client_key_body, lifetime)},
};
const struct wire_record issuer_key_record = WIRE_RECORD("client key", struct issuer_client_key_body, key_fields);

#define KIND_CHOICE WIRE_ENUM
#define KIND_NETWORK WIRE_ENUM
#define KIND_INTEGER WIRE_DECIMAL
#define KIND_BOOL WIRE_BOOL
#define KIND_TEXT WIRE_A
#define KIND_LETTER WIRE_ENUM
#define KIND_DIGITS WIRE_N
#define LENGTH_CHOICE(min_, max_) .max = (max_)
#define LENGTH_NETWORK(min_, max_) .max = (max_)
#define LENGTH_INTEGER(min_, max_) .min = 1, .max = 12
#define LENGTH_BOOL(min_, max_) .max = 5
#define LENGTH_TEXT(min_, max_) .min = (min_), .max = (max_)
#define LENGTH_LETTER(min_, max_) .max = (max_)
#define LENGTH_DIGITS(min_, max_) .min = (max_), .max = (max_)
static const struct wire_field product_fields[] = {
    {.name = "productId", .kind = WIRE_A, .min = 1, .max = 48, MEMBER(issuer_product_body, product_id)},
#define PRODUCT_ROW(member_, json, kind_, min_, max_, choices_, initial, doc_) \
    {.name = json, .doc = doc_, .kind = KIND_##kind_, LENGTH_##kind_(min_, max_), .choices = choices_, .flags = WIRE_OPTIONAL, \
     .member = offsetof(struct issuer_product_body, value) + ISSUER_PRODUCT_##member_ * sizeof(issuer_product_value), .cap = 48},
    ISSUER_PRODUCT_FIELDS(PRODUCT_ROW)
#undef PRODUCT_ROW
};
const struct wire_record issuer_product_record = WIRE_RECORD("card product", struct issuer_product_body, product_fields);
/* clang-format on */
