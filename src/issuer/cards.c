/* SPDX-License-Identifier: Apache-2.0 */
/* Registration and care of cards. */
#include "issuer/error.h"
#include "issuer/internal.h"

#include <string.h>

static const char *const status_name[] = {"active", "suspended", "closed"};

static void text_take(char *out, size_t cap, struct span text)
{
    size_t len = text.len < cap ? text.len : cap - 1;
    memcpy(out, text.at, len);
    memset(out + len, 0, cap - len);
}

/* MMYY of the API is YYMM everywhere else. */
static enum err expiry_take(struct issuer_job *job, struct span mmyy, char out[static 5])
{
    struct card_expiry expiry;
    TRY(issuer_blame(job, "exp", card_expiry_parse(mmyy, CARD_MMYY, &expiry)));
    card_expiry_write(expiry, CARD_YYMM, out);
    return ERR_OK;
}

/* ---- registration ---- */

static enum err registration_read(struct issuer *issuer, struct issuer_job *job, struct ledger_card *card)
{
    struct issuer_registration_body *body = &job->secret->body.registration;
    TRY(issuer_body_bind(job, body));
    if (body->card_id.present && !issuer_id_sound(WIRE_SPAN(body->card_id)))
        return issuer_blame(job, "cardId", ERR_PARSE_CHARACTER);
    TRY(issuer_text_check(job, "cardId", WIRE_SPAN(body->card_id)));
    TRY(issuer_text_check(job, "name", WIRE_SPAN(body->name)));
    TRY(issuer_blame(job, "pan", card_pan_parse(WIRE_SPAN(body->pan), CARD_LUHN, &job->secret->pan)));
    if (body->name.present && memchr(body->name.at, 0, body->name.len))
        return issuer_blame(job, "name", ERR_PARSE_CHARACTER);
    TRY(expiry_take(job, WIRE_SPAN(body->exp), card->expiry));
    text_take(card->product_id, sizeof card->product_id, WIRE_SPAN(body->product_id));
    text_take(card->psn, sizeof card->psn, body->psn.present ? WIRE_SPAN(body->psn) : span_text("00"));
    text_take(card->holder_name, sizeof card->holder_name, WIRE_SPAN(body->name));
    text_take(card->reference, sizeof card->reference, WIRE_SPAN(body->card_id));
    text_take(card->issuer_id, sizeof card->issuer_id, span_text(job->caller.client.issuer_id));
    card->pan_mac.len = CRYPTO_VAULT_MAC;
    return crypto_vault_pan_mac(issuer->config.vault, card_pan_span(&job->secret->pan), card->pan_mac.at);
}

static enum err registration_seal(struct issuer *issuer, struct issuer_job *job, struct ledger_card *card)
{
    const struct card_pan *pan = &job->secret->pan;
    env_uuid(issuer->config.env, card->card_id);
    if (!card->reference[0])
        memcpy(card->reference, card->card_id, sizeof card->reference);
    struct buf sealed = buf_over(card->pan_enc.at, sizeof card->pan_enc.at);
    TRY(crypto_vault_seal(issuer->config.vault, issuer->config.env, span_text(card->card_id), card_pan_span(pan), &sealed));
    card->pan_enc.len = (uint16_t)sealed.len;
    card_pan_last4(pan, card->pan_last4);
    text_take(card->bin8, sizeof card->bin8, span_slice(card_pan_span(pan), 0, 8));
    card->status = LEDGER_CARD_ACTIVE;
    card->enrolled = true;
    card->created_at = job->now;
    card->updated_at = job->now;
    card->version = 1;
    return ERR_OK;
}

static bool same_card(const struct ledger_card *have, const struct ledger_card *want)
{
    bool id = !want->reference[0] || strcmp(have->reference, want->reference) == 0;
    return id && secret_equal(have->pan_mac.at, want->pan_mac.at, CRYPTO_VAULT_MAC) &&
           strcmp(have->product_id, want->product_id) == 0 && strcmp(have->expiry, want->expiry) == 0 &&
           strcmp(have->psn, want->psn) == 0 && strcmp(have->holder_name, want->holder_name) == 0;
}

/* The product, the ranges that the PAN may be in, and the card that has this PAN or this id already. All are the issuer's own: what
 * another one has changes neither the answer nor what is asked. */
enum { AT_PRODUCT, AT_RANGES, AT_PAN, AT_ID };

static void registration_look(struct issuer_job *job, const struct ledger_card *want)
{
    struct issuer_writing *w = &job->writing;
    issuer_unit_begin(job, 4);
    w->at[AT_PRODUCT] = ledger_get_product(&w->unit, want->issuer_id, want->product_id);
    w->at[AT_RANGES] = ledger_get_ranges_near(&w->unit, want->issuer_id, card_pan_span(&job->secret->pan));
    w->at[AT_PAN] = ledger_get_card_by_pan(&w->unit, want->issuer_id, want->pan_mac.at);
    w->at[AT_ID] = ledger_get_card_by_reference(&w->unit, want->issuer_id, want->reference);
}

static enum err range_check(struct issuer_job *job)
{
    struct issuer_writing *w = &job->writing;
    struct ledger_range range;
    for (size_t row = 0; ledger_take_range(&w->unit, w->at[AT_RANGES], row, &range); row++)
        if (ledger_range_holds(&range, card_pan_span(&job->secret->pan)))
            return ERR_OK;
    return w->unit.err != ERR_OK ? w->unit.err : issuer_blame(job, "pan", ISSUER_ERR_BAD_PAN);
}

static bool existing_take(struct issuer_job *job)
{
    struct issuer_writing *w = &job->writing;
    return ledger_take_card(&w->unit, w->at[AT_PAN], &job->view.card) || ledger_take_card(&w->unit, w->at[AT_ID], &job->view.card);
}

static void registration_reply(struct issuer *issuer, struct issuer_job *job, const char *reference, unsigned status)
{
    struct json_writer w = issuer_answer(job);
    json_put_text(&w, "cardId", reference);
    json_close(&w);
    issuer_reply(issuer, job, status);
}

static void account_put(struct issuer *issuer, struct issuer_job *job, struct ledger_card *card)
{
    if (issuer->config.account_opening_balance_minor < 0)
        return;
    struct ledger_account account = {.balance = issuer->config.account_opening_balance_minor, .version = 1};
    memcpy(account.account_id, card->card_id, sizeof account.account_id);
    memcpy(account.currency, issuer->config.account_currency, sizeof account.currency);
    memcpy(card->account_id, card->card_id, sizeof card->account_id);
    ledger_put_new_account(&job->writing.unit, &account);
}

static enum err product_check(struct issuer_job *job)
{
    return issuer_blame(job, "productId", issuer_product_take(job, job->writing.at[AT_PRODUCT], &job->view.product));
}

static enum err register_start(struct issuer *issuer, struct issuer_job *job, enum issuer_next *next)
{
    struct ledger_card *card = &job->writing.changed;
    memset(card, 0, sizeof *card);
    TRY(registration_read(issuer, job, card));
    registration_look(job, card);
    *next = ISSUER_LOOK;
    return ERR_OK;
}

static enum err register_looked(struct issuer *issuer, struct issuer_job *job, enum issuer_next *next)
{
    struct ledger_card *card = &job->writing.changed;
    TRY(range_check(job));
    TRY(product_check(job));
    bool found = existing_take(job);
    if (found && !same_card(&job->view.card.card, card)) {
        memset(&job->view.card, 0, sizeof job->view.card);
        return ISSUER_ERR_DUPLICATE_CARD;
    }
    if (found) {
        registration_reply(issuer, job, job->view.card.card.reference, 200);
        return ERR_OK;
    }
    TRY(job->writing.unit.err);
    TRY(registration_seal(issuer, job, card));
    issuer_unit_begin(job, 4);
    account_put(issuer, job, card);
    ledger_put_card(&job->writing.unit, card);
    *next = ISSUER_COMMIT;
    return ERR_OK;
}

static enum err register_committed(struct issuer *issuer, struct issuer_job *job, enum issuer_next *next)
{
    registration_reply(issuer, job, job->writing.changed.reference, 201);
    *next = ISSUER_REPLIED;
    return ERR_OK;
}

const struct issuer_operation issuer_operation_REGISTER = {
    .writes = true, .start = register_start, .looked = register_looked, .committed = register_committed};

/* ---- one card ---- */

static void card_reply(struct issuer *issuer, struct issuer_job *job, const struct ledger_card *card)
{
    char masked[CARD_MASK_SIZE];
    char exp[5] = {card->expiry[2], card->expiry[3], card->expiry[0], card->expiry[1], 0};
    char at[25];
    card_pan_mask(&job->secret->pan, masked);
    struct json_writer w = issuer_answer(job);
    json_put_text(&w, "cardId", card->reference);
    json_put_text(&w, "productId", card->product_id);
    json_put_text(&w, "maskedPan", masked);
    json_put_text(&w, "exp", exp);
    json_put_text(&w, "psn", card->psn);
    json_put_text(&w, "status", status_name[card->status]);
    json_put_bool(&w, "enrolled", card->enrolled);
    env_rfc3339(card->created_at, at);
    json_put_text(&w, "createdAt", at);
    env_rfc3339(card->updated_at, at);
    json_put_text(&w, "updatedAt", at);
    json_close(&w);
    issuer_reply(issuer, job, 200);
}

static enum err get_start(struct issuer *issuer, struct issuer_job *job, enum issuer_next *next)
{
    TRY(issuer_pan_open(issuer, job));
    card_reply(issuer, job, &job->view.card.card);
    *next = ISSUER_REPLIED;
    return ERR_OK;
}

/* A card that is not active any more has no active code either (issuer.md 5). */
static void cancel_with(struct issuer_job *job)
{
    job->writing.after = job->view.card.code;
    if (job->writing.changed.status == LEDGER_CARD_ACTIVE && job->writing.changed.enrolled)
        return;
    if (ledger_code_apply(&job->writing.after, LEDGER_EVENT_CANCEL, &(struct ledger_code_change){.at = job->now}))
        ledger_put_code(&job->writing.unit, &job->view.card.code, &job->writing.after, LEDGER_UPDATE);
}

const struct issuer_operation issuer_operation_CARD_GET = {.needs = ISSUER_NEED_CARD, .start = get_start};

static enum err change_commit(struct issuer_job *job, enum issuer_next *next)
{
    job->writing.changed.updated_at = job->now;
    issuer_unit_begin(job, 4);
    ledger_put_card_change(&job->writing.unit, &job->writing.changed);
    cancel_with(job);
    *next = ISSUER_COMMIT;
    return ERR_OK;
}

static enum ledger_card_status status_read(struct span text)
{
    for (int i = LEDGER_CARD_ACTIVE; i < LEDGER_CARD_CLOSED; i++)
        if (span_is(text, status_name[i]))
            return (enum ledger_card_status)i;
    return LEDGER_CARD_CLOSED;
}

static enum err patch_start(struct issuer *issuer, struct issuer_job *job, enum issuer_next *next)
{
    struct issuer_card_patch_body *body = &job->secret->body.patch;
    TRY(issuer_body_bind(job, body));
    TRY(issuer_text_check(job, "name", WIRE_SPAN(body->name)));
    TRY(issuer_pan_open(issuer, job));
    job->writing.changed = job->view.card.card;
    if (body->status.present)
        job->writing.changed.status = status_read(WIRE_SPAN(body->status));
    if (job->view.card.card.status == LEDGER_CARD_CLOSED && job->writing.changed.status != LEDGER_CARD_CLOSED)
        return issuer_blame(job, "status", ISSUER_ERR_CARD_NOT_ACTIVE); /* closed is for good */
    if (body->exp.present)
        TRY(expiry_take(job, WIRE_SPAN(body->exp), job->writing.changed.expiry));
    if (body->name.present)
        text_take(job->writing.changed.holder_name, sizeof job->writing.changed.holder_name, WIRE_SPAN(body->name));
    if (!body->product_id.present)
        return change_commit(job, next);
    text_take(job->writing.changed.product_id, sizeof job->writing.changed.product_id, WIRE_SPAN(body->product_id));
    issuer_unit_begin(job, 1);
    job->writing.at[AT_PRODUCT] =
        ledger_get_product(&job->writing.unit, job->writing.changed.issuer_id, job->writing.changed.product_id);
    *next = ISSUER_LOOK;
    return ERR_OK;
}

static enum err patch_looked(struct issuer *issuer, struct issuer_job *job, enum issuer_next *next)
{
    (void)issuer;
    TRY(product_check(job));
    return change_commit(job, next);
}

static enum err patch_committed(struct issuer *issuer, struct issuer_job *job, enum issuer_next *next)
{
    card_reply(issuer, job, &job->writing.changed);
    *next = ISSUER_REPLIED;
    return ERR_OK;
}

const struct issuer_operation issuer_operation_CARD_PATCH = {
    .needs = ISSUER_NEED_CARD, .writes = true, .start = patch_start, .looked = patch_looked, .committed = patch_committed};

static enum err close_start(struct issuer *issuer, struct issuer_job *job, enum issuer_next *next)
{
    (void)issuer;
    job->writing.changed = job->view.card.card;
    job->writing.changed.status = LEDGER_CARD_CLOSED;
    return change_commit(job, next);
}

static enum err close_committed(struct issuer *issuer, struct issuer_job *job, enum issuer_next *next)
{
    issuer_reply(issuer, job, 204);
    *next = ISSUER_REPLIED;
    return ERR_OK;
}

const struct issuer_operation issuer_operation_CARD_CLOSE = {
    .needs = ISSUER_NEED_CARD, .writes = true, .start = close_start, .committed = close_committed};

/* ---- enrolment ---- */

static void enrolment_reply(struct issuer *issuer, struct issuer_job *job, const struct ledger_card *card)
{
    char at[25];
    env_rfc3339(card->updated_at, at);
    struct json_writer w = issuer_answer(job);
    json_put_bool(&w, "enrolled", card->enrolled);
    json_put_text(&w, "since", at);
    json_close(&w);
    issuer_reply(issuer, job, 200);
}

static enum err enrolment_get_start(struct issuer *issuer, struct issuer_job *job, enum issuer_next *next)
{
    enrolment_reply(issuer, job, &job->view.card.card);
    *next = ISSUER_REPLIED;
    return ERR_OK;
}

/* Idempotent: a card that is as it should be is left alone. */
static enum err enrolment_set(struct issuer *issuer, struct issuer_job *job, bool enrolled, enum issuer_next *next)
{
    job->writing.changed = job->view.card.card;
    if (job->view.card.card.enrolled == enrolled) {
        enrolment_reply(issuer, job, &job->view.card.card);
        return ERR_OK;
    }
    if (job->view.card.card.status != LEDGER_CARD_ACTIVE && enrolled)
        return ISSUER_ERR_CARD_NOT_ACTIVE;
    job->writing.changed.enrolled = enrolled;
    return change_commit(job, next);
}

static enum err enrolment_put_start(struct issuer *issuer, struct issuer_job *job, enum issuer_next *next)
{
    return enrolment_set(issuer, job, true, next);
}

static enum err enrolment_delete_start(struct issuer *issuer, struct issuer_job *job, enum issuer_next *next)
{
    return enrolment_set(issuer, job, false, next);
}

static enum err enrolment_committed(struct issuer *issuer, struct issuer_job *job, enum issuer_next *next)
{
    enrolment_reply(issuer, job, &job->writing.changed);
    *next = ISSUER_REPLIED;
    return ERR_OK;
}

const struct issuer_operation issuer_operation_ENROLMENT = {.needs = ISSUER_NEED_CARD, .start = enrolment_get_start};
const struct issuer_operation issuer_operation_ENROL = {
    .needs = ISSUER_NEED_CARD, .writes = true, .start = enrolment_put_start, .committed = enrolment_committed};
const struct issuer_operation issuer_operation_UNENROL = {
    .needs = ISSUER_NEED_CARD, .writes = true, .start = enrolment_delete_start, .committed = enrolment_committed};
