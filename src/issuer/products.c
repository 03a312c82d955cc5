/* SPDX-License-Identifier: Apache-2.0 */
/* Card products: the list of fields in issuer/body.h, read into and written from rows. */
#include "issuer/error.h"
#include "issuer/internal.h"
#include "store/error.h"

#include <string.h>

enum field_kind { KIND_CHOICE, KIND_NETWORK, KIND_INTEGER, KIND_BOOL, KIND_TEXT, KIND_LETTER, KIND_DIGITS };

/* The way from a body member into the row. */
static const struct field {
    const char *name;
    enum field_kind kind;
    int64_t min, max;
    const char *choices;
    const char *initial;
    size_t offset;
    size_t size;
} field[PRODUCT_FIELD_COUNT] = {
#define PRODUCT_FIELD(member, json, kind, min, max, choices, initial, doc) \
    {json,                                                                 \
     KIND_##kind,                                                          \
     min,                                                                  \
     max,                                                                  \
     choices,                                                              \
     initial,                                                              \
     offsetof(struct ledger_product, member),                              \
     sizeof(((struct ledger_product *)0)->member)},
    PRODUCT_FIELDS(PRODUCT_FIELD)
#undef PRODUCT_FIELD
};

/* ---- choices ---- */

static struct span choice_at(const char *choices, int64_t index)
{
    for (; index > 0 && *choices; index--) {
        choices += strcspn(choices, "|");
        choices += *choices == '|';
    }
    return span_of(choices, strcspn(choices, "|"));
}

static int64_t choice_index(const char *choices, struct span text)
{
    for (int64_t i = 0;; i++) {
        struct span choice = choice_at(choices, i);
        if (choice.len == 0 || span_equal(choice, text))
            return choice.len == 0 ? 0 : i;
    }
}

/* ---- into the row ---- */

static enum err field_take(const struct field *f, struct span text, struct ledger_product *product)
{
    uint8_t *at = (uint8_t *)product + f->offset;
    int64_t number = 0;
    int choice = 0;
    switch (f->kind) {
    case KIND_INTEGER:
        TRY(http_json_integer(text, f->min, f->max, &number));
        memcpy(at, &number, sizeof number);
        return ERR_OK;
    case KIND_BOOL:
        *(bool *)at = http_json_true(text);
        return ERR_OK;
    case KIND_CHOICE:
        choice = (int)choice_index(f->choices, text);
        ASSERT(f->size == sizeof choice);
        memcpy(at, &choice, sizeof choice);
        return ERR_OK;
    case KIND_NETWORK:
    case KIND_TEXT:
    case KIND_LETTER:
    case KIND_DIGITS:
    default:
        if (text.len >= f->size)
            return ERR_PARSE_LONG;
        memset(at, 0, f->size);
        memcpy(at, text.at, text.len);
        return ERR_OK;
    }
}

/* Defaults that hang on the mode (issuer.md 2 and 3.1; security-codes.md 6 and 7). */
static void defaults_by_mode(struct ledger_product *product, const struct product_body *body)
{
    bool one_time = product->mode == LEDGER_ONE_TIME;
    if (!body->value[PRODUCT_static_policy].present)
        product->static_policy = one_time ? LEDGER_STATIC_OFF : LEDGER_STATIC_ALLOWED;
    if (!body->value[PRODUCT_service_code_dyn].present)
        memcpy(product->service_code_dyn, one_time ? CARD_SERVICE_ONE_TIME : CARD_SERVICE_CVV2, sizeof product->service_code_dyn);
}

static enum err key_refs_check(const struct issuer *issuer, struct job *job, const struct ledger_product *product)
{
    bool needs_static = product->mode == LEDGER_STATIC || product->static_policy != LEDGER_STATIC_OFF;
    bool needs_dynamic = product->mode != LEDGER_STATIC;
    job->field = "cvkRef";
    if ((needs_static || product->cvk_ref[0]) && !issuer_key_find(issuer, product->cvk_ref))
        return ERR_PARSE_VALUE;
    job->field = "mkRef";
    if ((needs_dynamic || product->mk_ref[0]) && !issuer_key_find(issuer, product->mk_ref))
        return ERR_PARSE_VALUE;
    job->field = NULL;
    return ERR_OK;
}

static enum err product_read(struct issuer *issuer, struct job *job, struct ledger_product *product)
{
    struct product_body *body = &job->secret->body.product;
    TRY(issuer_body_bind(job, body));
    for (size_t i = 0; i < PRODUCT_FIELD_COUNT; i++) {
        product_value *value = &body->value[i];
        struct span text = value->present ? WIRE_SPAN(*value) : span_text(field[i].initial);
        job->field = field[i].name;
        TRY(field_take(&field[i], text, product));
    }
    job->field = "productId";
    if (!issuer_id_sound(WIRE_SPAN(body->product_id)))
        return ERR_PARSE_CHARACTER;
    job->field = NULL;
    defaults_by_mode(product, body);
    return key_refs_check(issuer, job, product);
}

/* ---- out of the row ---- */

static void field_put(struct json_writer *w, const struct field *f, const struct ledger_product *product)
{
    const uint8_t *at = (const uint8_t *)product + f->offset;
    int64_t number = 0;
    int choice = 0;
    switch (f->kind) {
    case KIND_INTEGER:
        memcpy(&number, at, sizeof number);
        json_put_integer(w, f->name, number);
        return;
    case KIND_BOOL:
        json_put_bool(w, f->name, *(const bool *)at);
        return;
    case KIND_CHOICE:
        memcpy(&choice, at, sizeof choice);
        json_put(w, f->name, choice_at(f->choices, choice));
        return;
    case KIND_NETWORK:
    case KIND_TEXT:
    case KIND_LETTER:
    case KIND_DIGITS:
    default:
        json_put_text(w, f->name, (const char *)at);
        return;
    }
}

static void product_write(const struct ledger_product *product, struct json_writer *w)
{
    json_put_text(w, "productId", product->product_id);
    json_put_integer(w, "version", product->version);
    for (size_t i = 0; i < PRODUCT_FIELD_COUNT; i++)
        field_put(w, &field[i], product);
}

static void product_reply(struct issuer *issuer, struct job *job, const struct ledger_product *product, unsigned status)
{
    uint8_t room[24];
    struct buf etag = buf_over(room, sizeof room);
    buf_put_byte(&etag, '"');
    buf_put_integer(&etag, product->version);
    buf_put_byte(&etag, '"');
    http_put_header(job->request, "ETag", buf_span(&etag));
    struct json_writer w = issuer_answer(job);
    product_write(product, &w);
    json_close(&w);
    issuer_reply(issuer, job, status);
}

/* ---- operations ---- */

static enum err refresh(struct issuer *issuer)
{
    enum err err = ledger_products_refresh(issuer->products, issuer->config.store, &issuer->read_arena);
    issuer->store_good = err == ERR_OK;
    return err;
}

/* A miss may be a product that another node has just made. */
enum err issuer_product_find(struct issuer *issuer, const struct job *job, const char *product_id,
                             const struct ledger_product **out)
{
    *out = ledger_products_find(issuer->products, product_id);
    if (!*out) {
        TRY(refresh(issuer));
        *out = ledger_products_find(issuer->products, product_id);
    }
    return *out && strcmp((*out)->issuer_id, job->client.issuer_id) == 0 ? ERR_OK : ISSUER_ERR_PRODUCT_NOT_FOUND;
}

enum err issuer_product_get_start(struct issuer *issuer, struct job *job, enum next *next)
{
    char id[LEDGER_ID] = {0};
    struct span text = http_parameter(job->request, "productId");
    if (issuer_id_sound(text))
        memcpy(id, text.at, text.len);
    const struct ledger_product *product = NULL;
    TRY(issuer_product_find(issuer, job, id, &product));
    product_reply(issuer, job, product, 200);
    *next = NEXT_REPLIED;
    return ERR_OK;
}

/* Without their other fields, so that as many as there may be fit into one answer. */
enum err issuer_product_list_start(struct issuer *issuer, struct job *job, enum next *next)
{
    const struct ledger_product *product = NULL;
    TRY(refresh(issuer));
    struct json_writer w = issuer_answer(job);
    json_open_array(&w, "products");
    for (size_t i = 0; (product = ledger_products_at(issuer->products, i)) != NULL; i++) {
        if (strcmp(product->issuer_id, job->client.issuer_id) != 0)
            continue;
        json_open(&w, NULL);
        json_put_text(&w, "productId", product->product_id);
        field_put(&w, &field[PRODUCT_mode], product);
        field_put(&w, &field[PRODUCT_network], product);
        json_put_integer(&w, "version", product->version);
        json_close(&w);
    }
    json_close_array(&w);
    json_close(&w);
    issuer_reply(issuer, job, 200);
    *next = NEXT_REPLIED;
    return ERR_OK;
}

enum err issuer_product_post_start(struct issuer *issuer, struct job *job, enum next *next)
{
    struct ledger_product *product = &job->product;
    struct product_body *body = &job->secret->body.product;
    /* issuer.md 3.1: four slots, which deferred_max_reuse 0 leaves unused */
    *product = (struct ledger_product){.version = 1, .deferred_slots = 4};
    TRY(product_read(issuer, job, product));
    memcpy(product->product_id, body->product_id.at, body->product_id.len);
    memcpy(product->issuer_id, job->client.issuer_id, sizeof product->issuer_id);
    if (job->attempts > 0)
        TRY(refresh(issuer)); /* someone was faster */
    job->field = "productId";
    if (ledger_products_find(issuer->products, job->product.product_id))
        return STORE_ERR_CONFLICT;
    job->field = NULL;
    issuer_unit_begin(job, 1);
    ledger_put_product(&job->unit, &job->product);
    *next = NEXT_COMMIT;
    return ERR_OK;
}

enum err issuer_product_post_committed(struct issuer *issuer, struct job *job, enum next *next)
{
    enum err err = refresh(issuer); /* the other nodes see it within a second; here a failure is made good by the next turn */
    if (err != ERR_OK)
        issuer->products_at_us = 0;
    product_reply(issuer, job, &job->product, 201);
    *next = NEXT_REPLIED;
    return ERR_OK;
}

/* "7": the version of the row, strong. */
static bool etag_is(struct span etag, int64_t version)
{
    uint8_t room[24];
    struct buf want = buf_over(room, sizeof room);
    buf_put_byte(&want, '"');
    buf_put_integer(&want, version);
    buf_put_byte(&want, '"');
    return span_equal(etag, buf_span(&want));
}

enum err issuer_product_put_start(struct issuer *issuer, struct job *job, enum next *next)
{
    struct span if_match = http_header(job->request, "If-Match");
    const struct ledger_product *have = NULL;
    char id[LEDGER_ID] = {0};
    struct span text = http_parameter(job->request, "productId");
    if (issuer_id_sound(text))
        memcpy(id, text.at, text.len);
    TRY(refresh(issuer));
    TRY(issuer_product_find(issuer, job, id, &have));
    job->product = *have;
    TRY(product_read(issuer, job, &job->product));
    job->field = "productId";
    if (!span_equal(WIRE_SPAN(job->secret->body.product.product_id), text))
        return ERR_PARSE_VALUE;
    job->field = "If-Match";
    if (if_match.len == 0)
        return ERR_PARSE_MISSING;
    if (!etag_is(if_match, have->version))
        return STORE_ERR_CONFLICT;
    job->field = NULL;
    issuer_unit_begin(job, 1);
    ledger_put_product_change(&job->unit, &job->product);
    *next = NEXT_COMMIT;
    return ERR_OK;
}

enum err issuer_product_put_committed(struct issuer *issuer, struct job *job, enum next *next)
{
    job->product.version++;
    LOG(issuer->config.env->log, LOG_INFO, "issuer.product_changed", LOG_TEXT("product", job->product.product_id),
        LOG_TEXT("actor", job->client.client_id), LOG_INT("version", job->product.version),
        LOG_TEXT("correlation", job->correlation_id));
    if (refresh(issuer) != ERR_OK)
        issuer->products_at_us = 0;
    product_reply(issuer, job, &job->product, 200);
    *next = NEXT_REPLIED;
    return ERR_OK;
}
