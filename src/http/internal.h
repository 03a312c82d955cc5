/* SPDX-License-Identifier: Apache-2.0 */
/* Shared inside the room; nobody else includes it. */
#ifndef HTTP_INTERNAL_H
#define HTTP_INTERNAL_H

#include "base/queue.h"
#include "http/http.h"
#include "http/peers.h"

#include <microhttpd.h>
#include <stdatomic.h>

enum {
    HTTP_TEXT_MAX = 10 * 1024, /* headers, query, decoded parameters */
    HTTP_PATH_MAX = 1024,
    HTTP_ANSWER_HEADERS_MAX = 12,
    HTTP_ANSWER_TEXT_MAX = 1024,
};

enum http_slot_state {
    HTTP_SLOT_FREE,
    HTTP_SLOT_READING, /* libmicrohttpd's threads fill it */
    HTTP_SLOT_WAITING, /* the connection is suspended, the slot in the queue */
    HTTP_SLOT_TAKEN,   /* with the service */
    HTTP_SLOT_REPLIED, /* the connection was resumed */
    HTTP_SLOT_SENDING,
};

enum http_pair_kind { HTTP_PAIR_HEADER, HTTP_PAIR_QUERY, HTTP_PAIR_PARAMETER };
struct http_pair {
    enum http_pair_kind kind;
    struct span name;
    struct span value;
};

struct http_answer_header {
    const char *name;
    const char *value;
};

struct http_slot {
    struct http_request request; /* first: the service's view of the slot */
    struct http *http;
    struct MHD_Connection *connection;
    _Atomic int state; /* enum http_slot_state */
    bool numbered;     /* request.index is its own, from hand-over to reply */
    bool known_path;   /* METHOD: the path exists */
    uint32_t allowed;  /* methods of the path, one bit each */
    size_t swallowed;  /* bytes of a body beyond the limit that were thrown away */
    struct buf body;
    struct buf text;
    struct buf answer;
    struct buf answer_text;
    struct http_pair pair[HTTP_HEADERS_MAX + HTTP_PARAMETERS_MAX];
    size_t pair_count;
    struct http_answer_header answer_header[HTTP_ANSWER_HEADERS_MAX];
    size_t answer_header_count;
    unsigned status;
    const char *content_type;
    uint8_t text_room[HTTP_TEXT_MAX];
    uint8_t path_room[HTTP_PATH_MAX];
    uint8_t answer_text_room[HTTP_ANSWER_TEXT_MAX];
};

struct http {
    struct http_config config;
    const struct env *env;
    struct MHD_Daemon *daemon;
    struct http_peers peers;
    struct queue free;    /* slots nobody uses: one for each connection */
    struct queue numbers; /* of requests in flight that nobody uses, each plus 1 */
    struct queue arrived; /* requests for the service */
    struct http_slot *slot;
    uint8_t *bodies;
    uint8_t *answers;
};

/* route.c: finds mount and row, fills parameters; request.err says what was wrong. */
void http_route_match(struct http_slot *slot);
/* Appends "GET, HEAD, ..." for a bit set of methods. */
void http_allow_put(uint32_t allowed, struct buf *out);

/* request.c */
struct http_slot *http_slot_of(const struct http_request *request);
/* Copies path, headers and query; on trouble request.err is set. */
void http_slot_fill(struct http_slot *slot, const char *url, const char *method);
/* %XX into bytes, into the slot's text; false for a bad escape or an encoded NUL. */
bool http_slot_decode(struct http_slot *slot, struct span raw, struct span *out);
void http_slot_pair(struct http_slot *slot, enum http_pair_kind kind, struct span name, struct span value);
void http_slot_wipe(struct http_slot *slot);

/* The number goes to another request from now on. */
void http_slot_unnumber(struct http_slot *slot);

/* handler.c: callbacks of libmicrohttpd */
enum MHD_Result http_handle(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                            const char *version, const char *upload, size_t *upload_len, void **request_context);
void http_completed(void *context, struct MHD_Connection *connection, void **request_context, enum MHD_RequestTerminationCode why);

#endif
