/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sandbox: what the parts of `countersign demo` share.
 *
 * Purpose    demo.c reads the command line and runs the sandbox. process.c and services.c start, watch and stop the services.
 *            files.c writes their files, seed.c fills them. tap.c listens on the wires between them. story.c tells the story,
 *            tell.c prints it.
 * Ownership  One struct sandbox, owned by sandbox_main. It plays cardholder and merchant, so it knows card numbers and secrets in
 *            clear: it is a client of the services, no part of the product's trusted side.
 * Threading  One thread; the tap is a process of its own.
 * Failure    The first problem is one line for people in sandbox->problem.
 * Limits     SANDBOX_CARDS cards, SANDBOX_MERCHANTS merchants, paths up to 200 characters.
 */
#ifndef SANDBOX_INTERNAL_H
#define SANDBOX_INTERNAL_H

#include "base/env.h"
#include "base/secret.h"
#include "sandbox/people.h"
#include "sandbox/process.h"
#include "sandbox/tap.h"

enum { SANDBOX_PATH = 256, SANDBOX_ISSUER_ID = 10 };

/* The services, in the order of their start; they stop in the opposite order. */
enum sandbox_service { SANDBOX_HSM, SANDBOX_ISSUER, SANDBOX_SWITCH, SANDBOX_GATEWAY, SANDBOX_SERVICES };

enum sandbox_port {
    SANDBOX_PORT_HSM,
    SANDBOX_PORT_ISSUER,
    SANDBOX_PORT_VISA,
    SANDBOX_PORT_EFTPOS,
    SANDBOX_PORT_GENERIC,
    SANDBOX_PORT_MASTERCARD,
    SANDBOX_PORT_AMEX,
    SANDBOX_PORT_DISCOVER,
    SANDBOX_PORT_GATEWAY,
    SANDBOX_PORT_ADMIN_HSM,
    SANDBOX_PORT_ADMIN_ISSUER,
    SANDBOX_PORT_ADMIN_SWITCH,
    SANDBOX_PORT_ADMIN_GATEWAY,
    SANDBOX_PORTS
};

struct sandbox {
    struct env env;
    struct log log;
    char dir[SANDBOX_PATH];
    bool once;
    bool json;
    bool colour;
    bool temporary; /* the directory is ours to remove */
    uint16_t port[SANDBOX_PORTS];
    struct sandbox_child child[SANDBOX_SERVICES];
    struct sandbox_tap tap;
    struct sandbox_keys keys;
    char issuer_id[SANDBOX_ISSUER_ID + 1];
    char issuer_key[48]; /* X-Api-Key of the issuer's REST */
    struct sandbox_card card[SANDBOX_CARDS];
    struct sandbox_merchant merchant[SANDBOX_MERCHANTS];
    int64_t began_us; /* monotonic, of the start */
    char problem[240];
};

/* Keeps the first problem; gives back err. The text is `what`, then `detail` if there is one. */
enum err sandbox_fail(struct sandbox *box, enum err err, const char *what, const char *detail);
/* "DIR/NAME" in a buffer of SANDBOX_PATH bytes. */
void sandbox_path(const struct sandbox *box, const char *name, char out[static SANDBOX_PATH]);
/* True once Ctrl-C or SIGTERM arrived. */
bool sandbox_interrupted(void);

/* ---- services.c ---- */

MUST_USE enum err sandbox_service_start(struct sandbox *box, enum sandbox_service service);
/* Waits until it answers, its death, or the time limit. */
MUST_USE enum err sandbox_service_wait(struct sandbox *box, enum sandbox_service service);
MUST_USE enum err sandbox_service_stop(struct sandbox *box, enum sandbox_service service);
void sandbox_services_stop(struct sandbox *box);
/* The service that ended by itself, or SANDBOX_SERVICES. */
enum sandbox_service sandbox_services_died(struct sandbox *box);

/* ---- files.c, seed.c ---- */

/* Makes the directory, or clears an old sandbox out of it; a directory with anything else in it is refused. */
MUST_USE enum err sandbox_prepare_dir(struct sandbox *box);
/* Removes the directory and what a sandbox puts there. */
void sandbox_remove_dir(const struct sandbox *box);
/* Cards, merchants, API keys: made before anything runs. */
MUST_USE enum err sandbox_invent(struct sandbox *box);
/* Keys from the running HSM. */
MUST_USE enum err sandbox_make_keys(struct sandbox *box);
/* vault.key, keys.ini, *.ini. */
MUST_USE enum err sandbox_write_files(struct sandbox *box);
/* Card products and cards, through the issuer's own API, which opens the accounts. */
MUST_USE enum err sandbox_issue(struct sandbox *box);
/* sandbox.json, by rename. */
MUST_USE enum err sandbox_write_json(struct sandbox *box);

/* ---- story.c ---- */

/* *held: every expectation did. */
MUST_USE enum err sandbox_story(struct sandbox *box, bool *held);

#endif
