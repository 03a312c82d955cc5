/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one list of errors.
 *
 * Purpose    An `enum err` is something that stopped us from answering. A wrong security code is not an error: it is an
 *            `enum verdict`. Each row carries the texts and codes every face needs, so no handler maps codes by hand.
 * Ownership  Rows are static and immutable.
 * Threading  Free of state; safe everywhere.
 * Columns    class; host-command code (payShield, host-commands.md 11); DE39 (ISO 8583); HTTP status; problem `code` of
 *            the REST faces; text for people. A text never contains input.
 *
 * Example
 *     enum err handler(struct span in, struct thing *out)
 *     {
 *         TRY(thing_parse(in, out));
 *         return ERR_OK;
 *     }
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
    X(OK,                   NONE,        "00", "00", 200, "ok",                  "no error") \
    X(PARSE_SHORT,          INPUT,       "15", "30", 400, "bad_field",           "the data ends before the field is complete") \
    X(PARSE_LONG,           INPUT,       "15", "30", 400, "bad_field",           "the field is longer than its maximum") \
    X(PARSE_CHARACTER,      INPUT,       "15", "30", 400, "bad_field",           "the field has a character outside its set") \
    X(PARSE_VALUE,          INPUT,       "15", "30", 400, "bad_field",           "the field has a value that is not allowed") \
    X(PARSE_DELIMITER,      INPUT,       "15", "30", 400, "bad_field",           "the delimiter of the field is missing") \
    X(PARSE_TRAILING,       INPUT,       "15", "30", 400, "bad_field",           "there is data after the last field") \
    X(PARSE_MISSING,        INPUT,       "15", "30", 400, "bad_field",           "a required field is missing") \
    X(PARSE_DUPLICATE,      INPUT,       "15", "30", 400, "bad_json",            "a name occurs twice") \
    X(PARSE_TYPE,           INPUT,       "15", "30", 400, "bad_field",           "the field has the wrong type") \
    X(PARSE_JSON,           INPUT,       "15", "30", 400, "bad_json",            "the body is not well-formed JSON") \
    X(PARSE_UNKNOWN,        INPUT,       "15", "30", 400, "bad_field",           "the field is not known here") \
    X(FRAME,                INPUT,       "15", "30", 400, "bad_request",         "the frame is malformed") \
    X(PAN,                  INPUT,       "15", "14", 400, "bad_pan",             "the card number is not valid") \
    X(CONFIG,               INPUT,       "15", "96", 500, "config",              "the configuration is not valid") \
    X(VERIFY_FAILED,        REFUSED,     "01", "05", 200, "verification_failed", "verification failed") \
    X(LENGTH_RANGE,         INPUT,       "01", "96", 500, "hsm",                 "length out of range") \
    X(KEY_LENGTH_ALGORITHM, INPUT,       "02", "96", 500, "key",                 "key length wrong for the algorithm") \
    X(COMMAND_SPECIFIC,     INPUT,       "03", "96", 500, "hsm",                 "command-specific error") \
    X(KEY_TYPE_CODE,        INPUT,       "04", "96", 500, "key",                 "invalid key type code") \
    X(KEY_LENGTH_FLAG,      INPUT,       "05", "96", 500, "key",                 "invalid key length flag") \
    X(KEY_PARITY_SOURCE,    INPUT,       "10", "96", 500, "key",                 "parity error of the source key") \
    X(KEY_PARITY_DEST,      INPUT,       "11", "96", 500, "key",                 "destination key: parity error or zero") \
    X(USER_STORAGE_EMPTY,   INPUT,       "12", "96", 500, "key",                 "user storage entry is empty") \
    X(LMK_IDENTIFIER,       INPUT,       "13", "96", 500, "key",                 "LMK identifier is not loaded") \
    X(NOT_AUTHORISED,       REFUSED,     "17", "96", 500, "hsm",                 "not authorised, or barred by settings") \
    X(USER_STORAGE_INDEX,   INPUT,       "21", "96", 500, "key",                 "user storage index out of range") \
    X(ACCOUNT_NUMBER,       INPUT,       "22", "14", 400, "bad_pan",             "invalid account number") \
    X(KEY_SCHEME,           INPUT,       "26", "96", 500, "key",                 "invalid key scheme") \
    X(KEY_LENGTH,           INPUT,       "27", "96", 500, "key",                 "incompatible key length") \
    X(KEY_TYPE,             INPUT,       "28", "96", 500, "key",                 "invalid key type") \
    X(KEY_FUNCTION,         REFUSED,     "29", "96", 500, "key",                 "key function not permitted") \
    X(LMK_STORAGE,          STATE,       "33", "96", 500, "key",                 "LMK key change storage error") \
    X(FRAUD_DETECTION,      LIMIT,       "39", "96", 500, "hsm",                 "fraud detection limit reached") \
    X(HSM_INTERNAL,         INTERNAL,    "41", "96", 500, "hsm",                 "internal error") \
    X(CHAIN_COUNT,          INPUT,       "52", "96", 500, "hsm",                 "invalid number of chained commands") \
    X(COMMAND_DISABLED,     REFUSED,     "68", "96", 500, "hsm",                 "command unknown or disabled") \
    X(KEY_HALVES,           REFUSED,     "75", "96", 500, "key",                 "single-length key in a longer one") \
    X(DATA_LENGTH,          INPUT,       "80", "96", 500, "hsm",                 "data length does not match") \
    X(KEY_BLOCK_FORMAT,     INPUT,       "83", "96", 500, "key",                 "invalid key block") \
    X(LMK_SCHEMES,          INPUT,       "A1", "96", 500, "key",                 "incompatible LMK schemes") \
    X(LMK_IDENTIFIERS,      INPUT,       "A2", "96", 500, "key",                 "incompatible LMK identifiers") \
    X(KEY_BLOCK_LMK,        INPUT,       "A3", "96", 500, "key",                 "incompatible key block LMK identifiers") \
    X(KEY_BLOCK_MAC,        INPUT,       "A4", "96", 500, "key",                 "key block authentication failed") \
    X(KEY_BLOCK_LENGTH,     INPUT,       "A5", "96", 500, "key",                 "incompatible key length in the key block") \
    X(KEY_USAGE,            INPUT,       "A6", "96", 500, "key",                 "invalid key usage") \
    X(KEY_ALGORITHM,        INPUT,       "A7", "96", 500, "key",                 "invalid algorithm") \
    X(KEY_MODE,             INPUT,       "A8", "96", 500, "key",                 "invalid mode of use") \
    X(KEY_VERSION,          INPUT,       "A9", "96", 500, "key",                 "invalid key version number") \
    X(KEY_EXPORTABILITY,    INPUT,       "AA", "96", 500, "key",                 "invalid export field") \
    X(OPTIONAL_COUNT,       INPUT,       "AB", "96", 500, "key",                 "invalid number of optional blocks") \
    X(OPTIONAL_BLOCK,       INPUT,       "AC", "96", 500, "key",                 "invalid optional block") \
    X(OPTIONAL_STATUS,      INPUT,       "AD", "96", 500, "key",                 "invalid key status in an optional block") \
    X(OPTIONAL_START,       INPUT,       "AE", "96", 500, "key",                 "invalid start of validity in an optional block") \
    X(OPTIONAL_END,         INPUT,       "AF", "96", 500, "key",                 "invalid end of validity in an optional block") \
    X(ENCRYPTION_MODE,      INPUT,       "B0", "96", 500, "key",                 "invalid encryption mode in an optional block") \
    X(AUTHENTICATION_MODE,  INPUT,       "B1", "96", 500, "key",                 "invalid MAC mode in an optional block") \
    X(COMPONENTS,           INPUT,       "B5", "96", 500, "key",                 "key components do not belong together") \
    X(CHANGE_FIELD,         INPUT,       "B7", "96", 500, "key",                 "invalid field of a change") \
    X(CHANGE_OLD,           INPUT,       "B8", "96", 500, "key",                 "invalid old value of a change") \
    X(CHANGE_NEW,           INPUT,       "B9", "96", 500, "key",                 "invalid new value of a change") \
    X(WRAPPING_KEY,         INPUT,       "BB", "96", 500, "key",                 "invalid wrapping key") \
    X(OPTIONAL_REPEATED,    INPUT,       "BC", "96", 500, "key",                 "an optional block occurs twice") \
    X(HEADER_IDENTIFIER,    INPUT,       "BE", "96", 500, "key",                 "invalid identifier in a key block header") \
    X(AUTHENTICATION,       REFUSED,     "17", "05", 401, "bad_token",           "authentication failed") \
    X(FORBIDDEN,            REFUSED,     "17", "05", 403, "forbidden",           "not allowed") \
    X(NOT_FOUND,            INPUT,       "15", "25", 404, "not_found",           "not found") \
    X(METHOD,               INPUT,       "15", "30", 405, "bad_method",          "the method is not served at this address") \
    X(MEDIA_TYPE,           INPUT,       "15", "30", 415, "bad_media_type",      "the content type is not accepted") \
    X(HEADERS_TOO_LARGE,    LIMIT,       "15", "30", 431, "headers_too_large",   "headers or address exceed the limit") \
    X(NO_TOKEN,             REFUSED,     "17", "05", 401, "no_token",            "no credentials were sent") \
    X(WRONG_ISSUER,         REFUSED,     "17", "05", 403, "wrong_issuer",        "the client does not act for this issuer") \
    X(MISSING_ROLE,         REFUSED,     "17", "05", 403, "missing_role",        "the client lacks the role for this request") \
    X(CARD_NOT_ACTIVE,      REFUSED,     "15", "62", 403, "card_not_active",     "the card is not active") \
    X(NOT_ENROLLED,         REFUSED,     "15", "05", 403, "not_enrolled",        "the card is not enrolled for dynamic codes") \
    X(NO_ENCRYPTION_KEY,    REFUSED,     "17", "05", 403, "no_encryption_key",   "the client has no registered encryption key") \
    X(SANDBOX_ONLY,         REFUSED,     "17", "05", 403, "sandbox_only",        "this is served in sandbox mode only") \
    X(CARD_NOT_FOUND,       INPUT,       "15", "14", 404, "card_not_found",      "no such card") \
    X(PRODUCT_NOT_FOUND,    INPUT,       "15", "25", 404, "product_not_found",   "no such card product") \
    X(DUPLICATE_CARD,       STATE,       "15", "94", 409, "duplicate_card",      "the card is registered with other data") \
    X(PRODUCT_IN_USE,       STATE,       "15", "96", 409, "product_in_use",      "cards still use the product") \
    X(BAD_COUNT,            INPUT,       "15", "30", 400, "bad_count",           "the number of codes is not allowed") \
    X(BAD_JWE,              INPUT,       "15", "30", 400, "bad_jwe",             "the encrypted body is not valid") \
    X(BODY_TOO_LARGE,       LIMIT,       "15", "30", 413, "too_large",           "the body is larger than the limit") \
    X(CONFLICT,             STATE,       "15", "94", 409, "version_conflict",    "someone else changed the same row") \
    X(DUPLICATE,            STATE,       "15", "94", 409, "duplicate",           "the row exists already") \
    X(COUNTER_EXHAUSTED,    STATE,       "15", "96", 409, "counter_exhausted",   "the issuance counter is exhausted") \
    X(CODE_ACTIVE,          STATE,       "15", "96", 409, "code_active",         "a code is active and may not be replaced yet") \
    X(WRONG_MODE,           STATE,       "15", "96", 409, "wrong_mode",          "the product has another mode") \
    X(BUSY,                 LIMIT,       "41", "91", 503, "busy",                "all slots are in use") \
    X(RATE,                 LIMIT,       "41", "91", 429, "display_rate",        "too many requests") \
    X(HSM_UNAVAILABLE,      UNAVAILABLE, "41", "91", 503, "hsm_unavailable",     "no HSM answered") \
    X(STORE_UNAVAILABLE,    UNAVAILABLE, "41", "96", 503, "ledger_unavailable",  "the database did not answer") \
    X(STORE_UNKNOWN,        UNAVAILABLE, "41", "96", 503, "ledger_unavailable",  "the outcome of a commit is unknown") \
    X(LINK_UNAVAILABLE,     UNAVAILABLE, "41", "91", 503, "link_unavailable",    "the link is down") \
    X(TIMEOUT,              UNAVAILABLE, "41", "91", 504, "timeout",             "no answer in time") \
    X(CLOCK_SUSPECT,        UNAVAILABLE, "41", "91", 503, "clock_suspect",       "the clock runs behind the database") \
    X(CLOSED,               STATE,       "41", "91", 503, "closed",              "the connection is closed") \
    X(SYSTEM,               INTERNAL,    "41", "96", 500, "system",              "a system call failed") \
    X(MEMORY,               LIMIT,       "41", "96", 500, "memory",              "out of reserved memory") \
    X(CRYPTO,               INTERNAL,    "42", "96", 500, "crypto",              "a cryptographic operation failed") \
    X(INTERNAL,             INTERNAL,    "41", "96", 500, "internal",            "internal error")
/* clang-format on */

enum err {
#define ERR_ENUM(name, class, host, de39, http, code, text) ERR_##name,
    ERR_LIST(ERR_ENUM)
#undef ERR_ENUM
        ERR_COUNT
};

struct err_row {
    const char *name;
    enum err_class class;
    char host_code[3];
    char de39[3];
    uint16_t http_status;
    const char *code;
    const char *text;
};

/* The row of an error; an unknown value reads as ERR_INTERNAL. Never NULL. */
const struct err_row *err_row(enum err err);

/* The error whose host-command code this is, first of the list; ERR_HSM_INTERNAL for a code outside the list. */
enum err err_from_host_code(const char code[static 2]);

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
