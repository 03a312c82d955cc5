/* SPDX-License-Identifier: Apache-2.0 */
/* The story: a table of steps, each with what must come of it. */
#include <stdio.h>
#include <string.h>

#include "hostcmd/commands.h"
#include "sandbox/client.h"
#include "sandbox/net.h"
#include "sandbox/tell.h"

enum action { PAY, STOP_HSM, START_HSM };

/* Where the code that is paid with comes from. */
enum code_from {
    NO_CODE,
    SHOWN,       /* the app shows it: printed, fresh one-time, or of this hour's window */
    AGAIN,       /* what was paid with last */
    OFF_BY_ONE,  /* the app shows one, the shopper types another */
    HOUR_BEFORE, /* shown in the hour before this one */
    REMEMBERED,  /* the printed code, read earlier */
};

static const struct step {
    const char *title;
    enum action action;
    enum sandbox_mode card;
    enum code_from code;
    bool encrypted;
    const char *approval; /* what the gateway must answer */
    const char *match;
    const char *de39; /* what must have come over the link */
} steps[] = {
    {"The printed code of a card is approved", PAY, SANDBOX_STATIC, SHOWN, true, "APPROVED", "MATCHED", "00"},
    {"A fresh one-time code is approved", PAY, SANDBOX_ONE_TIME, SHOWN, true, "APPROVED", "MATCHED", "00"},
    {"The same code again is refused", PAY, SANDBOX_ONE_TIME, AGAIN, false, "DECLINED", "NOT_MATCHED", "N7"},
    {"A wrong code is refused", PAY, SANDBOX_ONE_TIME, OFF_BY_ONE, false, "DECLINED", "NOT_MATCHED", "N7"},
    {"This hour's code over eftpos, where the static check fails, is approved", PAY, SANDBOX_TIME_WINDOW, SHOWN, true, "APPROVED",
     NULL, "00"},
    {"The hour before's code over eftpos is approved", PAY, SANDBOX_TIME_WINDOW, HOUR_BEFORE, false, "APPROVED", NULL, "00"},
    {"The HSM is stopped", STOP_HSM, SANDBOX_STATIC, NO_CODE, false, NULL, NULL, NULL},
    {"Nobody can check a code: not processed", PAY, SANDBOX_STATIC, REMEMBERED, false, "DECLINED", "NOT_PROCESSED", "91"},
    {"The HSM is back", START_HSM, SANDBOX_STATIC, NO_CODE, false, NULL, NULL, NULL},
    {"A fresh one-time code is approved again", PAY, SANDBOX_ONE_TIME, SHOWN, true, "APPROVED", "MATCHED", "00"},
};

enum { HOUR_MS = 3600000, BOUNDARY_MS = 3000, WIRE_WAIT_MS = 40, AMOUNT_MINOR = 2590 };

struct story {
    struct sandbox *box;
    struct sandbox_tell tell;
    struct sandbox_card *card[SANDBOX_MODES]; /* one of each product */
    char paid[5];                             /* the last code */
    char printed[5];                          /* of card[SANDBOX_STATIC] */
    char de39[3];                             /* the last one on the gateway's links */
};

/* ---- wires ---- */

/* ` 39=91 ` or at the end. */
static void note_de39(struct story *s, const struct sandbox_tap_line *line)
{
    const char *at = strstr(line->text, " 39=");
    if (at && strcmp(line->to, "gateway") == 0 && strlen(at) >= 6) {
        s->de39[0] = at[4];
        s->de39[1] = at[5];
    }
}

/* Everything that has passed; a moment of silence ends it. */
static void tell_wires(struct story *s)
{
    struct sandbox_tap_line line;
    while (sandbox_tap_read(&s->box->tap, WIRE_WAIT_MS, &line)) {
        note_de39(s, &line);
        sandbox_tell_wire(&s->tell, line.from, line.to, line.text);
    }
}

/* ---- codes ---- */

static enum err show_code(struct story *s, const struct sandbox_card *card, char out[static 5])
{
    struct sandbox_credentials shown;
    char text[200], mask[CARD_MASK_SIZE];
    (void)snprintf(text, sizeof text, "GET /v2/issuers/%s/cards/%s/credentials", s->box->issuer_id, card->id);
    sandbox_tell_wire(&s->tell, "app", "issuer", text);
    TRY(sandbox_holder_display(s->box, card, &shown));
    tell_wires(s);
    card_pan_mask(&card->pan, mask);
    (void)snprintf(text, sizeof text, "%u pan=%s cvv=%s%s%s", shown.status, mask, shown.code[0] ? "***" : "none",
                   shown.expires_at[0] ? " cvvExpiresAt=" : "", shown.expires_at);
    sandbox_tell_wire(&s->tell, "issuer", "app", text);
    memcpy(out, shown.code, 5);
    secret_wipe(&shown, sizeof shown);
    return out[0] ? ERR_OK : sandbox_fail(s->box, ERR_NOT_FOUND, "the issuer showed no code", card->id);
}

/* The narrator asks the HSM what the app showed an hour ago. */
static enum err code_of_hour_before(struct story *s, const struct sandbox_card *card, char out[static 5])
{
    struct hostcmd_qy ask = {0};
    struct hostcmd_qy_reply reply = {0};
    char time[11];
    int64_t now = env_wall_ms(&s->box->env);
    if (HOUR_MS - now % HOUR_MS < BOUNDARY_MS)
        sandbox_sleep_ms(BOUNDARY_MS + 100);
    struct env_calendar c = env_calendar(env_wall_ms(&s->box->env) - HOUR_MS);
    (void)snprintf(time, sizeof time, "%02u%02u%02u%02u%02u", (unsigned)c.year % 100u, (unsigned)c.month % 100u,
                   (unsigned)c.day % 100u, (unsigned)c.hour % 100u, (unsigned)c.minute % 100u);
    WIRE_SET(ask.scheme, span_text("5"));
    WIRE_SET(ask.key, span_text(s->box->keys.mk[SANDBOX_TIME_WINDOW]));
    WIRE_SET(ask.method, span_text("A"));
    WIRE_SET(ask.pan, card_pan_span(&card->pan));
    WIRE_SET(ask.expiry, span_text(card->expiry));
    WIRE_SET(ask.service, span_text(CARD_SERVICE_CVV2));
    WIRE_SET(ask.time, span_text(time));
    WIRE_SET(ask.twu, span_text("01"));
    TRY(sandbox_hsm_call(s->box->port[SANDBOX_PORT_HSM], HOSTCMD_QY, &ask, &reply));
    memcpy(out, reply.code.at, 3);
    out[3] = '\0';
    secret_wipe(&ask, sizeof ask);
    secret_wipe(&reply, sizeof reply);
    sandbox_tell_wire(&s->tell, "narrator", "HSM", "QY scheme=5: which code did the app show an hour ago?");
    return ERR_OK;
}

static enum err choose_code(struct story *s, const struct step *step, char out[static 5])
{
    const struct sandbox_card *card = s->card[step->card];
    switch (step->code) {
    case NO_CODE:
        return ERR_INTERNAL;
    case SHOWN:
        return show_code(s, card, out);
    case AGAIN:
        memcpy(out, s->paid, 5);
        return ERR_OK;
    case REMEMBERED:
        memcpy(out, s->printed, 5);
        return ERR_OK;
    case OFF_BY_ONE:
        TRY(show_code(s, card, out));
        out[2] = (char)('0' + (out[2] - '0' + 1) % 10);
        return ERR_OK;
    case HOUR_BEFORE:
        return code_of_hour_before(s, card, out);
    }
    return ERR_INTERNAL;
}

/* ---- steps ---- */

static bool is_as_told(const char *wanted, const char *found)
{
    return !wanted || strcmp(wanted, found) == 0;
}

static void describe_outcome(const char *approval, const char *match, const char *de39, char out[static 160])
{
    (void)snprintf(out, 160, "%s%s%s, DE39 %s", approval, match && *match ? ", code " : "", match ? match : "", de39);
}

static enum err pay(struct story *s, const struct step *step, bool *held)
{
    char code[5] = "", text[200], mask[CARD_MASK_SIZE], expected[160], found[160];
    struct sandbox_verdict v;
    TRY(choose_code(s, step, code));
    struct sandbox_charge charge = {.merchant = &s->box->merchant[0],
                                    .card = s->card[step->card],
                                    .code = code,
                                    .amount_minor = AMOUNT_MINOR,
                                    .encrypted = step->encrypted};
    card_pan_mask(&charge.card->pan, mask);
    (void)snprintf(text, sizeof text, "POST /payments/v1/charges 25.90 AUD card=%s code=***%s", mask,
                   step->encrypted ? " (in an RSA-OAEP block)" : "");
    sandbox_tell_wire(&s->tell, "merchant", "gateway", text);
    memcpy(s->de39, "--", 3);
    int64_t began = env_monotonic_us(&s->box->env);
    TRY(sandbox_merchant_charge(s->box, &charge, &v));
    int64_t took = env_monotonic_us(&s->box->env) - began;
    tell_wires(s);
    (void)snprintf(text, sizeof text, "%u %s responseCode=%s securityCodeMatch=%s%s", v.status, v.approval, v.response,
                   v.match[0] ? v.match : "none", v.problem);
    sandbox_tell_wire(&s->tell, "gateway", "merchant", text);
    *held = is_as_told(step->approval, v.approval) && is_as_told(step->match, v.match) && is_as_told(step->de39, s->de39);
    describe_outcome(step->approval, step->match, step->de39, expected);
    describe_outcome(v.approval[0] ? v.approval : v.problem, step->match ? v.match : NULL, s->de39, found);
    sandbox_tell_end(&s->tell, *held, expected, found, took);
    memcpy(s->paid, code, 5);
    if (step->card == SANDBOX_STATIC)
        memcpy(s->printed, code, 5);
    return ERR_OK;
}

enum { READY_LOOKS = 4, READY_LOOK_MS = 50 };

static enum err switch_hsm(struct story *s, bool on, bool *held)
{
    int64_t began = env_monotonic_us(&s->box->env);
    if (on) {
        TRY(sandbox_service_start(s->box, SANDBOX_HSM));
        TRY(sandbox_service_wait(s->box, SANDBOX_HSM));
        /* A connection to the tap made while nothing stood behind it is about to be cut: ready must hold for a while. */
        for (int look = 0; look < READY_LOOKS; look++) {
            sandbox_sleep_ms(READY_LOOK_MS);
            TRY(sandbox_service_wait(s->box, SANDBOX_ISSUER));
            TRY(sandbox_service_wait(s->box, SANDBOX_SWITCH));
        }
    } else {
        TRY(sandbox_service_stop(s->box, SANDBOX_HSM));
    }
    *held = true;
    sandbox_tell_end(&s->tell, true, on ? "running" : "stopped", on ? "running" : "stopped",
                     env_monotonic_us(&s->box->env) - began);
    return ERR_OK;
}

static enum err run_step(struct story *s, const struct step *step, bool *held)
{
    switch (step->action) {
    case PAY:
        return pay(s, step, held);
    case STOP_HSM:
        return switch_hsm(s, false, held);
    case START_HSM:
        return switch_hsm(s, true, held);
    }
    return ERR_INTERNAL;
}

static void choose_cards(struct story *s)
{
    for (size_t i = SANDBOX_CARDS; i-- > 0;)
        if (s->box->card[i].mode < SANDBOX_MODES)
            s->card[s->box->card[i].mode] = &s->box->card[i];
}

static void tell_first_payment(const struct sandbox *box)
{
    int64_t took_ms = (env_monotonic_us(&box->env) - box->began_us) / 1000;
    sandbox_say(box, "   first approved payment %lld.%lld s after the start", (long long)took_ms / 1000,
                (long long)took_ms % 1000 / 100);
}

enum err sandbox_story(struct sandbox *box, bool *held)
{
    struct story s = {.box = box};
    choose_cards(&s);
    *held = true;
    for (unsigned i = 0; i < sizeof steps / sizeof steps[0] && !sandbox_interrupted(); i++) {
        bool step_held = false;
        sandbox_tell_begin(&s.tell, box, i + 1, steps[i].title);
        TRY(run_step(&s, &steps[i], &step_held));
        *held = *held && step_held;
        if (i == 0 && step_held)
            tell_first_payment(box);
        enum sandbox_service died = sandbox_services_died(box);
        if (died != SANDBOX_SERVICES)
            return ERR_CLOSED;
    }
    secret_wipe(&s, sizeof s);
    return ERR_OK;
}
