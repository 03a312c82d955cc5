/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/seed.h"

#include "crypto/vault.h"
#include "gateway/merchants.h"

static struct store_value text_or(const char *text, const char *otherwise)
{
    return store_text(text ? text : otherwise);
}

enum err gateway_seed(struct store *store, struct crypto_vault *vault, const struct env *env, const struct gateway_seed *seed)
{
    uint8_t room[GATEWAY_SECRET_MAX + CRYPTO_VAULT_OVERHEAD];
    struct buf sealed = buf_over(room, sizeof room);
    int64_t now_ms = env_wall_ms(env);
    TRY(crypto_vault_seal(vault, env, span_text(seed->api_key), span_text(seed->secret), &sealed));
    const struct store_value merchant[] = {store_text(seed->merchant_id),
                                           store_text(seed->merchant_id),
                                           text_or(seed->name, seed->merchant_id),
                                           text_or(seed->mcc, "5999"),
                                           text_or(seed->currency, "AUD"),
                                           store_int(seed->sandbox),
                                           text_or(seed->prefer, ""),
                                           store_text("1 Sandbox Street"),
                                           store_text("Sydney"),
                                           store_text("NSW"),
                                           store_text("2000"),
                                           store_text("AU"),
                                           store_text("active"),
                                           store_int(now_ms)};
    const struct store_value terminal[] = {store_text(seed->merchant_id), store_text(seed->terminal_id)};
    const struct store_value key[] = {
        store_text(seed->api_key),   store_text(seed->merchant_id), store_bytes(sealed.at, sealed.len),
        store_int(seed->legacy_mac), store_text("active"),          store_int(now_ms)};
#define OP(statement_, values_)                                                                                    \
    {                                                                                                              \
        .statement = (statement_), .argument = (values_), .argument_count = sizeof(values_) / sizeof((values_)[0]) \
    }
    struct store_op op[] = {OP(STORE_MERCHANT_INSERT, merchant), OP(STORE_TERMINAL_INSERT, terminal),
                            OP(STORE_MERCHANT_KEY_INSERT, key)};
#undef OP
    struct store_batch batch = {.op = op, .count = sizeof op / sizeof op[0]};
    return store_run(store, &batch);
}
