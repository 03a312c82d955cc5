/* SPDX-License-Identifier: Apache-2.0 */
/* A circuit of gates and the search for one; see sboxgen.c. */
#ifndef TOOLS_SBOXGEN_H
#define TOOLS_SBOXGEN_H

#include <stdbool.h>
#include <stdint.h>

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

/* The circuit that a seed makes of a box (0..7); false if it has `limit` gates or more, which never changes what a seed makes. */
bool sboxgen_try(bool ternary, int box, uint64_t seed, int limit, struct circuit *out);

#endif
