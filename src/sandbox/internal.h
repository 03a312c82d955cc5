/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sandbox: what the parts of `countersign demo` share.
 *
 * Purpose    demo.c reads the command line and runs the sandbox; demo_process.c starts, watches and stops the services;
 *            demo_seed.c fills the directory; demo_tap.c listens on the wires between them; demo_story.c tells the story;
 *            demo_tell.c prints it.
 * Ownership  One struct demo, owned by main_demo. It plays cardholder and merchant, so it knows card numbers and secrets in clear:
 *            it is a client of the sandbox, no part of the product's trusted side.
 * Threading  One thread; the tap is a process of its own.
 * Failure    The first problem is one line for people in demo->problem.
 * Limits     DEMO_CARDS cards, DEMO_MERCHANTS merchants, paths up to 200 characters.
 */
#ifndef MAIN_DEMO_H
#define MAIN_DEMO_H

#include "base/env.h"
#include "base/secret.h"
#include "card/card.h"
#include "sandbox/process.h"
#include "sandbox/tap.h"

enum { DEMO_CARDS = 100, DEMO_MERCHANTS = 10, DEMO_PATH = 256, DEMO_ISSUER_ID = 10 };

/* The services, in the order of their start; they stop in the opposite order. */
enum demo_service { DEMO_HSM, DEMO_ISSUER, DEMO_SWITCH, DEMO_GATEWAY, DEMO_SERVICES };

enum demo_port {
    DEMO_PORT_HSM,
    DEMO_PORT_ISSUER,
    DEMO_PORT_VISA,
    DEMO_PORT_EFTPOS,
    DEMO_PORT_GENERIC,
    DEMO_PORT_GATEWAY,
    DEMO_PORT_ADMIN_HSM,
    DEMO_PORT_ADMIN_ISSUER,
    DEMO_PORT_ADMIN_SWITCH,
    DEMO_PORT_ADMIN_GATEWAY,
    DEMO_PORTS
};

enum demo_mode { DEMO_STATIC, DEMO_ONE_TIME, DEMO_TIME_WINDOW, DEMO_MODES };

/* What a product of the sandbox is made of. */
struct demo_product {
    const char *id;
    const char *mode;     /* as the credentials API and sandbox.json write it */
    const char *network;  /* product.network of the ledger */
    const char *bin;      /* first digits of its cards */
    const char *key_name; /* in keys.ini: the key of its codes beside the CVK */
};
extern const struct demo_product demo_products[DEMO_MODES];

struct demo_card {
    char id[24];
    struct pan pan;
    char expiry[5]; /* YYMM */
    enum demo_mode mode;
};

struct demo_merchant {
    char id[20];
    char terminal[12];
    char api_key[40];
    char secret[48];
};

struct demo_keys {
    char cvk[80];
    char mk[DEMO_MODES][80]; /* MK-AC of one_time and time_window; under the test LMK */
};

struct demo {
    struct env env;
    struct log log;
    char dir[DEMO_PATH];
    bool once;
    bool json;
    bool colour;
    bool temporary; /* the directory is ours to remove */
    uint16_t port[DEMO_PORTS];
    struct demo_child child[DEMO_SERVICES];
    struct demo_tap tap;
    struct demo_keys keys;
    char issuer_id[DEMO_ISSUER_ID + 1];
    char issuer_key[48]; /* X-Api-Key of the issuer's REST */
    struct demo_card card[DEMO_CARDS];
    struct demo_merchant merchant[DEMO_MERCHANTS];
    int64_t began_us; /* monotonic, of the start */
    char problem[240];
};

/* Keeps the first problem; gives back err. The text is `what`, then `detail` if there is one. */
enum err demo_fail(struct demo *demo, enum err err, const char *what, const char *detail);
/* "DIR/NAME" in a buffer of DEMO_PATH bytes. */
void demo_path(const struct demo *demo, const char *name, char out[static DEMO_PATH]);
/* True once Ctrl-C or SIGTERM arrived. */
bool demo_interrupted(void);

/* ---- demo_services.c ---- */

MUST_USE enum err demo_service_start(struct demo *demo, enum demo_service service);
/* Waits until it answers, its death, or the time limit. */
MUST_USE enum err demo_service_wait(struct demo *demo, enum demo_service service);
MUST_USE enum err demo_service_stop(struct demo *demo, enum demo_service service);
void demo_services_stop(struct demo *demo);
/* The service that ended by itself, or DEMO_SERVICES. */
enum demo_service demo_services_died(struct demo *demo);

/* ---- demo_files.c, demo_seed.c ---- */

/* Makes the directory, or clears an old sandbox out of it; a directory with anything else in it is refused. */
MUST_USE enum err demo_prepare_dir(struct demo *demo);
/* Removes the directory and what a sandbox puts there. */
void demo_remove_dir(const struct demo *demo);
/* Cards, merchants, API keys: made before anything runs. */
MUST_USE enum err demo_invent(struct demo *demo);
/* Keys from the running HSM. */
MUST_USE enum err demo_make_keys(struct demo *demo);
/* vault.key, keys.ini, *.ini. */
MUST_USE enum err demo_write_files(struct demo *demo);
/* Products, API client and merchants into the databases. */
MUST_USE enum err demo_seed(struct demo *demo);
struct store;
struct arena;
MUST_USE enum err demo_seed_merchants(struct demo *demo, struct store *store, struct arena *arena);
/* Cards, through the issuer's own API, which opens their accounts. */
MUST_USE enum err demo_register_cards(struct demo *demo);
/* sandbox.json, by rename. */
MUST_USE enum err demo_write_sandbox(struct demo *demo);

/* ---- demo_story.c ---- */

/* *held: every expectation did. */
MUST_USE enum err demo_story(struct demo *demo, bool *held);

#endif
