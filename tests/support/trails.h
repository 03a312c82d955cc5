/* SPDX-License-Identifier: Apache-2.0 */
/* An audit trail in a folder of its own, whose files are read, changed and verified as bytes. One at a time a process. */
#ifndef SUPPORT_TRAILS_H
#define SUPPORT_TRAILS_H

#include "hsm/trail/audit.h"

#include <sys/resource.h>

enum { TRAILS_ROOM = 64 * 1024, TRAILS_MIB = 1 << 20 };

extern char trails_path[96], trails_head_path[104];
extern struct env trails_env;

/* Setup and teardown of each test. */
int trails_begin(void **state);
int trails_end(void **state);

struct hsm_audit *trails_open(uint64_t size);
void trails_expect_refused(const char *why);
/* The even ones are durable at once. */
void trails_write_lines(struct hsm_audit *audit, int count);
/* A whole file as text into TRAILS_ROOM bytes: its length. */
size_t trails_slurp(const char *from, char *out);
void trails_spill(const char *to, const char *at, size_t len);
/* As `audit verify` does, with the head that lies there. 0: fine; else the line of the problem. */
uint64_t trails_verify(const char *at, size_t len);
/* No file grows beyond this. */
void trails_limit_files(rlim_t bytes);

#endif
