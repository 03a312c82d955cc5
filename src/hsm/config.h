/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an HSM is told when it is created.
 *
 * Purpose    One struct for hsm_create. The parts of the room read it through their context.
 * Ownership  Texts and pointers are the caller's. `guess` and `layout` are used by hsm_create alone; the others outlive the hsm.
 * Threading  A value.
 * Limits     As the comments of the members say.
 */
#ifndef HSM_CONFIG_H
#define HSM_CONFIG_H

#include "base/env.h"

#include <stdbool.h>

struct hostcmd_profile;
struct hsm_audit;
struct hsm_guess_config;

struct hsm_config {
    const struct env *env;
    uint8_t header;           /* m: bytes echoed in front of every command */
    uint8_t lmk;              /* identifier used where no %NN is given and no client says otherwise */
    uint16_t sockets;         /* what NO reports */
    bool test_lmk;            /* loads the public test LMKs: variant as 00, key block as 01 */
    bool test_lmk_old;        /* with them their old partners, for BW */
    const char *user_storage; /* file of hsm/key/storage.h, read by hsm_storage_reload; NULL or empty: none */
    size_t storage_size;      /* its entries, up to HSM_STORAGE_MAX; 0: HSM_STORAGE */
    bool authorised; /* starts with every activity authorised under the test LMKs (compatibility mode: PM tells the code) */
    bool hardened;   /* host-commands.md 9 */
    const struct hsm_guess_config *guess; /* hsm/guard/guess.h; NULL: no guessing limit */
    struct hsm_audit *audit;              /* hsm/trail/audit.h, of the caller; NULL: none */
    uint64_t disabled;                    /* bit per command that answers 68, from hsm_disabled_parse */
    bool blocks_only;         /* hardened mode: variant LMKs serve no command, since nothing binds the halves of a key */
    bool qy_service_998_only; /* QY scheme 0 makes codes for service code 998 alone (host-commands.md 5.1) */
    const struct hostcmd_profile *layout; /* of scheme 5; copied; NULL: countersign-5 */
    const char *serial;                   /* 12 characters that JK tells; NULL: none given */
    bool console;                         /* a console is served */
    bool host_2;                          /* a second host port (TLS) is served */
};

#endif
