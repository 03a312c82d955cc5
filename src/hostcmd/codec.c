/* SPDX-License-Identifier: Apache-2.0 */
/* Frames of commands: fields by the rows, and what stands around them. */
#include "hostcmd/annotate.h"
#include "hostcmd/internal.h"
#include "hostcmd/layout/layout.h"

#include "base/secret.h"
#include "hostcmd/error.h"
#include "keys/error.h"

#include <string.h>

enum { CODE_LEN = 2, TRAILER_MARK = 0x19 };

/* ---- requests ---- */

static const struct wire_field *field_named(const struct wire_record *record, const char *name)
{
    for (size_t i = 0; i < record->count; i++)
        if (record->field[i].name == name)
            return &record->field[i];
    return NULL;
}

static bool speaks_of(const struct hostcmd_fault *f, struct span data, const struct wire_fault *fault)
{
    size_t at = fault->offset;
    if (f->outcome != fault->outcome || !fault->field || strcmp(f->field, fault->field) != 0)
        return false;
    if (f->first && (data.len == 0 || data.at[0] != (uint8_t)f->first))
        return false;
    return !f->values || (at < data.len && data.at[at] != 0 && strchr(f->values, data.at[at]));
}

/* What the wire says of a fault: 15 unless the field has a code of its own. */
static enum err fault_code(const struct hostcmd_row *row, struct span data, const struct wire_fault *fault)
{
    for (const struct hostcmd_fault *f = row->fault; f && f->field; f++)
        if (speaks_of(f, data, fault))
            return f->err;
    const struct wire_field *field = fault->field ? field_named(row->request, fault->field) : NULL;
    if (!field || field->kind != WIRE_SHAPED || fault->offset >= data.len)
        return fault->err;
    uint8_t tag = data.at[fault->offset];
    if (hostcmd_key_tag_is_block(tag) && (fault->outcome == WIRE_OUTCOME_VALUE || fault->outcome == WIRE_OUTCOME_LONG))
        return KEYS_ERR_BLOCK_FORMAT;
    bool letter = tag >= 'A' && tag <= 'Z';
    return fault->outcome == WIRE_OUTCOME_VALUE && letter ? KEYS_ERR_SCHEME : fault->err;
}

static enum err refuse(struct wire_fault *fault, enum wire_outcome outcome, enum err err, size_t offset, const char *field)
{
    *fault = (struct wire_fault){err, outcome, field, offset};
    return err;
}

static enum err parse_lmk(struct span data, size_t *at, struct hostcmd_tail *tail, struct wire_fault *fault)
{
    uint64_t lmk = 0;
    struct span digits = span_slice(data, *at + 1, 2);
    if (tail->lmk != HOSTCMD_LMK_DEFAULT)
        return refuse(fault, WIRE_OUTCOME_VALUE, ERR_PARSE_VALUE, *at, "%NN");
    if (digits.len < 2)
        return refuse(fault, WIRE_OUTCOME_SHORT, ERR_PARSE_SHORT, *at, "%NN");
    if (span_decimal(digits, &lmk) != ERR_OK)
        return refuse(fault, WIRE_OUTCOME_CHARACTER, ERR_PARSE_CHARACTER, *at, "%NN");
    tail->lmk = (int)lmk;
    *at += 1 + digits.len;
    return ERR_OK;
}

/* `#` with the algorithm, or without: then it is the key's own. No text is both, since the exportability is a letter and a count of
 * optional blocks is digits. */
static enum err parse_attributes(const struct hostcmd_row *row, struct span data, size_t *at, struct hostcmd_tail *tail,
                                 struct wire_fault *fault)
{
    struct span text = span_slice(data, *at, SIZE_MAX);
    struct wire_fault other;
    size_t used = 0;
    if (tail->has_attributes)
        return refuse(fault, WIRE_OUTCOME_VALUE, ERR_PARSE_VALUE, *at, "attributes");
    enum err err = wire_parse(hostcmd_attributes_layout(row), text, &tail->attributes, &used, fault);
    if (err != ERR_OK && !(row->flags & HOSTCMD_ATTRIBUTES_SHORT) &&
        wire_parse(&hostcmd_attributes_own_record, text, &tail->attributes, &used, &other) == ERR_OK)
        err = ERR_OK;
    if (err != ERR_OK) {
        fault->offset += *at;
        return err;
    }
    tail->has_attributes = true;
    *at += used;
    return ERR_OK;
}

static enum err parse_change(struct span data, size_t *at, char *change, struct wire_fault *fault)
{
    if (*at + 1 == data.len)
        return refuse(fault, WIRE_OUTCOME_SHORT, ERR_PARSE_SHORT, *at, "change");
    uint8_t value = data.at[*at + 1];
    if (*change || value <= ' ' || value > '~')
        return refuse(fault, WIRE_OUTCOME_VALUE, ERR_PARSE_VALUE, *at, "change");
    *change = (char)value;
    *at += 2;
    return ERR_OK;
}

/* Two digits that real hosts send and that say nothing (host-commands.md 6.1). */
static enum err parse_unused(struct span data, size_t *at, struct hostcmd_tail *tail, struct wire_fault *fault)
{
    uint64_t ignored = 0;
    struct span digits = span_slice(data, *at + 1, 2);
    if (digits.len < 2)
        return refuse(fault, WIRE_OUTCOME_SHORT, ERR_PARSE_SHORT, *at, "change");
    if (tail->changes.version || span_decimal(digits, &ignored) != ERR_OK)
        return refuse(fault, WIRE_OUTCOME_VALUE, ERR_PARSE_VALUE, *at, "change");
    tail->changes.version = '0';
    *at += 1 + digits.len;
    return ERR_OK;
}

/* A tag that says nothing to the command: read as one that does, once, and ignored. */
static enum err parse_ignored(struct span data, size_t *at, struct hostcmd_tail *tail, struct wire_fault *fault)
{
    const struct hostcmd_row any = {.flags = HOSTCMD_ATTRIBUTES};
    struct hostcmd_tail other = {.has_attributes = tail->unused.attributes > 0};
    uint8_t mark = data.at[*at];
    struct hostcmd_unused *unused = &tail->unused;
    uint8_t *len = mark == '#' ? &unused->attributes : mark == '&' ? &unused->exportability : &unused->version;
    size_t start = *at;
    char seen = *len > 0 ? '?' : 0;
    uint64_t number = 0;
    if (mark == '#')
        TRY(parse_attributes(&any, data, at, &other, fault));
    else if (mark == '!' && !seen && *at + 3 <= data.len && span_decimal(span_slice(data, *at + 1, 2), &number) == ERR_OK)
        *at += 3;
    else
        TRY(parse_change(data, at, &seen, fault));
    if (*at - start > UINT8_MAX)
        return refuse(fault, WIRE_OUTCOME_LONG, ERR_PARSE_LONG, start, "attributes");
    *len = (uint8_t)(*at - start);
    return ERR_OK;
}

/* Each tag once, in any order. */
static enum err parse_tags(const struct hostcmd_row *row, struct span data, size_t *at, struct hostcmd_tail *tail,
                           struct wire_fault *fault)
{
    while (*at < data.len) {
        uint8_t mark = data.at[*at];
        if (mark == '%')
            TRY(parse_lmk(data, at, tail, fault));
        else if (mark == '#' && hostcmd_attributes_layout(row))
            TRY(parse_attributes(row, data, at, tail, fault));
        else if (mark == '!' && (row->flags & HOSTCMD_VERSION_UNUSED))
            TRY(parse_unused(data, at, tail, fault));
        else if (mark == '&' && (row->flags & HOSTCMD_CHANGES))
            TRY(parse_change(data, at, &tail->changes.exportability, fault));
        else if (mark == '!' && (row->flags & HOSTCMD_CHANGES))
            TRY(parse_change(data, at, &tail->changes.version, fault));
        else if ((mark == '#' || mark == '&' || mark == '!') && !(row->flags & HOSTCMD_NO_LMK))
            TRY(parse_ignored(data, at, tail, fault));
        else
            return ERR_OK;
    }
    return ERR_OK;
}

/* `data` from `at` on is nothing, or the delimiter and up to 32 characters, which come back exactly. */
static enum err parse_trailer(struct span data, size_t at, struct span *trailer, struct wire_fault *fault)
{
    if (at == data.len)
        return ERR_OK;
    if (data.at[at] != TRAILER_MARK)
        return refuse(fault, WIRE_OUTCOME_TRAILING, ERR_PARSE_TRAILING, at, "end");
    if (data.len - at > 1 + HOSTCMD_TRAILER_MAX)
        return refuse(fault, WIRE_OUTCOME_LONG, ERR_PARSE_LONG, at, "trailer");
    *trailer = span_slice(data, at, data.len - at);
    return ERR_OK;
}

/* After a fault the end of the fields is unknown; where fields hold text, the first X'19' still begins the trailer. */
struct span hostcmd_trailer_of(struct span data)
{
    const uint8_t *mark = data.len > 0 ? memchr(data.at, TRAILER_MARK, data.len) : NULL;
    if (!mark)
        return (struct span){0};
    size_t len = data.len - (size_t)(mark - data.at);
    return len <= 1 + HOSTCMD_TRAILER_MAX ? span_of(mark, len) : (struct span){0};
}

static bool may_be_binary(const struct hostcmd_row *row, struct span data)
{
    if (!row->binary)
        return row->flags & HOSTCMD_BINARY;
    return data.len > 0 && data.at[0] != 0 && strchr(row->binary, data.at[0]);
}

static enum err parse(const struct hostcmd_row *row, const struct wire_record *record, struct span data, void *request,
                      struct hostcmd_tail *tail, struct wire_fault *fault)
{
    size_t at = 0;
    memset(tail, 0, sizeof *tail);
    tail->lmk = HOSTCMD_LMK_DEFAULT;
    enum err err = wire_parse(record, data, request, &at, fault);
    if (err != ERR_OK)
        return fault_code(row, data, fault);
    TRY(parse_tags(row, data, &at, tail, fault));
    return parse_trailer(data, at, &tail->trailer, fault);
}

enum err hostcmd_request_parse(const struct hostcmd_row *row, struct span data, void *request, struct hostcmd_tail *tail,
                               struct wire_fault *fault)
{
    struct wire_fault unasked;
    struct wire_fault *where = fault ? fault : &unasked;
    enum err err = parse(row, row->request, data, request, tail, where);
    if (err != ERR_OK && row->brief)
        err = parse(row, row->brief, data, request, tail, &(struct wire_fault){0}) == ERR_OK ? ERR_OK : err;
    if (err == ERR_OK && row->layout)
        hostcmd_layout_complete(row->layout, row->id, request);
    if (err == ERR_OK)
        return ERR_OK;
    if (!may_be_binary(row, data))
        tail->trailer = hostcmd_trailer_of(data);
    secret_wipe(request, row->request->size);
    return err;
}

static void put_change(struct buf *out, char mark, char value)
{
    if (!value)
        return;
    buf_put_byte(out, (uint8_t)mark);
    buf_put_byte(out, (uint8_t)value);
}

static enum err build(const struct hostcmd_row *row, const void *request, const struct hostcmd_tail *tail, struct buf *out)
{
    buf_put_text(out, row->code);
    TRY(wire_build(row->request, request, out));
    if (tail->lmk != HOSTCMD_LMK_DEFAULT) {
        buf_put_byte(out, '%');
        buf_put_decimal(out, (uint64_t)tail->lmk, 2);
    }
    put_change(out, '&', tail->changes.exportability);
    put_change(out, '!', tail->changes.version);
    if (tail->changes.version && (row->flags & HOSTCMD_VERSION_UNUSED))
        buf_put_byte(out, '0');
    const struct wire_record *record = hostcmd_attributes_said(row, &tail->attributes);
    if (tail->has_attributes && record)
        TRY(wire_build(record, &tail->attributes, out));
    buf_put_span(out, tail->trailer);
    return buf_done(out);
}

enum err hostcmd_request_build_tail(enum hostcmd_id id, const void *request, const struct hostcmd_tail *tail, struct buf *out)
{
    return build(hostcmd_row(id), request, tail, out);
}

enum err hostcmd_request_build_row(const struct hostcmd_row *row, const void *request, int lmk, struct buf *out)
{
    return build(row, request, &(struct hostcmd_tail){.lmk = lmk}, out);
}

enum err hostcmd_request_build_with(enum hostcmd_id id, const void *request, int lmk, const struct hostcmd_attributes *attributes,
                                    struct buf *out)
{
    struct hostcmd_tail tail = {.lmk = lmk, .has_attributes = attributes};
    if (attributes)
        tail.attributes = *attributes;
    return hostcmd_request_build_tail(id, request, &tail, out);
}

enum err hostcmd_request_build(enum hostcmd_id id, const void *request, int lmk, struct buf *out)
{
    return hostcmd_request_build_with(id, request, lmk, NULL, out);
}

/* ---- replies ---- */

static bool member_is(const void *request, uint16_t when, const char *equals)
{
    const struct wire_text *decider = (const struct wire_text *)(const void *)((const uint8_t *)request + when);
    return decider->len == 1 && strchr(equals, decider->at[0]);
}

const struct wire_record *hostcmd_reply_record(const struct hostcmd_row *row, const void *request)
{
    const struct hostcmd_reply_choice *other = &row->choice;
    return other->record && request && member_is(request, other->when, other->equals) ? other->record : row->reply;
}

const struct hostcmd_key_rule *hostcmd_key_rule(const struct hostcmd_row *row, const void *request)
{
    const struct hostcmd_key_choice *other = &row->key_choice;
    return other->equals && member_is(request, other->when, other->equals) ? &other->rule : &row->key;
}

static bool has_fields(const struct hostcmd_row *row, enum verdict verdict)
{
    if (verdict == VERDICT_MISMATCH)
        return row->flags & (HOSTCMD_DATA_WITH_01 | HOSTCMD_DATA_ALSO_WITH_01);
    return verdict == VERDICT_MATCH && !(row->flags & HOSTCMD_DATA_WITH_01);
}

enum err hostcmd_reply_build(const struct hostcmd_row *row, struct hostcmd_said said, const void *request, const void *reply,
                             struct span trailer, struct buf *out)
{
    buf_put_text(out, row->reply_code);
    buf_put_text(out, hostcmd_said_code(said));
    if (has_fields(row, said.verdict))
        TRY(wire_build(hostcmd_reply_record(row, request), reply, out));
    buf_put_span(out, trailer);
    return buf_done(out);
}

enum err hostcmd_reply_parse(enum hostcmd_id id, const void *request, struct span payload, struct hostcmd_said *out, void *reply)
{
    const struct hostcmd_row *row = hostcmd_row(id);
    const struct wire_record *record = hostcmd_reply_record(row, request);
    if (payload.len < 2 * CODE_LEN || !span_is(span_slice(payload, 0, CODE_LEN), row->reply_code))
        return ERR_FRAME;
    char code[CODE_LEN];
    memcpy(code, payload.at + CODE_LEN, CODE_LEN);
    struct hostcmd_said said = hostcmd_said_of(code);
    struct span data = span_slice(payload, 2 * CODE_LEN, SIZE_MAX);
    if (!(row->flags & HOSTCMD_BINARY))
        data.len -= hostcmd_trailer_of(data).len;
    if (!has_fields(row, said.verdict)) {
        if (reply && record->size > 0)
            memset(reply, 0, record->size);
        if (data.len > 0)
            return ERR_PARSE_TRAILING;
    } else if (record->size > 0) {
        TRY(wire_parse_all(record, data, reply, NULL));
    } else if (data.len > 0) {
        return ERR_PARSE_TRAILING;
    }
    *out = said;
    return ERR_OK;
}
