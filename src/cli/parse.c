/* SPDX-License-Identifier: Apache-2.0 */
/* A command line is held against the rows of its command; argp reads it. */
#include "cli/internal.h"

#include "base/file.h"

#include <argp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { KEY_COMMON = 256, KEY_SETTING = KEY_COMMON + CLI_COMMON_COUNT, KEY_OPTION = KEY_SETTING + CLI_SETTING_COUNT };
enum { ARGP_ROWS = CLI_OPTIONS + CLI_COMMON_COUNT + CLI_SETTING_COUNT + 2, SHOWN = 11, USAGE_SIZE = 512 };

/* clang-format off */
const struct cli_option cli_common[CLI_COMMON_COUNT] = {
    [CLI_COMMON_HELP]    = {.name = "help", .letter = 'h', .doc = "print this and end"},
    [CLI_COMMON_USAGE]   = {.name = "usage", .doc = "print how it is called and end"},
    [CLI_COMMON_VERSION] = {.name = "version", .letter = 'V', .doc = "print the version and end"},
};
const struct cli_option cli_settings_rows[CLI_SETTING_COUNT] = {
    [CLI_SETTING_CONFIG] = {.name = "config", .kind = CLI_FILE, .argument = "FILE", .doc = "INI file; its keys are listed below"},
    [CLI_SETTING_SET]    = {.name = "set", .kind = CLI_KEY, .argument = "section.key=value",
                            .doc = "override one key of the file; the command line wins, wherever --config stands"},
};
/* clang-format on */

struct reading {
    struct cli_line *line;
    bool asked[CLI_COMMON_COUNT];
};

/* ---- one option ---- */

/* A value is repeated only where it cannot be a card number or a key. */
static void refuse_value(const struct argp_state *state, const struct cli_option *o, const char *value, const char *why)
{
    bool shown = (o->kind == CLI_NUMBER || o->kind == CLI_CHOICE) && strlen(value) <= SHOWN && cli_printable(value);
    argp_error(state, "--%s%s%s: %s", o->name, shown ? " " : "", shown ? value : "", why);
}

static void take(const struct argp_state *state, struct cli_line *line, const struct cli_option *o, const char *value)
{
    char why[CLI_WHY];
    if (value && cli_value_wrong(o, value, why))
        refuse_value(state, o, value, why);
    if (line->given_count == CLI_GIVEN)
        argp_error(state, "more than %d options", CLI_GIVEN);
    line->given[line->given_count++] = (struct cli_given){o, value ? value : ""};
}

/* ---- argp ---- */

static error_t on_key(int key, char *value, struct argp_state *state)
{
    struct reading *r = state->input;
    struct cli_line *line = r->line;
    if (key == '?')
        key = KEY_COMMON + CLI_COMMON_HELP;
    for (size_t i = 0; i < CLI_COMMON_COUNT; i++)
        if (key == KEY_COMMON + (int)i || (cli_common[i].letter && key == cli_common[i].letter)) {
            r->asked[i] = true;
            return 0;
        }
    if (key == ARGP_KEY_ARG)
        return ARGP_ERR_UNKNOWN; /* all of them come at once, as ARGP_KEY_ARGS */
    if (key == ARGP_KEY_ARGS) {
        line->operand = state->argv + state->next;
        line->operand_count = (size_t)(state->argc - state->next);
        state->next = state->argc;
        return 0;
    }
    if (key == KEY_SETTING + CLI_SETTING_CONFIG)
        line->config = value;
    if (key >= KEY_SETTING && key < KEY_OPTION) {
        take(state, line, &cli_settings_rows[key - KEY_SETTING], value);
        return 0;
    }
    for (size_t i = 0; i < line->command->option_count; i++)
        if (key == KEY_OPTION + (int)i || (line->command->option[i].letter && key == line->command->option[i].letter)) {
            take(state, line, &line->command->option[i], value);
            line->value[i] = value ? value : "";
            return 0;
        }
    return ARGP_ERR_UNKNOWN;
}

static struct argp_option argp_row(const struct cli_option *o, int key)
{
    return (struct argp_option){o->name, o->letter ? o->letter : key, o->kind == CLI_FLAG ? NULL : "VALUE", 0, o->doc, 0};
}

static void rows_fill(const struct cli_command *command, struct argp_option out[static ARGP_ROWS])
{
    size_t n = 0;
    ASSERT(command->option_count <= CLI_OPTIONS);
    for (size_t i = 0; i < command->option_count; i++)
        if (cli_takes(command, i))
            out[n++] = argp_row(&command->option[i], KEY_OPTION + (int)i);
    for (size_t i = 0; command->settings && i < CLI_SETTING_COUNT; i++)
        out[n++] = argp_row(&cli_settings_rows[i], KEY_SETTING + (int)i);
    for (size_t i = 0; i < CLI_COMMON_COUNT; i++)
        out[n++] = argp_row(&cli_common[i], KEY_COMMON + (int)i);
    out[n++] = (struct argp_option){NULL, '?', NULL, OPTION_HIDDEN, "", 0};
    out[n] = (struct argp_option){0};
}

/* ---- what --help, --usage and --version print ---- */

static int print(const struct buf *out)
{
    ASSERT(buf_done(out) == ERR_OK); /* the rows are ours */
    return file_write(STDOUT_FILENO, buf_span(out)) == ERR_OK ? CLI_EXIT_DONE : CLI_EXIT_FAILED;
}

static int print_help(const struct cli_line *line)
{
    uint8_t room[CLI_HELP];
    struct buf out = buf_over(room, sizeof room);
    cli_help(line, &out);
    return print(&out);
}

static int print_usage(const struct cli_line *line)
{
    uint8_t room[USAGE_SIZE];
    struct buf out = buf_over(room, sizeof room);
    buf_put_text(&out, "Usage: ");
    buf_put_text(&out, line->name);
    cli_put_usage(&out, line->command);
    buf_put_byte(&out, '\n');
    return print(&out);
}

static int print_version(const struct cli_line *line)
{
    uint8_t room[USAGE_SIZE];
    struct buf out = buf_over(room, sizeof room);
    buf_put_text(&out, line->path[0]->name);
    buf_put_text(&out, " " COUNTERSIGN_VERSION "\n");
    return print(&out);
}

/* ---- arguments ---- */

static bool values_fit(const struct cli_line *line)
{
    const struct cli_command *c = line->command;
    char why[CLI_WHY];
    for (size_t i = 0; i < line->operand_count; i++) {
        const struct cli_operand *row = &c->operand[i < c->operand_count ? i : c->operand_count - 1];
        const struct cli_option as = {.kind = row->kind, .max = row->max};
        if (!cli_value_wrong(&as, line->operand[i], why))
            continue;
        (void)cli_refuse(line, row->name, why);
        return false;
    }
    return true;
}

static bool operands_fit(const struct cli_line *line)
{
    const struct cli_command *c = line->command;
    size_t count = line->operand_count;
    const struct cli_operand *last = c->operand_count > 0 ? &c->operand[c->operand_count - 1] : NULL;
    char what[CLI_NAME];
    for (size_t i = 0; i < c->operand_count; i++)
        if (i >= count && c->operand[i].required) {
            (void)cli_refuse(line, c->operand[i].name, "is missing");
            return false;
        }
    if (count <= c->operand_count || (last && last->repeated))
        return values_fit(line);
    const char *extra = line->operand[c->operand_count];
    bool shown = strlen(extra) <= SHOWN && cli_printable(extra);
    (void)snprintf(what, sizeof what, shown ? "'%s'" : "a further argument", extra);
    (void)cli_refuse(line, what, "is not expected here");
    return false;
}

static void defaults(struct cli_line *line)
{
    for (size_t i = 0; i < line->command->option_count; i++)
        if (!line->value[i] && cli_takes(line->command, i))
            line->value[i] = line->command->option[i].initial;
}

/* argv[0] is the last word of the path. */
static int read_and_run(struct cli_line *line, int argc, char **argv)
{
    struct argp_option rows[ARGP_ROWS];
    struct reading reading = {.line = line};
    rows_fill(line->command, rows);
    const struct argp parser = {.options = rows, .parser = on_key};
    argv[0] = line->name; /* what argp puts in front of its refusals */
    argp_err_exit_status = CLI_EXIT_USAGE;
    error_t failed = argp_parse(&parser, argc, argv, ARGP_NO_HELP, NULL, &reading);
    if (failed != 0) /* a line that is not understood has ended the process: this is the system's */
        return cli_failed(line, CLI_EXIT_FAILED, "the command line cannot be read", strerror(failed));
    if (reading.asked[CLI_COMMON_VERSION])
        return print_version(line);
    if (reading.asked[CLI_COMMON_USAGE])
        return print_usage(line);
    if (reading.asked[CLI_COMMON_HELP])
        return line->operand_count > 0 && line->command->explain ? line->command->explain(line) : print_help(line);
    if (!operands_fit(line))
        return CLI_EXIT_USAGE;
    defaults(line);
    return line->command->run(line);
}

/* ---- the path ---- */

static void descend(struct cli_line *line, const struct cli_command *command, bool named)
{
    size_t len = strlen(line->name);
    ASSERT(line->depth < CLI_DEPTH);
    line->path[line->depth++] = command;
    line->command = command;
    if (named)
        (void)snprintf(line->name + len, sizeof line->name - len, "%s%s", len > 0 ? " " : "", command->name);
}

static const struct cli_command *child_of(const struct cli_command *command, const char *word)
{
    for (size_t i = 0; i < command->child_count; i++)
        if (strcmp(command->child[i]->name, word) == 0)
            return command->child[i];
    return NULL;
}

static bool asks_about(const char *word)
{
    static const char *const words[] = {"-h", "-?", "-V", "--help", "--usage", "--version"};
    for (size_t i = 0; i < CLI_COUNT(words); i++)
        if (strcmp(word, words[i]) == 0)
            return true;
    return false;
}

/* A command that is only a list of others: its help, or which words it knows. */
static int answer_list(struct cli_line *line, int argc, char **argv)
{
    uint8_t room[CLI_HELP];
    struct buf out = buf_over(room, sizeof room);
    if (argc > 1 && (asks_about(argv[1]) || strcmp(argv[1], "help") == 0)) {
        char *option = strcmp(argv[1], "help") == 0 ? "--help" : argv[1];
        char *own[] = {argv[0], option, NULL};
        return read_and_run(line, 2, own);
    }
    if (argc > 1)
        (void)fprintf(stderr, "%s: '%.40s': there is no such command\n\n", line->name, argv[1]);
    cli_help(line, &out);
    (void)!file_write(STDERR_FILENO, buf_span(&out));
    return CLI_EXIT_USAGE;
}

int cli_main(const struct cli_command *root, int argc, char **argv)
{
    struct cli_line line = {0};
    const struct cli_command *next = root;
    descend(&line, root, true);
    while (argc > 1 && (next = child_of(line.command, argv[1]))) {
        descend(&line, next, true);
        argc--;
        argv++;
    }
    bool option = argc < 2 || argv[1][0] == '-';
    if (line.command->fallback && option && !(argc > 1 && asks_about(argv[1])))
        descend(&line, line.command->fallback, false);
    return line.command->run ? read_and_run(&line, argc, argv) : answer_list(&line, argc, argv);
}
