/* SPDX-License-Identifier: Apache-2.0 */
/* The program countersign-hsm: main(), and the errors of its rooms. */
#include "card/error.h"
#include "crypto/error.h"
#include "hostcmd/error.h"
#include "keys/error.h"
#include "main/commands.h"
#include "wire/error.h"

const struct err_table *const err_tables[] = {&err_general,    &card_errors, &crypto_errors, &wire_errors, &keys_errors,
                                              &hostcmd_errors, NULL};

int main(int argc, char **argv)
{
    return cli_main(&main_countersign_hsm, argc, argv);
}
