/* SPDX-License-Identifier: Apache-2.0 */
/* One writer a card in this process. Other nodes are kept apart by the version of the row (issuer.md 4.1 step 4). */
#include "issuer/internal.h"

#include <string.h>

static struct issuer_job **bucket_of(struct issuer *issuer, const struct issuer_job *job)
{
    uint64_t hash = UINT64_C(0xCBF29CE484222325); /* FNV-1a: a bucket is never longer than the jobs under way */
    for (const char *at = job->reference; *at; at++)
        hash = (hash ^ (uint8_t)*at) * UINT64_C(0x100000001B3);
    return &issuer->holder[hash % ISSUER_HOLDERS];
}

/* Who asks is not known yet: a job waits for those that came with its own API key alone. So nobody can hold up the card of another
 * issuer, or see by waiting that it is there. Two clients of an issuer meet at the version of the row, as two nodes do. */
static bool same_card(const struct issuer_job *a, const struct issuer_job *b)
{
    return strcmp(a->reference, b->reference) == 0 && secret_equal(a->key_hash, b->key_hash, sizeof a->key_hash);
}

static struct issuer_job *holder_find(struct issuer *issuer, const struct issuer_job *job)
{
    struct issuer_job *other = *bucket_of(issuer, job);
    while (other && !same_card(other, job))
        other = other->next_holder;
    return other;
}

static void hold(struct issuer *issuer, struct issuer_job *job)
{
    struct issuer_job **bucket = bucket_of(issuer, job);
    ASSERT(!job->holds && !job->parked);
    job->holds = true;
    job->next_holder = *bucket;
    *bucket = job;
}

static void park(struct issuer_job *holder, struct issuer_job *job)
{
    job->parked_next = NULL;
    if (holder->parked)
        holder->parked_last->parked_next = job;
    else
        holder->parked = job;
    holder->parked_last = job;
}

static void unpark(struct issuer_job *holder, const struct issuer_job *job)
{
    struct issuer_job *before = NULL;
    for (struct issuer_job *j = holder->parked; j != job; j = j->parked_next)
        before = j;
    if (before)
        before->parked_next = job->parked_next;
    else
        holder->parked = job->parked_next;
    if (holder->parked_last == job)
        holder->parked_last = before;
}

/* A holder may wait for the store longer than a client shall wait for the holder. */
static void hold_or_park(struct issuer *issuer, struct issuer_job *job)
{
    bool free_to_go = !job->operation->writes || !job->reference[0] || job->holds;
    struct issuer_job *holder = free_to_go ? NULL : holder_find(issuer, job);
    if (holder && job->item.expired) {
        unpark(holder, job);
        job->retry_after_s = ISSUER_RETRY_AFTER_S;
        issuer_go_on(issuer, job, ERR_BUSY, ISSUER_REPLIED);
    } else if (holder) {
        park(holder, job);
        flow_wait_at(&job->item, job->item.stage, flow_now_us(issuer->flow) + ISSUER_HOLD_TIMES * issuer->config.store_timeout_us);
    } else {
        if (!free_to_go)
            hold(issuer, job);
        flow_next(&job->item);
    }
}

void issuer_hold_stage(void *context, struct flow_item *const *item, size_t count)
{
    for (size_t i = 0; i < count; i++)
        hold_or_park(context, issuer_job_of(item[i]));
}

/* The first of those that wait has the card next, and the others wait for it. */
void issuer_card_release(struct issuer *issuer, struct issuer_job *job)
{
    if (!job->holds)
        return;
    struct issuer_job **at = bucket_of(issuer, job);
    while (*at != job)
        at = &(*at)->next_holder;
    *at = job->next_holder;
    job->holds = false;
    struct issuer_job *next = job->parked;
    if (!next)
        return;
    struct issuer_job *last = job->parked_last;
    job->parked = NULL;
    hold(issuer, next);
    next->parked = next->parked_next;
    next->parked_last = last;
    if (next->item.place == FLOW_WAITING) /* else its deadline has just passed: it goes on by itself, and holds the card */
        flow_resume(issuer->flow, &next->item);
}
