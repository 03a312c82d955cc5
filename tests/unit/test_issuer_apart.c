/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two issuers on one ledger: what a client is told, and what is done for it, is the same whether another issuer has the card, the
 * number or the product that it names, or nobody. Compared are the bytes of the answer and the statements that ran, each with what
 * it found or wrote. The writer thread and the HSM are scripts (support/issuer_script.h).
 */
#include "crypto/mac.h"
#include "crypto/vault.h"
#include "ledger/enrol.h"
#include "support/issuer_script.h"
#include "support/ledgers.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OTHER "OTHERBANK1"
#define OTHER_KEY "key-of-the-other-bank"
#define OTHER_PAN "5555555555554444"      /* OTHER has a card of it */
#define OTHER_FREE_PAN "5555550000000002" /* in its range, and no card's */
#define NOBODYS_PAN "6011000990139424"    /* in no range */
#define OWN_PAN "4123450000000001"

static struct bench b;

/* ---- what ran ---- */

static char trace[8192];
static size_t traced;

static void note(const struct store_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        const struct store_op *op = &batch->op[i];
        traced += (size_t)snprintf(trace + traced, sizeof trace - traced, "%s %zu %lld\n", op->row->name, op->rows.count,
                                   (long long)op->changed);
        assert_true(traced < sizeof trace);
    }
    traced += (size_t)snprintf(trace + traced, sizeof trace - traced, ".\n");
}

enum err __wrap_store_reader_submit(struct store_reader *reader, struct store_batch *batch, int64_t deadline_us);
enum err __real_store_reader_submit(struct store_reader *reader, struct store_batch *batch, int64_t deadline_us);

/* SQLite has answered when the call returns. Products and ranges are looked at by the clock, not for a request. */
enum err __wrap_store_reader_submit(struct store_reader *reader, struct store_batch *batch, int64_t deadline_us)
{
    enum err err = __real_store_reader_submit(reader, batch, deadline_us);
    const char *first = batch->op[0].row->name;
    bool by_clock = strcmp(first, "PRODUCT_VERSIONS") == 0 || strcmp(first, "ISSUER_REGISTER") == 0;
    if (!by_clock)
        note(batch);
    return err;
}

/* ---- the two issuers ---- */

static struct ledger_range range_of(const char *text)
{
    struct ledger_range range = {.low = 0};
    assert_int_equal(ledger_range_parse(span_text(text), &range), ERR_OK);
    return range;
}

static void put_other_card(const char *reference, const char *pan)
{
    struct ledger_card card = {
        .issuer_id = OTHER, .product_id = "theirs", .expiry = "2812", .psn = "00", .enrolled = true, .version = 1};
    struct ledger_unit unit;
    (void)snprintf(card.card_id, sizeof card.card_id, "id-of-%s", reference);
    (void)snprintf(card.reference, sizeof card.reference, "%s", reference);
    struct buf sealed = buf_over(card.pan_enc.at, sizeof card.pan_enc.at);
    assert_int_equal(crypto_vault_seal(b.world.vault, &b.stores.env, span_text(card.card_id), span_text(pan), &sealed), ERR_OK);
    card.pan_enc.len = (uint16_t)sealed.len;
    card.pan_mac.len = CRYPTO_VAULT_MAC;
    assert_int_equal(crypto_vault_pan_mac(b.world.vault, span_text(pan), card.pan_mac.at), ERR_OK);
    arena_reset(&b.world.arena);
    ledger_unit_begin(&unit, 2, &b.world.arena);
    ledger_put_card(&unit, &card);
    assert_int_equal(ledger_unit_run(&unit, b.world.store), ERR_OK);
}

static int open_both(void **state)
{
    (void)state;
    struct ledger_clash clash;
    bench_open(&b);
    const struct ledger_range own = range_of("412345");
    const struct ledger_enrolment narrower = {.issuer_id = WORLD_ISSUER, .range = &own, .ranges = 1};
    assert_int_equal(ledger_enrol(b.world.store, &b.world.arena, &narrower, &clash), ERR_OK);
    ledgers_enrol(b.world.store, &b.world.arena, OTHER, "555555", "UTC");
    world_put_client(&b.world, "theirs", OTHER, "cards display read products operator keys", OTHER_KEY);
    struct ledger_product product = {.issuer_id = OTHER,
                                     .version = 1,
                                     .mode = LEDGER_ONE_TIME,
                                     .network = "visa",
                                     .tries = 3,
                                     .expiry_delay_s = 300,
                                     .display_rate_per_h = 600,
                                     .cvk_ref = "cvk",
                                     .mk_ref = "mk"};
    (void)snprintf(product.product_id, sizeof product.product_id, "theirs");
    world_put_product(&b.world, &product);
    put_other_card("their-card", OTHER_PAN);
    world_put_card(&b.world, "own-card", "one-time", "4123450000000035");
    for (int i = 0; i < 1000 && ledger_products_read_us(b.issuer->products) == 0; i++)
        issuer_turn(b.issuer);
    script_watch = note;
    return 0;
}

static int close_both(void **state)
{
    (void)state;
    script_watch = NULL;
    bench_close(&b);
    return 0;
}

/* ---- the same request twice ---- */

struct seen {
    int status;
    char answer[8192]; /* head and body */
    char trace[sizeof trace];
};

/* `word` once more in `text` as `@`, and what differs with each request left out. */
static void even_out(char *text, const char *word, const char *end)
{
    for (char *at = text; (at = strstr(at, word)); at++) {
        size_t len = end ? strlen(word) + strcspn(at + strlen(word), end) : strlen(word);
        memmove(at + 1, at + len, strlen(at + len) + 1);
        *at = '@';
    }
}

/* `text` with `named` for each @. */
static void fill_in(const char *text, const char *named, char *out, size_t cap)
{
    struct buf to = buf_over(out, cap - 1);
    for (; *text; text++) {
        if (*text == '@')
            buf_put_text(&to, named);
        else
            buf_put_byte(&to, (uint8_t)*text);
    }
    assert_int_equal(buf_done(&to), ERR_OK);
    out[to.len] = 0;
}

static void ask(const char *headers, const char *method, const char *path, const char *body, const char *named, struct seen *out)
{
    struct world_call call;
    char path_text[256], body_text[512];
    traced = 0;
    trace[0] = 0;
    fill_in(path, named, path_text, sizeof path_text);
    fill_in(body ? body : "", named, body_text, sizeof body_text);
    world_call_begin(&call, &b.world, method, path_text, headers, body ? body_text : NULL);
    struct pollfd p = {call.fd, POLLIN, 0};
    for (int i = 0; i < 5000 && poll(&p, 1, 1) == 0; i++)
        issuer_turn(b.issuer);
    struct world_reply *r = world_call_end(&call);
    out->status = r->status;
    size_t head_len = strlen(r->head), body_len = strlen(r->body);
    assert_true(head_len + body_len < sizeof out->answer);
    memcpy(out->answer, r->head, head_len);
    memcpy(out->answer + head_len, r->body, body_len + 1);
    even_out(out->answer, named, NULL);
    even_out(out->answer, "\"correlationId\":\"", "\"");
    even_out(out->answer, "x-correlation-id: ", "\r");
    even_out(out->answer, "X-Correlation-Id: ", "\r");
    even_out(out->answer, "Content-Length: ", "\r"); /* the name's own length */
    even_out(out->answer, "Date: ", "\r");
    memcpy(out->trace, trace, sizeof trace);
    world_reply_free(r);
}

/* Asked twice: for what another issuer has, and for what nobody has. */
struct request {
    const char *headers, *method, *path, *body; /* with @ for the name */
    const char *theirs, *nobodys;
    int status;
};

static void expect_alike(const struct request *r)
{
    static struct seen a, c;
    ask(r->headers, r->method, r->path, r->body, r->theirs, &a);
    ask(r->headers, r->method, r->path, r->body, r->nobodys, &c);
    if (a.status != r->status || strcmp(a.answer, c.answer) != 0 || strcmp(a.trace, c.trace) != 0)
        fail_msg("%s %s\n%s: %s\n%s\n%s: %s\n%s", r->method, r->path, r->theirs, a.answer, a.trace, r->nobodys, c.answer, c.trace);
    assert_true(a.trace[0] != 0);
}

/* ---- own address, other's names ---- */

static void test_names_of_cards(void **state)
{
    (void)state;
    static const struct {
        const char *method, *path, *body;
    } row[] = {
        {"GET", "/cards/@", NULL},
        {"GET", "/cards/@/credentials", NULL},
        {"POST", "/cards/@/dynamic-cvv2", "{\"count\":1}"},
        {"PATCH", "/cards/@", "{\"status\":\"suspended\"}"},
        {"DELETE", "/cards/@", NULL},
        {"GET", "/cards/@/dynamic-cvv2/enrolment", NULL},
        {"PUT", "/cards/@/dynamic-cvv2/enrolment", NULL},
        {"DELETE", "/cards/@/dynamic-cvv2/enrolment", NULL},
        {"GET", "/cards/@/dynamic-cvv2/status", NULL},
        {"POST", "/cards/@/dynamic-cvv2/cancel", NULL},
        {"POST", "/cards/@/unlock", "{\"reason\":\"x\"}"},
    };
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        expect_alike(&(struct request){NULL, row[i].method, row[i].path, row[i].body, "their-card", "nobodys-id", 404});
        expect_alike(&(struct request){NULL, row[i].method, row[i].path, row[i].body, "id-of-their-card", "nobodys-id",
                                       404}); /* the ledger's own id */
    }
}

#define REST ",\"exp\":\"1228\",\"productId\":\"one-time\"}"

static void test_numbers(void **state)
{
    (void)state;
    static const char body[] = "{\"pan\":\"@\"" REST;
    expect_alike(&(struct request){NULL, "POST", "/cards", body, OTHER_PAN, OTHER_FREE_PAN, 400});
    expect_alike(&(struct request){NULL, "POST", "/cards", body, OTHER_PAN, NOBODYS_PAN, 400});
    static const char named[] = "{\"cardId\":\"their-card\",\"pan\":\"@\"" REST;
    expect_alike(&(struct request){NULL, "POST", "/cards", named, OTHER_PAN, NOBODYS_PAN, 400});
    static const char no_product[] = "{\"pan\":\"@\",\"exp\":\"1228\",\"productId\":\"theirs\"}";
    expect_alike(&(struct request){NULL, "POST", "/cards", no_product, OTHER_PAN, NOBODYS_PAN, 400});
}

/* A name that another issuer gave is free. */
static void test_names_that_are_given_anew(void **state)
{
    (void)state;
    static struct seen theirs, free_;
    ask(NULL, "POST", "/cards", "{\"cardId\":\"@\",\"pan\":\"" OWN_PAN "\"" REST, "their-card", &theirs);
    ask(NULL, "POST", "/cards", "{\"cardId\":\"@\",\"pan\":\"4123450000000019\"" REST, "nobodys-id", &free_);
    assert_int_equal(theirs.status, 201);
    assert_string_equal(theirs.answer, free_.answer);
    assert_string_equal(theirs.trace, free_.trace);
    expect_alike(
        &(struct request){NULL, "POST", "/card-products", "{\"productId\":\"@\",\"cvkRef\":\"cvk\"}", "theirs", "nobodys", 201});
}

static void test_names_of_products(void **state)
{
    (void)state;
    static const char headers[] = "X-Api-Key: " WORLD_API_KEY "\r\nIf-Match: \"1\"\r\n";
    expect_alike(&(struct request){NULL, "GET", "/card-products/@", NULL, "theirs", "nobodys", 404});
    expect_alike(&(struct request){headers, "PUT", "/card-products/@", "{\"productId\":\"@\",\"cvkRef\":\"cvk\"}", "theirs",
                                   "nobodys", 404});
    expect_alike(&(struct request){NULL, "PATCH", "/cards/v", "{\"productId\":\"@\"}", "theirs", "nobodys", 404});
    expect_alike(&(struct request){NULL, "POST", "/cards", "{\"pan\":\"" OWN_PAN "\",\"exp\":\"1228\",\"productId\":\"@\"}",
                                   "theirs", "nobodys", 404});
    expect_alike(&(struct request){NULL, "GET", "/clients/@/keys/k", NULL, "theirs", "nobodys", 404});
    struct world_reply *r = bench_ask(&b, "GET", "/card-products", NULL);
    assert_null(strstr(r->body, "theirs"));
    world_reply_free(r);
}

/* ---- other's address ---- */

/* With a key of another issuer, with one of nobody, with none. */
static void test_addresses_of_another_issuer(void **state)
{
    (void)state;
    static const struct {
        const char *headers;
        int status;
    } who[] = {{NULL, 403}, {"X-Api-Key: nobody\r\n", 401}, {"", 401}};
    static const struct {
        const char *method, *path, *body, *theirs, *nobodys;
    } row[] = {
        {"GET", "//v2/issuers/" OTHER "/cards/@", NULL, "their-card", "nobodys-id"},
        {"GET", "//v2/issuers/" OTHER "/cards/@/credentials", NULL, "their-card", "nobodys-id"},
        {"DELETE", "//v2/issuers/" OTHER "/cards/@", NULL, "their-card", "nobodys-id"},
        {"POST", "//v2/issuers/" OTHER "/cards", "{\"pan\":\"@\"" REST, OTHER_PAN, NOBODYS_PAN},
        {"GET", "//v2/issuers/" OTHER "/card-products/@", NULL, "theirs", "nobodys"},
        {"GET", "//v2/issuers/@/cards/their-card", NULL, OTHER, "NOBANK0001"},
        {"GET", "//v2/issuers/@/card-products", NULL, OTHER, "NOBANK0001"},
    };
    for (size_t w = 0; w < sizeof who / sizeof who[0]; w++)
        for (size_t i = 0; i < sizeof row / sizeof row[0]; i++)
            expect_alike(&(struct request){who[w].headers, row[i].method, row[i].path, row[i].body, row[i].theirs, row[i].nobodys,
                                           who[w].status});
}

/* ---- while the owner is busy ---- */

/* The owner's change of a card is at the writer: nobody but a client with the same key waits for it. */
static void test_nobody_waits_for_another_issuers_card(void **state)
{
    (void)state;
    static const char *const headers[] = {"X-Api-Key: " OTHER_KEY "\r\n", "X-Api-Key: nobody\r\n", ""};
    struct world_call owner;
    script.writer[script.writer_at % 16] = STUCK;
    world_call_begin(&owner, &b.world, "DELETE", "/cards/own-card/dynamic-cvv2/enrolment", NULL, NULL);
    for (int i = 0; i < 1000 && !script.stuck; i++) {
        struct pollfd p = {owner.fd, POLLIN, 0};
        (void)poll(&p, 1, 1);
        issuer_turn(b.issuer);
    }
    assert_non_null(script.stuck);
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++)
        expect_alike(&(struct request){headers[i], "DELETE", "/cards/@/dynamic-cvv2/enrolment", NULL, "own-card", "nobodys-id",
                                       i == 0 ? 403 : 401});
    assert_non_null(script.stuck);
    script.writer[script.writer_at % 16] = RUN;
    script_unstick();
    struct pollfd p = {owner.fd, POLLIN, 0};
    for (int i = 0; i < 1000 && poll(&p, 1, 1) == 0; i++)
        issuer_turn(b.issuer);
    struct world_reply *r = world_call_end(&owner);
    assert_int_equal(r->status, 200);
    world_reply_free(r);
}

int main(void)
{
#define TEST(name_) cmocka_unit_test_setup_teardown(name_, open_both, close_both)
    const struct CMUnitTest tests[] = {
        TEST(test_names_of_cards),
        TEST(test_numbers),
        TEST(test_names_that_are_given_anew),
        TEST(test_names_of_products),
        TEST(test_addresses_of_another_issuer),
        TEST(test_nobody_waits_for_another_issuers_card),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
