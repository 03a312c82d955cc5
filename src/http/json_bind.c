/* SPDX-License-Identifier: Apache-2.0 */
/* A cJSON tree into a record, by the paths of its rows. */
#include "base/arena.h"
#include "base/secret.h"
#include "http/error.h"
#include "http/json.h"
#include "http/json_text.h"

#include <cjson/cJSON.h>
#include <string.h>

/* cJSON's allocator is global to the process; it is set before main so that no tree is ever freed without being wiped. */
__attribute__((constructor)) static void hook_allocator(void)
{
    cJSON_Hooks hooks = {memory_library_malloc, memory_library_free};
    cJSON_InitHooks(&hooks);
}

struct binding {
    const struct wire_record *record;
    struct span body;
    unsigned flags;
    void *out;
    struct http_json_faults *faults;
    size_t number_at;              /* where the next number is looked for in the body */
    size_t hint;                   /* bodies tend to follow the order of the rows */
    bool seen[HTTP_JSON_ROWS_MAX]; /* by row */
    bool nameless;                 /* the path holds a name that no row can have */
    char path[HTTP_JSON_PATH_MAX];
    size_t path_len;
};

/* ---- faults ---- */

static bool path_character(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || strchr("_-.[]", c);
}

static void fault_add(struct binding *b, enum err err, const struct wire_field *field, const char *reason)
{
    struct http_json_faults *faults = b->faults;
    if (faults->count == HTTP_JSON_FAULTS_MAX)
        return;
    struct http_json_fault *fault = &faults->at[faults->count++];
    *fault = (struct http_json_fault){.err = err, .field = field, .reason = reason};
    for (size_t i = 0; i < b->path_len && i < HTTP_JSON_PATH_MAX - 1; i++)
        fault->path[i] = path_character(b->path[i]) ? b->path[i] : '?';
}

static enum err fault_whole(struct http_json_faults *faults, enum err err, const char *reason, size_t offset)
{
    faults->count = 1;
    faults->at[0] = (struct http_json_fault){.err = err, .reason = reason, .offset = offset};
    return err;
}

/* ---- path ---- */

/* Adds to the path; what does not fit, or would read as another path, makes it match nothing. */
static void path_add(struct binding *b, const char *text, size_t len)
{
    if (len > HTTP_JSON_PATH_MAX - 1 - b->path_len) {
        b->nameless = true;
        len = HTTP_JSON_PATH_MAX - 1 - b->path_len;
    }
    memcpy(b->path + b->path_len, text, len);
    b->path_len += len;
}

static void path_push_name(struct binding *b, const char *name)
{
    if (b->path_len > 0)
        path_add(b, ".", 1);
    if (*name == 0 || strpbrk(name, ".[]"))
        b->nameless = true;
    path_add(b, name, strlen(name));
}

static void path_push_index(struct binding *b, size_t index)
{
    uint8_t room[24];
    struct buf text = buf_over(room, sizeof room);
    buf_put_byte(&text, '[');
    buf_put_decimal(&text, index, 0);
    buf_put_byte(&text, ']');
    path_add(b, (const char *)room, text.len);
}

/* ---- rows ---- */

/* The row of the path, or NULL; *above tells whether rows lie below the path. */
static const struct wire_field *row_of_path(struct binding *b, bool container, bool *above)
{
    const struct wire_field *exact = NULL;
    size_t count = b->record->count;
    *above = false;
    for (size_t i = 0; i < count && !b->nameless && (container || !exact); i++) {
        size_t index = b->hint + i < count ? b->hint + i : b->hint + i - count;
        const char *name = b->record->field[index].name;
        if (strncmp(name, b->path, b->path_len) != 0)
            continue;
        *above |= name[b->path_len] == '.' || name[b->path_len] == '[';
        if (name[b->path_len] == 0) {
            exact = &b->record->field[index];
            b->hint = index + 1 < count ? index + 1 : 0;
        }
    }
    return exact;
}

static struct wire_text *member_of(const struct wire_field *row, void *record)
{
    return (struct wire_text *)(void *)((uint8_t *)record + row->member);
}

static void upper_case(struct wire_text *text)
{
    for (size_t i = 0; i < text->len; i++)
        if (text->at[i] >= 'a' && text->at[i] <= 'f')
            text->at[i] = (uint8_t)(text->at[i] - 0x20);
}

/* ---- values ---- */

static bool is_integer(struct span number)
{
    size_t first = number.len > 0 && number.at[0] == '-' ? 1 : 0;
    for (size_t i = first; i < number.len; i++)
        if (number.at[i] < '0' || number.at[i] > '9')
            return false;
    return number.len > first;
}

/* The characters of a scalar if its JSON type suits the row. */
static bool scalar_text(const struct wire_field *row, const cJSON *item, struct span number, struct span *out)
{
    if (cJSON_IsString(item) && row->kind != WIRE_BOOL && row->kind != WIRE_OBJECT)
        *out = span_text(item->valuestring);
    else if (cJSON_IsNumber(item) && (row->kind == WIRE_DECIMAL || ((row->flags & WIRE_FROM_INTEGER) != 0 && is_integer(number))))
        *out = number;
    else if (cJSON_IsBool(item) && row->kind == WIRE_BOOL)
        *out = span_text(cJSON_IsTrue(item) ? "true" : "false");
    else
        return false;
    return true;
}

static void bind_text(struct binding *b, const struct wire_field *row, struct span text)
{
    if (text.len == 0 && (row->flags & WIRE_EMPTY_OK) != 0) {
        b->seen[row - b->record->field] = (row->flags & WIRE_OPTIONAL) != 0;
        return;
    }
    struct wire_fault fault;
    enum err err = wire_value_check(row, text, &fault);
    struct wire_text *member = member_of(row, b->out);
    if (err == ERR_OK && !wire_text_set(member, row->cap, text))
        err = ERR_PARSE_LONG;
    if (err != ERR_OK)
        fault_add(b, err, row, err_row(err)->text);
    else if (row->kind == WIRE_H)
        upper_case(member);
}

static void bind_scalar(struct binding *b, const cJSON *item, bool quiet)
{
    struct span number = cJSON_IsNumber(item) ? http_json_text_number(b->body, &b->number_at) : (struct span){0};
    if (quiet)
        return;
    bool above = false;
    const struct wire_field *row = row_of_path(b, false, &above);
    if (cJSON_IsNull(item) && (b->flags & HTTP_JSON_NULL_ABSENT) != 0 && (row || above))
        return;
    if (row)
        b->seen[row - b->record->field] = true;
    struct span text;
    if (row && scalar_text(row, item, number, &text))
        bind_text(b, row, text);
    else if (row || above)
        fault_add(b, ERR_PARSE_TYPE, row, err_row(ERR_PARSE_TYPE)->text);
    else if ((b->flags & HTTP_JSON_STRICT) != 0)
        fault_add(b, ERR_PARSE_UNKNOWN, NULL, err_row(ERR_PARSE_UNKNOWN)->text);
}

/* ---- containers ---- */

/* The limit comes first: looking for doubles takes quadratic time. */
static enum err object_check(struct http_json_faults *faults, const cJSON *object)
{
    size_t count = 0;
    for (const cJSON *item = object->child; item; item = item->next)
        if (++count > HTTP_JSON_MEMBERS_MAX)
            return fault_whole(faults, ERR_PARSE_JSON, "too many members in an object", 0);
    for (const cJSON *item = object->child; item; item = item->next)
        for (const cJSON *other = item->next; other; other = other->next)
            if (strcmp(item->string, other->string) == 0)
                return fault_whole(faults, ERR_PARSE_DUPLICATE, "a name occurs twice in an object", 0);
    return ERR_OK;
}

/* Whether what is inside the container is of no interest: it has no row, and that was reported if it had to be. */
static bool container_quiet(struct binding *b, const cJSON *item)
{
    bool above = false;
    const struct wire_field *row = row_of_path(b, true, &above);
    if (row)
        b->seen[row - b->record->field] = true;
    bool object = cJSON_IsObject(item);
    bool fits = row ? object && row->kind == WIRE_OBJECT : above;
    if (fits)
        return false;
    if (row || above)
        fault_add(b, ERR_PARSE_TYPE, row, err_row(ERR_PARSE_TYPE)->text);
    else if ((b->flags & HTTP_JSON_STRICT) != 0)
        fault_add(b, ERR_PARSE_UNKNOWN, NULL, err_row(ERR_PARSE_UNKNOWN)->text);
    return true;
}

static enum err bind_container(struct binding *b, const cJSON *container, bool quiet);

static enum err bind_item(struct binding *b, const cJSON *item, bool quiet)
{
    if (!cJSON_IsObject(item) && !cJSON_IsArray(item)) {
        bind_scalar(b, item, quiet);
        return ERR_OK;
    }
    return bind_container(b, item, quiet || container_quiet(b, item));
}

/* Depth is bounded by http_json_text_check. */
static enum err bind_container(struct binding *b, const cJSON *container, bool quiet)
{
    bool object = cJSON_IsObject(container);
    if (object)
        TRY(object_check(b->faults, container));
    size_t index = 0;
    for (const cJSON *item = container->child; item; item = item->next, index++) {
        size_t len = b->path_len;
        bool nameless = b->nameless;
        if (object)
            path_push_name(b, item->string);
        else
            path_push_index(b, index);
        TRY(bind_item(b, item, quiet));
        b->path_len = len;
        b->nameless = nameless;
    }
    return ERR_OK;
}

/* ---- what is missing ---- */

/* The row of the nearest object above, or NULL. */
static const struct wire_field *object_above(const struct wire_record *record, const struct wire_field *row)
{
    for (size_t len = strlen(row->name); len-- > 0;) {
        if (row->name[len] != '.' && row->name[len] != '[')
            continue;
        for (size_t i = 0; i < record->count; i++) {
            const struct wire_field *other = &record->field[i];
            if (other->kind == WIRE_OBJECT && strncmp(other->name, row->name, len) == 0 && other->name[len] == 0)
                return other;
        }
    }
    return NULL;
}

static void bind_missing(struct binding *b)
{
    for (size_t i = 0; i < b->record->count; i++) {
        const struct wire_field *row = &b->record->field[i];
        if (b->seen[i] || (row->flags & WIRE_OPTIONAL) != 0)
            continue;
        const struct wire_field *above = object_above(b->record, row);
        if (above && !b->seen[above - b->record->field])
            continue;
        b->path_len = 0;
        path_add(b, row->name, strlen(row->name));
        fault_add(b, ERR_PARSE_MISSING, row, err_row(ERR_PARSE_MISSING)->text);
    }
}

/* ---- the whole ---- */

static bool only_space(const char *at, const char *end)
{
    for (; at < end; at++)
        if (*at != ' ' && *at != '\t' && *at != '\n' && *at != '\r')
            return false;
    return true;
}

static enum err parse(struct span body, struct http_json_faults *faults, cJSON **out)
{
    if (body.len > HTTP_JSON_BODY_MAX)
        return fault_whole(faults, HTTP_ERR_BODY_TOO_LARGE, err_row(HTTP_ERR_BODY_TOO_LARGE)->text, HTTP_JSON_BODY_MAX);
    struct http_json_text_fault text;
    if (http_json_text_check(body, &text) != ERR_OK)
        return fault_whole(faults, ERR_PARSE_JSON, text.reason, text.offset);
    const char *start = (const char *)body.at;
    const char *end = start;
    cJSON *root = body.len > 0 ? cJSON_ParseWithLengthOpts(start, body.len, &end, false) : NULL;
    if (!root)
        return fault_whole(faults, ERR_PARSE_JSON, err_row(ERR_PARSE_JSON)->text, end ? (size_t)(end - start) : 0);
    bool trailing = !only_space(end, start + body.len);
    if (trailing || !cJSON_IsObject(root)) {
        cJSON_Delete(root);
        return fault_whole(faults, ERR_PARSE_JSON, trailing ? "text after the value" : "the body is not an object",
                           trailing ? (size_t)(end - start) : 0);
    }
    *out = root;
    return ERR_OK;
}

enum err http_json_bind(const struct wire_record *record, struct span body, unsigned flags, void *out,
                        struct http_json_faults *faults)
{
    struct http_json_faults own;
    ASSERT(record->count <= HTTP_JSON_ROWS_MAX);
    struct binding b = {.record = record, .body = body, .flags = flags, .out = out, .faults = faults ? faults : &own};
    b.faults->count = 0;
    memset(out, 0, record->size);
    cJSON *root = NULL;
    TRY(parse(body, b.faults, &root));
    enum err err = bind_container(&b, root, false);
    cJSON_Delete(root);
    if (err == ERR_OK)
        bind_missing(&b);
    if (b.faults->count == 0)
        return ERR_OK;
    if (err != ERR_OK || (flags & HTTP_JSON_KEEP) == 0)
        secret_wipe(out, record->size);
    return b.faults->at[0].err;
}

enum err http_json_integer(struct span text, int64_t min, int64_t max, int64_t *out)
{
    bool negative = text.len > 0 && text.at[0] == '-';
    uint64_t value = 0;
    if (span_decimal(span_slice(text, negative ? 1 : 0, text.len), &value) != ERR_OK)
        return ERR_PARSE_VALUE;
    int64_t whole = negative ? -(int64_t)value : (int64_t)value;
    if (whole < min || whole > max)
        return ERR_PARSE_VALUE;
    *out = whole;
    return ERR_OK;
}

bool http_json_true(struct span text)
{
    return span_is(text, "true");
}
