/* SPDX-License-Identifier: Apache-2.0 */
/* The bit-sliced DES kernel for AVX-512F (compiled with -mavx512f), whose vpternlog is any function of three operands. */
#include "crypto/internal.h"
#if defined(__AVX512F__)

#include <immintrin.h>

typedef uint64_t lane __attribute__((vector_size(64)));
#define LANE lane
#define KERNEL crypto_des_kernel_avx512
#define KERNEL_NAME "avx512"

#define TERNARY(a, b, c, table) (lane) _mm512_ternarylogic_epi64((__m512i)(a), (__m512i)(b), (__m512i)(c), table)
#include "crypto/des_sbox_ternary.h"
#define SBOX(n) sbox_ternary_##n

#include "crypto/des_batch_body.h"

static bool runs_here(void)
{
    return __builtin_cpu_supports("avx512f");
}
#endif
