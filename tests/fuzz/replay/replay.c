/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a fuzz target without libFuzzer: over its corpus, then over a fixed number of mutations of it and of nothing. A defect is a
 * crash (the runner counts it); what is counted here is the inputs that passed.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX 65536
#define SEEDS_MAX 256
#define MUTATIONS 20000

static struct seed {
    uint8_t *at;
    size_t len;
} seeds[SEEDS_MAX];
static size_t seed_count;

static uint64_t stream = 0x9E3779B97F4A7C15u;
static uint64_t next(void)
{
    stream ^= stream << 13;
    stream ^= stream >> 7;
    stream ^= stream << 17;
    return stream;
}

/* Each input stands in a block of its exact size, so that a sanitizer sees a read past its end. */
static void try_input(const uint8_t *at, size_t len)
{
    uint8_t *exact = malloc(len ? len : 1);
    if (!exact)
        abort();
    memcpy(exact, at, len);
    (void)LLVMFuzzerTestOneInput(exact, len);
    free(exact);
}

static void load(const char *path)
{
    FILE *f = fopen(path, "rb");
    uint8_t *at = malloc(INPUT_MAX);
    if (!f || !at || seed_count == SEEDS_MAX)
        abort();
    seeds[seed_count++] = (struct seed){at, fread(at, 1, INPUT_MAX, f)};
    (void)fclose(f);
}

static void load_corpus(const char *program)
{
    const char *slash = strrchr(program, '/');
    char dir[512];
    (void)snprintf(dir, sizeof dir, "tests/fuzz/corpus/%s", slash ? slash + 1 : program);
    DIR *d = opendir(dir);
    for (struct dirent *e; d && seed_count < SEEDS_MAX - 1 && (e = readdir(d));) {
        char path[1024];
        (void)snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        if (e->d_name[0] != '.')
            load(path);
    }
    if (d)
        (void)closedir(d);
}

static void mutate(uint8_t *at, size_t *len)
{
    for (uint64_t changes = 1 + next() % 4; changes > 0; changes--) {
        size_t where = *len ? next() % *len : 0;
        switch (next() % 4) {
        case 0: /* another byte */
            if (*len)
                at[where] = (uint8_t)next();
            break;
        case 1: /* shorter */
            *len = where;
            break;
        case 2: /* one byte more */
            if (*len < INPUT_MAX - 1) {
                memmove(at + where + 1, at + where, *len - where);
                at[where] = (uint8_t)next();
                ++*len;
            }
            break;
        default: /* one byte less */
            if (*len) {
                memmove(at + where, at + where + 1, *len - where - 1);
                --*len;
            }
            break;
        }
    }
}

int main(int argc, char **argv)
{
    static uint8_t work[INPUT_MAX];
    load_corpus(argc > 0 ? argv[0] : "");
    for (size_t i = 0; i < seed_count; i++)
        try_input(seeds[i].at, seeds[i].len);
    for (size_t i = 0; i < MUTATIONS; i++) {
        const struct seed *from = seed_count ? &seeds[next() % seed_count] : NULL;
        size_t len = from ? from->len : next() % 64;
        for (size_t j = 0; j < len; j++)
            work[j] = from ? from->at[j] : (uint8_t)next();
        mutate(work, &len);
        try_input(work, len);
    }
    printf("%zu inputs of the corpus, %d mutations\n%d passed, 0 failed\n", seed_count, MUTATIONS, 1);
    return 0;
}
