/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tools of countersign-hsm share: one table describes a tool, and its command line, its --help and its man page are that
 * table.
 *
 * Purpose    Long options with or without a value, operands, refusals in words; JSON texts.
 * Ownership  A tool is static. A line borrows from argv.
 * Threading  The main thread.
 * Failure    tool_parse ends the process with 0 after --help, with TOOL_USAGE for a line it does not understand.
 * Limits     TOOL_OPTIONS options a tool.
 *
 * Example
 *     enum { OPTION_JSON, OPTION_TO };
 *     static const struct tool_option options[] = {{"json", NULL, "print data"}, {"to", "ADDR:PORT", "the HSM"}};
 *     struct tool_line line;
 *     tool_parse(&tool, argc, argv, &line);
 *     if (line.value[OPTION_JSON]) ...
 */
#ifndef TOOL_TOOL_H
#define TOOL_TOOL_H

#include "base/buf.h"

enum { TOOL_OPTIONS = 32, TOOL_USAGE = 2 };

struct tool_option {
    const char *name;
    const char *argument; /* NULL: takes none */
    const char *doc;
};
struct tool_status {
    int status;
    const char *doc;
};
/* A line that begins with two blanks stands as it is; others are paragraphs. */
struct tool_section {
    const char *title;
    const char *text;
};

struct tool_row {
    const char *name;     /* the subcommand */
    const char *summary;  /* half a sentence, as the man page's NAME */
    const char *operands; /* "COMMAND [FIELD=VALUE ...]" */
    const struct tool_option *option;
    size_t option_count;
    const struct tool_status *status;
    size_t status_count;
    const struct tool_section *section;
    size_t section_count;
    void (*more)(struct buf *out); /* NULL, or appends what is printed from other tables, as a section's text */
    const char *more_title;
};

#define TOOL_COUNT(rows_) (sizeof(rows_) / sizeof((rows_)[0]))
#define TOOL_MEMBERS(options_, statuses_, sections_)                                                                          \
    .option = (options_), .option_count = TOOL_COUNT(options_), .status = (statuses_), .status_count = TOOL_COUNT(statuses_), \
    .section = (sections_), .section_count = TOOL_COUNT(sections_)

struct tool_line {
    const char *value[TOOL_OPTIONS]; /* NULL: not given; "" for an option without a value */
    char **operand;
    size_t operands;
    bool help; /* --help behind an operand: the tool answers it */
};

void tool_parse(const struct tool_row *tool, int argc, char **argv, struct tool_line *out);
/* Tells on standard error what is wrong with the command line; gives TOOL_USAGE. */
int tool_refuse(const struct tool_row *tool, const char *what, const char *why);
/* Tells a failure; gives `status`. */
int tool_failed(const struct tool_row *tool, int status, const char *what, const char *why);
/* Where the HSM of this machine is hardened, tells so and gives EX_USAGE: no clear key may be typed there. 0: go on. `config` NULL:
 * TOOL_CONFIG, if it is there. */
#define TOOL_CONFIG "/etc/countersign/hsm.conf"
int tool_clear_keys_refused(const struct tool_row *tool, const char *config);
void tool_help(const struct tool_row *tool, struct buf *out);
/* The man page, section 1, in man(7). */
void tool_man(const struct tool_row *tool, struct buf *out);

/* ---- JSON ---- */

/* A string with its quotes; bytes outside ASCII as \u00XX. */
void tool_json_text(struct buf *out, struct span text);
/* `"name":"text"`, with a comma in front unless the object or array has just begun. */
void tool_json_member(struct buf *out, const char *name, struct span text);
void tool_json_number(struct buf *out, const char *name, uint64_t value);
/* `"name":{` or `"name":[`; name NULL: none. */
void tool_json_open(struct buf *out, const char *name, char bracket);

/* ---- the tools themselves ---- */

extern const struct tool_row tool_send_row, tool_calc_row, tool_personalise_row;
int tool_send_main(int argc, char **argv);
int tool_calc_main(int argc, char **argv);
int tool_personalise_main(int argc, char **argv);
extern const struct tool_row tool_trail_row;
int tool_trail_main(int argc, char **argv);

/* Writes all of it to the descriptor. */
MUST_USE enum err tool_write(int fd, struct span text);

#endif
