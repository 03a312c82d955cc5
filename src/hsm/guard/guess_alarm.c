/* SPDX-License-Identifier: Apache-2.0 */
/* What the guessing limit tells, and of whom: the client whose commands brought the failures (host-commands.md 10). */
#include "hsm/guard/internal.h"

#include <stdio.h>
#include <string.h>

/* Failures of yesterday count half, those of the day before a quarter. */
static void age_clients(struct hsm_guess *g, int64_t now)
{
    for (; now - g->aged_ms >= DAY_MS; g->aged_ms += DAY_MS)
        for (size_t i = 0; i < CLIENTS; i++)
            g->client[i].failures /= 2;
}

/* A client that has no place takes that of the one with the fewest, with its count: the one with the most is never lost. */
static struct guesser *place_of(struct hsm_guess *g, const char *name)
{
    struct guesser *least = &g->client[0];
    for (size_t i = 0; i < CLIENTS; i++) {
        struct guesser *c = &g->client[i];
        if (c->failures > 0 && strncmp(c->name, name, sizeof c->name - 1) == 0)
            return c;
        if (c->failures < least->failures)
            least = c;
    }
    (void)snprintf(least->name, sizeof least->name, "%s", name);
    return least;
}

void hsm_guess_by(struct hsm_guess *guess, const char *client)
{
    if (guess)
        guess->by = client;
}

void hsm_guess_blame(struct hsm_guess *g, int64_t now)
{
    age_clients(g, now);
    place_of(g, g->by ? g->by : "")->failures++;
}

static const struct guesser *worst(const struct hsm_guess *g)
{
    const struct guesser *most = &g->client[0];
    for (size_t i = 1; i < CLIENTS; i++)
        if (g->client[i].failures > most->failures)
            most = &g->client[i];
    return most;
}

static const char *shown(const char *name)
{
    return name && name[0] ? name : "without a certificate";
}

static void tell(struct hsm_guess *g, enum log_level level, const char *event, const struct log_field *field, size_t count)
{
    if (g->hook.tell)
        g->hook.tell(g->hook.context, level, event, field, count);
}

void hsm_guess_tell_reached(struct hsm_guess *g, const struct entry *e)
{
    char label[HSM_GUESS_LABEL];
    struct buf out = buf_over(label, sizeof label);
    buf_put_hex(&out, e->key, (HSM_GUESS_LABEL - 1) / 2);
    const struct log_field field[] = {LOG_TEXT("card", buf_text(&out)), LOG_TEXT("client", shown(g->by))};
    tell(g, LOG_WARN, "hsm.guess_limit", field, 2);
}

void hsm_guess_tell_full(struct hsm_guess *g, int64_t now, bool closed)
{
    if (now - g->told_ms[closed] < WARN_MS)
        return;
    const struct guesser *most = worst(g);
    const struct log_field field[] = {
        LOG_INT("pans", g->count),
        LOG_INT("forgotten", g->dropped - g->dropped_told),
        LOG_TEXT("client", shown(most->name)),
        LOG_INT("failures", most->failures),
        LOG_TEXT("see", "hsm.guess_pans and hsm.guess_memory"),
    };
    tell(g, closed ? LOG_ERROR : LOG_WARN, closed ? "hsm.guess_closed" : "hsm.guess_full", field, sizeof field / sizeof field[0]);
    g->dropped_told = g->dropped;
    g->told_ms[closed] = now;
}
