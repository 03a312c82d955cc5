/* SPDX-License-Identifier: Apache-2.0 */
/* Records of CSV files: with all of the input in sight or a part of it the same records come out, and it is walked to its end. */
#include "card/order.h"

#include <string.h>

static struct card_record whole, cut;

static void order(const struct card_record *record)
{
    static const struct card_order_rule rule = {CARD_YYMM, CARD_ANY, false};
    struct card_columns columns = {0};
    struct card_order out = {0};
    const char *why = NULL;
    if (card_columns_find(record, &columns, &why) != ERR_OK)
        columns = (struct card_columns){.at = {0, 1, 2, 3, 4, 5}, .count = record->count};
    if (card_order_read(record, &columns, &rule, &out, &why) != ERR_OK)
        ASSERT(why);
    else
        ASSERT(out.pan.len >= CARD_PAN_MIN && out.id_len > 0);
}

static void same(const struct card_record *a, const struct card_record *b)
{
    ASSERT(a->used == b->used && a->lines == b->lines && a->count == b->count);
    for (size_t i = 0; i < a->count; i++)
        ASSERT(span_equal(a->value[i], b->value[i]));
}

/* With less of the input in sight a record is the same, or more is asked for. */
static void shorter(struct span in, enum card_line expected)
{
    struct span sight = span_slice(in, 0, whole.used + (in.len - whole.used) / 2);
    enum card_line line = card_csv_next(sight, sight.len == in.len, &cut);
    if (line == CARD_LINE_MORE || (line == CARD_LINE_BAD && expected == CARD_LINE_BAD))
        return;
    ASSERT(line == expected);
    same(&whole, &cut);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = span_of(data, size);
    size_t lines = 0;
    while (in.len > 0) {
        enum card_line line = card_csv_next(in, true, &whole);
        ASSERT(line != CARD_LINE_MORE && whole.used > 0 && whole.used <= in.len);
        if (line == CARD_LINE_RECORD)
            order(&whole);
        if (line != CARD_LINE_BAD || whole.used < CARD_LINE_MAX)
            shorter(in, line);
        in = span_slice(in, whole.used, in.len);
        ASSERT(++lines <= size);
    }
    return 0;
}
