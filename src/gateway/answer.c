/* SPDX-License-Identifier: Apache-2.0 */
/* The answer: its text, and its way out. */
#include "gateway/internal.h"

static void write(struct gateway_slot *slot)
{
    struct gateway_exchange *x = &slot->x;
    struct buf *body = http_body(x->http);
    if (x->faults.count == 0) {
        if (x->face->answer(x, body) == ERR_OK)
            return;
        buf_clear(body);
        gateway_fault_add(&x->faults, GATEWAY_FAULT_INTERNAL, NULL);
        x->payment.reversal = slot->armed; /* what cannot be told must not stand */
    }
    x->face->error(x, body);
}

void gateway_stage_write(void *context, struct flow_item *const *item, size_t count)
{
    (void)context; /* the face knows what to write */
    for (size_t i = 0; i < count; i++) {
        write(gateway_slot_of(item[i]));
        flow_next(item[i]);
    }
}

static void count_answer(struct gateway_counters *c, unsigned status)
{
    c->answers_2xx += status < 300;
    c->answers_4xx += status >= 400 && status < 500;
    c->answers_5xx += status >= 500;
}

/* The secret page goes to the next request of the same HTTP slot. */
static void forget_secrets(struct gateway *g, struct gateway_slot *slot)
{
    struct gateway_slot_secret *secret = slot->secret;
    ASSERT(secret && !slot->key);
    slot->x.face->forget(slot->x.request);
    secret_wipe(&secret->payment, sizeof secret->payment);
    gateway_job_wipe(&secret->job);
    slot->secret = NULL;
    slot->x.request = NULL;
    slot->order = (struct gateway_order){0};
    g->counters.busy--;
}

static void put_retry_after(struct gateway_exchange *x)
{
    uint8_t room[16];
    struct buf text = buf_over(room, sizeof room);
    if (x->retry_after_s == 0)
        return;
    buf_put_decimal(&text, x->retry_after_s, 0);
    http_put_header(x->http, "Retry-After", buf_span(&text));
}

static void reply(struct gateway *g, struct gateway_slot *slot)
{
    struct gateway_exchange *x = &slot->x;
    ASSERT(x->http && x->status >= 200);
    count_answer(&g->counters, x->status);
    if (x->face->trace_header)
        http_put_header(x->http, x->face->trace_header, span_text(x->trace_id));
    put_retry_after(x);
    forget_secrets(g, slot);
    http_reply(x->http, x->status, x->face->content_type);
    x->http = NULL;
}

void gateway_stage_answer(void *context, struct flow_item *const *item, size_t count)
{
    struct gateway *g = context;
    for (size_t i = 0; i < count; i++) {
        struct gateway_slot *slot = gateway_slot_of(item[i]);
        reply(g, slot);
        bool writes = slot->asked != GATEWAY_ASKED_NOTHING && slot->asked != GATEWAY_ASKED_READ;
        if (item[i]->awaited > 0)
            flow_wait_at(item[i], GATEWAY_STAGE_LEAVE, 0);
        else if (writes && !slot->settled)
            flow_to(item[i], GATEWAY_STAGE_LEAVE);
        else
            flow_done(item[i]);
    }
}
