/* SPDX-License-Identifier: Apache-2.0 */
/* The table of all commands; its rows stand in hostcmd/rows_*.c. */
#include "hostcmd/internal.h"

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
    if (row->request->size > HOSTCMD_RECORD_MAX || row->reply->size > HOSTCMD_RECORD_MAX)
        return ERR_INTERNAL;
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
