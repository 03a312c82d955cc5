/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocking clients of the story's narrator: HTTP and host commands, over loopback.
 *
 * Purpose    What a merchant's shop, an issuer's app and an HSM console would do, as small as it can be.
 * Ownership  Answers are written into the caller's buffers.
 * Threading  One thread; calls wait, at most SANDBOX_WAIT_MS.
 * Failure    ERR_LINK_UNAVAILABLE: nobody listens; ERR_TIMEOUT; ERR_FRAME: the answer is not understood.
 * Limits     HTTP/1.1 with Content-Length or until close, no chunks.
 */
#ifndef SANDBOX_NET_H
#define SANDBOX_NET_H

#include "base/buf.h"
#include "hostcmd/commands.h"

enum { SANDBOX_WAIT_MS = 10000 };

struct sandbox_http {
    const char *method;
    uint16_t port;
    const char *path;
    struct span headers; /* complete lines with CR LF */
    struct span body;
};
/* The body of the answer is appended to `body`; *status is its HTTP status. */
MUST_USE enum err sandbox_http_call(const struct sandbox_http *call, unsigned *status, struct buf *body);
/* GET of an admin page: true if it answers 200 and holds `text`. */
bool sandbox_http_says(uint16_t port, const char *path, const char *text);

/* One host command on a connection of its own; an answer other than 00 is its error. */
MUST_USE enum err sandbox_hsm_call(uint16_t port, enum hostcmd_id id, const void *request, void *reply);

/* A connection to 127.0.0.1, with both time limits set; closed by the caller. */
MUST_USE enum err sandbox_connect(uint16_t port, int *out);

#endif
