/* SPDX-License-Identifier: Apache-2.0 */
/* The bit-sliced DES kernel for any machine: vectors of 128 bits, which the compiler splits where they are not to be had. */
#include "crypto/internal.h"

typedef uint64_t lane __attribute__((vector_size(16)));
#define LANE lane
#define KERNEL crypto_des_kernel_portable
#define KERNEL_NAME "portable"

#include "crypto/des_sbox_binary.h"
#define SBOX(n) sbox_binary_##n

#include "crypto/des_batch_body.h"

static bool runs_here(void)
{
    return true;
}
