/* SPDX-License-Identifier: Apache-2.0 */
#include "card/order.h"

#include <string.h>

static const char *const names[CARD_COLUMNS] = {"id", "pan", "expiry", "service", "cvv2_service", "icvv_service"};

const char *card_column_name(enum card_column column)
{
    return names[column];
}

/* Letters in either case, blanks around the name ignored. */
static bool names_column(struct span text, const char *name)
{
    while (text.len > 0 && text.at[0] == ' ')
        text = span_slice(text, 1, text.len);
    while (text.len > 0 && text.at[text.len - 1] == ' ')
        text.len--;
    size_t len = strlen(name);
    for (size_t i = 0; i < text.len && i < len; i++) {
        uint8_t c = text.at[i] >= 'A' && text.at[i] <= 'Z' ? (uint8_t)(text.at[i] + 0x20) : text.at[i];
        if (c != (uint8_t)name[i])
            return false;
    }
    return text.len == len;
}

static enum err fail(const char **why, const char *reason)
{
    *why = reason;
    return ERR_PARSE_VALUE;
}

static enum err find(const struct span *name, size_t count, struct card_columns *out, const char **why)
{
    memset(out->at, CARD_COLUMN_ABSENT, sizeof out->at);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < CARD_COLUMNS; k++) {
            if (!names_column(name[i], names[k]))
                continue;
            if (out->at[k] != CARD_COLUMN_ABSENT)
                return fail(why, "a column occurs twice");
            out->at[k] = (uint8_t)i;
        }
    return ERR_OK;
}

static enum err required(const struct card_columns *columns, const char **why)
{
    if (columns->at[CARD_COLUMN_ID] == CARD_COLUMN_ABSENT)
        return fail(why, "id is missing");
    if (columns->at[CARD_COLUMN_PAN] == CARD_COLUMN_ABSENT)
        return fail(why, "pan is missing");
    return columns->at[CARD_COLUMN_EXPIRY] == CARD_COLUMN_ABSENT ? fail(why, "expiry is missing") : ERR_OK;
}

enum err card_columns_find(const struct card_record *header, struct card_columns *out, const char **why)
{
    struct card_columns columns = {.count = header->count};
    TRY(find(header->value, header->count, &columns, why));
    TRY(required(&columns, why));
    *out = columns;
    return ERR_OK;
}

static bool holds(struct span text, struct span part)
{
    for (size_t i = 0; i + part.len <= text.len; i++)
        if (memcmp(text.at + i, part.at, part.len) == 0)
            return true;
    return false;
}

static enum err read_id(struct span text, const struct card_pan *pan, struct card_order *out, const char **why)
{
    if (text.len == 0 || text.len > CARD_REFERENCE)
        return fail(why, "id: 1 to 64 characters are wanted");
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] < 0x20 || text.at[i] > 0x7E)
            return fail(why, "id: printable ASCII is wanted");
    if (holds(text, card_pan_span(pan)))
        return fail(why, "id: it holds the card number, which is never written");
    out->id_len = (uint8_t)text.len;
    memcpy(out->id, text.at, text.len);
    return ERR_OK;
}

static enum err read_service(struct span text, const char *otherwise, char out[static 4], const char **why)
{
    if (text.len == 0) {
        memcpy(out, otherwise, strlen(otherwise) + 1);
        return ERR_OK;
    }
    return card_service_parse(text, out) == ERR_OK ? ERR_OK : fail(why, "service code: three digits are wanted");
}

static struct span value_of(const struct card_record *record, const struct card_columns *columns, enum card_column column)
{
    uint8_t at = columns->at[column];
    return at < record->count ? record->value[at] : (struct span){0};
}

static enum err read_services(const struct card_record *record, const struct card_columns *columns, bool need,
                              struct card_order *out, const char **why)
{
    static const char *const otherwise[3] = {"", CARD_SERVICE_CVV2, CARD_SERVICE_ICVV};
    for (size_t i = 0; i < 3; i++) {
        enum card_column column = (enum card_column)(CARD_COLUMN_CVV + i);
        TRY(read_service(value_of(record, columns, column), otherwise[i], out->service[i], why));
    }
    return need && out->service[0][0] == 0 ? fail(why, "service: it is needed for CVV") : ERR_OK;
}

/* Known names of a JSON record hold strings: a number would have lost its leading zeros. */
static enum err name_columns(const struct card_record *record, struct card_columns *out, const char **why)
{
    TRY(find(record->name, record->count, out, why));
    TRY(required(out, why));
    for (size_t k = 0; k < CARD_COLUMNS; k++)
        if (out->at[k] != CARD_COLUMN_ABSENT && !record->text[out->at[k]])
            return fail(why, "a string is wanted: \"pan\":\"4123456789012345\"");
    return ERR_OK;
}

enum err card_order_read(const struct card_record *record, const struct card_columns *columns, const struct card_order_rule *rule,
                         struct card_order *out, const char **why)
{
    struct card_columns named = *columns;
    if (columns->count == 0)
        TRY(name_columns(record, &named, why));
    else if (record->count != columns->count)
        return fail(why, "the line has not as many values as the header");
    if (card_pan_parse(value_of(record, &named, CARD_COLUMN_PAN), rule->pan, &out->pan) != ERR_OK)
        return fail(why, rule->pan == CARD_LUHN ? "pan: 12 to 19 digits with a valid check digit are wanted"
                                                : "pan: 12 to 19 digits are wanted");
    if (card_expiry_parse(value_of(record, &named, CARD_COLUMN_EXPIRY), rule->expiry, &out->expiry) != ERR_OK)
        return fail(why, rule->expiry == CARD_YYMM ? "expiry: YYMM is wanted" : "expiry: MMYY is wanted");
    TRY(read_id(value_of(record, &named, CARD_COLUMN_ID), &out->pan, out, why));
    return read_services(record, &named, rule->need_service, out, why);
}
