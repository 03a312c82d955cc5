/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HSM key names and their KEY texts, from an INI file.
 *
 * Purpose    Rows of the ledger name keys (cvk_ref, mk_ref); the file keys.ini says which KEY text under the LMK a name stands for:
 *                [keys]
 *                cvk = U9B49...
 * Ownership  Copied into the caller's struct. A KEY text is encrypted under the LMK: it is of no use without the HSM.
 * Threading  Read once at start.
 * Failure    ERR_CONFIG with one line for people.
 * Limits     KEYS_FILE_MAX names.
 */
#ifndef MAIN_KEYS_FILE_H
#define MAIN_KEYS_FILE_H

#include "base/err.h"

#include <stddef.h>

enum { KEYS_FILE_MAX = 64, KEYS_FILE_NAME = 49, KEYS_FILE_TEXT = 256 };

struct keys_file {
    struct {
        char name[KEYS_FILE_NAME];
        char text[KEYS_FILE_TEXT];
    } key[KEYS_FILE_MAX];
    size_t count;
};

MUST_USE enum err keys_file_load(const char *path, struct keys_file *out, char *problem, size_t problem_cap);
/* NULL: no such name. `keys` is a struct keys_file; the type fits the services' hook. */
const char *keys_file_find(void *keys, const char *name);

#endif
