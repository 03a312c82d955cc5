/* SPDX-License-Identifier: Apache-2.0 */
#include "main/command.h"

#include "base/arena.h"

#include <argp.h>
#include <stdio.h>
#include <string.h>

enum { OPTION_CONFIG = 256, OPTION_SET, OPTION_FIRST, OPTIONS_MAX = 16, ASSIGNMENT_SIZE = 320, HELP_SIZE = 16384, DOC_SIZE = 512 };

/* Options are kept as assignments and applied after the file: the command line wins wherever --config stands. */
struct arguments {
    const struct command_description *description;
    const char *config;
    char assignment[COMMAND_ASSIGNMENTS_MAX][ASSIGNMENT_SIZE];
    size_t count;
};

static void assign(struct arguments *a, const struct argp_state *state, const char *assigns, const char *value)
{
    if (a->count == COMMAND_ASSIGNMENTS_MAX)
        argp_error(state, "more than %d settings", COMMAND_ASSIGNMENTS_MAX);
    struct buf b = buf_over(a->assignment[a->count], ASSIGNMENT_SIZE);
    buf_put_text(&b, assigns);
    buf_put_text(&b, value ? value : "");
    (void)buf_text(&b);
    if (buf_done(&b) != ERR_OK)
        argp_error(state, "a setting is longer than %d characters", ASSIGNMENT_SIZE - 1);
    a->count++;
}

static error_t on_option(int key, char *value, struct argp_state *state)
{
    struct arguments *a = state->input;
    switch (key) {
    case OPTION_CONFIG:
        a->config = value;
        return 0;
    case OPTION_SET:
        assign(a, state, "", value);
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "'%s' is not expected here", value);
        return 0;
    default:
        if (key < OPTION_FIRST || (size_t)(key - OPTION_FIRST) >= a->description->option_count)
            return ARGP_ERR_UNKNOWN;
        assign(a, state, a->description->option[key - OPTION_FIRST].assigns, value);
        return 0;
    }
}

/* The reference of the keys stands behind the options. */
static char *help_text(int key, const char *text, void *input)
{
    const struct arguments *a = input;
    if (key != ARGP_KEY_HELP_POST_DOC || !a)
        return (char *)(uintptr_t)text;
    char *room = memory_library_malloc(HELP_SIZE); /* argp frees what is not its own text */
    if (!room)
        return NULL;
    struct buf out = buf_over(room, HELP_SIZE - 1);
    buf_put_text(&out, text);
    buf_put_text(&out, "\n\nKeys of the configuration, with their defaults:\n");
    config_help(a->description->table, &out);
    room[out.len] = 0;
    return room;
}

static void program_name(const struct command_description *d, char out[static 48])
{
    bool hsm = strcmp(d->service, "hsm") == 0; /* a binary of its own */
    (void)snprintf(out, 48, "countersign%c%s", hsm ? '-' : ' ', d->service);
}

static void options_fill(const struct command_description *d, struct argp_option out[static OPTIONS_MAX])
{
    size_t n = 0;
    ASSERT(d->option_count + 3 <= OPTIONS_MAX);
    for (size_t i = 0; i < d->option_count; i++)
        out[n++] = (struct argp_option){d->option[i].name, OPTION_FIRST + (int)i, d->option[i].argument, 0, d->option[i].doc, 0};
    out[n++] = (struct argp_option){"config", OPTION_CONFIG, "FILE", 0, "INI file; its keys are listed below", 0};
    out[n++] = (struct argp_option){"set", OPTION_SET, "section.key=value", 0, "override one key of the file", 0};
    out[n] = (struct argp_option){0};
}

enum err command_settings_load(const struct command_description *d, int argc, char **argv, void *settings, char *problem,
                               size_t problem_cap)
{
    struct arguments arguments = {.description = d};
    struct argp_option options[OPTIONS_MAX];
    char doc[DOC_SIZE];
    options_fill(d, options);
    (void)snprintf(
        doc, sizeof doc,
        "%s\vExit status: 0 after SIGTERM or SIGINT, 2 for a bad command line or configuration, %s%s1 for anything else.", d->doc,
        d->exit_statuses ? d->exit_statuses : "", d->exit_statuses ? ", " : "");
    struct argp parser = {.options = options, .parser = on_option, .doc = doc, .help_filter = help_text};
    char name[48];
    char *given = argv[0];
    program_name(d, name);
    argv[0] = name; /* what usage texts and errors say */
    argp_err_exit_status = COMMAND_EXIT_BAD_START;
    error_t bad = argp_parse(&parser, argc, argv, 0, NULL, &arguments);
    argv[0] = given;
    if (bad != 0)
        return ERR_CONFIG;
    if (d->config_at)
        (void)snprintf((char *)settings + d->config_at, COMMAND_CONFIG_MAX, "%s", arguments.config ? arguments.config : "");
    TRY(config_load(d->table, arguments.config, settings, problem, problem_cap));
    for (size_t i = 0; i < arguments.count; i++)
        TRY(config_set(d->table, arguments.assignment[i], settings, problem, problem_cap));
    return ERR_OK;
}

void command_start_failed(const struct command_description *d, const char *problem, enum err err)
{
    char name[48];
    program_name(d, name);
    (void)fprintf(stderr, "%s: cannot start: %s\n", name, problem[0] ? problem : err_row(err)->text);
}

void command_refused(const struct command_description *d, const char *problem)
{
    char name[48];
    program_name(d, name);
    (void)fprintf(stderr, "%s: %s\n", name, problem);
}

int command_exit_status(enum err err)
{
    return err == ERR_OK ? 0 : err == ERR_CONFIG ? COMMAND_EXIT_BAD_START : 1;
}

enum err command_listen_split(const char *text, char host[static COMMAND_HOST_MAX], uint16_t *port)
{
    const char *colon = strrchr(text, ':');
    uint64_t number = 0;
    if (!colon || span_decimal(span_text(colon + 1), &number) != ERR_OK || number > UINT16_MAX)
        return ERR_CONFIG;
    bool bracket = text[0] == '[' && colon > text + 1 && colon[-1] == ']';
    struct buf out = buf_over(host, COMMAND_HOST_MAX);
    buf_put(&out, text + bracket, (size_t)(colon - text) - 2 * (size_t)bracket);
    if (span_is(buf_span(&out), "localhost")) {
        buf_clear(&out);
        buf_put_text(&out, "127.0.0.1");
    }
    (void)buf_text(&out);
    if (buf_done(&out) != ERR_OK)
        return ERR_CONFIG;
    *port = (uint16_t)number;
    return ERR_OK;
}
