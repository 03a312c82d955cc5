/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/process/officers.h"

#include "hsm/key/keys.h"
#include "hsm/trail/tell.h"

#include "base/metric.h"

#include "base/arena.h"
#include "keys/error.h"

#include <stdio.h>
#include <string.h>

static const int64_t second_us = 1000000;

struct hsm_officers {
    const struct hsm_context *context;
    struct hsm_officers_config config;
    struct keys_store *store;     /* the one whose LMKs are loaded, locked again; NULL: none yet */
    struct keys_store *candidate; /* read anew for a load; its shares gather here */
    bool pending;
    struct hsm_decision decision;
    unsigned voices; /* bit per officer who agreed */
    int64_t pending_until_us;
    unsigned wrong;   /* wrong keys since the last decision */
    uint64_t refused; /* wrong keys ever */
    int64_t blocked_until_us;
};

static const char *const deed_name[] = {"load", "online", "authorise"};

static enum err tell(char problem[static HSM_PROBLEM], enum err err, const char *what)
{
    (void)snprintf(problem, HSM_PROBLEM, "%s", what);
    return err;
}

/* Begun seconds. */
static int64_t seconds_of(int64_t left_us)
{
    return (left_us + second_us - 1) / second_us;
}

static int64_t now_us(const struct hsm_officers *o)
{
    return env_monotonic_us(o->context->env);
}

/* ---- life ---- */

enum err hsm_officers_create(const struct hsm_context *context, const struct hsm_officers_config *config, struct hsm_officers **out)
{
    void *at = NULL;
    TRY(memory_reserve(1, sizeof(struct hsm_officers), &at));
    struct hsm_officers *o = at;
    o->context = context;
    o->config = *config;
    *out = o;
    return ERR_OK;
}

static void drop_candidate(struct hsm_officers *o)
{
    keys_store_destroy(o->candidate);
    o->candidate = NULL;
}

/* Nothing is pending any more; shares that came for it are wiped. */
static void drop_pending(struct hsm_officers *o)
{
    drop_candidate(o);
    o->pending = false;
    o->voices = 0;
}

void hsm_officers_destroy(struct hsm_officers *o)
{
    if (!o)
        return;
    drop_pending(o);
    keys_store_destroy(o->store);
    memory_release(o, 1, sizeof *o);
}

static bool has_officers(const struct hsm_officers *o)
{
    return o->config.store[0] != 0;
}

/* ---- deeds ---- */

/* Every change of LMKs or state leaves no unwrapped key behind. */
static void changed(struct hsm_officers *o)
{
    hsm_keys_flush(o->context->keys);
}

static void forget_lmks(struct hsm_officers *o)
{
    keys_lmk_set_clear(o->context->lmks);
    hsm_state_end_all(o->context->state);
    changed(o);
}

static const char *barred(const struct hsm_officers *o, const struct keys_store *store)
{
    const struct keys_store_facts facts = keys_store_facts(store);
    const struct keys_lmk_facts *lmk = NULL;
    if (facts.lmks == 0)
        return "the store has no LMK yet: `lmk form` makes one";
    if (o->config.voices > facts.officers)
        return "hsm.authorise_officers asks for more officers than the store has";
    if (!o->config.live_only)
        return NULL;
    if (facts.below_floor)
        return "the store has a scrypt cost for tests, which hardened mode refuses";
    for (size_t i = 0; (lmk = keys_store_lmk(store, i)); i++)
        if (lmk->test)
            return "the store has a test LMK, which hardened mode refuses";
    return NULL;
}

static enum err carry_out_load(struct hsm_officers *o, char problem[static HSM_PROBLEM])
{
    ASSERT(o->candidate);
    enum err err = keys_store_open(o->candidate);
    if (err != ERR_OK) {
        drop_candidate(o);
        return tell(problem, err, "the store was changed after it was written; nothing is loaded");
    }
    forget_lmks(o);
    err = keys_store_fill(o->candidate, o->context->lmks);
    keys_store_lock(o->candidate);
    if (err != ERR_OK) {
        forget_lmks(o);
        drop_candidate(o);
        return tell(problem, err, "an LMK of the store cannot be loaded; none is");
    }
    keys_store_destroy(o->store);
    o->store = o->candidate;
    o->candidate = NULL;
    hsm_state_secure_set(o->context->state, false);
    HSM_TELL(o->context->tell, LOG_INFO, "hsm.lmks_loaded", LOG_INT("lmks", keys_store_facts(o->store).lmks),
             LOG_INT("generation", keys_store_facts(o->store).generation));
    return ERR_OK;
}

static enum err carry_out_online(struct hsm_officers *o, char problem[static HSM_PROBLEM])
{
    if (!keys_lmk_facts_at(o->context->lmks, 0))
        return tell(problem, ERR_NOT_AUTHORISED, "no LMK is loaded: `lmk load` first");
    hsm_state_secure_set(o->context->state, false);
    changed(o);
    HSM_TELL(o->context->tell, LOG_INFO, "hsm.state", LOG_TEXT("state", "online"));
    return ERR_OK;
}

static enum err carry_out_authorise(struct hsm_officers *o, const struct hsm_decision *d, char problem[static HSM_PROBLEM])
{
    char name[HSM_ACTIVITY_SIZE];
    struct buf text = buf_over(name, sizeof name);
    hsm_activity_put(d->activity, d->type, &text);
    int64_t until_us = d->minutes ? now_us(o) + (int64_t)d->minutes * 60 * second_us : 0;
    if (hsm_state_authorise(o->context->state, d->lmk, d->activity, d->type, until_us) != ERR_OK)
        return tell(problem, ERR_BUSY, "too many activities are authorised: cancel some");
    changed(o);
    HSM_TELL(o->context->tell, LOG_WARN, "hsm.authorised", LOG_INT("lmk", d->lmk), LOG_TEXT("activity", buf_text(&text)),
             LOG_INT("minutes", d->minutes));
    return ERR_OK;
}

static enum err carry_out(struct hsm_officers *o, const struct hsm_decision *d, char problem[static HSM_PROBLEM])
{
    switch (d->deed) {
    case HSM_LOAD:
        return carry_out_load(o, problem);
    case HSM_ONLINE:
        return carry_out_online(o, problem);
    case HSM_AUTHORISE:
    default:
        return carry_out_authorise(o, d, problem);
    }
}

/* What cannot be is told to the first officer, before anybody's passphrase is asked for. */
static enum err admissible(const struct hsm_officers *o, const struct hsm_decision *d, char problem[static HSM_PROBLEM])
{
    if (d->deed == HSM_LOAD)
        return ERR_OK;
    if (has_officers(o) && !o->store)
        return tell(problem, ERR_NOT_AUTHORISED, "no LMK is loaded: `lmk load` first");
    if (d->deed == HSM_AUTHORISE && !hsm_keys_loaded(o->context->keys, d->lmk))
        return tell(problem, KEYS_ERR_LMK_IDENTIFIER, "that LMK is not loaded");
    if (d->deed == HSM_AUTHORISE && hsm_state_secure(o->context->state))
        return tell(problem, ERR_NOT_AUTHORISED, "the HSM is in secure state: `lmk online` first");
    return ERR_OK;
}

/* ---- voices ---- */

/* The store that a deed is proved against; a load reads it anew, unless shares are waiting for the rest. */
static enum err store_for(struct hsm_officers *o, enum hsm_deed deed, struct keys_store **out, char problem[static HSM_PROBLEM])
{
    char why[KEYS_STORE_PROBLEM] = "";
    if (!has_officers(o))
        return tell(problem, ERR_NOT_AUTHORISED, "the HSM runs under test LMKs and has no officers");
    if (deed != HSM_LOAD) {
        *out = o->store;
        return o->store ? ERR_OK : tell(problem, ERR_NOT_AUTHORISED, "no LMK is loaded: `lmk load` first");
    }
    if (!o->candidate || keys_store_proved(o->candidate) == 0) {
        drop_candidate(o);
        if (keys_store_read(o->config.store, &o->candidate, why) != ERR_OK)
            return tell(problem, ERR_CONFIG, why);
        const char *reason = barred(o, o->candidate);
        if (reason) {
            drop_candidate(o);
            return tell(problem, ERR_FORBIDDEN, reason);
        }
    }
    *out = o->candidate;
    return ERR_OK;
}

enum err hsm_officers_salt(struct hsm_officers *o, uint8_t number, enum hsm_deed deed, struct hsm_salt *out,
                           char problem[static HSM_PROBLEM])
{
    struct keys_store *store = NULL;
    TRY(store_for(o, deed, &store, problem));
    const uint8_t *salt = keys_store_salt(store, number);
    if (!salt)
        return tell(problem, ERR_NOT_FOUND, "the store has no officer of that number");
    out->cost = keys_store_facts(store).cost;
    out->officers = keys_store_facts(store).officers;
    memcpy(out->salt, salt, sizeof out->salt);
    return ERR_OK;
}

static enum err refused(struct hsm_officers *o, uint8_t number, char problem[static HSM_PROBLEM])
{
    int64_t wait_s = 0;
    o->wrong++;
    o->refused++;
    if (o->wrong >= HSM_TRIES_FREE) {
        unsigned doublings = o->wrong - HSM_TRIES_FREE;
        wait_s = doublings > 8 ? HSM_WAIT_MAX_S : INT64_C(1) << doublings;
        o->blocked_until_us = now_us(o) + wait_s * second_us;
    }
    HSM_TELL(o->context->tell, LOG_WARN, "hsm.officer_refused", LOG_INT("officer", number), LOG_INT("wrong", o->wrong),
             LOG_INT("wait_s", wait_s));
    return tell(problem, ERR_AUTHENTICATION, "that is not the passphrase of this officer");
}

static enum err not_blocked(const struct hsm_officers *o, char problem[static HSM_PROBLEM])
{
    int64_t left_us = o->blocked_until_us - now_us(o);
    if (left_us <= 0)
        return ERR_OK;
    (void)snprintf(problem, HSM_PROBLEM, "after wrong passphrases: try again in %lld s", (long long)seconds_of(left_us));
    return ERR_RATE;
}

static bool same(const struct hsm_decision *a, const struct hsm_decision *b)
{
    bool plain = a->deed == b->deed && a->lmk == b->lmk && a->activity == b->activity && a->minutes == b->minutes;
    return plain && strcmp(a->type, b->type) == 0;
}

/* The decision that voices are gathered for from here on. */
static void gather_for(struct hsm_officers *o, const struct hsm_decision *d)
{
    if (o->pending && same(&o->decision, d))
        return;
    if (o->pending && d->deed != HSM_LOAD)
        drop_candidate(o);
    o->pending = true;
    o->decision = *d;
    o->voices = 0;
    o->pending_until_us = now_us(o) + HSM_PENDING_S * second_us;
}

enum err hsm_officers_prove(struct hsm_officers *o, uint8_t number, const uint8_t key[static KEYS_STORE_KEY],
                            const struct hsm_decision *decision, struct hsm_voices *out, char problem[static HSM_PROBLEM])
{
    struct keys_store *store = NULL;
    TRY(not_blocked(o, problem));
    TRY(admissible(o, decision, problem));
    TRY(store_for(o, decision->deed, &store, problem));
    enum err err = keys_store_prove(store, number, key);
    if (err == ERR_AUTHENTICATION)
        return refused(o, number, problem);
    if (err != ERR_OK)
        return tell(problem, err, err_row(err)->text);
    gather_for(o, decision);
    ASSERT(o->pending && number >= 1 && number <= KEYS_STORE_OFFICERS);
    o->voices |= 1u << number;
    if (decision->deed != HSM_LOAD)
        keys_store_forget(store); /* he is there; his share is not wanted */
    unsigned need = decision->deed == HSM_LOAD ? keys_store_facts(store).needed : o->config.voices;
    *out = (struct hsm_voices){.have = (unsigned)__builtin_popcount(o->voices), .need = need};
    out->done = out->have >= need;
    HSM_TELL(o->context->tell, LOG_INFO, "hsm.officer", LOG_INT("officer", number), LOG_TEXT("for", deed_name[decision->deed]),
             LOG_INT("voices", out->have), LOG_INT("needed", need));
    if (!out->done)
        return ERR_OK;
    err = carry_out(o, decision, problem);
    drop_pending(o);
    o->wrong = 0;
    return err;
}

enum err hsm_officers_decide(struct hsm_officers *o, const struct hsm_decision *decision, char problem[static HSM_PROBLEM])
{
    if (has_officers(o) || decision->deed == HSM_LOAD)
        return tell(problem, ERR_NOT_AUTHORISED, has_officers(o) ? "officers have to agree" : "there is no store to load");
    TRY(admissible(o, decision, problem));
    return carry_out(o, decision, problem);
}

/* ---- what only takes away ---- */

void hsm_officers_secure(struct hsm_officers *o)
{
    hsm_state_secure_set(o->context->state, true);
    drop_pending(o);
    changed(o);
    HSM_TELL(o->context->tell, LOG_WARN, "hsm.state", LOG_TEXT("state", "secure"));
}

void hsm_officers_cancel(struct hsm_officers *o, uint8_t lmk)
{
    hsm_state_end(o->context->state, lmk);
    changed(o);
    HSM_TELL(o->context->tell, LOG_WARN, "hsm.authority_ended", LOG_INT("lmk", lmk), LOG_TEXT("by", "officer"));
}

enum err hsm_officers_cancel_one(struct hsm_officers *o, uint8_t lmk, enum hostcmd_activity activity, const char *type)
{
    char name[HSM_ACTIVITY_SIZE];
    struct buf text = buf_over(name, sizeof name);
    hsm_activity_put(activity, type, &text);
    if (!hsm_state_end_one(o->context->state, lmk, activity, type))
        return ERR_NOT_FOUND;
    changed(o);
    HSM_TELL(o->context->tell, LOG_WARN, "hsm.authority_ended", LOG_INT("lmk", lmk), LOG_TEXT("activity", buf_text(&text)),
             LOG_TEXT("by", "officer"));
    return ERR_OK;
}

void hsm_officers_zeroise(struct hsm_officers *o)
{
    drop_pending(o);
    forget_lmks(o);
    keys_store_destroy(o->store);
    o->store = NULL;
    hsm_state_secure_set(o->context->state, true);
    HSM_TELL(o->context->tell, LOG_WARN, "hsm.zeroised", LOG_TEXT("state", "secure"));
}

void hsm_officers_tick(void *officers)
{
    struct hsm_officers *o = officers;
    size_t ended = hsm_state_expire(o->context->state);
    if (ended > 0) {
        changed(o);
        HSM_TELL(o->context->tell, LOG_WARN, "hsm.authority_ended", LOG_INT("activities", ended), LOG_TEXT("by", "time"));
    }
    if (o->pending && now_us(o) >= o->pending_until_us) {
        drop_pending(o);
        HSM_TELL(o->context->tell, LOG_WARN, "hsm.decision_dropped", LOG_TEXT("by", "time"));
    }
}

bool hsm_officers_ready(const struct hsm_officers *o)
{
    return !hsm_state_secure(o->context->state) && keys_lmk_facts_at(o->context->lmks, 0);
}

void hsm_officers_metrics(const struct hsm_officers *o, struct buf *out)
{
    int64_t lmks = 0, authorities = 0;
    struct hsm_state *state = o->context->state;
    while (keys_lmk_facts_at(o->context->lmks, (size_t)lmks))
        lmks++;
    for (size_t i = 0; i < HSM_AUTHORITIES; i++)
        authorities += hsm_state_authority(state, i).activity != HOSTCMD_OPEN;
    metric_put(out, "countersign_hsm_online", "1 online, 0 secure", "gauge", !hsm_state_secure(state));
    metric_put(out, "countersign_hsm_lmks", "LMKs loaded, old ones as well", "gauge", lmks);
    metric_put(out, "countersign_hsm_authorities", "activities authorised", "gauge", authorities);
    metric_put(out, "countersign_hsm_officers_refused_total", "wrong passphrases at the console", "counter", (int64_t)o->refused);
}

/* ---- for people ---- */

static void put_words(struct buf *out, const char *const *word, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_put_byte(out, ' ');
        buf_put_text(out, word[i]);
    }
}

static void put_lmk(const struct keys_lmk_facts *lmk, size_t activities, struct buf *out)
{
    const char *const word[] = {lmk->kind == KEYS_LMK_VARIANT ? "variant" : "key-block", lmk->test ? "test" : "live",
                                lmk->old ? "old" : "current", lmk->check};
    buf_put_text(out, "lmk ");
    buf_put_decimal(out, lmk->id, 2);
    buf_put_byte(out, ' ');
    put_words(out, word, sizeof word / sizeof word[0]);
    buf_put_byte(out, ' ');
    buf_put_decimal(out, lmk->old ? 0 : activities, 0);
    buf_put_byte(out, ' ');
    buf_put_text(out, lmk->comment);
    buf_put_byte(out, '\n');
}

static void put_authority(const struct hsm_officers *o, const struct hsm_authority *a, struct buf *out)
{
    buf_put_text(out, "authority ");
    buf_put_decimal(out, a->lmk, 2);
    buf_put_byte(out, ' ');
    hsm_activity_put(a->activity, a->type, out);
    buf_put_byte(out, ' ');
    buf_put_integer(out, a->until_us ? seconds_of(a->until_us - now_us(o)) : 0);
    buf_put_byte(out, '\n');
}

static void put_pending(const struct hsm_officers *o, struct buf *out)
{
    if (!o->pending)
        return;
    buf_put_text(out, "pending ");
    buf_put_text(out, deed_name[o->decision.deed]);
    buf_put_byte(out, ' ');
    buf_put_integer(out, __builtin_popcount(o->voices));
    buf_put_byte(out, ' ');
    buf_put_integer(out, seconds_of(o->pending_until_us - now_us(o)));
    buf_put_byte(out, '\n');
}

void hsm_officers_describe(const struct hsm_officers *o, struct buf *out)
{
    const struct keys_lmk_facts *lmk = NULL;
    struct hsm_state *state = o->context->state;
    buf_put_text(out, hsm_state_secure(state) ? "state secure\n" : "state online\n");
    buf_put_text(out, "store ");
    buf_put_text(out, has_officers(o) ? o->config.store : "none");
    buf_put_byte(out, '\n');
    for (size_t i = 0; (lmk = keys_lmk_facts_at(o->context->lmks, i)); i++)
        put_lmk(lmk, hsm_state_count(state, lmk->id), out);
    for (size_t i = 0; i < HSM_AUTHORITIES; i++) {
        struct hsm_authority a = hsm_state_authority(state, i);
        if (a.activity != HOSTCMD_OPEN)
            put_authority(o, &a, out);
    }
    put_pending(o, out);
}
