/* SPDX-License-Identifier: Apache-2.0 */
/* One writer a card in this process. Other nodes are kept apart by the version of the row (issuer.md 4.1 step 4). */
#include "issuer/internal.h"

#include <string.h>

static struct job *find(struct issuer *issuer, const struct job *self, bool holder)
{
    for (uint32_t i = 0; i < issuer->config.slots; i++) {
        struct job *job = &issuer->job[i];
        bool wanted = holder ? job->holds : job->stage == JOB_PARKED;
        if (job != self && wanted && strcmp(job->card_id, self->card_id) == 0)
            return job;
    }
    return NULL;
}

bool issuer_card_hold(struct issuer *issuer, struct job *job)
{
    if (job->holds || !job->card_id[0] || !job->operation->committed)
        return true;
    if (find(issuer, job, true)) {
        job->stage = JOB_PARKED;
        issuer->parked++;
        return false;
    }
    job->holds = true;
    return true;
}

void issuer_card_release(struct issuer *issuer, struct job *job)
{
    if (!job->holds)
        return;
    job->holds = false;
    struct job *next = issuer->parked > 0 ? find(issuer, job, false) : NULL;
    if (!next)
        return;
    issuer->parked--;
    next->stage = JOB_LOADING;
    next->holds = true;
    issuer->reload[issuer->reload_count++] = next;
    issuer->config.wake(issuer->config.wake_context);
}
