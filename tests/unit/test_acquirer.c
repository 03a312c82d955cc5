/* SPDX-License-Identifier: Apache-2.0 */
/* A link against a network that the test plays on a socket: sign-on, authorisation, matching, deadlines, reversal. */
#include "acquirer/acquirer.h"

#include "iso8583/profile.h"
#include "net/net.h"
#include "support/sockets.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { TIMEOUT_MS = 200, TURNS = 2000 };

struct bench {
    struct log log;
    struct env env;
    struct net_loop *loop;
    struct acquirer_link *link;
    const struct iso8583_profile *profile;
    int listener, network;
    int answers, deadlines, reversals;
    void *context;
    struct acquirer_answer answer;
};

static void answered(void *owner, enum acquirer_sent sent, void *context, const struct iso8583_message *message)
{
    struct bench *b = owner;
    b->answers += message && sent == ACQUIRER_AUTHORISATION;
    b->reversals += message && sent == ACQUIRER_REVERSAL;
    b->deadlines += !message;
    b->context = context;
    if (message)
        acquirer_answer_read(b->link, message, &b->answer);
}

static int64_t on_turn(void *context)
{
    struct bench *b = context;
    return b->link ? acquirer_turn(b->link, env_monotonic_us(&b->env)) : NET_NEVER_US;
}

/* Turns until the count has been reached. */
static void until(struct bench *b, const int *count, int value)
{
    for (int i = 0; i < TURNS && *count < value; i++) {
        net_loop_turn(b->loop, false);
        (void)usleep(1000);
    }
    assert_int_equal(*count, value);
}

static void read_request(struct bench *b, struct iso8583_message *m)
{
    uint8_t frame[ACQUIRER_FRAME_MAX];
    size_t len = 0;
    for (int i = 0; i < 20; i++)
        net_loop_turn(b->loop, false);
    assert_true(socket_receive_frame(b->network, frame, sizeof frame, &len));
    assert_int_equal(iso8583_parse(b->profile, span_of(frame, len), m, NULL), ERR_OK);
}

static void send_answer(struct bench *b, const struct iso8583_message *request, const char *response, const char *rrn)
{
    static struct iso8583_message m;
    uint8_t room[ACQUIRER_FRAME_MAX];
    struct buf frame = buf_over(room, sizeof room);
    iso8583_answer_init(b->profile, request, &m);
    iso8583_set_text(&m, ISO8583_RESPONSE, response);
    if (rrn)
        iso8583_set_text(&m, ISO8583_RRN, rrn);
    assert_int_equal(iso8583_build(b->profile, &m, &frame), ERR_OK);
    socket_send_frame(b->network, buf_span(&frame));
}

static void sign_on(struct bench *b)
{
    static struct iso8583_message m;
    for (int i = 0; i < 20; i++)
        net_loop_turn(b->loop, false);
    b->network = socket_accept(b->listener);
    read_request(b, &m);
    assert_int_equal(m.mti, ISO8583_NETWORK);
    assert_false(acquirer_up(b->link));
    send_answer(b, &m, "00", NULL);
    for (int i = 0; i < TURNS && !acquirer_up(b->link); i++) {
        net_loop_turn(b->loop, false);
        (void)usleep(1000);
    }
    assert_true(acquirer_up(b->link));
}

static int open_bench(void **state)
{
    struct bench *b = calloc(1, sizeof *b);
    uint16_t port = 0;
    b->log = (struct log){.fd = open("/dev/null", O_WRONLY | O_CLOEXEC), .service = "test"};
    b->env = env_system(&b->log);
    b->profile = iso8583_profile_find(span_text("iso87-ascii"));
    b->listener = socket_listen(&port);
    const struct net_loop_config loop = {.env = &b->env, .turn = on_turn, .context = b};
    const struct acquirer_events events = {answered, b};
    const struct acquirer_config config = {.name = "net",
                                           .address = "127.0.0.1",
                                           .port = port,
                                           .profile = "iso87-ascii",
                                           .extract = "generic_126_10",
                                           .result = "none",
                                           .acquirer = "400123",
                                           .in_flight = 2,
                                           .timeout_ms = TIMEOUT_MS};
    assert_int_equal(net_loop_create(&loop, &b->loop), ERR_OK);
    assert_int_equal(acquirer_create(&config, &b->env, b->loop, &events, &b->link), ERR_OK);
    sign_on(b);
    *state = b;
    return 0;
}

static int close_bench(void **state)
{
    struct bench *b = *state;
    (void)close(b->network);
    (void)close(b->listener);
    acquirer_destroy(b->link);
    b->link = NULL;
    net_loop_destroy(b->loop);
    (void)close(b->log.fd);
    free(b);
    return 0;
}

/* ---- */

static struct acquirer_authorisation authorisation(struct bench *b)
{
    static const struct card_pan pan = {16, "4111111111111111"};
    static const struct code_digits code = {3, "123"};
    struct acquirer_authorisation a = {.pan = &pan,
                                       .code = &code,
                                       .presence = ISO8583_CODE_PRESENT,
                                       .amount_minor = 1234,
                                       .currency = "036",
                                       .expiry = "3012",
                                       .mcc = "5999",
                                       .condition = "59",
                                       .terminal = "10000001",
                                       .merchant = "shop"};
    acquirer_stamp(b->link, env_wall_ms(&b->env), &a.stamp);
    return a;
}

static void an_answer_finds_its_request(void **state)
{
    struct bench *b = *state;
    static struct iso8583_message m;
    struct acquirer_authorisation a = authorisation(b);
    assert_int_equal(acquirer_authorise(b->link, &a, &a), ERR_OK);
    read_request(b, &m);
    assert_int_equal(m.mti, ISO8583_AUTHORISATION);
    assert_true(span_is(iso8583_get(&m, ISO8583_PAN), "4111111111111111"));
    assert_true(span_is(iso8583_get(&m, ISO8583_RRN), a.stamp.rrn));
    send_answer(b, &m, "51", NULL);
    until(b, &b->answers, 1);
    assert_ptr_equal(b->context, &a);
    assert_string_equal(b->answer.response, "51");
    assert_int_equal(b->deadlines, 0);
}

static void a_foreign_answer_is_not_taken(void **state)
{
    struct bench *b = *state;
    static struct iso8583_message m;
    struct acquirer_authorisation a = authorisation(b);
    assert_int_equal(acquirer_authorise(b->link, &a, &a), ERR_OK);
    read_request(b, &m);
    send_answer(b, &m, "00", "000000000000");
    until(b, &b->deadlines, 1); /* it waits on, to its deadline */
    assert_int_equal(b->answers, 0);
    assert_int_equal(acquirer_counts(b->link).unmatched, 1);
    send_answer(b, &m, "00", NULL); /* and one that is late is nobody's */
    for (int i = 0; i < 50; i++) {
        net_loop_turn(b->loop, false);
        (void)usleep(1000);
    }
    assert_int_equal(b->answers, 0);
    assert_int_equal(acquirer_counts(b->link).unmatched, 2);
}

static void no_more_than_the_link_allows(void **state)
{
    struct bench *b = *state;
    struct acquirer_authorisation first = authorisation(b), second = authorisation(b), third = authorisation(b);
    assert_int_equal(acquirer_authorise(b->link, &first, b), ERR_OK);
    assert_int_equal(acquirer_authorise(b->link, &first, b), ERR_BUSY); /* its number is in use */
    assert_int_equal(acquirer_authorise(b->link, &second, b), ERR_OK);
    assert_int_equal(acquirer_authorise(b->link, &third, b), ERR_BUSY);
    until(b, &b->deadlines, 2);
    assert_int_equal(acquirer_authorise(b->link, &third, b), ERR_OK);
}

static void a_repeat_of_a_reversal_keeps_its_numbers(void **state)
{
    struct bench *b = *state;
    static struct iso8583_message first, again;
    uint8_t room[ACQUIRER_FRAME_MAX];
    struct buf frame = buf_over(room, sizeof room);
    struct acquirer_authorisation a = authorisation(b);
    assert_int_equal(acquirer_reversal_build(b->link, &a, env_wall_ms(&b->env), &frame), ERR_OK);
    assert_int_equal(acquirer_reverse(b->link, buf_span(&frame), false, 50000, b), ERR_OK);
    read_request(b, &first);
    assert_int_equal(first.mti, ISO8583_REVERSAL);
    until(b, &b->deadlines, 1);
    assert_int_equal(acquirer_reverse(b->link, buf_span(&frame), true, 5000000, b), ERR_OK);
    read_request(b, &again);
    assert_int_equal(again.mti, ISO8583_REVERSAL_REPEAT);
    static const unsigned kept[] = {ISO8583_TRANSMISSION, ISO8583_STAN, ISO8583_RRN};
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
        assert_true(span_equal(iso8583_get(&first, kept[i]), iso8583_get(&again, kept[i])));
    send_answer(b, &again, "00", NULL);
    until(b, &b->reversals, 1);
}

static void a_lost_connection_is_told_at_the_deadline(void **state)
{
    struct bench *b = *state;
    static struct iso8583_message m;
    struct acquirer_authorisation a = authorisation(b);
    assert_int_equal(acquirer_authorise(b->link, &a, b), ERR_OK);
    read_request(b, &m);
    (void)close(b->network);
    b->network = -1;
    until(b, &b->deadlines, 1);
    assert_false(acquirer_up(b->link));
    assert_int_equal(acquirer_authorise(b->link, &a, b), ERR_LINK_UNAVAILABLE);
}

/* What the network says beside an answer costs it nothing: keepalives, rubbish, fields that nobody reads. */
static void an_answer_behind_keepalives_and_rubbish(void **state)
{
    struct bench *b = *state;
    static struct iso8583_message m;
    struct acquirer_authorisation a = authorisation(b);
    assert_int_equal(acquirer_authorise(b->link, &a, &a), ERR_OK);
    read_request(b, &m);
    socket_send_frame(b->network, span_of("", 0));
    socket_send_frame(b->network, span_text("x"));
    socket_send_frame(b->network, span_text("0110FFFFFFFFFFFFFFFF"));
    socket_send_frame(b->network, span_of("", 0));
    send_answer(b, &m, "00", NULL);
    until(b, &b->answers, 1);
    assert_string_equal(b->answer.response, "00");
    assert_int_equal(acquirer_counts(b->link).unreadable, 2);
    assert_true(acquirer_up(b->link));
}

int main(void)
{
#define TEST(name_) cmocka_unit_test_setup_teardown(name_, open_bench, close_bench)
    const struct CMUnitTest tests[] = {
        TEST(an_answer_finds_its_request),
        TEST(an_answer_behind_keepalives_and_rubbish),
        TEST(a_foreign_answer_is_not_taken),
        TEST(no_more_than_the_link_allows),
        TEST(a_repeat_of_a_reversal_keeps_its_numbers),
        TEST(a_lost_connection_is_told_at_the_deadline),
    };
#undef TEST
    return cmocka_run_group_tests_name("acquirer", tests, NULL, NULL);
}
