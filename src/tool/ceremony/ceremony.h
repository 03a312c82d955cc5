/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `countersign-hsm lmk`: what its subcommands share.
 *
 * Purpose    The key ceremony and the officers' side of a running HSM. Options are rows of one table (hsm_lmk.c); a subcommand is a
 *            function over one run.
 * Ownership  Secrets of a run stand in its desk, locked pages that hsm_lmk_main wipes at the end.
 * Threading  The main thread, once.
 * Failure    A subcommand returns its exit status, and has said on standard error what, where and what to do.
 */
#ifndef MAIN_HSM_LMK_H
#define MAIN_HSM_LMK_H

#include "tool/entry.h"

#include "base/env.h"
#include "keys/component.h"
#include "keys/store/store.h"

enum { HSM_LMK_DONE, HSM_LMK_FAILED, HSM_LMK_BAD_LINE, HSM_LMK_REFUSED };

enum {
    HSM_LMK_PATH = 256,
    HSM_LMK_LINE = 1024, /* of a component with its check value, or a passphrase with its officer's number */
    HSM_LMK_TRIES = 5,   /* at a passphrase or component */
    HSM_LMK_WORDS = 2,
};

struct hsm_lmk_options {
    const char *config;
    char store[HSM_LMK_PATH];
    char console[HSM_LMK_PATH];
    int officers, needed, log2n; /* of a new store */
    int id;                      /* -1: not given */
    enum keys_lmk_kind kind;     /* KEYS_LMK_ABSENT: not given */
    int components;
    int officer;
    bool test, old, yes, json;
    bool alone; /* one officer's voice, and back */
    const char *comment;
    const char *out;
    int passphrase_fd, component_fd; /* -1: the terminal */
    const char *word[HSM_LMK_WORDS]; /* arguments that are no options */
    int words;
};

struct hsm_desk {
    struct secret_pages pages;
    uint8_t line[HSM_LMK_LINE];
    uint8_t again[HSM_LMK_LINE];
    uint8_t key[KEYS_STORE_KEY];
    struct keys_material component[KEYS_COMPONENTS_MAX];
    struct keys_material lmk;
};

struct hsm_lmk {
    struct hsm_lmk_options options;
    struct env env;
    struct hsm_entry entry;
    struct hsm_desk *desk;
    struct keys_store *store;
};

int hsm_lmk_main(int argc, char **argv);
/* The man page, from the rows of the command line. */
void hsm_lmk_manual(struct buf *out);

/* Says it on standard error, behind the name of the program; returns `status`. */
int hsm_lmk_say(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* An officer's number and passphrase; `passphrase` points into the desk. `count`: officers of the store. */
MUST_USE enum err hsm_lmk_officer(struct hsm_lmk *run, unsigned count, uint8_t *number, struct span *passphrase);
/* Reads the store and lets officers open it. The exit status; HSM_LMK_DONE: it is open. */
int hsm_lmk_open(struct hsm_lmk *run);
int hsm_lmk_write(struct hsm_lmk *run);
/* A new passphrase, typed twice; `passphrase` points into the desk. */
MUST_USE enum err hsm_lmk_new_passphrase(struct hsm_lmk *run, const char *whose, struct span *passphrase);
const char *hsm_lmk_kind_name(unsigned kind);
/* A JSON string on standard output. */
void hsm_lmk_put_json(const char *text);

/* hsm_lmk_store.c */
int hsm_lmk_create(struct hsm_lmk *run);
int hsm_lmk_list(struct hsm_lmk *run);
int hsm_lmk_verify(struct hsm_lmk *run);
int hsm_lmk_passphrases(struct hsm_lmk *run);
int hsm_lmk_old(struct hsm_lmk *run);
int hsm_lmk_delete(struct hsm_lmk *run);

/* hsm_lmk_form.c */
int hsm_lmk_generate(struct hsm_lmk *run);
int hsm_lmk_component(struct hsm_lmk *run);
int hsm_lmk_form(struct hsm_lmk *run);

/* hsm_lmk_console.c */
int hsm_lmk_load(struct hsm_lmk *run);
int hsm_lmk_state(struct hsm_lmk *run);
int hsm_lmk_online(struct hsm_lmk *run);
int hsm_lmk_secure(struct hsm_lmk *run);
int hsm_lmk_authorise(struct hsm_lmk *run);
int hsm_lmk_cancel(struct hsm_lmk *run);
int hsm_lmk_zeroise(struct hsm_lmk *run);

#endif
