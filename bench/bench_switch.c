/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Authorisations a second: static codes, and one-time codes consumed durably. HSM, switch and this load program are separate
 *            processes
 * on this machine. The limit is the same rows written by the store alone, in the same batches, measured in the same run.
 */
#include "support/bench.h"
#include "support/lab.h"

#include "store/writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CARDS = 20000, FRAME_ROOM = 256, CONNECTIONS = 8, WINDOW = 256, STATIC_COUNT = 120000 };

struct run {
    size_t first;
    size_t count;
    size_t spread;  /* cards used */
    uint64_t trace; /* of frame 0 */
    uint8_t (*frame)[FRAME_ROOM];
    uint16_t *len;
    size_t approved;
};

static size_t frame_of(void *context, size_t i, uint8_t *out, size_t cap)
{
    const struct run *r = context;
    if (r->len[i] > cap)
        return 0;
    memcpy(out, r->frame[i], r->len[i]);
    return r->len[i];
}

static void answer_of(void *context, size_t i, const struct iso8583_message *answer)
{
    struct run *r = context;
    (void)i;
    r->approved += span_is(iso8583_get(answer, ISO8583_RESPONSE), "00");
}

static void *reserve(size_t size)
{
    void *at = calloc(1, size);

    if (!at)
        exit(1);
    return at;
}

/* Frames are made before the clock starts. DE37 is the index, DE7 keeps the runs apart. */
static void frames_make(struct lab *lab, struct run *r, bool one_time, const char *de7)
{
    char *codes = reserve(r->spread * 3);
    r->frame = reserve(r->count * FRAME_ROOM);
    r->len = reserve(r->count * sizeof *r->len);
    lab_codes_many(lab, r->first, r->spread, one_time, codes);
    for (size_t i = 0; i < r->count; i++) {
        struct iso8583_message m;

        lab_request(&m, LAB_VISA, r->first + i % r->spread, i, 100, codes + 3 * (i % r->spread));
        iso8583_set_text(&m, ISO8583_TRANSMISSION, de7);
        r->len[i] = (uint16_t)lab_frame(LAB_VISA, &m, r->frame[i], FRAME_ROOM);
    }
    free(codes);
}

static double run_rate(struct lab *lab, struct run *r)
{
    struct lab_load load = {.link = LAB_VISA,
                            .connections = CONNECTIONS,
                            .window = WINDOW,
                            .count = r->count,
                            .frame = frame_of,
                            .answer = answer_of,
                            .context = r};
    int64_t ns = lab_load_run(lab, &load);
    free(r->frame);
    free(r->len);
    if (r->approved != r->count) {
        (void)fprintf(stderr, "bench_switch: %zu of %zu approved\n", r->approved, r->count);
        exit(1);
    }
    return (double)r->count * 1e9 / (double)ns;
}

/* The rows of one approved authorisation, as the switch writes them. */
static void put_rows(struct lab *lab, struct ledger_unit *unit, size_t i, bool one_time)
{
    char de37[13];
    struct ledger_message_id id = {"bench", "0100",     "1121043000",      "000000", "12345678901",
                                   de37,    "TERM0001", "MERCHANT0000001", NULL,     "visa"};
    struct ledger_idem idem = {.fingerprint = {.len = 50}, .answer = {.len = 9}, .created_at = 1};
    struct ledger_auth auth = {.link_id = "bench",
                               .mti_class = "0100",
                               .de7 = "1121043000",
                               .de11 = "000000",
                               .de32 = "12345678901",
                               .de41 = "TERM0001",
                               .de42 = "MERCHANT0000001",
                               .bin8 = "41234500",
                               .pan_mac = {.len = 32},
                               .amount = 100,
                               .currency = "036",
                               .de3 = "000000",
                               .mcc = "5999",
                               .de22 = "0100",
                               .de25 = "59",
                               .received_at = 1,
                               .decided_at = 1,
                               .outcome = 4,
                               .steps = "CY+",
                               .result = "M",
                               .de39 = "00",
                               .de38 = "ABCDEF",
                               .ctm_reason = "approved"};
    struct ledger_hold hold = {.amount = 100, .until = 1};
    struct ledger_account account = {.balance = 1, .held = 100, .version = 1};
    struct ledger_code before = {.version = 1, .issue_n = 1, .state = LEDGER_CODE_ACTIVE};
    struct ledger_code after = {.state = LEDGER_CODE_USED, .used_at = 1};
    (void)snprintf(de37, sizeof de37, "%012zu", i);
    (void)snprintf(auth.de11, sizeof auth.de11, "%06zu", i % 1000000);
    id.de11 = auth.de11;
    memcpy(auth.pan_mac.at, &i, sizeof i);
    id.pan_mac = auth.pan_mac.at;
    (void)snprintf(auth.card_id, sizeof auth.card_id, "card-%zu", CARDS * 2 + 1 + i);
    (void)snprintf(hold.account_id, sizeof hold.account_id, "account-%zu", CARDS * 2 + 1 + i);
    memcpy(account.account_id, hold.account_id, sizeof account.account_id);
    memcpy(before.card_id, auth.card_id, sizeof before.card_id);
    memcpy(after.card_id, auth.card_id, sizeof after.card_id);
    memcpy(auth.de37, de37, sizeof auth.de37);
    env_uuid(&lab->env, auth.auth_id);
    memcpy(idem.auth_id, auth.auth_id, sizeof idem.auth_id);
    memcpy(account.last_auth_id, auth.auth_id, sizeof account.last_auth_id);
    memcpy(hold.auth_id, auth.auth_id, sizeof hold.auth_id);
    ledger_put_idem(unit, &id, &idem);
    if (one_time)
        ledger_put_code(unit, &before, &after, LEDGER_CONSUME);
    ledger_put_hold(unit, &hold);
    ledger_put_account(unit, &account);
    ledger_put_auth(unit, &auth);
}

/* Writes of the same rows by one thread that does nothing else, 64 authorisations a commit. */
static double store_limit(struct lab *lab, size_t from, size_t count, bool one_time)
{
    enum { AT_ONCE = 64 };
    int64_t spent = 0;

    for (size_t done = 0; done + AT_ONCE <= count; done += AT_ONCE) {
        struct ledger_unit unit;
        int64_t began;

        ledger_unit_begin(&unit, AT_ONCE * 5, &lab->arena);
        for (size_t i = 0; i < AT_ONCE; i++)
            put_rows(lab, &unit, from + done + i, one_time);
        began = bench_now_ns();
        if (ledger_unit_run(&unit, lab->store) != ERR_OK)
            exit(1);
        spent += bench_now_ns() - began;
        arena_reset(&lab->arena);
    }
    return (double)(count / AT_ONCE * AT_ONCE) * 1e9 / (double)spent;
}

int main(void)
{
    enum { LIMIT = 6400 };
    struct lab lab;
    struct ledger_product p;
    struct run fixed = {.first = 1, .count = STATIC_COUNT, .spread = CARDS};
    struct run once = {.first = CARDS + 1, .count = CARDS, .spread = CARDS};
    double limit_static;
    double limit_once;
    bool good;

    lab_open(&lab, NULL, NULL);
    p = lab_product("static", LEDGER_STATIC);
    lab_put_product(&lab, &p);
    p = lab_product("one-time", LEDGER_ONE_TIME);
    lab_put_product(&lab, &p);
    lab_put_cards(&lab, "static", 1, CARDS, 100000000);
    lab_put_cards(&lab, "one-time", CARDS + 1, CARDS, 100000000);
    lab_put_cards(&lab, "one-time", CARDS * 2 + 1, LIMIT * 2, 100000000);
    lab_issue_many(&lab, CARDS + 1, CARDS);
    lab_issue_many(&lab, CARDS * 2 + 1, LIMIT * 2);
    limit_once = store_limit(&lab, 0, LIMIT, true);
    limit_static = store_limit(&lab, LIMIT, LIMIT, false);
    lab_hsm_start(&lab);
    lab_switch_start(&lab);
    frames_make(&lab, &fixed, false, "1121043001");
    frames_make(&lab, &once, true, "1121043002");
    good = bench_report(&(struct bench_figure){.bench = "switch.static",
                                               .unit = "/s",
                                               .value = run_rate(&lab, &fixed),
                                               .limit = limit_static,
                                               .limit_is = "the same rows written alone",
                                               .goal = 30000,
                                               .rule = BENCH_VALUE_AT_LEAST});
    good &= bench_report(&(struct bench_figure){.bench = "switch.one_time",
                                                .unit = "/s",
                                                .value = run_rate(&lab, &once),
                                                .limit = limit_once,
                                                .limit_is = "the same rows written alone",
                                                .goal = 10000,
                                                .rule = BENCH_VALUE_AT_LEAST});
    (void)lab_switch_stop(&lab);
    lab_close(&lab);
    return good ? 0 : 1;
}
