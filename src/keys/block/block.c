/* SPDX-License-Identifier: Apache-2.0 */
#include "keys/block/block.h"

#include "keys/block/internal.h"
#include "keys/error.h"
#include "keys/internal.h"

#include <string.h>

enum err keys_block_unwrap_under(const struct secret_key *kbpk, struct span text, struct keys_header *header,
                                 struct secret_key *out)
{
    return keys_frame_unwrap(kbpk, text, 'S', header, out);
}

enum err keys_block_wrap_under(const struct secret_key *kbpk, const struct keys_header *header, const struct secret_key *key,
                               const struct env *env, struct buf *out)
{
    return keys_frame_wrap(keys_binding_of('S', '0'), kbpk, header, key, env, out);
}

static enum err lmk_of(const struct keys_lmk_set *set, unsigned id, const struct keys_lmk **out)
{
    *out = keys_lmk_find(set, id);
    if (!*out)
        return KEYS_ERR_LMK_IDENTIFIER;
    return (*out)->kind == KEYS_LMK_BLOCK ? ERR_OK : KEYS_ERR_SCHEME;
}

/* Blocks of an old LMK carry the identifier it had as the current one. */
static void lmk_digits(unsigned id, char out[static 2])
{
    id &= ~(unsigned)KEYS_LMK_OLD;
    out[0] = (char)('0' + id / 10 % 10);
    out[1] = (char)('0' + id % 10);
}

enum err keys_block_unwrap(struct keys_lmk_set *set, unsigned lmk, struct span text, struct keys_header *header,
                           struct secret_key *out)
{
    const struct keys_lmk *wrapping = NULL;
    struct keys_header h = {0};
    SECRET_KEY key = {0};
    char digits[2];
    TRY(lmk_of(set, lmk, &wrapping));
    TRY(keys_block_unwrap_under(&wrapping->block, text, &h, &key));
    lmk_digits(lmk, digits);
    if (h.lmk[0] != digits[0] || h.lmk[1] != digits[1])
        return KEYS_ERR_BLOCK_LMK;
    *header = h;
    *out = key;
    return ERR_OK;
}

enum err keys_block_wrap(struct keys_lmk_set *set, unsigned lmk, const struct keys_header *header, const struct secret_key *key,
                         const struct env *env, struct buf *out)
{
    const struct keys_lmk *wrapping = NULL;
    struct keys_header h = *header;
    TRY(lmk_of(set, lmk, &wrapping));
    lmk_digits(lmk, h.lmk);
    return keys_block_wrap_under(&wrapping->block, &h, key, env, out);
}

/* Usage, then mode, then algorithm: A6, A8, A7. */
enum err keys_block_allows(const struct keys_header *header, const struct keys_rule *rule)
{
    bool usage = false;
    for (const char *u = rule->usages; u[0] && u[1]; u += u[2] == '|' ? 3 : 2)
        usage |= u[0] == header->usage[0] && u[1] == header->usage[1];
    if (!usage)
        return KEYS_ERR_USAGE;
    if (header->mode == 0 || !strchr(rule->modes, header->mode))
        return KEYS_ERR_MODE;
    return rule->algorithm == 0 || header->algorithm == rule->algorithm ? ERR_OK : KEYS_ERR_ALGORITHM;
}

enum err keys_block_kcv(char algorithm, const struct secret_key *key, uint8_t out[static 8])
{
    if (algorithm == 'A')
        return keys_kcv_aes(key, out);
    if (algorithm != 'H')
        return keys_kcv(key, out);
    uint8_t mac[CRYPTO_DIGEST_SHA256];
    TRY(crypto_hmac_sha256(span_of(key->at, key->len), NULL, 0, mac));
    memcpy(out, mac, 8);
    return ERR_OK;
}
