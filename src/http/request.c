/* SPDX-License-Identifier: Apache-2.0 */
/* What the service sees of a slot. */
#include "base/secret.h"
#include "http/error.h"
#include "http/internal.h"

#include <string.h>
#include <strings.h>

struct http_slot *http_slot_of(const struct http_request *request)
{
    return (struct http_slot *)(uintptr_t)request; /* request is the first member */
}

/* ---- filling ---- */

static struct span keep(struct http_slot *slot, struct span s)
{
    size_t start = slot->text.len;
    buf_put_span(&slot->text, s);
    if (buf_done(&slot->text) != ERR_OK) {
        slot->request.err = HTTP_ERR_HEADERS_TOO_LARGE;
        return (struct span){0};
    }
    return span_of(slot->text.at + start, s.len);
}

void http_slot_pair(struct http_slot *slot, enum http_pair_kind kind, struct span name, struct span value)
{
    size_t max = kind == HTTP_PAIR_PARAMETER ? HTTP_HEADERS_MAX + HTTP_PARAMETERS_MAX : HTTP_HEADERS_MAX;
    if (slot->pair_count >= max) {
        slot->request.err = HTTP_ERR_HEADERS_TOO_LARGE;
        return;
    }
    slot->pair[slot->pair_count++] = (struct http_pair){kind, name, value};
}

bool http_slot_decode(struct http_slot *slot, struct span raw, struct span *out)
{
    size_t start = slot->text.len;
    for (size_t i = 0; i < raw.len; i++) {
        uint8_t c = raw.at[i];
        if (c == '%') {
            if (span_unhex(span_slice(raw, i + 1, 2), &c, 1) != ERR_OK || raw.len - i < 3 || c == 0)
                return false;
            i += 2;
        }
        buf_put_byte(&slot->text, c);
    }
    if (buf_done(&slot->text) != ERR_OK) {
        slot->request.err = HTTP_ERR_HEADERS_TOO_LARGE;
        return false;
    }
    *out = span_of(slot->text.at + start, slot->text.len - start);
    return true;
}

static enum MHD_Result header_each(void *context, enum MHD_ValueKind kind, const char *name, const char *value)
{
    (void)kind;
    struct http_slot *slot = context;
    http_slot_pair(slot, HTTP_PAIR_HEADER, keep(slot, span_text(name)), keep(slot, span_text(value ? value : "")));
    return MHD_YES;
}

static enum MHD_Result query_each(void *context, enum MHD_ValueKind kind, const char *name, const char *value)
{
    (void)kind;
    struct http_slot *slot = context;
    struct span plain_name;
    struct span plain_value;
    if (http_slot_decode(slot, span_text(name), &plain_name) && http_slot_decode(slot, span_text(value ? value : ""), &plain_value))
        http_slot_pair(slot, HTTP_PAIR_QUERY, plain_name, plain_value);
    else if (slot->request.err == ERR_OK)
        slot->request.err = ERR_PARSE_CHARACTER;
    return MHD_YES;
}

static enum http_method method_of(const char *text)
{
    for (enum http_method m = HTTP_GET; m < HTTP_OTHER; m++)
        if (strcmp(text, http_method_text(m)) == 0)
            return m;
    return HTTP_OTHER;
}

/* RFC 3986: visible ASCII, and every % starts an escape. */
static bool path_sound(struct span path)
{
    uint8_t byte = 0;
    for (size_t i = 0; i < path.len; i++) {
        uint8_t c = path.at[i];
        if (c <= 0x20 || c >= 0x7F)
            return false;
        if (c == '%' && (path.len - i < 3 || span_unhex(span_slice(path, i + 1, 2), &byte, 1) != ERR_OK || byte == 0))
            return false;
    }
    return true;
}

void http_slot_fill(struct http_slot *slot, const char *url, const char *method)
{
    struct http_request *request = &slot->request;
    struct buf path = buf_over(slot->path_room, sizeof slot->path_room);
    buf_put_text(&path, url);
    request->path = buf_span(&path);
    request->method = method_of(method);
    if (buf_done(&path) != ERR_OK) {
        request->path.len = 0;
        request->err = HTTP_ERR_HEADERS_TOO_LARGE;
        return;
    }
    MHD_get_connection_values(slot->connection, MHD_HEADER_KIND, header_each, slot);
    if (request->err == ERR_OK && !path_sound(request->path))
        request->err = ERR_PARSE_CHARACTER;
    if (request->err == ERR_OK)
        MHD_get_connection_values(slot->connection, MHD_GET_ARGUMENT_KIND, query_each, slot);
    if (request->err == ERR_OK)
        http_route_match(slot);
}

void http_slot_wipe(struct http_slot *slot)
{
    secret_wipe(slot->body.at, slot->body.len);
    secret_wipe(slot->answer.at, slot->answer.len);
    secret_wipe(slot->text_room, slot->text.len);
    secret_wipe(slot->answer_text_room, slot->answer_text.len);
    slot->pair_count = 0;
    slot->answer_header_count = 0;
    slot->connection = NULL;
}

/* ---- reading ---- */

static struct span find(const struct http_request *request, enum http_pair_kind kind, const char *name)
{
    const struct http_slot *slot = http_slot_of(request);
    size_t len = strlen(name);
    for (size_t i = 0; i < slot->pair_count; i++) {
        const struct http_pair *pair = &slot->pair[i];
        if (pair->kind != kind || pair->name.len != len)
            continue;
        const char *have = (const char *)pair->name.at;
        if (kind == HTTP_PAIR_HEADER ? strncasecmp(have, name, len) == 0 : strncmp(have, name, len) == 0)
            return pair->value;
    }
    return (struct span){0};
}

struct span http_header(const struct http_request *request, const char *name)
{
    return find(request, HTTP_PAIR_HEADER, name);
}

bool http_header_repeated(const struct http_request *request, const char *name)
{
    const struct http_slot *slot = http_slot_of(request);
    size_t count = 0;
    for (size_t i = 0; i < slot->pair_count; i++) {
        const struct http_pair *pair = &slot->pair[i];
        count += pair->kind == HTTP_PAIR_HEADER && pair->name.len == strlen(name) &&
                 strncasecmp((const char *)pair->name.at, name, pair->name.len) == 0;
    }
    return count > 1;
}

struct span http_parameter(const struct http_request *request, const char *name)
{
    return find(request, HTTP_PAIR_PARAMETER, name);
}

struct span http_query(const struct http_request *request, const char *name)
{
    return find(request, HTTP_PAIR_QUERY, name);
}

bool http_is_json(const struct http_request *request)
{
    static const char json[] = "application/json";
    struct span type = http_header(request, "Content-Type");
    if (type.len < sizeof json - 1 || strncasecmp((const char *)type.at, json, sizeof json - 1) != 0)
        return false;
    uint8_t next = type.len > sizeof json - 1 ? type.at[sizeof json - 1] : ';';
    return next == ';' || next == ' ' || next == '\t';
}

/* ---- answering ---- */

struct buf *http_body(struct http_request *request)
{
    return &http_slot_of(request)->answer;
}

static bool header_safe(struct span value)
{
    for (size_t i = 0; i < value.len; i++)
        if (value.at[i] < 0x20 || value.at[i] == 0x7F)
            return false;
    return true;
}

void http_put_header(struct http_request *request, const char *name, struct span value)
{
    struct http_slot *slot = http_slot_of(request);
    struct buf *text = &slot->answer_text;
    bool room = slot->answer_header_count < HTTP_ANSWER_HEADERS_MAX && value.len + 1 <= text->cap - text->len;
    if (!room || !header_safe(value))
        return;
    const char *kept = (const char *)text->at + text->len;
    buf_put_span(text, value);
    buf_put_byte(text, 0);
    slot->answer_header[slot->answer_header_count++] = (struct http_answer_header){name, kept};
}

void http_reply(struct http_request *request, unsigned status, const char *content_type)
{
    struct http_slot *slot = http_slot_of(request);
    struct MHD_Connection *connection = slot->connection;
    int state = atomic_load(&slot->state);
    ASSERT(state == HTTP_SLOT_TAKEN || state == HTTP_SLOT_WAITING);
    bool fits = buf_done(&slot->answer) == ERR_OK;
    slot->status = fits ? status : MHD_HTTP_INTERNAL_SERVER_ERROR;
    slot->content_type = fits ? content_type : NULL;
    if (!fits)
        secret_wipe(slot->answer.at, slot->answer.cap);
    if (!fits)
        buf_clear(&slot->answer);
    http_slot_unnumber(slot);
    atomic_store(&slot->state, HTTP_SLOT_REPLIED);
    MHD_resume_connection(connection);
}
