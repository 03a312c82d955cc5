/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/merchants.h"

#include "base/arena.h"
#include "crypto/vault.h"
#include "gateway/rows.h"
#include "gateway/statements.h"

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
    static const struct store_row *const row[GATEWAY_MERCHANTS_READS] = {GATEWAY_ROW(MERCHANT_ALL), GATEWAY_ROW(TERMINAL_ALL),
                                                                         GATEWAY_ROW(MERCHANT_KEY_ALL)};
    for (size_t i = 0; i < GATEWAY_MERCHANTS_READS; i++)
        op[i] = (struct store_op){.row = row[i]};
}

/* ---- taking rows ---- */

/* False if the text is longer than the member. */
static bool take_text(char *to, size_t cap, struct span text)
{
    if (text.len >= cap)
        return false;
    memcpy(to, text.at, text.len);
    memset(to + text.len, 0, cap - text.len);
    return true;
}
#define TAKE(member_, text_) take_text((member_), sizeof(member_), (text_))

static uint32_t merchant_find(const struct gateway_merchants *table, struct span id)
{
    for (uint32_t i = 0; i < table->count; i++)
        if (span_is(id, table->merchant[i].id))
            return i;
    return GATEWAY_NO_MERCHANT;
}

static bool take_merchant(struct gateway_merchants *table, const struct store_op *op, size_t row)
{
    struct gateway_merchant_row r;
    struct gateway_merchant m = {0};
    bool fits = store_op_read(op, row, &r) == ERR_OK && TAKE(m.id, r.merchant_id) && TAKE(m.tenant, r.tenant) &&
                TAKE(m.name, r.name) && TAKE(m.mcc, r.mcc) && TAKE(m.currency, r.currency) && TAKE(m.prefer, r.prefer) &&
                TAKE(m.address, r.address) && TAKE(m.city, r.city) && TAKE(m.state, r.state) &&
                TAKE(m.postal_code, r.postal_code) && TAKE(m.country, r.country);
    if (!fits)
        return false;
    m.sandbox = r.sandbox;
    m.active = span_is(r.status, "active");
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

static bool take_terminal(struct gateway_merchants *table, const struct store_op *op, size_t row)
{
    struct gateway_terminal_row r;
    if (store_op_read(op, row, &r) != ERR_OK)
        return false;
    struct terminal t = {.merchant = merchant_find(table, r.merchant_id)};
    if (t.merchant == GATEWAY_NO_MERCHANT || !TAKE(t.id, r.terminal_id) || table->terminal_count == GATEWAY_TERMINALS_MAX)
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

static bool take_access(struct gateway_merchants *table, struct crypto_vault *vault, const struct store_op *op, size_t row)
{
    struct gateway_merchant_key_row r;
    if (table->access_count == GATEWAY_MERCHANTS_MAX || store_op_read(op, row, &r) != ERR_OK)
        return false;
    struct gateway_access *access = access_at(table, table->access_count);
    memset(access, 0, sizeof *access);
    access->merchant = merchant_find(table, r.merchant_id);
    access->known = span_is(r.status, "active");
    access->secret.legacy_mac = r.legacy_mac;
    if (access->merchant == GATEWAY_NO_MERCHANT || !TAKE(access->api_key, r.api_key))
        return false;
    if (!open_secret(vault, r.api_key, r.secret_enc, &access->secret))
        return false;
    table->access_count++;
    return true;
}

size_t gateway_merchants_take(struct gateway_merchants *table, struct crypto_vault *vault,
                              const struct store_op op[static GATEWAY_MERCHANTS_READS])
{
    size_t left_out = 0;
    for (size_t row = 0; row < op[0].rows.count; row++)
        left_out += !take_merchant(table, &op[0], row);
    table->terminal_count = 0;
    for (size_t row = 0; row < op[1].rows.count; row++)
        left_out += !take_terminal(table, &op[1], row);
    table->access_count = 0;
    for (size_t row = 0; row < op[2].rows.count; row++)
        left_out += !take_access(table, vault, &op[2], row);
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

bool gateway_merchant_sells_in(const struct gateway_merchant *merchant, const char *alpha)
{
    for (struct span rest = span_text(merchant->currency); rest.len > 0;)
        if (span_is(span_cut(&rest, ' '), alpha))
            return true;
    return false;
}

struct span gateway_merchant_currency(const struct gateway_merchant *merchant)
{
    struct span rest = span_text(merchant->currency);
    return span_cut(&rest, ' ');
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
