/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layouts inside fields: the security code, its result, original data elements, replacement amounts.
 *
 * Purpose    Where a link carries the code (extraction rule, switch.md 4.3) and where its answer carries the match result
 *            (placement rule, 4.4) are rows of two tables. The gateway writes the code and reads the result, the switch reads
 *            the code and writes the result: both through these functions and the same rows.
 * Ownership  Values only.
 * Threading  Free of state.
 * Failure    A code that makes no sense is ISO8583_CODE_MALFORMED, an answer, not an error. A missing result reads as
 *            ISO8583_RESULT_NONE.
 * Secrets    `struct iso8583_code` holds digits: keep it in locked memory and wipe it. iso8583_code_erase takes the code out of a
 *            message.
 *
 * Example
 *     struct iso8583_code code = {.presence = ISO8583_CODE_PRESENT, .result_wanted = true, .digits = {3, "123"}};
 *     TRY(iso8583_code_write(link->extract, &code, &request));
 *     ...
 *     char letter = iso8583_result_read(link->result, &answer);      // 'M', 'N', 'P', 'S', 'U', or 0
 */
#ifndef ISO8583_LAYOUT_H
#define ISO8583_LAYOUT_H

#include "base/secret.h"
#include "iso8583/message.h"
#include "wire/wire.h"

enum iso8583_presence {
    ISO8583_CODE_ABSENT,
    ISO8583_CODE_PRESENT,
    ISO8583_CODE_ILLEGIBLE,
    ISO8583_CODE_NOT_ON_CARD,
    ISO8583_CODE_MALFORMED,
};

struct iso8583_code {
    enum iso8583_presence presence;
    bool dynamic;              /* presence indicator 3: dynamic CVV2 present */
    bool result_wanted;        /* response type 1; rules without a response type always want it */
    struct code_digits digits; /* if present: three, or four on American Express cards */
};

enum iso8583_extract {
    ISO8583_EXTRACT_UNSET,            /* a link with this rule does not start */
    ISO8583_EXTRACT_NONE,             /* the link carries no code */
    ISO8583_EXTRACT_VISA_126_10,      /* DE126: 8-byte bitmap, 126.10 six EBCDIC characters */
    ISO8583_EXTRACT_GENERIC_126_10,   /* DE126: the six characters of 126.10 alone, in ASCII */
    ISO8583_EXTRACT_AS2805_BACKSLASH, /* DE47: tags closed by a backslash: CCI1 or CCI0, CCVnnn */
    ISO8583_EXTRACT_COUNT
};
struct iso8583_extract_row {
    const char *name; /* in configuration files */
    uint16_t field;
    const char *doc;
};
const struct iso8583_extract_row *iso8583_extract_row(enum iso8583_extract rule);
/* ISO8583_EXTRACT_UNSET for a name that is not in the table. */
enum iso8583_extract iso8583_extract_find(struct span name);

enum iso8583_result {
    ISO8583_RESULT_UNSET,
    ISO8583_RESULT_NONE,  /* DE39 only */
    ISO8583_RESULT_44_10, /* byte 11 of DE44, the bytes before it blank */
    ISO8583_RESULT_COUNT
};
struct iso8583_result_row {
    const char *name;
    uint16_t field;
    const char *doc;
};
const struct iso8583_result_row *iso8583_result_row(enum iso8583_result rule);
enum iso8583_result iso8583_result_find(struct span name);

/* How a network marks messages that come without the holder: recurring, instalment, stored credential (switch.md 4.2). */
enum iso8583_marks {
    ISO8583_MARKS_NONE,
    ISO8583_MARKS_VISA,       /* 126.13 R, I, C */
    ISO8583_MARKS_MASTERCARD, /* DE61.4 = 4, DE22 = 10, DE48 subelement 22 C1, M1, M2 */
};
/* What cannot be read is not marked. */
bool iso8583_unattended(enum iso8583_marks marks, const struct iso8583_message *m);

/* A code of another length than that of the card's brand (DE2) is malformed. */
void iso8583_code_read(enum iso8583_extract rule, const struct iso8583_message *m, struct iso8583_code *out);
/* Behind DE2. ERR_PARSE_VALUE if the rule cannot express the code, or the card's brand has codes of another length. */
MUST_USE enum err iso8583_code_write(enum iso8583_extract rule, const struct iso8583_code *code, struct iso8583_message *m);
/* Wipes the field that holds the code and drops it from the message. */
void iso8583_code_erase(enum iso8583_extract rule, struct iso8583_message *m);
/* A letter; 0 writes nothing. */
void iso8583_result_write(enum iso8583_result rule, char letter, struct iso8583_message *m);
/* The letter, or 0 if the answer has none. */
char iso8583_result_read(enum iso8583_result rule, const struct iso8583_message *m);

/* ---- DE90: original data elements, n42 ---- */
struct iso8583_original {
    WIRE_TEXT(4) mti;
    WIRE_TEXT(6) stan;
    WIRE_TEXT(10) transmission;
    WIRE_TEXT(11) acquirer; /* zero-filled on the left */
    WIRE_TEXT(11) forwarder;
};
extern const struct wire_record iso8583_original_record;
/* Fills DE90 of a reversal from the request it reverses; an absent DE32 is eleven zeros. */
MUST_USE enum err iso8583_original_write(const struct iso8583_message *original, struct iso8583_message *reversal);
MUST_USE enum err iso8583_original_read(const struct iso8583_message *reversal, struct iso8583_original *out);
/* Leading zeros are no part of an acquirer id when it is compared with DE32. */
bool iso8583_acquirer_equal(struct span a, struct span b);

/* ---- DE95: replacement amounts, 42 characters ---- */
struct iso8583_replacement {
    WIRE_TEXT(12) amount; /* what remains authorised after a partial reversal */
    WIRE_TEXT(12) settlement_amount;
    WIRE_TEXT(9) fee;
    WIRE_TEXT(9) settlement_fee;
};
extern const struct wire_record iso8583_replacement_record;
/* The amount that remains authorised. Without DE95 *present is false and the amount is that of DE4: the whole is reversed. */
MUST_USE enum err iso8583_replacement_read(const struct iso8583_message *reversal, bool *present, uint64_t *amount_minor);
MUST_USE enum err iso8583_replacement_write(struct iso8583_message *reversal, uint64_t amount_minor);

#endif
