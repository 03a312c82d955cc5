/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON out: the one writer of the house.
 *
 * Purpose    Objects, arrays and values go into a `struct buf`; commas, names and escapes are its business. Bodies of REST,
 *            what tools print with --json, and the lines of the log are written by it.
 * Ownership  A writer is a value; it borrows the buffer.
 * Threading  Values; one writer at a time.
 * Failure    The sticky error of the buffer, asked for once with json_done.
 * Limits     JSON_DEPTH levels. Names are static texts that need no escape.
 *
 * Example
 *     struct json_writer w = json_writer(&out);
 *     json_open(&w, NULL);
 *     json_put_text(&w, "file", path);
 *     json_put_integer(&w, "lines", 12);
 *     json_close(&w);
 *     TRY(json_done(&w));                        // {"file":"...","lines":12}
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/buf.h"

enum { JSON_DEPTH = 16 };

struct json_writer {
    struct buf *out;
    uint32_t filled; /* one bit a level: something stands before */
    uint8_t depth;
};

struct json_writer json_writer(struct buf *out);
/* ERR_OK when everything fitted; every bracket must have been closed. */
MUST_USE enum err json_done(const struct json_writer *w);

/* `name` NULL: an element of an array, or the root. */
void json_open(struct json_writer *w, const char *name);
void json_close(struct json_writer *w);
void json_open_array(struct json_writer *w, const char *name);
void json_close_array(struct json_writer *w);
/* Escaped; bytes that are no UTF-8 become U+FFFD. */
void json_put(struct json_writer *w, const char *name, struct span text);
void json_put_text(struct json_writer *w, const char *name, const char *text);
void json_put_integer(struct json_writer *w, const char *name, int64_t value);
void json_put_bool(struct json_writer *w, const char *name, bool value);
void json_put_null(struct json_writer *w, const char *name);
/* The characters of a checked decimal as a JSON number. */
void json_put_decimal(struct json_writer *w, const char *name, struct span digits);
/* A present WIRE_TEXT member under `name`; an absent one writes nothing. */
#define json_put_member(w_, name_, member_)              \
    do {                                                 \
        if ((member_).present)                           \
            json_put((w_), (name_), WIRE_SPAN(member_)); \
    } while (0)

/* A string by itself, with its quotes. The second writes each byte beyond ASCII as \u00XX: no terminal reads more than text. */
void json_string(struct buf *out, struct span text);
void json_string_ascii(struct buf *out, struct span text);

/* Well-formed UTF-8 (RFC 3629). */
bool json_utf8(struct span text);
/* Bytes of the well-formed character at `at`, or 0. */
size_t json_utf8_character(struct span text, size_t at);

#endif
