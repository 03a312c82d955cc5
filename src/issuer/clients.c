/* SPDX-License-Identifier: Apache-2.0 */
/* Public keys of clients: a client manages its own. */
#include "crypto/jwe.h"
#include "issuer/internal.h"
#include "store/error.h"

#include <string.h>

enum { LIVE_KEYS_MAX = 2, LIFETIME_MAX_S = 5 * 366 * 86400, LIFETIME_DEFAULT_S = 365 * 86400 };

static bool kid_sound(struct span kid)
{
    if (kid.len < 1 || kid.len > CRYPTO_JWE_KID_MAX)
        return false;
    for (size_t i = 0; i < kid.len; i++) {
        uint8_t c = kid.at[i];
        bool good = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || strchr("._:-", c);
        if (!good || c == 0)
            return false;
    }
    return true;
}

/* Another client's keys look as if they were not there. */
static enum err own_check(const struct issuer_job *job)
{
    return span_is(http_parameter(job->request, "clientId"), job->caller.client.client_id) ? ERR_OK : ERR_NOT_FOUND;
}

static const struct ledger_client_key *known_find(const struct issuer_job *job, struct span kid)
{
    for (size_t i = 0; i < job->caller.known_count; i++)
        if (span_is(kid, job->caller.known[i].kid))
            return &job->caller.known[i];
    return NULL;
}

/* Rotation: two live keys of a use beside each other, no more. */
static bool room_for(const struct issuer_job *job, struct span kid, enum ledger_key_use use)
{
    size_t others = 0;
    for (size_t i = 0; i < job->caller.known_count; i++)
        others += job->caller.known[i].use == use && !span_is(kid, job->caller.known[i].kid);
    return others < LIVE_KEYS_MAX;
}

static void jwk_write(const struct issuer_client_key_body *body, struct ledger_client_key *key)
{
    struct buf out = buf_over(key->jwk, sizeof key->jwk - 1);
    struct json_writer w = json_writer(&out);
    json_open(&w, NULL);
    json_put_member(&w, "kty", body->kty);
    json_put_member(&w, "crv", body->crv);
    json_put_member(&w, "x", body->x);
    json_put_member(&w, "y", body->y);
    json_close(&w);
}

static enum err key_read(struct issuer_job *job, struct span kid, struct ledger_client_key *key)
{
    struct issuer_client_key_body *body = &job->secret->body.key;
    struct crypto_jwe_public point;
    int64_t lifetime_s = LIFETIME_DEFAULT_S;
    TRY(issuer_body_bind(job, body));
    if (!kid_sound(kid) || (body->kid.present && !span_equal(kid, WIRE_SPAN(body->kid))))
        return issuer_blame(job, "kid", ERR_PARSE_VALUE);
    TRY(issuer_text_check(job, "kid", kid));
    if (body->lifetime.present)
        TRY(issuer_blame(job, "lifetimeS", http_json_integer(WIRE_SPAN(body->lifetime), 1, LIFETIME_MAX_S, &lifetime_s)));
    /* on the curve, or ERR_PARSE_VALUE */
    TRY(issuer_blame(job, "x", crypto_jwe_import_public(WIRE_SPAN(body->x), WIRE_SPAN(body->y), &point)));
    *key = (struct ledger_client_key){.use = span_is(WIRE_SPAN(body->use), "enc") ? LEDGER_KEY_ENC : LEDGER_KEY_SIG,
                                      .not_before = job->now,
                                      .not_after = job->now + lifetime_s * 1000};
    memcpy(key->client_id, job->caller.client.client_id, sizeof key->client_id);
    memcpy(key->kid, kid.at, kid.len);
    jwk_write(body, key);
    return ERR_OK;
}

static void key_reply(struct issuer *issuer, struct issuer_job *job, const struct ledger_client_key *key)
{
    char at[25];
    struct json_writer w = issuer_answer(job);
    json_put_text(&w, "kid", key->kid);
    json_put_text(&w, "use", key->use == LEDGER_KEY_ENC ? "enc" : "sig");
    env_rfc3339(key->not_before, at);
    json_put_text(&w, "notBefore", at);
    env_rfc3339(key->not_after, at);
    json_put_text(&w, "notAfter", at);
    json_put_decimal(&w, "jwk", span_text(key->jwk)); /* our own writer's object, as it was stored */
    json_close(&w);
    issuer_reply(issuer, job, 200);
}

static enum err put_start(struct issuer *issuer, struct issuer_job *job, enum issuer_next *next)
{
    (void)issuer;
    struct span kid = http_parameter(job->request, "kid");
    TRY(own_check(job));
    TRY(key_read(job, kid, &job->caller.key));
    if (!room_for(job, kid, job->caller.key.use))
        return STORE_ERR_CONFLICT;
    issuer_unit_begin(job, 1);
    ledger_put_client_key(&job->writing.unit, &job->caller.key);
    *next = ISSUER_COMMIT;
    return ERR_OK;
}

static enum err put_committed(struct issuer *issuer, struct issuer_job *job, enum issuer_next *next)
{
    key_reply(issuer, job, &job->caller.key);
    *next = ISSUER_REPLIED;
    return ERR_OK;
}

static enum err get_start(struct issuer *issuer, struct issuer_job *job, enum issuer_next *next)
{
    TRY(own_check(job));
    const struct ledger_client_key *key = known_find(job, http_parameter(job->request, "kid"));
    if (!key)
        return ERR_NOT_FOUND;
    key_reply(issuer, job, key);
    *next = ISSUER_REPLIED;
    return ERR_OK;
}

static enum err delete_start(struct issuer *issuer, struct issuer_job *job, enum issuer_next *next)
{
    (void)issuer;
    TRY(own_check(job));
    const struct ledger_client_key *key = known_find(job, http_parameter(job->request, "kid"));
    if (!key)
        return ERR_NOT_FOUND;
    issuer_unit_begin(job, 1);
    ledger_put_client_key_revoked(&job->writing.unit, key->client_id, key->kid, job->now);
    *next = ISSUER_COMMIT;
    return ERR_OK;
}

static enum err delete_committed(struct issuer *issuer, struct issuer_job *job, enum issuer_next *next)
{
    issuer_reply(issuer, job, 204);
    *next = ISSUER_REPLIED;
    return ERR_OK;
}

const struct issuer_operation issuer_operation_KEY_PUT = {
    .needs = ISSUER_NEED_KEYS, .writes = true, .start = put_start, .committed = put_committed};
const struct issuer_operation issuer_operation_KEY_GET = {.needs = ISSUER_NEED_KEYS, .start = get_start};
const struct issuer_operation issuer_operation_KEY_DELETE = {
    .needs = ISSUER_NEED_KEYS, .writes = true, .start = delete_start, .committed = delete_committed};
