/* SPDX-License-Identifier: Apache-2.0 */
/* A gateway in this process, over real HTTP, with an SQLite store and a network that a thread plays. */
#ifndef SUPPORT_GATEWAY_WORLD_H
#define SUPPORT_GATEWAY_WORLD_H

#include "gateway/gateway.h"
#include "gateway/statements.h"
#include "store/store.h"

#include <stdatomic.h>

#define GATEWAY_WORLD_USER "user"
#define GATEWAY_WORLD_PASSWORD "a password"

struct gateway_world;

/* `store_ms` as in gateway_config. */
struct gateway_world *gateway_world_open(const struct gateway_faces *faces, int64_t store_ms);
void gateway_world_close(struct gateway_world *w);

/* One request, on a connection of its own. `headers`: lines that end in CR LF. The status; the answer's body as text. */
int gateway_world_ask(struct gateway_world *w, const char *path, const char *headers, const char *body, char answer[static 4096]);
/* Rows that a statement which counts gives for `state`. */
int64_t gateway_world_count(struct gateway_world *w, const struct store_row *row, const char *state);
/* Nobody can write until the second call. */
void gateway_world_freeze(struct gateway_world *w);
/* The same, as soon as the network is sent an authorisation, before it answers. */
void gateway_world_freeze_sent(struct gateway_world *w);
void gateway_world_thaw(struct gateway_world *w);
/* Of its store. */
const char *gateway_world_url(const struct gateway_world *w);
/* What the network was sent, so far. */
int gateway_world_authorisations(const struct gateway_world *w);
int gateway_world_reversals(const struct gateway_world *w);
/* As /readyz would say. */
bool gateway_world_ready(const struct gateway_world *w);
/* Whether the log holds `text`, which counts from the last call that found something. */
bool gateway_world_logged(struct gateway_world *w, const char *text);
/* Requests that are answered and not yet done. */
size_t gateway_world_busy(const struct gateway_world *w);

#endif
