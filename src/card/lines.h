/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records of text files: CSV (RFC 4180) and flat JSON lines.
 *
 * Purpose    Finds the next record at the start of a piece of input and splits it into values, so that a reader with one bounded
 *            buffer can walk a file of any size.
 * Ownership  A record's values point into the input or into its own scratch; they are valid while both stand.
 * Threading  Free of state.
 * Failure    A record that cannot be read is CARD_LINE_BAD with the reason in words (never with anything of the input); `used`
 *            leads behind the line where it began, so that one bad line does not swallow the next.
 * Limits     CARD_LINE_MAX bytes a record, CARD_LINE_VALUES values. A longer line is cut: the reader skips to its end.
 *
 * Example
 *     switch (card_csv_next(in, is_last, &record)) {
 *     case CARD_LINE_RECORD: use(record.value[0]); break;
 *     case CARD_LINE_BAD: tell(line, record.why); break;
 *     case CARD_LINE_EMPTY: break;
 *     case CARD_LINE_MORE: read_more(); continue;
 *     }
 *     in = span_slice(in, record.used, in.len);
 *     line += record.lines;
 */
#ifndef CARD_LINES_H
#define CARD_LINES_H

#include "base/buf.h"

enum { CARD_LINE_MAX = 8192, CARD_LINE_VALUES = 64 };

enum card_line {
    CARD_LINE_RECORD,
    CARD_LINE_EMPTY, /* a line with nothing on it */
    CARD_LINE_BAD,
    CARD_LINE_MORE, /* the record may go on behind the input; never with `last` */
};

struct card_record {
    size_t used;  /* bytes of the input, with the line end */
    size_t lines; /* line ends among them; a last line without one counts */
    bool cut;     /* BAD: the line is longer than the input shows; its rest is to be skipped */
    const char *why;
    size_t count;
    struct span name[CARD_LINE_VALUES]; /* JSON */
    struct span value[CARD_LINE_VALUES];
    bool text[CARD_LINE_VALUES]; /* JSON: a string, not a number or a literal */
    size_t scratch_used;
    uint8_t scratch[CARD_LINE_MAX];
};

/* Quotes as in RFC 4180: a quoted value may hold commas, line ends and doubled quotes. */
enum card_line card_csv_next(struct span in, bool last, struct card_record *out);
/* One object a line; strings, numbers and literals, nothing nested; a name occurs once. */
enum card_line card_jsonl_next(struct span in, bool last, struct card_record *out);

#endif
