/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A positional record filled by names: for people who type fields instead of frames.
 *
 * Purpose    The rows of a protocol give each field a label that fits a command line ("service code" is service-code); a record is
 *            filled from label=value pairs, and what follows from the rows (counters, the only choice, absent groups) fills itself.
 * Ownership  Values are copied into the record.
 * Threading  Free of state.
 * Failure    ERR_PARSE_MISSING names a field that is needed, other errors are those of its value; `fault` says which field. The
 *            record is wiped then.
 * Limits     Labels of WIRE_LABEL - 1 characters.
 *
 * Example
 *     static bool value_of(void *context, const char *label, struct span *out);      // false: not given
 *     TRY(wire_fill(&cw_record, value_of, arguments, &cw, &fault));
 */
#ifndef WIRE_NAMED_H
#define WIRE_NAMED_H

#include "wire/wire.h"

enum { WIRE_LABEL = 32 };

/* Lower case letters, digits and single dashes. */
void wire_label(const struct wire_field *field, char out[static WIRE_LABEL]);

/*
 * The label that a person means by `name`: a label, an unambiguous beginning of one, `key` for the first KEY of the record, `code`
 * for its first secret. ERR_PARSE_UNKNOWN: none; ERR_PARSE_DUPLICATE: several begin so.
 */
MUST_USE enum err wire_label_find(const struct wire_record *record, struct span name, char out[static WIRE_LABEL]);

/* Gives the value for a label; false: none was given. */
typedef bool (*wire_lookup)(void *context, const char *label, struct span *out);

MUST_USE enum err wire_fill(const struct wire_record *record, wire_lookup lookup, void *context, void *out,
                            struct wire_fault *fault);

#endif
