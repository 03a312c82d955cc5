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
static enum err expiry_take(struct job *job, struct span mmyy, char out[static 5])
{
    struct card_expiry expiry;
    job->field = "exp";
    TRY(card_expiry_parse(mmyy, CARD_MMYY, &expiry));
    job->field = NULL;
    card_expiry_write(expiry, CARD_YYMM, out);
    return ERR_OK;
}

/* ---- registration ---- */

static enum err registration_read(struct issuer *issuer, struct job *job, struct ledger_card *card)
{
    struct registration_body *body = &job->secret->body.registration;
    TRY(issuer_body_bind(job, body));
    job->field = "cardId";
    if (body->card_id.present && !issuer_id_sound(WIRE_SPAN(body->card_id)))
        return ERR_PARSE_CHARACTER;
    job->field = "pan";
    TRY(card_pan_parse(WIRE_SPAN(body->pan), CARD_LUHN, &job->secret->pan));
    job->field = "name";
    if (body->name.present && memchr(body->name.at, 0, body->name.len))
        return ERR_PARSE_CHARACTER;
    TRY(expiry_take(job, WIRE_SPAN(body->exp), card->expiry));
    text_take(card->product_id, sizeof card->product_id, WIRE_SPAN(body->product_id));
    text_take(card->psn, sizeof card->psn, body->psn.present ? WIRE_SPAN(body->psn) : span_text("00"));
    text_take(card->holder_name, sizeof card->holder_name, WIRE_SPAN(body->name));
    text_take(card->card_id, sizeof card->card_id, WIRE_SPAN(body->card_id));
    text_take(card->issuer_id, sizeof card->issuer_id, span_text(job->client.issuer_id));
    card->pan_mac.len = CRYPTO_VAULT_MAC;
    return crypto_vault_pan_mac(issuer->config.vault, card_pan_span(&job->secret->pan), card->pan_mac.at);
}

static enum err registration_seal(struct issuer *issuer, struct job *job, struct ledger_card *card)
{
    const struct card_pan *pan = &job->secret->pan;
    if (!card->card_id[0])
        env_uuid(issuer->config.env, card->card_id);
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
    bool id = !want->card_id[0] || strcmp(have->card_id, want->card_id) == 0;
    return id && secret_equal(have->pan_mac.at, want->pan_mac.at, CRYPTO_VAULT_MAC) &&
           strcmp(have->issuer_id, want->issuer_id) == 0 && strcmp(have->product_id, want->product_id) == 0 &&
           strcmp(have->expiry, want->expiry) == 0 && strcmp(have->psn, want->psn) == 0 &&
           strcmp(have->holder_name, want->holder_name) == 0;
}

/* The card that has this PAN or this id already. */
static enum err existing_find(struct issuer *issuer, const struct ledger_card *want, struct ledger_full_card *out, bool *found)
{
    struct ledger_unit unit;
    arena_reset(&issuer->read_arena);
    ledger_unit_begin(&unit, 2, &issuer->read_arena);
    size_t by_mac = ledger_get_card_by_pan_mac(&unit, want->pan_mac.at);
    size_t by_id = ledger_get_card(&unit, want->card_id);
    TRY(ledger_unit_run(&unit, issuer->config.store));
    *found = ledger_take_card(&unit, by_mac, out) || ledger_take_card(&unit, by_id, out);
    return ERR_OK;
}

static void registration_reply(struct issuer *issuer, struct job *job, const char *card_id, unsigned status)
{
    struct json_writer w = issuer_answer(job);
    json_put_text(&w, "cardId", card_id);
    json_close(&w);
    issuer_reply(issuer, job, status);
}

static void account_put(struct issuer *issuer, struct job *job, struct ledger_card *card)
{
    if (issuer->config.account_opening_balance_minor < 0)
        return;
    struct ledger_account account = {.balance = issuer->config.account_opening_balance_minor, .version = 1};
    memcpy(account.account_id, card->card_id, sizeof account.account_id);
    memcpy(account.currency, issuer->config.account_currency, sizeof account.currency);
    memcpy(card->account_id, card->card_id, sizeof card->account_id);
    ledger_put_new_account(&job->unit, &account);
}

static enum err product_check(struct issuer *issuer, struct job *job, const char *product_id)
{
    const struct ledger_product *product = NULL;
    job->field = "productId";
    TRY(issuer_product_find(issuer, job, product_id, &product));
    job->field = NULL;
    return ERR_OK;
}

enum err issuer_card_register_start(struct issuer *issuer, struct job *job, enum next *next)
{
    struct ledger_card *card = &job->changed;
    bool found = false;
    memset(card, 0, sizeof *card);
    TRY(registration_read(issuer, job, card));
    TRY(product_check(issuer, job, card->product_id));
    TRY(existing_find(issuer, card, &job->card, &found));
    if (found && !same_card(&job->card.card, card)) {
        memset(&job->card, 0, sizeof job->card);
        return ISSUER_ERR_DUPLICATE_CARD;
    }
    if (found) {
        registration_reply(issuer, job, job->card.card.card_id, 200);
        return ERR_OK;
    }
    TRY(registration_seal(issuer, job, card));
    issuer_unit_begin(job, 4);
    account_put(issuer, job, card);
    ledger_put_card(&job->unit, card);
    *next = NEXT_COMMIT;
    return ERR_OK;
}

enum err issuer_card_register_committed(struct issuer *issuer, struct job *job, enum next *next)
{
    registration_reply(issuer, job, job->changed.card_id, 201);
    *next = NEXT_REPLIED;
    return ERR_OK;
}

/* ---- one card ---- */

static void card_reply(struct issuer *issuer, struct job *job, const struct ledger_card *card)
{
    char masked[CARD_MASK_SIZE];
    char exp[5] = {card->expiry[2], card->expiry[3], card->expiry[0], card->expiry[1], 0};
    char at[25];
    card_pan_mask(&job->secret->pan, masked);
    struct json_writer w = issuer_answer(job);
    json_put_text(&w, "cardId", card->card_id);
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

enum err issuer_card_get_start(struct issuer *issuer, struct job *job, enum next *next)
{
    TRY(issuer_pan_open(issuer, job));
    card_reply(issuer, job, &job->card.card);
    *next = NEXT_REPLIED;
    return ERR_OK;
}

/* A card that is not active any more has no active code either (issuer.md 5). */
static void cancel_with(struct job *job)
{
    job->after = job->card.code;
    if (job->changed.status == LEDGER_CARD_ACTIVE && job->changed.enrolled)
        return;
    if (ledger_code_apply(&job->after, LEDGER_EVENT_CANCEL, &(struct ledger_code_change){.at = job->now}))
        ledger_put_code(&job->unit, &job->card.code, &job->after, LEDGER_UPDATE);
}

static enum err change_commit(struct job *job, enum next *next)
{
    job->changed.updated_at = job->now;
    issuer_unit_begin(job, 4);
    ledger_put_card_change(&job->unit, &job->changed);
    cancel_with(job);
    *next = NEXT_COMMIT;
    return ERR_OK;
}

static enum ledger_card_status status_read(struct span text)
{
    for (int i = LEDGER_CARD_ACTIVE; i < LEDGER_CARD_CLOSED; i++)
        if (span_is(text, status_name[i]))
            return (enum ledger_card_status)i;
    return LEDGER_CARD_CLOSED;
}

enum err issuer_card_patch_start(struct issuer *issuer, struct job *job, enum next *next)
{
    struct card_patch_body *body = &job->secret->body.patch;
    TRY(issuer_body_bind(job, body));
    TRY(issuer_pan_open(issuer, job));
    job->changed = job->card.card;
    if (body->status.present)
        job->changed.status = status_read(WIRE_SPAN(body->status));
    job->field = "status";
    if (job->card.card.status == LEDGER_CARD_CLOSED && job->changed.status != LEDGER_CARD_CLOSED)
        return ISSUER_ERR_CARD_NOT_ACTIVE; /* closed is for good */
    job->field = NULL;
    if (body->exp.present)
        TRY(expiry_take(job, WIRE_SPAN(body->exp), job->changed.expiry));
    if (body->name.present)
        text_take(job->changed.holder_name, sizeof job->changed.holder_name, WIRE_SPAN(body->name));
    if (body->product_id.present) {
        text_take(job->changed.product_id, sizeof job->changed.product_id, WIRE_SPAN(body->product_id));
        TRY(product_check(issuer, job, job->changed.product_id));
    }
    return change_commit(job, next);
}

enum err issuer_card_patch_committed(struct issuer *issuer, struct job *job, enum next *next)
{
    card_reply(issuer, job, &job->changed);
    *next = NEXT_REPLIED;
    return ERR_OK;
}

enum err issuer_card_close_start(struct issuer *issuer, struct job *job, enum next *next)
{
    (void)issuer;
    job->changed = job->card.card;
    job->changed.status = LEDGER_CARD_CLOSED;
    return change_commit(job, next);
}

enum err issuer_card_close_committed(struct issuer *issuer, struct job *job, enum next *next)
{
    issuer_reply(issuer, job, 204);
    *next = NEXT_REPLIED;
    return ERR_OK;
}

/* ---- enrolment ---- */

static void enrolment_reply(struct issuer *issuer, struct job *job, const struct ledger_card *card)
{
    char at[25];
    env_rfc3339(card->updated_at, at);
    struct json_writer w = issuer_answer(job);
    json_put_bool(&w, "enrolled", card->enrolled);
    json_put_text(&w, "since", at);
    json_close(&w);
    issuer_reply(issuer, job, 200);
}

enum err issuer_enrolment_get_start(struct issuer *issuer, struct job *job, enum next *next)
{
    enrolment_reply(issuer, job, &job->card.card);
    *next = NEXT_REPLIED;
    return ERR_OK;
}

/* Idempotent: a card that is as it should be is left alone. */
static enum err enrolment_set(struct issuer *issuer, struct job *job, bool enrolled, enum next *next)
{
    job->changed = job->card.card;
    if (job->card.card.enrolled == enrolled) {
        enrolment_reply(issuer, job, &job->card.card);
        return ERR_OK;
    }
    if (job->card.card.status != LEDGER_CARD_ACTIVE && enrolled)
        return ISSUER_ERR_CARD_NOT_ACTIVE;
    job->changed.enrolled = enrolled;
    return change_commit(job, next);
}

enum err issuer_enrolment_put_start(struct issuer *issuer, struct job *job, enum next *next)
{
    return enrolment_set(issuer, job, true, next);
}

enum err issuer_enrolment_delete_start(struct issuer *issuer, struct job *job, enum next *next)
{
    return enrolment_set(issuer, job, false, next);
}

enum err issuer_enrolment_committed(struct issuer *issuer, struct job *job, enum next *next)
{
    enrolment_reply(issuer, job, &job->changed);
    *next = NEXT_REPLIED;
    return ERR_OK;
}
