/* SPDX-License-Identifier: Apache-2.0 */
/* dCVV, one-time and window codes, CVC3, CSC. */
#include "cvv/csc.h"
#include "cvv/cvc3.h"
#include "lib/internal.h"

#include <string.h>

enum { DIGITS = 3 };

static enum err psn_and_method(const char *psn, char method, char psn_out[static 2], enum cvv_method *out)
{
    struct span text;
    TRY(countersign_text(psn, 2, &text));
    if (method != CVV_METHOD_A && method != CVV_METHOD_B)
        return ERR_PARSE_VALUE;
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] < '0' || text.at[i] > '9')
            return ERR_PARSE_CHARACTER;
    memcpy(psn_out, text.at, text.len);
    *out = (enum cvv_method)method;
    return ERR_OK;
}

static enum err gather(const struct countersign_dynamic *from, struct cvv_dynamic *to)
{
    struct span expiry, service;
    if (!from)
        return ERR_PARSE_MISSING;
    TRY(countersign_text(from->expiry, sizeof to->expiry, &expiry));
    TRY(countersign_text(from->service, sizeof to->service, &service));
    TRY(psn_and_method(from->psn, from->method, to->psn, &to->method));
    memcpy(to->expiry, expiry.at, expiry.len);
    memcpy(to->service, service.at, service.len);
    return countersign_pan(from->pan, &to->pan);
}

static enum err one_time(struct countersign_key *key, const struct countersign_dynamic *card, uint64_t counter,
                         struct code_digits *out)
{
    struct cvv_dynamic dynamic = {0};
    enum err err = gather(card, &dynamic);
    cvv_overlay(counter, dynamic.overlay);
    if (err == ERR_OK)
        err = cvv_dynamic_generate(&key->master, &dynamic, out);
    secret_wipe(&dynamic, sizeof dynamic);
    return err;
}

int countersign_one_time_generate(struct countersign_key *key, const struct countersign_dynamic *card, uint64_t counter,
                                  char code[4])
{
    SECRET_CODE made = {0};
    enum err err = one_time(key, card, counter, &made);
    if (err == ERR_OK) {
        memcpy(code, made.at, DIGITS);
        code[DIGITS] = 0;
    }
    return countersign_status_of(err);
}

int countersign_one_time_verify(struct countersign_key *key, const struct countersign_dynamic *card, uint64_t counter,
                                const char *code)
{
    SECRET_CODE made = {0}, given = {.len = DIGITS};
    struct span text;
    enum err err = countersign_text(code, DIGITS, &text);
    if (err == ERR_OK)
        err = one_time(key, card, counter, &made);
    if (err != ERR_OK)
        return countersign_status_of(err);
    memcpy(given.at, text.at, text.len);
    return countersign_status_of_verdict(cvv_verdict(&made, &given));
}

int countersign_window_generate(struct countersign_key *key, const struct countersign_dynamic *card, int64_t unix_seconds,
                                unsigned twu_hours, char code[4])
{
    uint64_t index;
    enum err err = cvv_window_index(unix_seconds, twu_hours, &index);
    return err == ERR_OK ? countersign_one_time_generate(key, card, index, code) : countersign_status_of(err);
}

int countersign_window_verify(struct countersign_key *key, const struct countersign_dynamic *card, int64_t unix_seconds,
                              unsigned twu_hours, const char *code)
{
    uint64_t index;
    enum err err = cvv_window_index(unix_seconds, twu_hours, &index);
    return err == ERR_OK ? countersign_one_time_verify(key, card, index, code) : countersign_status_of(err);
}

/* ---- CVC3 ---- */

static enum err cvc3(struct countersign_key *key, const struct countersign_cvc3 *in, struct secret_key *card,
                     struct code_digits *out)
{
    struct card_pan pan;
    struct span unpredictable;
    enum cvv_method method;
    char psn[2];
    uint8_t iv[2];
    if (!in || !in->track2)
        return ERR_PARSE_MISSING;
    TRY(psn_and_method(in->psn, in->method, psn, &method));
    TRY(countersign_text(in->unpredictable, 8, &unpredictable));
    TRY(countersign_pan(in->pan, &pan));
    TRY(cvv_card_key(&key->master.master, &pan, psn, method, card));
    TRY(cvv_cvc3_iv(card, span_of(in->track2, strnlen(in->track2, CVV_TRACK2_MAX + 1)), iv));
    return cvv_cvc3(card, iv, (const char *)unpredictable.at, in->counter, out);
}

int countersign_cvc3_generate(struct countersign_key *key, const struct countersign_cvc3 *in, char code[6])
{
    SECRET_KEY card = {0};
    SECRET_CODE made = {0};
    enum err err = cvc3(key, in, &card, &made);
    if (err == ERR_OK) {
        memcpy(code, made.at, 5);
        code[5] = 0;
    }
    return countersign_status_of(err);
}

/* ---- CSC ---- */

static enum err csc(struct countersign_key *key, const char *account, const char *expiry_text, const char *service_text,
                    struct cvv_csc *out)
{
    struct span expiry, service = {0};
    if (!account)
        return ERR_PARSE_MISSING;
    TRY(countersign_text(expiry_text, 4, &expiry));
    if (service_text)
        TRY(countersign_text(service_text, 3, &service));
    return cvv_csc_generate(&key->clear, span_of(account, strnlen(account, CARD_PAN_MAX + 1)), (const char *)expiry.at,
                            (const char *)service.at, out);
}

int countersign_csc_generate(struct countersign_key *key, const char *account, const char *expiry, const char *service,
                             struct countersign_csc *out)
{
    struct cvv_csc made = {0};
    enum err err = csc(key, account, expiry, service, &made);
    if (err == ERR_OK) {
        struct countersign_csc texts = {0};
        memcpy(texts.five, made.five, sizeof made.five);
        memcpy(texts.four, made.four, sizeof made.four);
        memcpy(texts.three, made.three, sizeof made.three);
        *out = texts;
        secret_wipe(&texts, sizeof texts);
    }
    secret_wipe(&made, sizeof made);
    return countersign_status_of(err);
}
