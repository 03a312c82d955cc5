/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/claims.h"

#include "base/arena.h"
#include "base/secret.h"
#include "crypto/mac.h"

#include <string.h>

struct entry {
    uint8_t tag[16]; /* of face, merchant and request id; all zeros: free */
    uint8_t mac[32];
};

struct signature {
    uint8_t mac[16];
    uint8_t body[16];
    int64_t target;
    int64_t until_ms;
    size_t id_len;
};

struct gateway_claims {
    struct crypto_hmac key;
    struct entry entry[GATEWAY_CLAIMS_MAX];
    struct signature signature[GATEWAY_SIGNATURES_MAX];
};

enum err gateway_claims_create(const struct env *env, struct gateway_claims **out)
{
    uint8_t key[32];
    void *at = NULL;
    TRY(memory_reserve(1, sizeof(struct gateway_claims), &at));
    struct gateway_claims *claims = at;
    env_random(env, key, sizeof key);
    enum err err = crypto_hmac_load(span_of(key, sizeof key), &claims->key);
    secret_wipe(key, sizeof key);
    if (err != ERR_OK)
        memory_release(claims, 1, sizeof *claims);
    else
        *out = claims;
    return err;
}

void gateway_claims_destroy(struct gateway_claims *claims)
{
    if (!claims)
        return;
    crypto_hmac_unload(&claims->key);
    memory_release(claims, 1, sizeof *claims);
}

enum err gateway_claims_mac(struct gateway_claims *claims, struct span body, uint8_t out[static 32])
{
    return crypto_hmac_run(&claims->key, &body, 1, out);
}

static enum err locate(struct gateway_claims *claims, const struct gateway_claims_key *key, uint8_t tag[static 32],
                       struct entry **out)
{
    const struct span part[] = {key->face, span_of("", 1), key->merchant, span_of("", 1), key->request_id};
    TRY(crypto_hmac_run(&claims->key, part, 5, tag));
    *out = &claims->entry[(((size_t)tag[16] << 8) | tag[17]) % GATEWAY_CLAIMS_MAX];
    return ERR_OK;
}

enum err gateway_claims_compare(struct gateway_claims *claims, const struct gateway_claims_key *key, const uint8_t mac[static 32],
                                enum gateway_claim *out)
{
    uint8_t tag[32];
    struct entry *entry = NULL;
    TRY(locate(claims, key, tag, &entry));
    if (secret_equal(entry->tag, tag, sizeof entry->tag)) {
        *out = secret_equal(entry->mac, mac, sizeof entry->mac) ? GATEWAY_CLAIM_SAME : GATEWAY_CLAIM_OTHER;
        return ERR_OK;
    }
    memcpy(entry->tag, tag, sizeof entry->tag);
    memcpy(entry->mac, mac, sizeof entry->mac);
    *out = GATEWAY_CLAIM_UNKNOWN;
    return ERR_OK;
}

void gateway_claims_forget(struct gateway_claims *claims, const struct gateway_claims_key *key)
{
    uint8_t tag[32];
    struct entry *entry = NULL;
    if (locate(claims, key, tag, &entry) == ERR_OK && secret_equal(entry->tag, tag, sizeof entry->tag))
        *entry = (struct entry){0};
}

/* One MAC over one body has one id and one time behind each other; the length says where they part. */
static bool same_request(const struct signature *at, const struct gateway_claims_signed *request)
{
    return secret_equal(at->body, request->body, sizeof at->body) & (at->target == request->target) &
           (at->id_len == request->request_id.len);
}

bool gateway_claims_replayed(struct gateway_claims *claims, const struct gateway_claims_signed *request, int64_t now_ms,
                             int64_t until_ms)
{
    const uint8_t *mac = request->mac; /* as good as random: only who has the secret makes one */
    struct signature *at = &claims->signature[(((size_t)mac[16] << 8) | mac[17]) % GATEWAY_SIGNATURES_MAX];
    if (at->until_ms > now_ms && secret_equal(at->mac, mac, sizeof at->mac))
        return !same_request(at, request);
    memcpy(at->mac, mac, sizeof at->mac);
    memcpy(at->body, request->body, sizeof at->body);
    at->target = request->target;
    at->until_ms = until_ms;
    at->id_len = request->request_id.len;
    return false;
}
