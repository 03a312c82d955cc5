/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of a link that decide about frames and messages (switch.md 3), with frames against the switch. */
#include "support/sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct sim sim;
static uint64_t serial = 1;

static void expect(const struct iso8583_message *m, const char *de39)
{
    struct iso8583_message answer;
    size_t at = sim_send(&sim, m);
    sim_settle(&sim);
    sim_answer(&sim, at, &answer);
    char told[3] = {0};
    memcpy(told, iso8583_get(&answer, ISO8583_RESPONSE).at, 2);
    assert_string_equal(told, de39);
}

static void purchase(struct iso8583_message *m)
{
    char code[4];
    sim_code(SWITCH_CY, 3, 0, code);
    sim_authorise(m, 3, serial++, 100, code);
}

/* ---- keepalives ---- */

static void echo(struct switch_link_config *link)
{
    memcpy(link->zero_length, "echo", 5);
}

static void a_frame_of_length_zero(void **state)
{
    (void)state;
    sim_open(&sim, 3);
    switch_receive(sim.core, 0, (struct net_peer){.slot = 0}, span_of("", 0));
    assert_int_equal(sim.request[0].answers, 0);
    assert_int_equal(sim.silent, 1);
    sim_relink(&sim, echo);
    switch_receive(sim.core, 0, (struct net_peer){.slot = 0}, span_of("", 0));
    assert_int_equal(sim.request[0].answers, 1);
    assert_int_equal(sim.request[0].answer_len, 0);
    assert_int_equal(sim.silent, 1);
    sim_close(&sim);
}

/* ---- fields that the class does not use ---- */

static void reject(struct switch_link_config *link)
{
    memcpy(link->unknown_field, "reject", 7);
}

/* DE19 behind DE14: three digits in two bytes. */
static size_t with_country(const struct iso8583_message *m)
{
    struct sim_request *r = &sim.request[sim.count];
    struct iso8583_message head = *m;
    uint8_t room[SIM_FRAME];
    struct buf whole = buf_over(room, sizeof room);
    assert_int_equal(iso8583_build(&iso8583_profile_visa_base1, &head, &whole), ERR_OK);
    size_t at = 2 + 16 + 9 + 3 + 6 + 5 + 3; /* MTI, bitmaps, DE2, 3, 4, 7, 11 */
    memcpy(r->frame, room, at);
    memcpy(r->frame + at, "\x00\x36", 2);
    memcpy(r->frame + at + 2, room + at, whole.len - at);
    r->frame[2 + 2] |= 0x20; /* bit 19 */
    r->frame_len = whole.len + 2;
    switch_receive(sim.core, 0, (struct net_peer){.slot = (uint32_t)sim.count}, span_of(r->frame, r->frame_len));
    return sim.count++;
}

static void a_field_that_nobody_needs(void **state)
{
    (void)state;
    static void (*const change[])(struct switch_link_config * link) = {NULL, reject};
    static const char *const de39[] = {"00", "30"};
    sim_open(&sim, 4);
    for (int i = 0; i < 2; i++) {
        struct iso8583_message m, answer;
        sim_relink(&sim, change[i]);
        purchase(&m);
        size_t at = with_country(&m);
        sim_settle(&sim);
        sim_answer(&sim, at, &answer);
        assert_true(span_is(iso8583_get(&answer, ISO8583_RESPONSE), de39[i]));
        assert_true(iso8583_has(&answer, ISO8583_RRN));
        purchase(&m);
        expect(&m, "00");
    }
    sim_close(&sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_of_length_zero),
        cmocka_unit_test(a_field_that_nobody_needs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
