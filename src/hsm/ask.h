/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who asks the HSM, and what.
 *
 * Purpose    What a connection says of its peer, and a command that came from there.
 * Ownership  Borrowed: names and payloads stay with the caller until the answer is there.
 * Threading  Values.
 * Limits     HSM_ASK_MAX commands are answered together.
 */
#ifndef HSM_ASK_H
#define HSM_ASK_H

#include "base/buf.h"

enum { HSM_ASK_MAX = 512 };

struct hsm_client {
    const char *name;  /* identity of its certificate; "" without one */
    uint8_t lmk;       /* identifier used where no %NN is given */
    uint64_t disabled; /* commands that it may not use, as in hsm_config */
};

struct hsm_ask {
    const struct hsm_client *client; /* NULL: nobody in particular */
    struct span payload;             /* a frame without its length */
};

#endif
