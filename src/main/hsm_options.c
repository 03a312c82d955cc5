/* SPDX-License-Identifier: Apache-2.0 */
/* Options of countersign-hsm that stand for keys of its configuration. */
#include "main/services.h"

const struct command_option main_hsm_options[MAIN_HSM_OPTIONS] = {
    {"test-lmk", NULL, "load the public test LMKs: NOT FOR PRODUCTION", "hsm.test_lmk=true"},
    {"listen", "ADDR:PORT", "host commands (default 127.0.0.1:1500; port 0: any free one)", "hsm.listen="},
    {"header", "N", "bytes echoed in front of each command, 0..255 (default 4)", "hsm.header="},
    {"admin", "ADDR:PORT", "serve /healthz /readyz /metrics", "hsm.admin="},
};
