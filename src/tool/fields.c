/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/fields.h"

#include "base/secret.h"
#include "cli/cli.h"
#include "wire/annotate.h"

#include <stdio.h>
#include <string.h>

enum { NAME = 48, LINE = 65536 + NAME };
enum { TYPE_AT = 25, MEANING_AT = 42, MEANING = 512 }; /* columns of --help */

struct pair {
    char name[NAME];
    char label[WIRE_LABEL];
    size_t at; /* in the values */
    size_t len;
    bool used;
};

struct tool_fields {
    struct secret_pages pages;
    struct pair pair[TOOL_FIELDS];
    size_t count;
    size_t used;
    uint8_t value[TOOL_FIELDS_BYTES];
    char line[LINE];
};

enum err tool_fields_create(struct tool_fields **out)
{
    struct secret_pages pages;
    TRY(secret_pages_create(sizeof(struct tool_fields), &pages));
    struct tool_fields *f = pages.at;
    f->pages = pages;
    *out = f;
    return ERR_OK;
}

void tool_fields_destroy(struct tool_fields *fields)
{
    if (!fields)
        return;
    struct secret_pages pages = fields->pages;
    secret_pages_destroy(&pages);
}

static struct pair *find(struct tool_fields *fields, const char *name)
{
    for (size_t i = 0; i < fields->count; i++)
        if (strcmp(fields->pair[i].name, name) == 0)
            return &fields->pair[i];
    return NULL;
}

static enum err tell(char problem[static TOOL_FIELDS_PROBLEM], const char *name, const char *why)
{
    (void)snprintf(problem, TOOL_FIELDS_PROBLEM, "%.48s: %s", name, why);
    return ERR_CONFIG;
}

enum err tool_fields_add(struct tool_fields *fields, const char *assignment, char problem[static TOOL_FIELDS_PROBLEM])
{
    char name[NAME];
    size_t len = strcspn(assignment, "=");
    if (assignment[len] == 0 || len == 0 || len >= NAME) /* what has no name may be a value: it is not repeated */
        return tell(problem, "fields", "write FIELD=VALUE");
    (void)snprintf(name, sizeof name, "%.*s", (int)len, assignment);
    size_t size = strlen(assignment + len + 1);
    if (find(fields, name))
        return tell(problem, name, "given twice");
    if (fields->count == TOOL_FIELDS || size > TOOL_FIELDS_BYTES - fields->used)
        return tell(problem, name, "too much data");
    struct pair *p = &fields->pair[fields->count++];
    *p = (struct pair){.at = fields->used, .len = size};
    memcpy(p->name, name, len);
    memcpy(fields->value + p->at, assignment + len + 1, size);
    fields->used += size;
    return ERR_OK;
}

static enum err load_lines(struct tool_fields *fields, FILE *file, char problem[static TOOL_FIELDS_PROBLEM])
{
    while (fgets(fields->line, LINE, file)) {
        size_t len = strlen(fields->line);
        if (len == LINE - 1)
            return tell(problem, "fields", "a line is too long");
        while (len > 0 && (fields->line[len - 1] == '\n' || fields->line[len - 1] == '\r'))
            fields->line[--len] = 0;
        if (len > 0 && fields->line[0] != '#')
            TRY(tool_fields_add(fields, fields->line, problem));
    }
    return ferror(file) ? tell(problem, "fields", "cannot be read") : ERR_OK;
}

enum err tool_fields_load(struct tool_fields *fields, const char *path, char problem[static TOOL_FIELDS_PROBLEM])
{
    bool standard = strcmp(path, "-") == 0;
    FILE *file = standard ? stdin : fopen(path, "re");
    if (!file)
        return tell(problem, path, "cannot be read");
    (void)setvbuf(file, NULL, _IONBF, 0); /* no copy of a value in a buffer of the library */
    enum err err = load_lines(fields, file, problem);
    secret_wipe(fields->line, sizeof fields->line);
    if (!standard)
        (void)fclose(file);
    return err;
}

/* The part of the name behind the prefix; NULL: it has another. */
static const char *behind(const char *name, const char *prefix)
{
    size_t len = strlen(prefix);
    if (strncmp(name, prefix, len) != 0 || strchr(name + len, '.'))
        return NULL;
    return name + len;
}

bool tool_fields_any(const struct tool_fields *fields, const char *prefix)
{
    for (size_t i = 0; i < fields->count; i++)
        if (behind(fields->pair[i].name, prefix))
            return true;
    return false;
}

static const struct wire_field *field_of(const struct wire_record *record, const char *label)
{
    for (size_t i = 0; i < record->count; i++) {
        char own[WIRE_LABEL];
        wire_label(&record->field[i], own);
        if (record->field[i].cap > 0 && strcmp(own, label) == 0)
            return &record->field[i];
    }
    return NULL;
}

/* hex:... of a field of bytes becomes the bytes, in place. */
static enum err decode(struct tool_fields *fields, const struct wire_record *record, struct pair *p,
                       char problem[static TOOL_FIELDS_PROBLEM])
{
    const struct wire_field *field = field_of(record, p->label);
    struct span value = span_of(fields->value + p->at, p->len);
    if (!field || field->kind != WIRE_B || !span_is(span_slice(value, 0, 4), "hex:"))
        return ERR_OK;
    struct span digits = span_slice(value, 4, SIZE_MAX);
    if (span_unhex(digits, fields->value + p->at, p->len) != ERR_OK) /* writes behind what it reads */
        return tell(problem, p->name, "hex: is followed by pairs of hexadecimal digits");
    p->len = digits.len / 2;
    return ERR_OK;
}

enum err tool_fields_resolve(struct tool_fields *fields, const struct wire_record *record, const char *prefix,
                             char problem[static TOOL_FIELDS_PROBLEM])
{
    for (size_t i = 0; i < fields->count; i++) {
        struct pair *p = &fields->pair[i];
        const char *name = behind(p->name, prefix);
        if (!name || p->used)
            continue;
        enum err err = wire_label_find(record, span_text(name), p->label);
        if (err != ERR_OK)
            return tell(problem, p->name, err == ERR_PARSE_DUPLICATE ? "several fields begin so" : "the command has no such field");
        for (size_t k = 0; k < i; k++)
            if (strcmp(fields->pair[k].label, p->label) == 0 && behind(fields->pair[k].name, prefix))
                return tell(problem, p->name, "given twice");
        TRY(decode(fields, record, p, problem));
    }
    return ERR_OK;
}

struct look {
    struct tool_fields *fields;
    const char *prefix;
};

static bool look_up(void *context, const char *label, struct span *out)
{
    const struct look *l = context;
    for (size_t i = 0; i < l->fields->count; i++) {
        struct pair *p = &l->fields->pair[i];
        if (strcmp(p->label, label) != 0 || !behind(p->name, l->prefix))
            continue;
        *out = span_of(l->fields->value + p->at, p->len);
        p->used = true;
        return true;
    }
    return false;
}

/* What is wrong with a field, and what it takes: "12..19N is wanted". */
static enum err tell_wanted(char problem[static TOOL_FIELDS_PROBLEM], const struct wire_record *record, const char *label,
                            enum err why)
{
    char type[32], text[TOOL_FIELDS_PROBLEM / 2];
    struct buf out = buf_over((uint8_t *)type, sizeof type);
    const struct wire_field *field = field_of(record, label);
    if (!field)
        return tell(problem, label, err_row(why)->text);
    wire_field_type(field, &out);
    (void)snprintf(text, sizeof text, "%s; %.*s is wanted", err_row(why)->text, (int)out.len, type);
    return tell(problem, label, text);
}

enum err tool_fields_fill(struct tool_fields *fields, const struct wire_record *record, const char *prefix, void *out,
                          char problem[static TOOL_FIELDS_PROBLEM])
{
    struct wire_fault fault = {0};
    struct look look = {fields, prefix};
    enum err err = wire_fill(record, look_up, &look, out, &fault);
    if (err == ERR_OK)
        return ERR_OK;
    char label[WIRE_LABEL];
    wire_label(&(struct wire_field){.name = fault.field}, label);
    if (err == ERR_PARSE_MISSING)
        return tell(problem, label, "this field is needed; --help behind the command lists its fields");
    return tell_wanted(problem, record, label, err);
}

const char *tool_fields_unused(const struct tool_fields *fields)
{
    for (size_t i = 0; i < fields->count; i++)
        if (!fields->pair[i].used)
            return fields->pair[i].name;
    return NULL;
}

bool tool_fields_get(struct tool_fields *fields, const char *name, struct span *out)
{
    struct pair *p = find(fields, name);
    if (!p)
        return false;
    *out = span_of(fields->value + p->at, p->len);
    p->used = true;
    return true;
}

/* ---- documentation ---- */

static void pad_to(struct buf *out, size_t start, size_t width)
{
    size_t len = out->len - start;
    buf_put_fill(out, ' ', len < width ? width - len : 0);
}

static void put_meaning(const struct wire_field *field, struct buf *out)
{
    buf_put_text(out, field->doc ? field->doc : "");
    if (field->equals) {
        buf_put_text(out, " (if the deciding field is one of ");
        buf_put_text(out, field->equals);
        buf_put_byte(out, ')');
    }
    if (field->flags & WIRE_OPTIONAL)
        buf_put_text(out, " (optional)");
}

static void put_field(const struct wire_field *field, const char *prefix, struct buf *out)
{
    char label[WIRE_LABEL];
    uint8_t room[MEANING];
    struct buf meaning = buf_over(room, sizeof room);
    size_t start = out->len, type = 0;
    wire_label(field, label);
    buf_put_text(out, "  ");
    buf_put_text(out, prefix);
    buf_put_text(out, label);
    pad_to(out, start, TYPE_AT - 1);
    buf_put_byte(out, ' ');
    type = out->len;
    wire_field_type(field, out);
    pad_to(out, type, MEANING_AT - TYPE_AT - 1);
    buf_put_byte(out, ' ');
    put_meaning(field, &meaning);
    cli_put_filled(out, buf_span(&meaning), MEANING_AT, out->len - start);
}

void tool_fields_document(const struct wire_record *record, const char *prefix, struct buf *out)
{
    for (size_t i = 0; i < record->count; i++) {
        const struct wire_field *field = &record->field[i];
        if (field->flags & WIRE_GROUP)
            buf_put_text(out, "  all or none of:\n");
        if (field->cap > 0)
            put_field(field, prefix, out);
    }
}
