/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcountersign: card security codes.
 *
 * Purpose    Generates and verifies the security codes of payment cards under a key that the caller has in the clear: CVV, CVV2,
 *            CVC2, iCVV (one computation, other service codes), for one card or thousands at once; Visa dCVV, one-time and window
 *            codes; Mastercard CVC3; American Express CSC (unconfirmed).
 * Ownership  countersign_key_load makes a key in locked pages that stay out of cores; countersign_key_unload wipes and frees it.
 *            Everything else belongs to the caller. No text that is passed in is kept.
 * Threading  A key belongs to one thread at a time; load it once in each thread. Nothing else is shared.
 * Failure    Functions return an enum countersign_status; outputs are written for COUNTERSIGN_OK only. A wrong code is
 *            COUNTERSIGN_MISMATCH, told in constant time. The library prints nothing and sets no errno.
 * Limits     Keys of 16 bytes (double-length DES); parity bits are not looked at. PAN 12 to 19 digits, not checked for Luhn; expiry
 *            4 digits and service code 3, passed through as they are. Texts end with a zero byte.
 *            The types of this header keep their layout as long as the library is libcountersign.so.0.
 * OpenSSL    The first key that is loaded also loads OpenSSL's legacy provider into the default library context, if installed.
 *
 * Example    examples/cvv2.c, compiled with: cc cvv2.c $(pkg-config --cflags --libs countersign)
 *     struct countersign_key *key;
 *     char code[4];
 *     if (countersign_key_load(cvk, 16, &key) == COUNTERSIGN_OK &&
 *         countersign_cvv_generate(key, "4123456789012345", "8701", "101", 3, code) == COUNTERSIGN_OK)
 *         puts(code);                                            // 561
 *     countersign_key_unload(key);
 */
#ifndef COUNTERSIGN_H
#define COUNTERSIGN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define COUNTERSIGN_API __attribute__((visibility("default")))

enum countersign_status {
    COUNTERSIGN_OK = 0,
    COUNTERSIGN_MISMATCH = 1,   /* the code is wrong */
    COUNTERSIGN_FIELD = 2,      /* PAN, expiry, service code, ... outside its rule, or NULL */
    COUNTERSIGN_KEY_LENGTH = 3, /* not 16 bytes */
    COUNTERSIGN_MEMORY = 4,
    COUNTERSIGN_CRYPTO = 5 /* OpenSSL refused */
};

/* "0.1.0". */
COUNTERSIGN_API const char *countersign_version(void);
/* A sentence for people; never NULL. */
COUNTERSIGN_API const char *countersign_status_text(int status);

/* ---- keys ---- */

/* A CVK, an MK-AC, an MK-CVC3: what it is for is the caller's knowledge. */
struct countersign_key;

COUNTERSIGN_API int countersign_key_load(const void *key, size_t len, struct countersign_key **out);
/* NULL is allowed. */
COUNTERSIGN_API void countersign_key_unload(struct countersign_key *key);

/* ---- CVV, CVV2, CVC2, iCVV: under a CVK ---- */

/* `digits` 1..16; `code` has room for them and a zero byte. */
COUNTERSIGN_API int countersign_cvv_generate(struct countersign_key *key, const char *pan, const char *expiry, const char *service,
                                             unsigned digits, char *code);
/* As many digits as `code` has, 3 to 16. */
COUNTERSIGN_API int countersign_cvv_verify(struct countersign_key *key, const char *pan, const char *expiry, const char *service,
                                           const char *code);

struct countersign_card {
    char pan[20];
    char expiry[5];
    char service[4];
};
struct countersign_code {
    int status; /* of this card; the others do not suffer */
    char digits[4];
};
/* Codes of three digits, millions a second. Returns COUNTERSIGN_OK, or COUNTERSIGN_FIELD if any card has another status. */
COUNTERSIGN_API int countersign_cvv_batch(struct countersign_key *key, const struct countersign_card *cards, size_t count,
                                          struct countersign_code *codes);
/* The cipher in use: "avx512", "avx2" or "portable". */
COUNTERSIGN_API const char *countersign_batch_kernel(void);

/* ---- dynamic codes: under an MK-AC, from which each card has a key of its own ---- */

struct countersign_dynamic {
    const char *pan;
    const char *psn; /* PAN sequence number, two digits */
    const char *expiry;
    const char *service;
    char method; /* 'A' or 'B': EMV Book 2, A1.4 */
};
/* Visa dCVV and one-time codes: the last four decimal digits of the counter stand in for the first four of the PAN. */
COUNTERSIGN_API int countersign_one_time_generate(struct countersign_key *key, const struct countersign_dynamic *card,
                                                  uint64_t counter, char code[4]);
COUNTERSIGN_API int countersign_one_time_verify(struct countersign_key *key, const struct countersign_dynamic *card,
                                                uint64_t counter, const char *code);
/* Window codes (T0): the same with floor(unix_seconds / (3600 x twu_hours)) for the counter; a window is 1 to 18 hours. */
COUNTERSIGN_API int countersign_window_generate(struct countersign_key *key, const struct countersign_dynamic *card,
                                                int64_t unix_seconds, unsigned twu_hours, char code[4]);
COUNTERSIGN_API int countersign_window_verify(struct countersign_key *key, const struct countersign_dynamic *card,
                                              int64_t unix_seconds, unsigned twu_hours, const char *code);

/* ---- Mastercard CVC3: under an MK-CVC3 ---- */

struct countersign_cvc3 {
    const char *pan;
    const char *psn;
    const char *track2;        /* as hexadecimal digits: 5413123556784804D0906101... */
    const char *unpredictable; /* eight digits */
    uint16_t counter;
    char method;
};
/* Five digits, of which a terminal shows the last three or four. */
COUNTERSIGN_API int countersign_cvc3_generate(struct countersign_key *key, const struct countersign_cvc3 *in, char code[6]);

/* ---- American Express CSC, UNCONFIRMED: one open description, no text of American Express and no independent vector ---- */

struct countersign_csc {
    char five[6];
    char four[5];
    char three[4];
};
/* Accounts of 15 digits that begin with 34 or 37; `service` NULL: version 1. */
COUNTERSIGN_API int countersign_csc_generate(struct countersign_key *key, const char *account, const char *expiry,
                                             const char *service, struct countersign_csc *out);

#ifdef __cplusplus
}
#endif

#endif
