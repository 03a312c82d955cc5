/* SPDX-License-Identifier: Apache-2.0 */
/* Shared inside the room. */
#ifndef CRYPTO_INTERNAL_H
#define CRYPTO_INTERNAL_H

#include "base/err.h"
#include "crypto/des_batch.h"

/* CRYPTO_ERR_FAILED, with the library's own error queue emptied: what is left in it would be taken for an error of the next TLS
 * call. */
enum err crypto_failed(void);

/* des_batch_*.c */
extern const struct crypto_des_kernel crypto_des_kernel_portable;
#if defined(__x86_64__)
extern const struct crypto_des_kernel crypto_des_kernel_avx2, crypto_des_kernel_avx512;
#endif

#endif
