/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Command lines: a command is a row, and everything that people see of it is printed from that row.
 *
 * Purpose    One framework for both binaries: options and arguments as rows with kind, range and default; sub-commands; --help, man
 *            pages and bash completion; options that stand for keys of a configuration file; one table of exit statuses.
 * Ownership  Commands are static. A line borrows from argv and lives as long as cli_main.
 * Threading  The main thread.
 * Failure    A line that does not fit its rows ends the process: one line on standard error says what is wrong, where, and what is
 *            allowed; the status is CLI_EXIT_USAGE. --help, --usage and --version end it with 0.
 * Limits     CLI_OPTIONS options a command, CLI_GIVEN options on one line, CLI_DEPTH words of a sub-command.
 *
 * Every command understands -h, -?, --help, --usage and -V, --version; one with `settings` --config FILE and --set
 * section.key=value as well. Long names may be cut while they stay unique. Options may stand behind arguments.
 *
 * Example
 *     enum { COUNT, FORMAT };
 *     static const struct cli_option options[] = {
 *         [COUNT] = {.name = "count", .letter = 'n', .kind = CLI_NUMBER, .argument = "N", .doc = "cards", .min = 1, .max = 99},
 *         [FORMAT] = {.name = "format", .kind = CLI_CHOICE, .choices = "csv|jsonl", .doc = "of the input", .initial = "csv"},
 *     };
 *     static const struct cli_operand operands[] = {{.name = "FILE", .doc = "cards", .kind = CLI_FILE, .required = true}};
 *     static const struct cli_status statuses[] = {{CLI_EXIT_DONE, "all cards are read"}, {CLI_EXIT_FAILED, "one is not"}};
 *     static int run(const struct cli_line *line)
 *     {
 *         return read_cards(line->operand[0], cli_number(line, COUNT, 10), cli_choice(line, FORMAT));
 *     }
 *     const struct cli_command tool_cards = {.name = "cards", .summary = "read cards", CLI_ROWS(options, statuses),
 *                                            CLI_OPERANDS(operands), .run = run};
 *     static const struct cli_command *const children[] = {&tool_cards, &cli_completion};
 *     static const struct cli_command program = {.name = "countersign-cards", .summary = "cards", CLI_CHILDREN(children)};
 *     int main(int argc, char **argv) { return cli_main(&program, argc, argv); }
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "base/config.h"

enum { CLI_OPTIONS = 40, CLI_GIVEN = 80, CLI_DEPTH = 4, CLI_NAME = 64, CLI_WHY = 160 };

/* ---- exit statuses ---- */

/* The one table: a status means the same kind of thing in every command; the command's row says what exactly. */
enum cli_exit {
    CLI_EXIT_DONE = 0,
    CLI_EXIT_FAILED = 1,
    CLI_EXIT_USAGE = 2,
    CLI_EXIT_NOT_TAKEN = 3,
    CLI_EXIT_CUT_SHORT = 4,
    CLI_EXIT_MODE = 64,
};
struct cli_exit_row {
    enum cli_exit status;
    const char *name;
    const char *doc;
};
/* NULL: no such status. */
const struct cli_exit_row *cli_exit_row(int status);
/* The exit status for how a service ended: ERR_CONFIG is CLI_EXIT_USAGE. */
enum cli_exit cli_exit_of(enum err err);

/* ---- rows ---- */

enum cli_kind {
    CLI_FLAG,    /* takes no value */
    CLI_TEXT,    /* `max` characters of printable ASCII; 0: anything */
    CLI_NUMBER,  /* decimal, min to max */
    CLI_CHOICE,  /* one of `choices` */
    CLI_FILE,    /* a path of at most `max` characters; 0: any; - may stand for standard input or output */
    CLI_FOLDER,  /* the same, a folder */
    CLI_ADDRESS, /* ADDR:PORT */
    CLI_HEX,     /* pairs of hexadecimal digits, at most `max` pairs */
    CLI_KEY,     /* section.key=value of the command's settings */
};

struct cli_option {
    const char *name;     /* the long name, without -- */
    char letter;          /* 0: none */
    enum cli_kind kind;   /* what is allowed, and what completion offers */
    const char *argument; /* as help names the value: "FILE"; NULL for a flag and for a choice */
    const char *doc;      /* without range and default: they are printed from the row */
    const char *initial;  /* the default as text; NULL: none */
    int64_t min, max;
    const char *choices; /* "csv|jsonl" */
    const char *group;   /* heading in --help and the man page; NULL: those on top */
    const char *sets;    /* the key of `settings` that it stands for: "hsm.listen=", or with its value "hsm.test_lmk=true" */
};

/* The option of all commands that can print data. */
#define CLI_JSON                            \
    {                                       \
        .name = "json", .doc = "print data" \
    }

struct cli_operand {
    const char *name; /* as usage texts name it: "FILE" */
    const char *doc;  /* NULL: said elsewhere */
    enum cli_kind kind;
    bool required;
    bool repeated;                  /* the last row only: any number of them */
    int64_t max;                    /* as of an option of the kind */
    void (*words)(struct buf *out); /* NULL, or appends what completion offers, a word a line */
};

struct cli_status {
    enum cli_exit status;
    const char *doc;
};

/* A line of the text that begins with two blanks stands as it is; others are paragraphs. */
struct cli_section {
    const char *title;
    const char *text;               /* NULL: `print` has it */
    void (*print)(struct buf *out); /* NULL, or appends the text from other tables */
};

struct cli_page {
    const char *page;
    const char *section;
};

struct cli_line;

struct cli_command {
    const char *name;    /* the word that calls it; of the root, the program */
    const char *summary; /* half a sentence: in lists, and the NAME of its man page */
    const char *about;   /* further paragraphs; NULL: none */
    const struct cli_option *option;
    size_t option_count;
    uint64_t takes; /* bits of the rows of `option` that it takes, so that siblings share one table; 0: all */
    const struct cli_operand *operand;
    size_t operand_count;
    const struct cli_status *status; /* none: those of the command above it */
    size_t status_count;
    const struct cli_section *section;
    size_t section_count;
    const struct cli_command *const *child; /* sub-commands */
    size_t child_count;
    const struct cli_command *fallback;  /* runs when no sub-command is named; NULL: one must be */
    const struct config_table *settings; /* its configuration; adds --config, --set and the list of keys */
    bool no_page;                        /* the man page of the program says all about it */
    const struct cli_page *see;          /* of the root: what its pages refer to besides one another */
    size_t see_count;
    int (*run)(const struct cli_line *line);
    int (*explain)(const struct cli_line *line); /* NULL, or answers --help behind an operand */
};

#define CLI_COUNT(rows_) (sizeof(rows_) / sizeof((rows_)[0]))
#define CLI_OPTION_ROWS(rows_) .option = (rows_), .option_count = CLI_COUNT(rows_)
#define CLI_STATUSES(rows_) .status = (rows_), .status_count = CLI_COUNT(rows_)
#define CLI_ROWS(options_, statuses_) CLI_OPTION_ROWS(options_), CLI_STATUSES(statuses_)
#define CLI_OPERANDS(rows_) .operand = (rows_), .operand_count = CLI_COUNT(rows_)
#define CLI_SECTIONS(rows_) .section = (rows_), .section_count = CLI_COUNT(rows_)
#define CLI_SEE(rows_) .see = (rows_), .see_count = CLI_COUNT(rows_)
#define CLI_CHILDREN(rows_) .child = (rows_), .child_count = CLI_COUNT(rows_)
#define CLI_BIT(index_) (UINT64_C(1) << (index_))

/* ---- a line that was understood ---- */

struct cli_given {
    const struct cli_option *option;
    const char *value; /* "" for a flag */
};

struct cli_line {
    const struct cli_command *path[CLI_DEPTH]; /* the root, its sub-command, ... */
    size_t depth;
    const struct cli_command *command; /* the last of them */
    char name[CLI_NAME];               /* "countersign-hsm lmk form": in front of messages */
    const char *value[CLI_OPTIONS];    /* by the row's index: as given, else the row's default, else NULL; "" for a flag */
    struct cli_given given[CLI_GIVEN]; /* in the order of the line */
    size_t given_count;
    const char *config; /* of --config; NULL: none */
    char **operand;
    size_t operand_count;
};

bool cli_flag(const struct cli_line *line, size_t option);
const char *cli_text(const struct cli_line *line, size_t option, const char *otherwise);
int64_t cli_number(const struct cli_line *line, size_t option, int64_t otherwise);
/* The place of the value in `choices`, from 0; -1: neither given nor a default. */
int cli_choice(const struct cli_line *line, size_t option);

/* The settings of the command: defaults, then the file of --config, then the command line in its order. For reloads, again. */
MUST_USE enum err cli_settings_load(const struct cli_line *line, void *settings, char *problem, size_t problem_cap);

/* ---- running and telling ---- */

/* What is wrong with the rows of a command and of those below it, in `out`; NULL: they are sound. For tests. */
const char *cli_check(const struct cli_command *command, char out[static CLI_WHY]);
/* Finds the sub-command, reads its line and runs it; gives the exit status of the process. */
int cli_main(const struct cli_command *root, int argc, char **argv);
/* "NAME: what: why" on standard error; gives `status`. */
int cli_failed(const struct cli_line *line, int status, const char *what, const char *why);
/* The same for what is wrong with the line, with a hint at --help; gives CLI_EXIT_USAGE. */
int cli_refuse(const struct cli_line *line, const char *what, const char *why);

/* Words, filled to the width of a terminal; `column` is where the first goes, `indent` where lines begin. Ends the line. */
void cli_put_filled(struct buf *out, struct span text, size_t indent, size_t column);

/* ---- printed from the rows ---- */

/* `countersign completion bash`. */
extern const struct cli_command cli_completion;
void cli_complete_bash(const struct cli_command *root, struct buf *out);
/* The man page, section 1, of the program (`child` NULL) or of one sub-command. */
void cli_man(const struct cli_command *root, const struct cli_command *child, struct buf *out);
/* The keys of a configuration as a list of such a page. */
void cli_man_keys(const struct config_table *table, struct buf *out);
/* The table of exit statuses, for the reference; then what they mean in the commands of a program. */
void cli_exit_document(struct buf *out);
void cli_exit_document_program(const struct cli_command *root, struct buf *out);

#endif
