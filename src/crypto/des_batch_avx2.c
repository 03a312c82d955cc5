/* SPDX-License-Identifier: Apache-2.0 */
/* The bit-sliced DES kernel for AVX2 (compiled with -mavx2). */
#include "crypto/internal.h"
#if defined(__AVX2__)

typedef uint64_t lane __attribute__((vector_size(32)));
#define LANE lane
#define KERNEL crypto_des_kernel_avx2
#define KERNEL_NAME "avx2"

#include "crypto/des_sbox_binary.h"
#define SBOX(n) sbox_binary_##n

#include "crypto/des_batch_body.h"

static bool runs_here(void)
{
    return __builtin_cpu_supports("avx2");
}
#endif
