/* SPDX-License-Identifier: Apache-2.0 */
/* How far a batch is: positions, counts and digests, never a card number or a code. */
#include "tool/personalise/state.h"

#include "wire/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct slot {
    WIRE_TEXT(18) sequence;
    WIRE_TEXT(18) input;
    WIRE_TEXT(18) line;
    WIRE_TEXT(18) output;
    WIRE_TEXT(18) report;
    WIRE_TEXT(18) coded;
    WIRE_TEXT(18) bad;
    WIRE_TEXT(18) messages;
    WIRE_TEXT(1) done;
    WIRE_TEXT(64) input_digest;
    WIRE_TEXT(64) options_digest;
};

/* clang-format off */
#define NUMBER(name_, doc_, member_)                                                                                              \
    {.name = (name_), .doc = (doc_), .kind = WIRE_N, .length = WIRE_DELIMITED, .delimiter = ' ', .min = 1, .max = 18,             \
     WIRE_AT(struct slot, member_)}
#define DIGEST(name_, doc_, member_)                                                                                              \
    {.name = (name_), .doc = (doc_), .kind = WIRE_H, .length = WIRE_DELIMITED, .delimiter = ' ', .min = 64, .max = 64,            \
     WIRE_AT(struct slot, member_)}
static const struct wire_field slot_fields[] = {
    {.name = "magic", .doc = "what the file is", .kind = WIRE_CONST, .literal = "CSBATCH1 ", .min = 1, .max = 9},
    NUMBER("chunks", "chunks that are durable", sequence),
    NUMBER("input", "bytes of the input that are done", input),
    NUMBER("line", "number of the line that follows", line),
    NUMBER("output", "bytes of the output", output),
    NUMBER("report", "bytes of the report", report),
    NUMBER("coded", "cards with codes", coded),
    NUMBER("bad", "bad lines", bad),
    NUMBER("messages", "lines of the output", messages),
    {.name = "done", .doc = "1: the run is complete", .kind = WIRE_ENUM, .choices = "0|1", .min = 1, .max = 1,
     .length = WIRE_DELIMITED, .delimiter = ' ', WIRE_AT(struct slot, done)},
    DIGEST("input digest", "HMAC-SHA-256 over the bytes that are done, under a key made from the CVKs", input_digest),
    DIGEST("options digest", "the same over what decides the output", options_digest),
};
/* clang-format on */
static const struct wire_record slot_record = WIRE_RECORD("slot of the state", struct slot, slot_fields);

enum { CHECK = 2 * CRYPTO_DIGEST_SHA256 };

#define SET_NUMBER(member_, value_) set_number((struct wire_text *)(void *)&(member_), (value_))
static void set_number(struct wire_text *member, uint64_t value)
{
    struct buf text = buf_over(member->at, 18);
    buf_put_decimal(&text, value, 0);
    member->len = (uint16_t)text.len;
    member->present = true;
}

#define SET_DIGEST(member_, value_) set_digest((struct wire_text *)(void *)&(member_), (value_))
static void set_digest(struct wire_text *member, const uint8_t value[static CRYPTO_DIGEST_SHA256])
{
    struct buf text = buf_over(member->at, CHECK);
    buf_put_hex(&text, value, CRYPTO_DIGEST_SHA256);
    member->len = (uint16_t)text.len;
    member->present = true;
}

enum err tool_personalise_slot_build(const struct tool_personalise_progress *p, uint8_t out[static TOOL_PERSONALISE_SLOT])
{
    struct slot slot = {0};
    uint8_t check[CRYPTO_DIGEST_SHA256];
    struct buf text = buf_over(out, TOOL_PERSONALISE_SLOT);
    SET_NUMBER(slot.sequence, p->sequence);
    SET_NUMBER(slot.input, p->input);
    SET_NUMBER(slot.line, p->line);
    SET_NUMBER(slot.output, p->output);
    SET_NUMBER(slot.report, p->report);
    SET_NUMBER(slot.coded, p->coded);
    SET_NUMBER(slot.bad, p->bad);
    SET_NUMBER(slot.messages, p->messages);
    SET_NUMBER(slot.done, p->done);
    SET_DIGEST(slot.input_digest, p->input_digest);
    SET_DIGEST(slot.options_digest, p->options_digest);
    TRY(wire_build(&slot_record, &slot, &text));
    TRY(crypto_digest_sha256(buf_span(&text), check));
    buf_put_hex(&text, check, sizeof check);
    buf_put_fill(&text, ' ', TOOL_PERSONALISE_SLOT - 1 - text.len);
    buf_put_byte(&text, '\n');
    return buf_done(&text);
}

static enum err numbers(const struct slot *slot, struct tool_personalise_progress *out)
{
    TRY(span_decimal(WIRE_SPAN(slot->sequence), &out->sequence));
    TRY(span_decimal(WIRE_SPAN(slot->input), &out->input));
    TRY(span_decimal(WIRE_SPAN(slot->line), &out->line));
    TRY(span_decimal(WIRE_SPAN(slot->output), &out->output));
    TRY(span_decimal(WIRE_SPAN(slot->report), &out->report));
    TRY(span_decimal(WIRE_SPAN(slot->coded), &out->coded));
    TRY(span_decimal(WIRE_SPAN(slot->bad), &out->bad));
    TRY(span_decimal(WIRE_SPAN(slot->messages), &out->messages));
    TRY(span_unhex(WIRE_SPAN(slot->input_digest), out->input_digest, CRYPTO_DIGEST_SHA256));
    return span_unhex(WIRE_SPAN(slot->options_digest), out->options_digest, CRYPTO_DIGEST_SHA256);
}

enum err tool_personalise_slot_parse(struct span in, struct tool_personalise_progress *out)
{
    struct slot slot;
    uint8_t check[CRYPTO_DIGEST_SHA256], said[CRYPTO_DIGEST_SHA256];
    size_t used = 0;
    struct tool_personalise_progress progress = {0};
    TRY(wire_parse(&slot_record, in, &slot, &used, NULL));
    TRY(crypto_digest_sha256(span_slice(in, 0, used), check));
    struct span text = span_slice(in, used, CHECK);
    if (text.len != CHECK || span_unhex(text, said, sizeof said) != ERR_OK || memcmp(said, check, sizeof check) != 0)
        return ERR_PARSE_VALUE;
    TRY(numbers(&slot, &progress));
    progress.done = slot.done.at[0] == '1';
    *out = progress;
    return ERR_OK;
}

/* ---- the file ---- */

/* The slot that is whole and has more chunks. */
static bool read_slots(int fd, struct tool_personalise_progress *out)
{
    uint8_t room[TOOL_PERSONALISE_SLOT];
    bool found = false;
    for (int i = 0; i < 2; i++) {
        struct tool_personalise_progress p;
        ssize_t n = pread(fd, room, sizeof room, i * TOOL_PERSONALISE_SLOT);
        if (n != TOOL_PERSONALISE_SLOT || tool_personalise_slot_parse(span_of(room, sizeof room), &p) != ERR_OK)
            continue;
        if (!found || p.sequence > out->sequence)
            *out = p;
        found = true;
    }
    return found;
}

enum err tool_personalise_state_open(const char *path, bool create, struct tool_personalise_state *out, bool *fresh,
                                     struct tool_personalise_progress *progress)
{
    int fd = open(path, O_RDWR | O_CLOEXEC | (create ? O_CREAT : 0), 0600);
    if (fd < 0)
        return errno == ENOENT ? ERR_PARSE_MISSING : ERR_SYSTEM;
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        (void)close(fd);
        return ERR_BUSY;
    }
    struct stat about;
    bool empty = fstat(fd, &about) == 0 && about.st_size == 0;
    *fresh = !read_slots(fd, progress);
    out->fd = fd;
    return *fresh && !empty ? ERR_PARSE_VALUE : ERR_OK;
}

/* The slots take turns, so the last good one stands while the other is written. */
enum err tool_personalise_state_write(struct tool_personalise_state *state, const struct tool_personalise_progress *progress)
{
    uint8_t room[TOOL_PERSONALISE_SLOT];
    ASSERT(state->fd >= 0);
    TRY(tool_personalise_slot_build(progress, room));
    off_t at = (off_t)(progress->sequence % 2) * TOOL_PERSONALISE_SLOT;
    if (pwrite(state->fd, room, sizeof room, at) != (ssize_t)sizeof room || fdatasync(state->fd) != 0)
        return ERR_SYSTEM;
    return ERR_OK;
}

void tool_personalise_state_close(struct tool_personalise_state *state)
{
    if (state->fd > STDERR_FILENO)
        (void)close(state->fd);
    state->fd = -1;
}
