/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An ISO 8583 message in memory: presence bits and canonical values.
 *
 * Purpose    One fixed-size struct for every profile. Values are plain characters (ASCII) whatever the wire says (BCD, EBCDIC);
 *            fields of kind binary are raw bytes. `iso8583/profile.h` reads and writes the wire form.
 * Ownership  A value. Spans given by iso_get point into the message and live until the next iso_set, iso_unset or wipe of it.
 * Threading  One thread at a time.
 * Failure    iso_set keeps a sticky error in `err` (value storage full, field number out of range); iso_build reports it.
 * Limits     Data elements 2..128; ISO_VALUES_MAX bytes of values in all. No allocation.
 * Padding    A value of DE41 or DE42 may be set shorter than its field and is filled with blanks on the wire; a parsed value is
 *            full.
 * Secrets    A message holds a PAN and, in a request, a security code: wipe it with iso_message_wipe as soon as it is done with.
 *
 * Example
 *     struct iso_message m;
 *     iso_message_init(&m, ISO_AUTHORISATION);
 *     iso_set_text(&m, 3, "000000");
 *     iso_set_decimal(&m, 4, 1250, 12);
 *     TRY(iso_build(profile, &m, &out));
 */
#ifndef ISO8583_MESSAGE_H
#define ISO8583_MESSAGE_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

/* The four digits of an MTI read as hexadecimal, so that 0x0100 prints as 0100. */
enum iso_mti {
    ISO_AUTHORISATION = 0x0100,
    ISO_AUTHORISATION_REPEAT = 0x0101,
    ISO_AUTHORISATION_ANSWER = 0x0110,
    ISO_REVERSAL = 0x0400,
    ISO_REVERSAL_REPEAT = 0x0401,
    ISO_REVERSAL_ANSWER = 0x0410,
    ISO_NETWORK = 0x0800,
    ISO_NETWORK_ANSWER = 0x0810,
};

/* Data elements by number, for those the house speaks of by name. */
enum iso_field {
    ISO_PAN = 2,
    ISO_PROCESSING_CODE = 3,
    ISO_AMOUNT = 4,
    ISO_TRANSMISSION = 7, /* MMDDhhmmss */
    ISO_STAN = 11,
    ISO_TIME_LOCAL = 12,
    ISO_DATE_LOCAL = 13,
    ISO_EXPIRY = 14, /* YYMM */
    ISO_MCC = 18,
    ISO_ENTRY_MODE = 22,
    ISO_CONDITION = 25,
    ISO_ACQUIRER = 32,
    ISO_RRN = 37,
    ISO_APPROVAL = 38,
    ISO_RESPONSE = 39,
    ISO_TERMINAL = 41,
    ISO_MERCHANT = 42,
    ISO_RESPONSE_DATA = 44,
    ISO_NATIONAL = 47,
    ISO_PRIVATE = 48,
    ISO_CURRENCY = 49,
    ISO_NETWORK_CODE = 70, /* 001 sign-on, 002 sign-off, 301 echo */
    ISO_ORIGINAL = 90,
    ISO_REPLACEMENT = 95,
    ISO_CODE = 126,
};

enum { ISO_FIELDS = 129, ISO_VALUES_MAX = 1792 };

struct iso_value {
    uint16_t offset;
    uint16_t len;
};

struct iso_message {
    uint16_t mti; /* enum iso_mti, or any other four digits */
    uint16_t used;
    enum err err;
    uint64_t present[2]; /* bit 63 of [0] is data element 1, as on the wire */
    struct iso_value value[ISO_FIELDS];
    uint8_t at[ISO_VALUES_MAX];
};

/* Makes an empty message; what was in it before is not wiped. */
void iso_message_init(struct iso_message *m, uint16_t mti);
/* Overwrites every value and empties the message. */
void iso_message_wipe(struct iso_message *m);

static inline bool iso_has(const struct iso_message *m, unsigned field)
{
    return field < ISO_FIELDS && field > 0 && (m->present[(field - 1) >> 6] >> (63 - ((field - 1) & 63)) & 1) != 0;
}
/* The value; an absent field gives an empty span. */
static inline struct span iso_get(const struct iso_message *m, unsigned field)
{
    return iso_has(m, field) ? span_of(m->at + m->value[field].offset, m->value[field].len) : span_of(m->at, 0);
}

void iso_set(struct iso_message *m, unsigned field, struct span value);
void iso_set_text(struct iso_message *m, unsigned field, const char *text);
/* Zero-filled to `width` digits; a wider value sets the sticky error. */
void iso_set_decimal(struct iso_message *m, unsigned field, uint64_t value, size_t width);
/* Wipes the value and drops the field. */
void iso_unset(struct iso_message *m, unsigned field);
/* Copies the field if `from` has it. */
void iso_copy(struct iso_message *to, const struct iso_message *from, unsigned field);

/* 0100, 0101 -> 0100: the repeat digit is dropped (switch spec 8). */
static inline uint16_t iso_mti_class(uint16_t mti)
{
    return mti & 0xFFF0u;
}
/* 0100, 0101 -> 0110. */
static inline uint16_t iso_mti_answer(uint16_t mti)
{
    return (uint16_t)((mti & 0xFFF0u) + 0x10u);
}
static inline bool iso_mti_repeat(uint16_t mti)
{
    return (mti & 0x000Fu) == 1;
}
/* Requests and advices have an even third digit, their answers an odd one. */
static inline bool iso_mti_request(uint16_t mti)
{
    return (mti & 0x0010u) == 0;
}

#endif
