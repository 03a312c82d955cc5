/* SPDX-License-Identifier: Apache-2.0 */
#include "keys/error.h"
#include "keys/store/internal.h"

#include <string.h>

/* ---- life ---- */

static bool below_floor(struct crypto_kdf_cost cost)
{
    return (uint64_t)cost.r << cost.log2n < UINT64_C(8) << KEYS_SCRYPT_FLOOR;
}

static enum err reserve(struct keys_store **out)
{
    struct secret_pages pages;
    TRY(secret_pages_create(sizeof(struct keys_store), &pages));
    struct keys_store *s = pages.at;
    s->pages = pages;
    *out = s;
    return ERR_OK;
}

enum err keys_store_reserve(const struct keys_store_facts *facts, struct keys_store **out)
{
    if (facts->needed < 2 || facts->needed > facts->officers || facts->officers > KEYS_STORE_OFFICERS)
        return ERR_PARSE_VALUE;
    if (facts->lmks > KEYS_STORE_LMKS || !crypto_kdf_cost_allowed(facts->cost))
        return ERR_PARSE_VALUE;
    TRY(reserve(out));
    (*out)->facts = *facts;
    (*out)->facts.below_floor = below_floor(facts->cost);
    return ERR_OK;
}

enum err keys_store_create(struct crypto_kdf_cost cost, uint8_t needed, uint8_t officers, const struct env *env,
                           struct keys_store **out)
{
    struct keys_store_facts facts = {.cost = cost, .needed = needed, .officers = officers};
    struct keys_store *s = NULL;
    env_random(env, facts.identity, sizeof facts.identity);
    TRY(keys_store_reserve(&facts, &s));
    env_random(env, s->key, sizeof s->key);
    keys_share_split(s->key, needed, officers, env, s->share);
    s->open = true;
    *out = s;
    return ERR_OK;
}

void keys_store_destroy(struct keys_store *store)
{
    if (!store)
        return;
    struct secret_pages pages = store->pages;
    secret_pages_destroy(&pages);
}

/* ---- officers ---- */

struct keys_store_facts keys_store_facts(const struct keys_store *store)
{
    return store->facts;
}

static struct keys_store_officer *officer_of(const struct keys_store *store, uint8_t number)
{
    bool known = number >= 1 && number <= store->facts.officers;
    return known ? (struct keys_store_officer *)(uintptr_t)&store->officer[number - 1] : NULL;
}

const uint8_t *keys_store_salt(const struct keys_store *store, uint8_t number)
{
    const struct keys_store_officer *o = officer_of(store, number);
    return o ? o->salt : NULL;
}

enum err keys_store_officer_key(const struct keys_store *store, uint8_t number, struct span passphrase,
                                uint8_t key[static KEYS_STORE_KEY])
{
    const struct keys_store_officer *o = officer_of(store, number);
    if (!o)
        return ERR_NOT_FOUND;
    return crypto_kdf_scrypt(passphrase, span_of(o->salt, sizeof o->salt), store->facts.cost, key, KEYS_STORE_KEY);
}

void keys_store_put_bound(const struct keys_store_facts *facts, uint8_t number, struct buf *out)
{
    const uint8_t numbers[] = {facts->cost.log2n, facts->cost.r, facts->cost.p, facts->needed, facts->officers, number};
    buf_put_text(out, "CSLMKST1");
    buf_put(out, facts->identity, sizeof facts->identity);
    buf_put(out, numbers, sizeof numbers);
}

/* Seals the share into the officer's record, or unseals it from there. */
static enum err transfer_share(struct keys_store *s, uint8_t number, const uint8_t key[static KEYS_STORE_KEY],
                               const struct env *sealing)
{
    struct keys_store_officer *o = officer_of(s, number);
    ASSERT(o && (!sealing || s->open));
    uint8_t *share = s->share[number - 1];
    uint8_t bound_room[KEYS_STORE_BOUND_LEN + 1], room[KEYS_STORE_SEALED_SHARE_LEN];
    struct buf bound = buf_over(bound_room, sizeof bound_room), out = buf_over(room, sizeof room);
    struct crypto_aead aead = {0};
    keys_store_put_bound(&s->facts, number, &bound);
    TRY(buf_done(&bound));
    TRY(crypto_aead_load(key, &aead));
    enum err err = sealing ? crypto_aead_seal(&aead, sealing, buf_span(&bound), span_of(share, KEYS_SHARE), &out)
                           : crypto_aead_unseal(&aead, buf_span(&bound), span_of(o->sealed, sizeof o->sealed), &out);
    if (err == ERR_OK)
        memcpy(sealing ? o->sealed : share, room, out.len);
    crypto_aead_unload(&aead);
    secret_wipe(room, sizeof room);
    return err;
}

enum err keys_store_prove(struct keys_store *store, uint8_t number, const uint8_t key[static KEYS_STORE_KEY])
{
    struct keys_store_officer *o = officer_of(store, number);
    if (!o)
        return ERR_NOT_FOUND;
    enum err err = transfer_share(store, number, key, NULL);
    if (err == ERR_PARSE_VALUE)
        return ERR_AUTHENTICATION;
    TRY(err);
    o->proved = true;
    return ERR_OK;
}

unsigned keys_store_proved(const struct keys_store *store)
{
    unsigned count = 0;
    for (uint8_t i = 0; i < store->facts.officers; i++)
        count += store->officer[i].proved;
    return count;
}

void keys_store_forget(struct keys_store *store)
{
    for (uint8_t i = 0; i < store->facts.officers; i++)
        store->officer[i].proved = false;
    if (!store->open)
        secret_wipe(store->share, sizeof store->share);
}

void keys_store_lock(struct keys_store *store)
{
    store->open = false;
    keys_store_forget(store);
    secret_wipe(store->key, sizeof store->key);
    secret_wipe(store->material, sizeof store->material);
}

bool keys_store_is_open(const struct keys_store *store)
{
    return store->open;
}

/* Store key and the shares of everyone, from those who proved. */
static void restore_shares(struct keys_store *s)
{
    uint8_t holder[KEYS_STORE_OFFICERS], share[KEYS_STORE_OFFICERS][KEYS_SHARE];
    size_t count = 0;
    for (uint8_t i = 0; i < s->facts.officers && count < s->facts.needed; i++) {
        if (!s->officer[i].proved)
            continue;
        holder[count] = (uint8_t)(i + 1);
        memcpy(share[count++], s->share[i], KEYS_SHARE);
    }
    ASSERT(count == s->facts.needed);
    keys_share_value(holder, share, count, 0, s->key);
    for (uint8_t i = 0; i < s->facts.officers; i++)
        keys_share_value(holder, share, count, (uint8_t)(i + 1), s->share[i]);
    secret_wipe(share, sizeof share);
}

static enum err unseal_body(struct keys_store *s)
{
    struct crypto_aead aead = {0};
    uint8_t header_room[KEYS_STORE_PUBLIC_MAX];
    struct buf header = buf_over(header_room, sizeof header_room);
    struct buf body = buf_over(s->material, sizeof s->material);
    keys_store_put_public(s, &header);
    TRY(buf_done(&header));
    TRY(crypto_aead_load(s->key, &aead));
    enum err err =
        crypto_aead_unseal(&aead, buf_span(&header), span_slice(span_of(s->file, s->file_len), header.len, s->file_len), &body);
    crypto_aead_unload(&aead);
    return err;
}

enum err keys_store_open(struct keys_store *store)
{
    if (store->open)
        return ERR_OK;
    if (keys_store_proved(store) < store->facts.needed)
        return ERR_NOT_AUTHORISED;
    restore_shares(store);
    enum err err = unseal_body(store);
    store->open = err == ERR_OK;
    if (err != ERR_OK)
        keys_store_lock(store);
    return err;
}

enum err keys_store_passphrase(struct keys_store *store, uint8_t number, struct span passphrase, const struct env *env)
{
    struct keys_store_officer *o = officer_of(store, number);
    uint8_t key[KEYS_STORE_KEY];
    if (!o)
        return ERR_NOT_FOUND;
    if (!store->open)
        return ERR_NOT_AUTHORISED;
    if (passphrase.len < KEYS_PASSPHRASE_MIN || passphrase.len > KEYS_PASSPHRASE_MAX)
        return ERR_PARSE_VALUE;
    env_random(env, o->salt, sizeof o->salt);
    TRY(keys_store_officer_key(store, number, passphrase, key));
    enum err err = transfer_share(store, number, key, env);
    secret_wipe(key, sizeof key);
    o->set |= err == ERR_OK;
    return err;
}

/* ---- LMKs ---- */

const struct keys_lmk_facts *keys_store_lmk(const struct keys_store *store, size_t index)
{
    return index < store->facts.lmks ? &store->lmk[index] : NULL;
}

static unsigned rank(uint8_t id, bool old)
{
    return 2u * id + old;
}

/* The first place whose LMK does not stand before (id, old). */
static uint8_t place_of(const struct keys_store *s, uint8_t id, bool old)
{
    uint8_t at = 0;
    while (at < s->facts.lmks && rank(s->lmk[at].id, s->lmk[at].old) < rank(id, old))
        at++;
    return at;
}

static bool stands_at(const struct keys_store *s, uint8_t at, uint8_t id, bool old)
{
    return at < s->facts.lmks && s->lmk[at].id == id && s->lmk[at].old == old;
}

enum err keys_store_put(struct keys_store *store, const struct keys_lmk_facts *lmk, const struct keys_material *material)
{
    struct keys_lmk_facts facts = *lmk;
    uint8_t at = place_of(store, lmk->id, lmk->old);
    if (!store->open)
        return ERR_NOT_AUTHORISED;
    if (lmk->id >= KEYS_LMK_IDS)
        return KEYS_ERR_LMK_IDENTIFIER;
    if (stands_at(store, at, lmk->id, lmk->old))
        return ERR_DUPLICATE;
    if (store->facts.below_floor && !lmk->test)
        return ERR_FORBIDDEN;
    if (store->facts.lmks == KEYS_STORE_LMKS)
        return ERR_MEMORY;
    TRY(keys_lmk_check_value((enum keys_lmk_kind)lmk->kind, material, facts.check));
    ASSERT(at <= store->facts.lmks && store->facts.lmks < KEYS_STORE_LMKS);
    size_t after = (size_t)store->facts.lmks - at;
    memmove(&store->lmk[at + 1], &store->lmk[at], after * sizeof store->lmk[0]);
    memmove(&store->material[at + 1], &store->material[at], after * sizeof store->material[0]);
    store->lmk[at] = facts;
    store->material[at] = *material;
    store->facts.lmks++;
    return ERR_OK;
}

enum err keys_store_make_old(struct keys_store *store, uint8_t id)
{
    uint8_t at = place_of(store, id, false);
    if (!store->open)
        return ERR_NOT_AUTHORISED;
    if (!stands_at(store, at, id, false))
        return KEYS_ERR_LMK_IDENTIFIER;
    if (stands_at(store, (uint8_t)(at + 1), id, true))
        return ERR_DUPLICATE;
    store->lmk[at].old = true;
    return ERR_OK;
}

enum err keys_store_delete(struct keys_store *store, uint8_t id, bool old)
{
    uint8_t at = place_of(store, id, old);
    if (!store->open)
        return ERR_NOT_AUTHORISED;
    if (!stands_at(store, at, id, old))
        return KEYS_ERR_LMK_IDENTIFIER;
    size_t after = (size_t)store->facts.lmks - at - 1;
    memmove(&store->lmk[at], &store->lmk[at + 1], after * sizeof store->lmk[0]);
    memmove(&store->material[at], &store->material[at + 1], after * sizeof store->material[0]);
    store->facts.lmks--;
    secret_wipe(&store->material[store->facts.lmks], sizeof store->material[0]);
    return ERR_OK;
}

static enum err check_value_stands(const struct keys_store *s, size_t i)
{
    char check[KEYS_CHECK];
    TRY(keys_lmk_check_value((enum keys_lmk_kind)s->lmk[i].kind, &s->material[i], check));
    /* A check value is no secret. */
    return span_equal(span_of(check, KEYS_CHECK), span_of(s->lmk[i].check, KEYS_CHECK)) ? ERR_OK : ERR_PARSE_VALUE;
}

enum err keys_store_fill(const struct keys_store *store, struct keys_lmk_set *set)
{
    if (!store->open)
        return ERR_NOT_AUTHORISED;
    for (uint8_t i = 0; i < store->facts.lmks; i++) {
        TRY(check_value_stands(store, i));
        TRY(keys_lmk_add(set, &store->lmk[i], &store->material[i]));
    }
    return ERR_OK;
}
