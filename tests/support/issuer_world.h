/* SPDX-License-Identifier: Apache-2.0 */
/* Real countersign-hsm and countersign issuer processes over a temporary SQLite ledger, and a client that speaks HTTP to them. */
#ifndef SUPPORT_ISSUER_WORLD_H
#define SUPPORT_ISSUER_WORLD_H

#include "base/env.h"
#include "ledger/ledger.h"

#include <cjson/cJSON.h>
#include <sys/types.h>

#define WORLD_ISSUER "SANDBOX001"
#define WORLD_API_KEY "sandbox-key-for-tests"
#define WORLD_CVK "0123456789ABCDEFFEDCBA9876543210" /* keys of the vectors, security-codes.md 6 */
#define WORLD_MK "4F2A25C49119019194F2D0AE43F4D579"
#define WORLD_PAN "4123456789012345"
#define WORLD_EXPIRY "2812"

struct world {
    char dir[64];
    char url[128];
    struct env env;
    struct store *store;
    struct arena arena;
    struct crypto_vault *vault;
    uint16_t hsm_port, port, admin_port;
    pid_t hsm, issuer;
};

/* `sandbox` false: production mode. */
void world_setup(struct world *w, bool sandbox);
void world_teardown(struct world *w);
/* A second issuer over the same ledger and HSM; `other` is a view of the world through it. */
void world_second_start(const struct world *w, struct world *other);
void world_second_stop(struct world *other);
void world_hsm_start(struct world *w);
void world_hsm_kill(struct world *w);

/* Products: static, one-time, refuse, same, rate-2, window (of the vectors' keys). */
void world_put_products(struct world *w);
void world_put_product(struct world *w, const struct ledger_product *product);
/* A card of the vectors' number (or another) under `product_id`. */
void world_put_card(struct world *w, const char *card_id, const char *product_id, const char *pan);
void world_put_client(struct world *w, const char *client_id, const char *issuer_id, const char *roles, const char *api_key);
struct ledger_full_card world_card(struct world *w, const char *card_id);
/* Issues counters up to `n` behind the issuer's back. */
void world_issue(struct world *w, const char *card_id, int64_t n);
/* The same, at another time. */
void world_issue_at(struct world *w, const char *card_id, int64_t n, int64_t at);

struct world_reply {
    int status;
    char head[2048];
    char body[16384];
    cJSON *json; /* NULL: no JSON body; freed by world_reply_free */
};
/* `path` below /v2/issuers/{WORLD_ISSUER}, or absolute if it begins with "//", cut to "/". `headers`: complete lines, or NULL for
 * the sandbox key. `body` may be NULL. */
struct world_reply *world_ask(const struct world *w, const char *method, const char *path, const char *headers, const char *body);
/* The same in two halves, for a server that runs in the caller's thread. */
struct world_call {
    int fd;
};
void world_call_begin(struct world_call *call, const struct world *w, const char *method, const char *path, const char *headers,
                      const char *body);
struct world_reply *world_call_end(struct world_call *call);
void world_reply_free(struct world_reply *reply);
/* A string member; "" if absent. */
const char *world_text(const struct world_reply *reply, const char *name);
/* The value of a header; NULL if absent. */
const char *world_header(const struct world_reply *reply, const char *name);

/* ---- for cmocka programs: one world at a time ---- */

extern struct world world;
/* Text of a layout profile of scheme 5 for the HSM and the issuers of worlds to come; NULL: countersign-5. */
extern const char *world_layout;
int world_group_setup(void **state);
int world_group_teardown(void **state);
/* A new world with the card "v" of the vectors under a product: a PAN can be registered once. */
void world_fresh(const char *product);
/* The status, and for a problem its code and shape. */
void world_expect(const char *method, const char *path, const char *body, int status, const char *code);
/* A display of a vectors' card that succeeds. */
void world_show(const char *card_id, char cvv[4]);

#endif
