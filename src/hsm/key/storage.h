/* SPDX-License-Identifier: Apache-2.0 */
/*
 * User storage: keys that commands name by an index, K000 to KFFF, instead of sending them.
 *
 * Purpose    Holds KEY texts with the LMK they are under. They come from a text of lines `INDEX LMK KEY`: index 3H, LMK 2N, KEY in
 *            any form that an LMK has; lines that are empty or begin with # say nothing.
 * Ownership  The storage owns its entries; a span it gives is valid until the next change.
 * Threading  As struct hsm: one thread.
 * Failure    A text with one bad line changes nothing, and the problem names the line and what to do. 12 empty entry, 21 index
 *            beyond the size.
 * Limits     1 to HSM_STORAGE_MAX entries; lines up to HSM_STORAGE_LINE characters.
 *
 * Example
 *     # CVK of the test range
 *     00A 00 U9B4934384B19946B040CD702B4D58145
 *     00B 01 S00072C0TN00E0001A417975993E2331918759DD1656AC94306BE01C19FDE29E83A93AB42
 */
#ifndef HSM_KEY_STORAGE_H
#define HSM_KEY_STORAGE_H

#include "keys/cache.h"
#include "keys/keys.h"

enum { HSM_STORAGE_MAX = 4096, HSM_STORAGE_LINE = KEYS_CACHE_TEXT + 16 };

struct hsm_storage;

struct hsm_storage_entry {
    struct span text;
    uint8_t lmk;
};

MUST_USE enum err hsm_storage_create(size_t size, struct hsm_storage **out);
void hsm_storage_destroy(struct hsm_storage *storage);

MUST_USE enum err hsm_storage_find(const struct hsm_storage *storage, unsigned index, struct hsm_storage_entry *out);
MUST_USE enum err hsm_storage_put(struct hsm_storage *storage, unsigned index, const struct hsm_storage_entry *entry);
size_t hsm_storage_count(const struct hsm_storage *storage);

/* Replaces all entries by those of the text, or none: ERR_CONFIG, and one line for people in `problem`. */
MUST_USE enum err hsm_storage_parse(struct hsm_storage *storage, struct span text, struct buf *problem);
/* The same from a file. */
MUST_USE enum err hsm_storage_load(struct hsm_storage *storage, const char *path, struct buf *problem);

#endif
