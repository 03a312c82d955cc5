/* SPDX-License-Identifier: Apache-2.0 */
/* Payments against a lab with four products, for cmocka groups: start it with till_open (SQLite) or till_open_postgres, end it with
 * till_close. */
#ifndef SUPPORT_TILL_H
#define SUPPORT_TILL_H

#include "support/lab.h"

/* First card of each product; each test takes cards of its own. parallel: one_time with static allowed, plan_parallel. */
enum { TILL_STATIC = 1, TILL_ONE_TIME = 101, TILL_WINDOW = 201, TILL_PARALLEL = 301, TILL_CARDS_EACH = 40 };

extern struct lab till_lab;
extern uint64_t till_trace; /* the next STAN and RRN */

int till_open(void **state);
int till_open_postgres(void **state);
/* The same on another store. */
void till_open_url(const char *url);
/* The same on SQLite, with this layout profile of scheme 5. */
void till_open_layout(const char *layout);
int till_close(void **state);
/* DE39, the result letter (0: none) and DE38, which only an approval has. */
void till_expect(const struct iso8583_message *answer, int link, const char *de39, char letter);
/* One request of card `n`, its answer checked. */
void till_pay(int link, size_t n, int64_t amount, const char *code, const char *de39, char letter);
/* Another code. */
void till_wrong(const char *code, char out[static 4]);

#endif
