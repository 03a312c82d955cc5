/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/issuers.h"

#include <string.h>

#define PREFIX_SPAN INT64_C(1000000000000) /* 10 to the power of LEDGER_PREFIX */

/* ---- texts ---- */

/* The first digits of a number, filled up to LEDGER_PREFIX. */
static int64_t prefix_of(struct span digits, char fill)
{
    int64_t value = 0;
    for (size_t i = 0; i < LEDGER_PREFIX; i++)
        value = value * 10 + ((i < digits.len ? digits.at[i] : fill) - '0');
    return value;
}

static bool all_digits(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
    return text.len > 0;
}

static bool has(struct span text, char mark)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] == (uint8_t)mark)
            return true;
    return false;
}

/* What stands before `mark`; the rest, without it. */
static struct span part_before(struct span text, char mark, struct span *rest)
{
    size_t at = 0;
    while (at < text.len && text.at[at] != (uint8_t)mark)
        at++;
    *rest = at < text.len ? span_slice(text, at + 1, text.len - at - 1) : (struct span){0};
    return span_slice(text, 0, at);
}

static enum err length_parse(struct span text, uint64_t *out)
{
    if (!all_digits(text) || text.len != 2)
        return ERR_PARSE_VALUE;
    TRY(span_decimal(text, out));
    return *out >= CARD_PAN_MIN && *out <= CARD_PAN_MAX ? ERR_OK : ERR_PARSE_VALUE;
}

/* 16, 12-19, 13+16-19 */
static enum err lengths_parse(struct span text, int64_t *out)
{
    int64_t lengths = 0;
    for (bool more = true; more;) {
        struct span rest, last;
        uint64_t from = 0, to = 0;
        more = has(text, '+');
        struct span one = part_before(text, '+', &rest);
        TRY(length_parse(part_before(one, '-', &last), &from));
        TRY(length_parse(has(one, '-') ? last : one, &to));
        if (from > to)
            return ERR_PARSE_VALUE;
        for (uint64_t n = from; n <= to; n++)
            lengths |= INT64_C(1) << n;
        text = rest;
    }
    *out = lengths;
    return ERR_OK;
}

enum err ledger_range_parse(struct span text, struct ledger_range *out)
{
    struct span lengths_text, to;
    int64_t lengths = INT64_C(1) << 16;
    struct span digits = part_before(text, '/', &lengths_text);
    if (has(text, '/'))
        TRY(lengths_parse(lengths_text, &lengths));
    struct span from = part_before(digits, '-', &to);
    if (!has(digits, '-'))
        to = from;
    if (!all_digits(from) || !all_digits(to) || from.len != to.len)
        return ERR_PARSE_VALUE;
    if (from.len < LEDGER_PREFIX_MIN || from.len > LEDGER_PREFIX)
        return ERR_PARSE_VALUE;
    if (prefix_of(from, '0') > prefix_of(to, '9'))
        return ERR_PARSE_VALUE;
    out->low = prefix_of(from, '0');
    out->high = prefix_of(to, '9');
    out->lengths = lengths;
    return ERR_OK;
}

static void lengths_write(int64_t lengths, struct buf *out)
{
    const char *mark = "/";
    for (int n = CARD_PAN_MIN; n <= CARD_PAN_MAX; n++) {
        if (!(lengths >> n & 1))
            continue;
        buf_put_text(out, mark);
        buf_put_integer(out, n);
        int last = n;
        while (last < CARD_PAN_MAX && lengths >> (last + 1) & 1)
            last++;
        if (last > n) {
            buf_put_text(out, "-");
            buf_put_integer(out, last);
        }
        n = last;
        mark = "+";
    }
}

void ledger_range_write(const struct ledger_range *range, struct buf *out)
{
    int64_t low = range->low, high = range->high;
    unsigned digits = LEDGER_PREFIX;
    while (digits > LEDGER_PREFIX_MIN && low % 10 == 0 && high % 10 == 9) {
        low /= 10;
        high /= 10;
        digits--;
    }
    buf_put_decimal(out, (uint64_t)low, digits);
    if (high != low) {
        buf_put_byte(out, '-');
        buf_put_decimal(out, (uint64_t)high, digits);
    }
    lengths_write(range->lengths, out);
}

bool ledger_range_holds(const struct ledger_range *range, struct span pan)
{
    int64_t prefix = prefix_of(pan, '0');
    return pan.len <= CARD_PAN_MAX && range->lengths >> pan.len & 1 && prefix >= range->low && prefix <= range->high;
}

bool ledger_range_meets(const struct ledger_range *a, const struct ledger_range *b)
{
    return (a->lengths & b->lengths) != 0 && a->low <= b->high && b->low <= a->high;
}

/* ---- the table ---- */

void ledger_issuers_begin(struct ledger_issuers *table, int64_t version)
{
    table->version = version;
    table->count = 0;
    table->ranges = 0;
    table->entries = 0;
}

enum err ledger_issuers_add(struct ledger_issuers *table, const struct ledger_issuer *issuer)
{
    if (table->count == LEDGER_ISSUERS_MAX)
        return ERR_MEMORY;
    table->row[table->count++] = *issuer;
    return ERR_OK;
}

enum err ledger_issuers_add_range(struct ledger_issuers *table, const struct ledger_range *range)
{
    const struct ledger_issuer *issuer = ledger_issuers_find(table, range->issuer_id);
    if (!issuer)
        return ERR_NOT_FOUND;
    if (table->ranges == LEDGER_RANGES_MAX)
        return ERR_MEMORY;
    table->ranges++;
    for (int n = CARD_PAN_MIN; n <= CARD_PAN_MAX; n++)
        if (range->lengths >> n & 1)
            table->entry[table->entries++] = (struct ledger_issuers_entry){
                n * PREFIX_SPAN + range->low, n * PREFIX_SPAN + range->high, (size_t)(issuer - table->row)};
    return ERR_OK;
}

/* Shell's: there are few, and the C library's sort may take memory. */
static void sort(struct ledger_issuers_entry *entry, size_t count)
{
    for (size_t gap = count / 2; gap > 0; gap /= 2) {
        for (size_t i = gap; i < count; i++) {
            struct ledger_issuers_entry one = entry[i];
            size_t at = i;
            for (; at >= gap && entry[at - gap].low > one.low; at -= gap)
                entry[at] = entry[at - gap];
            entry[at] = one;
        }
    }
}

enum err ledger_issuers_end(struct ledger_issuers *table)
{
    sort(table->entry, table->entries);
    for (size_t i = 1; i < table->entries; i++)
        if (table->entry[i].low <= table->entry[i - 1].high)
            return ERR_DUPLICATE;
    return ERR_OK;
}

const struct ledger_issuer *ledger_issuers_find(const struct ledger_issuers *table, const char *issuer_id)
{
    for (size_t i = 0; i < table->count; i++)
        if (strcmp(table->row[i].issuer_id, issuer_id) == 0)
            return &table->row[i];
    return NULL;
}

const struct ledger_issuer *ledger_issuers_of(const struct ledger_issuers *table, struct span pan)
{
    int64_t key = (int64_t)pan.len * PREFIX_SPAN + prefix_of(pan, '0');
    size_t from = 0, to = table->entries; /* the last entry that begins at or before the key is in front of `to` */
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (table->entry[middle].low <= key)
            from = middle + 1;
        else
            to = middle;
    }
    return from > 0 && key <= table->entry[from - 1].high ? &table->row[table->entry[from - 1].issuer] : NULL;
}
