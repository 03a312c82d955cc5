/* SPDX-License-Identifier: Apache-2.0 */
#include "cvv/window.h"

#include <string.h>

enum { MINUTE = 60, HOUR_MINUTES = 60 };

/* T0 (security-codes.md 7.4): the window index modulo 10,000 in place of the first four digits of the PAN. */
static enum err t0(struct cvv_key *card_key, const struct cvv_dynamic *card, const struct cvv_window *window,
                   struct code_digits *out)
{
    struct card_pan overlaid = card->pan;
    cvv_overlay(window->index, overlaid.digit);
    enum err err = cvv_generate(card_key, &overlaid, card->expiry, card->service, window->digits, out);
    secret_wipe(&overlaid, sizeof overlaid);
    return err;
}

static const struct cvv_window_algorithm algorithms[] = {
    {"T0", "CVV over the PAN with the window index as its first four digits", t0, true},
};

const struct cvv_window_algorithm *cvv_window_find(const char *name)
{
    for (size_t i = 0; i < sizeof algorithms / sizeof algorithms[0]; i++)
        if (strcmp(algorithms[i].name, name) == 0)
            return &algorithms[i];
    return NULL;
}

enum err cvv_window_generate(const struct cvv_window_algorithm *algorithm, struct cvv_master *master,
                             const struct cvv_dynamic *card, const struct cvv_window *window, struct code_digits *out)
{
    struct cvv_key *card_key = NULL;
    TRY(cvv_master_card(master, card, &card_key));
    return algorithm->generate(card_key, card, window, out);
}

enum err cvv_window_index_minutes(int64_t unix_seconds, uint32_t minutes, uint64_t *out)
{
    if (unix_seconds < 0 || minutes == 0 || minutes > CVV_TWU_MAX * HOUR_MINUTES)
        return ERR_PARSE_VALUE;
    *out = (uint64_t)unix_seconds / (MINUTE * (uint64_t)minutes);
    return ERR_OK;
}
