/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/merchants.h"

#include "base/arena.h"
#include "crypto/vault.h"

#include <stdlib.h>
#include <string.h>

struct terminal {
    uint32_t merchant;
    char id[65];
};

struct gateway_merchants {
    struct gateway_merchant merchant[GATEWAY_MERCHANTS_MAX];
    uint32_t count;
    struct terminal terminal[GATEWAY_TERMINALS_MAX];
    size_t terminal_count;
    struct secret_pages pages; /* struct gateway_access [GATEWAY_MERCHANTS_MAX + 1]; the last one is the dummy */
    size_t access_count;
};

static struct gateway_access *access_at(const struct gateway_merchants *table, size_t index)
{
    return (struct gateway_access *)table->pages.at + index;
}

enum err gateway_merchants_create(struct gateway_merchants **out)
{
    void *at = NULL;
    TRY(memory_reserve(1, sizeof(struct gateway_merchants), &at));
    struct gateway_merchants *table = at;
    enum err err = secret_pages_create((GATEWAY_MERCHANTS_MAX + 1) * sizeof(struct gateway_access), &table->pages);
    if (err != ERR_OK) {
        memory_release(table, 1, sizeof *table);
        return err;
    }
    struct gateway_access *dummy = access_at(table, GATEWAY_MERCHANTS_MAX);
    dummy->merchant = GATEWAY_NO_MERCHANT;
    dummy->secret.len = 44; /* as long as the secrets we hand out */
    *out = table;
    return ERR_OK;
}

void gateway_merchants_destroy(struct gateway_merchants *table)
{
    if (!table)
        return;
    secret_pages_destroy(&table->pages);
    memory_release(table, 1, sizeof *table);
}

void gateway_merchants_reads(struct store_op op[static GATEWAY_MERCHANTS_READS])
{
    static const enum store_statement statement[GATEWAY_MERCHANTS_READS] = {STORE_MERCHANT_ALL, STORE_TERMINAL_ALL,
                                                                            STORE_MERCHANT_KEY_ALL};
    for (size_t i = 0; i < GATEWAY_MERCHANTS_READS; i++)
        op[i] = (struct store_op){.statement = statement[i]};
}

/* ---- taking rows ---- */

/* False if the text is longer than the member. */
static bool take_text(char *to, size_t cap, const struct store_rows *rows, size_t row, size_t column)
{
    struct span text = store_cell_span(rows, row, column);
    if (text.len >= cap)
        return false;
    memcpy(to, text.at, text.len);
    memset(to + text.len, 0, cap - text.len);
    return true;
}
#define TAKE(member_, column_) take_text((member_), sizeof(member_), rows, row, (column_))

static uint32_t merchant_find(const struct gateway_merchants *table, struct span id)
{
    for (uint32_t i = 0; i < table->count; i++)
        if (span_is(id, table->merchant[i].id))
            return i;
    return GATEWAY_NO_MERCHANT;
}

/* Columns of STORE_MERCHANT_COLUMNS. */
static bool take_merchant(struct gateway_merchants *table, const struct store_rows *rows, size_t row)
{
    struct gateway_merchant m = {0};
    bool fits = TAKE(m.id, 0) && TAKE(m.tenant, 1) && TAKE(m.name, 2) && TAKE(m.mcc, 3) && TAKE(m.currency, 4) &&
                TAKE(m.prefer, 6) && TAKE(m.address, 7) && TAKE(m.city, 8) && TAKE(m.state, 9) && TAKE(m.postal_code, 10) &&
                TAKE(m.country, 11);
    if (!fits)
        return false;
    m.sandbox = store_cell_int(rows, row, 5) != 0;
    m.active = span_is(store_cell_span(rows, row, 12), "active");
    uint32_t index = merchant_find(table, span_text(m.id));
    if (index == GATEWAY_NO_MERCHANT) {
        if (table->count == GATEWAY_MERCHANTS_MAX)
            return false;
        index = table->count++;
    }
    m.index = index;
    table->merchant[index] = m;
    return true;
}

static bool take_terminal(struct gateway_merchants *table, const struct store_rows *rows, size_t row)
{
    struct terminal t = {.merchant = merchant_find(table, store_cell_span(rows, row, 0))};
    if (t.merchant == GATEWAY_NO_MERCHANT || !TAKE(t.id, 1) || table->terminal_count == GATEWAY_TERMINALS_MAX)
        return false;
    table->terminal[table->terminal_count++] = t;
    return true;
}

/* The secret is sealed under its api key as additional data. */
static bool open_secret(struct crypto_vault *vault, struct span api_key, struct span sealed, struct gateway_secret *out)
{
    struct buf secret = buf_over(out->at, sizeof out->at);
    if (crypto_vault_unseal(vault, api_key, sealed, &secret) != ERR_OK)
        return false;
    out->len = (uint8_t)secret.len;
    return secret.len > 0;
}

/* Columns: api_key, merchant_id, secret_enc, legacy_mac, status, created_at. */
static bool take_access(struct gateway_merchants *table, struct crypto_vault *vault, const struct store_rows *rows, size_t row)
{
    if (table->access_count == GATEWAY_MERCHANTS_MAX)
        return false;
    struct gateway_access *access = access_at(table, table->access_count);
    memset(access, 0, sizeof *access);
    access->merchant = merchant_find(table, store_cell_span(rows, row, 1));
    access->known = span_is(store_cell_span(rows, row, 4), "active");
    access->secret.legacy_mac = store_cell_int(rows, row, 3) != 0;
    if (access->merchant == GATEWAY_NO_MERCHANT || !TAKE(access->api_key, 0))
        return false;
    if (!open_secret(vault, store_cell_span(rows, row, 0), store_cell_span(rows, row, 2), &access->secret))
        return false;
    table->access_count++;
    return true;
}

size_t gateway_merchants_take(struct gateway_merchants *table, struct crypto_vault *vault,
                              const struct store_op op[static GATEWAY_MERCHANTS_READS])
{
    size_t left_out = 0;
    for (size_t row = 0; row < op[0].rows.count; row++)
        left_out += !take_merchant(table, &op[0].rows, row);
    table->terminal_count = 0;
    for (size_t row = 0; row < op[1].rows.count; row++)
        left_out += !take_terminal(table, &op[1].rows, row);
    table->access_count = 0;
    for (size_t row = 0; row < op[2].rows.count; row++)
        left_out += !take_access(table, vault, &op[2].rows, row);
    return left_out;
}

/* ---- finding ---- */

const struct gateway_access *gateway_access_find(const struct gateway_merchants *table, struct span api_key)
{
    const struct gateway_access *found = access_at(table, GATEWAY_MERCHANTS_MAX);
    for (size_t i = 0; i < table->access_count; i++)
        if (span_is(api_key, access_at(table, i)->api_key))
            found = access_at(table, i);
    return found;
}

const struct gateway_merchant *gateway_merchant_at(const struct gateway_merchants *table, uint32_t index)
{
    return index < table->count ? &table->merchant[index] : NULL;
}

bool gateway_terminal_known(const struct gateway_merchants *table, uint32_t merchant, struct span terminal)
{
    for (size_t i = 0; i < table->terminal_count; i++)
        if (table->terminal[i].merchant == merchant && span_is(terminal, table->terminal[i].id))
            return true;
    return false;
}

size_t gateway_merchants_count(const struct gateway_merchants *table)
{
    return table->count;
}
