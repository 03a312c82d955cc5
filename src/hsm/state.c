/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/state.h"

#include "base/arena.h"

#include <string.h>

enum { TYPE_LEN = 3 };

struct authority {
    enum hostcmd_activity activity; /* HOSTCMD_OPEN: a free place */
    uint8_t lmk;
    char type[TYPE_LEN + 1];
    int64_t until_us;
};

struct hsm_state {
    const struct env *env;
    bool secure;
    struct authority authority[HSM_AUTHORITIES];
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
        memset(state->authority, 0, sizeof state->authority);
}

static bool in_force(const struct hsm_state *state, const struct authority *a)
{
    return a->activity != HOSTCMD_OPEN && (a->until_us == 0 || env_monotonic_us(state->env) < a->until_us);
}

enum err hsm_state_authorise(struct hsm_state *state, uint8_t lmk, enum hostcmd_activity activity, const char *type,
                             int64_t until_us)
{
    ASSERT(activity != HOSTCMD_OPEN && strlen(type) <= TYPE_LEN);
    for (size_t i = 0; i < HSM_AUTHORITIES; i++) {
        struct authority *a = &state->authority[i];
        if (in_force(state, a))
            continue;
        *a = (struct authority){.activity = activity, .lmk = lmk, .until_us = until_us};
        memcpy(a->type, type, strlen(type));
        return ERR_OK;
    }
    return ERR_BUSY;
}

bool hsm_state_authorised(const struct hsm_state *state, uint8_t lmk, enum hostcmd_activity activity, struct span type)
{
    for (size_t i = 0; i < HSM_AUTHORITIES; i++) {
        const struct authority *a = &state->authority[i];
        bool covers = a->activity == activity && a->lmk == lmk && (a->type[0] == 0 || span_is(type, a->type));
        if (covers && in_force(state, a))
            return true;
    }
    return false;
}

size_t hsm_state_count(const struct hsm_state *state, uint8_t lmk)
{
    size_t count = 0;
    for (size_t i = 0; i < HSM_AUTHORITIES; i++)
        count += state->authority[i].lmk == lmk && in_force(state, &state->authority[i]);
    return count;
}

void hsm_state_end(struct hsm_state *state, uint8_t lmk)
{
    for (size_t i = 0; i < HSM_AUTHORITIES; i++)
        if (state->authority[i].lmk == lmk)
            state->authority[i] = (struct authority){0};
}
