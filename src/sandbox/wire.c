/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/wire.h"

#include "base/secret.h"
#include "hostcmd/commands.h"
#include "iso8583/profile.h"

enum { HSM_HEADER = 4 };

static const struct wire_row {
    const char *near, *far;
    const char *profile; /* NULL: host commands */
} wires[SANDBOX_WIRES] = {
    [SANDBOX_WIRE_VISA] = {"gateway", "switch", "visa-base1"},
    [SANDBOX_WIRE_EFTPOS] = {"gateway", "switch", "iso87-ascii"},
    [SANDBOX_WIRE_SWITCH_HSM] = {"switch", "HSM", NULL},
    [SANDBOX_WIRE_ISSUER_HSM] = {"issuer", "HSM", NULL},
};

const char *sandbox_wire_end(enum sandbox_wire wire, bool far)
{
    return far ? wires[wire].far : wires[wire].near;
}

static void put_cut(struct buf *line, struct span text)
{
    buf_put_span(line, span_slice(text, 0, line->cap - line->len));
}

static void unknown(struct buf *line, struct span frame, const char *what)
{
    buf_put_decimal(line, frame.len, 0);
    buf_put_text(line, " bytes that are no ");
    buf_put_text(line, what);
}

/* ---- ISO 8583 ---- */

static bool describe_iso(const struct iso8583_profile *profile, struct span frame, struct buf *line)
{
    struct iso8583_message message;
    uint8_t room[4096];
    struct buf text = buf_over(room, sizeof room);
    bool parsed = iso8583_parse(profile, frame, &message, NULL) == ERR_OK;
    bool network = parsed && (message.mti & 0xFF00u) == 0x0800u;
    if (parsed)
        iso8583_describe(profile, &message, &text);
    iso8583_message_wipe(&message);
    if (!parsed)
        unknown(line, frame, profile->name);
    put_cut(line, buf_span(&text));
    secret_wipe(room, sizeof room);
    return !network;
}

/* ---- host commands ---- */

static const struct hostcmd_row *row_of_reply(struct span code)
{
    for (enum hostcmd_id id = 0; id < HOSTCMD_COUNT; id++)
        if (span_is(code, hostcmd_row(id)->reply_code))
            return hostcmd_row(id);
    return NULL;
}

union record {
    struct hostcmd_cy cy;
    uint8_t any[HOSTCMD_RECORD_MAX];
};

static void describe_request(const struct hostcmd_row *row, struct span data, struct buf *text)
{
    union record record;
    struct hostcmd_tail tail;
    if (hostcmd_request_parse(row, data, &record, &tail, NULL) == ERR_OK)
        wire_describe(row->request, &record, text);
    secret_wipe(&record, sizeof record);
}

static void describe_reply(const struct hostcmd_row *row, struct span data, struct buf *text)
{
    union record record;
    size_t bare = text->len;
    if (wire_parse_all(row->reply, data, &record, NULL) == ERR_OK) {
        buf_put_text(text, " ");
        wire_describe(row->reply, &record, text);
        if (text->len == bare + 1) /* every member is optional and none came */
            text->len = bare;
    }
    secret_wipe(&record, sizeof record);
}

static void describe_answer(const struct hostcmd_row *row, struct span data, struct buf *text)
{
    struct span code = span_slice(data, 0, 2);
    buf_put_span(text, code);
    if (span_is(code, "00") && row->reply->count > 0)
        describe_reply(row, span_slice(data, 2, data.len), text);
}

static bool describe_command(bool answer, struct span frame, struct buf *line)
{
    uint8_t room[4096];
    struct buf text = buf_over(room, sizeof room);
    struct span code = span_slice(frame, HSM_HEADER, 2);
    struct span data = span_slice(frame, HSM_HEADER + 2, frame.len);
    const struct hostcmd_row *row = answer ? row_of_reply(code) : hostcmd_find(code);
    if (row == hostcmd_row(HOSTCMD_NC))
        return false;
    if (!row) {
        unknown(line, frame, "host command");
        return true;
    }
    buf_put_span(&text, code);
    buf_put_text(&text, " ");
    if (answer)
        describe_answer(row, data, &text);
    else
        describe_request(row, data, &text);
    put_cut(line, buf_span(&text));
    secret_wipe(room, sizeof room);
    return true;
}

bool sandbox_wire_describe(enum sandbox_wire wire, bool answer, struct span frame, struct buf *line)
{
    const char *profile = wires[wire].profile;
    if (!profile)
        return describe_command(answer, frame, line);
    return describe_iso(iso8583_profile_find(span_text(profile)), frame, line);
}
