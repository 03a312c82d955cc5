/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `countersign-hsm lmk`: what its subcommands share.
 *
 * Purpose    The key ceremony and the officers' side of a running HSM. Options are rows of one table (ceremony.c); a subcommand
 *            is a function over one run.
 * Ownership  Secrets of a run stand in its desk, locked pages that are wiped at the end.
 * Threading  The main thread, once.
 * Failure    A subcommand returns its exit status, and has said on standard error what, where and what to do.
 */
#ifndef TOOL_CEREMONY_INTERNAL_H
#define TOOL_CEREMONY_INTERNAL_H

#include "tool/entry.h"
#include "tool/tool.h"

#include "base/env.h"
#include "keys/component.h"
#include "keys/store/store.h"

enum {
    TOOL_CEREMONY_PATH = 256,
    TOOL_CEREMONY_LINE = 1024, /* of a component with its check value, or a passphrase with its officer's number */
    TOOL_CEREMONY_TRIES = 5,   /* at a passphrase or component */
    TOOL_CEREMONY_WORDS = 2,
};

struct tool_ceremony_options {
    const char *config;
    char store[TOOL_CEREMONY_PATH];
    char console[TOOL_CEREMONY_PATH];
    int officers, needed, log2n; /* of a new store */
    int id;                      /* -1: not given */
    enum keys_lmk_kind kind;     /* KEYS_LMK_ABSENT: not given */
    int components;
    int officer;
    bool test, old, yes, json;
    bool alone; /* one officer's voice, and back */
    const char *comment;
    const char *out;
    int passphrase_fd, component_fd;       /* -1: the terminal */
    const char *word[TOOL_CEREMONY_WORDS]; /* arguments that are no options */
};

struct tool_ceremony_desk {
    struct secret_pages pages;
    uint8_t line[TOOL_CEREMONY_LINE];
    uint8_t again[TOOL_CEREMONY_LINE];
    uint8_t key[KEYS_STORE_KEY];
    struct keys_material component[KEYS_COMPONENTS_MAX];
    struct keys_material lmk;
};

struct tool_ceremony {
    struct tool_ceremony_options options;
    struct env env;
    struct tool_entry entry;
    struct tool_ceremony_desk *desk;
    struct keys_store *store;
};

/* Says it on standard error, behind the name of the program; returns `status`. */
int tool_ceremony_say(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* An officer's number and passphrase; `passphrase` points into the desk. `count`: officers of the store. */
MUST_USE enum err tool_ceremony_officer(struct tool_ceremony *run, unsigned count, uint8_t *number, struct span *passphrase);
/* Reads the store and lets officers open it. The exit status; CLI_EXIT_DONE: it is open. */
int tool_ceremony_open(struct tool_ceremony *run);
int tool_ceremony_write(struct tool_ceremony *run);
/* A new passphrase, typed twice; `passphrase` points into the desk. */
MUST_USE enum err tool_ceremony_new_passphrase(struct tool_ceremony *run, const char *whose, struct span *passphrase);
const char *tool_ceremony_kind_name(unsigned kind);
/* What was printed goes to standard output; an answer that does not fit is told. */
int tool_ceremony_print(const struct buf *out);

/* store.c */
int tool_ceremony_create(struct tool_ceremony *run);
int tool_ceremony_list(struct tool_ceremony *run);
int tool_ceremony_verify(struct tool_ceremony *run);
int tool_ceremony_passphrases(struct tool_ceremony *run);
int tool_ceremony_old(struct tool_ceremony *run);
int tool_ceremony_delete(struct tool_ceremony *run);

/* form.c */
int tool_ceremony_generate(struct tool_ceremony *run);
int tool_ceremony_component(struct tool_ceremony *run);
int tool_ceremony_form(struct tool_ceremony *run);

/* console.c */
int tool_ceremony_load(struct tool_ceremony *run);
int tool_ceremony_state(struct tool_ceremony *run);
int tool_ceremony_online(struct tool_ceremony *run);
int tool_ceremony_secure(struct tool_ceremony *run);
int tool_ceremony_authorise(struct tool_ceremony *run);
int tool_ceremony_cancel(struct tool_ceremony *run);
int tool_ceremony_zeroise(struct tool_ceremony *run);

#endif
