/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Field rows from a profile: those of the table without scheme 5, then a row for each column. So one engine reads and writes every
 * layout, and schemes 0 and 1 are not touched by any.
 */
#include "hostcmd/layout/internal.h"

#include <string.h>

#define OFFSETS(struct_)                                                                              \
    {                                                                                                 \
        [HOSTCMD_EXPIRY] = offsetof(struct_, expiry), [HOSTCMD_SERVICE] = offsetof(struct_, service), \
        [HOSTCMD_TIME] = offsetof(struct_, time), [HOSTCMD_TWU] = offsetof(struct_, twu),             \
        [HOSTCMD_FILLER] = offsetof(struct_, filler)                                                  \
    }
static const uint16_t qy_offsets[HOSTCMD_COLUMN_KINDS] = OFFSETS(struct hostcmd_qy);
static const uint16_t pm_offsets[HOSTCMD_COLUMN_KINDS] = OFFSETS(struct hostcmd_pm);

static const struct {
    const char *name, *doc;
    uint16_t cap;
} column_rows[HOSTCMD_COLUMN_KINDS] = {
    [HOSTCMD_EXPIRY] = {"expiry", "passed through", 4},
    [HOSTCMD_SERVICE] = {"service code", "passed through", 3},
    [HOSTCMD_TIME] = {"time", "in the format of the profile", sizeof((struct hostcmd_qy *)0)->time.at},
    [HOSTCMD_TWU] = {"TWU", "window, in the unit of the profile", sizeof((struct hostcmd_qy *)0)->twu.at},
    [HOSTCMD_CODE] = {"code", "security code", 3},
    [HOSTCMD_CONSTANT] = {"constant", "of the profile", 0},
    [HOSTCMD_FILLER] = {"filler", "not looked at", HOSTCMD_FILLER_MAX},
};

/* One command under one profile, while its rows are made. */
struct maker {
    enum hostcmd_id id;
    const struct hostcmd_profile *profile;
    bool brief; /* without the optional columns */
    struct wire_field *field;
    size_t count;
    size_t fillers;
};

static struct wire_field *add(struct maker *m)
{
    ASSERT(m->count < HOSTCMD_LAYOUT_FIELDS);
    return &m->field[m->count++];
}

/* Rows that belong to several schemes lose the 5; those behind the PAN that belong to all belong to 0 now. */
static void add_row(struct maker *m, const struct wire_field *row, uint16_t scheme, bool past_pan)
{
    bool common = !row->equals && past_pan;
    bool window_alone = row->equals && strcmp(row->equals, "5") == 0;
    if (window_alone && past_pan)
        return;
    struct wire_field *f = add(m);
    *f = *row;
    if (common || (past_pan && strcmp(row->equals, "05") == 0)) {
        f->when = scheme;
        f->equals = "0";
    }
}

static uint16_t offset_of(struct maker *m, enum hostcmd_column_kind kind)
{
    bool qy = m->id == HOSTCMD_QY;
    if (kind == HOSTCMD_CODE)
        return offsetof(struct hostcmd_pm, code);
    if (kind == HOSTCMD_FILLER && m->fillers++ > 0)
        return qy ? offsetof(struct hostcmd_qy, filler_2) : offsetof(struct hostcmd_pm, filler_2);
    return (qy ? qy_offsets : pm_offsets)[kind];
}

static void add_column(struct maker *m, const struct hostcmd_column *column, uint16_t scheme)
{
    bool absent = column->unsent || (column->optional && m->brief) || (column->kind == HOSTCMD_CODE && m->id == HOSTCMD_QY);
    if (absent)
        return;
    struct wire_field *f = add(m);
    *f = (struct wire_field){.name = column_rows[column->kind].name,
                             .doc = column_rows[column->kind].doc,
                             .kind = column->type == 'N'   ? WIRE_N
                                     : column->type == 'H' ? WIRE_H
                                                           : WIRE_A,
                             .min = column->length,
                             .max = column->length,
                             .when = scheme,
                             .equals = "5"};
    if (column->kind == HOSTCMD_CODE)
        f->flags = WIRE_SECRET;
    if (column->kind == HOSTCMD_CONSTANT) {
        f->kind = WIRE_CONST;
        f->literal = column->value;
        return;
    }
    f->member = offset_of(m, column->kind);
    f->cap = column_rows[column->kind].cap;
}

static enum err make_record(struct maker *m, struct wire_record *out)
{
    const struct wire_record *from = hostcmd_row(m->id)->request;
    uint16_t scheme = from->field[0].member;
    bool past_pan = false;
    for (size_t i = 0; i < from->count; i++) {
        add_row(m, &from->field[i], scheme, past_pan);
        past_pan |= (from->field[i].flags & WIRE_PAN) != 0;
    }
    for (size_t i = 0; i < m->profile->count; i++)
        add_column(m, &m->profile->column[i], scheme);
    *out = (struct wire_record){from->name, m->field, m->count, from->size};
    return wire_check(out, NULL) == ERR_OK ? ERR_OK : ERR_CONFIG;
}

static bool has_optional(const struct hostcmd_profile *profile)
{
    for (size_t i = 0; i < profile->count; i++)
        if (profile->column[i].optional)
            return true;
    return false;
}

static enum err fill_command(struct hostcmd_layout *layout, enum hostcmd_id id, struct hostcmd_layout_command *out)
{
    struct maker whole = {.id = id, .profile = &layout->profile, .field = out->field};
    struct maker brief = {.id = id, .profile = &layout->profile, .field = out->brief_field, .brief = true};
    TRY(make_record(&whole, &out->record));
    TRY(make_record(&brief, &out->brief));
    out->row = *hostcmd_row(id);
    out->row.request = &out->record;
    out->row.layout = layout;
    out->row.brief = has_optional(&layout->profile) ? &out->brief : NULL;
    return ERR_OK;
}

enum err hostcmd_layout_fill(const struct hostcmd_profile *profile, struct hostcmd_layout *out)
{
    memset(out, 0, sizeof *out);
    out->profile = *profile;
    for (enum hostcmd_column_kind kind = HOSTCMD_EXPIRY; kind <= HOSTCMD_CODE; kind++)
        if (!hostcmd_profile_column(profile, kind))
            return ERR_CONFIG;
    TRY(fill_command(out, HOSTCMD_QY, &out->qy));
    return fill_command(out, HOSTCMD_PM, &out->pm);
}

const struct hostcmd_row *hostcmd_layout_row(const struct hostcmd_layout *layout, enum hostcmd_id id)
{
    if (layout && id == HOSTCMD_QY)
        return &layout->qy.row;
    return layout && id == HOSTCMD_PM ? &layout->pm.row : hostcmd_row(id);
}

void hostcmd_layout_complete(const struct hostcmd_layout *layout, enum hostcmd_id id, void *request)
{
    const uint16_t *offset = id == HOSTCMD_QY ? qy_offsets : pm_offsets;
    /* Schemes 0 and 1 have no columns. */
    if (((const struct wire_text *)(const void *)((const uint8_t *)request + layout->qy.field[0].member))->at[0] != '5')
        return;
    for (size_t i = 0; i < layout->profile.count; i++) {
        const struct hostcmd_column *column = &layout->profile.column[i];
        bool fixed = (column->optional || column->unsent) && column->kind <= HOSTCMD_TWU;
        struct wire_text *member = (struct wire_text *)(void *)((uint8_t *)request + offset[column->kind]);
        if (!fixed || member->present)
            continue;
        bool fits = wire_text_set(member, column_rows[column->kind].cap, span_text(column->value));
        ASSERT(fits);
    }
}
