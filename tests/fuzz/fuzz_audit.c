/* SPDX-License-Identifier: Apache-2.0 */
/* An audit trail and a head of any bytes: judged without a crash; a number moves on only with a line that is sealed. */
#include "hsm/trail/chain.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What a good line must look like, said a second time. */
static void check_line(struct hsm_chain *chain, struct span line, uint64_t before)
{
    bool number_moved = chain->number != before;
    bool shaped = line.len > 80 && memcmp(line.at, "{\"n\":", 5) == 0 && memcmp(line.at + line.len - 2, "\"}", 2) == 0;
    if (number_moved && !shaped)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t key[HSM_AUDIT_KEY];
    struct hsm_chain chain;
    struct hsm_head head;
    if (hsm_chain_begin(key, &chain) != ERR_OK)
        abort();
    struct span left = span_of(data, size);
    for (bool first = true; left.len > 0; first = false) {
        const uint8_t *end = memchr(left.at, '\n', left.len);
        struct span line = span_slice(left, 0, end ? (size_t)(end - left.at) : left.len);
        uint64_t before = chain.number;
        if (hsm_chain_line(&chain, line, first))
            break;
        check_line(&chain, line, before);
        left = span_slice(left, line.len + 1, SIZE_MAX);
    }
    if (hsm_chain_head_read(&chain, span_of(data, size), &head) && size != HSM_CHAIN_HEAD)
        abort();
    hsm_chain_end(&chain);
    return 0;
}
