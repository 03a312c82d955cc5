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

#define BIN(name_, len_, flags_) {.name = name_, .kind = WIRE_B, .length = WIRE_FIXED, .encoding = WIRE_BINARY, \
                                  .min = len_, .max = len_, .flags = flags_}
#define BCD_LLZ(name_, min_, max_, flags_) {.name = name_, .kind = WIRE_Z, .length = WIRE_LL, .encoding = WIRE_BCD, \
                                            .length_encoding = WIRE_BINARY, .min = min_, .max = max_, .flags = flags_}

static const struct wire_field visa_fields[ISO8583_FIELDS] = {
    [2]     = BCD_LL("primary account number", 12, 19, WIRE_PAN),
    [3]     = BCD_N ("processing code", 6),
    [4]     = BCD_N ("amount, transaction", 12),
    [5]     = BCD_N ("amount, settlement", 12),
    [6]     = BCD_N ("amount, cardholder billing", 12),
    [7]     = BCD_N ("transmission date and time", 10),
    [8]     = BCD_N ("amount, billing fee", 8),
    [9]     = BCD_N ("conversion rate, settlement", 8),
    [10]    = BCD_N ("conversion rate, billing", 8),
    [11]    = BCD_N ("system trace audit number", 6),
    [12]    = BCD_N ("time, local", 6),
    [13]    = BCD_N ("date, local", 4),
    [14]    = BCD_N ("date, expiration", 4),
    [15]    = BCD_N ("date, settlement", 4),
    [16]    = BCD_N ("date, conversion", 4),
    [17]    = BCD_N ("date, capture", 4),
    [18]    = BCD_N ("merchant category", 4),
    [19]    = BCD_N ("country, acquirer", 3),
    [20]    = BCD_N ("country, card", 3),
    [21]    = BCD_N ("country, forwarder", 3),
    [22]    = BCD_N ("entry mode", 4),
    [23]    = BCD_N ("card sequence number", 3),
    [24]    = BCD_N ("network identifier", 3),
    [25]    = BCD_N ("condition code", 2),
    [26]    = BCD_N ("PIN capture code", 2),
    [27]    = BCD_N ("length of approval code", 1),
    [28]    = EBC ("fee, transaction", WIRE_AN, 9),
    [29]    = EBC ("fee, settlement", WIRE_AN, 9),
    [30]    = EBC ("fee, processing", WIRE_AN, 9),
    [31]    = EBC ("fee, settlement processing", WIRE_AN, 9),
    [32]    = BCD_LL("acquiring institution", 1, 11, 0),
    [33]    = BCD_LL("forwarding institution", 1, 11, 0),
    [34]    = EBC_LL("extended account number", 1, 28, WIRE_SECRET),
    [35]    = BCD_LLZ("track 2", 1, 37, WIRE_SECRET),
    [36]    = EBC_LL("track 3", 1, 104, WIRE_SECRET),
    [37]    = EBC ("retrieval reference number", WIRE_AN, 12),
    [38]    = EBC ("authorisation identification", WIRE_AN, 6),
    [39]    = EBC ("response code", WIRE_AN, 2),
    [40]    = EBC ("service restriction", WIRE_A, 3),
    [41]    = EBC_PAD("terminal", 8),
    [42]    = EBC_PAD("merchant", 15),
    [43]    = EBC ("merchant name and place", WIRE_A, 40),
    [44]    = EBC_LL("additional response data", 1, 25, WIRE_ANY), /* a result in no table is a result */
    [45]    = EBC_LL("track 1", 1, 76, WIRE_SECRET),
    [46]    = EBC_LL("additional data, ISO", 1, 255, 0),
    [47]    = EBC_LL("additional data, national", 1, 255, WIRE_SECRET),
    [48]    = EBC_LL("additional data, private", 1, 255, 0),
    [49]    = BCD_N ("currency, transaction", 3),
    [50]    = BCD_N ("currency, settlement", 3),
    [51]    = BCD_N ("currency, cardholder billing", 3),
    [52]    = BIN ("PIN block", 8, WIRE_SECRET),
    [53]    = BCD_N ("security control", 16),
    [54]    = EBC_LL("additional amounts", 1, 255, 0),
    [55]    = BIN_LL("reserved", 0, 255, WIRE_SECRET),
    [56]    = BIN_LL("reserved", 0, 255, 0),
    [57]    = BIN_LL("reserved", 0, 255, 0),
    [58]    = BIN_LL("reserved", 0, 255, 0),
    [59]    = EBC_LL("reserved", 1, 255, 0),
    [60]    = BCD_LL("reserved", 1, 10, 0),
    [61]    = BCD_LL("point of service data", 1, 36, 0),
    [62]    = BIN_LL("reserved", 0, 255, 0),
    [63]    = BIN_LL("reserved", 0, 255, 0),
    [64]    = BIN ("authentication code", 8, WIRE_SECRET),
    [65]    = BIN ("extended bitmap", 1, 0),
    [66]    = BCD_N ("settlement code", 1),
    [67]    = BCD_N ("extended payment code", 2),
    [68]    = BCD_N ("country, receiver", 3),
    [69]    = BCD_N ("country, settlement", 3),
    [70]    = BCD_N ("network management code", 3),
    [71]    = BCD_N ("message number", 4),
    [72]    = BCD_N ("last message number", 4),
    [73]    = BCD_N ("date, action", 6),
    [74]    = BCD_N ("number, reconciliation", 10),
    [75]    = BCD_N ("number, reconciliation", 10),
    [76]    = BCD_N ("number, reconciliation", 10),
    [77]    = BCD_N ("number, reconciliation", 10),
    [78]    = BCD_N ("number, reconciliation", 10),
    [79]    = BCD_N ("number, reconciliation", 10),
    [80]    = BCD_N ("number, reconciliation", 10),
    [81]    = BCD_N ("number, reconciliation", 10),
    [82]    = BCD_N ("amount, reconciliation", 12),
    [83]    = BCD_N ("amount, reconciliation", 12),
    [84]    = BCD_N ("amount, reconciliation", 12),
    [85]    = BCD_N ("amount, reconciliation", 12),
    [86]    = BCD_N ("amount, reconciliation", 16),
    [87]    = BCD_N ("amount, reconciliation", 16),
    [88]    = BCD_N ("amount, reconciliation", 16),
    [89]    = BCD_N ("amount, reconciliation", 16),
    [90]    = BCD_N ("original data elements", 42),
    [91]    = EBC ("file update code", WIRE_A, 1),
    [92]    = EBC ("file security code", WIRE_A, 2),
    [93]    = EBC ("response indicator", WIRE_A, 6),
    [94]    = EBC ("service indicator", WIRE_A, 7),
    [95]    = EBC ("replacement amounts", WIRE_A, 42),
    [96]    = BIN ("message security code", 8, WIRE_SECRET),
    [97]    = EBC ("amount, net settlement", WIRE_AN, 17),
    [98]    = EBC ("payee", WIRE_A, 25),
    [99]    = BCD_LL("settlement institution", 1, 11, 0),
    [100]   = BCD_LL("receiving institution", 1, 11, 0),
    [101]   = EBC_LL("file name", 1, 17, 0),
    [102]   = EBC_LL("account 1", 1, 28, 0),
    [103]   = EBC_LL("account 2", 1, 28, 0),
    [104]   = EBC_LL("transaction description", 1, 255, 0),
    [105]   = BIN_LL("reserved", 0, 255, 0),
    [106]   = BIN_LL("reserved", 0, 255, 0),
    [107]   = BIN_LL("reserved", 0, 255, 0),
    [108]   = BIN_LL("reserved", 0, 255, 0),
    [109]   = BIN_LL("reserved", 0, 255, 0),
    [110]   = BIN_LL("reserved", 0, 255, 0),
    [111]   = BIN_LL("reserved", 0, 255, 0),
    [112]   = BIN_LL("reserved", 0, 255, 0),
    [113]   = BIN_LL("reserved", 0, 255, 0),
    [114]   = BIN_LL("reserved", 0, 255, 0),
    [115]   = BIN_LL("reserved", 0, 255, 0),
    [116]   = BIN_LL("reserved", 0, 255, 0),
    [117]   = BIN_LL("reserved", 0, 255, 0),
    [118]   = BIN_LL("reserved", 0, 255, 0),
    [119]   = BIN_LL("reserved", 0, 255, 0),
    [120]   = BIN_LL("reserved", 0, 255, 0),
    [121]   = BIN_LL("reserved", 0, 255, 0),
    [122]   = BIN_LL("reserved", 0, 255, 0),
    [123]   = BIN_LL("reserved", 0, 255, 0),
    [124]   = BIN_LL("reserved", 0, 255, 0),
    [125]   = BIN_LL("reserved", 0, 255, 0),
    [126]   = BIN_LL("private use: 126.10 security code", 8, 255, WIRE_SECRET),
    [127]   = BIN_LL("reserved", 0, 255, 0),
    [128]   = BIN ("authentication code", 8, WIRE_SECRET),
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

#define ASC_HEX(name_, len_) {.name = name_, .kind = WIRE_H, .length = WIRE_FIXED, .encoding = WIRE_ASCII, \
                              .min = len_, .max = len_, .flags = WIRE_SECRET}

static const struct wire_field iso87_fields[ISO8583_FIELDS] = {
    [2]     = ASC_LL ("primary account number", WIRE_N, 12, 19, WIRE_PAN),
    [3]     = ASC ("processing code", WIRE_N, 6),
    [4]     = ASC ("amount, transaction", WIRE_N, 12),
    [5]     = ASC ("amount, settlement", WIRE_N, 12),
    [6]     = ASC ("amount, cardholder billing", WIRE_N, 12),
    [7]     = ASC ("transmission date and time", WIRE_N, 10),
    [8]     = ASC ("amount, billing fee", WIRE_N, 8),
    [9]     = ASC ("conversion rate, settlement", WIRE_N, 8),
    [10]    = ASC ("conversion rate, billing", WIRE_N, 8),
    [11]    = ASC ("system trace audit number", WIRE_N, 6),
    [12]    = ASC ("time, local", WIRE_N, 6),
    [13]    = ASC ("date, local", WIRE_N, 4),
    [14]    = ASC ("date, expiration", WIRE_N, 4),
    [15]    = ASC ("date, settlement", WIRE_N, 4),
    [16]    = ASC ("date, conversion", WIRE_N, 4),
    [17]    = ASC ("date, capture", WIRE_N, 4),
    [18]    = ASC ("merchant category", WIRE_N, 4),
    [19]    = ASC ("country, acquirer", WIRE_N, 3),
    [20]    = ASC ("country, card", WIRE_N, 3),
    [21]    = ASC ("country, forwarder", WIRE_N, 3),
    [22]    = ASC ("entry mode", WIRE_N, 3),
    [23]    = ASC ("card sequence number", WIRE_N, 3),
    [24]    = ASC ("network identifier", WIRE_N, 3),
    [25]    = ASC ("condition code", WIRE_N, 2),
    [26]    = ASC ("PIN capture code", WIRE_N, 2),
    [27]    = ASC ("length of approval code", WIRE_N, 1),
    [28]    = ASC ("fee, transaction", WIRE_AN, 9),
    [29]    = ASC ("fee, settlement", WIRE_AN, 9),
    [30]    = ASC ("fee, processing", WIRE_AN, 9),
    [31]    = ASC ("fee, settlement processing", WIRE_AN, 9),
    [32]    = ASC_LL ("acquiring institution", WIRE_N, 1, 11, 0),
    [33]    = ASC_LL ("forwarding institution", WIRE_N, 1, 11, 0),
    [34]    = ASC_LL ("extended account number", WIRE_A, 1, 28, WIRE_SECRET),
    [35]    = ASC_LL ("track 2", WIRE_Z, 1, 37, WIRE_SECRET),
    [36]    = ASC_LLL("track 3", WIRE_A, 1, 104, WIRE_SECRET),
    [37]    = ASC ("retrieval reference number", WIRE_AN, 12),
    [38]    = ASC ("authorisation identification", WIRE_AN, 6),
    [39]    = ASC ("response code", WIRE_AN, 2),
    [40]    = ASC ("service restriction", WIRE_A, 3),
    [41]    = ASC_PAD("terminal", 8),
    [42]    = ASC_PAD("merchant", 15),
    [43]    = ASC ("merchant name and place", WIRE_A, 40),
    [44]    = ASC_LL ("additional response data", WIRE_A, 1, 25, WIRE_ANY),
    [45]    = ASC_LL ("track 1", WIRE_A, 1, 76, WIRE_SECRET),
    [46]    = ASC_LLL("additional data, ISO", WIRE_A, 1, 999, 0),
    [47]    = ASC_LLL("additional data, national: AS 2805 tags", WIRE_A, 1, 999, WIRE_SECRET),
    [48]    = ASC_LLL("additional data, private", WIRE_A, 1, 999, 0),
    [49]    = ASC ("currency, transaction", WIRE_N, 3),
    [50]    = ASC ("currency, settlement", WIRE_N, 3),
    [51]    = ASC ("currency, cardholder billing", WIRE_N, 3),
    [52]    = ASC_HEX("PIN block", 16),
    [53]    = ASC ("security control", WIRE_N, 16),
    [54]    = ASC_LLL("additional amounts", WIRE_A, 1, 120, 0),
    [55]    = ASC_LLL("reserved", WIRE_A, 1, 999, WIRE_SECRET),
    [56]    = ASC_LLL("reserved", WIRE_A, 1, 999, 0),
    [57]    = ASC_LLL("reserved", WIRE_A, 1, 999, 0),
    [58]    = ASC_LLL("reserved", WIRE_A, 1, 999, 0),
    [59]    = ASC_LLL("reserved", WIRE_A, 1, 999, 0),
    [60]    = ASC_LLL("reserved", WIRE_A, 1, 999, 0),
    [61]    = ASC_LLL("point of service data", WIRE_A, 1, 999, 0),
    [62]    = ASC_LLL("reserved", WIRE_A, 1, 999, 0),
    [63]    = ASC_LLL("reserved", WIRE_A, 1, 999, 0),
    [64]    = ASC_HEX("authentication code", 16),
    [65]    = ASC_HEX("extended bitmap", 2),
    [66]    = ASC ("settlement code", WIRE_N, 1),
    [67]    = ASC ("extended payment code", WIRE_N, 2),
    [68]    = ASC ("country, receiver", WIRE_N, 3),
    [69]    = ASC ("country, settlement", WIRE_N, 3),
    [70]    = ASC ("network management code", WIRE_N, 3),
    [71]    = ASC ("message number", WIRE_N, 4),
    [72]    = ASC ("last message number", WIRE_N, 4),
    [73]    = ASC ("date, action", WIRE_N, 6),
    [74]    = ASC ("number, reconciliation", WIRE_N, 10),
    [75]    = ASC ("number, reconciliation", WIRE_N, 10),
    [76]    = ASC ("number, reconciliation", WIRE_N, 10),
    [77]    = ASC ("number, reconciliation", WIRE_N, 10),
    [78]    = ASC ("number, reconciliation", WIRE_N, 10),
    [79]    = ASC ("number, reconciliation", WIRE_N, 10),
    [80]    = ASC ("number, reconciliation", WIRE_N, 10),
    [81]    = ASC ("number, reconciliation", WIRE_N, 10),
    [82]    = ASC ("amount, reconciliation", WIRE_N, 12),
    [83]    = ASC ("amount, reconciliation", WIRE_N, 12),
    [84]    = ASC ("amount, reconciliation", WIRE_N, 12),
    [85]    = ASC ("amount, reconciliation", WIRE_N, 12),
    [86]    = ASC ("amount, reconciliation", WIRE_N, 16),
    [87]    = ASC ("amount, reconciliation", WIRE_N, 16),
    [88]    = ASC ("amount, reconciliation", WIRE_N, 16),
    [89]    = ASC ("amount, reconciliation", WIRE_N, 16),
    [90]    = ASC ("original data elements", WIRE_N, 42),
    [91]    = ASC ("file update code", WIRE_A, 1),
    [92]    = ASC ("file security code", WIRE_A, 2),
    [93]    = ASC ("response indicator", WIRE_A, 6),
    [94]    = ASC ("service indicator", WIRE_A, 7),
    [95]    = ASC ("replacement amounts", WIRE_A, 42),
    [96]    = ASC_HEX("message security code", 32),
    [97]    = ASC ("amount, net settlement", WIRE_AN, 17),
    [98]    = ASC ("payee", WIRE_A, 25),
    [99]    = ASC_LL ("settlement institution", WIRE_N, 1, 11, 0),
    [100]   = ASC_LL ("receiving institution", WIRE_N, 1, 11, 0),
    [101]   = ASC_LL ("file name", WIRE_A, 1, 17, 0),
    [102]   = ASC_LL ("account 1", WIRE_A, 1, 28, 0),
    [103]   = ASC_LL ("account 2", WIRE_A, 1, 28, 0),
    [104]   = ASC_LLL("transaction description", WIRE_A, 1, 100, 0),
    [105]   = ASC_LLL("reserved", WIRE_A, 1, 999, 0),
    [106]   = ASC_LLL("reserved", WIRE_A, 1, 999, 0),
    [107]   = ASC_LLL("reserved", WIRE_A, 1, 999, 0),
    [108]   = ASC_LLL("reserved", WIRE_A, 1, 999, 0),
    [109]   = ASC_LLL("reserved", WIRE_A, 1, 999, 0),
    [110]   = ASC_LLL("reserved", WIRE_A, 1, 999, 0),
    [111]   = ASC_LLL("reserved", WIRE_A, 1, 999, 0),
    [112]   = ASC_LLL("reserved", WIRE_A, 1, 999, 0),
    [113]   = ASC_LLL("reserved", WIRE_A, 1, 999, 0),
    [114]   = ASC_LLL("reserved", WIRE_A, 1, 999, 0),
    [115]   = ASC_LLL("reserved", WIRE_A, 1, 999, 0),
    [116]   = ASC_LLL("reserved", WIRE_A, 1, 999, 0),
    [117]   = ASC_LLL("reserved", WIRE_A, 1, 999, 0),
    [118]   = ASC_LLL("reserved", WIRE_A, 1, 999, 0),
    [119]   = ASC_LLL("reserved", WIRE_A, 1, 999, 0),
    [120]   = ASC_LLL("reserved", WIRE_A, 1, 999, 0),
    [121]   = ASC_LLL("reserved", WIRE_A, 1, 999, 0),
    [122]   = ASC_LLL("reserved", WIRE_A, 1, 999, 0),
    [123]   = ASC_LLL("reserved", WIRE_A, 1, 999, 0),
    [124]   = ASC_LLL("reserved", WIRE_A, 1, 999, 0),
    [125]   = ASC_LLL("reserved", WIRE_A, 1, 999, 0),
    [126]   = ASC_LLL("private use: 126.10 security code", WIRE_A, 1, 999, WIRE_SECRET),
    [127]   = ASC_LLL("reserved", WIRE_A, 1, 999, 0),
    [128]   = ASC_HEX("authentication code", 16),
};

/* ---- which class carries what; ascending. Columns: 0100 0110 0400 0410 0800 0810 ---- */
#define MATRIX_COMMON_LOW \
    {2,   "MEME--"}, \
    {3,   "MEME--"}, \
    {4,   "MEME--"}, \
    {6,   "O-O---"}, \
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
    {51,  "O-O---"}
#define MATRIX_COMMON_TOP \
    {70,  "----ME"}, \
    {90,  "--ME--"}, \
    {95,  "--CE--"}, \
    {126, "C-----"}

static const struct iso8583_matrix_row visa_matrix[] = {MATRIX_COMMON_LOW, MATRIX_COMMON_HIGH, MATRIX_COMMON_TOP};
static const struct iso8583_matrix_row iso87_matrix[] = {MATRIX_COMMON_LOW, {47, "C-----"}, MATRIX_COMMON_HIGH, {61, "O-----"},
                                                         MATRIX_COMMON_TOP};

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
