/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The field-table engine: one table of rows drives parse, build, masked description, documentation and random valid generation.
 *
 * Purpose    A protocol is a `static const struct wire_field[]`. Host commands bind fields by position (wire_parse, wire_build),
 *            JSON and configuration bind them by name (http/json.h, base/config.h read the same rows), ISO 8583 binds them by
 *            bitmap and uses the value codec below (wire_value_read, wire_value_write).
 * Ownership  Rows are static. A record is the caller's plain struct; nothing in it points anywhere.
 * Threading  Free of state.
 * Failure    Parsing reports what was wrong and where in `struct wire_fault`; the record is wiped on failure. Building has the
 *            sticky error of `struct buf`.
 * Limits     A text member holds up to 65,535 bytes; capacity comes from sizeof the member, so an overflow cannot be written down:
 *            wire_check refuses a row whose maximum exceeds its member.
 *
 * Example
 *     struct cw { WIRE_TEXT(19) pan; WIRE_TEXT(4) expiry; };
 *     static const struct wire_field cw_fields[] = {
 *         {.name = "PAN", .kind = WIRE_N, .length = WIRE_DELIMITED, .delimiter = ';', .min = 12, .max = 19, .flags = WIRE_PAN,
 *          WIRE_AT(struct cw, pan)},
 *         {.name = "expiry", .kind = WIRE_N, .min = 4, .max = 4, WIRE_AT(struct cw, expiry)},
 *     };
 *     static const struct wire_record cw_record = WIRE_RECORD("CW", struct cw, cw_fields);
 */
#ifndef WIRE_WIRE_H
#define WIRE_WIRE_H

#include "base/buf.h"
#include "base/env.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A text member of a record. `present` tells an empty value from an absent one. */
#define WIRE_TEXT(capacity_)   \
    struct {                   \
        uint16_t len;          \
        bool present;          \
        uint8_t at[capacity_]; \
    }

/* What every WIRE_TEXT begins with. */
struct wire_text {
    uint16_t len;
    bool present;
    uint8_t at[];
};

#define WIRE_SPAN(member_) span_of((member_).at, (member_).len)
#define WIRE_SET(member_, span_) wire_text_set((struct wire_text *)(void *)&(member_), sizeof((member_).at), (span_))
/* Copies; a span that does not fit is cut to nothing and false is returned. */
bool wire_text_set(struct wire_text *member, size_t cap, struct span value);

enum wire_kind {
    WIRE_N,       /* decimal digits */
    WIRE_H,       /* hexadecimal digits; either case in, upper case kept and out */
    WIRE_A,       /* printable ASCII 20..7E */
    WIRE_AN,      /* letters and digits */
    WIRE_Z,       /* track data: digits, '=', 'D', 'F', '?' */
    WIRE_B,       /* raw bytes */
    WIRE_CONST,   /* exactly the bytes of `literal`; has no member */
    WIRE_ENUM,    /* one of the texts in `choices`, separated by '|' */
    WIRE_SHAPED,  /* its extent is found by `shape` from its first bytes (keys with a scheme tag) */
    WIRE_BOOL,    /* by name only: true or false, kept as "true" / "false" */
    WIRE_DECIMAL, /* by name only: a JSON number or numeric string, kept as its exact text */
    WIRE_OBJECT,  /* by name only: must be an object if present; has no member */
};

enum wire_length {
    WIRE_FIXED,     /* exactly `max` (or min..max where the rest of the data decides, see WIRE_REST) */
    WIRE_DELIMITED, /* up to `delimiter`, which is consumed */
    WIRE_LL,        /* two-digit length before the value */
    WIRE_LLL,       /* three-digit length before the value */
    WIRE_REST,      /* all that is left, min..max */
    WIRE_COUNTED,   /* as many as the decimal (or, with WIRE_COUNT_HEX, hexadecimal) number in the member at `counter` says */
    WIRE_ITEMS,     /* as many items as the decimal number in the member at `counter` says, each behind its length of four digits;
                       kept as they stand, see wire_item_next */
};

enum wire_encoding { WIRE_ASCII, WIRE_BCD, WIRE_EBCDIC, WIRE_BINARY };
enum wire_padding { WIRE_PAD_NONE, WIRE_PAD_ZERO_LEFT, WIRE_PAD_ZERO_RIGHT, WIRE_PAD_SPACE_RIGHT };

enum wire_flag {
    WIRE_SECRET = 1 << 0,   /* described as "***" */
    WIRE_PAN = 1 << 1,      /* described as first six, last four */
    WIRE_OPTIONAL = 1 << 2, /* by position: may be absent together with all that follows in its group, and a WIRE_SHAPED one where
                               its shape finds nothing; by name: may be absent */
    WIRE_GROUP = 1 << 3, /* starts an optional group: the rows up to the next WIRE_GROUP or WIRE_END_GROUP stand or fall together,
                            decided by whether this row (a WIRE_CONST) is there */
    WIRE_END_GROUP = 1 << 4, /* first row after a group */
    WIRE_COUNT_HEX = 1 << 5,
    WIRE_EMPTY_OK = 1 << 6,     /* by name: "" counts as absent instead of an error */
    WIRE_FROM_INTEGER = 1 << 7, /* by name: a JSON integer is taken as the text of its digits */
    WIRE_ANY = 1 << 8,          /* by position: text in which any byte may stand; one that has no character is SUB (1A) */
};

struct wire_field {
    const char *name; /* by name: a path such as source.card.cardData */
    const char *doc;
    enum wire_kind kind;
    enum wire_length length;
    enum wire_encoding encoding;        /* of the value */
    enum wire_encoding length_encoding; /* of an LL or LLL prefix */
    enum wire_padding padding;          /* of a fixed field whose value is shorter */
    uint8_t delimiter;
    uint16_t flags; /* enum wire_flag */
    uint16_t min;   /* characters (digits for BCD), bytes for WIRE_B */
    uint16_t max;
    uint16_t member;  /* offsetof the WIRE_TEXT; WIRE_AT sets it with cap */
    uint16_t cap;     /* sizeof its `at`; 0 = no member */
    uint16_t counter; /* WIRE_COUNTED, WIRE_ITEMS: offsetof the WIRE_TEXT with the count */
    uint16_t when;    /* offsetof a WIRE_TEXT; the row exists only if that member is one of `equals` (each character one value) */
    const char *equals;
    uint16_t also;           /* a second one; both must hold */
    const char *also_equals; /* NULL: none */
    const char *literal;     /* WIRE_CONST; WIRE_SHAPED: what people read as its type, NULL: KEY */
    const char *choices;     /* WIRE_ENUM */
    /* WIRE_SHAPED: the bytes the value takes at the start of `in`, or 0 if `in` cannot start one. */
    size_t (*shape)(struct span in);
    /* WIRE_SHAPED: writes a valid random value for tests. */
    void (*shape_generate)(const struct env *env, struct buf *out);
};

#define WIRE_AT(struct_, member_) .member = offsetof(struct_, member_), .cap = sizeof(((struct_ *)0)->member_.at)

struct wire_record {
    const char *name;
    const struct wire_field *field;
    size_t count;
    size_t size; /* of the struct */
};
#define WIRE_RECORD(name_, struct_, fields_)                                        \
    {                                                                               \
        (name_), (fields_), sizeof(fields_) / sizeof((fields_)[0]), sizeof(struct_) \
    }
#define WIRE_RECORD_EMPTY(name_) \
    {                            \
        (name_), NULL, 0, 0      \
    }

/* What stopped a parser. Tests assert that each outcome a table can have was reached. */
enum wire_outcome {
    WIRE_OUTCOME_OK,
    WIRE_OUTCOME_SHORT,
    WIRE_OUTCOME_LONG,
    WIRE_OUTCOME_CHARACTER,
    WIRE_OUTCOME_VALUE,
    WIRE_OUTCOME_DELIMITER,
    WIRE_OUTCOME_TRAILING,
    WIRE_OUTCOME_COUNT
};
struct wire_fault {
    enum err err;
    enum wire_outcome outcome;
    const char *field; /* static name of the row; never NULL after a failure */
    size_t offset;     /* bytes into the data */
};

/*
 * Reads the fields of `record` from the start of `in` into `out` (record->size bytes, zeroed first). `used` gets the bytes
 * consumed; the caller decides what may follow. On failure `out` is wiped and `fault` (may be NULL) says what and where.
 */
MUST_USE enum err wire_parse(const struct wire_record *record, struct span in, void *out, size_t *used, struct wire_fault *fault);
/* As wire_parse, but data after the last field is ERR_PARSE_TRAILING. */
MUST_USE enum err wire_parse_all(const struct wire_record *record, struct span in, void *out, struct wire_fault *fault);
/* Writes the fields; a member that breaks its row gives the error that parsing it would give. */
MUST_USE enum err wire_build(const struct wire_record *record, const void *in, struct buf *out);
/* name=value pairs for logs and people: SECRET as ***, PAN as 411111******1111, unprintable bytes as hex. */
void wire_describe(const struct wire_record *record, const void *in, struct buf *out);
/* A Markdown table of the rows. */
void wire_document(const struct wire_record *record, struct buf *out);
/* A random record that wire_build accepts. Numbers that other rows count by are made to fit. */
void wire_generate(const struct wire_record *record, const struct env *env, void *out);
/* Walks every row: names, ranges, capacities, references. Called at start and by tests. */
MUST_USE enum err wire_check(const struct wire_record *record, struct wire_fault *fault);

/* Takes one item of a WIRE_ITEMS value from the front of `rest`; the outcome says what is wrong with its length. */
enum wire_outcome wire_item_next(struct span *rest, struct span *item);
void wire_item_put(struct span item, struct buf *out);

/* ---- value codec, one field at a time ---- */

/* Checks the characters, the length and the choices of a bare value. */
MUST_USE enum err wire_value_check(const struct wire_field *field, struct span value, struct wire_fault *fault);
/* Reads length prefix, encoding and padding; appends the value's plain characters (ASCII) or bytes to `out`. */
MUST_USE enum err wire_value_read(const struct wire_field *field, struct span in, size_t *used, struct buf *out,
                                  struct wire_fault *fault);
/* The bytes that a value takes with its length, whatever its characters are: where the next field begins. */
MUST_USE enum err wire_value_extent(const struct wire_field *field, struct span in, size_t *used);
MUST_USE enum err wire_value_write(const struct wire_field *field, struct span value, struct buf *out);
/* Masked as the row says. */
void wire_value_describe(const struct wire_field *field, struct span value, struct buf *out);
/* A random valid value. */
void wire_value_generate(const struct wire_field *field, const struct env *env, struct buf *out);

#endif
