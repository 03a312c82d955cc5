/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Merchants, terminals and API keys, kept in memory.
 *
 * Purpose    Authentication must cost the same for a known and an unknown Api-Key, so the whole table is in memory and is read
 *            again every few seconds.
 * Ownership  The table owns its rows; an index of a merchant stays the same for the life of the process.
 * Threading  The loop's thread.
 * Failure    What does not fit is left out and counted; a sealed secret that does not open makes its key unknown.
 * Limits     GATEWAY_MERCHANTS_MAX merchants and keys, GATEWAY_TERMINALS_MAX terminals.
 * Secrets    The HMAC secrets stand in locked pages.
 *
 * Example
 *     const struct gateway_access *access = gateway_access_find(table, headers.api_key);
 *     bool valid = mac_valid(&access->secret, body) & access->known;      // both, whatever was found
 */
#ifndef GATEWAY_MERCHANTS_H
#define GATEWAY_MERCHANTS_H

#include "base/buf.h"
#include "base/secret.h"
#include "store/store.h"

enum { GATEWAY_CURRENCIES = 64 };
enum { GATEWAY_MERCHANTS_MAX = 1024, GATEWAY_TERMINALS_MAX = 4096, GATEWAY_NO_MERCHANT = UINT32_MAX };

struct gateway_merchant {
    uint32_t index; /* its place */
    char id[65];
    char tenant[65];
    char name[129];
    char mcc[5];
    char currency[GATEWAY_CURRENCIES]; /* of its accounts, separated by blanks; the first is that of amounts without one */
    bool sandbox;                      /* takes card numbers in clear */
    char prefer[16];                   /* network, if the card has it; "": the cheapest */
    char address[129];
    char city[65];
    char state[33];
    char postal_code[17];
    char country[3];
    bool active;
};

/* What a caller signs with. */
enum { GATEWAY_SECRET_MAX = 128 };
struct gateway_secret {
    uint8_t len;
    uint8_t at[GATEWAY_SECRET_MAX];
    bool legacy_mac; /* takes a MAC as it was written before, too */
};

struct gateway_access {
    char api_key[65];
    uint32_t merchant;
    bool known; /* false: stands in for a key that does not exist */
    struct gateway_secret secret;
};

struct gateway_merchants;
struct crypto_vault;

MUST_USE enum err gateway_merchants_create(struct gateway_merchants **out);
void gateway_merchants_destroy(struct gateway_merchants *table);

/* The reads that fill the table: three operations for one batch. */
enum { GATEWAY_MERCHANTS_READS = 3 };
void gateway_merchants_reads(struct store_op op[static GATEWAY_MERCHANTS_READS]);
/* Takes what the batch read; returns how many rows did not fit or did not open. */
size_t gateway_merchants_take(struct gateway_merchants *table, struct crypto_vault *vault,
                              const struct store_op op[static GATEWAY_MERCHANTS_READS]);

/* Never NULL: for an unknown Api-Key a dummy with a secret of the usual length. */
const struct gateway_access *gateway_access_find(const struct gateway_merchants *table, struct span api_key);
const struct gateway_merchant *gateway_merchant_at(const struct gateway_merchants *table, uint32_t index);
/* One of its accounts is in this currency; and the currency of its first account. */
bool gateway_merchant_sells_in(const struct gateway_merchant *merchant, const char *alpha);
struct span gateway_merchant_currency(const struct gateway_merchant *merchant);
bool gateway_terminal_known(const struct gateway_merchants *table, uint32_t merchant, struct span terminal);
size_t gateway_merchants_count(const struct gateway_merchants *table);

#endif
