/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as the file of user storage: all entries are keys, or nothing has changed and a line is named. */
#include "hostcmd/error.h"
#include "hsm/key/storage.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SIZE = 64 };
static const char before[] = "00A 00 U9B4934384B19946B040CD702B4D58145\n";

static void check_problem(struct buf *problem)
{
    const char *text = buf_text(problem);
    if (!text || strncmp(text, "line ", 5) != 0)
        abort();
}

static void check_entries(const struct hsm_storage *s)
{
    size_t found = 0;
    for (unsigned i = 0; i < SIZE; i++) {
        struct hsm_storage_entry e;
        enum err err = hsm_storage_find(s, i, &e);
        if (err != ERR_OK && err != HOSTCMD_ERR_USER_STORAGE_EMPTY)
            abort();
        if (err == ERR_OK && (e.lmk >= KEYS_LMK_IDS || e.text.len < 16 || e.text.len > KEYS_CACHE_TEXT))
            abort();
        found += err == ERR_OK;
    }
    if (found != hsm_storage_count(s))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct hsm_storage *s;
    struct hsm_storage_entry e;
    char told[256];
    struct buf problem = buf_over(told, sizeof told);
    if (!s && hsm_storage_create(SIZE, &s) != ERR_OK)
        abort();
    if (hsm_storage_parse(s, span_text(before), &problem) != ERR_OK || problem.len > 0)
        abort();
    enum err err = hsm_storage_parse(s, span_of(data, size), &problem);
    check_entries(s);
    if (err == ERR_OK)
        return 0;
    check_problem(&problem);
    if (hsm_storage_count(s) != 1 || hsm_storage_find(s, 0x0A, &e) != ERR_OK)
        abort();
    return 0;
}
