/* SPDX-License-Identifier: Apache-2.0 */
/* Shared inside the room. */
#ifndef CRYPTO_INTERNAL_H
#define CRYPTO_INTERNAL_H

#include "base/err.h"

/* ERR_CRYPTO, with the library's own error queue emptied: what is left in it would be taken for an error of the next TLS call. */
enum err crypto_failed(void);

#endif
