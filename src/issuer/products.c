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
} field[ISSUER_PRODUCT_FIELD_COUNT] = {
#define PRODUCT_FIELD(member, json, kind, min, max, choices, initial, doc) \
    {json,                                                                 \
     KIND_##kind,                                                          \
     min,                                                                  \
     max,                                                                  \
     choices,                                                              \
     initial,                                                              \
     offsetof(struct ledger_product, member),                              \
     sizeof(((struct ledger_product *)0)->member)},
    ISSUER_PRODUCT_FIELDS(PRODUCT_FIELD)
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
static void defaults_by_mode(struct ledger_product *product, const struct issuer_product_body *body)
{
    bool one_time = product->mode == LEDGER_ONE_TIME;
    if (!body->value[ISSUER_PRODUCT_static_policy].present)
        product->static_policy = one_time ? LEDGER_STATIC_OFF : LEDGER_STATIC_ALLOWED;
    if (!body->value[ISSUER_PRODUCT_service_code_dyn].present)
        memcpy(product->service_code_dyn, one_time ? CARD_SERVICE_ONE_TIME : CARD_SERVICE_CVV2, sizeof product->service_code_dyn);
}

static enum err key_refs_check(const struct issuer *issuer, struct issuer_job *job, const struct ledger_product *product)
{
    bool needs_static = product->mode == LEDGER_STATIC || product->static_policy != LEDGER_STATIC_OFF;
    bool needs_dynamic = product->mode != LEDGER_STATIC;
    if ((needs_static || product->cvk_ref[0]) && !issuer_key_find(issuer, product->cvk_ref))
        return issuer_blame(job, "cvkRef", ERR_PARSE_VALUE);
    if ((needs_dynamic || product->mk_ref[0]) && !issuer_key_find(issuer, product->mk_ref))
        return issuer_blame(job, "mkRef", ERR_PARSE_VALUE);
    return ERR_OK;
}

static enum err product_read(struct issuer *issuer, struct issuer_job *job, struct ledger_product *product)
{
    struct issuer_product_body *body = &job->secret->body.product;
    TRY(issuer_body_bind(job, body));
    for (size_t i = 0; i < ISSUER_PRODUCT_FIELD_COUNT; i++) {
        issuer_product_value *value = &body->value[i];
        struct span text = value->present ? WIRE_SPAN(*value) : span_text(field[i].initial);
        TRY(issuer_blame(job, field[i].name, field_take(&field[i], text, product)));
    }
    if (!issuer_id_sound(WIRE_SPAN(body->product_id)))
        return issuer_blame(job, "productId", ERR_PARSE_CHARACTER);
    TRY(issuer_text_check(job, "productId", WIRE_SPAN(body->product_id)));
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
    for (size_t i = 0; i < ISSUER_PRODUCT_FIELD_COUNT; i++)
        field_put(w, &field[i], product);
}

static void product_reply(struct issuer *issuer, struct issuer_job *job, const struct ledger_product *product, unsigned status)
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

static void product_look(struct issuer_job *job, const char *product_id)
{
    issuer_unit_begin(job, 1);
    job->writing.at[0] = ledger_get_product(&job->writing.unit, job->caller.client.issuer_id, product_id);
}

/* {productId}; one that cannot exist is empty and finds nothing. */
static void path_look(struct issuer_job *job)
{
    char id[LEDGER_ID] = {0};
    struct span text = http_parameter(job->request, "productId");
    if (issuer_id_sound(text))
        memcpy(id, text.at, text.len);
    product_look(job, id);
}

static enum err get_start(struct issuer *issuer, struct issuer_job *job, enum issuer_next *next)
{
    (void)issuer;
    path_look(job);
    *next = ISSUER_LOOK;
    return ERR_OK;
}

static enum err get_looked(struct issuer *issuer, struct issuer_job *job, enum issuer_next *next)
{
    TRY(issuer_product_take(job, job->writing.at[0], &job->view.product));
    product_reply(issuer, job, &job->view.product, 200);
    *next = ISSUER_REPLIED;
    return ERR_OK;
}

const struct issuer_operation issuer_operation_PRODUCT_GET = {.start = get_start, .looked = get_looked};

static enum err list_start(struct issuer *issuer, struct issuer_job *job, enum issuer_next *next)
{
    (void)issuer;
    issuer_unit_begin(job, 1);
    job->writing.at[0] = ledger_get_products_of(&job->writing.unit, job->caller.client.issuer_id);
    *next = ISSUER_LOOK;
    return ERR_OK;
}

/* Without their other fields, so that as many as there may be fit into one answer. */
static enum err list_looked(struct issuer *issuer, struct issuer_job *job, enum issuer_next *next)
{
    struct ledger_unit *unit = &job->writing.unit;
    size_t count = ledger_found(unit, job->writing.at[0]);
    struct json_writer w = issuer_answer(job);
    json_open_array(&w, "products");
    for (size_t i = 0; i < count; i++) {
        struct ledger_product *product = &job->view.product;
        if (!ledger_take_product_of(unit, job->writing.at[0], i, product))
            continue;
        json_open(&w, NULL);
        json_put_text(&w, "productId", product->product_id);
        field_put(&w, &field[ISSUER_PRODUCT_mode], product);
        field_put(&w, &field[ISSUER_PRODUCT_network], product);
        json_put_integer(&w, "version", product->version);
        json_close(&w);
    }
    json_close_array(&w);
    json_close(&w);
    if (unit->err != ERR_OK) {
        buf_clear(http_body(job->request));
        return unit->err;
    }
    issuer_reply(issuer, job, 200);
    *next = ISSUER_REPLIED;
    return ERR_OK;
}

const struct issuer_operation issuer_operation_PRODUCT_LIST = {.start = list_start, .looked = list_looked};

static enum err post_start(struct issuer *issuer, struct issuer_job *job, enum issuer_next *next)
{
    struct ledger_product *product = &job->view.product;
    struct issuer_product_body *body = &job->secret->body.product;
    /* issuer.md 3.1: four slots, which deferred_max_reuse 0 leaves unused */
    *product = (struct ledger_product){.version = 1, .deferred_slots = 4};
    TRY(product_read(issuer, job, product));
    memcpy(product->product_id, body->product_id.at, body->product_id.len);
    memcpy(product->issuer_id, job->caller.client.issuer_id, sizeof product->issuer_id);
    product_look(job, product->product_id);
    *next = ISSUER_LOOK;
    return ERR_OK;
}

static enum err post_looked(struct issuer *issuer, struct issuer_job *job, enum issuer_next *next)
{
    (void)issuer;
    if (ledger_found(&job->writing.unit, job->writing.at[0]) > 0)
        return issuer_blame(job, "productId", STORE_ERR_CONFLICT);
    issuer_unit_begin(job, 1);
    ledger_put_product(&job->writing.unit, &job->view.product);
    *next = ISSUER_COMMIT;
    return ERR_OK;
}

/* This process sees it from now on; other nodes within a second. */
static enum err kept(struct issuer *issuer, const struct ledger_product *product)
{
    return ledger_products_keep(issuer->products, product);
}

static enum err post_committed(struct issuer *issuer, struct issuer_job *job, enum issuer_next *next)
{
    TRY(kept(issuer, &job->view.product));
    product_reply(issuer, job, &job->view.product, 201);
    *next = ISSUER_REPLIED;
    return ERR_OK;
}

const struct issuer_operation issuer_operation_PRODUCT_NEW = {
    .writes = true, .start = post_start, .looked = post_looked, .committed = post_committed};

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

static enum err put_looked(struct issuer *issuer, struct issuer_job *job, enum issuer_next *next)
{
    struct ledger_product *product = &job->view.product;
    struct span if_match = http_header(job->request, "If-Match");
    TRY(issuer_product_take(job, job->writing.at[0], product));
    TRY(product_read(issuer, job, product));
    if (!span_is(WIRE_SPAN(job->secret->body.product.product_id), product->product_id))
        return issuer_blame(job, "productId", ERR_PARSE_VALUE);
    if (if_match.len == 0)
        return issuer_blame(job, "If-Match", ERR_PARSE_MISSING);
    if (!etag_is(if_match, product->version))
        return issuer_blame(job, "If-Match", STORE_ERR_CONFLICT);
    issuer_unit_begin(job, 1);
    ledger_put_product_change(&job->writing.unit, product);
    *next = ISSUER_COMMIT;
    return ERR_OK;
}

static enum err put_committed(struct issuer *issuer, struct issuer_job *job, enum issuer_next *next)
{
    struct ledger_product *product = &job->view.product;
    product->version++;
    LOG(issuer->config.env->log, LOG_INFO, "issuer.product_changed", LOG_TEXT("product", product->product_id),
        LOG_TEXT("actor", job->caller.client.client_id), LOG_INT("version", product->version),
        LOG_TEXT("correlation", job->correlation_id));
    TRY(kept(issuer, product));
    product_reply(issuer, job, product, 200);
    *next = ISSUER_REPLIED;
    return ERR_OK;
}

const struct issuer_operation issuer_operation_PRODUCT_PUT = {
    .writes = true, .start = get_start, .looked = put_looked, .committed = put_committed};
