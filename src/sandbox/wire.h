/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inner wires of the sandbox and how their frames read.
 *
 * Purpose    A wire is a row: its ends and its protocol. sandbox_wire_describe turns a frame into one masked line by the protocol's
 *            own tables.
 * Ownership  Rows are static.
 * Threading  One thread.
 * Failure    A frame that its protocol does not know reads as "N bytes that are no ...", without its content.
 */
#ifndef SANDBOX_WIRE_H
#define SANDBOX_WIRE_H

#include "base/buf.h"

#include <stdbool.h>

enum sandbox_wire { SANDBOX_WIRE_VISA, SANDBOX_WIRE_EFTPOS, SANDBOX_WIRE_SWITCH_HSM, SANDBOX_WIRE_ISSUER_HSM, SANDBOX_WIRES };

/* The name of the near end, or of the far one. */
const char *sandbox_wire_end(enum sandbox_wire wire, bool far);
/* `frame` is a payload without its length. False: a frame of no interest (probes, echo). A line that is too long is cut. */
bool sandbox_wire_describe(enum sandbox_wire wire, bool answer, struct span frame, struct buf *line);

#endif
