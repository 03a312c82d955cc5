/* SPDX-License-Identifier: Apache-2.0 */
#include "switch/plan.h"

#include "base/buf.h"

#include <string.h>

/* clang-format off */
/* Default orders (switch.md 5). A product's own order is such a text, too. */
static const struct {
    enum ledger_mode mode;
    bool static_allowed;
    const char *order;
} default_orders[] = {
    {LEDGER_STATIC,      true,  "CY"},
    {LEDGER_STATIC,      false, "CY"},
    {LEDGER_TIME_WINDOW, true,  "CY,PM5,PM5P"},
    {LEDGER_TIME_WINDOW, false, "PM5,PM5P"},
    {LEDGER_ONE_TIME,    true,  "CY,PM0"},
    {LEDGER_ONE_TIME,    false, "PM0"},
};
static const struct {
    const char *name;
    enum switch_question question;
    bool previous;
} step_names[] = {
    {"CY",   SWITCH_CY,  false},
    {"PM0",  SWITCH_PM0, false},
    {"PM5",  SWITCH_PM5, false},
    {"PM5P", SWITCH_PM5, true},
};
/* clang-format on */
enum { STEP_NAMES = sizeof step_names / sizeof step_names[0] };

/* The next name of a comma-separated list; -1 = not a step. */
static bool name_next(const char **rest, int *index)
{
    size_t len = strcspn(*rest, ",");
    if (**rest == 0)
        return false;
    *index = -1;
    for (int i = 0; i < STEP_NAMES; i++)
        if (strlen(step_names[i].name) == len && strncmp(*rest, step_names[i].name, len) == 0)
            *index = i;
    *rest += len + ((*rest)[len] == ',');
    return true;
}

bool switch_plan_text_valid(const char *text)
{
    int index;
    int count = 0;
    while (name_next(&text, &index))
        if (index < 0 || ++count >= SWITCH_STEPS_MAX)
            return false;
    return true;
}

int64_t switch_window_index(int64_t now_ms, int64_t twu_h)
{
    return now_ms / 1000 / (3600 * twu_h);
}

/* A card that is not enrolled behaves as static whatever its product says (issuer.md 2). */
static enum ledger_mode effective_mode(const struct switch_plan_input *in)
{
    return in->card->enrolled ? in->product->mode : LEDGER_STATIC;
}

static bool static_allowed(const struct switch_plan_input *in)
{
    if (in->static_override || effective_mode(in) == LEDGER_STATIC)
        return true;
    switch (in->product->static_policy) {
    case LEDGER_STATIC_ALLOWED:
        return true;
    case LEDGER_STATIC_FALLBACK:
        return in->code->first_display_at == 0;
    case LEDGER_STATIC_OFF:
    default:
        return false;
    }
}

/* With window_single_use a window older than the newest used one is dead as well: the row remembers one; this fails closed. */
static bool window_live(const struct switch_plan_input *in, int64_t window)
{
    const struct ledger_code *code = in->code;
    if (in->product->window_requires_display && code->first_display_at == 0)
        return false;
    if (!in->product->window_single_use && in->product->window_tries == 0)
        return true;
    if (window < code->win_idx)
        return false;
    return window > code->win_idx || (code->state != LEDGER_CODE_USED && code->state != LEDGER_CODE_EXHAUSTED);
}

static bool step_live(const struct switch_plan_input *in, const struct switch_step *step)
{
    switch (step->question) {
    case SWITCH_CY:
        return static_allowed(in);
    case SWITCH_PM0:
        return effective_mode(in) == LEDGER_ONE_TIME && ledger_code_state_at(in->code, in->now_ms) == LEDGER_CODE_ACTIVE &&
               in->code->declines < in->product->tries;
    case SWITCH_PM5:
    default:
        return effective_mode(in) == LEDGER_TIME_WINDOW && (!step->previous || in->product->accept_previous_window) &&
               window_live(in, step->ref);
    }
}

static void plan_add(struct switch_plan *out, const struct switch_step *step)
{
    if (out->count < SWITCH_STEPS_MAX)
        out->step[out->count++] = *step;
    out->live += !step->diag;
}

static struct switch_step step_make(const struct switch_plan_input *in, int index)
{
    struct switch_step step = {.question = step_names[index].question, .previous = step_names[index].previous};
    if (step.question == SWITCH_PM0)
        step.ref = in->code->issue_n;
    else if (step.question == SWITCH_PM5)
        step.ref = switch_window_index(in->now_ms, in->product->twu_h > 0 ? in->product->twu_h : 1) - step.previous;
    return step;
}

static const char *order_text(const struct switch_plan_input *in)
{
    enum ledger_mode mode = effective_mode(in);
    if (in->card->enrolled && in->product->plan[0] != 0)
        return in->product->plan;
    for (size_t i = 0; i < sizeof default_orders / sizeof default_orders[0]; i++)
        if (default_orders[i].mode == mode && default_orders[i].static_allowed == static_allowed(in))
            return default_orders[i].order;
    return "CY";
}

/* A recent display makes the dynamic code the likelier one. */
static bool dynamic_first(const struct switch_plan_input *in)
{
    const struct ledger_product *p = in->product;
    int64_t young_s = p->smart_order_s != 0           ? p->smart_order_s
                      : p->mode == LEDGER_TIME_WINDOW ? 2 * 3600 * p->twu_h
                                                      : p->expiry_delay_s;
    return p->smart_order && in->code->last_display_at != 0 && in->now_ms - in->code->last_display_at < young_s * 1000;
}

static void plan_pass(const struct switch_plan_input *in, bool cy, bool dynamic, struct switch_plan *out)
{
    const char *rest = order_text(in);
    int index;
    while (name_next(&rest, &index)) {
        struct switch_step step;
        if (index < 0)
            continue;
        step = step_make(in, index);
        if ((step.question == SWITCH_CY ? cy : dynamic) && step_live(in, &step))
            plan_add(out, &step);
    }
}

void switch_plan_make(const struct switch_plan_input *in, struct switch_plan *out)
{
    *out = (struct switch_plan){0};
    if (dynamic_first(in)) {
        plan_pass(in, false, true, out);
        plan_pass(in, true, false, out);
    } else {
        plan_pass(in, true, true, out);
    }
    bool dynamic = false;
    for (size_t i = 0; i < out->count; i++)
        dynamic |= out->step[i].question != SWITCH_CY;
    /* One exception to asking live steps only: it keeps the number of HSM calls equal and names outcomes 9 to 11. */
    if (!dynamic && effective_mode(in) == LEDGER_ONE_TIME && in->product->diag_step)
        plan_add(out, &(struct switch_step){.question = SWITCH_PM0, .ref = in->code->issue_n, .diag = true});
}

enum switch_fact_answer switch_fact_of(enum verdict verdict)
{
    static const enum switch_fact_answer of[] = {
        [VERDICT_UNAVAILABLE] = SWITCH_NO_ANSWER, [VERDICT_MATCH] = SWITCH_MATCH, [VERDICT_MISMATCH] = SWITCH_NO_MATCH};
    return of[verdict];
}

enum switch_fact_answer switch_facts_find(const struct switch_facts *facts, const struct switch_step *step)
{
    for (size_t i = 0; i < facts->count; i++)
        if (facts->fact[i].question == step->question && facts->fact[i].ref == step->ref)
            return facts->fact[i].answer;
    return SWITCH_UNASKED;
}

void switch_facts_add(struct switch_facts *facts, const struct switch_step *step, enum switch_fact_answer answer)
{
    struct switch_fact fact = {step->question, step->ref, answer};
    for (size_t i = 0; i < facts->count; i++) {
        if (facts->fact[i].question == step->question && facts->fact[i].ref == step->ref) {
            facts->fact[i] = fact;
            return;
        }
    }
    if (facts->count == SWITCH_FACTS_MAX) {
        memmove(facts->fact, facts->fact + 1, (SWITCH_FACTS_MAX - 1) * sizeof facts->fact[0]);
        facts->count--;
    }
    facts->fact[facts->count++] = fact;
}

static bool facts_limited(const struct switch_plan *plan, const struct switch_facts *facts)
{
    bool limited = false;
    for (size_t i = 0; i < plan->count; i++)
        limited |= switch_facts_find(facts, &plan->step[i]) == SWITCH_LIMITED;
    return limited;
}

void switch_plan_read(const struct switch_plan *plan, const struct switch_facts *facts, bool parallel, struct switch_finding *out)
{
    *out = (struct switch_finding){0};
    bool limited = facts_limited(plan, facts);
    bool open = false;
    bool dead = false;
    for (size_t i = 0; i < plan->count; i++) {
        const struct switch_step *step = &plan->step[i];
        enum switch_fact_answer answer = switch_facts_find(facts, step);

        if (answer == SWITCH_UNASKED)
            out->ask[out->ask_count++] = *step;
        /* Counter 0 was never issued: a match there says nothing. */
        if (answer == SWITCH_MATCH && !(step->diag && step->ref == 0) && out->ask_count == 0) {
            out->step = *step;
            dead = step->diag;
            if (!dead && !limited) {
                out->reading = SWITCH_READ_MATCH;
                return;
            }
        }
        open |= answer == SWITCH_NO_ANSWER;
        if (out->ask_count > 0 && !parallel)
            break;
    }
    if (out->ask_count > 0)
        out->reading = SWITCH_READ_ASK;
    else if (limited)
        out->reading = SWITCH_READ_LIMITED;
    else if (open)
        out->reading = SWITCH_READ_NO_ANSWER;
    else
        out->reading = dead ? SWITCH_READ_DEAD : SWITCH_READ_MISMATCH;
}

void switch_plan_text(const struct switch_plan *plan, const struct switch_facts *facts, char out[static SWITCH_STEPS_TEXT])
{
    static const char marks[] = {
        [SWITCH_UNASKED] = ' ', [SWITCH_MATCH] = '+', [SWITCH_NO_MATCH] = '-', [SWITCH_NO_ANSWER] = '?', [SWITCH_LIMITED] = '!'};
    struct buf text = buf_over(out, SWITCH_STEPS_TEXT - 1);
    for (size_t i = 0; i < plan->count; i++) {
        const struct switch_step *step = &plan->step[i];
        enum switch_fact_answer answer = switch_facts_find(facts, step);

        if (answer == SWITCH_UNASKED)
            continue;
        if (text.len > 0)
            buf_put_byte(&text, ',');
        buf_put_text(&text, step->diag                     ? "DIAG"
                            : step->question == SWITCH_CY  ? "CY"
                            : step->question == SWITCH_PM0 ? "PM0"
                                                           : "PM5");
        if (step->previous)
            buf_put_byte(&text, 'P');
        buf_put_byte(&text, (uint8_t)marks[answer]);
    }
    out[text.len] = 0;
}
