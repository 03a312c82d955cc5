/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What officers type: secrets without echo, answers, confirmations.
 *
 * Purpose    Passphrases and components come from the terminal (/dev/tty, echo off) or, for automation, line by line from a file
 *            descriptor; never from the command line or the environment.
 * Ownership  tool_entry_open opens the terminal, tool_entry_close closes it. A secret stands in the caller's memory only.
 * Threading  The main thread, once.
 * Failure    ERR_CLOSED at the end of the input; ERR_PARSE_LONG for a line that does not fit. A signal that ends the process
 *            restores the terminal first.
 * Limits     Lines up to 4,095 characters.
 */
#ifndef TOOL_ENTRY_H
#define TOOL_ENTRY_H

#include "base/buf.h"

struct tool_entry {
    int terminal; /* -1: none */
    int input;    /* descriptor with secret lines; -1: the terminal */
    bool yes;     /* confirmations are given beforehand */
    bool aside;   /* without a terminal things are said on standard error: standard output is for data */
};

/* ERR_SYSTEM: there is neither a terminal nor a descriptor. */
MUST_USE enum err tool_entry_open(int input, bool yes, struct tool_entry *out);
void tool_entry_close(struct tool_entry *entry);

/* To the terminal, else to standard output, or where `aside` says. */
void tool_entry_say(const struct tool_entry *entry, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* One line without its end; nothing of it is shown. With a descriptor the prompt is left out. */
MUST_USE enum err tool_entry_secret(const struct tool_entry *entry, const char *prompt, struct buf *out);
/* What is said from here to tool_entry_conceal is secret: then, or when a signal ends the process, the screen is cleared. Needs a
 * terminal. */
void tool_entry_reveal(const struct tool_entry *entry);
void tool_entry_conceal(void);
/* One line that may be seen; from the terminal only. */
MUST_USE enum err tool_entry_text(const struct tool_entry *entry, const char *prompt, struct buf *out);
/* True for "yes" typed in full, or given beforehand. */
bool tool_entry_confirm(const struct tool_entry *entry, const char *question);

#endif
