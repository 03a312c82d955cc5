/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signed charges for a gateway, as a merchant's server sends them.
 *
 * Purpose    Benches that load a gateway need requests that it accepts: each with an id, a time and a MAC of its own.
 * Threading  One thread.
 * Failure    What does not fit ends the program.
 *
 * Example
 *     len = charge_write(&lab, 1, codes, request, sizeof request);
 */
#ifndef BENCH_CHARGE_H
#define BENCH_CHARGE_H

#include <stddef.h>

#define CHARGE_MERCHANT "100008000000001"
#define CHARGE_TERMINAL "10000001"
#define CHARGE_API_KEY "BENCHKEY"
#define CHARGE_SECRET "asecretofthebench"

struct lab;

/* HTTP request of a charge of 1.00 with card `n` of the lab and its three digits; its length. */
size_t charge_write(struct lab *lab, size_t n, const char *code, char *out, size_t cap);

#endif
