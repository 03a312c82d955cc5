/* SPDX-License-Identifier: Apache-2.0 */
/* Reads cards from a file or a pipe through one bounded buffer, and keeps the digest of what was read. */
#include "tool/personalise/internal.h"

#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BOM_LEN = 3 };

static enum err digest_up_to(struct tool_personalise_input *in, size_t at)
{
    ASSERT(in->digested <= at && at <= in->len);
    TRY(crypto_digest_stream_add(&in->digest, span_of(in->room + in->digested, at - in->digested)));
    in->digested = at;
    return ERR_OK;
}

/* Moves what is left to the front and reads behind it. ERR_CLOSED: a signal came. */
static enum err refill(struct tool_personalise_input *in)
{
    TRY(digest_up_to(in, in->at));
    memmove(in->room, in->room + in->at, in->len - in->at);
    in->len -= in->at;
    in->at = in->digested = 0;
    ssize_t n = read(in->fd, in->room + in->len, TOOL_PERSONALISE_READ - in->len);
    if (n < 0)
        return errno == EINTR && !tool_personalise_signal ? ERR_OK : errno == EINTR ? ERR_CLOSED : ERR_SYSTEM;
    in->ended = n == 0;
    in->len += (size_t)n;
    return ERR_OK;
}

static struct span sight(const struct tool_personalise_input *in)
{
    return span_of(in->room + in->at, in->len - in->at);
}

static void pass(struct tool_personalise_input *in, size_t bytes, uint64_t lines)
{
    in->at += bytes;
    in->position += bytes;
    in->line += lines;
}

/* ---- lines ---- */

/* The rest of a line that is longer than the buffer shows. */
static void skip_line(struct tool_personalise_input *in)
{
    struct span left = sight(in);
    const uint8_t *end = left.len > 0 ? memchr(left.at, '\n', left.len) : NULL;
    in->skipping = !end;
    pass(in, end ? (size_t)(end - left.at) + 1 : left.len, end ? 1 : 0);
}

static enum card_line next_line(struct tool_personalise_input *in)
{
    enum card_line line =
        in->jsonl ? card_jsonl_next(sight(in), in->ended, &in->record) : card_csv_next(sight(in), in->ended, &in->record);
    if (line == CARD_LINE_MORE)
        return line;
    in->told = in->line;
    in->skipping = line == CARD_LINE_BAD && in->record.cut;
    pass(in, in->record.used, in->record.lines - in->skipping);
    return line;
}

/* The next line with something on it. */
static enum tool_personalise_line line_with_something(struct tool_personalise_input *in)
{
    for (;;) {
        if (tool_personalise_signal)
            return TOOL_PERSONALISE_SIGNAL;
        if (in->skipping && in->at < in->len)
            skip_line(in);
        bool drained = in->at == in->len;
        if (drained && in->ended)
            return TOOL_PERSONALISE_END;
        enum card_line line = drained || in->skipping ? CARD_LINE_MORE : next_line(in);
        if (line == CARD_LINE_RECORD || line == CARD_LINE_BAD)
            return line == CARD_LINE_RECORD ? TOOL_PERSONALISE_ORDER : TOOL_PERSONALISE_BAD;
        enum err err = line == CARD_LINE_MORE ? refill(in) : ERR_OK;
        if (err != ERR_OK)
            return err == ERR_CLOSED ? TOOL_PERSONALISE_SIGNAL : TOOL_PERSONALISE_BROKEN;
    }
}

enum tool_personalise_line tool_personalise_input_next(struct tool_personalise_input *in, const struct card_order_rule *rule,
                                                       struct card_order *out, const char **why)
{
    enum tool_personalise_line line = line_with_something(in);
    if (line == TOOL_PERSONALISE_BAD)
        *why = in->record.why;
    if (line != TOOL_PERSONALISE_ORDER)
        return line;
    return card_order_read(&in->record, &in->columns, rule, out, why) == ERR_OK ? TOOL_PERSONALISE_ORDER : TOOL_PERSONALISE_BAD;
}

void tool_personalise_input_back(struct tool_personalise_input *in)
{
    ASSERT(in->at >= in->record.used); /* nothing was read since that line was told */
    in->at -= in->record.used;
    in->position -= in->record.used;
    in->line = in->told;
    in->skipping = false;
}

/* ---- life ---- */

static int open_file(const struct tool_personalise_options *o, struct tool_personalise_input *in)
{
    struct stat about;
    bool standard = strcmp(o->in, "-") == 0;
    in->fd = standard ? STDIN_FILENO : open(o->in, O_RDONLY | O_CLOEXEC);
    if (in->fd < 0 || fstat(in->fd, &about) != 0)
        return cli_failed(o->line, CLI_EXIT_FAILED, o->in, strerror(errno));
    if (S_ISDIR(about.st_mode))
        return cli_failed(o->line, CLI_EXIT_FAILED, o->in, "is a directory");
    in->size = S_ISREG(about.st_mode) ? (uint64_t)about.st_size : 0;
    return 0;
}

static enum err first_sight(struct tool_personalise_input *in)
{
    while (!in->ended && in->len < BOM_LEN)
        TRY(refill(in));
    if (in->len >= BOM_LEN && memcmp(in->room, "\xEF\xBB\xBF", BOM_LEN) == 0)
        pass(in, BOM_LEN, 0);
    return ERR_OK;
}

static bool looks_like_json(const struct tool_personalise_input *in)
{
    struct span left = sight(in);
    for (size_t i = 0; i < left.len; i++)
        if (!strchr(" \t\r\n", left.at[i]))
            return left.at[i] == '{';
    return false;
}

static int read_header(const struct tool_personalise_options *o, struct tool_personalise_input *in)
{
    const char *why = "an empty file: a header line is wanted";
    enum tool_personalise_line line = line_with_something(in);
    if (line == TOOL_PERSONALISE_SIGNAL)
        return cli_failed(o->line, CLI_EXIT_CUT_SHORT, o->in, "stopped");
    if (line == TOOL_PERSONALISE_BROKEN)
        return cli_failed(o->line, CLI_EXIT_FAILED, o->in, strerror(errno));
    if (line == TOOL_PERSONALISE_BAD)
        why = in->record.why;
    if (line != TOOL_PERSONALISE_ORDER || card_columns_find(&in->record, &in->columns, &why) != ERR_OK)
        return cli_failed(o->line, CLI_EXIT_FAILED, "the header line names the columns", why);
    return 0;
}

int tool_personalise_input_open(const struct tool_personalise_options *o, const uint8_t key[static CRYPTO_DIGEST_SHA256],
                                struct tool_personalise_input *in)
{
    in->line = 1;
    int status = open_file(o, in);
    if (status != 0)
        return status;
    if (crypto_digest_stream_begin(span_of(key, CRYPTO_DIGEST_SHA256), &in->digest) != ERR_OK)
        return cli_failed(o->line, CLI_EXIT_FAILED, "the digest of the input", "cannot be computed");
    enum err err = first_sight(in);
    if (err != ERR_OK)
        return err == ERR_CLOSED ? cli_failed(o->line, CLI_EXIT_CUT_SHORT, o->in, "stopped")
                                 : cli_failed(o->line, CLI_EXIT_FAILED, o->in, strerror(errno));
    in->jsonl = o->format ? strcmp(o->format, "jsonl") == 0 : looks_like_json(in);
    return in->jsonl ? 0 : read_header(o, in);
}

void tool_personalise_input_close(struct tool_personalise_input *in)
{
    crypto_digest_stream_end(&in->digest);
    if (in->fd > STDERR_FILENO)
        (void)close(in->fd);
}

enum err tool_personalise_input_digest(struct tool_personalise_input *in, uint8_t out[static CRYPTO_DIGEST_SHA256])
{
    TRY(digest_up_to(in, in->at));
    return crypto_digest_stream_peek(&in->digest, out);
}

enum err tool_personalise_input_skip(struct tool_personalise_input *in, uint64_t position, uint64_t line)
{
    while (in->position < position) {
        if (in->at == in->len && in->ended)
            return ERR_PARSE_SHORT;
        if (in->at == in->len)
            TRY(refill(in));
        uint64_t wanted = position - in->position;
        size_t there = in->len - in->at;
        pass(in, wanted < there ? (size_t)wanted : there, 0);
    }
    in->line = line;
    return in->position == position ? ERR_OK : ERR_PARSE_VALUE;
}
