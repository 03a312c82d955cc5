/* SPDX-License-Identifier: Apache-2.0 */
/* The routes of the issuer and what serves each (issuer.md 8.2). */
#include "issuer/internal.h"

/* clang-format off */
#define I "/v2/issuers/{issuerId}"
#define CARD I "/cards/{cardId}"
#define CVV2 CARD "/dynamic-cvv2"
#define PRODUCT I "/card-products"
#define KEY I "/clients/{clientId}/keys/{kid}"

/* X(name, method, path, flags, roles, body, doc); what serves it is issuer_operation_NAME, in the file of its subject. */
#define OPERATIONS(X) \
    X(CREDENTIALS, GET, CARD "/credentials", HTTP_NO_HEAD, ISSUER_DISPLAY, NULL, \
      "a display: PAN, expiry and a code, encrypted for the client") \
    X(BATCH, POST, CVV2, 0, ISSUER_DISPLAY, &issuer_batch_record, \
      "the codes of 1 to 24 windows") \
    X(REGISTER, POST, I "/cards", 0, ISSUER_CARDS, &issuer_registration_record, \
      "registers a card; the same card with equal data answers 200") \
    X(CARD_GET, GET, CARD, 0, ISSUER_READER, NULL, \
      "a card, its number masked") \
    X(CARD_PATCH, PATCH, CARD, 0, ISSUER_CARDS, &issuer_patch_record, \
      "status, product, expiry, name") \
    X(CARD_CLOSE, DELETE, CARD, 0, ISSUER_CARDS, NULL, \
      "closes a card for good") \
    X(ENROLMENT, GET, CVV2 "/enrolment", 0, ISSUER_READER, NULL, \
      "whether dynamic control is on") \
    X(ENROL, PUT, CVV2 "/enrolment", 0, ISSUER_CARDS, NULL, \
      "dynamic control on") \
    X(UNENROL, DELETE, CVV2 "/enrolment", 0, ISSUER_CARDS, NULL, \
      "dynamic control off; cancels the active code") \
    X(STATUS, GET, CVV2 "/status", 0, ISSUER_READER, NULL, \
      "state, times and tries of the code, never the code") \
    X(CANCEL, POST, CVV2 "/cancel", 0, ISSUER_DISPLAY, NULL, \
      "cancels the active code") \
    X(UNLOCK, POST, CARD "/unlock", 0, ISSUER_OPERATOR, &issuer_unlock_record, \
      "clears guess lock and hard block") \
    X(PRODUCT_NEW, POST, PRODUCT, 0, ISSUER_PRODUCTS, &issuer_product_record, \
      "a new card product") \
    X(PRODUCT_PUT, PUT, PRODUCT "/{productId}", 0, ISSUER_PRODUCTS, &issuer_product_record, \
      "replaces a product's fields; If-Match holds the ETag that was read") \
    X(PRODUCT_LIST, GET, PRODUCT, 0, ISSUER_READER, NULL, \
      "the card products of the issuer: id, mode, network, version") \
    X(PRODUCT_GET, GET, PRODUCT "/{productId}", 0, ISSUER_READER, NULL, \
      "a card product") \
    X(KEY_PUT, PUT, KEY, 0, ISSUER_KEYS, &issuer_key_record, \
      "registers a public P-256 key of the client") \
    X(KEY_GET, GET, KEY, 0, ISSUER_KEYS, NULL, \
      "a live key of the client") \
    X(KEY_DELETE, DELETE, KEY, 0, ISSUER_KEYS, NULL, \
      "revokes a key")
/* clang-format on */

enum {
#define OPERATION_ENUM(name, method, path, flags, roles, body, doc) OPERATION_##name,
    OPERATIONS(OPERATION_ENUM)
#undef OPERATION_ENUM
};

#define OPERATION_EXTERN(name, method, path, flags, roles, body, doc) extern const struct issuer_operation issuer_operation_##name;
OPERATIONS(OPERATION_EXTERN)
#undef OPERATION_EXTERN

const struct issuer_operation *const issuer_operations[] = {
#define OPERATION_ROW(name, method, path, flags, roles, body, doc) &issuer_operation_##name,
    OPERATIONS(OPERATION_ROW)
#undef OPERATION_ROW
};

static const struct http_route route[] = {
#define ROUTE_ROW(name, method, path, flags, roles, body, doc) {HTTP_##method, path, OPERATION_##name, flags, roles, body, doc},
    OPERATIONS(ROUTE_ROW)
#undef ROUTE_ROW
};

static const struct http_mount mount[] = {{.prefix = "", .route = route, .count = sizeof route / sizeof route[0]}};

const struct http_mount *issuer_mounts(size_t *count)
{
    *count = sizeof mount / sizeof mount[0];
    return mount;
}
