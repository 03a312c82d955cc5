/* SPDX-License-Identifier: Apache-2.0 */
#include "keys/block/tr31.h"

#include "keys/block/internal.h"
#include "keys/error.h"

enum err keys_tr31_unwrap(const struct secret_key *kbpk, struct span text, struct keys_header *header, struct secret_key *out)
{
    return keys_frame_unwrap(kbpk, text, 'R', header, out);
}

enum err keys_tr31_wrap(const struct secret_key *kbpk, char version, const struct keys_header *header, const struct secret_key *key,
                        const struct env *env, struct buf *out)
{
    const struct keys_binding *binding = keys_binding_of('R', version);
    struct keys_header h = *header;
    if (!binding)
        return KEYS_ERR_BLOCK_FORMAT;
    h.lmk[0] = h.lmk[1] = '0';
    return keys_frame_wrap(binding, kbpk, &h, key, env, out);
}

bool keys_tr31_takes_aes(char version)
{
    const struct keys_binding *binding = keys_binding_of('R', version);
    return binding && binding->cipher == CRYPTO_CMAC_AES;
}
