/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/process/reload.h"

#include "base/metric.h"
#include "hsm/process/mode.h"

#include <stdio.h>
#include <string.h>

/* Settings that a running HSM takes over. */
static const struct changeable {
    size_t offset, size;
} changeables[] = {
#define CHANGEABLE(member_)                                                                 \
    {                                                                                       \
        offsetof(struct hsm_settings, member_), sizeof(((struct hsm_settings *)0)->member_) \
    }
    CHANGEABLE(disabled), CHANGEABLE(guess_limit), CHANGEABLE(plaintext_peers), CHANGEABLE(clients), CHANGEABLE(user_storage),
};
enum { CHANGEABLES = sizeof changeables / sizeof changeables[0] };

static bool is_changeable(const struct config_row *row)
{
    for (size_t i = 0; i < CHANGEABLES; i++)
        if (changeables[i].offset == row->offset)
            return true;
    return false;
}

static void take_over(struct hsm_settings *now, const struct hsm_settings *next)
{
    for (size_t i = 0; i < CHANGEABLES; i++)
        memcpy((char *)now + changeables[i].offset, (const char *)next + changeables[i].offset, changeables[i].size);
}

/* Texts are compared as such: what stands behind their zero means nothing. */
static bool differs(const struct config_row *row, const struct hsm_settings *a, const struct hsm_settings *b)
{
    const char *left = (const char *)a + row->offset, *right = (const char *)b + row->offset;
    return row->kind == CONFIG_TEXT ? strcmp(left, right) != 0 : memcmp(left, right, row->size) != 0;
}

/* "hsm.listen hsm.admin": they wait for the next start. */
static const char *waiting(const struct hsm_settings *now, const struct hsm_settings *next, struct buf *out)
{
    for (size_t i = 0; i < hsm_settings_table.count; i++) {
        const struct config_row *row = &hsm_settings_table.row[i];
        if (is_changeable(row) || !differs(row, now, next))
            continue;
        buf_put_text(out, out->len > 0 ? " " : "");
        buf_put_text(out, row->section);
        buf_put_byte(out, '.');
        buf_put_text(out, row->key);
    }
    return buf_text(out);
}

/* What is going to change, read and judged before anything does. */
struct plan {
    struct hsm_settings settings;
    struct hsm_policy policy;
    uint64_t disabled;
};

static enum err say(struct net_problem *problem, const char *what)
{
    (void)snprintf(problem->text, sizeof problem->text, "%s", what);
    return ERR_CONFIG;
}

static enum err prepare(struct hsm_reload *reload, struct plan *plan, struct net_problem *problem)
{
    struct hsm_settings *next = &plan->settings;
    TRY(reload->read(reload->context, next, problem->text, sizeof problem->text));
    TRY(hsm_mode_check(next, problem));
    if (hsm_mode_hardened(next) != hsm_mode_hardened(reload->settings))
        return say(problem, "hsm.mode: another mode needs a new start");
    if (hsm_disabled_parse(next->disabled, &plan->disabled) != ERR_OK)
        return say(problem, "hsm.disabled: write known commands with commas, such as AS,A0");
    TRY(hsm_mode_policy(next, &plan->policy, problem));
    return hsm_storage_check(reload->hsm, next->user_storage, problem);
}

static enum err carry_out(struct hsm_reload *reload, const struct plan *plan, struct net_problem *problem)
{
    TRY(hsm_ports_reload(reload->ports, problem));
    take_over(reload->settings, &plan->settings);
    TRY(hsm_storage_reload(reload->hsm, problem));
    hsm_policy_set(reload->hsm, &plan->policy);
    hsm_policy_disable(reload->hsm, plan->disabled);
    hsm_policy_limit(reload->hsm, hsm_mode_guess_limit(&plan->settings));
    return ERR_OK;
}

static void tell(const struct hsm_reload *reload, enum log_level level, const char *event, struct log_field field)
{
    LOG(reload->log, level, event, field);
    /* A line that is lost is told and counted by the trail. */
    (void)!hsm_audit_write(reload->audit, event, &field, 1, true);
}

void hsm_reload(struct hsm_reload *reload)
{
    struct plan plan = {0};
    struct net_problem problem = {""};
    char names[600];
    struct buf later = buf_over(names, sizeof names);
    enum err err = prepare(reload, &plan, &problem);
    if (err == ERR_OK)
        err = carry_out(reload, &plan, &problem);
    if (err != ERR_OK) {
        reload->refused++;
        tell(reload, LOG_ERROR, "hsm.reload_refused", LOG_TEXT("reason", problem.text[0] ? problem.text : err_row(err)->text));
        return;
    }
    reload->done++;
    hsm_mode_warn(reload->settings, reload->log);
    tell(reload, LOG_INFO, "hsm.reloaded", LOG_TEXT("needs_a_start", waiting(reload->settings, &plan.settings, &later)));
}

void hsm_reload_metrics(const struct hsm_reload *reload, struct buf *out)
{
    static const char name[] = "countersign_hsm_reloads_total";
    const struct metric_label done[] = {{"result", "done"}}, refused[] = {{"result", "refused"}};
    metric_head(out, name, "configurations read again at SIGHUP", "counter");
    metric_value(out, name, done, 1, reload->done);
    metric_value(out, name, refused, 1, reload->refused);
}
