/* SPDX-License-Identifier: Apache-2.0 */
/* CVV, for one card and for many. */
#include "lib/internal.h"

#include <string.h>

enum { VERIFY_LEAST = 3, LOT = CRYPTO_DES_BATCH_LANES_MAX };

static enum err generate(struct countersign_key *key, const char *pan_text, const char *expiry_text, const char *service_text,
                         unsigned digits, struct code_digits *out)
{
    struct card_pan pan;
    struct span expiry, service;
    if (digits < 1 || digits > sizeof out->at)
        return ERR_PARSE_VALUE;
    TRY(countersign_text(expiry_text, 4, &expiry));
    TRY(countersign_text(service_text, 3, &service));
    TRY(countersign_pan(pan_text, &pan));
    enum err err = cvv_generate(&key->cvk, &pan, (const char *)expiry.at, (const char *)service.at, (uint8_t)digits, out);
    secret_wipe(&pan, sizeof pan);
    return err;
}

int countersign_cvv_generate(struct countersign_key *key, const char *pan, const char *expiry, const char *service, unsigned digits,
                             char *code)
{
    SECRET_CODE made = {0};
    enum err err = generate(key, pan, expiry, service, digits, &made);
    if (err != ERR_OK)
        return countersign_status_of(err);
    memcpy(code, made.at, made.len);
    code[made.len] = 0;
    return COUNTERSIGN_OK;
}

int countersign_cvv_verify(struct countersign_key *key, const char *pan, const char *expiry, const char *service, const char *code)
{
    SECRET_CODE made = {0}, given = {0};
    size_t digits = code ? strnlen(code, sizeof given.at + 1) : 0;
    if (digits < VERIFY_LEAST || digits > sizeof given.at)
        return COUNTERSIGN_FIELD;
    given.len = (uint8_t)digits;
    memcpy(given.at, code, digits);
    enum err err = generate(key, pan, expiry, service, given.len, &made);
    return err == ERR_OK ? countersign_status_of_verdict(cvv_verdict(&made, &given)) : countersign_status_of(err);
}

/* ---- many ---- */

/* A text that does not fill its member exactly becomes one that cvv_batch_generate refuses. */
static void take_card(const struct countersign_card *from, struct cvv_batch_card *to)
{
    struct span expiry = {0}, service = {0};
    size_t len = strnlen(from->pan, sizeof from->pan);
    bool whole = len <= CARD_PAN_MAX && countersign_text(from->expiry, sizeof to->expiry, &expiry) == ERR_OK &&
                 countersign_text(from->service, sizeof to->service, &service) == ERR_OK;
    *to = (struct cvv_batch_card){.pan = {.len = whole ? (uint8_t)len : 0}};
    memcpy(to->pan.digit, from->pan, sizeof to->pan.digit);
    memcpy(to->expiry, from->expiry, sizeof to->expiry);
    memcpy(to->service, from->service, sizeof to->service);
}

static int give_code(const struct cvv_batch_code *from, struct countersign_code *to)
{
    to->status = countersign_status_of(from->err);
    if (to->status == COUNTERSIGN_OK) {
        memcpy(to->digits, from->digit, CVV_BATCH_DIGITS);
        to->digits[CVV_BATCH_DIGITS] = 0;
    }
    return to->status;
}

int countersign_cvv_batch(struct countersign_key *key, const struct countersign_card *cards, size_t count,
                          struct countersign_code *codes)
{
    struct cvv_batch_card lot[LOT];
    struct cvv_batch_code made[LOT];
    int all = COUNTERSIGN_OK;
    for (size_t done = 0; done < count; done += LOT) {
        size_t now = count - done < LOT ? count - done : LOT;
        for (size_t i = 0; i < now; i++)
            take_card(&cards[done + i], &lot[i]);
        cvv_batch_generate(crypto_des_kernel_best(), &key->batch, lot, now, made);
        for (size_t i = 0; i < now; i++)
            if (give_code(&made[i], &codes[done + i]) != COUNTERSIGN_OK)
                all = COUNTERSIGN_FIELD;
    }
    secret_wipe(lot, sizeof lot);
    secret_wipe(made, sizeof made);
    return all;
}

const char *countersign_batch_kernel(void)
{
    return crypto_des_kernel_best()->name;
}
