/* SPDX-License-Identifier: Apache-2.0 */
/* The program countersign: its errors and main(). */
#include "card/error.h"
#include "crypto/error.h"
#include "hostcmd/error.h"
#include "http/error.h"
#include "issuer/error.h"
#include "keys/error.h"
#include "ledger/error.h"
#include "main/commands.h"
#include "store/error.h"
#include "wire/error.h"

/* Those of `keys` are answers of the HSM; nothing else of that room is linked here. */
const struct err_table *const err_tables[] = {
    &err_general,  &card_errors,   &crypto_errors, &wire_errors,   &keys_errors, &hostcmd_errors,
    &store_errors, &ledger_errors, &http_errors,   &issuer_errors, NULL};

int main(int argc, char **argv)
{
    return cli_main(&main_countersign, argc, argv);
}
