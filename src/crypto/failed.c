/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/error.h"
#include "crypto/internal.h"

#include <openssl/err.h>

enum err crypto_failed(void)
{
    ERR_clear_error();
    return CRYPTO_ERR_FAILED;
}
