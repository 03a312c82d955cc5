/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tools of countersign-hsm share: one table describes a tool, and its command line, its --help and its man page are that
 * table.
 *
 * Purpose    Long options with or without a value, operands, refusals in words; JSON texts.
 * Ownership  A tool is static. A line borrows from argv.
 * Threading  The main thread.
 * Failure    hsm_tool_parse ends the process with 0 after --help, with HSM_TOOL_USAGE for a line it does not understand.
 * Limits     HSM_TOOL_OPTIONS options a tool.
 *
 * Example
 *     enum { OPTION_JSON, OPTION_TO };
 *     static const struct hsm_tool_option options[] = {{"json", NULL, "print data"}, {"to", "ADDR:PORT", "the HSM"}};
 *     struct hsm_tool_line line;
 *     hsm_tool_parse(&tool, argc, argv, &line);
 *     if (line.value[OPTION_JSON]) ...
 */
#ifndef MAIN_HSM_TOOL_H
#define MAIN_HSM_TOOL_H

#include "base/buf.h"

enum { HSM_TOOL_OPTIONS = 32, HSM_TOOL_USAGE = 2 };

struct hsm_tool_option {
    const char *name;
    const char *argument; /* NULL: takes none */
    const char *doc;
};
struct hsm_tool_status {
    int status;
    const char *doc;
};
/* A line that begins with two blanks stands as it is; others are paragraphs. */
struct hsm_tool_section {
    const char *title;
    const char *text;
};

struct hsm_tool {
    const char *name;     /* the subcommand */
    const char *summary;  /* half a sentence, as the man page's NAME */
    const char *operands; /* "COMMAND [FIELD=VALUE ...]" */
    const struct hsm_tool_option *option;
    size_t option_count;
    const struct hsm_tool_status *status;
    size_t status_count;
    const struct hsm_tool_section *section;
    size_t section_count;
    void (*more)(struct buf *out); /* NULL, or appends what is printed from other tables, as a section's text */
    const char *more_title;
};

#define HSM_TOOL_COUNT(rows_) (sizeof(rows_) / sizeof((rows_)[0]))
#define HSM_TOOL_MEMBERS(options_, statuses_, sections_)                                   \
    .option = (options_), .option_count = HSM_TOOL_COUNT(options_), .status = (statuses_), \
    .status_count = HSM_TOOL_COUNT(statuses_), .section = (sections_), .section_count = HSM_TOOL_COUNT(sections_)

struct hsm_tool_line {
    const char *value[HSM_TOOL_OPTIONS]; /* NULL: not given; "" for an option without a value */
    char **operand;
    size_t operands;
    bool help; /* --help behind an operand: the tool answers it */
};

void hsm_tool_parse(const struct hsm_tool *tool, int argc, char **argv, struct hsm_tool_line *out);
/* Tells on standard error what is wrong with the command line; gives HSM_TOOL_USAGE. */
int hsm_tool_refuse(const struct hsm_tool *tool, const char *what, const char *why);
/* Tells a failure; gives `status`. */
int hsm_tool_failed(const struct hsm_tool *tool, int status, const char *what, const char *why);
/* Where the HSM of this machine is hardened, tells so and gives EX_USAGE: no clear key may be typed there. 0: go on. `config` NULL:
 * HSM_TOOL_CONFIG, if it is there. */
#define HSM_TOOL_CONFIG "/etc/countersign/hsm.conf"
int hsm_tool_clear_keys_refused(const struct hsm_tool *tool, const char *config);
void hsm_tool_help(const struct hsm_tool *tool, struct buf *out);
/* The man page, section 1, in man(7). */
void hsm_tool_man(const struct hsm_tool *tool, struct buf *out);

/* ---- JSON ---- */

/* A string with its quotes; bytes outside ASCII as \u00XX. */
void hsm_json_text(struct buf *out, struct span text);
/* `"name":"text"`, with a comma in front unless the object or array has just begun. */
void hsm_json_member(struct buf *out, const char *name, struct span text);
void hsm_json_number(struct buf *out, const char *name, uint64_t value);
/* `"name":{` or `"name":[`; name NULL: none. */
void hsm_json_open(struct buf *out, const char *name, char bracket);

/* ---- the tools themselves ---- */

extern const struct hsm_tool main_hsm_send_tool, main_hsm_calc_tool, main_hsm_batch_tool;
int main_hsm_send(int argc, char **argv);
int main_hsm_calc(int argc, char **argv);
int main_hsm_batch(int argc, char **argv);
extern const struct hsm_tool main_hsm_audit_tool;
int main_hsm_audit(int argc, char **argv);

/* Writes all of it to the descriptor. */
MUST_USE enum err hsm_tool_write(int fd, struct span text);

#endif
