/* SPDX-License-Identifier: Apache-2.0 */
/* Faults as Commerce Hub writes them: texts without a code are those of its published examples where it has one. The codes of the
 * encryption errors are not public: 302, 665, 666 and 693 are our choice. */
#include "base/json.h"
#include "gateway/faces/commercehub/commercehub.h"

/* clang-format off */
static const struct commercehub_error_row rows[GATEWAY_FAULT_COUNT] = {
    [GATEWAY_FAULT_FIELD_VALUE]        = {400, "GATEWAY", "100", NULL},
    [GATEWAY_FAULT_FIELD_MISSING]      = {400, "GATEWAY", "107", NULL},
    [GATEWAY_FAULT_CONDITIONAL]        = {400, "GATEWAY", "108", NULL},
    [GATEWAY_FAULT_CHARACTERS]         = {400, "GATEWAY", "123", NULL},
    [GATEWAY_FAULT_BODY_MISSING]       = {400, "GATEWAY", "138", NULL},
    [GATEWAY_FAULT_MALFORMED]          = {400, "GATEWAY", "121", NULL},
    [GATEWAY_FAULT_SOURCE_UNKNOWN]     = {400, "GATEWAY", "102", NULL},
    [GATEWAY_FAULT_SOURCE_UNSUPPORTED] = {400, "GATEWAY", "205", NULL},
    [GATEWAY_FAULT_SOURCE_UNVERIFIED]  = {400, "GATEWAY", "303", NULL},
    [GATEWAY_FAULT_CARD_MISSING]       = {400, "GATEWAY", "129", NULL},
    [GATEWAY_FAULT_CARD_IN_TEXT]       = {400, "GATEWAY", "100", "A card number may not stand in this field."},
    [GATEWAY_FAULT_CARD_PLAIN]         = {400, "GATEWAY", "301", NULL},
    [GATEWAY_FAULT_CARD_NUMBER]        = {400, "GATEWAY", "103", NULL},
    [GATEWAY_FAULT_BRAND]              = {400, "GATEWAY", "104", NULL},
    [GATEWAY_FAULT_EXPIRY]             = {400, "GATEWAY", "115", NULL},
    [GATEWAY_FAULT_AMOUNT_VALUE]       = {400, "GATEWAY", "105", NULL},
    [GATEWAY_FAULT_AMOUNT_MISSING]     = {400, "GATEWAY", "106", NULL},
    [GATEWAY_FAULT_CURRENCY]           = {400, "GATEWAY", "247", NULL},
    [GATEWAY_FAULT_ENCRYPTION]         = {400, "GATEWAY", "302", NULL},
    [GATEWAY_FAULT_KEY_EXPIRED]        = {400, "GATEWAY", "665", NULL},
    [GATEWAY_FAULT_KEY_UNKNOWN]        = {400, "GATEWAY", "666", NULL},
    [GATEWAY_FAULT_DECRYPTION]         = {400, "GATEWAY", "693", NULL},
    [GATEWAY_FAULT_MERCHANT]           = {400, "GATEWAY", "201", NULL},
    [GATEWAY_FAULT_TERMINAL]           = {400, "GATEWAY", "202", NULL},
    [GATEWAY_FAULT_FEATURE]            = {400, "GATEWAY", "207", NULL},
    [GATEWAY_FAULT_MERCHANT_CLOSED]    = {403, "APIM",    "710", NULL},
    [GATEWAY_FAULT_IN_PROGRESS]        = {400, "GATEWAY", "136", NULL},
    [GATEWAY_FAULT_REUSED]             = {400, "GATEWAY", "757", NULL},
    [GATEWAY_FAULT_REFERENCE]          = {400, "GATEWAY", "764", NULL},
    [GATEWAY_FAULT_REFERENCE_STATE]    = {400, "GATEWAY", "833", NULL},
    [GATEWAY_FAULT_AUTHENTICATION]     = {401, "APIM",    NULL,  "ApiKey and/or Authentication supplied are invalid."},
    [GATEWAY_FAULT_NOT_FOUND]          = {404, "APIM",    NULL,  "Resource not found."},
    [GATEWAY_FAULT_METHOD]             = {405, "APIM",    NULL,  "The method is not allowed for this resource."},
    [GATEWAY_FAULT_MEDIA_TYPE]         = {415, "APIM",    NULL,  "Media type is not supported."},
    [GATEWAY_FAULT_BODY_TOO_LARGE]     = {413, "APIM",    NULL,  "The request body is too large."},
    [GATEWAY_FAULT_HEADERS_TOO_LARGE]  = {431, "APIM",    NULL,  "The request headers are too large."},
    [GATEWAY_FAULT_RATE]               = {429, "APIM",    NULL,  "Request volume is too high."},
    [GATEWAY_FAULT_UNAVAILABLE]        = {503, "APIM",    NULL,  "Service unavailable."},
    [GATEWAY_FAULT_ISSUER_TIMEOUT]     = {504, "GATEWAY", NULL,  "The request timed out while waiting for the response."},
    [GATEWAY_FAULT_INTERNAL]           = {500, "GATEWAY", "703", NULL},
};
/* clang-format on */

const struct commercehub_error_row *commercehub_error_row(enum gateway_fault_id id)
{
    return &rows[id > GATEWAY_FAULT_NONE && id < GATEWAY_FAULT_COUNT ? id : GATEWAY_FAULT_INTERNAL];
}

static const char *message_of(const struct commercehub_error_row *row)
{
    return row->message ? row->message : commercehub_message(COMMERCEHUB_ERROR_CODES, row->code);
}

static void put_error(struct json_writer *w, const struct gateway_fault *fault)
{
    const struct commercehub_error_row *row = commercehub_error_row(fault->id);
    json_open(w, NULL);
    json_put_text(w, "type", row->type);
    if (row->code)
        json_put_text(w, "code", row->code);
    if (fault->field)
        json_put_text(w, "field", fault->field);
    json_put_text(w, "message", message_of(row));
    json_close(w);
}

unsigned commercehub_error_write(const struct commercehub_identity *identity, const struct gateway_faults *faults, struct buf *out)
{
    struct json_writer w = json_writer(out);
    json_open(&w, NULL);
    json_open(&w, "gatewayResponse");
    json_open(&w, "transactionProcessingDetails");
    json_put_text(&w, "apiTraceId", identity->trace_id);
    if (identity->request_id.len > 0)
        json_put(&w, "clientRequestId", identity->request_id);
    json_close(&w);
    json_close(&w);
    json_open_array(&w, "error");
    for (size_t i = 0; i < faults->count; i++)
        put_error(&w, &faults->at[i]);
    json_close_array(&w);
    json_close(&w);
    return commercehub_error_row(faults->count > 0 ? faults->at[0].id : GATEWAY_FAULT_INTERNAL)->status;
}
