/* SPDX-License-Identifier: Apache-2.0 */
/* An acquirer with a connection to each node: what it sends, and what it remembers of the answers. */
#include "torture/torture.h"

#include "base/env.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { READ_MS = 90000 }; /* the rest of a frame */
enum { REACH = 64, GARBAGE = 24 };

static uint32_t draw(struct torture_teller *w, uint32_t sides)
{
    w->dice ^= w->dice << 13;
    w->dice ^= w->dice >> 7;
    w->dice ^= w->dice << 17;
    return (uint32_t)(w->dice >> 11) % sides;
}

/* ---- connections ---- */

static void hang_up(struct torture_teller *w, size_t node)
{
    if (w->fd[node] >= 0)
        (void)close(w->fd[node]);
    w->fd[node] = -1;
}

/* A switch that was killed took its connections along, and a write to one of them still succeeds. Else none is closed. */
static void look_up(struct torture_teller *w, size_t node)
{
    struct pollfd p = {.fd = w->fd[node], .events = POLLRDHUP};
    if (w->fd[node] < 0 || poll(&p, 1, 0) <= 0)
        return;
    if (!atomic_load(&w->torture->down) && atomic_load(&w->torture->life[node]) == w->life[node])
        torture_wrong_link(w->torture, node, "a connection was closed, and the switch was not killed");
    hang_up(w, node);
}

static bool call_up(struct torture_teller *w, size_t node)
{
    look_up(w, node);
    for (int i = 0; i < 200 && w->fd[node] < 0; i++) {
        w->life[node] = atomic_load(&w->torture->life[node]);
        w->fd[node] = lab_connect_port(w->torture->lab.port[node][LAB_VISA]);
        if (w->fd[node] < 0)
            (void)usleep(20000);
    }
    return w->fd[node] >= 0;
}

static bool put(struct torture_teller *w, size_t node, const struct iso8583_message *m, bool garbage_behind)
{
    uint8_t room[2 + ISO8583_FRAME_MAX + 2 + GARBAGE];
    size_t len = lab_frame(LAB_VISA, m, room + 2, ISO8583_FRAME_MAX);
    room[0] = (uint8_t)(len >> 8);
    room[1] = (uint8_t)len;
    size_t all = len + 2;
    if (garbage_behind) {
        room[all++] = 0;
        room[all++] = GARBAGE;
        memset(room + all, 0xEE, GARBAGE);
        all += GARBAGE;
    }
    atomic_fetch_add(&w->torture->sent, 1);
    return call_up(w, node) && write(w->fd[node], room, all) == (ssize_t)all;
}

/* The answer to this very message; what else comes on the connection is passed over. */
static bool take(struct torture_teller *w, size_t node, const struct iso8583_message *m, struct torture_moment then,
                 struct iso8583_message *answer)
{
    uint8_t frame[ISO8583_FRAME_MAX];
    size_t len = 0;
    while (w->fd[node] >= 0 && torture_hears(w->torture, w->fd[node], then) &&
           lab_receive(w->fd[node], READ_MS, frame, sizeof frame, &len)) {
        if (iso8583_parse(&iso8583_profile_visa_base1, span_of(frame, len), answer, NULL) != ERR_OK)
            continue;
        if (span_equal(iso8583_get(answer, ISO8583_STAN), iso8583_get(m, ISO8583_STAN)) &&
            span_equal(iso8583_get(answer, ISO8583_RRN), iso8583_get(m, ISO8583_RRN)) &&
            (answer->mti & 0xFF00) == (m->mti & 0xFF00))
            return true;
    }
    hang_up(w, node);
    return false;
}

static void text_of(struct span value, char *out, size_t cap)
{
    size_t len = value.len < cap ? value.len : cap - 1;
    memcpy(out, value.at, len);
    out[len] = 0;
}

/* ---- authorisations ---- */

static void purchase_message(const struct torture_purchase *p, struct iso8583_message *m)
{
    lab_request(m, LAB_VISA, p->card, p->serial, p->amount, p->code);
    iso8583_set_text(m, ISO8583_TRANSMISSION, p->de7);
    iso8583_set_decimal(m, ISO8583_STAN, p->stan, 6);
    char terminal[9];
    (void)snprintf(terminal, sizeof terminal, "TERM000%c", p->terminal);
    iso8583_set_text(m, ISO8583_TERMINAL, terminal);
}

static struct torture_purchase *purchase_with(struct torture_teller *w, uint32_t card, const struct torture_shown *shown)
{
    if (w->count == w->cap) {
        w->cap = w->cap ? w->cap * 2 : 4096;
        w->purchase = realloc(w->purchase, w->cap * sizeof *w->purchase);
        if (!w->purchase)
            abort();
    }
    struct torture_purchase *p = &w->purchase[w->count++];
    uint32_t serial = atomic_fetch_add(&w->torture->serial, 1);
    time_t now = time(NULL);
    struct tm at;
    *p = (struct torture_purchase){.card = card,
                                   .shown = shown->number,
                                   .serial = serial,
                                   .stan = serial % 1000000,
                                   .amount = 100 + draw(w, 5000),
                                   .terminal = '1'};
    memcpy(p->code, shown->code, sizeof p->code);
    (void)gmtime_r(&now, &at);
    (void)strftime(p->de7, sizeof p->de7, "%m%d%H%M%S", &at);
    return p;
}

static struct torture_purchase *purchase_make(struct torture_teller *w, uint32_t card)
{
    const struct torture_shown shown = torture_take(w->torture, card);
    return purchase_with(w, card, &shown);
}

static bool unavailable(const struct torture_purchase *p)
{
    return strcmp(p->de39, "91") == 0 || strcmp(p->de39, "96") == 0;
}

/* What an authorisation was told, against what it was told before (S-3). */
static void told(struct torture_teller *w, struct torture_purchase *p, const struct iso8583_message *answer)
{
    char de39[3], de38[7];
    text_of(iso8583_get(answer, ISO8583_RESPONSE), de39, sizeof de39);
    text_of(iso8583_get(answer, ISO8583_APPROVAL), de38, sizeof de38);
    bool again = p->de39[0] && !unavailable(p);
    bool same = strcmp(p->de39, de39) == 0 && strcmp(p->de38, de38) == 0;
    atomic_fetch_add(&w->torture->answered, 1);
    if (again && !same && !(p->undone && strcmp(de39, "05") == 0)) {
        char what[48];
        (void)snprintf(what, sizeof what, "told twice, and differently: now '%s' %s", de39, de38);
        torture_wrong(w->torture, p, what);
    }
    memcpy(p->de39, de39, sizeof de39);
    memcpy(p->de38, de38, sizeof de38);
    p->approved |= de38[0] != 0;
}

static void missed(struct torture_teller *w, const struct torture_purchase *p, struct torture_moment then)
{
    atomic_fetch_add(&w->torture->silent, 1);
    if (!torture_excused(w->torture, then))
        torture_wrong(w->torture, p, "not answered, and nothing was wrong");
}

static void authorise(struct torture_teller *w, struct torture_purchase *p, bool repeat)
{
    size_t node = draw(w, 2);
    struct torture_moment then = torture_now(w->torture);
    struct iso8583_message m, answer;
    purchase_message(p, &m);
    if (repeat)
        m.mti = ISO8583_AUTHORISATION_REPEAT;
    if (put(w, node, &m, draw(w, 16) == 0) && take(w, node, &m, then, &answer)) {
        told(w, p, &answer);
        if (unavailable(p) && !repeat && !torture_excused(w->torture, then) && !torture_slow(w->torture, then))
            torture_wrong(w->torture, p, "told that something is out of order, and nothing was wrong");
    } else {
        hang_up(w, node);
        missed(w, p, then);
    }
}

/* ---- reversals ---- */

struct reversal {
    struct iso8583_message m;
    int64_t stays; /* DE95; -1: none */
    int64_t amount;
    bool zeros;    /* parts of DE90: the original must be there */
    bool stranger; /* of another card */
};

static void zero(struct iso8583_message *m, size_t at, size_t len)
{
    char field[43] = {0};
    memcpy(field, iso8583_get(m, ISO8583_ORIGINAL).at, 42);
    memset(field + at, '0', len);
    iso8583_set_text(m, ISO8583_ORIGINAL, field);
}

static void reversal_make(struct torture_teller *w, const struct torture_purchase *p, struct reversal *r)
{
    struct iso8583_message original;
    uint32_t serial = atomic_fetch_add(&w->torture->serial, 1);
    uint32_t kind = draw(w, 10);
    *r = (struct reversal){.stays = -1, .amount = p->amount};
    purchase_message(p, &original);
    iso8583_message_init(&r->m, ISO8583_REVERSAL);
    for (unsigned f = 2; f < ISO8583_FIELDS; f++)
        if (iso8583_need(&iso8583_profile_visa_base1, ISO8583_REVERSAL, f) != '-')
            iso8583_copy(&r->m, &original, f);
    iso8583_set_decimal(&r->m, ISO8583_STAN, serial % 1000000, 6);
    if (iso8583_original_write(&original, &r->m) != ERR_OK)
        abort();
    if (kind < 3) { /* in part, by DE95 */
        r->stays = draw(w, (uint32_t)p->amount);
        if (iso8583_replacement_write(&r->m, (uint64_t)r->stays) != ERR_OK)
            abort();
    } else if (kind < 5) { /* by DE4 */
        r->amount = 1 + draw(w, (uint32_t)p->amount);
        iso8583_set_decimal(&r->m, ISO8583_AMOUNT, (uint64_t)r->amount, 12);
    } else if (kind == 5) {
        static const uint8_t part[][2] = {{0, 4}, {4, 6}, {10, 10}, {20, 11}};
        const uint8_t *which = part[draw(w, 4)];
        zero(&r->m, which[0], which[1]);
        r->zeros = true;
    } else if (kind == 6) {
        char pan[17];
        lab_pan(1 + draw(w, 2 * TORTURE_CARDS), pan);
        r->stranger = !span_is(iso8583_get(&r->m, ISO8583_PAN), pan);
        iso8583_set_text(&r->m, ISO8583_PAN, pan);
    }
}

/* What a reversal that may have had its effect gives back, at least if it was told so and at most. */
static void reversed(struct torture_purchase *p, const struct reversal *r, bool sure)
{
    int64_t back = r->stays >= 0 ? p->amount - r->stays : r->amount;
    sure = sure && p->days <= TORTURE_REVERSAL_DAYS;
    if (r->stranger)
        return;
    if (r->stays >= 0)
        p->most = p->most > back ? p->most : back;
    else
        p->most += back;
    if (sure)
        p->least = r->stays >= 0 ? (p->least > back ? p->least : back) : p->least + back;
    p->most = p->most < p->amount ? p->most : p->amount;
    p->undone |= p->most == p->amount;
}

static void reversal_told(struct torture_teller *w, struct torture_purchase *p, const struct reversal *r,
                          const struct iso8583_message *answer)
{
    struct span de39 = iso8583_get(answer, ISO8583_RESPONSE);
    atomic_fetch_add(&w->torture->answered, 1);
    if (span_is(de39, "00"))
        reversed(p, r, true);
    else if (!span_is(de39, "13") && !span_is(de39, "25") && !span_is(de39, "91") && !span_is(de39, "96"))
        torture_wrong(w->torture, p, "a reversal was told something odd");
}

static void reverse(struct torture_teller *w, struct torture_purchase *p)
{
    size_t node = draw(w, 2);
    struct reversal r;
    reversal_make(w, p, &r);
    bool known = false;
    for (int i = 0; i < 3 && !known; i++) { /* a silence is asked about, as networks do */
        struct iso8583_message answer;
        struct torture_moment then = torture_now(w->torture);
        known = put(w, node, &r.m, false) && take(w, node, &r.m, then, &answer);
        if (known) {
            reversal_told(w, p, &r, &answer);
        } else {
            hang_up(w, node);
            missed(w, p, then);
        }
        r.m.mti = ISO8583_REVERSAL_REPEAT;
        node = draw(w, 2);
    }
    if (!known)
        reversed(p, &r, false);
}

/* The reversal leaves a few milliseconds before or after its original, on the other node. */
static void cross(struct torture_teller *w, struct torture_purchase *p)
{
    size_t first = draw(w, 2);
    struct reversal r = {.stays = -1, .amount = p->amount};
    do
        reversal_make(w, p, &r);
    while (r.zeros || r.stranger);
    struct iso8583_message m, answer;
    struct torture_moment then = torture_now(w->torture);
    bool early = draw(w, 2), sent = true;
    purchase_message(p, &m);
    if (early)
        sent = put(w, 1 - first, &r.m, false);
    (void)usleep(draw(w, 4) * 500);
    bool paid = put(w, first, &m, false);
    if (!early) {
        (void)usleep(draw(w, 4) * 500);
        sent = put(w, 1 - first, &r.m, false);
    }
    /* Either answer may say that it met the other. */
    p->undone = true;
    if (paid && take(w, first, &m, then, &answer))
        told(w, p, &answer);
    else
        missed(w, p, then);
    if (sent && take(w, 1 - first, &r.m, then, &answer)) {
        reversal_told(w, p, &r, &answer);
    } else {
        missed(w, p, then);
        reversed(p, &r, false);
    }
}

/* ---- a day's work ---- */

/* Two terminals of one acquirer number alike, on two cards or on one. */
static void twins(struct torture_teller *w)
{
    uint32_t a = 1 + draw(w, TORTURE_CARDS), b = draw(w, 2) ? a : 1 + draw(w, TORTURE_CARDS);
    (void)purchase_make(w, a);
    (void)purchase_make(w, b);
    struct torture_purchase *first = &w->purchase[w->count - 2], *second = first + 1;
    second->stan = first->stan;
    second->terminal = '2';
    memcpy(second->de7, first->de7, sizeof second->de7);
    authorise(w, first, false);
    authorise(w, second, false);
    struct reversal r = {0};
    do
        reversal_make(w, second, &r);
    while (r.stranger || r.zeros);
    struct iso8583_message answer;
    struct torture_moment then = torture_now(w->torture);
    if (put(w, 0, &r.m, false) && take(w, 0, &r.m, then, &answer)) {
        reversal_told(w, second, &r, &answer);
    } else {
        hang_up(w, 0);
        missed(w, second, then);
        reversed(second, &r, false);
    }
    /* A second terminal whose authorisation never arrived leaves a tombstone, which keeps the first one's repeats out as well. */
    first->undone |= a == b && !second->approved;
}

/* The code of a display is good, whatever came before it. */
static void pay_fresh(struct torture_teller *w, uint32_t card, const struct torture_shown *shown, struct torture_moment then)
{
    struct torture_purchase *p = purchase_with(w, card, shown);
    authorise(w, p, false);
    if (p->de39[0] && !p->approved && !unavailable(p) && !torture_excused(w->torture, then))
        torture_wrong(w->torture, p, "a fresh code is declined");
}

/* The code before it is used while the display is under way: each of the two may come first. */
static void shop_crossing(struct torture_teller *w, uint32_t card)
{
    struct torture *t = w->torture;
    struct torture_moment then = torture_now(t);
    struct torture_purchase *p = purchase_make(w, card);
    struct iso8583_message m, answer;
    struct torture_shown shown;
    size_t node = draw(w, 2);
    purchase_message(p, &m);
    bool sent = put(w, node, &m, false);
    (void)usleep(draw(w, 4) * 500);
    bool showed = torture_show(t, card, &shown);
    if (sent && take(w, node, &m, then, &answer))
        told(w, p, &answer);
    else
        missed(w, p, then);
    if (!p->approved)
        torture_unlock(t, card);
    if (!showed)
        return;
    pay_fresh(w, card, &shown, then);
    torture_shelve(t, card, &shown);
}

/* A display, and the payment that it was for, or the code is left for everybody. */
static void shop(struct torture_teller *w)
{
    uint32_t card = 1 + TORTURE_CARDS + draw(w, TORTURE_CARDS), kind = draw(w, 4);
    struct torture_shown shown;
    struct torture_moment then = torture_now(w->torture);
    if (kind == 0) {
        shop_crossing(w, card);
        return;
    }
    if (!torture_show(w->torture, card, &shown))
        return;
    if (kind == 1)
        pay_fresh(w, card, &shown, then);
    torture_shelve(w->torture, card, &shown);
}

/* One of the last, or any of an earlier round: days may lie between. */
static struct torture_purchase *recent(struct torture_teller *w, bool old)
{
    if (w->count == 0)
        return NULL;
    size_t reach = old || w->count < REACH ? w->count : REACH;
    return &w->purchase[w->count - 1 - draw(w, (uint32_t)reach)];
}

static void act(struct torture_teller *w)
{
    uint32_t what = draw(w, 110);
    if (what >= 100) {
        shop(w);
        return;
    }
    struct torture_purchase *p = what < 55 ? NULL : recent(w, what >= 95);
    if (what < 5)
        twins(w);
    else if (what < 15)
        cross(w, purchase_make(w, 1 + draw(w, TORTURE_CARDS)));
    else if (what < 55 || !p)
        authorise(w, purchase_make(w, 1 + draw(w, 2 * TORTURE_CARDS)), false);
    else if (what < 75 && !p->old)
        authorise(w, p, true);
    else
        reverse(w, p);
}

static bool more(struct torture *t)
{
    bool left = atomic_fetch_sub(&t->left, 1) > 0;
    return (left || !atomic_load(&t->tormented)) && !atomic_load(&t->stopped);
}

void *torture_teller_run(void *teller)
{
    struct torture_teller *w = teller;
    while (more(w->torture))
        act(w);
    hang_up(w, 0);
    hang_up(w, 1);
    return NULL;
}
