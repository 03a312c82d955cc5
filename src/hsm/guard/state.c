/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/guard/state.h"

#include "base/arena.h"

#include <string.h>

enum { TYPE_LEN = HSM_TYPE_SIZE - 1 };

struct hsm_state {
    const struct env *env;
    bool secure;
    size_t held; /* places taken, in force or not: most of the time none, and nothing is searched */
    struct hsm_authority authority[HSM_AUTHORITIES];
};

enum err hsm_state_create(const struct env *env, struct hsm_state **out)
{
    void *at = NULL;
    TRY(memory_reserve(1, sizeof(struct hsm_state), &at));
    struct hsm_state *state = at;
    state->env = env;
    *out = state;
    return ERR_OK;
}

void hsm_state_destroy(struct hsm_state *state)
{
    if (state)
        memory_release(state, 1, sizeof *state);
}

bool hsm_state_secure(const struct hsm_state *state)
{
    return state->secure;
}

void hsm_state_secure_set(struct hsm_state *state, bool secure)
{
    state->secure = secure;
    if (secure)
        hsm_state_end_all(state);
}

/* ---- authorities ---- */

static bool in_force(const struct hsm_state *state, const struct hsm_authority *a)
{
    return a->activity != HOSTCMD_OPEN && (a->until_us == 0 || env_monotonic_us(state->env) < a->until_us);
}

static void end(struct hsm_state *state, struct hsm_authority *a)
{
    ASSERT(a->activity == HOSTCMD_OPEN || state->held > 0);
    state->held -= a->activity != HOSTCMD_OPEN;
    *a = (struct hsm_authority){0};
}

size_t hsm_state_expire(struct hsm_state *state)
{
    size_t ended = 0;
    for (size_t i = 0; state->held > 0 && i < HSM_AUTHORITIES; i++) {
        struct hsm_authority *a = &state->authority[i];
        if (a->activity == HOSTCMD_OPEN || in_force(state, a))
            continue;
        end(state, a);
        ended++;
    }
    return ended;
}

/* The place of the same authority, else a free one, else NULL. */
static struct hsm_authority *place_for(struct hsm_state *state, uint8_t lmk, enum hostcmd_activity activity, const char *type)
{
    struct hsm_authority *free_place = NULL;
    for (size_t i = 0; i < HSM_AUTHORITIES; i++) {
        struct hsm_authority *a = &state->authority[i];
        if (a->activity == activity && a->lmk == lmk && strcmp(a->type, type) == 0)
            return a;
        if (!free_place && a->activity == HOSTCMD_OPEN)
            free_place = a;
    }
    return free_place;
}

enum err hsm_state_authorise(struct hsm_state *state, uint8_t lmk, enum hostcmd_activity activity, const char *type,
                             int64_t until_us)
{
    ASSERT(activity != HOSTCMD_OPEN && strlen(type) <= TYPE_LEN);
    (void)hsm_state_expire(state);
    struct hsm_authority *a = place_for(state, lmk, activity, type);
    if (!a)
        return ERR_BUSY;
    state->held += a->activity == HOSTCMD_OPEN;
    ASSERT(state->held <= HSM_AUTHORITIES);
    *a = (struct hsm_authority){.activity = activity, .lmk = lmk, .until_us = until_us};
    memcpy(a->type, type, strlen(type));
    return ERR_OK;
}

bool hsm_state_authorised(const struct hsm_state *state, uint8_t lmk, enum hostcmd_activity activity, struct span type)
{
    for (size_t i = 0; state->held > 0 && i < HSM_AUTHORITIES; i++) {
        const struct hsm_authority *a = &state->authority[i];
        bool covers = a->activity == activity && a->lmk == lmk && (a->type[0] == 0 || span_is(type, a->type));
        if (covers && in_force(state, a))
            return true;
    }
    return false;
}

size_t hsm_state_count(const struct hsm_state *state, uint8_t lmk)
{
    size_t count = 0;
    for (size_t i = 0; state->held > 0 && i < HSM_AUTHORITIES; i++)
        count += state->authority[i].lmk == lmk && in_force(state, &state->authority[i]);
    return count;
}

void hsm_state_end(struct hsm_state *state, uint8_t lmk)
{
    for (size_t i = 0; i < HSM_AUTHORITIES; i++)
        if (state->authority[i].lmk == lmk)
            end(state, &state->authority[i]);
}

bool hsm_state_end_one(struct hsm_state *state, uint8_t lmk, enum hostcmd_activity activity, const char *type)
{
    for (size_t i = 0; i < HSM_AUTHORITIES; i++) {
        struct hsm_authority *a = &state->authority[i];
        if (a->activity != activity || a->lmk != lmk || strcmp(a->type, type) != 0)
            continue;
        end(state, a);
        return true;
    }
    return false;
}

void hsm_state_end_all(struct hsm_state *state)
{
    memset(state->authority, 0, sizeof state->authority);
    state->held = 0;
}

struct hsm_authority hsm_state_authority(const struct hsm_state *state, size_t place)
{
    ASSERT(place < HSM_AUTHORITIES);
    const struct hsm_authority *a = &state->authority[place];
    return in_force(state, a) ? *a : (struct hsm_authority){0};
}

/* ---- names of activities ---- */

static const char host_suffix[] = ".host";

static bool is_type(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (!(text.at[i] >= '0' && text.at[i] <= '9') && !(text.at[i] >= 'A' && text.at[i] <= 'F'))
            return false;
    return text.len == TYPE_LEN;
}

enum err hsm_activity_parse(struct span text, enum hostcmd_activity *activity, char type[static HSM_TYPE_SIZE])
{
    const size_t suffix = sizeof host_suffix - 1;
    if (text.len <= suffix || !span_is(span_slice(text, text.len - suffix, suffix), host_suffix))
        return ERR_PARSE_VALUE;
    text = span_slice(text, 0, text.len - suffix);
    for (enum hostcmd_activity a = HOSTCMD_GENERATE; a <= HOSTCMD_EXPORT; a++) {
        size_t len = strlen(hostcmd_activity_name(a));
        if (!span_is(span_slice(text, 0, len), hostcmd_activity_name(a)))
            continue;
        struct span rest = span_slice(text, len, text.len);
        bool all = rest.len == 0;
        if (!all && (rest.at[0] != '.' || !is_type(span_slice(rest, 1, rest.len))))
            return ERR_PARSE_VALUE;
        memset(type, 0, HSM_TYPE_SIZE);
        if (!all)
            memcpy(type, rest.at + 1, TYPE_LEN);
        *activity = a;
        return ERR_OK;
    }
    return ERR_PARSE_VALUE;
}

void hsm_activity_put(enum hostcmd_activity activity, const char *type, struct buf *out)
{
    buf_put_text(out, hostcmd_activity_name(activity));
    if (type[0]) {
        buf_put_byte(out, '.');
        buf_put_text(out, type);
    }
    buf_put_text(out, host_suffix);
}
