/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the command lines of all services share.
 *
 * Purpose    --config FILE, --set section.key=value, --help with the reference of the keys, and options of a service that stand
 *            for a key; the exit statuses; the words in which a start that failed is told.
 * Ownership  A description is static. The settings are the caller's, laid out by the description's table.
 * Threading  The main thread, once.
 * Failure    A command line that argp refuses ends the process with COMMAND_EXIT_BAD_START; anything else wrong is described in
 *            `problem`.
 * Limits     COMMAND_ASSIGNMENTS_MAX settings on one line.
 *
 * Example
 *     static const struct command_description d = {.service = "switch", .doc = "Authorises.", .table = &main_switch_settings};
 *     TRY(command_settings_load(&d, argc, argv, &settings, problem, sizeof problem));
 */
#ifndef MAIN_COMMAND_H
#define MAIN_COMMAND_H

#include "base/config.h"

enum { COMMAND_EXIT_BAD_START = 2, COMMAND_ASSIGNMENTS_MAX = 64, COMMAND_HOST_MAX = 64, COMMAND_CONFIG_MAX = 256 };

/* An option that stands for a key. */
struct command_option {
    const char *name;
    const char *argument; /* NULL: takes none */
    const char *doc;
    const char *assigns; /* "hsm.listen=", or with its value "hsm.test_lmk=true" */
};

struct command_description {
    const char *service; /* the name in logs and messages: "switch" */
    const char *doc;     /* one sentence */
    const struct config_table *table;
    const struct command_option *option;
    size_t option_count;
    size_t config_at;          /* offset in the settings of a char[COMMAND_CONFIG_MAX] that gets the path of --config; 0: none */
    const char *exit_statuses; /* besides 0, 1 and 2; NULL: none */
};

/* File first, then the command line in its order. */
MUST_USE enum err command_settings_load(const struct command_description *d, int argc, char **argv, void *settings, char *problem,
                                        size_t problem_cap);
/* Tells a command line or configuration that cannot be used. */
void command_refused(const struct command_description *d, const char *problem);
/* Tells a failed start on standard error. */
void command_start_failed(const struct command_description *d, const char *problem, enum err err);
/* The exit status for how a service ended. */
int command_exit_status(enum err err);

/* "ADDR:PORT" or "[ADDR6]:PORT"; localhost is 127.0.0.1. ERR_CONFIG for anything else. */
MUST_USE enum err command_listen_split(const char *text, char host[static COMMAND_HOST_MAX], uint16_t *port);

#endif
