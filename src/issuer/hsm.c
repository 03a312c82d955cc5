/* SPDX-License-Identifier: Apache-2.0 */
/* Codes from the HSM: commands built from a job, answers into its secrets. */
#include "hostcmd/error.h"
#include "issuer/internal.h"

#include <string.h>

enum { COMMAND_MAX = 512, COUNTER_DIGITS = 6 };

const struct issuer_key *issuer_key_find(const struct issuer *issuer, const char *name)
{
    for (size_t i = 0; i < issuer->config.key_count; i++)
        if (strcmp(issuer->config.key[i].name, name) == 0)
            return &issuer->config.key[i];
    return NULL;
}

/* The printed code of an American Express card is a CSC of four digits. Which of the two ways its issuer computes it is not public:
 * flag 0, as the switch asks. */
static bool is_csc(const struct issuer_job *job)
{
    return card_brand_of(&job->secret->pan) == CARD_BRAND_AMEX;
}

static enum err build_csc(const struct issuer_key *key, const struct issuer_job *job, struct buf *out)
{
    struct hostcmd_ry ry = {0};
    struct buf account = buf_over(ry.account.at, sizeof ry.account.at);
    buf_put_span(&account, card_pan_span(&job->secret->pan));
    buf_put_fill(&account, '0', sizeof ry.account.at - account.len);
    ry.account.len = (uint16_t)account.len;
    ry.account.present = true;
    WIRE_SET(ry.mode, span_text("3"));
    WIRE_SET(ry.flag, span_text("0"));
    WIRE_SET(ry.key, span_text(key->text));
    WIRE_SET(ry.expiry, span_text(job->view.card.card.expiry));
    enum err err = hostcmd_request_build(HOSTCMD_RY, &ry, HOSTCMD_LMK_DEFAULT, out);
    secret_wipe(&ry, sizeof ry);
    return err;
}

static enum err build_static(const struct issuer *issuer, const struct issuer_job *job, struct buf *out)
{
    const struct issuer_key *key = issuer_key_find(issuer, job->view.product.cvk_ref);
    if (!key)
        return ERR_INTERNAL;
    if (is_csc(job))
        return build_csc(key, job, out);
    struct hostcmd_cw cw = {0};
    WIRE_SET(cw.key, span_text(key->text));
    WIRE_SET(cw.pan, card_pan_span(&job->secret->pan));
    WIRE_SET(cw.expiry, span_text(job->view.card.card.expiry));
    WIRE_SET(cw.service, span_text(CARD_SERVICE_CVV2));
    enum err err = hostcmd_request_build(HOSTCMD_CW, &cw, HOSTCMD_LMK_DEFAULT, out);
    secret_wipe(&cw, sizeof cw);
    return err;
}

static enum err put_moment(const struct issuer *issuer, const struct issuer_job *job, const struct issuer_ask *ask,
                           struct hostcmd_qy *qy)
{
    uint8_t room[COUNTER_DIGITS];
    struct buf text = buf_over(room, sizeof room);
    if (ask->kind != ISSUER_ASK_COUNTER)
        return hostcmd_layout_qy(&issuer->layout, &(struct hostcmd_moment){ask->value, (uint32_t)job->view.product.twu_h * 60}, qy);
    buf_put_decimal(&text, (uint64_t)ask->value, sizeof qy->atc.at);
    return WIRE_SET(qy->scheme, span_text("0")) && WIRE_SET(qy->atc, buf_span(&text)) ? ERR_OK : ERR_INTERNAL;
}

static enum err build_dynamic(const struct issuer *issuer, const struct issuer_job *job, const struct issuer_ask *ask,
                              struct buf *out)
{
    const struct issuer_key *key = issuer_key_find(issuer, job->view.product.mk_ref);
    if (!key)
        return ERR_INTERNAL;
    struct hostcmd_qy qy = {0};
    WIRE_SET(qy.key, span_text(key->text));
    WIRE_SET(qy.method, span_text(job->view.product.key_derivation));
    WIRE_SET(qy.pan, card_pan_span(&job->secret->pan));
    WIRE_SET(qy.expiry, span_text(job->view.card.card.expiry));
    WIRE_SET(qy.service, span_text(job->view.product.service_code_dyn));
    enum err err = put_moment(issuer, job, ask, &qy);
    if (err == ERR_OK)
        err = hostcmd_request_build_row(hostcmd_layout_row(&issuer->layout, HOSTCMD_QY), &qy, HOSTCMD_LMK_DEFAULT, out);
    secret_wipe(&qy, sizeof qy);
    return err;
}

static enum err send(struct issuer *issuer, struct issuer_job *job, unsigned index, int avoid)
{
    const struct issuer_ask *ask = &job->asking.ask[index];
    uint8_t room[COMMAND_MAX];
    struct buf command = buf_over(room, sizeof room);
    enum err err = ask->kind == ISSUER_ASK_STATIC ? build_static(issuer, job, &command) : build_dynamic(issuer, job, ask, &command);
    if (err == ERR_OK) {
        struct hostcmd_send one = {
            .command = buf_span(&command),
            .deadline_us = flow_now_us(issuer->flow) + issuer->config.hsm_timeout_us,
            .ticket = flow_ticket(&job->item, (uint8_t)index),
            .avoid = avoid,
        };
        err = hostcmd_client_send(issuer->config.hsm, &one);
    }
    secret_wipe(room, sizeof room);
    if (err == ERR_OK)
        flow_await(&job->item);
    return err;
}

void issuer_ask(struct issuer *issuer, struct issuer_job *job, enum issuer_ask_kind kind, int64_t value, struct code_digits *to)
{
    ASSERT(job->asking.count < ISSUER_ASKS_MAX);
    unsigned index = job->asking.count++;
    job->asking.ask[index] = (struct issuer_ask){.kind = kind, .value = value, .to = to};
    enum err err = send(issuer, job, index, 0);
    if (err != ERR_OK)
        job->asking.err = err == ERR_BUSY ? HOSTCMD_ERR_UNAVAILABLE : err;
}

/* ---- answers ---- */

static enum err take_code(struct span text, size_t digits, struct code_digits *to)
{
    if (text.len != digits)
        return ERR_FRAME;
    to->len = (uint8_t)text.len;
    memcpy(to->at, text.at, text.len);
    return ERR_OK;
}

static enum err read_answer(struct issuer *issuer, const struct issuer_job *job, const struct issuer_ask *ask, struct span payload)
{
    enum hostcmd_id id = ask->kind != ISSUER_ASK_STATIC ? HOSTCMD_QY : is_csc(job) ? HOSTCMD_RY : HOSTCMD_CW;
    struct hostcmd_said said = {0};
    union {
        struct hostcmd_cw_reply cw;
        struct hostcmd_qy_reply qy;
        struct hostcmd_ry_reply ry;
    } reply;
    enum err err = hostcmd_reply_parse(id, NULL, payload, &said, &reply);
    if (err == ERR_OK && said.verdict == VERDICT_MATCH && id == HOSTCMD_RY)
        err = take_code(WIRE_SPAN(reply.ry.csc4), 4, ask->to);
    else if (err == ERR_OK && said.verdict == VERDICT_MATCH)
        err = take_code(id == HOSTCMD_CW ? WIRE_SPAN(reply.cw.code) : WIRE_SPAN(reply.qy.code), 3, ask->to);
    secret_wipe(&reply, sizeof reply);
    if (err == ERR_OK && said.verdict != VERDICT_MATCH)
        LOG(issuer->config.env->log, LOG_ERROR, "issuer.hsm_refused", LOG_TEXT("command", hostcmd_row(id)->code),
            LOG_TEXT("code", hostcmd_said_code(said)));
    return err == ERR_OK && said.verdict == VERDICT_MATCH
               ? ERR_OK
               : HOSTCMD_ERR_UNAVAILABLE; /* an HSM error answers 503 and changes nothing */
}

/* Generation changes nothing in an HSM: another one may be asked. */
static bool asked_again(struct issuer *issuer, struct issuer_job *job, unsigned index, uint16_t endpoint)
{
    struct issuer_ask *ask = &job->asking.ask[index];
    if (ask->again)
        return false;
    ask->again = true;
    return send(issuer, job, index, HOSTCMD_AVOID(endpoint)) == ERR_OK;
}

static void answered(struct issuer *issuer, const struct hostcmd_answer *answer)
{
    uint8_t index = 0;
    struct flow_item *item = flow_find(issuer->flow, answer->ticket, &index);
    ASSERT(item); /* a job is not done while it awaits an answer, and every question comes back once */
    struct issuer_job *job = issuer_job_of(item);
    ASSERT(index < job->asking.count);
    enum err err = answer->err;
    bool again = err != ERR_OK && asked_again(issuer, job, index, answer->endpoint);
    if (err == ERR_OK)
        err = read_answer(issuer, job, &job->asking.ask[index], span_of(answer->at, answer->len));
    if (err != ERR_OK && !again)
        job->asking.err = HOSTCMD_ERR_UNAVAILABLE;
    flow_arrive(issuer->flow, item); /* a second question was announced before */
}

size_t issuer_answers_take(struct issuer *issuer)
{
    size_t taken = 0;
    for (size_t n; (n = hostcmd_client_take(issuer->config.hsm, issuer->answer, ISSUER_ANSWERS)) > 0; taken += n) {
        for (size_t i = 0; i < n; i++) {
            answered(issuer, &issuer->answer[i]);
            hostcmd_answer_wipe(&issuer->answer[i]);
        }
    }
    return taken;
}
