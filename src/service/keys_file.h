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
 * Limits     SERVICE_KEYS_MAX names.
 */
#ifndef SERVICE_KEYS_FILE_H
#define SERVICE_KEYS_FILE_H

#include "base/err.h"

#include <stddef.h>

enum { SERVICE_KEYS_MAX = 64, SERVICE_KEYS_NAME = 49, SERVICE_KEYS_TEXT = 256 };

struct service_keys {
    struct {
        char name[SERVICE_KEYS_NAME];
        char text[SERVICE_KEYS_TEXT];
    } key[SERVICE_KEYS_MAX];
    size_t count;
};

MUST_USE enum err service_keys_load(const char *path, struct service_keys *out, char *problem, size_t problem_cap);
/* NULL: no such name. `keys` is a struct service_keys; the type fits the services' hook. */
const char *service_keys_find(void *keys, const char *name);

#endif
