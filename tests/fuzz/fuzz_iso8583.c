/* SPDX-License-Identifier: Apache-2.0 */
/* Frames of any bytes, in both profiles: a fault that says where, or a message that builds and parses to the same again. The first
 * byte chooses the profile. */
#include "iso8583/layout.h"
#include "iso8583/profile.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool same(const struct iso8583_message *a, const struct iso8583_message *b)
{
    for (unsigned f = 1; f < ISO8583_FIELDS; f++)
        if (iso8583_has(a, f) != iso8583_has(b, f) || !span_equal(iso8583_get(a, f), iso8583_get(b, f)))
            return false;
    return a->mti == b->mti;
}

static void round_trip(const struct iso8583_profile *profile, const struct iso8583_message *first)
{
    static struct iso8583_message second;
    uint8_t room[ISO8583_FRAME_MAX];
    struct buf out = buf_over(room, sizeof room);
    if (iso8583_build(profile, first, &out) != ERR_OK || iso8583_parse(profile, buf_span(&out), &second, NULL) != ERR_OK ||
        !same(first, &second))
        abort();
}

static void read_layouts(const struct iso8583_message *message)
{
    struct iso8583_code code;
    bool visa = iso8583_unattended(ISO8583_MARKS_VISA, message);
    bool mastercard = iso8583_unattended(ISO8583_MARKS_MASTERCARD, message);
    if ((visa && !iso8583_has(message, ISO8583_CODE)) || (mastercard && message->used == 0))
        abort();
    for (enum iso8583_extract rule = ISO8583_EXTRACT_NONE; rule < ISO8583_EXTRACT_COUNT; rule++) {
        iso8583_code_read(rule, message, &code);
        if (code.presence == ISO8583_CODE_PRESENT && code.digits.len != 3)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct iso8583_message message;
    struct iso8583_fault fault = {0};
    if (size == 0)
        return 0;
    const struct iso8583_profile *profile = data[0] & 1 ? &iso8583_profile_iso87_ascii : &iso8583_profile_visa_base1;
    struct span frame = span_of(data + 1, size - 1);
    enum err err = iso8583_parse(profile, frame, &message, &fault);
    if (err != ERR_OK && (fault.err != err || fault.outcome == ISO8583_OUTCOME_OK || fault.offset > frame.len))
        abort();
    if (err == ERR_OK) {
        read_layouts(&message);
        round_trip(profile, &message);
    }
    return 0;
}
