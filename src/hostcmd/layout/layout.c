/* SPDX-License-Identifier: Apache-2.0 */
/* The text of layout profiles: lines of words. What a profile may say is checked here, so that nothing later can be wrong. */
#include "hostcmd/layout/internal.h"

#include <string.h>

enum { LENGTH_MOST = 16, TWU_LENGTH_MOST = 4 };

const struct hostcmd_profile hostcmd_profile_countersign_5 = {
    .name = "countersign-5",
    .algorithm = "T0",
    .column = {{.kind = HOSTCMD_EXPIRY, .length = 4, .type = 'N'},
               {.kind = HOSTCMD_SERVICE, .length = 3, .type = 'N'},
               {.kind = HOSTCMD_TIME, .length = 10, .type = 'N', .format = HOSTCMD_YYMMDDHHMM},
               {.kind = HOSTCMD_TWU, .length = 2, .type = 'N'},
               {.kind = HOSTCMD_CODE, .length = 3, .type = 'N'}},
    .count = 5,
};

/* clang-format off */
static const struct {
    const char *name;
    uint8_t least, most; /* length */
    bool digits;         /* type N and no other */
    bool may_be_absent;  /* optional=, position 0 */
} kinds[HOSTCMD_COLUMN_KINDS] = {
    [HOSTCMD_EXPIRY]   = {"expiry",   4, 4, true, true},
    [HOSTCMD_SERVICE]  = {"service",  3, 3, true, true},
    [HOSTCMD_TIME]     = {"time",     1, LENGTH_MOST, true, false},
    [HOSTCMD_TWU]      = {"twu",      1, TWU_LENGTH_MOST, true, true},
    [HOSTCMD_CODE]     = {"code",     3, 3, true, false},
    [HOSTCMD_CONSTANT] = {"constant", 1, HOSTCMD_FILLER_MAX, false, false},
    [HOSTCMD_FILLER]   = {"filler",   1, HOSTCMD_FILLER_MAX, false, false},
};
/* clang-format on */

const struct hostcmd_column *hostcmd_profile_column(const struct hostcmd_profile *profile, enum hostcmd_column_kind kind)
{
    for (size_t i = 0; i < profile->count; i++)
        if (profile->column[i].kind == kind)
            return &profile->column[i];
    return NULL;
}

/* ---- words ---- */

struct reader {
    struct span left; /* of the text */
    struct span line; /* what is left of the line */
    struct hostcmd_profile *profile;
    unsigned position[HOSTCMD_COLUMNS];
    struct hostcmd_layout_problem *problem;
};

static enum err complain(struct reader *r, const char *text)
{
    r->problem->text = text;
    return ERR_CONFIG;
}

static bool next_line(struct reader *r)
{
    if (r->left.len == 0)
        return false;
    const uint8_t *end = memchr(r->left.at, '\n', r->left.len);
    size_t len = end ? (size_t)(end - r->left.at) : r->left.len;
    r->line = span_slice(r->left, 0, len);
    r->left = span_slice(r->left, len + 1, SIZE_MAX);
    r->problem->line++;
    return true;
}

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* Empty at the end of the line. */
static struct span next_word(struct reader *r)
{
    size_t from = 0, to;
    while (from < r->line.len && is_space(r->line.at[from]))
        from++;
    for (to = from; to < r->line.len && !is_space(r->line.at[to]);)
        to++;
    struct span word = span_slice(r->line, from, to - from);
    r->line = span_slice(r->line, to, SIZE_MAX);
    return word;
}

/* Printable, and a C string afterwards. */
static bool copy_text(struct span word, char *out, size_t size)
{
    if (word.len == 0 || word.len >= size)
        return false;
    for (size_t i = 0; i < word.len; i++)
        if (word.at[i] <= 0x20 || word.at[i] >= 0x7F)
            return false;
    memset(out, 0, size);
    memcpy(out, word.at, word.len);
    return true;
}

static bool small_number(struct span word, uint64_t most, uint64_t *out)
{
    return word.len <= 3 && span_decimal(word, out) == ERR_OK && *out <= most;
}

/* ---- columns ---- */

static bool value_fits(const struct hostcmd_column *column)
{
    size_t len = strlen(column->value);
    for (size_t i = 0; i < len; i++) {
        char c = column->value[i];
        bool digit = c >= '0' && c <= '9', hex = digit || (c >= 'A' && c <= 'F');
        if ((column->type == 'N' && !digit) || (column->type == 'H' && !hex))
            return false;
    }
    return len == column->length;
}

static bool twu_value_sound(const struct hostcmd_column *column)
{
    uint64_t units = 0;
    return span_decimal(span_text(column->value), &units) == ERR_OK && units > 0 &&
           units <= (column->minutes ? HOSTCMD_TWU_MOST : HOSTCMD_TWU_MOST / 60);
}

static enum err read_format(struct reader *r, struct span value, struct hostcmd_column *column)
{
    for (uint8_t i = 0; i < HOSTCMD_TIME_FORMATS; i++)
        if (span_is(value, hostcmd_time_rows[i].name)) {
            column->format = i;
            return ERR_OK;
        }
    return complain(r, "format= is one of YYMMDDhhmm YYMMDDhhmmss YYYYMMDDhhmm YYYYMMDDhhmmss unix10 hhmm hhmmss");
}

enum rule { RULE_FORMAT = 1, RULE_UNIT = 2, RULE_VALUE = 4, RULE_OPTIONAL = 8 };

/* One RULE=VALUE word. */
static enum err read_rule(struct reader *r, struct span word, struct hostcmd_column *column, unsigned *seen)
{
    static const struct {
        const char *name;
        unsigned rule;
    } rules[] = {{"format=", RULE_FORMAT}, {"unit=", RULE_UNIT}, {"value=", RULE_VALUE}, {"optional=", RULE_OPTIONAL}};
    unsigned rule = 0;
    struct span value = {0};
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (span_is(span_slice(word, 0, strlen(rules[i].name)), rules[i].name)) {
            rule = rules[i].rule;
            value = span_slice(word, strlen(rules[i].name), SIZE_MAX);
        }
    if (rule == 0 || (*seen & rule))
        return complain(r, "a rule is format=, unit=, value= or optional=, each once");
    *seen |= rule;
    if (rule == RULE_FORMAT)
        return read_format(r, value, column);
    if (rule == RULE_UNIT) {
        column->minutes = span_is(value, "minutes");
        return column->minutes || span_is(value, "hours") ? ERR_OK : complain(r, "unit= is hours or minutes");
    }
    return copy_text(value, column->value, sizeof column->value) ? ERR_OK : complain(r, "the value is empty or too long");
}

/* The rules that a column has are the ones that its name asks for. */
static enum err check_column(struct reader *r, const struct hostcmd_column *column, unsigned seen, unsigned position)
{
    unsigned wanted = column->kind == HOSTCMD_TIME       ? RULE_FORMAT
                      : column->kind == HOSTCMD_TWU      ? RULE_UNIT
                      : column->kind == HOSTCMD_CONSTANT ? RULE_VALUE
                                                         : 0;
    if (column->length < kinds[column->kind].least || column->length > kinds[column->kind].most)
        return complain(r, "expiry has 4 characters, service and code 3, twu up to 4, constant and filler up to 16");
    if (kinds[column->kind].digits && column->type != 'N')
        return complain(r, "this column is of type N");
    if ((seen & ~(unsigned)RULE_OPTIONAL) != wanted)
        return complain(r, "time has format=, twu unit=, constant value=, and no other column has them");
    if ((seen & RULE_OPTIONAL || position == 0) && !kinds[column->kind].may_be_absent)
        return complain(r, "expiry, service and twu alone may be absent");
    if (position == 0 && !(seen & RULE_OPTIONAL))
        return complain(r, "a column that is never sent needs optional= with its value");
    if (column->kind == HOSTCMD_TIME && column->length != hostcmd_time_rows[column->format].length)
        return complain(r, "the length is not that of the format");
    if ((seen & (RULE_VALUE | RULE_OPTIONAL)) && !value_fits(column))
        return complain(r, "the value does not fit length and type");
    if ((seen & RULE_OPTIONAL) && column->kind == HOSTCMD_TWU && !twu_value_sound(column))
        return complain(r, "a window is 1 to 18 hours");
    return ERR_OK;
}

static enum err read_kind(struct reader *r, struct span name, struct hostcmd_column *column)
{
    for (uint8_t i = 0; i < HOSTCMD_COLUMN_KINDS; i++)
        if (span_is(name, kinds[i].name)) {
            column->kind = i;
            return ERR_OK;
        }
    return complain(r, "a column is expiry, service, time, twu, code, constant or filler");
}

static enum err read_column(struct reader *r)
{
    struct hostcmd_column column = {0};
    uint64_t position = 0, length = 0;
    unsigned seen = 0;
    if (r->profile->count == HOSTCMD_COLUMNS)
        return complain(r, "there are more than 12 columns");
    if (!small_number(next_word(r), HOSTCMD_COLUMNS, &position))
        return complain(r, "the position is 0 to 12");
    TRY(read_kind(r, next_word(r), &column));
    if (!small_number(next_word(r), LENGTH_MOST, &length))
        return complain(r, "the length is 1 to 16");
    struct span type = next_word(r);
    if (type.len != 1 || type.at[0] == 0 || !strchr("NHA", type.at[0]))
        return complain(r, "the type is N, H or A");
    column.length = (uint8_t)length;
    column.type = (char)type.at[0];
    for (struct span word; (word = next_word(r)).len > 0;)
        TRY(read_rule(r, word, &column, &seen));
    TRY(check_column(r, &column, seen, (unsigned)position));
    column.unsent = position == 0;
    column.optional = !column.unsent && (seen & RULE_OPTIONAL);
    r->position[r->profile->count] = (unsigned)position;
    r->profile->column[r->profile->count++] = column;
    return ERR_OK;
}

/* ---- the whole ---- */

static enum err read_name(struct reader *r, char out[static HOSTCMD_LAYOUT_NAME])
{
    bool first = out[0] == 0;
    if (!first || !copy_text(next_word(r), out, HOSTCMD_LAYOUT_NAME) || next_word(r).len > 0)
        return complain(r, "profile and algorithm have one name each, of up to 31 characters");
    return ERR_OK;
}

static enum err read_line(struct reader *r)
{
    struct span word = next_word(r);
    if (word.len == 0 || word.at[0] == '#')
        return ERR_OK;
    if (span_is(word, "profile"))
        return read_name(r, r->profile->name);
    if (span_is(word, "algorithm"))
        return read_name(r, r->profile->algorithm);
    return span_is(word, "column") ? read_column(r) : complain(r, "a line begins with profile, algorithm, column or #");
}

/* Into the order of the wire, unsent columns last; 1, 2 ... without a gap. */
static enum err sort_columns(struct reader *r)
{
    struct hostcmd_profile sorted = *r->profile;
    size_t at = 0;
    for (unsigned position = 1; position <= HOSTCMD_COLUMNS; position++)
        for (size_t i = 0; i < sorted.count; i++)
            if (r->position[i] == position) {
                if (at + 1 != position)
                    return complain(r, "positions are 1, 2 ... in some order, each once");
                sorted.column[at++] = r->profile->column[i];
            }
    for (size_t i = 0; i < sorted.count; i++)
        if (r->position[i] == 0)
            sorted.column[at++] = r->profile->column[i];
    *r->profile = sorted;
    return ERR_OK;
}

static enum err check_whole(struct reader *r)
{
    size_t of_kind[HOSTCMD_COLUMN_KINDS] = {0};
    if (!r->profile->name[0] || !r->profile->algorithm[0])
        return complain(r, "profile or algorithm is missing");
    for (size_t i = 0; i < r->profile->count; i++)
        of_kind[r->profile->column[i].kind]++;
    for (size_t i = HOSTCMD_EXPIRY; i <= HOSTCMD_CODE; i++)
        if (of_kind[i] != 1)
            return complain(r, "expiry, service, time, twu and code occur once each (position 0: never sent)");
    return of_kind[HOSTCMD_FILLER] <= HOSTCMD_FILLERS ? ERR_OK : complain(r, "there are more than two fillers");
}

enum err hostcmd_profile_parse(struct span text, struct hostcmd_profile *out, struct hostcmd_layout_problem *problem)
{
    struct hostcmd_profile profile = {0};
    struct reader r = {.left = text, .profile = &profile, .problem = problem};
    *problem = (struct hostcmd_layout_problem){0};
    while (next_line(&r))
        TRY(read_line(&r));
    problem->line = 0;
    TRY(check_whole(&r));
    TRY(sort_columns(&r));
    *out = profile;
    return ERR_OK;
}

/* ---- back into text ---- */

static void put_words(struct buf *out, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        buf_put_text(out, words[i]);
}
#define PUT(out_, ...) \
    put_words((out_), (const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static void put_column(const struct hostcmd_column *column, unsigned position, struct buf *out)
{
    buf_put_text(out, "column ");
    buf_put_decimal(out, position, 0);
    PUT(out, " ", kinds[column->kind].name, " ");
    buf_put_decimal(out, column->length, 0);
    PUT(out, " ", (const char[]){column->type, 0});
    if (column->kind == HOSTCMD_TIME)
        PUT(out, " format=", hostcmd_time_rows[column->format].name);
    if (column->kind == HOSTCMD_TWU)
        PUT(out, " unit=", column->minutes ? "minutes" : "hours");
    if (column->kind == HOSTCMD_CONSTANT)
        PUT(out, " value=", column->value);
    if (column->optional || column->unsent)
        PUT(out, " optional=", column->value);
    buf_put_text(out, "\n");
}

void hostcmd_profile_put(const struct hostcmd_profile *profile, struct buf *out)
{
    PUT(out, "profile ", profile->name, "\nalgorithm ", profile->algorithm, "\n");
    for (size_t i = 0; i < profile->count; i++)
        put_column(&profile->column[i], profile->column[i].unsent ? 0 : (unsigned)i + 1, out);
}
