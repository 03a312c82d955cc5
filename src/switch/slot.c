/* SPDX-License-Identifier: Apache-2.0 */
#include "switch/slot.h"

#include "base/arena.h"

#include <string.h>

enum { BUCKETS = 16384, KEY_ROOM = 128 };

/* ---- parking ---- */

void switch_park(struct switch_parking *parking, struct switch_slot *s)
{
    ASSERT(!s->parking && s->item.place == FLOW_RUNNING);
    s->parking = parking;
    s->after = NULL;
    s->before = parking->last;
    if (parking->last)
        parking->last->after = s;
    else
        parking->first = s;
    parking->last = s;
}

bool switch_unpark(struct switch_slot *s)
{
    struct switch_parking *parking = s->parking;
    if (!parking)
        return false;
    ASSERT(s->before ? s->before->after == s : parking->first == s);
    ASSERT(s->after ? s->after->before == s : parking->last == s);
    if (s->before)
        s->before->after = s->after;
    else
        parking->first = s->after;
    if (s->after)
        s->after->before = s->before;
    else
        parking->last = s->before;
    s->parking = NULL;
    s->before = s->after = NULL;
    return true;
}

void switch_resume(struct flow *flow, struct switch_parking *parking, size_t most)
{
    struct switch_slot *s = parking->first;
    for (struct switch_slot *after; s && most > 0; s = after) {
        after = s->after;
        if (s->item.place == FLOW_RUNNING) /* it has just been parked, in this very call of its stage */
            continue;
        ASSERT(switch_unpark(s));
        if (s->item.place != FLOW_WAITING) /* its deadline has just passed, and it goes on by itself */
            continue;
        flow_resume(flow, &s->item);
        most--;
    }
}

/* ---- keys: equal hashes are told apart by comparing, and the hash is keyed, so no peer chooses who shares a bucket ---- */

static const char *without_zeros(const char *text)
{
    return text + strspn(text, "0");
}

/* What an authorisation and a reversal of it have in common. */
static void original_of(const struct switch_slot *s, struct switch_original_texts *room, struct ledger_message_id *out)
{
    if (s->kind == SWITCH_SLOT_REVERSAL)
        switch_slot_original_id(s, room, out);
    else
        switch_slot_message_id(s, out);
}

static bool same_original(const struct switch_slot *a, const struct switch_slot *b)
{
    struct switch_original_texts room_a, room_b;
    struct ledger_message_id x, y;
    if (a->original_hash != b->original_hash || a->link != b->link)
        return false;
    original_of(a, &room_a, &x);
    original_of(b, &room_b, &y);
    return strcmp(x.de7, y.de7) == 0 && strcmp(x.de11, y.de11) == 0 && strcmp(without_zeros(x.de32), without_zeros(y.de32)) == 0;
}

static bool same_key(const struct switch_slot *a, const struct switch_slot *b)
{
    return a->key_hash == b->key_hash && a->link == b->link && strcmp(a->auth.mti_class, b->auth.mti_class) == 0 &&
           strcmp(a->auth.de7, b->auth.de7) == 0 && strcmp(a->auth.de11, b->auth.de11) == 0 &&
           strcmp(without_zeros(a->auth.de32), without_zeros(b->auth.de32)) == 0 && strcmp(a->auth.de37, b->auth.de37) == 0 &&
           strcmp(a->auth.de41, b->auth.de41) == 0 && strcmp(a->auth.de42, b->auth.de42) == 0;
}

static void key_text(struct buf *out, const char *text)
{
    buf_put_text(out, text);
    buf_put_byte(out, 0);
}

static void key_begin(struct buf *out, const struct switch_slot *s, const struct ledger_message_id *id)
{
    buf_put_byte(out, (uint8_t)s->link);
    key_text(out, id->de7);
    key_text(out, id->de11);
    key_text(out, without_zeros(id->de32));
}

void switch_slot_hash(const struct switch_claims *claims, struct switch_slot *s)
{
    const struct ledger_auth *a = &s->auth;
    struct switch_original_texts texts;
    struct ledger_message_id id;
    uint8_t room[KEY_ROOM];
    struct buf key = buf_over(room, sizeof room);
    original_of(s, &texts, &id);
    key_begin(&key, s, &id);
    s->original_hash = crypto_siphash(&claims->hash_key, buf_span(&key));
    switch_slot_message_id(s, &id);
    key = buf_over(room, sizeof room);
    key_begin(&key, s, &id);
    key_text(&key, a->mti_class);
    key_text(&key, a->de37);
    key_text(&key, a->de41);
    key_text(&key, a->de42);
    s->key_hash = crypto_siphash(&claims->hash_key, buf_span(&key));
}

/* ---- claims ---- */

static struct switch_slot **key_bucket(struct switch_claims *claims, const struct switch_slot *s)
{
    return &claims->by_key[s->key_hash % BUCKETS];
}

static struct switch_slot **original_bucket(struct switch_claims *claims, const struct switch_slot *s)
{
    return &claims->by_original[s->original_hash % BUCKETS];
}

static struct switch_slot *claim(struct switch_claims *claims, struct switch_slot *s)
{
    struct switch_slot **key = key_bucket(claims, s);
    struct switch_slot **original = original_bucket(claims, s);
    for (struct switch_slot *other = *key; other; other = other->next_key)
        if (same_key(other, s))
            return other;
    s->next_key = *key;
    *key = s;
    s->next_original = *original;
    *original = s;
    s->claim = ++claims->claimed;
    return NULL;
}

/* An authorisation and its reversal are never evaluated side by side. Whoever claimed first goes first, so none waits for the
 * other in a circle. */
static struct switch_slot *counterpart(struct switch_claims *claims, const struct switch_slot *s)
{
    for (struct switch_slot *other = *original_bucket(claims, s); other; other = other->next_original)
        if (other->kind != s->kind && other->claim < s->claim && same_original(other, s))
            return other;
    return NULL;
}

struct switch_slot *switch_slot_ahead(struct switch_claims *claims, struct switch_slot *s)
{
    struct switch_slot *same = s->claim == 0 ? claim(claims, s) : NULL;
    return same ? same : counterpart(claims, s);
}

static void unclaim(struct switch_claims *claims, struct switch_slot *s)
{
    struct switch_slot **at = key_bucket(claims, s);
    while (*at && *at != s)
        at = &(*at)->next_key;
    ASSERT(*at == s);
    *at = s->next_key;
    at = original_bucket(claims, s);
    while (*at && *at != s)
        at = &(*at)->next_original;
    ASSERT(*at == s);
    *at = s->next_original;
}

void switch_slot_wipe(struct switch_claims *claims, struct switch_slot *s)
{
    ASSERT(!s->parking && !s->behind.first && !s->read && !s->card);
    if (s->claim != 0)
        unclaim(claims, s);
    iso8583_message_wipe(&s->answer);
    /* The storage of messages is wiped above as far as it was used; the rest of the slot is small. */
    secret_wipe((uint8_t *)s + sizeof s->item, offsetof(struct switch_slot, answer) - sizeof s->item);
    secret_wipe(&s->original, sizeof *s - offsetof(struct switch_slot, original));
}

enum err switch_claims_create(const struct env *env, struct switch_claims *claims)
{
    env_random(env, &claims->hash_key, sizeof claims->hash_key);
    void *at = NULL;
    TRY(memory_reserve(BUCKETS, sizeof(void *), &at));
    claims->by_key = at;
    TRY(memory_reserve(BUCKETS, sizeof(void *), &at));
    claims->by_original = at;
    return ERR_OK;
}

void switch_claims_destroy(struct switch_claims *claims)
{
    memory_release(claims->by_key, BUCKETS, sizeof(void *));
    memory_release(claims->by_original, BUCKETS, sizeof(void *));
    *claims = (struct switch_claims){0};
}

/* ---- identity ---- */

void switch_slot_message_id(const struct switch_slot *s, struct ledger_message_id *out)
{
    const struct ledger_auth *a = &s->auth;
    *out = (struct ledger_message_id){.link_id = a->link_id,
                                      .mti_class = a->mti_class,
                                      .de7 = a->de7,
                                      .de11 = a->de11,
                                      .de32 = a->de32,
                                      .de37 = a->de37,
                                      .de41 = a->de41,
                                      .de42 = a->de42,
                                      .pan_mac = s->kind == SWITCH_SLOT_REVERSAL ? NULL : a->pan_mac.at,
                                      .network = s->network};
}

static void text_of(char *out, size_t cap, struct span value)
{
    size_t len = value.len < cap ? value.len : cap - 1;
    memcpy(out, value.at, len);
    out[len] = 0;
}

void switch_slot_original_id(const struct switch_slot *s, struct switch_original_texts *room, struct ledger_message_id *out)
{
    struct span acquirer = WIRE_SPAN(s->original.acquirer);
    while (acquirer.len > 0 && acquirer.at[0] == '0')
        acquirer = span_slice(acquirer, 1, acquirer.len - 1);
    text_of(room->mti_class, sizeof room->mti_class, WIRE_SPAN(s->original.mti));
    room->mti_class[3] = '0'; /* a repeat is the same message */
    text_of(room->de7, sizeof room->de7, WIRE_SPAN(s->original.transmission));
    text_of(room->de11, sizeof room->de11, WIRE_SPAN(s->original.stan));
    text_of(room->de32, sizeof room->de32, acquirer);
    *out = (struct ledger_message_id){.link_id = "",
                                      .mti_class = room->mti_class,
                                      .de7 = room->de7,
                                      .de11 = room->de11,
                                      .de32 = room->de32,
                                      .de37 = "",
                                      .de41 = "",
                                      .de42 = "",
                                      .pan_mac = s->auth.pan_mac.at,
                                      .network = s->network};
}
