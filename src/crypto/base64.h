/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Base64 (RFC 4648): standard with padding, and URL-safe without.
 *
 * Failure    Strict: characters outside the alphabet, missing or surplus padding, line breaks and non-zero trailing bits are
 *            refused with a parse error; nothing has then been added to `out`.
 * Threading  Free of state.
 */
#ifndef CRYPTO_BASE64_H
#define CRYPTO_BASE64_H

#include "base/buf.h"

void crypto_base64_encode(struct span in, struct buf *out);
MUST_USE enum err crypto_base64_decode(struct span in, struct buf *out);
void crypto_base64url_encode(struct span in, struct buf *out);
MUST_USE enum err crypto_base64url_decode(struct span in, struct buf *out);

#endif
