/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The little of man(7) that printed pages need.
 *
 * Purpose    Texts of tables become man pages: what roff would read as its own is escaped.
 * Ownership  Appends to the caller's buffer.
 * Failure    The sticky error of `struct buf`.
 */
#ifndef TOOL_ROFF_H
#define TOOL_ROFF_H

#include "base/buf.h"

/* .TH and NAME. */
void tool_roff_title(struct buf *out, const char *page, const char *section, const char *summary);
/* In capitals. */
void tool_roff_heading(struct buf *out, const char *title);
/* The tag of an option; its text follows. */
void tool_roff_option(struct buf *out, const char *name, const char *argument);
/* One run of text without a line end. */
void tool_roff_text(struct buf *out, struct span text);
/* Paragraphs; lines that begin with a blank stand as they are. */
void tool_roff_paragraphs(struct buf *out, const char *text);

#endif
