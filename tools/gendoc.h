/* SPDX-License-Identifier: Apache-2.0 */
/* The man pages that gendoc prints; tools/gendoc_man.c. */
#ifndef TOOLS_GENDOC_H
#define TOOLS_GENDOC_H

#include "base/buf.h"

struct gendoc_manual {
    const char *file; /* with its section */
    void (*print)(struct buf *out);
};
/* Ends with a NULL file. */
extern const struct gendoc_manual gendoc_manuals[];

#endif
