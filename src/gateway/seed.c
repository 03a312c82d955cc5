/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/seed.h"

#include "crypto/vault.h"
#include "gateway/merchants.h"
#include "gateway/rows.h"
#include "gateway/statements.h"

static struct span text_or(const char *text, const char *otherwise)
{
    return span_text(text ? text : otherwise);
}

enum err gateway_seed(struct store *store, struct crypto_vault *vault, const struct env *env, const struct gateway_seed *seed)
{
    uint8_t room[GATEWAY_SECRET_MAX + CRYPTO_VAULT_OVERHEAD];
    struct buf sealed = buf_over(room, sizeof room);
    int64_t now_ms = env_wall_ms(env);
    TRY(crypto_vault_seal(vault, env, span_text(seed->api_key), span_text(seed->secret), &sealed));
    const struct gateway_merchant_row merchant = {.merchant_id = span_text(seed->merchant_id),
                                                  .tenant = span_text(seed->merchant_id),
                                                  .name = text_or(seed->name, seed->merchant_id),
                                                  .mcc = text_or(seed->mcc, "5999"),
                                                  .currency = text_or(seed->currency, "AUD"),
                                                  .sandbox = seed->sandbox,
                                                  .prefer = text_or(seed->prefer, ""),
                                                  .address = span_text("1 Sandbox Street"),
                                                  .city = span_text("Sydney"),
                                                  .state = span_text("NSW"),
                                                  .postal_code = span_text("2000"),
                                                  .country = span_text("AU"),
                                                  .status = span_text("active"),
                                                  .created_at = now_ms};
    const struct gateway_terminal_row terminal = {span_text(seed->merchant_id), span_text(seed->terminal_id)};
    const struct gateway_merchant_key_row key = {.api_key = span_text(seed->api_key),
                                                 .merchant_id = span_text(seed->merchant_id),
                                                 .secret_enc = buf_span(&sealed),
                                                 .legacy_mac = seed->legacy_mac,
                                                 .status = span_text("active"),
                                                 .created_at = now_ms};
    struct store_op op[] = {{.row = GATEWAY_ROW(MERCHANT_INSERT), .argument = &merchant},
                            {.row = GATEWAY_ROW(TERMINAL_INSERT), .argument = &terminal},
                            {.row = GATEWAY_ROW(MERCHANT_KEY_INSERT), .argument = &key}};
    struct store_batch batch = {.op = op, .count = sizeof op / sizeof op[0]};
    return store_run(store, &batch);
}
