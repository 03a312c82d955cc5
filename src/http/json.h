/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON in, by the rows of a record. base/json.h writes it.
 *
 * Purpose    http_json_bind reads a body into a record whose rows are named by path (`amount.total`, `codes[0].cvv`). cJSON
 *            parses; what it lets pass is refused here: names that occur twice at any depth, more than 16 levels, raw control
 *            characters, \u0000, bad UTF-8, text after the value, more than 256 members in one object.
 * Numbers    A WIRE_DECIMAL keeps the exact characters of the number, or of a string that holds one: [-]digits[.digits], no
 *            exponent. Nothing here is ever a double.
 * Kinds      WIRE_BOOL true or false; WIRE_OBJECT an object; WIRE_DECIMAL as above; WIRE_B any text (UTF-8 bytes); WIRE_ENUM,
 *            WIRE_N, ... a string of that kind, or with WIRE_FROM_INTEGER an integer. A WIRE_OPTIONAL row may be absent. A required
 *            row counts as missing only if the nearest WIRE_OBJECT row above it was there, so an optional object may have required
 *            members.
 * Ownership  The record is the caller's; it is wiped on failure, but for HTTP_JSON_KEEP. cJSON's memory is wiped when it is freed.
 * Threading  One thread at a time in a process binds: cJSON keeps the place of its last error in a global.
 * Failure    All faults of the fields at once, in the order of the body, then the missing ones in the order of the rows; a body
 *            that is not JSON gives one fault. The result is the error of the first.
 *
 * Example
 *     static const struct wire_field fields[] = {
 *         {.name = "productId", .kind = WIRE_AN, .min = 1, .max = 48, WIRE_AT(struct registration, product_id)},
 *         {.name = "exp", .kind = WIRE_N, .min = 4, .max = 4, WIRE_AT(struct registration, exp)},
 *     };
 *     struct http_json_faults faults;
 *     enum err err = http_json_bind(&registration_record, request->body, HTTP_JSON_STRICT, &registration, &faults);
 */
#ifndef HTTP_JSON_H
#define HTTP_JSON_H

#include "base/json.h"
#include "wire/wire.h"

enum {
    HTTP_JSON_DEPTH_MAX = 16,
    HTTP_JSON_MEMBERS_MAX = 256,
    HTTP_JSON_ROWS_MAX = 256,
    HTTP_JSON_BODY_MAX = 64 * 1024,
    HTTP_JSON_PATH_MAX = 128,
    HTTP_JSON_FAULTS_MAX = 16,
};

enum http_json_flag {
    HTTP_JSON_STRICT = 1 << 0,      /* a member without a row is ERR_PARSE_UNKNOWN */
    HTTP_JSON_NULL_ABSENT = 1 << 1, /* null counts as absent; otherwise it is the wrong type */
    HTTP_JSON_KEEP = 1 << 2,        /* where fields alone are at fault, the others stay bound */
};

struct http_json_fault {
    enum err err;
    const struct wire_field *field; /* the row; NULL: the fault is not about a member with a row */
    const char *reason;             /* static */
    size_t offset;                  /* bytes into the body, where the body is not JSON; else 0 */
    char path[HTTP_JSON_PATH_MAX];  /* comes from the input where `field` is NULL: letters, digits, "_-.[]", others as '?'; cut */
};
struct http_json_faults {
    size_t count;
    struct http_json_fault at[HTTP_JSON_FAULTS_MAX];
};

/* Reads `body` (an object) into `out` (record->size bytes, zeroed first). `faults` may be NULL. */
MUST_USE enum err http_json_bind(const struct wire_record *record, struct span body, unsigned flags, void *out,
                                 struct http_json_faults *faults);
/* The whole number in a WIRE_DECIMAL or WIRE_N member; ERR_PARSE_VALUE outside min..max or with a fraction. */
MUST_USE enum err http_json_integer(struct span text, int64_t min, int64_t max, int64_t *out);
/* A member that is present and "true". */
bool http_json_true(struct span text);

#endif
