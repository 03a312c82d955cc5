/* SPDX-License-Identifier: Apache-2.0 */
/* The statements of a connection: rows of its sets, checked, with their SQL and arguments found by name. */
#include "store/driver.h"

#include <string.h>

enum { ROOM_EACH = STORE_SQL_MAX + STORE_ARGUMENT_MAX * 3 * sizeof(void *) };

/* One line about a row that is not sound. */
static enum err unsound(const struct store *store, const struct store_row *row, struct span problem)
{
    char room[64];
    struct buf text = buf_over(room, sizeof room);
    buf_put_span(&text, span_of(problem.at, problem.len < sizeof room ? problem.len : sizeof room - 1));
    store_log_refused(store, row->name, buf_text(&text));
    return ERR_INTERNAL;
}

static const char *letters_of(struct arena *arena, const struct store_shape *shape)
{
    char *letter = arena_take(arena, (shape ? shape->count : 0) + 1);
    for (size_t i = 0; letter && shape && i < shape->count; i++)
        letter[i] = store_member_letter(&shape->member[i]);
    return letter;
}

static enum err take_sql(struct store *store, struct store_statement *s)
{
    char sql[STORE_SQL_MAX];
    struct buf text = buf_over(sql, sizeof sql);
    const struct store_member *member[STORE_ARGUMENT_MAX];
    struct span problem = {0};
    struct arena *arena = &store->statements.arena;
    if (store_row_expand(s->row, &text, member, &s->argument_count, &problem) != ERR_OK)
        return unsound(store, s->row, problem);
    char *copy = arena_take(arena, text.len + 1);
    const struct store_member **argument = arena_take(arena, (s->argument_count + 1) * sizeof(const struct store_member *));
    char *letter = arena_take(arena, s->argument_count + 1);
    if (!copy || !argument || !letter)
        return ERR_MEMORY;
    memcpy(copy, sql, text.len);
    memcpy(argument, member, s->argument_count * sizeof(const struct store_member *));
    for (size_t i = 0; i < s->argument_count; i++)
        letter[i] = store_member_letter(member[i]);
    s->sql = copy;
    s->argument = argument;
    s->arguments = letter;
    return ERR_OK;
}

static const struct store_member *argument_find(const struct store_statement *s, struct span name)
{
    for (size_t i = 0; i < s->argument_count; i++)
        if (span_is(name, s->argument[i]->name))
            return s->argument[i];
    return NULL;
}

static enum err take_key(struct store *store, struct store_statement *s)
{
    const struct store_member *key[STORE_ARGUMENT_MAX];
    for (struct span rest = span_text(s->row->key ? s->row->key : ""); rest.len > 0; s->key_count++) {
        struct span name = span_cut(&rest, ' ');
        key[s->key_count] = s->key_count < STORE_ARGUMENT_MAX - 1 ? argument_find(s, name) : NULL;
        if (!key[s->key_count])
            return unsound(store, s->row, name);
    }
    const struct store_member **copy = arena_take(&store->statements.arena, (s->key_count + 1) * sizeof *copy);
    if (!copy)
        return ERR_MEMORY;
    memcpy(copy, key, s->key_count * sizeof(const struct store_member *));
    s->key = copy;
    return ERR_OK;
}

static enum err check_shapes(const struct store *store, const struct store_row *row)
{
    const struct store_shape *const shape[] = {row->takes, row->gives};
    for (size_t i = 0; i < sizeof shape / sizeof shape[0]; i++) {
        const char *problem = shape[i] ? store_shape_check(shape[i]) : NULL;
        if (problem)
            return unsound(store, row, span_text(problem));
    }
    return ERR_OK;
}

/* An engine keeps a prepared statement under its name. */
static enum err check_name(const struct store *store, size_t place)
{
    const struct store_row *row = store->statements.at[place].row;
    for (size_t i = 0; i < place; i++)
        if (strcmp(store->statements.at[i].row->name, row->name) == 0)
            return unsound(store, row, span_text("name"));
    return ERR_OK;
}

static enum err take_row(struct store *store, const struct store_row *row)
{
    struct store_statement *s = &store->statements.at[store->statements.count];
    *s = (struct store_statement){.row = row};
    TRY(check_shapes(store, row));
    TRY(check_name(store, store->statements.count));
    TRY(take_sql(store, s));
    TRY(take_key(store, s));
    s->results = letters_of(&store->statements.arena, row->gives);
    store->statements.count++;
    return s->results ? ERR_OK : ERR_MEMORY;
}

static size_t take_sets(struct store_statements *statements, const struct store_set *const *sets)
{
    statements->set[0] = &store_schema_set;
    statements->set[1] = &store_identity_set;
    statements->set_count = 2;
    size_t rows = store_schema_set.count + store_identity_set.count;
    for (size_t i = 0; sets[i]; i++) {
        ASSERT(statements->set_count < STORE_SETS_MAX);
        statements->set[statements->set_count++] = sets[i];
        rows += sets[i]->count;
    }
    return rows;
}

enum err store_statements_open(struct store *store, const struct store_set *const *sets)
{
    struct store_statements *statements = &store->statements;
    size_t rows = take_sets(statements, sets);
    TRY(arena_create(&statements->arena, rows * (sizeof *statements->at + ROOM_EACH)));
    statements->at = arena_take(&statements->arena, rows * sizeof *statements->at);
    for (size_t i = 0; i < statements->set_count; i++)
        for (size_t j = 0; j < statements->set[i]->count; j++)
            TRY(take_row(store, &statements->set[i]->row[j]));
    return ERR_OK;
}

void store_statements_close(struct store_statements *statements)
{
    if (statements->arena.at)
        arena_destroy(&statements->arena);
}

size_t store_statements_find(const struct store_statements *statements, const struct store_row *row)
{
    size_t first = 0;
    for (size_t i = 0; i < statements->set_count; i++) {
        const struct store_set *set = statements->set[i];
        if (row >= set->row && row < set->row + set->count)
            return first + (size_t)(row - set->row);
        first += set->count;
    }
    return statements->count;
}

bool store_column_fits(const struct store_statement *statement, size_t i, const char *name)
{
    return name && strcmp(name, store_member_column(&statement->row->gives->member[i])) == 0;
}
