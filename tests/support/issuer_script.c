/* SPDX-License-Identifier: Apache-2.0 */
#include "support/issuer_script.h"

#include "hostcmd/commands.h"
#include "store/error.h"
#include "support/ledgers.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The program is linked with --wrap for these: the scripts stand between the issuer and the real ones. */
enum err __wrap_store_writer_submit(struct store_writer *writer, struct store_batch *batch);
enum err __wrap_hostcmd_client_send(struct hostcmd_client *client, const struct hostcmd_send *send);
size_t __wrap_hostcmd_client_take(struct hostcmd_client *client, struct hostcmd_answer *out, size_t max);
void __wrap_hostcmd_answer_wipe(struct hostcmd_answer *answer);
int64_t __wrap_hostcmd_client_turn(struct hostcmd_client *client, int64_t now_us);
bool __wrap_hostcmd_client_ready(const struct hostcmd_client *client);

/* ---- the writer ---- */

struct script script;
struct store *script_store;
void (*script_watch)(const struct store_batch *batch);

static enum err run(struct store_batch *batch)
{
    enum err err = store_run(script_store, batch);
    if (script_watch)
        script_watch(batch);
    return err;
}

enum err __wrap_store_writer_submit(struct store_writer *writer, struct store_batch *batch)
{
    (void)writer;
    enum outcome outcome = script.writer[script.writer_at++ % 16];
    if (outcome == FULL || outcome == GONE)
        return outcome == FULL ? ERR_BUSY : ERR_CLOSED;
    script.submitted++;
    if (outcome == STUCK) {
        script.stuck = batch;
        return ERR_OK;
    }
    if (outcome == RUN || outcome == UNKNOWN_DONE)
        batch->err = run(batch);
    if (outcome == LOST_RACE)
        batch->err = STORE_ERR_CONFLICT;
    if (outcome == DOWN)
        batch->err = STORE_ERR_UNAVAILABLE;
    if (outcome == UNKNOWN_DONE || outcome == UNKNOWN_LOST)
        batch->err = STORE_ERR_UNKNOWN;
    return queue_put(batch->done, batch);
}

void script_unstick(void)
{
    assert_non_null(script.stuck);
    script.stuck->err = run(script.stuck);
    assert_int_equal(queue_put(script.stuck->done, script.stuck), ERR_OK);
    script.stuck = NULL;
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
    size_t count = script.silent ? 0 : waiting_count < max ? waiting_count : max;
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

static const struct issuer_key keys[] = {{"cvk", "U9B4934384B19946B040CD702B4D58145"}, {"mk", "U0D39A43C864D1B40F33998B80BB02C95"}};

static void no_wake(void *context)
{
    (void)context;
}

void bench_open(struct bench *b)
{
    static const uint8_t master[CRYPTO_VAULT_MASTER] = {7};
    memset(b, 0, sizeof *b);
    memset(&script, 0, sizeof script);
    waiting_count = 0;
    stores_setup(&b->stores, &stores_sqlite);
    script_store = stores_connect(&b->stores);
    b->world = (struct world){.env = b->stores.env, .store = b->stores.store};
    assert_int_equal(arena_create(&b->world.arena, 1 << 20), ERR_OK);
    assert_int_equal(crypto_vault_open(master, "ledger", &b->world.vault), ERR_OK);
    ledgers_enrol(b->world.store, &b->world.arena, WORLD_ISSUER, "000000-999999/12-19", "UTC");
    world_put_products(&b->world);
    world_put_client(&b->world, "sandbox", WORLD_ISSUER, "cards display read products operator keys", WORLD_API_KEY);
    world_put_card(&b->world, "v", "one-time", WORLD_PAN);
    struct store_reader_config reader = {.url = b->stores.url, .env = &b->stores.env, .sets = ledger_sets, .cap = 64};
    assert_int_equal(store_reader_open(&reader, &b->reader), ERR_OK);
    struct http_config http = {.slots = SLOTS, .wake = no_wake};
    http.mount = issuer_mounts(&http.mount_count);
    assert_int_equal(http_create(&http, &b->stores.env, &b->http), ERR_OK);
    b->world.port = http_port(b->http);
    struct issuer_config config = {.env = &b->stores.env,
                                   .http = b->http,
                                   .reader = b->reader,
                                   .vault = b->world.vault,
                                   .key = keys,
                                   .key_count = 2,
                                   .slots = SLOTS,
                                   .hsm_timeout_us = 1000000,
                                   .store_timeout_us = 200000,
                                   .sandbox = true,
                                   .account_opening_balance_minor = -1,
                                   .wake = no_wake};
    assert_int_equal(issuer_create(&config, &b->issuer), ERR_OK);
}

void bench_close(struct bench *b)
{
    store_reader_close(b->reader);
    issuer_destroy(b->issuer);
    http_destroy(b->http);
    store_close(script_store);
    arena_destroy(&b->world.arena);
    crypto_vault_close(b->world.vault);
    stores_teardown(&b->stores);
}

/* No secret of any job outlives its answer. */
static void assert_wiped(const struct bench *b)
{
    const uint8_t *at = b->issuer->pages.at;
    for (size_t i = 0; i < b->issuer->jobs * sizeof(struct issuer_secret); i++)
        assert_int_equal(at[i], 0);
    assert_int_equal(flow_busy(b->issuer->flow), 0);
    assert_int_equal(issuer_pending(b->issuer), 0);
}

struct world_reply *bench_ask_only(struct bench *b, const char *method, const char *path, const char *body)
{
    struct world_call call;
    world_call_begin(&call, &b->world, method, path, NULL, body);
    struct pollfd p = {call.fd, POLLIN, 0};
    for (int i = 0; i < 5000 && poll(&p, 1, 1) == 0; i++)
        issuer_turn(b->issuer);
    return world_call_end(&call);
}

struct world_reply *bench_ask(struct bench *b, const char *method, const char *path, const char *body)
{
    struct world_reply *r = bench_ask_only(b, method, path, body);
    assert_wiped(b);
    return r;
}
