/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/internal.h"

#include <openssl/err.h>

enum err crypto_failed(void)
{
    ERR_clear_error();
    return ERR_CRYPTO;
}
