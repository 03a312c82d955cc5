/* SPDX-License-Identifier: Apache-2.0 */
/* libmicrohttpd's side of a slot: read, suspend, and after the reply, send. */
#include "base/secret.h"
#include "http/error.h"
#include "http/internal.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char busy_problem[] = "{\"type\":\"urn:countersign:problem:busy\",\"title\":\"all slots are in use\",\"status\":503,"
                                   "\"code\":\"busy\"}";

static void put_common_headers(struct MHD_Response *response)
{
    MHD_add_response_header(response, "Cache-Control", "no-store");
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
}

static enum MHD_Result send_response(struct MHD_Connection *connection, unsigned status, struct MHD_Response *response)
{
    if (!response)
        return MHD_NO;
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

/* The answer's bytes stay in the slot, which http_completed wipes after libmicrohttpd has sent them. */
static enum MHD_Result send_answer(struct http_slot *slot)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(slot->answer.len, slot->answer.at, MHD_RESPMEM_PERSISTENT);
    if (!response)
        return MHD_NO;
    put_common_headers(response);
    if (slot->content_type)
        MHD_add_response_header(response, "Content-Type", slot->content_type);
    for (size_t i = 0; i < slot->answer_header_count; i++)
        MHD_add_response_header(response, slot->answer_header[i].name, slot->answer_header[i].value);
    atomic_store(&slot->state, HTTP_SLOT_SENDING);
    return send_response(slot->connection, slot->status, response);
}

/* No slot is free: the one answer that the server gives alone, in the format of the face. */
static enum MHD_Result send_busy(struct MHD_Connection *connection, const struct http_mount *best)
{
    bool own = best && best->busy_body;
    const char *body = own ? best->busy_body : busy_problem;
    struct MHD_Response *response = MHD_create_response_from_buffer(strlen(body), (void *)(uintptr_t)body, MHD_RESPMEM_PERSISTENT);
    if (!response)
        return MHD_NO;
    put_common_headers(response);
    MHD_add_response_header(response, "Content-Type", own ? best->busy_content_type : "application/problem+json");
    MHD_add_response_header(response, "Retry-After", "1");
    return send_response(connection, MHD_HTTP_SERVICE_UNAVAILABLE, response);
}

static void put_allow(struct http_slot *slot)
{
    uint8_t room[64];
    struct buf allow = buf_over(room, sizeof room);
    http_allow_put(slot->allowed, &allow);
    http_put_header(&slot->request, "Allow", buf_span(&allow));
}

/* One of the slots for complete requests, if there is one. */
static bool number(struct http_slot *slot)
{
    void *number = NULL;
    if (queue_take(&slot->http->numbers, &number, 1) == 0)
        return false;
    slot->request.index = (uint32_t)((uintptr_t)number - 1);
    slot->numbered = true;
    return true;
}

void http_slot_unnumber(struct http_slot *slot)
{
    if (!slot->numbered)
        return;
    slot->numbered = false;
    enum err err = queue_put(&slot->http->numbers, (void *)((uintptr_t)slot->request.index + 1)); /* as many places as numbers */
    ASSERT(err == ERR_OK);
}

/* Suspends first: the service may answer before this function returns. */
static enum MHD_Result hand_over(struct http_slot *slot)
{
    struct http_request *request = &slot->request;
    request->body = buf_span(&slot->body);
    if (request->err == HTTP_ERR_METHOD)
        put_allow(slot);
    if (request->err == HTTP_ERR_METHOD && request->method == HTTP_OPTIONS) {
        slot->status = MHD_HTTP_NO_CONTENT;
        return send_answer(slot);
    }
    if (!number(slot))
        return send_busy(slot->connection, request->mount);
    struct MHD_Connection *connection = slot->connection;
    http_peers_phase(&slot->http->peers, connection, HTTP_PEER_SERVED);
    MHD_suspend_connection(connection);
    atomic_store(&slot->state, HTTP_SLOT_WAITING);
    if (queue_put(&slot->http->arrived, slot) == ERR_OK)
        return MHD_YES;
    buf_put_text(&slot->answer, busy_problem); /* the queue was closed: the server is going down */
    http_reply(request, MHD_HTTP_SERVICE_UNAVAILABLE, "application/problem+json");
    return MHD_YES;
}

static void slot_begin(struct http_slot *slot, struct MHD_Connection *connection)
{
    struct http *http = slot->http;
    size_t index = (size_t)(slot - http->slot);
    slot->request = (struct http_request){.arrived_us = env_monotonic_us(http->env)};
    slot->connection = connection;
    slot->numbered = false;
    slot->allowed = 0;
    slot->swallowed = 0;
    slot->status = 0;
    slot->content_type = NULL;
    slot->body = buf_over(http->bodies + index * HTTP_BODY_MAX, HTTP_BODY_MAX);
    slot->answer = buf_over(http->answers + index * HTTP_ANSWER_MAX, HTTP_ANSWER_MAX);
    slot->text = buf_over(slot->text_room, sizeof slot->text_room);
    slot->answer_text = buf_over(slot->answer_text_room, sizeof slot->answer_text_room);
    atomic_store(&slot->state, HTTP_SLOT_READING);
}

/* A Content-Length beyond the limit: nothing of the body is read, and libmicrohttpd closes the connection after the answer. */
static bool declared_too_large(const struct http_slot *slot)
{
    struct span declared = http_header(&slot->request, "Content-Length");
    uint64_t len = 0;
    if (declared.len == 0)
        return false;
    return span_decimal(declared, &len) != ERR_OK || len > HTTP_BODY_MAX;
}

static bool is_named(const struct http_pair *pair, const char *name)
{
    return pair->name.len == strlen(name) && strncasecmp((const char *)pair->name.at, name, pair->name.len) == 0;
}

/* Whoever stands in front of us may have read the length from the other header, and the rest as a request of its own. Nothing of
 * the body is read, and libmicrohttpd closes the connection after the answer (RFC 9112, 6.3). */
static bool framed_twice(const struct http_slot *slot)
{
    size_t lengths = 0, codings = 0;
    for (size_t i = 0; i < slot->pair_count; i++) {
        const struct http_pair *pair = &slot->pair[i];
        if (pair->kind != HTTP_PAIR_HEADER)
            continue;
        lengths += is_named(pair, "Content-Length");
        codings += is_named(pair, "Transfer-Encoding");
    }
    return lengths + codings > 1;
}

static enum MHD_Result first_call(struct http *http, struct MHD_Connection *connection, const char *url, const char *method,
                                  void **request_context)
{
    void *free_slot = NULL;
    if (queue_take(&http->free, &free_slot, 1) == 0)
        return send_busy(connection, NULL);
    struct http_slot *slot = free_slot;
    *request_context = slot;
    slot_begin(slot, connection);
    http_slot_fill(slot, url, method);
    if (framed_twice(slot)) {
        slot->request.err = HTTP_ERR_FRAMING;
        return hand_over(slot);
    }
    http_peers_phase(&http->peers, connection, HTTP_PEER_BODY);
    if (!declared_too_large(slot))
        return MHD_YES;
    slot->request.err = HTTP_ERR_BODY_TOO_LARGE;
    return hand_over(slot);
}

/* libmicrohttpd lends its own read buffer: what was in it is wiped before it is used again. */
static enum MHD_Result take_body(struct http_slot *slot, const char *upload, size_t *upload_len)
{
    if (*upload_len <= slot->body.cap - slot->body.len && slot->request.err != HTTP_ERR_BODY_TOO_LARGE) {
        buf_put(&slot->body, upload, *upload_len);
    } else {
        slot->request.err = HTTP_ERR_BODY_TOO_LARGE;
        slot->swallowed += *upload_len;
    }
    secret_wipe((void *)(uintptr_t)upload, *upload_len);
    *upload_len = 0;
    return slot->swallowed > HTTP_BODY_MAX ? MHD_NO : MHD_YES;
}

enum MHD_Result http_handle(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                            const char *version, const char *upload, size_t *upload_len, void **request_context)
{
    (void)version;
    struct http_slot *slot = *request_context;
    if (!slot)
        return first_call(context, connection, url, method, request_context);
    if (atomic_load(&slot->state) == HTTP_SLOT_REPLIED)
        return send_answer(slot);
    if (*upload_len > 0)
        return take_body(slot, upload, upload_len);
    return hand_over(slot);
}

void http_completed(void *context, struct MHD_Connection *connection, void **request_context, enum MHD_RequestTerminationCode why)
{
    (void)why;
    struct http *http = context;
    struct http_slot *slot = *request_context;
    *request_context = NULL;
    http_peers_phase(&http->peers, connection, HTTP_PEER_HEAD);
    if (!slot)
        return;
    http_slot_wipe(slot);
    atomic_store(&slot->state, HTTP_SLOT_FREE);
    enum err err = queue_put(&http->free, slot); /* as many places as slots */
    ASSERT(err == ERR_OK);
}
