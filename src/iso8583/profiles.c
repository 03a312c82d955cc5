/* SPDX-License-Identifier: Apache-2.0 */
/* The shipped profiles (switch.md 4.2): visa-base1 after jPOS' base1.xml, generic after ISO 8583:1987. */
#include "iso8583/profile.h"

/* clang-format off */

/* ---- visa-base1: BCD numerics, EBCDIC text, one binary length byte that counts digits, characters or bytes ---- */
#define BCD_N(name_, len_)  {.name = name_, .kind = WIRE_N,  .length = WIRE_FIXED, .encoding = WIRE_BCD, .min = len_, .max = len_}
#define BCD_LL(name_, min_, max_, flags_) {.name = name_, .kind = WIRE_N, .length = WIRE_LL, .encoding = WIRE_BCD, \
                                           .length_encoding = WIRE_BINARY, .min = min_, .max = max_, .flags = flags_}
#define EBC(name_, kind_, len_) {.name = name_, .kind = kind_, .length = WIRE_FIXED, .encoding = WIRE_EBCDIC, \
                                 .min = len_, .max = len_}
#define EBC_PAD(name_, len_) {.name = name_, .kind = WIRE_A, .length = WIRE_FIXED, .encoding = WIRE_EBCDIC, \
                              .padding = WIRE_PAD_SPACE_RIGHT, .min = 1, .max = len_}
#define EBC_LL(name_, min_, max_, flags_) {.name = name_, .kind = WIRE_A, .length = WIRE_LL, .encoding = WIRE_EBCDIC, \
                                           .length_encoding = WIRE_BINARY, .min = min_, .max = max_, .flags = flags_}
#define BIN_LL(name_, min_, max_, flags_) {.name = name_, .kind = WIRE_B, .length = WIRE_LL, .encoding = WIRE_BINARY, \
                                           .length_encoding = WIRE_BINARY, .min = min_, .max = max_, .flags = flags_}

static const struct wire_field visa_fields[ISO8583_FIELDS] = {
    [2]   = BCD_LL("primary account number", 12, 19, WIRE_PAN),
    [3]   = BCD_N ("processing code", 6),
    [4]   = BCD_N ("amount, transaction", 12),
    [7]   = BCD_N ("transmission date and time", 10),
    [11]  = BCD_N ("system trace audit number", 6),
    [12]  = BCD_N ("time, local", 6),
    [13]  = BCD_N ("date, local", 4),
    [14]  = BCD_N ("date, expiration", 4),
    [18]  = BCD_N ("merchant category", 4),
    [22]  = BCD_N ("entry mode", 4),
    [25]  = BCD_N ("condition code", 2),
    [32]  = BCD_LL("acquiring institution", 1, 11, 0),
    [37]  = EBC   ("retrieval reference number", WIRE_AN, 12),
    [38]  = EBC   ("authorisation identification", WIRE_AN, 6),
    [39]  = EBC   ("response code", WIRE_AN, 2),
    [41]  = EBC_PAD("terminal", 8),
    [42]  = EBC_PAD("merchant", 15),
    [44]  = EBC_LL("additional response data", 1, 25, 0),
    [48]  = EBC_LL("additional data, private", 1, 255, 0),
    [49]  = BCD_N ("currency, transaction", 3),
    [70]  = BCD_N ("network management code", 3),
    [90]  = BCD_N ("original data elements", 42),
    [95]  = EBC   ("replacement amounts", WIRE_A, 42),
    [126] = BIN_LL("private use: 126.10 security code", 8, 255, WIRE_SECRET),
};

/* ---- iso87-ascii ---- */
#define ASC(name_, kind_, len_) {.name = name_, .kind = kind_, .length = WIRE_FIXED, .encoding = WIRE_ASCII, \
                                 .min = len_, .max = len_}
#define ASC_PAD(name_, len_) {.name = name_, .kind = WIRE_A, .length = WIRE_FIXED, .encoding = WIRE_ASCII, \
                              .padding = WIRE_PAD_SPACE_RIGHT, .min = 1, .max = len_}
#define ASC_LL(name_, kind_, min_, max_, flags_) {.name = name_, .kind = kind_, .length = WIRE_LL, .encoding = WIRE_ASCII, \
                                                  .length_encoding = WIRE_ASCII, .min = min_, .max = max_, .flags = flags_}
#define ASC_LLL(name_, kind_, min_, max_, flags_) {.name = name_, .kind = kind_, .length = WIRE_LLL, .encoding = WIRE_ASCII, \
                                                   .length_encoding = WIRE_ASCII, .min = min_, .max = max_, .flags = flags_}

static const struct wire_field iso87_fields[ISO8583_FIELDS] = {
    [2]   = ASC_LL ("primary account number", WIRE_N, 12, 19, WIRE_PAN),
    [3]   = ASC    ("processing code", WIRE_N, 6),
    [4]   = ASC    ("amount, transaction", WIRE_N, 12),
    [7]   = ASC    ("transmission date and time", WIRE_N, 10),
    [11]  = ASC    ("system trace audit number", WIRE_N, 6),
    [12]  = ASC    ("time, local", WIRE_N, 6),
    [13]  = ASC    ("date, local", WIRE_N, 4),
    [14]  = ASC    ("date, expiration", WIRE_N, 4),
    [18]  = ASC    ("merchant category", WIRE_N, 4),
    [22]  = ASC    ("entry mode", WIRE_N, 3),
    [25]  = ASC    ("condition code", WIRE_N, 2),
    [32]  = ASC_LL ("acquiring institution", WIRE_N, 1, 11, 0),
    [37]  = ASC    ("retrieval reference number", WIRE_AN, 12),
    [38]  = ASC    ("authorisation identification", WIRE_AN, 6),
    [39]  = ASC    ("response code", WIRE_AN, 2),
    [41]  = ASC_PAD("terminal", 8),
    [42]  = ASC_PAD("merchant", 15),
    [44]  = ASC_LL ("additional response data", WIRE_A, 1, 25, 0),
    [47]  = ASC_LLL("additional data, national: AS 2805 tags", WIRE_A, 1, 999, WIRE_SECRET),
    [48]  = ASC_LLL("additional data, private", WIRE_A, 1, 255, 0),
    [49]  = ASC    ("currency, transaction", WIRE_N, 3),
    [70]  = ASC    ("network management code", WIRE_N, 3),
    [90]  = ASC    ("original data elements", WIRE_N, 42),
    [95]  = ASC    ("replacement amounts", WIRE_A, 42),
    [126] = ASC_LLL("private use: 126.10 security code", WIRE_A, 1, 255, WIRE_SECRET),
};

/* ---- which class carries what; ascending. Columns: 0100 0110 0400 0410 0800 0810 ---- */
#define MATRIX_COMMON_LOW \
    {2,   "MEME--"}, \
    {3,   "MEME--"}, \
    {4,   "MEME--"}, \
    {7,   "MEMEME"}, \
    {11,  "MEMEME"}, \
    {12,  "OEOE--"}, \
    {13,  "OEOE--"}, \
    {14,  "O-O---"}, \
    {18,  "O-O---"}, \
    {22,  "O-O---"}, \
    {25,  "O-O---"}, \
    {32,  "OEOEOE"}, \
    {37,  "OEOEOE"}, \
    {38,  "-CCC--"}, \
    {39,  "-MOM-M"}, \
    {41,  "OEOEOE"}, \
    {42,  "OEOEOE"}, \
    {44,  "-C----"}
#define MATRIX_COMMON_HIGH \
    {48,  "OOO---"}, \
    {49,  "OEOE--"}, \
    {70,  "----ME"}, \
    {90,  "--ME--"}, \
    {95,  "--CE--"}, \
    {126, "C-----"}

static const struct iso8583_matrix_row visa_matrix[] = {MATRIX_COMMON_LOW, MATRIX_COMMON_HIGH};
static const struct iso8583_matrix_row iso87_matrix[] = {MATRIX_COMMON_LOW, {47, "C-----"}, MATRIX_COMMON_HIGH};

const struct iso8583_profile iso8583_profile_visa_base1 = {
    .name = "visa-base1", .binary = true, .field = visa_fields,
    .matrix = visa_matrix, .matrix_count = sizeof visa_matrix / sizeof visa_matrix[0],
};
const struct iso8583_profile iso8583_profile_iso87_ascii = {
    .name = "iso87-ascii", .binary = false, .field = iso87_fields,
    .matrix = iso87_matrix, .matrix_count = sizeof iso87_matrix / sizeof iso87_matrix[0],
};
/* clang-format on */

const struct iso8583_profile *iso8583_profile_find(struct span name)
{
    if (span_is(name, iso8583_profile_visa_base1.name))
        return &iso8583_profile_visa_base1;
    if (span_is(name, iso8583_profile_iso87_ascii.name))
        return &iso8583_profile_iso87_ascii;
    return NULL;
}
