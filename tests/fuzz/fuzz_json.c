/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies of any bytes: bound within the limits of their rows, or refused with a fault. */
#include "http/json.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct body {
    WIRE_TEXT(19) pan;
    WIRE_TEXT(12) amount;
    WIRE_TEXT(5) flag;
    WIRE_TEXT(16) text;
    WIRE_TEXT(3) code;
};
static const struct wire_field fields[] = {
    {.name = "card", .kind = WIRE_OBJECT, .flags = WIRE_OPTIONAL},
    {.name = "card.pan", .kind = WIRE_N, .min = 12, .max = 19, WIRE_AT(struct body, pan)},
    {.name = "amount", .kind = WIRE_DECIMAL, .min = 1, .max = 12, .flags = WIRE_OPTIONAL, WIRE_AT(struct body, amount)},
    {.name = "flag", .kind = WIRE_BOOL, .min = 4, .max = 5, .flags = WIRE_OPTIONAL, WIRE_AT(struct body, flag)},
    {.name = "text", .kind = WIRE_B, .max = 16, .flags = WIRE_OPTIONAL, WIRE_AT(struct body, text)},
    {.name = "codes[0].cvv", .kind = WIRE_N, .min = 3, .max = 3, .flags = WIRE_OPTIONAL, WIRE_AT(struct body, code)},
};
static const struct wire_record record = WIRE_RECORD("body", struct body, fields);

static void check_bound(const struct body *b)
{
    if (b->pan.len > 19 || b->amount.len > 12 || b->text.len > 16 || (b->code.present && b->code.len != 3))
        abort();
    for (size_t i = 0; i < b->pan.len; i++)
        if (b->pan.at[i] < '0' || b->pan.at[i] > '9')
            abort();
    if (!json_utf8(WIRE_SPAN(b->text)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct body body;
    struct http_json_faults faults;
    unsigned flags = size > 0 && data[0] == '{' ? HTTP_JSON_STRICT : HTTP_JSON_NULL_ABSENT;
    enum err err = http_json_bind(&record, span_of(data, size), flags, &body, &faults);
    if (err == ERR_OK)
        check_bound(&body);
    else if (faults.count == 0 || faults.count > HTTP_JSON_FAULTS_MAX)
        abort();
    return 0;
}
