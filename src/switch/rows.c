/* SPDX-License-Identifier: Apache-2.0 */
#include "switch/rows.h"

#include "base/arena.h"
#include "base/secret.h"

#include <string.h>

enum { BUCKETS = 16384 };

/* Of two versions of a row the later one counts; of two readings of one version the later reading. A chunk's own version is not
 * in the database yet. */
static bool newer(int64_t read, int64_t ours, const struct switch_chunk *chunk)
{
    return read > ours || (read == ours && !chunk);
}

/* ---- accounts ---- */

static struct switch_account **account_bucket(const struct switch_rows *rows, const char *account_id)
{
    return &rows->accounts[crypto_siphash(&rows->hash_key, span_text(account_id)) % BUCKETS];
}

static struct switch_account *account_make(struct switch_rows *rows, const struct ledger_account *row)
{
    struct switch_account **bucket = account_bucket(rows, row->account_id);
    struct switch_account *e = rows->free_account;
    if (!e)
        return NULL;
    ASSERT(e->refs == 0 && !e->chunk && !e->parked.first);
    rows->free_account = e->next;
    *e = (struct switch_account){.next = *bucket, .row = *row};
    *bucket = e;
    return e;
}

static struct switch_account *account_enter(struct switch_rows *rows, const struct ledger_account *row, uint64_t tick)
{
    struct switch_account *e = *account_bucket(rows, row->account_id);
    while (e && strcmp(e->row.account_id, row->account_id) != 0)
        e = e->next;
    if (!e)
        return account_make(rows, row);
    if (e->stale ? tick > e->stale_tick : newer(row->version, e->row.version, e->chunk))
        e->row = *row;
    e->stale = e->stale && tick <= e->stale_tick;
    return e;
}

static void account_leave(struct switch_rows *rows, struct switch_account *e)
{
    ASSERT(e->refs > 0);
    if (--e->refs > 0)
        return;
    ASSERT(!e->chunk && !e->parked.first);
    struct switch_account **at = account_bucket(rows, e->row.account_id);
    while (*at != e)
        at = &(*at)->next;
    *at = e->next;
    e->next = rows->free_account;
    rows->free_account = e;
}

/* ---- cards ---- */

/* The MAC's key is the vault's: nobody outside chooses who shares a bucket. */
static struct switch_card **card_bucket(const struct switch_rows *rows, const uint8_t mac[static LEDGER_MAC_LEN])
{
    uint64_t h;
    memcpy(&h, mac, sizeof h);
    return &rows->cards[h % BUCKETS];
}

static bool card_is(const struct switch_card *e, const char *issuer_id, const uint8_t mac[static LEDGER_MAC_LEN])
{
    return secret_equal(e->row.card.pan_mac.at, mac, LEDGER_MAC_LEN) && strcmp(e->row.card.issuer_id, issuer_id) == 0;
}

struct switch_card *switch_card_find(const struct switch_rows *rows, const char *issuer_id,
                                     const uint8_t mac[static LEDGER_MAC_LEN])
{
    struct switch_card *e = *card_bucket(rows, mac);
    while (e && !card_is(e, issuer_id, mac))
        e = e->next;
    return e;
}

static struct switch_card *card_make(struct switch_rows *rows, const struct ledger_full_card *row)
{
    struct switch_card **bucket = card_bucket(rows, row->card.pan_mac.at);
    struct switch_card *e = rows->free_card;
    if (!e)
        return NULL;
    ASSERT(e->refs == 0 && !e->chunk && !e->parked.first);
    rows->free_card = e->next;
    *e = (struct switch_card){.next = *bucket, .row = *row};
    *bucket = e;
    return e;
}

static void card_merge(struct switch_card *e, const struct ledger_full_card *row, uint64_t tick)
{
    if (e->stale && tick > e->stale_tick) {
        e->row = *row;
        e->stale = false;
    } else if (!e->stale) {
        if (newer(row->card.version, e->row.card.version, e->chunk))
            e->row.card = row->card;
        if (newer(row->code.version, e->row.code.version, e->chunk))
            e->row.code = row->code;
    }
    if (tick >= e->read_tick)
        e->row.product_version = row->product_version;
    e->read_tick = tick > e->read_tick ? tick : e->read_tick;
}

static void card_account(struct switch_rows *rows, struct switch_card *e, struct switch_account *account)
{
    if (e->account == account)
        return;
    if (account)
        account->refs++;
    if (e->account)
        account_leave(rows, e->account);
    e->account = account;
}

static bool account_moved(const struct switch_card *e, const struct ledger_full_card *row)
{
    return strcmp(e->account ? e->account->row.account_id : "", row->account.account_id) != 0;
}

struct switch_card *switch_card_enter(struct switch_rows *rows, const struct ledger_full_card *row, uint64_t tick)
{
    struct switch_card *e = switch_card_find(rows, row->card.issuer_id, row->card.pan_mac.at);
    /* The chunk must find the account that it changes; the slots read the card again when it is back. */
    if (e && e->chunk && account_moved(e, row))
        return e;
    if (!e)
        e = card_make(rows, row);
    if (!e)
        return NULL;
    struct switch_account *account = row->account.account_id[0] ? account_enter(rows, &row->account, tick) : NULL;
    card_account(rows, e, account);
    card_merge(e, row, tick);
    return e;
}

void switch_card_hold(struct switch_card *card, struct switch_slot *s)
{
    ASSERT(!s->card);
    s->card = card;
    card->refs++;
}

void switch_card_drop(struct switch_rows *rows, struct switch_slot *s)
{
    struct switch_card *e = s->card;
    s->card = NULL;
    if (!e)
        return;
    ASSERT(e->refs > 0);
    if (--e->refs > 0)
        return;
    ASSERT(!e->chunk && !e->parked.first);
    struct switch_card **at = card_bucket(rows, e->row.card.pan_mac.at);
    while (*at != e)
        at = &(*at)->next;
    *at = e->next;
    if (e->account)
        account_leave(rows, e->account);
    e->next = rows->free_card;
    rows->free_card = e;
}

bool switch_card_stale(const struct switch_slot *s)
{
    const struct switch_card *card = s->card;
    if (!card)
        return false;
    return card->stale || (card->account && card->account->stale) || (!card->chunk && card->read_tick < s->tick);
}

static void account_settle(const struct switch_rows *rows, struct switch_account *e, const struct switch_settled *settled)
{
    e->chunk = NULL;
    e->stale |= !settled->written;
    e->stale_tick = settled->written ? e->stale_tick : settled->tick;
    switch_resume(rows->flow, &e->parked, SIZE_MAX);
}

void switch_card_settle(const struct switch_rows *rows, struct switch_slot *s, const struct switch_settled *settled)
{
    struct switch_card *e = s->card;
    if (!e)
        return;
    if (e->account && e->account->chunk == settled->chunk)
        account_settle(rows, e->account, settled);
    if (e->chunk != settled->chunk)
        return;
    e->chunk = NULL;
    e->stale |= !settled->written;
    e->stale_tick = settled->written ? e->stale_tick : settled->tick;
    e->reversed_tick = e->reversing ? settled->tick : e->reversed_tick;
    e->reversing = false;
    switch_resume(rows->flow, &e->parked, SIZE_MAX);
}

/* ---- life ---- */

enum err switch_rows_create(const struct env *env, size_t count, struct switch_rows *rows)
{
    env_random(env, &rows->hash_key, sizeof rows->hash_key);
    void *at = NULL;
    rows->count = count;
    TRY(memory_reserve(count, sizeof *rows->card, &at));
    rows->card = rows->free_card = at;
    TRY(memory_reserve(count, sizeof *rows->account, &at));
    rows->account = rows->free_account = at;
    TRY(memory_reserve(BUCKETS, sizeof(void *), &at));
    rows->cards = at;
    TRY(memory_reserve(BUCKETS, sizeof(void *), &at));
    rows->accounts = at;
    for (size_t i = 0; i + 1 < count; i++) {
        rows->card[i].next = &rows->card[i + 1];
        rows->account[i].next = &rows->account[i + 1];
    }
    return ERR_OK;
}

void switch_rows_destroy(struct switch_rows *rows)
{
    memory_release(rows->card, rows->count, sizeof *rows->card);
    memory_release(rows->account, rows->count, sizeof *rows->account);
    memory_release(rows->cards, BUCKETS, sizeof(void *));
    memory_release(rows->accounts, BUCKETS, sizeof(void *));
    *rows = (struct switch_rows){0};
}
