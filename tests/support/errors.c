/* SPDX-License-Identifier: Apache-2.0 */
/* The errors of every room, for the programs that link every room: tests, fuzz targets, benches and gendoc. */
#include "card/error.h"
#include "crypto/error.h"
#include "hostcmd/error.h"
#include "http/error.h"
#include "issuer/error.h"
#include "keys/error.h"
#include "ledger/error.h"
#include "store/error.h"
#include "wire/error.h"

#include <stddef.h>

const struct err_table *const err_tables[] = {
    &err_general,  &card_errors,   &crypto_errors, &wire_errors,   &keys_errors, &hostcmd_errors,
    &store_errors, &ledger_errors, &http_errors,   &issuer_errors, NULL};
