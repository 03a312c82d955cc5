/* SPDX-License-Identifier: Apache-2.0 */
/* The routes of the issuer and what serves each (issuer.md 8.2). */
#include "issuer/internal.h"

/* clang-format off */
#define I "/v2/issuers/{issuerId}"
#define CARD I "/cards/{cardId}"
#define CVV2 CARD "/dynamic-cvv2"
#define PRODUCT I "/card-products"
#define KEY I "/clients/{clientId}/keys/{kid}"

/* X(name, method, path, flags, roles, body,
 *   needs, start, answered, committed,
 *   doc) */
#define OPERATIONS(X) \
    X(CREDENTIALS, GET, CARD "/credentials", HTTP_NO_HEAD, ROLE_DISPLAY, NULL, \
      NEED_CARD | NEED_PRODUCT | NEED_DISPLAYS | NEED_KEYS, \
      issuer_credentials_start, issuer_credentials_answered, issuer_credentials_committed, \
      "a display: PAN, expiry and a code, encrypted for the client") \
    X(BATCH, POST, CVV2, 0, ROLE_DISPLAY, &issuer_batch_record, \
      NEED_CARD | NEED_PRODUCT | NEED_DISPLAYS | NEED_KEYS, issuer_batch_start, issuer_batch_answered, issuer_batch_committed, \
      "the codes of 1 to 24 windows") \
    X(REGISTER, POST, I "/cards", 0, ROLE_CARDS, &issuer_registration_record, \
      0, issuer_card_register_start, NULL, issuer_card_register_committed, \
      "registers a card; the same card with equal data answers 200") \
    X(CARD_GET, GET, CARD, 0, ROLE_READ, NULL, \
      NEED_CARD, issuer_card_get_start, NULL, NULL, \
      "a card, its number masked") \
    X(CARD_PATCH, PATCH, CARD, 0, ROLE_CARDS, &issuer_patch_record, \
      NEED_CARD, issuer_card_patch_start, NULL, issuer_card_patch_committed, \
      "status, product, expiry, name") \
    X(CARD_CLOSE, DELETE, CARD, 0, ROLE_CARDS, NULL, \
      NEED_CARD, issuer_card_close_start, NULL, issuer_card_close_committed, \
      "closes a card for good") \
    X(ENROLMENT, GET, CVV2 "/enrolment", 0, ROLE_READ, NULL, \
      NEED_CARD, issuer_enrolment_get_start, NULL, NULL, \
      "whether dynamic control is on") \
    X(ENROL, PUT, CVV2 "/enrolment", 0, ROLE_CARDS, NULL, \
      NEED_CARD, issuer_enrolment_put_start, NULL, issuer_enrolment_committed, \
      "dynamic control on") \
    X(UNENROL, DELETE, CVV2 "/enrolment", 0, ROLE_CARDS, NULL, \
      NEED_CARD, issuer_enrolment_delete_start, NULL, issuer_enrolment_committed, \
      "dynamic control off; cancels the active code") \
    X(STATUS, GET, CVV2 "/status", 0, ROLE_READ, NULL, \
      NEED_CARD | NEED_PRODUCT, issuer_status_start, NULL, NULL, \
      "state, times and tries of the code, never the code") \
    X(CANCEL, POST, CVV2 "/cancel", 0, ROLE_DISPLAY, NULL, \
      NEED_CARD, issuer_cancel_start, NULL, issuer_cancel_committed, \
      "cancels the active code") \
    X(UNLOCK, POST, CARD "/unlock", 0, ROLE_OPERATOR, &issuer_unlock_record, \
      NEED_CARD, issuer_unlock_start, NULL, issuer_unlock_committed, \
      "clears guess lock and hard block") \
    X(PRODUCT_NEW, POST, PRODUCT, 0, ROLE_PRODUCTS, &issuer_product_record, \
      0, issuer_product_post_start, NULL, issuer_product_post_committed, \
      "a new card product") \
    X(PRODUCT_PUT, PUT, PRODUCT "/{productId}", 0, ROLE_PRODUCTS, &issuer_product_record, \
      0, issuer_product_put_start, NULL, issuer_product_put_committed, \
      "replaces a product's fields; If-Match holds the ETag that was read") \
    X(PRODUCT_LIST, GET, PRODUCT, 0, ROLE_READ, NULL, \
      0, issuer_product_list_start, NULL, NULL, \
      "the card products of the issuer: id, mode, network, version") \
    X(PRODUCT_GET, GET, PRODUCT "/{productId}", 0, ROLE_READ, NULL, \
      0, issuer_product_get_start, NULL, NULL, \
      "a card product") \
    X(KEY_PUT, PUT, KEY, 0, ROLE_KEYS, &issuer_key_record, \
      NEED_KEYS, issuer_key_put_start, NULL, issuer_key_put_committed, \
      "registers a public P-256 key of the client") \
    X(KEY_GET, GET, KEY, 0, ROLE_KEYS, NULL, \
      NEED_KEYS, issuer_key_get_start, NULL, NULL, \
      "a live key of the client") \
    X(KEY_DELETE, DELETE, KEY, 0, ROLE_KEYS, NULL, \
      NEED_KEYS, issuer_key_delete_start, NULL, issuer_key_delete_committed, \
      "revokes a key")
/* clang-format on */

enum {
#define OPERATION_ENUM(name, method, path, flags, roles, body, needs, start, answered, committed, doc) OPERATION_##name,
    OPERATIONS(OPERATION_ENUM)
#undef OPERATION_ENUM
};

const struct operation issuer_operation[] = {
#define OPERATION_ROW(name, method, path, flags, roles, body, needs, start, answered, committed, doc) \
    {needs, start, answered, committed},
    OPERATIONS(OPERATION_ROW)
#undef OPERATION_ROW
};

static const struct http_route route[] = {
#define ROUTE_ROW(name, method, path, flags, roles, body, needs, start, answered, committed, doc) \
    {HTTP_##method, path, OPERATION_##name, flags, roles, body, doc},
    OPERATIONS(ROUTE_ROW)
#undef ROUTE_ROW
};

static const struct http_mount mount[] = {{.prefix = "", .route = route, .count = sizeof route / sizeof route[0]}};

const struct http_mount *issuer_mounts(size_t *count)
{
    *count = sizeof mount / sizeof mount[0];
    return mount;
}
