/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory of the cipher library.
 *
 * Purpose    Key schedules, private keys and TLS records stand in memory that the library allocates. In a process that holds keys
 *            all of it comes from the secret arena (base/secret_arena.h) and is wiped when it is freed.
 * Ownership  Process-wide; crypto_heap_move comes before the first use of any other function of this room.
 * Threading  The main thread, at start and at the end.
 * Failure    CRYPTO_ERR_FAILED if the library has allocated already. A full arena fails the operation that asked for memory.
 *
 * Example
 *     TRY(secret_arena_open(size, true));
 *     TRY(crypto_heap_move());
 *     ...
 *     crypto_heap_release();
 *     secret_arena_close();
 */
#ifndef CRYPTO_HEAP_H
#define CRYPTO_HEAP_H

#include "base/err.h"

MUST_USE enum err crypto_heap_move(void);
/* Lets the library give everything back; it cannot be used again. */
void crypto_heap_release(void);

#endif
