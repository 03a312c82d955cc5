/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Searches small circuits for the S-boxes of DES and prints them as C, from the tables of FIPS 46-3 alone.
 *
 *   sboxgen binary|ternary [-t SECONDS] [-s FIRST_SEED] [-b BOX] [BOX:SEED ...]
 *
 * binary: gates of two inputs (and, or, xor, and-not) and not. ternary: any function of three inputs is one gate.
 * A seed makes one circuit of a box, always the same. For each box the seeds are tried one after the other until the time is over
 * (60 seconds a box unless -t says otherwise) and the smallest circuit wins; a seed that is given (BOX:SEED) is the only one tried.
 * With -b the circuit of one box is searched alone; progress goes to stderr.
 */
#include "sboxgen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* ---- printing ---- */

static void print_name(int gate)
{
    printf(gate < INPUTS ? "in[%d]" : "t%d", gate < INPUTS ? gate : gate - INPUTS);
}

static void print_gate(const struct circuit *c, const struct gate *g, bool ternary)
{
    printf("    LANE t%d = ", (int)(g - c->gate) - INPUTS);
    if (ternary)
        printf("TERNARY(");
    if (!ternary && g->op == '~')
        printf("~");
    print_name(g->a);
    if (ternary)
        printf(", ");
    else if (g->op != '~')
        printf(g->op == '-' ? " & ~" : " %c ", g->op);
    if (g->b != NONE)
        print_name(g->b);
    if (ternary) {
        printf(", ");
        print_name(g->c);
        printf(", 0x%02X)", (unsigned)g->op);
    }
    printf(";\n");
}

static void print_box(const struct circuit *c, int box, uint64_t seed, bool ternary)
{
    printf("\n/* %d gates, seed %llu */\n", c->count - INPUTS, (unsigned long long)seed);
    printf("static inline __attribute__((always_inline)) void sbox_%s_%d(const LANE in[static 6], LANE out[static 4])\n{\n",
           ternary ? "ternary" : "binary", box + 1);
    for (int i = INPUTS; i < c->count; i++)
        print_gate(c, &c->gate[i], ternary);
    for (int i = 0; i < OUTPUTS; i++) {
        printf("    out[%d] = ", i);
        print_name(c->output[i]);
        printf(";\n");
    }
    printf("}\n");
}

static const char preamble[] = "/* SPDX-License-Identifier: Apache-2.0 */\n"
                               "/* tidy: table */\n"
                               "/*\n"
                               " * The S-boxes of FIPS 46-3 as circuits %s, for files of the room that have defined\n"
                               " * %s.\n * Found by tools/sboxgen.c with the seeds named below; not written by hand.\n"
                               " */\n";

/* ---- the command line ---- */

struct options {
    bool ternary;
    int seconds, box;
    uint64_t first;
    uint64_t given[8]; /* 0: search */
};

static void search_box(const struct options *o, int box)
{
    struct circuit best = {.count = GATES}, made;
    uint64_t seed = o->given[box] ? o->given[box] : o->first, winner = 0;
    time_t end = time(NULL) + o->seconds;
    for (bool more = true; more; seed++) {
        if (sboxgen_try(o->ternary, box, seed, best.count, &made)) {
            best = made;
            winner = seed;
            fprintf(stderr, "S%d: %d gates, seed %llu\n", box + 1, best.count - INPUTS, (unsigned long long)seed);
        }
        more = !o->given[box] && (!winner || time(NULL) < end);
    }
    print_box(&best, box, winner, o->ternary);
}

static bool read_options(int argc, char **argv, struct options *o)
{
    *o = (struct options){.seconds = 60, .first = 1};
    if (argc < 2 || (strcmp(argv[1], "binary") != 0 && strcmp(argv[1], "ternary") != 0))
        return false;
    o->ternary = argv[1][0] == 't';
    optind = 2;
    for (int c; (c = getopt(argc, argv, "t:s:b:")) != -1;)
        if (c == 't')
            o->seconds = atoi(optarg);
        else if (c == 's')
            o->first = strtoull(optarg, NULL, 10);
        else if (c == 'b')
            o->box = atoi(optarg);
        else
            return false;
    for (int i = optind; i < argc; i++) {
        int box = atoi(argv[i]);
        char *colon = strchr(argv[i], ':');
        if (box < 1 || box > 8 || !colon)
            return false;
        o->given[box - 1] = strtoull(colon + 1, NULL, 10);
    }
    return o->box >= 0 && o->box <= 8;
}

int main(int argc, char **argv)
{
    struct options o;
    if (!read_options(argc, argv, &o)) {
        fprintf(stderr, "usage: sboxgen binary|ternary [-t SECONDS] [-s FIRST_SEED] [-b BOX] [BOX:SEED ...]\n");
        return 2;
    }
    printf(preamble, o.ternary ? "of functions of three inputs" : "of and, or, xor, and-not and not",
           o.ternary ? "LANE and TERNARY(a, b, c, table), whose table is bit 4a + 2b + c" : "LANE");
    for (int box = 0; box < 8; box++)
        if (o.box == 0 || o.box == box + 1)
            search_box(&o, box);
    return 0;
}
