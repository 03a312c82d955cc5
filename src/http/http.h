/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/1.1 server: requests come in as batches, answers go out whenever the service has them.
 *
 * Purpose    An adapter over libmicrohttpd. Its threads read a request into a slot (method, path, headers, body exactly as
 *            received), match it against rows of routes, park the connection and put the slot into a queue. The service takes what
 *            has arrived as one batch, and later, from its own loop, answers with http_reply, which wakes the connection.
 * Ownership  The server owns its slots. A request belongs to the service from http_take until http_reply, which must happen exactly
 *            once; spans into it are valid that long. Route tables, mounts and the config's texts are the caller's and outlive it.
 * Threading  One thread takes, writes and replies; the server's own threads touch a slot only before http_take and after
 *            http_reply.
 * Failure    What the server itself finds wrong (no such path, method, body too large, bad percent-encoding, headers too long) does
 *            not answer by itself: the request is delivered with `err` set, so that each face answers in its own error format. Only
 *            when no slot is free does the server answer alone: 503 with the mount's `busy_body`.
 * Limits     Body 64 KiB, headers 8 KiB or 64, path 1 KiB, 8 path parameters, answer body HTTP_ANSWER_MAX, 12 answer headers. One
 *            of the `slots` is taken when a request is complete. A request that is not complete in time is answered 408 (over TLS:
 *            cut). When an address has `unfinished_per_address` such connections, or all together have 15 of 16 places, the oldest
 *            of them is cut for the next one. `connections` is less where RLIMIT_NOFILE is.
 * Secrets    Bodies and answers are wiped when the request ends, and so is the library's own buffer after each copy out of it.
 * Always     Cache-Control: no-store and X-Content-Type-Options: nosniff on every answer. HEAD is served by the GET row, unless the
 *            row says HTTP_NO_HEAD. OPTIONS on a known path is answered 204 with Allow by the server.
 *
 * Example
 *     static const struct http_route route[] = {
 *         {HTTP_GET, "/v2/issuers/{issuerId}/cards/{cardId}", .handler = 3, .doc = "a card, masked"},
 *     };
 *     static const struct http_mount mount[] = {{.prefix = "", .route = route, .count = 1}};
 *     struct http_config config = {.address = "127.0.0.1", .port = 8081, .mount = mount, .mount_count = 1, .wake = wake};
 *     TRY(http_create(&config, env, &http));
 *     ...
 *     struct http_request *batch[64];
 *     size_t n = http_take(http, batch, 64);
 *     for (size_t i = 0; i < n; i++) {
 *         buf_put_text(http_body(batch[i]), "{}");
 *         http_reply(batch[i], 200, "application/json");
 *     }
 */
#ifndef HTTP_H
#define HTTP_H

#include "base/buf.h"
#include "base/confine.h"
#include "base/env.h"
#include "wire/wire.h"

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_PUT, HTTP_PATCH, HTTP_DELETE, HTTP_OPTIONS, HTTP_OTHER };
enum {
    HTTP_BODY_MAX = 64 * 1024,
    HTTP_ANSWER_MAX = 64 * 1024,
    HTTP_HEADERS_MAX = 64,
    HTTP_PARAMETERS_MAX = 8,
};

enum http_route_flag {
    HTTP_NO_HEAD = 1 << 0, /* a GET with an effect */
};

struct http_route {
    enum http_method method;
    const char *path;               /* segments; {name} matches one segment, of any content but empty */
    uint16_t handler;               /* the service's index */
    uint16_t flags;                 /* enum http_route_flag */
    uint32_t roles;                 /* the service's bits */
    const struct wire_record *body; /* the JSON body, for http_json_bind and the reference; NULL: none */
    const char *doc;
};

/* A face: a table of routes under a prefix ("" or "/ch"). The longest prefix that fits decides. */
struct http_mount {
    const char *prefix;
    const struct http_route *route;
    size_t count;
    const char *busy_body; /* NULL: problem+json */
    const char *busy_content_type;
};

struct http_config {
    const char *address;              /* numeric; NULL: 127.0.0.1 */
    uint16_t port;                    /* 0: any, see http_port */
    uint16_t threads;                 /* 0: 2 */
    uint32_t connections;             /* 0: 1,000 */
    uint32_t connections_per_address; /* 0: no limit of its own */
    uint32_t slots;                   /* complete requests in flight; 0: 512 */
    uint32_t unfinished_per_address;  /* connections of an address whose request is not complete; 0: 256 */
    uint32_t idle_timeout_s;          /* silence of a connection; 0: 10 */
    uint32_t head_timeout_ms;         /* from the connection, with its handshake, to the last header; 0: 10,000 */
    uint32_t body_timeout_ms;         /* from the last header to the last byte of the body; 0: 10,000 */
    const char *certificate_path;     /* PEM; with key_path: TLS 1.2 and later only */
    const char *key_path;
    const struct http_mount *mount;
    size_t mount_count;
    void (*wake)(void *context); /* called from any thread when requests wait; see base/queue.h */
    void *wake_context;
};

struct http_request {
    enum err err; /* not ERR_OK: answer with this; NOT_FOUND, METHOD, BODY_TOO_LARGE, PARSE_CHARACTER, HEADERS_TOO_LARGE */
    enum http_method method;        /* HTTP_HEAD is given as HTTP_GET */
    const struct http_mount *mount; /* NULL if no prefix fits */
    const struct http_route *route; /* NULL if err */
    struct span path;               /* as received, with the prefix, without the query */
    struct span body;               /* exactly as received */
    uint32_t index;                 /* of the slot: 0..slots-1, for parallel arrays */
    int64_t arrived_us;             /* monotonic, when the headers were complete */
    void *context;                  /* the service's; NULL when taken */
};

struct http;

/* Listens when it returns. `env` outlives the server. */
MUST_USE enum err http_create(const struct http_config *config, const struct env *env, struct http **out);
/* What the process keeps for the server when it locks itself in, besides the sets of base/confine.h. */
extern const struct confine_set http_calls;
/* Stops listening; requests already here are still taken and answered. */
void http_quiesce(struct http *http);
/* Answers 503 to what is left, closes all connections. The service no longer runs. */
void http_destroy(struct http *http);
uint16_t http_port(const struct http *http);

/* Everything that has arrived, at most `max` and 256; does not wait; what is left makes the wake hook fire again. */
size_t http_take(struct http *http, struct http_request **out, size_t max);

/* ---- reading; absent: at = NULL, len = 0 ---- */
/* First header of that name, whatever its case. */
struct span http_header(const struct http_request *request, const char *name);
/* A second one is there. */
bool http_header_repeated(const struct http_request *request, const char *name);
/* A {name} of the route's path, percent-decoded. */
struct span http_parameter(const struct http_request *request, const char *name);
/* A query argument, percent-decoded. */
struct span http_query(const struct http_request *request, const char *name);
/* Content-Type is application/json, parameters ignored. */
bool http_is_json(const struct http_request *request);
const char *http_method_text(enum http_method method);

/* ---- answering ---- */
/* The answer body to be filled in; its sticky error turns the answer into a 500 without a body. */
struct buf *http_body(struct http_request *request);
/* `name` is static; the value is copied. A value with a control character or beyond the room is left out. */
void http_put_header(struct http_request *request, const char *name, struct span value);
/* Ends the service's hold on the request. `content_type` is static; NULL with an empty body. */
void http_reply(struct http_request *request, unsigned status, const char *content_type);

/* Walks the rows of all mounts: paths, parameters, doubles, body records. Called by http_create and by tests. */
MUST_USE enum err http_check(const struct http_mount *mount, size_t count);
/* Markdown tables of the rows and of their bodies. */
void http_document(const struct http_mount *mount, size_t count, struct buf *out);

#endif
