/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/process/console.h"

#include <string.h>

static void put_no(struct buf *out, const char *why)
{
    buf_put_text(out, "NO ");
    buf_put_text(out, why);
    buf_put_byte(out, '\n');
}

static void put_ok(struct buf *out)
{
    buf_put_text(out, "OK\n");
}

/* ---- words ---- */

static struct span take_word(struct span *line)
{
    size_t len = 0;
    while (len < line->len && line->at[len] != ' ')
        len++;
    struct span word = span_slice(*line, 0, len);
    *line = span_slice(*line, len + 1, line->len);
    return word;
}

static enum err take_number(struct span *line, uint64_t most, uint64_t *out)
{
    TRY(span_decimal(take_word(line), out));
    return *out <= most ? ERR_OK : ERR_PARSE_VALUE;
}

/* LOAD, ONLINE, or AUTHORISE with its words; nothing may follow. */
static enum err take_decision(struct span *line, struct hsm_decision *out)
{
    struct span deed = take_word(line);
    uint64_t lmk = 0, minutes = 0;
    *out = (struct hsm_decision){.deed = HSM_LOAD};
    if (span_is(deed, "AUTHORISE")) {
        out->deed = HSM_AUTHORISE;
        TRY(take_number(line, KEYS_LMK_IDS - 1, &lmk));
        TRY(hsm_activity_parse(take_word(line), &out->activity, out->type));
        TRY(take_number(line, HSM_MINUTES_MAX, &minutes));
        out->lmk = (uint8_t)lmk;
        out->minutes = (uint32_t)minutes;
    } else if (span_is(deed, "ONLINE")) {
        out->deed = HSM_ONLINE;
    } else if (!span_is(deed, "LOAD")) {
        return ERR_PARSE_UNKNOWN;
    }
    return line->len == 0 ? ERR_OK : ERR_PARSE_TRAILING;
}

/* ---- what is asked ---- */

static enum err ask_state(struct hsm_officers *o, struct span line, struct buf *out)
{
    (void)line;
    hsm_officers_describe(o, out);
    put_ok(out);
    return ERR_OK;
}

static enum err ask_officer(struct hsm_officers *o, struct span line, struct buf *out)
{
    uint64_t number = 0;
    char problem[HSM_PROBLEM] = "";
    struct hsm_salt salt;
    TRY(take_number(&line, KEYS_STORE_OFFICERS, &number));
    struct span purpose = take_word(&line);
    enum hsm_deed deed = span_is(purpose, "LOAD") ? HSM_LOAD : HSM_AUTHORISE;
    if (deed != HSM_LOAD && !span_is(purpose, "VOICE"))
        return ERR_PARSE_UNKNOWN;
    if (hsm_officers_salt(o, (uint8_t)number, deed, &salt, problem) != ERR_OK) {
        put_no(out, problem);
        return ERR_OK;
    }
    const uint8_t numbers[] = {salt.cost.log2n, salt.cost.r, salt.cost.p};
    buf_put_text(out, "OK ");
    for (size_t i = 0; i < sizeof numbers; i++) {
        buf_put_decimal(out, numbers[i], 0);
        buf_put_byte(out, ' ');
    }
    buf_put_hex(out, salt.salt, sizeof salt.salt);
    buf_put_byte(out, '\n');
    return ERR_OK;
}

static enum err prove(struct hsm_officers *o, uint8_t number, struct span *line, const uint8_t *key, struct buf *out)
{
    struct hsm_decision decision;
    struct hsm_voices voices;
    char problem[HSM_PROBLEM] = "";
    TRY(take_decision(line, &decision));
    if (hsm_officers_prove(o, number, key, &decision, &voices, problem) != ERR_OK) {
        put_no(out, problem);
    } else if (voices.done) {
        put_ok(out);
    } else {
        buf_put_text(out, "PENDING ");
        buf_put_decimal(out, voices.have, 0);
        buf_put_byte(out, ' ');
        buf_put_decimal(out, voices.need, 0);
        buf_put_byte(out, '\n');
    }
    return ERR_OK;
}

static enum err ask_voice(struct hsm_officers *o, struct span line, struct buf *out)
{
    uint64_t number = 0;
    uint8_t key[KEYS_STORE_KEY] = {0};
    TRY(take_number(&line, KEYS_STORE_OFFICERS, &number));
    struct span digits = take_word(&line);
    if (digits.len != 2 * sizeof key)
        return ERR_PARSE_VALUE;
    enum err err = span_unhex(digits, key, sizeof key);
    if (err == ERR_OK)
        err = prove(o, (uint8_t)number, &line, key, out);
    secret_wipe(key, sizeof key);
    return err;
}

static enum err ask_decide(struct hsm_officers *o, struct span line, struct buf *out)
{
    struct hsm_decision decision;
    char problem[HSM_PROBLEM] = "";
    TRY(take_decision(&line, &decision));
    if (hsm_officers_decide(o, &decision, problem) == ERR_OK)
        put_ok(out);
    else
        put_no(out, problem);
    return ERR_OK;
}

static enum err ask_secure(struct hsm_officers *o, struct span line, struct buf *out)
{
    (void)line;
    hsm_officers_secure(o);
    put_ok(out);
    return ERR_OK;
}

static enum err ask_cancel(struct hsm_officers *o, struct span line, struct buf *out)
{
    uint64_t lmk = 0;
    TRY(take_number(&line, KEYS_LMK_IDS - 1, &lmk));
    if (line.len > 0) {
        enum hostcmd_activity activity = HOSTCMD_OPEN;
        char type[HSM_TYPE_SIZE];
        TRY(hsm_activity_parse(line, &activity, type));
        if (hsm_officers_cancel_one(o, (uint8_t)lmk, activity, type) != ERR_OK) {
            put_no(out, "that activity was not authorised");
            return ERR_OK;
        }
    } else {
        hsm_officers_cancel(o, (uint8_t)lmk);
    }
    put_ok(out);
    return ERR_OK;
}

static enum err ask_zeroise(struct hsm_officers *o, struct span line, struct buf *out)
{
    (void)line;
    hsm_officers_zeroise(o);
    put_ok(out);
    return ERR_OK;
}

static const struct request {
    const char *name;
    enum err (*ask)(struct hsm_officers *o, struct span line, struct buf *out);
} requests[] = {
    {"STATE", ask_state},   {"OFFICER", ask_officer}, {"VOICE", ask_voice},     {"DECIDE", ask_decide},
    {"SECURE", ask_secure}, {"CANCEL", ask_cancel},   {"ZEROISE", ask_zeroise},
};

void hsm_console_line(void *officers, struct span line, struct buf *answer)
{
    struct span name = take_word(&line);
    enum err err = ERR_PARSE_UNKNOWN;
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++)
        if (span_is(name, requests[i].name))
            err = requests[i].ask(officers, line, answer);
    if (err != ERR_OK)
        put_no(answer, "the line is not one of the console's");
}
