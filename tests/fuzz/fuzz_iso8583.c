/* SPDX-License-Identifier: Apache-2.0 */
/* Frames of any bytes, in both profiles: a fault that says where, or a message that builds and parses to the same again. The first
 * byte chooses the profile. */
#include "iso8583/layout.h"
#include "iso8583/profile.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool same(const struct iso_message *a, const struct iso_message *b)
{
    for (unsigned f = 1; f < ISO_FIELDS; f++)
        if (iso_has(a, f) != iso_has(b, f) || !span_equal(iso_get(a, f), iso_get(b, f)))
            return false;
    return a->mti == b->mti;
}

static void round_trip(const struct iso_profile *profile, const struct iso_message *first)
{
    static struct iso_message second;
    uint8_t room[ISO_FRAME_MAX];
    struct buf out = buf_over(room, sizeof room);
    if (iso_build(profile, first, &out) != ERR_OK || iso_parse(profile, buf_span(&out), &second, NULL) != ERR_OK ||
        !same(first, &second))
        abort();
}

static void read_layouts(const struct iso_message *message)
{
    struct iso_code code;
    for (enum iso_extract rule = ISO_EXTRACT_NONE; rule < ISO_EXTRACT_COUNT; rule++) {
        iso_code_read(rule, message, &code);
        if (code.presence == ISO_CODE_PRESENT && code.digits.len != 3)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct iso_message message;
    struct iso_fault fault = {0};
    if (size == 0)
        return 0;
    const struct iso_profile *profile = data[0] & 1 ? &iso_profile_iso87_ascii : &iso_profile_visa_base1;
    struct span frame = span_of(data + 1, size - 1);
    enum err err = iso_parse(profile, frame, &message, &fault);
    if (err != ERR_OK && (fault.err != err || fault.outcome == ISO_OUTCOME_OK || fault.offset > frame.len))
        abort();
    if (err == ERR_OK) {
        read_layouts(&message);
        round_trip(profile, &message);
    }
    return 0;
}
