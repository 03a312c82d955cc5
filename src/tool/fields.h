/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fields that a person types: name=value pairs from the command line and from a file.
 *
 * Purpose    Collects pairs, finds which label of a record each name means, and gives the values to wire_fill.
 * Ownership  Values stand in locked pages and are wiped with tool_fields_destroy.
 * Threading  One thread.
 * Failure    `problem` gets one line for people; it never holds a value.
 * Limits     TOOL_FIELDS pairs, TOOL_FIELDS_BYTES of values.
 *
 * Values     hex:0A1B stands for raw bytes in a field of bytes. A file has a pair a line; empty lines and lines that begin with #
 *            are skipped; the file - is standard input.
 */
#ifndef TOOL_FIELDS_H
#define TOOL_FIELDS_H

#include "wire/named.h"

enum { TOOL_FIELDS = 64, TOOL_FIELDS_BYTES = 131072, TOOL_FIELDS_PROBLEM = 160 };

struct tool_fields;

MUST_USE enum err tool_fields_create(struct tool_fields **out);
void tool_fields_destroy(struct tool_fields *fields);

MUST_USE enum err tool_fields_add(struct tool_fields *fields, const char *assignment, char problem[static TOOL_FIELDS_PROBLEM]);
MUST_USE enum err tool_fields_load(struct tool_fields *fields, const char *path, char problem[static TOOL_FIELDS_PROBLEM]);

/* Gives each name that begins with `prefix` ("" for those without a dot) the label it means in `record`. Pairs that were asked for
 * by tool_fields_get are left alone. */
MUST_USE enum err tool_fields_resolve(struct tool_fields *fields, const struct wire_record *record, const char *prefix,
                                      char problem[static TOOL_FIELDS_PROBLEM]);
/* Whether any name begins with the prefix. */
bool tool_fields_any(const struct tool_fields *fields, const char *prefix);
/* Fills `out` from the pairs of the prefix. */
MUST_USE enum err tool_fields_fill(struct tool_fields *fields, const struct wire_record *record, const char *prefix, void *out,
                                   char problem[static TOOL_FIELDS_PROBLEM]);
/* The name of a pair that nothing has asked for; NULL: none. */
const char *tool_fields_unused(const struct tool_fields *fields);
/* The value of a whole name; false: not given. */
bool tool_fields_get(struct tool_fields *fields, const char *name, struct span *out);

/* The fields of a record, for --help: label, type and meaning, a line each. */
void tool_fields_document(const struct wire_record *record, const char *prefix, struct buf *out);

#endif
