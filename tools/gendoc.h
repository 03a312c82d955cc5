/* SPDX-License-Identifier: Apache-2.0 */
/* The man pages that gendoc prints; tools/gendoc_man.c. */
#ifndef TOOLS_GENDOC_H
#define TOOLS_GENDOC_H

#include "base/buf.h"

enum { GENDOC_FILE = 64 };

/* The n-th page and the name of its file, with its section; false: there are no more. */
bool gendoc_manual(size_t n, char file[static GENDOC_FILE], struct buf *out);

#endif
