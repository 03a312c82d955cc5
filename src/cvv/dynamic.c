/* SPDX-License-Identifier: Apache-2.0 */
/* Visa dCVV, and the one-time and window codes built on it. */
#include "crypto/error.h"
#include "cvv/cvv.h"

#include <string.h>

enum { HOUR = 3600, OVERLAY = 4 };

enum err cvv_master_load(const struct secret_key *pair, struct cvv_master *out)
{
    if (pair->len != 16)
        return CRYPTO_ERR_KEY_LENGTH;
    struct cvv_master m = {0};
    enum err err = crypto_des_load(pair, &m.master);
    /* Contexts for the card keys to come, first loaded with the master itself. */
    if (err == ERR_OK)
        err = cvv_key_load(pair, &m.card);
    if (err == ERR_OK)
        *out = m;
    else
        cvv_master_unload(&m);
    secret_wipe(&m, sizeof m);
    return err;
}

void cvv_master_unload(struct cvv_master *master)
{
    crypto_des_unload(&master->master);
    cvv_key_unload(&master->card);
}

enum err cvv_master_card(struct cvv_master *master, const struct cvv_dynamic *in, struct cvv_key **out)
{
    SECRET_KEY pair = {0}, left = {.len = 8};
    TRY(cvv_card_key(&master->master, &in->pan, in->psn, in->method, &pair));
    memcpy(left.at, pair.at, 8);
    TRY(crypto_des_reload(&master->card.left, &left));
    TRY(crypto_des_reload(&master->card.pair, &pair));
    *out = &master->card;
    return ERR_OK;
}

enum err cvv_dynamic_generate(struct cvv_master *master, const struct cvv_dynamic *in, struct code_digits *out)
{
    struct card_pan overlaid = in->pan;
    struct cvv_key *card = NULL;
    TRY(cvv_master_card(master, in, &card));
    memcpy(overlaid.digit, in->overlay, OVERLAY);
    enum err err = cvv_generate(card, &overlaid, in->expiry, in->service, 3, out);
    secret_wipe(&overlaid, sizeof overlaid);
    return err;
}

void cvv_overlay(uint64_t number, char out[static 4])
{
    for (int i = OVERLAY - 1; i >= 0; i--, number /= 10)
        out[i] = (char)('0' + number % 10);
}

enum err cvv_window_index(int64_t unix_seconds, unsigned twu_hours, uint64_t *out)
{
    if (unix_seconds < 0 || twu_hours < CVV_TWU_MIN || twu_hours > CVV_TWU_MAX)
        return ERR_PARSE_VALUE;
    *out = (uint64_t)unix_seconds / (HOUR * twu_hours);
    return ERR_OK;
}
