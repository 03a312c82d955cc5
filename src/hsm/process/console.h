/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The officers' console: a line asks, lines answer.
 *
 * Purpose    What `countersign-hsm lmk load`, `state`, `online` ... say to a running HSM over its socket (net/local.h). The last
 *            line of an answer begins with OK, PENDING or NO; lines before it are those of hsm_officers_describe.
 * Ownership  Works on hsm_officers, which outlive it.
 * Threading  The loop's thread.
 * Failure    NO, and a reason for people.
 *
 * Layouts    STATE                                    state, store, lmk, authority, pending; then OK
 *            OFFICER n LOAD|VOICE                     OK log2n r p salt: what the officer's key is made with
 *            VOICE n KEY LOAD                         a voice with the officer's key in hexadecimal; OK: it is done;
 *            VOICE n KEY ONLINE                       PENDING have need: more officers are needed
 *            VOICE n KEY AUTHORISE lmk activity minutes
 *            DECIDE ONLINE | DECIDE AUTHORISE ...     under test LMKs, which have no officers
 *            SECURE | CANCEL lmk [activity] | ZEROISE OK
 */
#ifndef HSM_PROCESS_CONSOLE_H
#define HSM_PROCESS_CONSOLE_H

#include "hsm/process/officers.h"

/* `officers` is a struct hsm_officers; fits net_local_config. */
void hsm_console_line(void *officers, struct span line, struct buf *answer);

#endif
