/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An ISO 8583 message in memory: presence bits and canonical values.
 *
 * Purpose    One fixed-size struct for every profile. Values are plain characters (ASCII) whatever the wire says (BCD, EBCDIC);
 *            fields of kind binary are raw bytes. `iso8583/profile.h` reads and writes the wire form.
 * Ownership  A value. Spans given by iso8583_get point into the message and live until the next iso8583_set, iso8583_unset or wipe
 *            of it.
 * Threading  One thread at a time.
 * Failure    iso8583_set keeps a sticky error in `err` (value storage full, field number out of range); iso8583_build reports it.
 * Limits     Data elements 2..128; ISO8583_VALUES_MAX bytes of values in all. No allocation.
 * Padding    A value of DE41 or DE42 may be set shorter than its field and is filled with blanks on the wire; a parsed value is
 *            full.
 * Secrets    A message holds a PAN and, in a request, a security code: wipe it with iso8583_message_wipe as soon as it is done
 *            with.
 *
 * Example
 *     struct iso8583_message m;
 *     iso8583_message_init(&m, ISO8583_AUTHORISATION);
 *     iso8583_set_text(&m, 3, "000000");
 *     iso8583_set_decimal(&m, 4, 1250, 12);
 *     TRY(iso8583_build(profile, &m, &out));
 */
#ifndef ISO8583_MESSAGE_H
#define ISO8583_MESSAGE_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

/* The four digits of an MTI read as hexadecimal, so that 0x0100 prints as 0100. */
enum iso8583_mti {
    ISO8583_AUTHORISATION = 0x0100,
    ISO8583_AUTHORISATION_REPEAT = 0x0101,
    ISO8583_AUTHORISATION_ANSWER = 0x0110,
    ISO8583_REVERSAL = 0x0400,
    ISO8583_REVERSAL_REPEAT = 0x0401,
    ISO8583_REVERSAL_ANSWER = 0x0410,
    ISO8583_NETWORK = 0x0800,
    ISO8583_NETWORK_ANSWER = 0x0810,
};

/* Data elements by number, for those the house speaks of by name. */
enum iso8583_field {
    ISO8583_PAN = 2,
    ISO8583_PROCESSING_CODE = 3,
    ISO8583_AMOUNT = 4,
    ISO8583_BILLING_AMOUNT = 6, /* the network's conversion, in the currency of DE51 */
    ISO8583_TRANSMISSION = 7,   /* MMDDhhmmss */
    ISO8583_STAN = 11,
    ISO8583_TIME_LOCAL = 12,
    ISO8583_DATE_LOCAL = 13,
    ISO8583_EXPIRY = 14, /* YYMM */
    ISO8583_MCC = 18,
    ISO8583_ENTRY_MODE = 22,
    ISO8583_CONDITION = 25,
    ISO8583_ACQUIRER = 32,
    ISO8583_RRN = 37,
    ISO8583_APPROVAL = 38,
    ISO8583_RESPONSE = 39,
    ISO8583_TERMINAL = 41,
    ISO8583_MERCHANT = 42,
    ISO8583_RESPONSE_DATA = 44,
    ISO8583_NATIONAL = 47,
    ISO8583_PRIVATE = 48,
    ISO8583_CURRENCY = 49,
    ISO8583_BILLING_CURRENCY = 51,
    ISO8583_POS_DATA = 61,
    ISO8583_NETWORK_CODE = 70, /* 001 sign-on, 002 sign-off, 301 echo */
    ISO8583_ORIGINAL = 90,
    ISO8583_REPLACEMENT = 95,
    ISO8583_CODE = 126,
};

enum { ISO8583_FIELDS = 129, ISO8583_VALUES_MAX = 2048 };

struct iso8583_value {
    uint16_t offset;
    uint16_t len;
};

struct iso8583_message {
    uint16_t mti; /* enum iso8583_mti, or any other four digits */
    uint16_t used;
    enum err err;
    uint64_t present[2]; /* bit 63 of [0] is data element 1, as on the wire */
    uint64_t skipped[2]; /* that a parsed frame had and its class does not use */
    struct iso8583_value value[ISO8583_FIELDS];
    uint8_t at[ISO8583_VALUES_MAX];
};

/* Makes an empty message; what was in it before is not wiped. */
void iso8583_message_init(struct iso8583_message *m, uint16_t mti);
/* Overwrites every value and empties the message. */
void iso8583_message_wipe(struct iso8583_message *m);

/* Of a data element in its half of a bitmap. */
static inline uint64_t iso8583_bit(unsigned field)
{
    return UINT64_C(1) << (63 - ((field - 1) & 63));
}

static inline bool iso8583_has(const struct iso8583_message *m, unsigned field)
{
    return field < ISO8583_FIELDS && field > 0 && (m->present[(field - 1) >> 6] & iso8583_bit(field)) != 0;
}
/* The value; an absent field gives an empty span. */
static inline struct span iso8583_get(const struct iso8583_message *m, unsigned field)
{
    return iso8583_has(m, field) ? span_of(m->at + m->value[field].offset, m->value[field].len) : span_of(m->at, 0);
}

void iso8583_set(struct iso8583_message *m, unsigned field, struct span value);
void iso8583_set_text(struct iso8583_message *m, unsigned field, const char *text);
/* Zero-filled to `width` digits; a wider value sets the sticky error. */
void iso8583_set_decimal(struct iso8583_message *m, unsigned field, uint64_t value, size_t width);
/* Wipes the value and drops the field. */
void iso8583_unset(struct iso8583_message *m, unsigned field);
/* Copies the field if `from` has it. */
void iso8583_copy(struct iso8583_message *to, const struct iso8583_message *from, unsigned field);

/* 0100, 0101 -> 0100: the repeat digit is dropped (switch.md 8). */
static inline uint16_t iso8583_mti_class(uint16_t mti)
{
    return mti & 0xFFF0u;
}
/* 0100, 0101 -> 0110. */
static inline uint16_t iso8583_mti_answer(uint16_t mti)
{
    return (uint16_t)((mti & 0xFFF0u) + 0x10u);
}
static inline bool iso8583_mti_repeat(uint16_t mti)
{
    return (mti & 0x000Fu) == 1;
}
/* Requests and advices have an even third digit, their answers an odd one. */
static inline bool iso8583_mti_request(uint16_t mti)
{
    return (mti & 0x0010u) == 0;
}

#endif
