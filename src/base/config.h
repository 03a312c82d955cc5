/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configuration: INI files bound by a table.
 *
 * Purpose    A key of a configuration file is a row; the same rows print the reference and the error texts. `countersign X --help`
 *            shows them, `config_set` binds an override from the command line (`--set section.key=value`).
 * Ownership  Values are copied into the caller's struct.
 * Failure    The first problem is described with file, line and what to do; the struct keeps its defaults for what was not read.
 *            A required key without a value is ERR_CONFIG, named in `problem`.
 * Limits     Texts as large as their member less one byte.
 */
#ifndef BASE_CONFIG_H
#define BASE_CONFIG_H

#include "base/buf.h"

#include <stdbool.h>

enum config_kind { CONFIG_TEXT, CONFIG_INTEGER, CONFIG_BOOL };

struct config_row {
    const char *section;
    const char *key;
    const char *doc;
    enum config_kind kind;
    size_t offset; /* of a char[size], an int64_t or a bool */
    size_t size;
    int64_t min; /* CONFIG_INTEGER */
    int64_t max;
    const char *initial; /* default as text; NULL: the key is required */
};

#define CONFIG_MEMBER(struct_, member_) .offset = offsetof(struct_, member_), .size = sizeof(((struct_ *)0)->member_)

struct config_table {
    const struct config_row *row;
    size_t count;
};

/* Defaults first, then the file (NULL: defaults only). On failure `problem` holds one line for people. */
MUST_USE enum err config_load(const struct config_table *table, const char *path, void *out, char *problem, size_t problem_cap);
/* One "section.key=value". */
MUST_USE enum err config_set(const struct config_table *table, const char *assignment, void *out, char *problem,
                             size_t problem_cap);
/* The reference of the keys, as a Markdown table. */
void config_document(const struct config_table *table, struct buf *out);
/* The same for a terminal: two lines a key or more. */
void config_help(const struct config_table *table, struct buf *out);

#endif
