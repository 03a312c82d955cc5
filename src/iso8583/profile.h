/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ISO 8583 profiles: how a message looks on one kind of link.
 *
 * Purpose    A profile is a table: one `struct wire_field` a data element, the encodings of MTI and bitmap, and the matrix that
 *            says which field each message class must, may or must not carry. iso8583_parse and iso8583_build are the only two who
 *            know the wire form; the acquirer's end (gateway) and the issuer's end (switch) read the same rows.
 * Ownership  Profiles are static.
 * Threading  Free of state.
 * Failure    `struct iso8583_fault` says what was wrong and where. After a failed parse the message keeps the fields that could be
 *            read, so that a readable header can be answered with DE39 30; the caller wipes it.
 * Limits     A frame is at most ISO8583_FRAME_MAX bytes without its length prefix. The two length bytes are the transport's (net),
 *            not ours.
 * Profiles   visa-base1: MTI 2 bytes BCD, binary bitmap, numerics BCD (odd lengths filled with a zero on the left), text EBCDIC,
 *            one binary length byte; DE126 with an 8-byte bitmap of its own. No Visa header.
 *            iso87-ascii: everything ASCII, bitmap as 16 or 32 hexadecimal digits, LL and LLL in decimal digits.
 *
 * Example
 *     const struct iso8583_profile *p = iso8583_profile_find(span_text("visa-base1"));
 *     struct iso8583_message m;
 *     struct iso8583_fault fault;
 *     if (iso8583_parse(p, frame, &m, &fault) != ERR_OK)
 *         return iso8583_fault_response(&fault, &m);
 */
#ifndef ISO8583_PROFILE_H
#define ISO8583_PROFILE_H

#include "iso8583/message.h"
#include "wire/wire.h"

enum { ISO8583_FRAME_MAX = 8192 };

/* One letter per message class of ISO8583_CLASS_LIST, in its order:
 * M mandatory; O optional; C conditional (the rule is the sender's, a receiver takes it as optional); E echoed: the answer
 * carries it exactly if the request did (a receiver takes it as optional); - not used: built never, skipped when it is read. */
#define ISO8583_CLASS_LIST(X) X(0100) X(0110) X(0400) X(0410) X(0800) X(0810)
enum { ISO8583_CLASSES = 6 };
struct iso8583_matrix_row {
    uint16_t field;
    char need[ISO8583_CLASSES + 1];
};

struct iso8583_profile {
    const char *name;
    bool binary;                    /* MTI as BCD and bitmap as bytes; otherwise both as ASCII digits */
    const struct wire_field *field; /* ISO8583_FIELDS rows by data element number: all of 2 to 128, so that any can be skipped */
    const struct iso8583_matrix_row *matrix;
    size_t matrix_count;
};

/* What stopped a parse. Tests assert that each was reached. */
enum iso8583_outcome {
    ISO8583_OUTCOME_OK,
    ISO8583_OUTCOME_HEADER,    /* MTI or bitmap incomplete or not digits */
    ISO8583_OUTCOME_CLASS,     /* MTI is well-formed but not a class of the profile: DE39 12 */
    ISO8583_OUTCOME_FIELD,     /* `wire` says what is wrong with the field */
    ISO8583_OUTCOME_FORBIDDEN, /* iso8583_skipped_refuse: the class does not use the field */
    ISO8583_OUTCOME_MISSING,   /* the class must carry the field */
    ISO8583_OUTCOME_TRAILING,  /* bytes after the last field */
    ISO8583_OUTCOME_COUNT
};
struct iso8583_fault {
    enum err err;
    enum iso8583_outcome outcome;
    struct wire_fault wire; /* with ISO8583_OUTCOME_FIELD */
    uint16_t field;         /* data element, 0 = header */
    size_t offset;          /* into the frame */
};

extern const struct iso8583_profile iso8583_profile_visa_base1;
extern const struct iso8583_profile iso8583_profile_iso87_ascii;
/* NULL if there is none of this name. */
const struct iso8583_profile *iso8583_profile_find(struct span name);

/* Reads a whole frame and checks it against the matrix. Fields that the class does not use are checked, skipped and noted in
 * out->skipped. After a fault in a value the fields behind it are read all the same. `fault` may be NULL. */
MUST_USE enum err iso8583_parse(const struct iso8583_profile *p, struct span frame, struct iso8583_message *out,
                                struct iso8583_fault *fault);
/* For links that take nothing but what the class uses: an error if anything was skipped. */
MUST_USE enum err iso8583_skipped_refuse(const struct iso8583_message *m, struct iso8583_fault *fault);
/* Writes the frame. A message that iso8583_parse would refuse is refused with the same error, but for one exception: an answer to a
 * request of a class that the profile does not have can be built, so that it can be rejected with DE39 12. */
MUST_USE enum err iso8583_build(const struct iso8583_profile *p, const struct iso8583_message *m, struct buf *out);
/* The letter of a field in a class; '-' if the profile or the class does not have it. */
char iso8583_need(const struct iso8583_profile *p, uint16_t mti, unsigned field);
/* Starts the answer of a request: MTI + 10 and every field marked E in the answer's class that the request has; for a class that
 * the profile does not have DE7, 11, 37, 41 and 42. */
void iso8583_answer_init(const struct iso8583_profile *p, const struct iso8583_message *request, struct iso8583_message *out);
/* DE39 for a frame that could not be parsed ("12" or "30"); NULL if it cannot be answered because MTI or DE11 were not read. */
const char *iso8583_fault_response(const struct iso8583_fault *fault, const struct iso8583_message *partial);

/* Field by field, masked: 0100 02=411111******1111 03=000000 ... */
void iso8583_describe(const struct iso8583_profile *p, const struct iso8583_message *m, struct buf *out);
/* Markdown table of the fields and the matrix. */
void iso8583_document(const struct iso8583_profile *p, struct buf *out);
/* A random message of class `mti` that iso8583_build accepts. */
void iso8583_generate(const struct iso8583_profile *p, uint16_t mti, const struct env *env, struct iso8583_message *out);
/* Walks every row of the profile. Called at start and by tests. */
MUST_USE enum err iso8583_check(const struct iso8583_profile *p, struct iso8583_fault *fault);

#endif
