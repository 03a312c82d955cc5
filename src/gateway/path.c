/* SPDX-License-Identifier: Apache-2.0 */
/* The operations, and the stages each goes through. A stage that is named by none is gone to for a reason of its own. */
#include "gateway/pipeline.h"

enum {
    FRONT = GATEWAY_BIT(AUTHENTICATE) | GATEWAY_BIT(PARSE),
    CLAIMS = GATEWAY_BIT(CLAIM) | GATEWAY_BIT(CLAIMED),
    BACK = GATEWAY_BIT(WRITE) | GATEWAY_BIT(ANSWER),
    STORES = GATEWAY_BIT(RECORD) | GATEWAY_BIT(RECORDED),
    CARD = GATEWAY_BIT(VALIDATE) | GATEWAY_BIT(ROUTE),
    ISSUER = GATEWAY_BIT(AUTHORISE) | GATEWAY_BIT(NORMALISE) | GATEWAY_BIT(EVALUATE),
    GENERATES = GATEWAY_BIT(GENERATE) | GATEWAY_BIT(GENERATED),
    REVOKES = GATEWAY_BIT(REVOKE) | GATEWAY_BIT(REVOKED),
    PAYMENT = FRONT | CARD | CLAIMS | ISSUER | STORES | BACK,
};

static const struct gateway_operation_row rows[GATEWAY_OPERATION_COUNT] = {
    [GATEWAY_CHARGE] = {"charge", PAYMENT, true},
    [GATEWAY_VERIFY] = {"verify", PAYMENT, true},
    [GATEWAY_KEY_GENERATE] = {"key_generate", FRONT | CLAIMS | GENERATES | STORES | BACK, false},
    [GATEWAY_KEY_REVOKE] = {"key_revoke", FRONT | CLAIMS | REVOKES | STORES | BACK, false},
};

const struct gateway_operation_row *gateway_operation_row(enum gateway_operation operation)
{
    ASSERT((unsigned)operation < GATEWAY_OPERATION_COUNT);
    return &rows[operation];
}
