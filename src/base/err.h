/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors: the mechanism, and the rows that several rooms at different levels return.
 *
 * Purpose    An `enum err` is something that stopped us from answering. A wrong security code is not an error: it is an
 *            `enum verdict` (base/verdict.h). Each row carries the texts and codes every face needs, so no handler maps codes
 *            by hand. A room that defines an error of its own keeps the row in ROOM/error.h, as a list like the one below.
 * Ownership  Rows are static and immutable. Each program lists the tables of its rooms in `err_tables`.
 * Threading  Free of state; safe everywhere.
 * Limits     Each list has 255 values of its own: 0x0000 the general rows, 0x0100 the first room, and so on.
 * Columns    class; host-command code (payShield, host-commands.md 11); DE39 (ISO 8583); HTTP status; problem `code` of
 *            the REST faces; text for people. A text never contains input.
 *
 * Example
 *     enum err handler(struct span in, struct thing *out)
 *     {
 *         TRY(thing_parse(in, out));
 *         return ERR_OK;
 *     }
 *
 *     const struct err_table *const err_tables[] = {&err_general, &card_errors, NULL};    // in the main file of a program
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdint.h>

#define MUST_USE __attribute__((warn_unused_result))

/* INPUT: the peer sent rubbish. REFUSED: valid, but forbidden. STATE: not now. LIMIT: a bound was reached.
 * UNAVAILABLE: something outside did not answer. INTERNAL: our defect. */
enum err_class {
    ERR_CLASS_NONE,
    ERR_CLASS_INPUT,
    ERR_CLASS_REFUSED,
    ERR_CLASS_STATE,
    ERR_CLASS_LIMIT,
    ERR_CLASS_UNAVAILABLE,
    ERR_CLASS_INTERNAL
};

/* clang-format off */
/*    name                  class        host  DE39  HTTP  code                  text */
#define ERR_LIST(X) \
    X(ERR_OK,               NONE,        "00", "00", 200, "ok",                  "no error") \
    X(ERR_PARSE_SHORT,      INPUT,       "15", "30", 400, "bad_field",           "the data ends before the field is complete") \
    X(ERR_PARSE_LONG,       INPUT,       "15", "30", 400, "bad_field",           "the field is longer than its maximum") \
    X(ERR_PARSE_CHARACTER,  INPUT,       "15", "30", 400, "bad_field",           "the field has a character outside its set") \
    X(ERR_PARSE_VALUE,      INPUT,       "15", "30", 400, "bad_field",           "the field has a value that is not allowed") \
    X(ERR_PARSE_DELIMITER,  INPUT,       "15", "30", 400, "bad_field",           "the delimiter of the field is missing") \
    X(ERR_PARSE_TRAILING,   INPUT,       "15", "30", 400, "bad_field",           "there is data after the last field") \
    X(ERR_PARSE_MISSING,    INPUT,       "15", "30", 400, "bad_field",           "a required field is missing") \
    X(ERR_PARSE_DUPLICATE,  INPUT,       "15", "30", 400, "bad_json",            "a name occurs twice") \
    X(ERR_PARSE_TYPE,       INPUT,       "15", "30", 400, "bad_field",           "the field has the wrong type") \
    X(ERR_PARSE_JSON,       INPUT,       "15", "30", 400, "bad_json",            "the body is not well-formed JSON") \
    X(ERR_PARSE_UNKNOWN,    INPUT,       "15", "30", 400, "bad_field",           "the field is not known here") \
    X(ERR_FRAME,            INPUT,       "15", "30", 400, "bad_request",         "the frame is malformed") \
    X(ERR_CONFIG,           INPUT,       "15", "96", 500, "config",              "the configuration is not valid") \
    X(ERR_NOT_AUTHORISED,   REFUSED,     "17", "96", 500, "hsm",                 "not authorised, or barred by settings") \
    X(ERR_AUTHENTICATION,   REFUSED,     "17", "05", 401, "bad_token",           "authentication failed") \
    X(ERR_FORBIDDEN,        REFUSED,     "17", "05", 403, "forbidden",           "not allowed") \
    X(ERR_NOT_FOUND,        INPUT,       "15", "25", 404, "not_found",           "not found") \
    X(ERR_DUPLICATE,        STATE,       "15", "94", 409, "duplicate",           "the row exists already") \
    X(ERR_BUSY,             LIMIT,       "41", "91", 503, "busy",                "all slots are in use") \
    X(ERR_RATE,             LIMIT,       "41", "91", 429, "display_rate",        "too many requests") \
    X(ERR_LINK_UNAVAILABLE, UNAVAILABLE, "41", "91", 503, "link_unavailable",    "the link is down") \
    X(ERR_TIMEOUT,          UNAVAILABLE, "41", "91", 504, "timeout",             "no answer in time") \
    X(ERR_CLOSED,           STATE,       "41", "91", 503, "closed",              "the connection is closed") \
    X(ERR_SYSTEM,           INTERNAL,    "41", "96", 500, "system",              "a system call failed") \
    X(ERR_MEMORY,           LIMIT,       "41", "96", 500, "memory",              "out of reserved memory") \
    X(ERR_INTERNAL,         INTERNAL,    "41", "96", 500, "internal",            "internal error")
/* clang-format on */

/* What a list is made into: values, constants and rows. A room writes in its header
 *     enum { ROOM_ERR_BASE = 0x0n00, ROOM_ERR_LIST(ERR_NUMBER) ROOM_ERR_END };
 *     ROOM_ERR_LIST(ERR_CONSTANT)
 * The constants are of type `enum err`, as compilers want them, and may initialise static objects; a `case` cannot name them. */
#define ERR_NAME(name, class, host, de39, http, code, text) name,
#define ERR_NUMBER(name, class, host, de39, http, code, text) name##_NUMBER,
#define ERR_CONSTANT(name, class, host, de39, http, code, text) static const enum err name = (enum err)name##_NUMBER;
#define ERR_ROW(name, class, host, de39, http, code, text) {#name, ERR_CLASS_##class, host, de39, http, code, text},

enum err { ERR_LIST(ERR_NAME) ERR_END };

struct err_row {
    const char *name;
    enum err_class class;
    char host_code[3];
    char de39[3];
    uint16_t http_status;
    const char *code;
    const char *text;
};

/* The rows of one room: row[i] is that of the value first + i. */
struct err_table {
    const char *room;
    unsigned first;
    unsigned count;
    const struct err_row *row;
};

extern const struct err_table err_general;

/* Defined by each program: err_general, then the tables of its rooms, then NULL. */
extern const struct err_table *const err_tables[];

/* The row of an error; a value outside the tables of this program reads as ERR_INTERNAL. Never NULL. */
const struct err_row *err_row(enum err err);

/* Leaves the function with the error of `expr`, if it has one. */
#define TRY(expr)                   \
    do {                            \
        enum err try_err_ = (expr); \
        if (try_err_ != ERR_OK)     \
            return try_err_;        \
    } while (0)

/* For our own bugs only; always on. Input can never reach one. */
#define ASSERT(condition) ((condition) ? (void)0 : err_assert_failed(#condition, __FILE__, __LINE__))
_Noreturn void err_assert_failed(const char *condition, const char *file, int line);

#endif
