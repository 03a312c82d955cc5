/* SPDX-License-Identifier: Apache-2.0 */
/* What a holder's app gets to see: PAN, expiry, name, code; encrypted for the client wherever it has a key. */
#include "crypto/error.h"
#include "crypto/jose.h"
#include "crypto/jwe.h"
#include "issuer/error.h"
#include "issuer/internal.h"

#include <string.h>

enum err issuer_pan_open(struct issuer *issuer, struct issuer_job *job)
{
    const struct ledger_card *card = &job->view.card.card;
    uint8_t digits[CARD_PAN_MAX];
    struct buf plain = buf_over(digits, sizeof digits);
    enum err err =
        crypto_vault_unseal(issuer->config.vault, span_text(card->card_id), span_of(card->pan_enc.at, card->pan_enc.len), &plain);
    if (err == ERR_OK)
        err = card_pan_parse(buf_span(&plain), CARD_ANY, &job->secret->pan);
    secret_wipe(digits, sizeof digits);
    return err == ERR_OK ? ERR_OK : ERR_INTERNAL; /* the row and the vault's key do not belong together */
}

enum err issuer_payload_allowed(const struct issuer *issuer, const struct issuer_job *job)
{
    return issuer->config.sandbox || job->caller.key.kid[0] ? ERR_OK : ISSUER_ERR_NO_ENCRYPTION_KEY;
}

static void put_time(struct json_writer *w, const char *name, int64_t at_ms)
{
    char text[25];
    env_rfc3339(at_ms, text);
    json_put_text(w, name, text);
}

static void put_code(struct json_writer *w, const struct code_digits *code)
{
    json_put(w, "cvv", span_of(code->at, code->len));
}

static void put_card(struct json_writer *w, const struct issuer_job *job, const struct code_digits *code)
{
    const struct ledger_card *card = &job->view.card.card;
    char exp[5] = {card->expiry[2], card->expiry[3], card->expiry[0], card->expiry[1], 0};
    json_put(w, "pan", card_pan_span(&job->secret->pan));
    json_put_text(w, "exp", exp);
    if (card->holder_name[0])
        json_put_text(w, "name", card->holder_name);
    put_code(w, code);
    if (job->times.cvv_expires_at > 0)
        put_time(w, "cvvExpiresAt", job->times.cvv_expires_at);
}

static void put_windows(struct json_writer *w, const struct issuer_job *job)
{
    int64_t window_s = issuer_window_s(job);
    int64_t grace_s = job->view.product.accept_previous_window ? window_s : 0;
    json_open_array(w, "codes");
    for (int64_t i = 0; i < job->times.windows; i++) {
        int64_t from_s = job->times.first_window_s + i * window_s;
        json_open(w, NULL);
        put_code(w, &job->secret->window[i]);
        put_time(w, "validFrom", from_s * 1000);
        put_time(w, "validUntil", (from_s + window_s) * 1000);
        put_time(w, "cvvExpiresAt", (from_s + window_s + grace_s) * 1000);
        json_close(w);
    }
    json_close_array(w);
}

static enum err write_plain(const struct issuer_job *job, const struct code_digits *code, struct buf *out)
{
    struct json_writer w = json_writer(out);
    json_open(&w, NULL);
    if (code)
        put_card(&w, job, code);
    else
        put_windows(&w, job);
    json_close(&w);
    return json_done(&w);
}

static enum err encrypt(const struct issuer *issuer, const struct issuer_job *job, struct span plain, struct buf *out)
{
    struct span x;
    struct span y;
    struct crypto_jwe_public key;
    struct span jwk = span_text(job->caller.key.jwk);
    TRY(crypto_jose_text(jwk, "x", &x));
    TRY(crypto_jose_text(jwk, "y", &y));
    TRY(crypto_jwe_import_public(x, y, &key));
    buf_put_text(out, "{\"encryptedData\":\"");
    TRY(crypto_jwe_encrypt(&key, span_text(job->caller.key.kid), plain, issuer->config.env, out));
    buf_put_text(out, "\"}");
    return buf_done(out);
}

enum err issuer_payload_write(struct issuer *issuer, struct issuer_job *job, const struct code_digits *code)
{
    struct buf *body = http_body(job->request);
    if (!job->caller.key.kid[0])
        return write_plain(job, code, body);
    struct buf plain = buf_over(job->secret->plain, sizeof job->secret->plain);
    enum err err = write_plain(job, code, &plain);
    if (err == ERR_OK)
        err = encrypt(issuer, job, buf_span(&plain), body);
    return err == ERR_OK ? ERR_OK : CRYPTO_ERR_FAILED;
}
