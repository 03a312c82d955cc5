/* SPDX-License-Identifier: Apache-2.0 */
/* An HTTP server with a service behind it, and a client that sends what it is told, for the tests of the adapter. */
#ifndef SUPPORT_HTTP_LAB_H
#define SUPPORT_HTTP_LAB_H

#include "http/http.h"

#include <pthread.h>
#include <stdatomic.h>

#define HOST "Host: x\r\n"

extern const struct http_mount http_lab_mount[2]; /* "" and /ch, which answers busy in its own words */

struct service {
    struct env env;
    struct http *http;
    pthread_t thread;
    int wake[2];
    atomic_bool stop;
    atomic_bool release;
    atomic_int held;
};
struct service *start_with(struct http_config config);
struct service *start(void);
void stop(struct service *s);

int dial(const struct service *s);
void say_bytes(int fd, const void *at, size_t len);
void say(int fd, const char *text);

struct reply {
    int status;
    char head[4096];
    char body[70000];
    size_t body_len;
};
/* Bytes of the reply after the next. */
struct ear {
    char at[80000];
    size_t len;
};
/* The value of a header, up to the end of the head; NULL if absent. */
const char *header(const struct reply *r, const char *name);
/* One reply; false when the server closed. */
bool hear_next(int fd, struct ear *ear, bool head_only, struct reply *r);
/* On a connection of its own; the reply is static. */
struct reply *ask_as(const struct service *s, const char *text, bool head_only);
struct reply *ask(const struct service *s, const char *text);

#endif
