/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The issuer in the test's process over a real ledger, with its HSM and its writer thread replaced by a script. The code of counter
 * n is n modulo 1,000; the printed code is 999. Programs that use it are linked with --wrap for the calls below (see the Makefile).
 */
#ifndef SUPPORT_ISSUER_SCRIPT_H
#define SUPPORT_ISSUER_SCRIPT_H

#include "issuer/internal.h"
#include "support/issuer_world.h"
#include "support/stores.h"

/* What becomes of a submitted batch: run; conflict; outcome unknown, but done or not; store down; writer full or gone; kept until
 * script_unstick. */
enum outcome { RUN, LOST_RACE, UNKNOWN_DONE, UNKNOWN_LOST, DOWN, FULL, GONE, STUCK };
struct script {
    enum outcome writer[16];
    size_t writer_at;
    enum err hsm[16];         /* ERR_OK: answers */
    const char *hsm_code[16]; /* answer code instead of 00 */
    bool silent;              /* no answer ever comes */
    size_t hsm_at;
    int avoided; /* the endpoint that the last command was to avoid */
    size_t submitted;
    struct store_batch *stuck;
};
extern struct script script; /* read in a circle */
extern struct store *script_store;
/* Sees each batch of writes that was run; NULL: nobody does. */
extern void (*script_watch)(const struct store_batch *batch);

enum { SLOTS = 4 };
struct bench {
    struct stores_fixture stores;
    struct world world; /* a view of the same ledger */
    struct http *http;
    struct store_reader *reader;
    struct issuer *issuer;
};
void bench_open(struct bench *b);
void bench_close(struct bench *b);
/* The batch that was kept is run now. */
void script_unstick(void);
/* One request, turning the issuer until it is answered. */
struct world_reply *bench_ask_only(struct bench *b, const char *method, const char *path, const char *body);
/* One request, turning the issuer until it is answered; nothing secret may be left in its jobs then. */
struct world_reply *bench_ask(struct bench *b, const char *method, const char *path, const char *body);

#endif
