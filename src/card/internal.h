/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the readers of lines, inside the room. */
#ifndef CARD_INTERNAL_H
#define CARD_INTERNAL_H

#include "card/lines.h"

/* The record is bad: leads behind the line on which it began. */
enum card_line card_line_bad(struct span in, bool last, struct card_record *out, const char *why);
/* The input ended within a record: bad for `why` if nothing follows, or for its length. */
enum card_line card_line_open(struct span in, bool last, struct card_record *out, const char *why);

#endif
