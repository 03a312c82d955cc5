/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key holder: answers payShield host commands.
 *
 * Purpose    One frame in, one reply out: look up the row, parse, choose the LMK, call the handler, build. hsm/serve.h puts
 *            it behind a TCP port. LMKs stand in locked pages; nothing clear leaves this process.
 * Ownership  An hsm owns its keys and scratch; hsm_destroy wipes them.
 * Threading  One thread.
 * Failure    Rubbish gets an error code of host-commands.md 11. Only a payload shorter than header and command gives ERR_FRAME: the
 *            connection is closed and nothing is answered.
 *            A layout profile whose algorithm is not known: ERR_CONFIG from hsm_create.
 * Limits     LEN up to 32,768 bytes; the commands of hostcmd/commands.h, all others answer 68.
 */
#ifndef HSM_HSM_H
#define HSM_HSM_H

#include "hsm/ask.h"
#include "hsm/config.h"
#include "net/net.h"

struct hsm;
struct hsm_context;
struct hsm_counters;
struct hsm_policy;

enum { HSM_REPLY_MAX = 32768 + 2 };

MUST_USE enum err hsm_create(const struct hsm_config *config, struct hsm **out);
void hsm_destroy(struct hsm *hsm);

/* Reads the user storage anew: at start, and whenever the file has changed. All of it is good and replaces what was, or nothing
 * changes and `problem` says line and remedy. */
MUST_USE enum err hsm_storage_reload(struct hsm *hsm, struct net_problem *problem);
/* Whether it would succeed with the file of this path. */
MUST_USE enum err hsm_storage_check(const struct hsm *hsm, const char *path, struct net_problem *problem);

/* What its parts work with (hsm/context.h): for officers, who decide about it. */
const struct hsm_context *hsm_context(const struct hsm *hsm);

/* Who may do what (hsm/guard/policy.h). Takes a copy. Connections are judged again with their next frame. Without a call everyone
 * may do everything. */
void hsm_policy_set(struct hsm *hsm, const struct hsm_policy *policy);
/* Another guessing limit; nothing where there is none. */
void hsm_policy_limit(struct hsm *hsm, uint32_t limit);
/* Commands that answer 68 for everyone, from now on (hsm_disabled_parse). */
void hsm_policy_disable(struct hsm *hsm, uint64_t disabled);

/* `payload` is a frame without its length. Appends the payload of the reply. `client` NULL: nobody in particular. */
MUST_USE enum err hsm_answer(struct hsm *hsm, const struct hsm_client *client, struct span payload, struct buf *reply);

/*
 * The commands that have arrived together, each answered in its turn by hsm_answer_at, in order. The answers are those of
 * hsm_answer, byte by byte; together they cost less, because CW and CY under one key are computed at once, and the lines of the
 * audit trail that have to be on the disk go there with one sync. Asks and payloads stay until the end. No answer may leave before
 * the end; ERR_SYSTEM there: none may leave at all, because the lines of some are not on the disk (hardened mode).
 */
void hsm_answer_begin(struct hsm *hsm, const struct hsm_ask *ask, size_t count);
MUST_USE enum err hsm_answer_at(struct hsm *hsm, size_t i, struct buf *reply);
MUST_USE enum err hsm_answer_end(struct hsm *hsm);

/* hsm/process/observe.h */
struct hsm_counters hsm_counters(const struct hsm *hsm);
/* Once a second: what was left out is told, and lines become durable. `hsm` is a struct hsm; fits net_loop_every. */
void hsm_tick(void *hsm);
/* The counters as metrics. */
void hsm_metrics(void *hsm, struct buf *out);

#endif
