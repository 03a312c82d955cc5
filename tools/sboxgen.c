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
 *
 * The method is that of Kwan (Reducing the Gate Count of Bitslice DES, 2000): the truth table of each gate made so far is kept. A
 * wanted function need be right only where it is looked at (the mask). It is looked for among the gates and among the functions of
 * two or three of them, and else it is split by one more input into two functions, each wanted on half of the mask. Where several
 * splits are possible some, chosen by the seed, are tried to the end and the one with the fewest gates stays.
 */
#include "des_sboxes.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { INPUTS = 6, OUTPUTS = 4, GATES = 100, NONE = -1 };

/* A gate: what it computes of earlier gates a, b, c. `op` is a character in binary circuits; a LUT has its table instead. */
struct gate {
    uint64_t table;
    int a, b, c;
    int op;
};

struct circuit {
    struct gate gate[GATES];
    int count;
    int output[OUTPUTS];
};

struct search {
    bool ternary;
    uint64_t seed, random;
    int limit; /* a circuit that reaches this many gates is given up */
};

static const uint64_t input_table[INPUTS] = {0xFFFFFFFF00000000, 0xFFFF0000FFFF0000, 0xFF00FF00FF00FF00,
                                             0xF0F0F0F0F0F0F0F0, 0xCCCCCCCCCCCCCCCC, 0xAAAAAAAAAAAAAAAA};

/* splitmix64 */
static uint64_t next(struct search *s)
{
    uint64_t z = s->random += 0x9E3779B97F4A7C15;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
    z = (z ^ z >> 27) * 0x94D049BB133111EB;
    return z ^ z >> 31;
}

static void shuffle(struct search *s, int *at, int count)
{
    for (int i = count - 1; i > 0; i--) {
        int j = (int)(next(s) % (uint64_t)(i + 1)), t = at[i];
        at[i] = at[j];
        at[j] = t;
    }
}

static int add(struct circuit *c, struct gate gate)
{
    if (c->count == GATES)
        return NONE;
    c->gate[c->count] = gate;
    return c->count++;
}

static uint64_t apply(int op, uint64_t a, uint64_t b)
{
    return op == '&' ? a & b : op == '|' ? a | b : op == '^' ? a ^ b : op == '-' ? a & ~b : ~a;
}

static int add_binary(struct circuit *c, int op, int a, int b)
{
    uint64_t table = apply(op, c->gate[a].table, b == NONE ? 0 : c->gate[b].table);
    for (int i = 0; i < c->count; i++)
        if (c->gate[i].table == table)
            return i;
    return add(c, (struct gate){.table = table, .a = a, .b = b, .c = NONE, .op = op});
}

static int find(const struct circuit *c, uint64_t target, uint64_t mask)
{
    for (int i = c->count - 1; i >= 0; i--)
        if (((c->gate[i].table ^ target) & mask) == 0)
            return i;
    return NONE;
}

/* ---- binary ---- */

static const char ops[] = {'&', '|', '^', '-', '~'};

static int find_pair(struct circuit *c, uint64_t target, uint64_t mask)
{
    int inverse = find(c, ~target, mask);
    if (inverse != NONE)
        return add_binary(c, '~', inverse, NONE);
    for (int i = c->count - 1; i > 0; i--)
        for (int j = i - 1; j >= 0; j--)
            for (int k = 0; k < 4; k++) {
                uint64_t a = c->gate[i].table, b = c->gate[j].table;
                if (((apply(ops[k], a, b) ^ target) & mask) == 0)
                    return add_binary(c, ops[k], i, j);
                if (ops[k] == '-' && ((apply('-', b, a) ^ target) & mask) == 0)
                    return add_binary(c, '-', j, i);
            }
    return NONE;
}

/* A second gate `op` over gate `with` and a first gate that must be `wanted` where `where` says. */
struct last_step {
    uint64_t wanted, where;
    int op, with;
    bool swapped; /* with op first */
};

/* Ways in which target comes out of an existing gate and one more: those the gate does not rule out. */
static int last_steps(const struct circuit *c, uint64_t target, uint64_t mask, struct last_step *out)
{
    int count = 0;
    for (int i = 0; i < c->count; i++) {
        uint64_t g = c->gate[i].table;
        out[count++] = (struct last_step){target ^ g, mask, '^', i, false};
        if ((target & ~g & mask) == 0) {
            out[count++] = (struct last_step){target, mask & g, '&', i, false};
            out[count++] = (struct last_step){~target, mask & g, '-', i, true};
        }
        if ((g & ~target & mask) == 0)
            out[count++] = (struct last_step){target, mask & ~g, '|', i, false};
        if ((g & target & mask) == 0)
            out[count++] = (struct last_step){target, mask & ~g, '-', i, false};
    }
    return count;
}

static int finish(struct circuit *c, const struct last_step *step, int first)
{
    if (first == NONE)
        return NONE;
    return step->swapped ? add_binary(c, step->op, step->with, first) : add_binary(c, step->op, first, step->with);
}

/* Two new gates: one of a pair, another over it and a third gate; or the inverse of a pair. */
static int find_two(struct circuit *c, uint64_t target, uint64_t mask)
{
    struct last_step step[5 * GATES];
    int steps = last_steps(c, target, mask, step);
    for (int i = c->count - 1; i > 0; i--)
        for (int j = i - 1; j >= 0; j--)
            for (int k = 0; k < 5; k++) {
                int op = k == 4 ? '-' : ops[k], a = k == 4 ? j : i, b = k == 4 ? i : j;
                uint64_t made = apply(op, c->gate[a].table, c->gate[b].table);
                for (int s = 0; s < steps; s++)
                    if (((made ^ step[s].wanted) & step[s].where) == 0)
                        return finish(c, &step[s], add_binary(c, op, a, b));
                if (((made ^ ~target) & mask) == 0)
                    return add_binary(c, '~', add_binary(c, op, a, b), NONE);
            }
    return NONE;
}

/* ---- ternary ---- */

/* The table of target as a function of a, b, c where mask says, or NONE if it is none. */
static int lut_of(uint64_t a, uint64_t b, uint64_t c, uint64_t target, uint64_t mask)
{
    int lut = 0;
    uint64_t one = target & mask, zero = ~target & mask;
    for (int i = 7; i >= 0; i--) {
        uint64_t term = (i & 4 ? a : ~a) & (i & 2 ? b : ~b) & (i & 1 ? c : ~c);
        bool ones = (term & one) != 0;
        if (ones && (term & zero))
            return NONE;
        lut |= ones << i;
    }
    return lut;
}

static uint64_t lut_table(int lut, uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t table = 0;
    for (int i = 0; i < 8; i++)
        if (lut >> i & 1)
            table |= (i & 4 ? a : ~a) & (i & 2 ? b : ~b) & (i & 1 ? c : ~c);
    return table;
}

static int add_lut(struct circuit *c, int lut, int i, int j, int k)
{
    uint64_t table = lut_table(lut, c->gate[i].table, c->gate[j].table, c->gate[k].table);
    return add(c, (struct gate){.table = table, .a = i, .b = j, .c = k, .op = lut});
}

static int find_lut(struct circuit *c, uint64_t target, uint64_t mask)
{
    uint64_t one = target & mask, zero = ~target & mask;
    for (int i = c->count - 1; i > 1; i--) {
        uint64_t a = c->gate[i].table;
        for (int j = i - 1; j > 0; j--) {
            uint64_t b = c->gate[j].table;
            uint64_t term[4] = {~a & ~b, ~a & b, a & ~b, a & b};
            /* Terms that two gates alone do not decide are all that the third has to. */
            uint64_t o = 0, z = 0;
            for (int t = 0; t < 4; t++)
                if ((term[t] & one) && (term[t] & zero))
                    o |= term[t] & one, z |= term[t] & zero;
            for (int k = j - 1; k >= 0; k--) {
                uint64_t g = c->gate[k].table;
                bool split = true;
                for (int t = 0; t < 4 && split; t++) {
                    uint64_t to = term[t] & o, tz = term[t] & z;
                    split = !((to & g && tz & g) || (to & ~g && tz & ~g));
                }
                if (split)
                    return add_lut(c, lut_of(a, b, g, target, mask), i, j, k);
            }
        }
    }
    return NONE;
}

/* ---- the search ---- */

static int make(struct search *s, struct circuit *c, uint64_t target, uint64_t mask, int limit);

/* target by the input `by`: one side first, the other as what is left to do. */
static int split_binary(struct search *s, struct circuit *c, uint64_t target, uint64_t mask, int way, int limit)
{
    int by = way >> 1;
    uint64_t side = way & 1 ? input_table[by] : ~input_table[by];
    int first = make(s, c, target, mask & ~side, limit - 2);
    if (first == NONE)
        return NONE;
    int rest = make(s, c, target ^ c->gate[first].table, mask & side, limit - 2);
    if (rest == NONE)
        return NONE;
    int gated = add_binary(c, way & 1 ? '&' : '-', rest, by);
    return gated == NONE ? NONE : add_binary(c, '^', gated, first);
}

static int split_ternary(struct search *s, struct circuit *c, uint64_t target, uint64_t mask, int way, int limit)
{
    int by = way >> 1;
    uint64_t side = way & 1 ? input_table[by] : ~input_table[by];
    int first = make(s, c, target, mask & side, limit - 1);
    if (first == NONE)
        return NONE;
    int second = make(s, c, target, mask & ~side, limit - 1);
    if (second == NONE)
        return NONE;
    return way & 1 ? add_lut(c, 0xCA, by, first, second) : add_lut(c, 0xCA, by, second, first);
}

/* How many of the ways to split are followed, by the number of inputs left. */
static const int followed[INPUTS + 1] = {0, 2, 4, 6, 5, 4, 4};

static int make_split(struct search *s, struct circuit *c, uint64_t target, uint64_t mask, int limit)
{
    struct circuit best = {.count = limit};
    int way[2 * INPUTS], ways = 0, found = NONE;
    for (int i = 0; i < INPUTS; i++)
        if ((mask & input_table[i]) && (mask & ~input_table[i])) {
            way[ways++] = 2 * i;
            way[ways++] = 2 * i + 1;
        }
    /* Chance depends on the question alone: giving up early elsewhere must not change what a seed makes. */
    s->random = s->seed ^ target * 0x9E3779B97F4A7C15 ^ mask * 0xD6E8FEB86659FD93;
    shuffle(s, way, ways);
    int tries = followed[ways / 2] < ways ? followed[ways / 2] : ways;
    for (int i = 0; i < tries; i++) {
        struct circuit trial = *c;
        int out = s->ternary ? split_ternary(s, &trial, target, mask, way[i], best.count)
                             : split_binary(s, &trial, target, mask, way[i], best.count);
        if (out != NONE && trial.count < best.count) {
            best = trial;
            found = out;
        }
    }
    if (found != NONE)
        *c = best;
    return found;
}

/* Makes target right where mask says, with fewer than `limit` gates in all; NONE if that was not found. */
static int make(struct search *s, struct circuit *c, uint64_t target, uint64_t mask, int limit)
{
    int found = find(c, target, mask);
    if (found != NONE)
        return found;
    if (c->count + 1 >= limit)
        return NONE;
    found = s->ternary ? find_lut(c, target, mask) : find_pair(c, target, mask);
    if (found != NONE || c->count + 2 >= limit)
        return found;
    if (!s->ternary)
        found = find_two(c, target, mask);
    if (found != NONE || c->count + 3 >= limit)
        return found;
    return make_split(s, c, target, mask, limit);
}

static uint64_t output_table(int box, int output)
{
    uint64_t table = 0;
    for (unsigned i = 0; i < 64; i++)
        table |= (uint64_t)(des_sbox_at((unsigned)box, i) >> (OUTPUTS - 1 - output) & 1) << i;
    return table;
}

static void mark(const struct circuit *c, int gate, bool used[static GATES])
{
    if (gate == NONE || used[gate])
        return;
    used[gate] = true;
    mark(c, c->gate[gate].a, used);
    mark(c, c->gate[gate].b, used);
    mark(c, c->gate[gate].c, used);
}

/* Leaves out gates that no output needs: one that was made on the way may turn out to be another's equal. */
static void prune(struct circuit *c)
{
    bool used[GATES] = {true, true, true, true, true, true};
    int place[GATES + 1], count = 0;
    for (int i = 0; i < OUTPUTS; i++)
        mark(c, c->output[i], used);
    place[0] = NONE; /* NONE is -1 */
    for (int i = 0; i < c->count; i++) {
        struct gate g = c->gate[i];
        place[i + 1] = count;
        if (used[i])
            c->gate[count++] = (struct gate){g.table, place[g.a + 1], place[g.b + 1], place[g.c + 1], g.op};
    }
    for (int i = 0; i < OUTPUTS; i++)
        c->output[i] = place[c->output[i] + 1];
    c->count = count;
}

/* One seed, one circuit; false if it would have s->limit gates or more. */
static bool try_seed(struct search *s, int box, uint64_t seed, struct circuit *out)
{
    int order[OUTPUTS] = {0, 1, 2, 3};
    struct circuit c = {.count = INPUTS};
    s->seed = s->random = seed * 0xD1342543DE82EF95 + (uint64_t)box;
    for (int i = 0; i < INPUTS; i++)
        c.gate[i] = (struct gate){.table = input_table[i], .a = NONE, .b = NONE, .c = NONE, .op = 0};
    shuffle(s, order, OUTPUTS);
    for (int i = 0; i < OUTPUTS; i++) {
        c.output[order[i]] = make(s, &c, output_table(box, order[i]), ~(uint64_t)0, s->limit);
        if (c.output[order[i]] == NONE)
            return false;
    }
    prune(&c);
    *out = c;
    return true;
}

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
    printf("/* %d gates, seed %llu */\n", c->count - INPUTS, (unsigned long long)seed);
    printf("static inline __attribute__((always_inline)) void sbox_%s_%d(const LANE in[static 6], LANE out[static 4])\n{\n",
           ternary ? "ternary" : "binary", box + 1);
    for (int i = INPUTS; i < c->count; i++)
        print_gate(c, &c->gate[i], ternary);
    for (int i = 0; i < OUTPUTS; i++) {
        printf("    out[%d] = ", i);
        print_name(c->output[i]);
        printf(";\n");
    }
    printf("}\n\n");
}

static const char preamble[] =
    "/* SPDX-License-Identifier: Apache-2.0 */\n"
    "/* tidy: table */\n"
    "/*\n"
    " * The S-boxes of FIPS 46-3 as circuits %s, for files of the room that have defined\n"
    " * %s.\n * Found by tools/sboxgen.c with the seeds named below; not written by hand.\n"
    " */\n\n";

/* ---- the command line ---- */

struct options {
    bool ternary;
    int seconds, box;
    uint64_t first;
    uint64_t given[8]; /* 0: search */
};

static void search_box(const struct options *o, int box)
{
    struct search s = {.ternary = o->ternary, .limit = GATES};
    struct circuit best, made;
    uint64_t seed = o->given[box] ? o->given[box] : o->first, winner = 0;
    time_t end = time(NULL) + o->seconds;
    for (bool more = true; more; seed++) {
        if (try_seed(&s, box, seed, &made)) {
            best = made;
            winner = seed;
            s.limit = best.count;
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
