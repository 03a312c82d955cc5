/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/entry.h"

#include "base/file.h"
#include "base/secret.h"

#include <bsd/readpassphrase.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { ENDINGS = 4, STOPS = 3, SAY_SIZE = 1024 };
static const int ending[ENDINGS] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
static const int stopping[STOPS] = {SIGTSTP, SIGTTIN, SIGTTOU};

static const char clear_screen[] = "\033[3J\033[H\033[2J"; /* scrollback, home, screen */

/* What a signal handler needs to clear the screen. */
static struct {
    volatile sig_atomic_t screen; /* terminal that shows a secret; -1: none */
    struct sigaction before[ENDINGS + STOPS];
} quiet = {.screen = -1};

static void clear(void)
{
    if (quiet.screen >= 0)
        (void)!write(quiet.screen, clear_screen, sizeof clear_screen - 1);
    quiet.screen = -1;
}

static void on_ending(int signum)
{
    clear();
    (void)signal(signum, SIG_DFL);
    (void)raise(signum);
}

/* The signals that would end or stop the process while a secret is shown. */
static void mind_signals(void)
{
    const struct sigaction end = {.sa_handler = on_ending}, ignore = {.sa_handler = SIG_IGN};
    for (int i = 0; i < ENDINGS; i++)
        (void)sigaction(ending[i], &end, &quiet.before[i]);
    for (int i = 0; i < STOPS; i++)
        (void)sigaction(stopping[i], &ignore, &quiet.before[ENDINGS + i]);
}

static void release_signals(void)
{
    for (int i = 0; i < ENDINGS; i++)
        (void)sigaction(ending[i], &quiet.before[i], NULL);
    for (int i = 0; i < STOPS; i++)
        (void)sigaction(stopping[i], &quiet.before[ENDINGS + i], NULL);
}

/* A terminal that hung up, or a descriptor that cannot be read, has no more lines. */
static enum err read_line(int fd, struct buf *out)
{
    enum err err = file_read_line(fd, out);
    return err == ERR_SYSTEM ? ERR_CLOSED : err;
}

/* ---- door ---- */

enum err tool_entry_open(int input, bool yes, struct tool_entry *out)
{
    int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC);
    if (terminal < 0 && input < 0)
        return ERR_SYSTEM;
    *out = (struct tool_entry){terminal, input, yes, false};
    return ERR_OK;
}

void tool_entry_close(struct tool_entry *entry)
{
    if (entry->terminal >= 0)
        close(entry->terminal);
    entry->terminal = -1;
}

static void show(const struct tool_entry *entry, const char *text)
{
    int fd = entry->terminal >= 0 ? entry->terminal : entry->aside ? STDERR_FILENO : STDOUT_FILENO;
    (void)!file_write(fd, span_text(text)); /* where nobody sees it, what follows fails by itself */
}

void tool_entry_say(const struct tool_entry *entry, const char *format, ...)
{
    char text[SAY_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    show(entry, text);
    secret_wipe(text, sizeof text); /* a component is shown through here */
}

/*
 * libbsd asks at the terminal: it reads into the caller's memory byte by byte and keeps no copy, and it gives the echo back before
 * a signal ends or stops the process. A line that fills the room may have been cut.
 */
static enum err ask(const char *prompt, struct buf *out)
{
    char *at = (char *)out->at + out->len;
    size_t room = out->cap - out->len;
    if (!readpassphrase(prompt, at, room, RPP_REQUIRE_TTY | RPP_ECHO_OFF))
        return ERR_CLOSED;
    size_t len = strnlen(at, room);
    if (len + 1 >= room)
        return ERR_PARSE_LONG;
    out->len += len;
    return buf_done(out);
}

enum err tool_entry_secret(const struct tool_entry *entry, const char *prompt, struct buf *out)
{
    return entry->input >= 0 ? read_line(entry->input, out) : ask(prompt, out);
}

void tool_entry_reveal(const struct tool_entry *entry)
{
    ASSERT(entry->terminal >= 0);
    mind_signals();
    quiet.screen = entry->terminal;
}

void tool_entry_conceal(void)
{
    clear();
    release_signals();
}

enum err tool_entry_text(const struct tool_entry *entry, const char *prompt, struct buf *out)
{
    if (entry->terminal < 0)
        return ERR_CLOSED;
    show(entry, prompt);
    return read_line(entry->terminal, out);
}

bool tool_entry_confirm(const struct tool_entry *entry, const char *question)
{
    uint8_t room[8];
    struct buf answer = buf_over(room, sizeof room);
    if (entry->yes)
        return true;
    show(entry, question);
    enum err err = tool_entry_text(entry, " [yes/no] ", &answer);
    return err == ERR_OK && span_is(buf_span(&answer), "yes");
}
