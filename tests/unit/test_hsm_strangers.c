/* SPDX-License-Identifier: Apache-2.0 */
/* Who has no rights neither slows the HSM nor fills its trail: frames, syncs and lines are counted over real sockets. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "hsm/guard/state.h"
#include "hsm/hsm.h"
#include "hsm/process/observe.h"
#include "hsm/serve.h"
#include "hsm/trail/audit.h"
#include "hsm/trail/tell.h"

#include "support/frames.h"
#include "support/rng.h"
#include "support/sockets.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CY_RIGHT "CYU9B4934384B19946B040CD702B4D581455614123456789012345;8701101"

enum { STRANGERS = 4, EACH = 3000, KEYS = 16, ROOM = 1 << 20, MIB = 1 << 20, SECOND_US = 1000000 };

static struct {
    struct rng_world world;
    struct env env;
    char folder[64], path[96];
    struct hsm_audit *audit;
    struct hsm *hsm;
    struct net_loop *loop;
    struct net_server *server;
} here;

static int begin(void **state)
{
    (void)state;
    here.world = (struct rng_world){.state = 1, .wall_ms = 1800000000000, .monotonic_us = 10 * SECOND_US};
    here.env = rng_env_over(&here.world);
    (void)snprintf(here.folder, sizeof here.folder, "/tmp/test_hsm_strangers.XXXXXX");
    assert_non_null(mkdtemp(here.folder));
    (void)snprintf(here.path, sizeof here.path, "%s/audit.log", here.folder);
    struct net_problem problem = {""};
    const struct hsm_audit_config audit = {.path = here.path, .size = MIB};
    assert_int_equal(hsm_audit_open(&here.env, &audit, &here.audit, &problem), ERR_OK);
    here.hsm = frames_hsm_of(&(struct hsm_config){
        .env = &here.env, .header = 4, .sockets = 64, .test_lmk = true, .hardened = true, .audit = here.audit});
    assert_int_equal(net_loop_create(&(struct net_loop_config){.env = &here.env}, &here.loop), ERR_OK);
    const struct hsm_serve_config serve = {.listen = "127.0.0.1:0", .connections = 16};
    assert_int_equal(hsm_serve(here.hsm, here.loop, &serve, &here.server, &problem), ERR_OK);
    return 0;
}

static int end(void **state)
{
    (void)state;
    char command[128];
    net_loop_destroy(here.loop);
    hsm_destroy(here.hsm);
    hsm_audit_close(here.audit);
    (void)snprintf(command, sizeof command, "rm -rf %s", here.folder);
    return system(command);
}

static int join(void)
{
    int fd = socket_connect(net_server_port(here.server));
    for (size_t before = net_server_count(here.server); net_server_count(here.server) == before;)
        net_loop_turn(here.loop, false);
    return fd;
}

static void send_many(int fd, const char *command, size_t count)
{
    static uint8_t room[ROOM];
    struct buf b = buf_over(room, sizeof room);
    for (size_t i = 0; i < count; i++) {
        buf_put_byte(&b, (uint8_t)((4 + strlen(command)) >> 8));
        buf_put_byte(&b, (uint8_t)(4 + strlen(command)));
        buf_put_text(&b, "HEAD");
        buf_put_text(&b, command);
    }
    assert_int_equal(buf_done(&b), ERR_OK);
    socket_send(fd, room, b.len);
}

static bool has_answer(int fd)
{
    char byte;
    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
}

static void expect_reply(int fd, const char *reply)
{
    uint8_t got[2000];
    size_t len = 0;
    assert_true(socket_receive_frame(fd, got, sizeof got, &len));
    if (len < 4 + strlen(reply) || memcmp(got + 4, reply, strlen(reply)) != 0)
        fail_msg("%.*s instead of %s", (int)len, (const char *)got, reply);
}

static const char *trail(void)
{
    static char text[ROOM];
    int fd = open(here.path, O_RDONLY);
    ssize_t len = read(fd, text, sizeof text - 1);
    close(fd);
    assert_true(len >= 0);
    text[len] = 0;
    return text;
}

/* Turns until all that was sent is answered, with what arrives on the strangers' sockets read away. */
static void serve_all(const int *fd, size_t count, uint64_t commands)
{
    static char away[ROOM];
    for (unsigned turn = 0; hsm_counters(here.hsm).commands < commands; turn++) {
        assert_true(turn < 10000);
        net_loop_turn(here.loop, false);
        for (size_t i = 0; i < count; i++)
            (void)!recv(fd[i], away, sizeof away, MSG_DONTWAIT);
    }
}

/* A0 that no officer has authorised, that cannot be parsed, and that no client may use; and what else leaves a line. */
static void test_refused_commands(void **state)
{
    (void)state;
    static const char *const refused[STRANGERS] = {"A00402U", "A0rubbish", "AS", "A6402rubbish"};
    int fd[STRANGERS], host = -1;
    for (size_t i = 0; i < STRANGERS; i++)
        fd[i] = join();
    host = join();
    struct hsm_audit_counters before = hsm_audit_counters(here.audit);
    for (size_t i = 0; i < STRANGERS; i++)
        send_many(fd[i], refused[i], EACH);
    net_loop_turn(here.loop, false);
    uint64_t ahead = hsm_counters(here.hsm).commands;
    assert_true(ahead <= STRANGERS * HSM_ASK_MAX);
    send_many(host, CY_RIGHT, 1);
    unsigned turns = 0;
    for (; !has_answer(host); turns++)
        net_loop_turn(here.loop, false);
    expect_reply(host, "CZ00");
    /* It is read in one turn, at the latest answered in the next; before it there is no more than their share. */
    assert_true(turns <= 2);
    assert_true(hsm_counters(here.hsm).commands <= ahead + 2 * STRANGERS * HSM_ASK_MAX + 1);
    serve_all(fd, STRANGERS, STRANGERS * EACH + 1);
    struct hsm_audit_counters after = hsm_audit_counters(here.audit);
    assert_int_equal(after.synced, before.synced);
    assert_int_equal(after.number, before.number + HSM_TELL_LINES);
    /* The next second says what was left out. */
    here.world.monotonic_us += SECOND_US;
    hsm_tick(here.hsm);
    after = hsm_audit_counters(here.audit);
    assert_int_equal(after.synced, before.synced + 1);
    assert_int_equal(after.number, before.number + HSM_TELL_LINES + 1);
    char wanted[80];
    (void)snprintf(wanted, sizeof wanted, "\"event\":\"hsm.left_out\",\"of\":\"refusals\",\"lines\":%d,",
                   STRANGERS * EACH - HSM_TELL_LINES);
    assert_non_null(strstr(trail(), wanted));
    hsm_tick(here.hsm);
    assert_int_equal(hsm_audit_counters(here.audit).number, after.number);
    for (size_t i = 0; i < STRANGERS; i++)
        close(fd[i]);
    close(host);
}

/* A turn holds less of what takes longer: commands on keys, and chains, which are as long as their commands. */
static void test_work_is_shared(void **state)
{
    (void)state;
    static const struct {
        const char *one;
        size_t chained, most; /* most: commands of a connection in a turn */
    } cases[] = {{"ZZ", 0, HSM_ASK_MAX},
                 {"AS", 0, HSM_ASK_MAX / 32},
                 {"A00402U", 0, HSM_ASK_MAX / 32},
                 {"ZZ", 50, HSM_ASK_MAX / 51 + 1},
                 {"A00402U", 10, HSM_ASK_MAX / 321 + 1}};
    int fd = join();
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        char frame[1024];
        int len = snprintf(frame, sizeof frame, "%s", cases[k].one);
        if (cases[k].chained > 0)
            len = snprintf(frame, sizeof frame, "NK0%02zu", cases[k].chained);
        for (size_t i = 0; i < cases[k].chained; i++)
            len += snprintf(frame + len, sizeof frame - (size_t)len, "%04zu%s", strlen(cases[k].one), cases[k].one);
        uint64_t before = hsm_counters(here.hsm).commands;
        size_t count = cases[k].most + 3, each = cases[k].chained + 1;
        send_many(fd, frame, count);
        net_loop_turn(here.loop, false);
        uint64_t told = hsm_counters(here.hsm).commands - before;
        if (told == 0 || told > cases[k].most * each)
            fail_msg("%s, %zu chained: %u in a turn", cases[k].one, cases[k].chained, (unsigned)told);
        for (int turn = 0; turn < 20; turn++)
            net_loop_turn(here.loop, false);
    }
    close(fd);
}

/* RA ends nothing where nothing is authorised. */
static void test_nothing_to_end(void **state)
{
    (void)state;
    int fd = join();
    struct hsm_audit_counters before = hsm_audit_counters(here.audit);
    send_many(fd, "RA", EACH);
    serve_all(&fd, 1, EACH);
    struct hsm_audit_counters after = hsm_audit_counters(here.audit);
    assert_int_equal(after.synced, before.synced);
    assert_int_equal(after.number, before.number + HSM_TELL_LINES);
    close(fd);
}

static void authorise(void)
{
    assert_int_equal(hsm_state_authorise(hsm_context(here.hsm)->state, 0, HOSTCMD_GENERATE, "402", 0), ERR_OK);
}

/* What has effect has a line each, on the disk before the answers leave, with one sync for all of them. */
static void test_one_sync_a_batch(void **state)
{
    (void)state;
    int fd = join();
    authorise();
    struct hsm_audit_counters before = hsm_audit_counters(here.audit);
    send_many(fd, "A00402U", KEYS);
    unsigned turns = 0;
    for (; hsm_counters(here.hsm).commands < KEYS; turns++) {
        assert_false(has_answer(fd));
        net_loop_turn(here.loop, false);
    }
    struct hsm_audit_counters after = hsm_audit_counters(here.audit);
    assert_int_equal(after.number, before.number + KEYS);
    assert_true(after.synced > before.synced && after.synced <= before.synced + turns);
    for (size_t i = 0; i < KEYS; i++)
        expect_reply(fd, "A100U");
    /* Authorised and without effect: durable, and limited. */
    send_many(fd, "A00402Z", EACH);
    serve_all(&fd, 1, KEYS + EACH);
    assert_true(hsm_audit_counters(here.audit).synced > after.synced);
    assert_int_equal(hsm_audit_counters(here.audit).number, after.number + HSM_TELL_LINES);
    close(fd);
}

/* A descriptor that takes lines and cannot be made durable. */
static void break_disk(void)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    for (int fd = 0; fd < 64; fd++) {
        char link[64], to[128];
        (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        ssize_t len = readlink(link, to, sizeof to - 1);
        if (len > 0 && (size_t)len == strlen(here.path) && memcmp(to, here.path, (size_t)len) == 0)
            assert_int_equal(dup2(ends[1], fd), fd);
    }
}

/* The lines are written and do not reach the disk: none of the keys leaves, and later commands are told so. */
static void test_sync_fails(void **state)
{
    (void)state;
    int fd = join(), other = join();
    authorise();
    break_disk();
    send_many(fd, "A00402U", KEYS);
    serve_all(&other, 1, KEYS);
    assert_true(socket_closed(fd));
    send_many(other, "A00402U", 1);
    send_many(other, CY_RIGHT, 1);
    while (!has_answer(other))
        net_loop_turn(here.loop, false);
    expect_reply(other, "A141");
    expect_reply(other, "CZ00");
    close(fd);
    close(other);
}

int main(void)
{
#define TEST(test_) cmocka_unit_test_setup_teardown(test_, begin, end)
    const struct CMUnitTest tests[] = {TEST(test_refused_commands), TEST(test_work_is_shared), TEST(test_nothing_to_end),
                                       TEST(test_one_sync_a_batch), TEST(test_sync_fails)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
