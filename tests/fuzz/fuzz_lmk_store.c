/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as an LMK store (first byte even) or a component file (odd): told what is wrong, or opened with what the seal vouches
 * for.
 * Files whose scrypt would cost more than a few microseconds are read, but not unsealed.
 */
#include "keys/component.h"
#include "keys/store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LOG2N_MOST = 4, COST_AT = 9 };
static const char words[] = "the officer of the fuzzer";

/* The bytes as a file with a path. */
static const char *file_of(const uint8_t *data, size_t size)
{
    static int fd = -1;
    static char path[32];
    if (fd < 0) {
        fd = memfd_create("fuzz", MFD_CLOEXEC);
        if (fd < 0 || fchmod(fd, S_IRUSR | S_IWUSR) != 0)
            abort();
        (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    if (ftruncate(fd, 0) != 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
        abort();
    return path;
}

static void try_store(const char *path)
{
    struct keys_store *s = NULL;
    struct keys_lmk_set *set = NULL;
    char problem[KEYS_STORE_PROBLEM] = "";
    uint8_t key[KEYS_STORE_KEY];
    if (keys_store_read(path, &s, problem) != ERR_OK) {
        if (!problem[0] || s)
            abort();
        return;
    }
    struct keys_store_facts facts = keys_store_facts(s);
    size_t lmks = 0;
    for (const struct keys_lmk_facts *lmk = NULL; (lmk = keys_store_lmk(s, lmks)); lmks++)
        if (lmk->id >= KEYS_LMK_IDS || strlen(lmk->comment) > KEYS_COMMENT)
            abort();
    if (lmks != facts.lmks || facts.needed < 2 || facts.needed > facts.officers || facts.officers > KEYS_STORE_OFFICERS)
        abort();
    bool cheap = facts.cost.log2n <= LOG2N_MOST && facts.cost.r <= 8 && facts.cost.p <= 1;
    for (uint8_t i = 1; cheap && i <= facts.officers; i++)
        if (keys_store_officer_key(s, i, span_text(words), key) != ERR_OK || keys_store_prove(s, i, key) != ERR_OK)
            break;
    if (keys_store_open(s) == ERR_OK && (keys_lmk_set_create(&set) != ERR_OK || keys_store_fill(s, set) != ERR_OK))
        abort();
    keys_lmk_set_destroy(set);
    keys_store_destroy(s);
}

static void try_component(const char *path, const uint8_t *data, size_t size)
{
    struct keys_material m = {0};
    char problem[KEYS_COMPONENT_PROBLEM] = "";
    if (size > COST_AT + 2 && (data[COST_AT] > LOG2N_MOST || data[COST_AT + 1] > 8 || data[COST_AT + 2] > 1))
        return;
    enum err err = keys_component_read(path, KEYS_LMK_BLOCK, span_text(words), &m, problem);
    if (err != ERR_OK && !problem[0])
        abort();
    if (err == ERR_OK && keys_component_wrong(KEYS_LMK_BLOCK, &m))
        abort(); /* the seal vouches for what was written */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const char *path = file_of(data + 1, size - 1);
    if (data[0] % 2 == 0)
        try_store(path);
    else
        try_component(path, data + 1, size - 1);
    return 0;
}
