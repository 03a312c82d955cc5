/* SPDX-License-Identifier: Apache-2.0 */
/* The table of all commands; its rows stand in hostcmd/rows_*.c. */
#include "hostcmd/rows_internal.h"

const struct wire_record hostcmd_empty_record = WIRE_RECORD_EMPTY("no fields");

#define ROW(id_, name_) [HOSTCMD_##id_] = &hostcmd_row_##name_,
static const struct hostcmd_row *const rows[HOSTCMD_COUNT] = {HOSTCMD_LIST(ROW)};
#undef ROW

const struct hostcmd_row *hostcmd_row(enum hostcmd_id id)
{
    ASSERT((unsigned)id < HOSTCMD_COUNT);
    return rows[id];
}

enum hostcmd_id hostcmd_row_id(const struct hostcmd_row *row)
{
    return row->id;
}

const struct hostcmd_row *hostcmd_find(struct span code)
{
    for (size_t i = 0; code.len == 2 && i < HOSTCMD_COUNT; i++)
        if (rows[i]->code[0] == code.at[0] && rows[i]->code[1] == code.at[1])
            return rows[i];
    return NULL;
}

const char *hostcmd_activity_name(enum hostcmd_activity activity)
{
    static const char *const name[] = {"", "generate", "component", "import", "export"};
    return name[activity];
}

static enum err check_records(const struct hostcmd_row *row, struct wire_fault *fault)
{
    TRY(wire_check(row->request, fault));
    TRY(wire_check(row->reply, fault));
    if (row->part)
        TRY(wire_check(row->part, fault));
    return row->choice.record ? wire_check(row->choice.record, fault) : ERR_OK;
}

enum err hostcmd_check(struct wire_fault *fault)
{
    for (size_t i = 0; i < HOSTCMD_COUNT; i++)
        TRY(check_records(rows[i], fault));
    TRY(wire_check(&hostcmd_attributes_short_record, fault));
    return wire_check(&hostcmd_attributes_record, fault);
}

static void document_states(const struct hostcmd_row *row, struct buf *out)
{
    if (row->activity != HOSTCMD_OPEN) {
        buf_put_text(out, "In hardened mode the activity `");
        buf_put_text(out, hostcmd_activity_name(row->activity));
        buf_put_byte(out, '.');
        buf_put_text(out, row->activity_type ? row->activity_type : "TYPE");
        buf_put_text(out, ".host` must be authorised.\n\n");
    }
    if (row->flags & HOSTCMD_STATUS)
        buf_put_text(out, row->flags & HOSTCMD_NO_LMK ? "Answered in secure state and without an LMK, too.\n\n"
                                                      : "Answered in secure state, too.\n\n");
}

static void document_row(const struct hostcmd_row *row, struct buf *out)
{
    const char *const head[] = {"## ", row->code, " → ", row->reply_code, ": ", row->title, "\n\n"};
    for (size_t i = 0; i < sizeof head / sizeof head[0]; i++)
        buf_put_text(out, head[i]);
    document_states(row, out);
    buf_put_text(out, "Request:\n\n");
    wire_document(row->request, out);
    buf_put_text(out, "\nReply:\n\n");
    wire_document(row->reply, out);
    if (row->choice.record) {
        buf_put_text(out, "\nReply (");
        buf_put_text(out, row->choice.record->name);
        buf_put_text(out, "):\n\n");
        wire_document(row->choice.record, out);
    }
    if (row->part) {
        const char *const head_of_part[] = {"\nEach ", row->part->name, " of it:\n\n"};
        for (size_t i = 0; i < sizeof head_of_part / sizeof head_of_part[0]; i++)
            buf_put_text(out, head_of_part[i]);
        wire_document(row->part, out);
    }
    buf_put_text(out, "\n");
}

void hostcmd_document(struct buf *out)
{
    for (size_t i = 0; i < HOSTCMD_COUNT; i++)
        document_row(rows[i], out);
    buf_put_text(out, "## `#` attributes of generated key blocks\n\n");
    wire_document(&hostcmd_attributes_record, out);
    buf_put_text(out, "\n## `#` attributes of keys formed from components\n\n");
    wire_document(&hostcmd_attributes_short_record, out);
}
