/* SPDX-License-Identifier: Apache-2.0 */
/* The reference of the host commands, printed from their rows: all that a row says, in words. */
#include "hostcmd/annotate.h"
#include "hostcmd/internal.h"

#include <string.h>

const char hostcmd_general_errors[] = "00 13 15 17 41 42 68";

static void put_all(struct buf *out, const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        buf_put_text(out, texts[i]);
}
#define PUT(out_, ...) \
    put_all((out_), (const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

/* "C0, 11 or 12" of texts of `size` characters without anything between them. */
static void put_list(const char *texts, size_t size, struct buf *out)
{
    size_t len = strlen(texts);
    for (size_t at = 0; at < len; at += size) {
        if (at > 0)
            buf_put_text(out, at + size < len ? ", " : " or ");
        buf_put(out, texts + at, size);
    }
}

/* "scheme is 1": a member of the request by the name of its row. */
static void put_member_is(const struct hostcmd_row *row, uint16_t member, const char *values, struct buf *out)
{
    for (size_t i = 0; i < row->request->count; i++)
        if (row->request->field[i].cap > 0 && row->request->field[i].member == member) {
            buf_put_text(out, row->request->field[i].name);
            break;
        }
    buf_put_text(out, " is ");
    put_list(values, 1, out);
}

static void put_key_rule(const struct hostcmd_key_rule *rule, struct buf *out)
{
    PUT(out, "under a variant LMK of type ", rule->type, "; in a key block of usage ");
    put_list(rule->usages, 2, out);
    buf_put_text(out, ", mode ");
    put_list(rule->modes, 1, out);
    if (rule->algorithm) {
        buf_put_text(out, ", algorithm ");
        buf_put_byte(out, (uint8_t)rule->algorithm);
    }
    buf_put_text(out, ".\n");
}

static void document_key(const struct hostcmd_row *row, struct buf *out)
{
    if (!row->key.type)
        return;
    buf_put_text(out, "- First key: ");
    put_key_rule(&row->key, out);
    if (!row->key_choice.equals)
        return;
    buf_put_text(out, "- If ");
    put_member_is(row, row->key_choice.when, row->key_choice.equals, out);
    buf_put_text(out, ": ");
    put_key_rule(&row->key_choice.rule, out);
}

static void document_authority(const struct hostcmd_row *row, struct buf *out)
{
    static const char *const audit[] = {[HOSTCMD_AUDIT_NONE] = "no line",
                                        [HOSTCMD_AUDIT_FAILURE] = "a line for each refusal",
                                        [HOSTCMD_AUDIT_ALWAYS] = "always a line"};
    if (row->activity != HOSTCMD_OPEN)
        PUT(out, "- Hardened mode: activity `", hostcmd_activity_name(row->activity), ".",
            row->activity_type ? row->activity_type : "TYPE", ".host` must be authorised.\n");
    if (row->flags & HOSTCMD_STATUS)
        PUT(out, "- Answered in secure state", row->flags & HOSTCMD_NO_LMK ? " and without an LMK" : "", ", too.\n");
    PUT(out, "- Audit: ", audit[row->audit], ".\n");
}

/* 01 is a word of several commands. */
static const char *meaning(const struct hostcmd_row *row, const char *number)
{
    bool one = span_is(span_of(number, 2), "01");
    if (one && row->id == HOSTCMD_N0)
        return "length out of range";
    if (one && row->id == HOSTCMD_A6)
        return "a warning: the key came with even parity and is stored with odd parity";
    return hostcmd_error_text(number);
}

static void document_errors(const struct hostcmd_row *row, struct buf *out)
{
    if (!row->errors)
        return;
    buf_put_text(out, "\nErrors:\n\n| Code | Meaning |\n| --- | --- |\n");
    for (const char *code = row->errors; *code; code += code[2] ? 3 : 2) {
        buf_put_text(out, "| ");
        buf_put(out, code, 2);
        PUT(out, " | ", meaning(row, code), " |\n");
    }
}

static void document_record(const struct wire_record *record, struct buf *out)
{
    if (record->count == 0)
        buf_put_text(out, "No fields.\n");
    else
        wire_document(record, out);
}

static void document_replies(const struct hostcmd_row *row, struct buf *out)
{
    const char *after = row->flags & HOSTCMD_DATA_WITH_01        ? " (after 01 alone)"
                        : row->flags & HOSTCMD_DATA_ALSO_WITH_01 ? " (after 00 and 01)"
                                                                 : "";
    PUT(out, "\nReply", row->reply->count > 0 ? after : "", ":\n\n");
    document_record(row->reply, out);
    if (row->choice.record) {
        buf_put_text(out, "\nReply if ");
        put_member_is(row, row->choice.when, row->choice.equals, out);
        buf_put_text(out, ":\n\n");
        document_record(row->choice.record, out);
    }
    if (row->part) {
        PUT(out, "\nEach ", row->part->name, " of it:\n\n");
        document_record(row->part, out);
    }
}

static void document_row(const struct hostcmd_row *row, struct buf *out)
{
    PUT(out, "## ", row->code, " → ", row->reply_code, ": ", row->title, "\n\n");
    document_key(row, out);
    document_authority(row, out);
    buf_put_text(out, "\nRequest:\n\n");
    document_record(row->request, out);
    document_replies(row, out);
    document_errors(row, out);
    buf_put_text(out, "\n");
}

static void document_general(struct buf *out)
{
    buf_put_text(
        out, "Every request may end with `%NN`, the identifier of the LMK, and with X'19' and a trailer of up to 32 characters, "
             "which comes back as it is. Every command may answer:\n\n| Code | Meaning |\n| --- | --- |\n");
    for (const char *code = hostcmd_general_errors; *code; code += code[2] ? 3 : 2) {
        buf_put_text(out, "| ");
        buf_put(out, code, 2);
        PUT(out, " | ", hostcmd_error_text(code), " |\n");
    }
    buf_put_text(out,
                 "\nIn a chain (`NK`) 80 stands for an answer that finds no room in the frame. Fields of scheme 5 are those of the "
                 "layout profile countersign-5; `hsm.layout` names another.\n\n");
}

void hostcmd_document(struct buf *out)
{
    document_general(out);
    for (enum hostcmd_id id = 0; id < HOSTCMD_COUNT; id++)
        document_row(hostcmd_row(id), out);
    buf_put_text(out, "## `#` attributes of generated key blocks\n\n");
    wire_document(&hostcmd_attributes_record, out);
    buf_put_text(out, "\n## `#` attributes of keys formed from components\n\n");
    wire_document(&hostcmd_attributes_short_record, out);
}
