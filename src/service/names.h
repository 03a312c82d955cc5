/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names and their texts, from one section of an INI file.
 *
 * Purpose    Rows of the ledger name keys (cvk_ref, mk_ref); the file keys.ini says which KEY text under the LMK a name stands for:
 *                [keys]
 *                cvk = U9B49...
 *            A gateway's sandbox merchants are read in the same way.
 * Ownership  Copied into the caller's struct. A KEY text is encrypted under the LMK: it is of no use without the HSM.
 * Threading  Read once at start.
 * Failure    ERR_CONFIG with one line for people: setting, file, line, what to write.
 * Limits     SERVICE_NAMES_MAX names.
 */
#ifndef SERVICE_NAMES_H
#define SERVICE_NAMES_H

#include "net/net.h"

enum { SERVICE_NAMES_MAX = 64, SERVICE_NAME_SIZE = 49, SERVICE_NAME_TEXT = 256 };

struct service_name {
    char name[SERVICE_NAME_SIZE];
    char text[SERVICE_NAME_TEXT];
};
struct service_names {
    struct service_name row[SERVICE_NAMES_MAX];
    size_t count;
};

/* Every line of the file belongs to the section. `setting` is the key that names the file, for the problem. */
MUST_USE enum err service_names_load(const char *setting, const char *path, const char *section, struct service_names *out,
                                     struct net_problem *problem);
/* NULL: no such name. */
const char *service_names_find(const struct service_names *names, const char *name);

#endif
