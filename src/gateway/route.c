/* SPDX-License-Identifier: Apache-2.0 */
/* Least-cost routing: the networks a card may travel over, and the cheapest of them that is up. */
#include "gateway/internal.h"

#include <string.h>

/* The row with the longest prefix of the number. */
static const struct gateway_bin *bin_of(const struct gateway_config *config, const struct card_pan *pan)
{
    const struct gateway_bin *best = NULL;
    for (size_t i = 0; i < config->bin_count; i++) {
        const struct gateway_bin *row = &config->bin[i];
        size_t len = strlen(row->prefix);
        if (len <= pan->len && span_is(span_of(pan->digit, len), row->prefix) && (!best || len > strlen(best->prefix)))
            best = row;
    }
    return best;
}

/* Thousandths of a minor unit. */
static uint64_t route_cost(const struct gateway_link_config *link, uint64_t amount_minor)
{
    uint64_t cost = (uint64_t)link->fixed_milli + amount_minor * (uint64_t)link->basis_points / 10;
    return link->ceiling_milli > 0 && cost > (uint64_t)link->ceiling_milli ? (uint64_t)link->ceiling_milli : cost;
}

static bool next_name(const char **rest, struct span *name)
{
    *rest += strspn(*rest, ", ");
    size_t len = strcspn(*rest, ", ");
    *name = span_of(*rest, len);
    *rest += len;
    return len > 0;
}

static struct acquirer_link *link_named(const struct gateway *g, struct span name, uint8_t *index)
{
    for (uint8_t i = 0; i < g->config.link_count; i++)
        if (span_is(name, g->config.link[i].link.name)) {
            *index = i;
            return g->link[i];
        }
    return NULL;
}

/* The merchant's preferred network if the card has it; otherwise the cheapest, on equal cost the one the row names first. `links`:
 * how many of them there are, up or down. */
static bool choose(const struct gateway *g, const struct gateway_bin *row, const struct gateway_slot *slot, size_t *links,
                   uint8_t *out)
{
    bool found = false;
    uint64_t best = 0;
    struct span name;
    const char *rest = row->networks;
    *links = 0;
    while (next_name(&rest, &name)) {
        uint8_t index = 0;
        struct acquirer_link *link = link_named(g, name, &index);
        *links += !!link;
        if (!link || !acquirer_up(link))
            continue;
        uint64_t cost = route_cost(&g->config.link[index], slot->x.payment.amount_minor);
        bool preferred = span_is(name, slot->x.merchant->prefer);
        if (!found || preferred || cost < best) {
            found = true;
            best = cost;
            *out = index;
        }
        if (preferred)
            break;
    }
    return found;
}

/* No network is asked: a reference is all that an answer needs. */
static void route_nowhere(struct gateway_slot *slot)
{
    static const char sandbox[] = "sandbox";
    struct gateway_payment *payment = &slot->x.payment;
    struct buf rrn = buf_over(payment->stamp.rrn, sizeof payment->stamp.rrn - 1);
    buf_put_decimal(&rrn, (uint64_t)slot->x.now_ms % 1000000000000u, 12);
    memcpy(payment->network, sandbox, sizeof sandbox);
    gateway_payment_trace_add(payment, "route", GATEWAY_OUTCOME_PASS, sandbox);
}

static void route(struct gateway *g, struct gateway_slot *slot)
{
    struct gateway_payment *payment = &slot->x.payment;
    const struct gateway_bin *row = bin_of(&g->config, &slot->secret->payment.pan);
    size_t links = 0;
    if (!row || !choose(g, row, slot, &links, &payment->link)) {
        slot->unrouted = true; /* a repeat gets its stored answer all the same: see CLAIM */
        slot->untaken = links == 0;
        return;
    }
    const char *name = g->config.link[payment->link].link.name;
    memcpy(payment->network, name, sizeof payment->network);
    acquirer_stamp(g->link[payment->link], slot->x.now_ms, &payment->stamp);
    gateway_payment_trace_add(payment, "route", GATEWAY_OUTCOME_PASS, name);
}

void gateway_stage_route(void *context, struct flow_item *const *item, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct gateway_slot *slot = gateway_slot_of(item[i]);
        if (slot->x.payment.simulated)
            route_nowhere(slot);
        else
            route(context, slot);
        flow_next(item[i]);
    }
}
