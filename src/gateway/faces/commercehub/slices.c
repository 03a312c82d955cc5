/* SPDX-License-Identifier: Apache-2.0 */
/* encryptionBlockFields: fields = field *("," field); field = name ":" count; count = 0..190 without a leading zero, in bytes. A
 * field of 0 is absent. */
#include "base/json.h"
#include "crypto/rsa.h"
#include "gateway/faces/commercehub/internal.h"

static const struct {
    const char *name;
    const char *path;
} slices[COMMERCEHUB_SLICES] = {
    [COMMERCEHUB_SLICE_CARD] = {"card.cardData", "source.card.cardData"},
    [COMMERCEHUB_SLICE_NAME] = {"card.nameOnCard", "source.card.nameOnCard"},
    [COMMERCEHUB_SLICE_MONTH] = {"card.expirationMonth", "source.card.expirationMonth"},
    [COMMERCEHUB_SLICE_YEAR] = {"card.expirationYear", "source.card.expirationYear"},
    [COMMERCEHUB_SLICE_CODE] = {"card.securityCode", "source.card.securityCode"},
};

static size_t find(struct span text, uint8_t byte)
{
    size_t at = 0;
    while (at < text.len && text.at[at] != byte)
        at++;
    return at;
}

static enum err slice_name(struct span text, enum commercehub_slice_name *out)
{
    for (unsigned i = 0; i < COMMERCEHUB_SLICES; i++)
        if (span_is(text, slices[i].name)) {
            *out = (enum commercehub_slice_name)i;
            return ERR_OK;
        }
    return ERR_PARSE_UNKNOWN;
}

static enum err slice_parse(struct span text, struct commercehub_slices *out)
{
    size_t colon = find(text, ':');
    if (colon == text.len || out->count == COMMERCEHUB_SLICES)
        return ERR_PARSE_VALUE;
    struct span count = span_slice(text, colon + 1, text.len);
    enum commercehub_slice_name name = COMMERCEHUB_SLICES;
    uint64_t len = 0;
    TRY(slice_name(span_slice(text, 0, colon), &name));
    if (count.len == 0 || count.len > 3 || (count.at[0] == '0' && count.len > 1))
        return ERR_PARSE_VALUE;
    TRY(span_decimal(count, &len));
    if (len > CRYPTO_RSA_PLAIN_MAX)
        return ERR_PARSE_VALUE;
    for (size_t i = 0; i < out->count; i++)
        if (out->at[i].name == name)
            return ERR_PARSE_DUPLICATE;
    out->at[out->count].name = name;
    out->at[out->count++].len = (uint16_t)len;
    out->total += len;
    return ERR_OK;
}

enum err commercehub_slices_parse(struct span text, struct commercehub_slices *out)
{
    struct commercehub_slices read = {0};
    for (;;) {
        size_t comma = find(text, ',');
        TRY(slice_parse(span_slice(text, 0, comma), &read));
        if (comma == text.len)
            break;
        text = span_slice(text, comma + 1, text.len);
    }
    *out = read;
    return ERR_OK;
}

/* The member that a slice goes into. */
static struct wire_text *target(struct commercehub_request *request, enum commercehub_slice_name name, size_t *cap)
{
#define TARGET(member_) (*cap = sizeof request->member_.at, (struct wire_text *)(void *)&request->member_)
    switch (name) {
    case COMMERCEHUB_SLICE_CARD:
        return TARGET(card_data);
    case COMMERCEHUB_SLICE_NAME:
        return TARGET(name_on_card);
    case COMMERCEHUB_SLICE_MONTH:
        return TARGET(expiration_month);
    case COMMERCEHUB_SLICE_YEAR:
        return TARGET(expiration_year);
    case COMMERCEHUB_SLICE_CODE:
        return TARGET(security_code);
    case COMMERCEHUB_SLICES:
    default:
        return NULL;
    }
#undef TARGET
}

static void merge_one(enum commercehub_slice_name name, struct span value, struct commercehub_request *request,
                      struct gateway_faults *faults)
{
    size_t cap = 0;
    struct wire_text *member = target(request, name, &cap);
    if (value.len == 0)
        return;
    if (member->present) {
        if (member->len != value.len || !secret_equal(member->at, value.at, value.len))
            gateway_fault_add(faults, GATEWAY_FAULT_FIELD_VALUE, slices[name].path);
        return;
    }
    commercehub_check_value(slices[name].path, value, faults);
    if (!wire_text_set(member, cap, value))
        gateway_fault_add(faults, GATEWAY_FAULT_ENCRYPTION, slices[name].path);
}

void commercehub_merge(const struct commercehub_slices *list, struct span plain, struct commercehub_request *request,
                       struct gateway_faults *faults)
{
    static const char path[] = "source.encryptionData.encryptionBlockFields";
    if (list->total != plain.len) {
        gateway_fault_add(faults, GATEWAY_FAULT_ENCRYPTION, path);
        return;
    }
    size_t at = 0;
    /* A count that cuts a character in two was made from characters, not bytes. */
    for (size_t i = 0; i < list->count; at += list->at[i++].len)
        if (!json_utf8(span_slice(plain, at, list->at[i].len))) {
            gateway_fault_add(faults, GATEWAY_FAULT_ENCRYPTION, path);
            return;
        }
    at = 0;
    for (size_t i = 0; i < list->count; at += list->at[i++].len)
        merge_one(list->at[i].name, span_slice(plain, at, list->at[i].len), request, faults);
}
