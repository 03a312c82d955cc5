/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A face: one public API of the gateway, as a table of functions.
 *
 * Purpose    A face authenticates, reads a request into the core's words, and writes the answer. It decides nothing about a
 *            payment. The core calls the functions below and knows no face; whoever starts the gateway passes the list of faces.
 * Ownership  A face is a static row. Its memory for one request is `request`, request_size bytes in locked pages, zeroed; it is the
 *            face's from `identify` until `forget`. `struct gateway_exchange` is the core's and is lent for each call.
 * Threading  The loop's thread.
 * Failure    What the client did wrong is a fault in `exchange->faults`, never an `enum err`.
 * Order      identify, authenticate, parse, check, digest, open, pay, then answer or error, forget. After a fault the functions in
 *            between are left out; error and forget are always called.
 * Card data  Free text of the client is stored and told again: a face refuses a card number in it (card_text_has_number), and the
 *            core one in request_id.
 * Secrets    `parse` moves card number and code into `request`, `pay` moves them on and wipes them there. `forget` leaves nothing.
 *
 * Example (a face of two calls stands in tests/support/plain_face.c)
 *     static const struct gateway_face *const faces[] = {&one_face, &other_face};
 *     const struct gateway_faces list = {faces, 2};
 *     mount_count = gateway_mounts(&list, mount, HTTP_MOUNTS);
 */
#ifndef GATEWAY_FACE_H
#define GATEWAY_FACE_H

#include "gateway/fault.h"
#include "gateway/merchants.h"
#include "gateway/operation.h"
#include "gateway/payment.h"
#include "http/http.h"

enum { GATEWAY_REQUEST_ID_MAX = 64, GATEWAY_KEY_ID_MAX = 64, GATEWAY_FACES_MAX = 4, GATEWAY_MOUNTS_MAX = 8 };

struct gateway_face;

/* A key for encrypted card blocks, as it is told to a merchant. */
struct gateway_key_answer {
    const char *key_id;
    struct span public_text; /* base64 SubjectPublicKeyInfo; empty: not told again */
    int64_t valid_from_ms;
    int64_t valid_to_ms;
    bool active; /* false: revoked */
};

/* What became of authenticate. A client is told of one failure only; the log says which it was. */
/* clang-format off */
#define GATEWAY_AUTHENTICATION_LIST(X) \
    X(DONE,     "done")     /* `merchant` is set */ \
    X(KEY,      "key")      /* who asks is not known */ \
    X(MAC,      "mac")      /* or not proven */ \
    X(TIME,     "time")     /* signed at another time than now, or at none */ \
    X(TYPE,     "type")     /* in a way that is not taken here */ \
    X(REPLAYED, "replayed") /* the core's: what was signed was another request */
/* clang-format on */
enum gateway_authentication {
#define GATEWAY_ENUM(name, text) GATEWAY_AUTHENTICATION_##name,
    GATEWAY_AUTHENTICATION_LIST(GATEWAY_ENUM)
#undef GATEWAY_ENUM
};
const char *gateway_authentication_text(enum gateway_authentication authentication);

/* What a face's authenticate found, of a face whose clients sign each request. A signature is good for one request. */
struct gateway_signature {
    uint8_t mac[32];
    int64_t at_ms; /* when it was signed, as the client says; 0: the face has no signatures */
};

/* One request, as the core and its face see it. */
struct gateway_exchange {
    struct http_request *http; /* NULL once it is answered */
    const struct gateway_face *face;
    uint16_t call; /* `handler` of the route; the face's own */
    enum gateway_operation operation;
    void *request;
    const struct gateway_merchant *merchant; /* NULL until it is authenticated */
    char trace_id[33];                       /* 32 lowercase hexadecimal digits; also the payment's id */
    struct span request_id;                  /* of the client, for idempotency; empty: none that can be used */
    struct gateway_signature signature;
    int64_t now_ms;         /* when it was taken */
    unsigned status;        /* of the answer */
    unsigned retry_after_s; /* told with it; 0: not told */
    struct gateway_faults faults;
    struct gateway_payment payment;
    struct gateway_key_answer key;
};

/* What a request says, beyond its payment. Spans point into the face's request memory. */
enum gateway_origin { GATEWAY_ORIGIN_INTERNET, GATEWAY_ORIGIN_ORDER, GATEWAY_ORIGIN_TILL };
struct gateway_order {
    struct span merchant_id; /* empty: not said */
    struct span terminal_id;
    bool sealed;        /* the card comes as `block`, under key `key_id` */
    struct span key_id; /* of the block, or the one to revoke */
    struct span block;  /* base64 */
    enum gateway_origin origin;
};

/* What a face calls the fields that the core finds fault with; NULL: it has none of the kind. */
enum gateway_field { GATEWAY_FIELD_MERCHANT, GATEWAY_FIELD_TERMINAL, GATEWAY_FIELD_KEY, GATEWAY_FIELD_BLOCK, GATEWAY_FIELD_COUNT };

struct gateway_face {
    const char *name; /* of claims and records: never changed once it was used */
    const struct http_route *route;
    size_t routes;
    const enum gateway_operation *operation; /* by `handler` of the route */
    const char *const *prefix;               /* each makes a mount of the routes */
    size_t prefixes;
    const char *busy_body; /* when there is no room for a request */
    const char *content_type;
    const char *trace_header; /* NULL: none */
    const char *field[GATEWAY_FIELD_COUNT];
    size_t request_size;

    /* Sets request_id, if the client sent one that can be used. Also for a request that the HTTP server found fault with. */
    void (*identify)(struct gateway_exchange *x);
    /* Over exactly the bytes received. What is wrong with other headers is a fault. */
    enum gateway_authentication (*authenticate)(struct gateway_exchange *x, const struct gateway_merchants *merchants,
                                                int64_t clock_window_ms);
    /* False: it could not be read, and the faults say why. Also true with faults in single fields. */
    bool (*parse)(struct gateway_exchange *x, struct gateway_order *out);
    /* What can be said before the card is known. */
    void (*check)(struct gateway_exchange *x);
    /* What a repeat of the request is compared with, after `pay`: the code left out, the number as `fingerprint` (NULL: there is
     * none), what was encrypted as what it says. */
    MUST_USE enum err (*digest)(const struct gateway_exchange *x, const uint8_t *fingerprint, uint8_t out[static 32]);
    /* What the encrypted block held. Its list of fields being wrong is GATEWAY_FAULT_ENCRYPTION. */
    void (*open)(struct gateway_exchange *x, struct span plain);
    /* Number, expiry, code and amount into the payment; faults in the order in which they shall be told. */
    void (*pay)(struct gateway_exchange *x, struct gateway_payment_secret *secret);
    /* NULL: none. For a merchant of the sandbox, after `pay`: whether the face's published test values say what becomes of the
     * payment. That is put into it, and no network sees it. */
    bool (*simulate)(struct gateway_exchange *x, const struct gateway_payment_secret *secret);
    /* The answer's body and status. */
    MUST_USE enum err (*answer)(struct gateway_exchange *x, struct buf *body);
    void (*error)(struct gateway_exchange *x, struct buf *body);
    void (*forget)(void *request);
};

struct gateway_faces {
    const struct gateway_face *const *face;
    size_t count;
};

/* The routes of every face, for http_create: at most `cap`, GATEWAY_MOUNTS_MAX are enough. */
size_t gateway_mounts(const struct gateway_faces *faces, struct http_mount *out, size_t cap);
/* The face a request belongs to; one that fits no mount belongs to the first. */
const struct gateway_face *gateway_face_of(const struct gateway_faces *faces, const struct http_request *http);
/* Walks the rows: functions, names, operations of the routes. */
MUST_USE enum err gateway_faces_check(const struct gateway_faces *faces);

#endif
