/* SPDX-License-Identifier: Apache-2.0 */
/* What a merchant sends: bodies of charges and verifications, and the field list of an encryption block with its plaintext. The
 * first byte chooses. Either there are faults, or every value keeps to its row. */
#include "gateway/faces/commercehub/commercehub.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_digits(struct span text, size_t min, size_t max)
{
    if (text.len < min || text.len > max)
        abort();
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] < '0' || text.at[i] > '9')
            abort();
}

static void body(enum commercehub_call call, struct span text)
{
    static struct commercehub_request request;
    struct gateway_faults faults = {0};
    memset(&request, 0, sizeof request);
    commercehub_parse(call, text, &request, &faults);
    if (faults.count == 0 && !request.encrypted && request.card_data.present)
        check_digits(WIRE_SPAN(request.card_data), 12, 19);
    if (request.amount_total.len > sizeof request.amount_total.at ||
        request.encryption_block.len > sizeof request.encryption_block.at)
        abort();
}

/* `text` up to a zero is the field list, the rest the plaintext. */
static void block(struct span text)
{
    static struct commercehub_request request;
    struct gateway_faults faults = {0};
    struct commercehub_slices slices;
    const uint8_t *zero = text.len ? memchr(text.at, 0, text.len) : NULL;
    size_t list = zero ? (size_t)(zero - text.at) : text.len;
    if (commercehub_slices_parse(span_slice(text, 0, list), &slices) != ERR_OK)
        return;
    size_t total = 0;
    for (size_t i = 0; i < slices.count; i++)
        total += slices.at[i].len;
    if (total != slices.total || slices.count == 0 || slices.count > COMMERCEHUB_SLICES)
        abort();
    memset(&request, 0, sizeof request);
    request.encrypted = true;
    struct span plain = span_slice(text, list + 1, text.len);
    commercehub_merge(&slices, plain, &request, &faults);
    if (faults.count == 0 && plain.len != slices.total)
        abort();
    if (faults.count == 0 && request.card_data.present)
        check_digits(WIRE_SPAN(request.card_data), 12, 19);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct span text = span_of(data + 1, size - 1);
    if (data[0] % 3 == 2)
        block(text);
    else
        body(data[0] % 3 ? COMMERCEHUB_CHARGES : COMMERCEHUB_VERIFICATION, text);
    return 0;
}
