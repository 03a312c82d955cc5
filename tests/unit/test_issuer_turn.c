/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The issuer in this process, its HSM and its writer thread replaced by scripts: every outcome they can have, and what the holder,
 * the ledger and the memory see of it. The code of counter n is n modulo 1,000; the printed code is 999.
 */
#include "hostcmd/commands.h"
#include "issuer/internal.h"
#include "support/issuer_world.h"
#include "support/sockets.h"
#include "support/stores.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* The program is linked with --wrap for these: the scripts stand between the issuer and the real ones. */
enum err __wrap_store_writer_submit(struct store_writer *writer, struct store_batch *batch);
enum err __wrap_hostcmd_client_send(struct hostcmd_client *client, const struct hostcmd_send *send);
size_t __wrap_hostcmd_client_take(struct hostcmd_client *client, struct hostcmd_answer *out, size_t max);
void __wrap_hostcmd_answer_wipe(struct hostcmd_answer *answer);
int64_t __wrap_hostcmd_client_turn(struct hostcmd_client *client, int64_t now_us);
bool __wrap_hostcmd_client_ready(const struct hostcmd_client *client);

/* ---- the writer ---- */

enum outcome { RUN, LOST_RACE, UNKNOWN_DONE, UNKNOWN_LOST, DOWN, FULL, GONE };
struct script {
    enum outcome writer[16];
    size_t writer_at;
    enum err hsm[16];         /* ERR_OK: answers */
    const char *hsm_code[16]; /* answer code instead of 00 */
    size_t hsm_at;
    int avoided; /* the endpoint that the last command was to avoid */
    size_t submitted;
};
static struct script script;
static struct store *writes;

enum err __wrap_store_writer_submit(struct store_writer *writer, struct store_batch *batch)
{
    (void)writer;
    enum outcome outcome = script.writer[script.writer_at++ % 16];
    if (outcome == FULL || outcome == GONE)
        return outcome == FULL ? ERR_BUSY : ERR_CLOSED;
    script.submitted++;
    if (outcome == RUN || outcome == UNKNOWN_DONE)
        batch->err = store_run(writes, batch);
    if (outcome == LOST_RACE)
        batch->err = ERR_CONFLICT;
    if (outcome == DOWN)
        batch->err = ERR_STORE_UNAVAILABLE;
    if (outcome == UNKNOWN_DONE || outcome == UNKNOWN_LOST)
        batch->err = ERR_STORE_UNKNOWN;
    return queue_put(batch->done, batch);
}

/* ---- the HSM ---- */

static struct hostcmd_answer waiting[64];
static size_t waiting_count;

static void answer_code(struct hostcmd_answer *a, const char *reply, const char *code, int64_t value)
{
    a->len = (uint16_t)snprintf((char *)a->at, sizeof a->at, strcmp(code, "00") == 0 ? "%s%s%03d" : "%s%s", reply, code,
                                (int)(value % 1000));
}

enum err __wrap_hostcmd_client_send(struct hostcmd_client *client, const struct hostcmd_send *send)
{
    (void)client;
    size_t at = script.hsm_at++ % 16;
    const char *code = script.hsm_code[at] ? script.hsm_code[at] : "00";
    if (script.hsm[at] == ERR_BUSY)
        return ERR_BUSY;
    struct hostcmd_answer *a = &waiting[waiting_count++];
    *a = (struct hostcmd_answer){.ticket = send->ticket, .err = script.hsm[at], .endpoint = 3};
    script.avoided = send->avoid;
    if (a->err != ERR_OK)
        return ERR_OK;
    if (memcmp(send->command.at, "CW", 2) == 0) {
        answer_code(a, "CX", code, 999);
        return ERR_OK;
    }
    struct hostcmd_qy qy;
    struct hostcmd_tail tail;
    uint64_t atc = 0;
    struct span data = span_slice(send->command, 2, send->command.len);
    assert_int_equal(hostcmd_request_parse(hostcmd_row(HOSTCMD_QY), data, &qy, &tail, NULL), ERR_OK);
    assert_true(qy.time.present || span_decimal(WIRE_SPAN(qy.atc), &atc) == ERR_OK);
    answer_code(a, "QZ", code, (int64_t)atc);
    return ERR_OK;
}

size_t __wrap_hostcmd_client_take(struct hostcmd_client *client, struct hostcmd_answer *out, size_t max)
{
    (void)client;
    size_t count = waiting_count < max ? waiting_count : max;
    memcpy(out, waiting, count * sizeof waiting[0]);
    waiting_count -= count;
    memmove(waiting, waiting + count, waiting_count * sizeof waiting[0]);
    return count;
}

void __wrap_hostcmd_answer_wipe(struct hostcmd_answer *answer)
{
    secret_wipe(answer, sizeof *answer);
}

int64_t __wrap_hostcmd_client_turn(struct hostcmd_client *client, int64_t now_us)
{
    (void)client;
    (void)now_us;
    return 0;
}

bool __wrap_hostcmd_client_ready(const struct hostcmd_client *client)
{
    (void)client;
    return true;
}

/* ---- the rest is real ---- */

enum { SLOTS = 4 };
static const struct issuer_key keys[] = {{"cvk", "U9B4934384B19946B040CD702B4D58145"}, {"mk", "U0D39A43C864D1B40F33998B80BB02C95"}};

struct bench {
    struct stores_fixture stores;
    struct world world; /* a view of the same ledger */
    struct http *http;
    struct issuer *issuer;
};

static void no_wake(void *context)
{
    (void)context;
}

static void open_bench(struct bench *b)
{
    static const uint8_t master[VAULT_MASTER] = {7};
    memset(b, 0, sizeof *b);
    memset(&script, 0, sizeof script);
    waiting_count = 0;
    stores_setup(&b->stores, &stores_sqlite);
    writes = stores_connect(&b->stores);
    b->world = (struct world){.env = b->stores.env, .store = b->stores.store};
    assert_int_equal(arena_create(&b->world.arena, 1 << 20), ERR_OK);
    assert_int_equal(vault_open(master, "ledger", &b->world.vault), ERR_OK);
    world_put_products(&b->world);
    world_put_client(&b->world, "sandbox", WORLD_ISSUER, "cards display read products operator keys", WORLD_API_KEY);
    world_put_card(&b->world, "v", "one-time", WORLD_PAN);
    struct http_config http = {.slots = SLOTS, .wake = no_wake};
    http.mount = issuer_mounts(&http.mount_count);
    assert_int_equal(http_create(&http, &b->stores.env, &b->http), ERR_OK);
    b->world.port = http_port(b->http);
    struct issuer_config config = {.env = &b->stores.env,
                                   .http = b->http,
                                   .store = b->stores.store,
                                   .vault = b->world.vault,
                                   .key = keys,
                                   .key_count = 2,
                                   .slots = SLOTS,
                                   .hsm_timeout_us = 1000000,
                                   .sandbox = true,
                                   .account_opening_balance_minor = -1,
                                   .wake = no_wake};
    assert_int_equal(issuer_create(&config, &b->issuer), ERR_OK);
}

static void close_bench(struct bench *b)
{
    issuer_destroy(b->issuer);
    http_destroy(b->http);
    store_close(writes);
    arena_destroy(&b->world.arena);
    vault_close(b->world.vault);
    stores_teardown(&b->stores);
}

/* No secret of any job outlives its answer. */
static void assert_wiped(const struct bench *b)
{
    const uint8_t *at = b->issuer->pages.at;
    for (size_t i = 0; i < SLOTS * sizeof(struct job_secret); i++)
        assert_int_equal(at[i], 0);
    for (size_t i = 0; i < SLOTS; i++)
        assert_int_equal(b->issuer->job[i].stage, JOB_IDLE);
    assert_int_equal(issuer_pending(b->issuer), 0);
}

static struct world_reply *ask(struct bench *b, const char *method, const char *path, const char *body)
{
    struct world_call call;
    world_call_begin(&call, &b->world, method, path, NULL, body);
    struct pollfd p = {call.fd, POLLIN, 0};
    for (int i = 0; i < 5000 && poll(&p, 1, 1) == 0; i++)
        issuer_turn(b->issuer);
    struct world_reply *r = world_call_end(&call);
    assert_wiped(b);
    return r;
}

static void expect(struct bench *b, int status, const char *code, const char *cvv)
{
    struct world_reply *r = ask(b, "GET", "/cards/v/credentials", NULL);
    if (r->status != status || strcmp(world_text(r, "code"), code) != 0 || strcmp(world_text(r, "cvv"), cvv) != 0)
        fail_msg("%d %s", r->status, r->body);
    world_reply_free(r);
}

static int64_t counter(struct bench *b)
{
    return world_card(&b->world, "v").code.issue_n;
}

/* ---- commits ---- */

static void test_code_only_after_the_commit(void **state)
{
    (void)state;
    struct bench b;
    open_bench(&b);
    expect(&b, 200, "", "001");
    assert_int_equal(counter(&b), 1);
    script.writer[1] = DOWN;
    expect(&b, 503, "ledger_unavailable", "");
    assert_int_equal(counter(&b), 1);
    expect(&b, 200, "", "002");
    close_bench(&b);
}

static void test_lost_races_are_run_again(void **state)
{
    (void)state;
    struct bench b;
    open_bench(&b);
    for (size_t i = 0; i < 4; i++)
        script.writer[i] = LOST_RACE;
    expect(&b, 200, "", "001");
    assert_int_equal(script.submitted, 5);
    for (size_t i = 5; i < 10; i++)
        script.writer[i] = LOST_RACE;
    expect(&b, 503, "ledger_unavailable", "");
    assert_int_equal(script.submitted, 10);
    assert_int_equal(counter(&b), 1);
    assert_int_equal(issuer_counters(b.issuer).conflicts, 9);
    close_bench(&b);
}

/* Issuer specification 4.1: the row of this very request decides. */
static void test_unknown_commits_are_settled(void **state)
{
    (void)state;
    struct bench b;
    open_bench(&b);
    script.writer[0] = UNKNOWN_DONE;
    expect(&b, 200, "", "001");
    assert_int_equal(script.submitted, 1);
    assert_int_equal(counter(&b), 1);
    script.writer[1] = UNKNOWN_LOST;
    expect(&b, 200, "", "002");
    assert_int_equal(script.submitted, 3);
    assert_int_equal(counter(&b), 2);
    /* a registration is looked at again: once it is there, it is the same card */
    script.writer[3] = UNKNOWN_DONE;
    struct world_reply *r = ask(&b, "POST", "/cards",
                                "{\"cardId\":\"n\",\"productId\":\"static\",\"pan\":\"4111111111111111\","
                                "\"exp\":\"1230\"}");
    assert_int_equal(r->status, 200);
    world_reply_free(r);
    close_bench(&b);
}

static void test_writer_refuses(void **state)
{
    (void)state;
    struct bench b;
    open_bench(&b);
    script.writer[0] = FULL;
    expect(&b, 503, "busy", "");
    script.writer[1] = GONE;
    expect(&b, 503, "ledger_unavailable", "");
    assert_int_equal(counter(&b), 0);
    close_bench(&b);
}

/* ---- HSM ---- */

static void test_second_hsm_is_asked_once(void **state)
{
    (void)state;
    struct bench b;
    open_bench(&b);
    script.hsm[0] = ERR_TIMEOUT; /* QY; then CW answers, then QY again */
    expect(&b, 200, "", "001");
    assert_int_equal(script.hsm_at, 3);
    assert_int_equal(script.avoided, HOSTCMD_AVOID(3));
    script.hsm[3] = ERR_FRAME; /* QY, CW, QY of the last; QY again fails as well */
    script.hsm[6] = ERR_HSM_UNAVAILABLE;
    expect(&b, 503, "hsm_unavailable", "");
    assert_int_equal(script.hsm_at, 7);
    assert_int_equal(counter(&b), 1);
    assert_int_equal(issuer_counters(b.issuer).hsm_failures, 1);
    close_bench(&b);
}

static void test_hsm_errors_change_nothing(void **state)
{
    (void)state;
    static const char *const code[] = {"10", "15", "27", "41", "68", "A6"};
    struct bench b;
    open_bench(&b);
    for (size_t i = 0; i < sizeof code / sizeof code[0]; i++) {
        script.hsm_at = 0;
        script.hsm_code[i % 2] = code[i]; /* of QY, of CW */
        expect(&b, 503, "hsm_unavailable", "");
        script.hsm_code[i % 2] = NULL;
    }
    script.hsm_at = 0;
    script.hsm[0] = ERR_BUSY;
    expect(&b, 503, "hsm_unavailable", "");
    assert_int_equal(counter(&b), 0);
    assert_int_equal(script.submitted, 0);
    close_bench(&b);
}

/* ---- skip rule ---- */

static void test_skips_what_equals_the_printed_code(void **state)
{
    (void)state;
    struct bench b;
    open_bench(&b);
    world_issue(&b.world, "v", 998);
    expect(&b, 200, "", "000"); /* 999 is the printed code */
    assert_int_equal(counter(&b), 1000);
    assert_int_equal(issuer_counters(b.issuer).skips, 1);
    world_issue(&b.world, "v", 999998);
    expect(&b, 409, "counter_exhausted", ""); /* the last counter gives the printed code */
    assert_int_equal(counter(&b), 999998);
    close_bench(&b);
}

/* ---- end ---- */

static void test_destroyed_with_requests_inside(void **state)
{
    (void)state;
    struct bench b;
    struct world_call call[SLOTS];
    open_bench(&b);
    for (size_t i = 0; i < SLOTS; i++) /* all for one card: one asks the HSM, the others are parked */
        world_call_begin(&call[i], &b.world, "GET", "/cards/v/credentials", NULL, NULL);
    for (int i = 0; i < 5000 && issuer_pending(b.issuer) < SLOTS; i++) {
        waiting_count = 0; /* no answer ever comes */
        issuer_turn(b.issuer);
        usleep(500);
    }
    assert_int_equal(issuer_pending(b.issuer), SLOTS);
    assert_int_equal(b.issuer->parked, SLOTS - 1);
    issuer_destroy(b.issuer);
    http_destroy(b.http);
    for (size_t i = 0; i < SLOTS; i++) {
        struct world_reply *r = world_call_end(&call[i]);
        assert_int_equal(r->status, 503);
        world_reply_free(r);
    }
    store_close(writes);
    arena_destroy(&b.world.arena);
    vault_close(b.world.vault);
    stores_teardown(&b.stores);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_code_only_after_the_commit),         cmocka_unit_test(test_lost_races_are_run_again),
        cmocka_unit_test(test_unknown_commits_are_settled),        cmocka_unit_test(test_writer_refuses),
        cmocka_unit_test(test_second_hsm_is_asked_once),           cmocka_unit_test(test_hsm_errors_change_nothing),
        cmocka_unit_test(test_skips_what_equals_the_printed_code), cmocka_unit_test(test_destroyed_with_requests_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
