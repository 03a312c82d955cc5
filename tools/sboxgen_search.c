/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The method is that of Kwan (Reducing the Gate Count of Bitslice DES, 2000): the truth table of each gate made so far is kept. A
 * wanted function need be right only where it is looked at (the mask). It is looked for among the gates and among one or two more
 * gates over them, and else it is split by an input, or by any gate, into two functions, each wanted on its part of the mask. Where
 * several splits are possible some, chosen by the seed, are tried to the end and the one with the fewest gates stays.
 */
#include "sboxgen.h"

#include "des_sboxes.h"

struct search {
    bool ternary;
    const struct habit *habit;
    uint64_t seed, random;
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

/* Three gates that tell all positions in `one` from all in `zero`. */
static bool find_three(const struct circuit *c, uint64_t one, uint64_t zero, int at[3])
{
    for (int i = c->count - 1; i > 1; i--)
        for (int j = i - 1; j > 0; j--) {
            uint64_t a = c->gate[i].table, b = c->gate[j].table, o[4], z[4];
            const uint64_t term[4] = {~a & ~b, ~a & b, a & ~b, a & b};
            /* What the first two leave open is all that the third has to decide. */
            int open = 0;
            for (int t = 0; t < 4; t++)
                if ((term[t] & one) && (term[t] & zero)) {
                    o[open] = term[t] & one;
                    z[open++] = term[t] & zero;
                }
            for (int k = j - 1; k >= 0; k--) {
                uint64_t g = c->gate[k].table;
                bool told = true;
                for (int t = 0; t < open && told; t++)
                    told = ((o[t] & g) == 0 || (z[t] & g) == 0) && ((o[t] & ~g) == 0 || (z[t] & ~g) == 0);
                if (told) {
                    at[0] = i;
                    at[1] = j;
                    at[2] = k;
                    return true;
                }
            }
        }
    return false;
}

static int find_lut(struct circuit *c, uint64_t target, uint64_t mask)
{
    int at[3];
    if (!find_three(c, target & mask, ~target & mask, at))
        return NONE;
    int lut = lut_of(c->gate[at[0]].table, c->gate[at[1]].table, c->gate[at[2]].table, target, mask);
    return add_lut(c, lut, at[0], at[1], at[2]);
}

/* Two gates of which the second is over the first, a and b. Where a and b leave target open, the first must be target or its
 * inverse: each combination for the up to four values of the pair. */
static int find_two_over(struct circuit *c, uint64_t target, uint64_t mask, int i, int j)
{
    uint64_t a = c->gate[i].table, b = c->gate[j].table, one[4], zero[4];
    const uint64_t term[4] = {~a & ~b & mask, ~a & b & mask, a & ~b & mask, a & b & mask};
    int open = 0, at[3];
    for (int t = 0; t < 4; t++)
        if ((term[t] & target) && (term[t] & ~target)) {
            one[open] = term[t] & target;
            zero[open++] = term[t] & ~target;
        }
    for (int turned = 0; turned < 1 << open; turned += 2) { /* the first stays: its inverse is the same gate turned round */
        uint64_t o = 0, z = 0;
        for (int t = 0; t < open; t++) {
            o |= turned >> t & 1 ? zero[t] : one[t];
            z |= turned >> t & 1 ? one[t] : zero[t];
        }
        if (find_three(c, o, z, at)) {
            int first = find_lut(c, o, o | z);
            return first == NONE ? NONE : add_lut(c, lut_of(c->gate[first].table, a, b, target, mask), first, i, j);
        }
    }
    return NONE;
}

static int find_two_luts(struct circuit *c, uint64_t target, uint64_t mask)
{
    for (int i = c->count - 1; i > 0; i--)
        for (int j = i - 1; j >= 0; j--) {
            int found = find_two_over(c, target, mask, i, j);
            if (found != NONE)
                return found;
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
    uint64_t side = way & 1 ? c->gate[by].table : ~c->gate[by].table;
    int first = make(s, c, target, mask & side, limit - 1);
    if (first == NONE)
        return NONE;
    int second = make(s, c, target, mask & ~side, limit - 1);
    if (second == NONE)
        return NONE;
    return way & 1 ? add_lut(c, 0xCA, by, first, second) : add_lut(c, 0xCA, by, second, first);
}

/* How many of the ways to split are followed, by the size of the mask (8, 16, 32, 64 positions). */
struct habit {
    bool by_gates; /* splits by any gate, not by inputs alone */
    int followed[4];
    int two_up_to; /* positions up to which two gates are looked for at once: it takes long */
};
static const struct habit binary_habit = {false, {6, 5, 4, 4}, 64};
/* The first thousand seeds have the first habit, the best all round; the others take turns. */
static const struct habit ternary_habits[] = {
    {true, {4, 8, 2, 12}, 32},
    {false, {4, 6, 3, 12}, 32},
    {true, {4, 8, 4, 3}, 32},
    {false, {4, 6, 4, 12}, 16},
};
enum { HABITS = sizeof ternary_habits / sizeof *ternary_habits, FIRST_SEEDS = 1000 };

static int followed(const struct search *s, uint64_t mask)
{
    int size = __builtin_popcountll(mask);
    return s->habit->followed[size > 32 ? 3 : size > 16 ? 2 : size > 8 ? 1 : 0];
}

static int make_split(struct search *s, struct circuit *c, uint64_t target, uint64_t mask, int limit)
{
    struct circuit best = {.count = limit};
    int way[2 * GATES], ways = 0, found = NONE, selectors = s->habit->by_gates ? c->count : INPUTS;
    for (int i = 0; i < selectors; i++)
        if ((mask & c->gate[i].table) && (mask & ~c->gate[i].table)) {
            way[ways++] = 2 * i;
            way[ways++] = 2 * i + 1;
        }
    /* Chance depends on the question alone: giving up early elsewhere must not change what a seed makes. */
    s->random = s->seed ^ target * 0x9E3779B97F4A7C15 ^ mask * 0xD6E8FEB86659FD93;
    shuffle(s, way, ways);
    int tries = followed(s, mask) < ways ? followed(s, mask) : ways;
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
    if (__builtin_popcountll(mask) <= s->habit->two_up_to)
        found = s->ternary ? find_two_luts(c, target, mask) : find_two(c, target, mask);
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

bool sboxgen_try(bool ternary, int box, uint64_t seed, int limit, struct circuit *out)
{
    struct search search = {.ternary = ternary}, *s = &search;
    int order[OUTPUTS] = {0, 1, 2, 3};
    struct circuit c = {.count = INPUTS};
    s->habit = s->ternary ? &ternary_habits[seed < FIRST_SEEDS ? 0 : seed % HABITS] : &binary_habit;
    s->seed = s->random = seed * 0xD1342543DE82EF95 + (uint64_t)box;
    for (int i = 0; i < INPUTS; i++)
        c.gate[i] = (struct gate){.table = input_table[i], .a = NONE, .b = NONE, .c = NONE, .op = 0};
    shuffle(s, order, OUTPUTS);
    for (int i = 0; i < OUTPUTS; i++) {
        c.output[order[i]] = make(s, &c, output_table(box, order[i]), ~(uint64_t)0, limit);
        if (c.output[order[i]] == NONE)
            return false;
    }
    prune(&c);
    *out = c;
    return true;
}
