/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The little of man(7) that printed pages need.
 *
 * Purpose    Texts of tables become man pages: what roff would read as its own is escaped.
 * Ownership  Appends to the caller's buffer.
 * Failure    The sticky error of `struct buf`.
 */
#ifndef CLI_ROFF_H
#define CLI_ROFF_H

#include "base/buf.h"

/* .TH and NAME. */
void cli_roff_title(struct buf *out, const char *page, const char *section, const char *summary);
/* In capitals. */
void cli_roff_heading(struct buf *out, const char *title);
/* The tag of a list: a name in bold, an argument in italics behind `between`; argument NULL: none. Its text follows. */
void cli_roff_tag(struct buf *out, const char *name, const char *between, const char *argument);
/* One run of text without a line end. */
void cli_roff_text(struct buf *out, struct span text);
/* A text that ends its line. */
void cli_roff_line(struct buf *out, const char *text);
/* Paragraphs; lines that begin with a blank stand as they are. */
void cli_roff_paragraphs(struct buf *out, const char *text);
/* The pages named, "countersign-hsm (1)", with commas. */
void cli_roff_see(struct buf *out, const char *page, const char *section, bool first);

#endif
