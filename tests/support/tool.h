/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a tool of countersign-hsm with its standard input and output in memory. */
#ifndef SUPPORT_TOOL_H
#define SUPPORT_TOOL_H

#include "base/buf.h"

/* The exit status, or 128 + signal. `argument` ends with NULL, without the program. What it prints is appended to `out`. */
int tool_run(const char *const *argument, struct span input, struct buf *out);

#endif
