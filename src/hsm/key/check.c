/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/key/check.h"

#include "crypto/des.h"
#include "crypto/error.h"
#include "crypto/mac.h"
#include "hsm/key/header.h"
#include "keys/error.h"

#include <string.h>

enum { WAYS = 4, SETS = HSM_CHECK_KEYS / WAYS, TAG = 16, USE = 3 };

/* Type code 402 or usage C0 and a zero. */
struct use {
    char at[USE];
};
struct seen {
    uint8_t tag[TAG];
    struct use use;
    uint64_t used; /* 0: free; else the number of the last use */
};

struct hsm_key_check {
    struct secret_pages pages;
    uint8_t key[CRYPTO_DIGEST_SHA256];
    uint64_t now;
    struct seen seen[SETS][WAYS];
};

enum err hsm_key_check_create(const struct env *env, struct hsm_key_check **out)
{
    struct secret_pages pages;
    TRY(secret_pages_create(sizeof(struct hsm_key_check), &pages));
    struct hsm_key_check *check = pages.at;
    check->pages = pages;
    env_random(env, check->key, sizeof check->key);
    *out = check;
    return ERR_OK;
}

void hsm_key_check_destroy(struct hsm_key_check *check)
{
    if (!check)
        return;
    struct secret_pages pages = check->pages;
    secret_pages_destroy(&pages);
}

/* ---- one key, one use ---- */

static bool same_use(const struct use *a, const struct use *b)
{
    return hsm_header_uses_meet(span_of(a->at, strnlen(a->at, USE)), span_of(b->at, strnlen(b->at, USE)));
}

/* The entry of this key, else the place to keep it: free, or the oldest of its set. */
static struct seen *place_of(struct hsm_key_check *check, const uint8_t tag[static TAG], bool *known)
{
    struct seen *set = check->seen[((size_t)tag[0] << 8 | tag[1]) % SETS], *oldest = set;
    *known = false;
    for (int i = 0; i < WAYS; i++) {
        if (set[i].used > 0 && secret_equal(set[i].tag, tag, TAG)) {
            *known = true;
            return &set[i];
        }
        if (set[i].used < oldest->used)
            oldest = &set[i];
    }
    return oldest;
}

static enum err remember(struct hsm_key_check *check, const struct use *use, const struct secret_key *key)
{
    uint8_t tag[CRYPTO_DIGEST_SHA256];
    const struct span part = span_of(key->at, key->len);
    bool known = false;
    TRY(crypto_hmac_sha256(span_of(check->key, sizeof check->key), &part, 1, tag));
    struct seen *seen = place_of(check, tag, &known);
    if (known && !same_use(&seen->use, use))
        return KEYS_ERR_FUNCTION;
    if (!known) {
        memcpy(seen->tag, tag, TAG);
        seen->use = *use;
    }
    seen->used = ++check->now;
    return ERR_OK;
}

/* ---- the key itself ---- */

static struct use use_of(struct span type, const struct keys_header *header)
{
    struct use use = {0};
    if (header)
        memcpy(use.at, header->usage, sizeof header->usage);
    else
        memcpy(use.at, type.at, type.len < USE ? type.len : USE);
    return use;
}

static enum err check_des(const struct use *use, const struct secret_key *key)
{
    static const struct use cvk = {"402"};
    if (key->len == CRYPTO_DES_BLOCK && same_use(use, &cvk))
        return CRYPTO_ERR_KEY_LENGTH;
    if (keys_halves_equal(key))
        return KEYS_ERR_HALVES;
    return keys_weak(key) ? KEYS_ERR_FUNCTION : ERR_OK;
}

enum err hsm_key_check_run(struct hsm_key_check *check, struct span type, const struct keys_header *header,
                           const struct secret_key *key)
{
    const struct use use = use_of(type, header);
    if (header && header->mode == 'N')
        return KEYS_ERR_MODE;
    if (!header || header->algorithm == 'T' || header->algorithm == 'D')
        TRY(check_des(&use, key));
    return remember(check, &use, key);
}
