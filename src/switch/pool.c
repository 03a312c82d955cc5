/* SPDX-License-Identifier: Apache-2.0 */
/* Slots, shared rows, chunks: all of it reserved at start. */
#include "switch/internal.h"

#include <string.h>

/* ---- lists ---- */

void switch_list_push(struct switch_list *l, struct switch_slot *s)
{
    s->next = NULL;
    if (l->tail)
        l->tail->next = s;
    else
        l->head = s;
    l->tail = s;
    l->count++;
}

struct switch_slot *switch_list_pop(struct switch_list *l)
{
    struct switch_slot *s = l->head;
    if (!s)
        return NULL;
    l->head = s->next;
    if (!l->head)
        l->tail = NULL;
    l->count--;
    s->next = NULL;
    return s;
}

void switch_list_prepend(struct switch_list *l, struct switch_list *front)
{
    if (!front->head)
        return;
    front->tail->next = l->head;
    if (!l->tail)
        l->tail = front->tail;
    l->head = front->head;
    l->count += front->count;
    *front = (struct switch_list){0};
}

/* ---- hashing: FNV-1a; equal hashes are told apart by comparing, so a peer that makes them collide only slows itself down ---- */

static uint64_t hash_bytes(uint64_t h, const void *at, size_t len)
{
    const uint8_t *b = at;
    for (size_t i = 0; i < len; i++)
        h = (h ^ b[i]) * UINT64_C(0x100000001B3);
    return (h ^ 0xFF) * UINT64_C(0x100000001B3);
}

static uint64_t hash_text(uint64_t h, const char *text)
{
    return hash_bytes(h, text, strlen(text));
}

static const char *without_zeros(const char *text)
{
    return text + strspn(text, "0");
}

static uint64_t original_hash(size_t link, const char *de7, const char *de11, const char *de32)
{
    uint64_t h = hash_bytes(UINT64_C(0xCBF29CE484222325), &link, sizeof link);
    return hash_text(hash_text(hash_text(h, de7), de11), without_zeros(de32));
}

void switch_slot_hash(struct switch_slot *s)
{
    const struct ledger_auth *a = &s->auth;
    s->original_hash = original_hash(s->link, a->de7, a->de11, a->de32);
    s->key_hash = hash_text(hash_text(hash_text(hash_text(s->original_hash, a->mti_class), a->de37), a->de41), a->de42);
}

/* ---- slots ---- */

struct switch_slot *switch_slot_take(struct switch_core *core)
{
    struct switch_slot *s = core->free_slot;
    if (!s)
        return NULL;
    core->free_slot = s->next;
    s->next = NULL;
    s->generation++;
    core->pending++;
    return s;
}

static void unlink_key(struct switch_core *core, struct switch_slot *s)
{
    struct switch_slot **at = &core->by_key[s->key_hash % SWITCH_BUCKETS];
    while (*at && *at != s)
        at = &(*at)->next_key;
    if (*at)
        *at = s->next_key;
    at = &core->by_original[s->original_hash % SWITCH_BUCKETS];
    while (*at && *at != s)
        at = &(*at)->next_original;
    if (*at)
        *at = s->next_original;
}

void switch_slot_free(struct switch_core *core, struct switch_slot *s)
{
    uint32_t index = s->index;
    uint32_t generation = s->generation;
    struct switch_list waiters = s->waiters;
    if (s->keyed)
        unlink_key(core, s);
    switch_card_drop(core, s);
    if (core->in_flight[s->link] > 0)
        core->in_flight[s->link]--;
    iso8583_message_wipe(&s->answer);
    secret_wipe(&s->pan, sizeof s->pan);
    secret_wipe(&s->code, sizeof s->code);
    /* The storage of messages is wiped above as far as it was used; the rest of the slot is small. */
    memset(&s->next, 0, offsetof(struct switch_slot, answer) - offsetof(struct switch_slot, next));
    memset(&s->original, 0, sizeof *s - offsetof(struct switch_slot, original));
    s->index = index;
    s->generation = generation;
    s->next = core->free_slot;
    core->free_slot = s;
    core->pending--;
    switch_list_prepend(&core->arrived, &waiters);
}

static bool same_key(const struct switch_slot *a, const struct switch_slot *b)
{
    return a->key_hash == b->key_hash && a->link == b->link && strcmp(a->auth.mti_class, b->auth.mti_class) == 0 &&
           strcmp(a->auth.de7, b->auth.de7) == 0 && strcmp(a->auth.de11, b->auth.de11) == 0 &&
           strcmp(without_zeros(a->auth.de32), without_zeros(b->auth.de32)) == 0 && strcmp(a->auth.de37, b->auth.de37) == 0 &&
           strcmp(a->auth.de41, b->auth.de41) == 0 && strcmp(a->auth.de42, b->auth.de42) == 0;
}

struct switch_slot *switch_slot_claim(struct switch_core *core, struct switch_slot *s)
{
    struct switch_slot **key = &core->by_key[s->key_hash % SWITCH_BUCKETS];
    struct switch_slot **original = &core->by_original[s->original_hash % SWITCH_BUCKETS];
    for (struct switch_slot *other = *key; other; other = other->next_key)
        if (same_key(other, s))
            return other;
    s->next_key = *key;
    *key = s;
    s->next_original = *original;
    *original = s;
    s->keyed = true;
    return NULL;
}

struct switch_slot *switch_slot_original(struct switch_core *core, const struct switch_slot *s)
{
    struct switch_original_texts room;
    struct ledger_message_id id;
    switch_slot_original_id(s, &room, &id);
    uint64_t hash = original_hash(s->link, id.de7, id.de11, id.de32);
    for (struct switch_slot *other = core->by_original[hash % SWITCH_BUCKETS]; other; other = other->next_original)
        if (other->kind == SWITCH_SLOT_AUTHORISATION && other->link == s->link && strcmp(other->auth.de7, id.de7) == 0 &&
            strcmp(other->auth.de11, id.de11) == 0 && strcmp(without_zeros(other->auth.de32), without_zeros(id.de32)) == 0)
            return other;
    return NULL;
}

/* ---- shared rows ---- */

static uint64_t mac_bucket(const uint8_t mac[static LEDGER_MAC_LEN])
{
    uint64_t h;
    memcpy(&h, mac, sizeof h);
    return h % SWITCH_BUCKETS;
}

struct switch_card *switch_card_find(struct switch_core *core, const uint8_t mac[static LEDGER_MAC_LEN])
{
    struct switch_card *e = core->cards[mac_bucket(mac)];
    while (e && !secret_equal(e->row.card.pan_mac.at, mac, LEDGER_MAC_LEN))
        e = e->next;
    return e;
}

static struct switch_account *account_enter(struct switch_core *core, const struct ledger_account *row)
{
    struct switch_account **bucket = &core->accounts[hash_text(UINT64_C(0xCBF29CE484222325), row->account_id) % SWITCH_BUCKETS];
    struct switch_account *e = *bucket;
    while (e && strcmp(e->row.account_id, row->account_id) != 0)
        e = e->next;
    if (!e) {
        e = core->free_account;
        if (!e)
            return NULL;
        core->free_account = e->next;
        *e = (struct switch_account){.next = *bucket, .row = *row};
        *bucket = e;
    } else if (!e->chunk) {
        e->row = *row;
        e->stale = false;
    }
    return e;
}

static void account_leave(struct switch_core *core, struct switch_account *e)
{
    struct switch_account **at = &core->accounts[hash_text(UINT64_C(0xCBF29CE484222325), e->row.account_id) % SWITCH_BUCKETS];
    if (--e->refs > 0)
        return;
    while (*at != e)
        at = &(*at)->next;
    *at = e->next;
    e->next = core->free_account;
    core->free_account = e;
}

struct switch_card *switch_card_enter(struct switch_core *core, const struct ledger_full_card *row)
{
    struct switch_card *e = switch_card_find(core, row->card.pan_mac.at);
    struct switch_account *account = row->account.account_id[0] != 0 ? account_enter(core, &row->account) : NULL;
    uint64_t bucket = mac_bucket(row->card.pan_mac.at);
    if (!e) {
        e = core->free_card;
        if (!e)
            return NULL;
        core->free_card = e->next;
        *e = (struct switch_card){.next = core->cards[bucket]};
        core->cards[bucket] = e;
    } else if (e->account && e->account != account) {
        account_leave(core, e->account);
        e->account = NULL;
    }
    if (account && !e->account)
        account->refs++;
    e->account = account;
    e->row = *row;
    e->stale = false;
    e->read_us = core->now_us;
    return e;
}

void switch_card_hold(struct switch_card *card, struct switch_slot *s)
{
    s->card = card;
    card->refs++;
}

void switch_card_drop(struct switch_core *core, struct switch_slot *s)
{
    struct switch_card *e = s->card;
    s->card = NULL;
    if (!e || --e->refs > 0)
        return;
    struct switch_card **at;
    at = &core->cards[mac_bucket(e->row.card.pan_mac.at)];
    while (*at != e)
        at = &(*at)->next;
    *at = e->next;
    if (e->account)
        account_leave(core, e->account);
    e->next = core->free_card;
    core->free_card = e;
}

/* ---- chunks ---- */

struct switch_chunk *switch_chunk_take(struct switch_core *core)
{
    struct switch_chunk *c = core->free_chunk;
    if (!c)
        return NULL;
    core->free_chunk = c->next;
    c->count = 0;
    ledger_unit_begin(&c->unit, SWITCH_CHUNK_MAX * 7, &c->arena);
    return c;
}

void switch_chunk_free(struct switch_core *core, struct switch_chunk *c)
{
    arena_reset(&c->arena);
    c->count = 0;
    c->next = core->free_chunk;
    core->free_chunk = c;
}

/* ---- start and end ---- */

enum { CHUNK_ROOM = 512 * 1024, READ_ROOM = 4 * 1024 * 1024 };

static enum err reserve(size_t count, size_t size, void **out)
{
    return memory_reserve(count, size, out);
}

static enum err pool_rows(struct switch_core *core, size_t rows)
{
    TRY(reserve(rows, sizeof *core->card, (void **)&core->card));
    TRY(reserve(rows, sizeof *core->account, (void **)&core->account));
    TRY(reserve(SWITCH_BUCKETS, sizeof(void *), (void **)&core->by_key));
    TRY(reserve(SWITCH_BUCKETS, sizeof(void *), (void **)&core->by_original));
    TRY(reserve(SWITCH_BUCKETS, sizeof(void *), (void **)&core->cards));
    TRY(reserve(SWITCH_BUCKETS, sizeof(void *), (void **)&core->accounts));
    for (size_t i = 0; i < rows; i++) {
        core->card[i].next = i + 1 < rows ? &core->card[i + 1] : NULL;
        core->account[i].next = i + 1 < rows ? &core->account[i + 1] : NULL;
    }
    core->free_card = core->card;
    core->free_account = core->account;
    return ERR_OK;
}

enum err switch_pool_create(struct switch_core *core)
{
    size_t slots = core->config.slots;
    TRY(secret_pages_create(slots * sizeof(struct switch_slot) + sizeof(struct iso8583_message) + SWITCH_COMMAND_ROOM,
                            &core->pages));
    uint8_t *at;
    at = core->pages.at;
    core->slot = (struct switch_slot *)(void *)at;
    core->scratch = (struct iso8583_message *)(void *)(at + slots * sizeof(struct switch_slot));
    core->command = at + slots * sizeof(struct switch_slot) + sizeof(struct iso8583_message);
    for (size_t i = 0; i < slots; i++) {
        core->slot[i].index = (uint32_t)i;
        core->slot[i].next = i + 1 < slots ? &core->slot[i + 1] : NULL;
    }
    core->free_slot = core->slot;
    TRY(pool_rows(core, slots));
    TRY(reserve(SWITCH_CHUNKS, sizeof *core->chunk, (void **)&core->chunk));
    for (size_t i = 0; i < SWITCH_CHUNKS; i++) {
        core->chunk[i].core = core;
        TRY(arena_create(&core->chunk[i].arena, CHUNK_ROOM));
        switch_chunk_free(core, &core->chunk[i]);
    }
    return arena_create(&core->read_arena, READ_ROOM);
}

static void release(void **at, size_t count, size_t size)
{
    if (*at)
        memory_release(*at, count, size);
    *at = NULL;
}

void switch_pool_destroy(struct switch_core *core)
{
    size_t rows = core->config.slots;
    for (size_t i = 0; core->chunk && i < SWITCH_CHUNKS; i++)
        if (core->chunk[i].arena.at)
            arena_destroy(&core->chunk[i].arena);
    if (core->read_arena.at)
        arena_destroy(&core->read_arena);
    release((void **)&core->chunk, SWITCH_CHUNKS, sizeof *core->chunk);
    release((void **)&core->card, rows, sizeof *core->card);
    release((void **)&core->account, rows, sizeof *core->account);
    release((void **)&core->by_key, SWITCH_BUCKETS, sizeof(void *));
    release((void **)&core->by_original, SWITCH_BUCKETS, sizeof(void *));
    release((void **)&core->cards, SWITCH_BUCKETS, sizeof(void *));
    release((void **)&core->accounts, SWITCH_BUCKETS, sizeof(void *));
    if (core->pages.at)
        secret_pages_destroy(&core->pages);
}
