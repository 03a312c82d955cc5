/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Algorithms of window codes, by name.
 *
 * Purpose    Visa's dCVV2 computation is not public (security-codes.md 7.2). What a layout profile names is looked up here: T0 is
 *            ours, and a site that holds another puts its function into the table of window.c.
 * Ownership  Rows are static; the card key belongs to the master it was loaded from.
 * Threading  As struct cvv_master: one thread at a time.
 * Failure    As cvv_generate: ERR_PARSE_* for fields outside their rule.
 * Limits     Windows of 1 minute to 18 hours, anchored at the epoch in UTC.
 *
 * Example
 *     const struct cvv_window_algorithm *a = cvv_window_find("T0");           // NULL: unknown, the start ends
 *     TRY(cvv_window_index_minutes(unix_s, 60, &w));
 *     TRY(cvv_window_generate(a, master, &card, &(struct cvv_window){w, 60, 3}, &code));
 */
#ifndef CVV_WINDOW_H
#define CVV_WINDOW_H

#include "cvv/cvv.h"

struct cvv_window {
    uint64_t index;
    uint32_t minutes; /* length of the window: TWU */
    uint8_t digits;   /* wanted */
};

struct cvv_window_algorithm {
    const char *name;
    const char *doc;
    /* `card_key` is the UDK, loaded; `card->overlay` is not set. */
    enum err (*generate)(struct cvv_key *card_key, const struct cvv_dynamic *card, const struct cvv_window *window,
                         struct code_digits *out);
    /* The code is that of cvv_dynamic_generate with the index as overlay, so that many can be computed at once. */
    bool overlays;
};

/* NULL: no such algorithm. */
const struct cvv_window_algorithm *cvv_window_find(const char *name);

/* Derives the card key, then calls the algorithm. */
MUST_USE enum err cvv_window_generate(const struct cvv_window_algorithm *algorithm, struct cvv_master *master,
                                      const struct cvv_dynamic *card, const struct cvv_window *window, struct code_digits *out);

/* floor(unix time / (60 x minutes)); ERR_PARSE_VALUE for a negative time or a window outside 1 minute to 18 hours. */
MUST_USE enum err cvv_window_index_minutes(int64_t unix_seconds, uint32_t minutes, uint64_t *out);

#endif
