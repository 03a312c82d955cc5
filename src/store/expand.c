/* SPDX-License-Identifier: Apache-2.0 */
/* The SQL of a row as the engines take it: names become numbers. */
#include "store/statement.h"

#include <string.h>

struct expansion {
    const struct store_row *row;
    struct buf *sql;
    const struct store_member **argument;
    size_t count;
    struct span problem;
};

static const struct store_member *member_of(const struct store_shape *shape, struct span name)
{
    for (size_t i = 0; shape && i < shape->count; i++)
        if (span_is(name, shape->member[i].name))
            return &shape->member[i];
    return NULL;
}

/* An argument that stands twice has one number. */
static enum err put_argument(struct expansion *e, const struct store_member *member)
{
    size_t i = 0;
    while (i < e->count && e->argument[i] != member)
        i++;
    if (i == STORE_ARGUMENT_MAX) {
        e->problem = span_text(member->name);
        return ERR_INTERNAL;
    }
    if (i == e->count)
        e->argument[e->count++] = member;
    buf_put_byte(e->sql, '$');
    buf_put_integer(e->sql, (int64_t)i + 1);
    return ERR_OK;
}

static enum err put_list(struct expansion *e, const struct store_shape *shape, bool arguments)
{
    for (size_t i = 0; i < shape->count; i++) {
        buf_put_text(e->sql, i > 0 ? ", " : "");
        if (arguments)
            TRY(put_argument(e, &shape->member[i]));
        else
            buf_put_text(e->sql, shape->member[i].name);
    }
    return ERR_OK;
}

static enum err put_mark(struct expansion *e, struct span mark)
{
    bool arguments = span_is(mark, "{:takes}");
    const struct store_shape *shape = arguments || span_is(mark, "{takes}") ? e->row->takes
                                      : span_is(mark, "{gives}")            ? e->row->gives
                                                                            : NULL;
    if (shape)
        return put_list(e, shape, arguments);
    e->problem = mark;
    return ERR_INTERNAL;
}

static enum err put_name(struct expansion *e, struct span name)
{
    const struct store_member *member = member_of(e->row->takes, name);
    if (member)
        return put_argument(e, member);
    e->problem = name;
    return ERR_INTERNAL;
}

/* How much of the SQL is one piece: a text in quotes, a mark, an argument with its colon, or a single character. */
static size_t piece(const char *at)
{
    if (*at == '\'' && strchr(at + 1, '\''))
        return (size_t)(strchr(at + 1, '\'') - at) + 1;
    if (*at == '{' && strchr(at, '}'))
        return (size_t)(strchr(at, '}') - at) + 1;
    return *at == ':' ? 1 + strspn(at + 1, "abcdefghijklmnopqrstuvwxyz0123456789_") : 1;
}

static enum err put_piece(struct expansion *e, struct span piece)
{
    if (piece.len > 1 && piece.at[0] == ':')
        return put_name(e, span_of(piece.at + 1, piece.len - 1));
    if (piece.len > 1 && piece.at[0] == '{')
        return put_mark(e, piece);
    buf_put_span(e->sql, piece);
    return ERR_OK;
}

enum err store_row_expand(const struct store_row *row, struct buf *sql,
                          const struct store_member *argument[static STORE_ARGUMENT_MAX], size_t *count, struct span *problem)
{
    struct expansion e = {.row = row, .sql = sql, .argument = argument};
    enum err err = ERR_OK;
    for (const char *at = row->sql; *at && err == ERR_OK;) {
        size_t len = piece(at);
        err = put_piece(&e, span_of(at, len));
        at += len;
    }
    (void)buf_text(sql);
    if (err == ERR_OK && buf_done(sql) != ERR_OK) {
        e.problem = span_text("too long");
        err = ERR_INTERNAL;
    }
    *count = e.count;
    *problem = e.problem;
    return err;
}
