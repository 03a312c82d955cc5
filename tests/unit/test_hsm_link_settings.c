/* SPDX-License-Identifier: Apache-2.0 */
/* The services' HSM link with the settings of other HSMs: header lengths, LMK identifier, TLS; and two HSMs of which one dies. */
#include "hostcmd/error.h"
#include "service/hsm_link.h"

#include "hostcmd/commands.h"

#include "support/certificates.h"
#include "support/hsm_process.h"
#include "support/sockets.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { TICKETS = 20000, TURNS_MAX = 8000 };

/* thalessimulatorlibrary's CVV 561, and the 181 that a payShield gave under key-block LMK 01 (host-commands.md 5.4). */
static const char right[] = "CYU9B4934384B19946B040CD702B4D581455614123456789012345;8701101";
static const char wrong[] = "CYU9B4934384B19946B040CD702B4D581451114123456789012345;8701101";
static const char block[] =
    "CYS00072C0TN00E0001A417975993E2331918759DD1656AC94306BE01C19FDE29E83A93AB42181502265400089000092;2010620";

struct world {
    struct env env;
    struct net_loop *loop;
    struct service_hsm_link *link;
    struct hostcmd_client *client;
    size_t taken, accepted, refused, failed;
    uint8_t times[TICKETS]; /* that a ticket came back with a verdict */
    bool retry;             /* what failed is asked again */
    uint64_t again[TICKETS];
    size_t again_count;
};

static enum err ask(struct world *w, const char *command, uint64_t ticket, int avoid)
{
    return hostcmd_client_send(w->client, &(struct hostcmd_send){.command = span_text(command),
                                                                 .deadline_us = env_monotonic_us(&w->env) + 1000000,
                                                                 .ticket = ticket,
                                                                 .avoid = avoid});
}

static void on_answer(struct world *w, const struct hostcmd_answer *a)
{
    struct span text = span_slice(span_of(a->at, a->len), 0, 4);
    w->taken++;
    if (a->err != ERR_OK) {
        w->failed++;
        if (w->retry)
            w->again[w->again_count++] = a->ticket;
        return;
    }
    w->times[a->ticket]++;
    w->accepted += span_is(text, "CZ00");
    w->refused += span_is(text, "CZ01");
    if (w->retry)
        assert_true(span_is(text, a->ticket % 2 ? "CZ01" : "CZ00"));
}

static int64_t on_turn(void *context)
{
    struct world *w = context;
    if (!w->client)
        return NET_NEVER_US;
    struct hostcmd_answer answer[16];
    int64_t next = hostcmd_client_turn(w->client, env_monotonic_us(&w->env));
    for (size_t n; (n = hostcmd_client_take(w->client, answer, 16)) > 0;)
        for (size_t i = 0; i < n; i++) {
            on_answer(w, &answer[i]);
            hostcmd_answer_wipe(&answer[i]);
        }
    return next == INT64_MAX ? NET_NEVER_US : next;
}

static struct world *open_world(const struct service_hsm_link_settings *settings)
{
    static struct world w;
    struct net_problem problem = {""};
    w = (struct world){.env = env_system(NULL)};
    assert_int_equal(net_loop_create(&(struct net_loop_config){.env = &w.env, .turn = on_turn, .context = &w}, &w.loop), ERR_OK);
    if (service_hsm_link_create(&(struct service_hsm_link_config){w.loop, &w.env, settings}, &w.link, &problem) != ERR_OK)
        fail_msg("%s", problem.text);
    w.client = service_hsm_link_client(w.link);
    return &w;
}

static void close_world(struct world *w)
{
    net_loop_destroy(w->loop);
    service_hsm_link_destroy(w->link);
}

static void wait_for(struct world *w, bool ready, size_t taken)
{
    for (int i = 0; i < TURNS_MAX && (hostcmd_client_ready(w->client) != ready || w->taken < taken); i++) {
        net_loop_turn(w->loop, false);
        usleep(1000);
    }
    assert_true(hostcmd_client_ready(w->client) == ready);
    assert_true(w->taken >= taken);
}

static struct service_hsm_link_settings settings_for(uint16_t port)
{
    struct service_hsm_link_settings s = {.window = 64, .header = HOSTCMD_HEADER};
    (void)snprintf(s.addresses, sizeof s.addresses, "127.0.0.1:%d", port);
    return s;
}

/* Many at once, so that answers are really told apart by their headers. */
static void expect_verdicts(struct world *w)
{
    wait_for(w, true, 0);
    for (uint64_t i = 0; i < 60; i++)
        assert_int_equal(ask(w, i % 3 ? wrong : right, i, 0), ERR_OK);
    wait_for(w, true, 60);
    assert_int_equal(w->accepted, 20);
    assert_int_equal(w->refused, 40);
}

static void test_header_lengths(void **state)
{
    (void)state;
    static const char *const length[] = {"2", "4", "8", "255"};
    for (size_t i = 0; i < sizeof length / sizeof length[0]; i++) {
        struct hsm_process hsm = hsm_process_start((const char *const[]){"--header", length[i], NULL});
        struct service_hsm_link_settings settings = settings_for(hsm.port);
        settings.header = (int64_t)strtoul(length[i], NULL, 10);
        struct world *w = open_world(&settings);
        expect_verdicts(w);
        close_world(w);
        assert_int_equal(hsm_process_stop(&hsm, SIGTERM), 0);
    }
}

/* A key block of LMK 01 at an HSM whose default is 00: only with %01 it is answered. */
static void test_lmk_identifier(void **state)
{
    (void)state;
    struct hsm_process hsm = hsm_process_start(NULL);
    struct service_hsm_link_settings settings = settings_for(hsm.port);
    for (size_t i = 0; i < 2; i++) {
        memcpy(settings.lmk, i == 0 ? "01" : "", i == 0 ? 3 : 1);
        struct world *w = open_world(&settings);
        wait_for(w, true, 0);
        assert_int_equal(ask(w, block, 1, 0), ERR_OK);
        wait_for(w, true, 1);
        assert_int_equal(w->failed, 0);
        assert_int_equal(w->accepted, i == 0);
        close_world(w);
    }
    assert_int_equal(hsm_process_stop(&hsm, SIGTERM), 0);
}

static void option(char *out, const char *key, const char *file)
{
    (void)snprintf(out, 200, "--set=hsm.%s=%s", key, certificates_file(file));
}

static void test_tls(void **state)
{
    (void)state;
    char certificate[200], key[200], ca[200];
    option(certificate, "tls_certificate", "server.pem");
    option(key, "tls_key", "server.key");
    option(ca, "tls_ca", "ca.pem");
    struct hsm_process hsm =
        hsm_process_start((const char *const[]){"--set=hsm.tls_listen=127.0.0.1:0", certificate, key, ca, NULL});
    struct service_hsm_link_settings settings = settings_for(hsm.tls_port);
    (void)snprintf(settings.tls_ca, sizeof settings.tls_ca, "%s", certificates_file("ca.pem"));
    (void)snprintf(settings.tls_certificate, sizeof settings.tls_certificate, "%s", certificates_file("client.pem"));
    (void)snprintf(settings.tls_key, sizeof settings.tls_key, "%s", certificates_file("client.key"));
    struct world *w = open_world(&settings);
    expect_verdicts(w);
    service_hsm_link_reload(w->link); /* the same files: nothing is lost */
    assert_int_equal(ask(w, right, 100, 0), ERR_OK);
    wait_for(w, true, 61);
    close_world(w);
    /* An HSM with a name that was not asked for is not used, and its link is down. */
    (void)snprintf(settings.tls_name, sizeof settings.tls_name, "hsm.example");
    w = open_world(&settings);
    for (int i = 0; i < 200; i++) {
        net_loop_turn(w->loop, false);
        usleep(1000);
    }
    assert_false(hostcmd_client_ready(w->client));
    assert_int_equal(ask(w, right, 1, 0), HOSTCMD_ERR_UNAVAILABLE);
    close_world(w);
    assert_int_equal(hsm_process_stop(&hsm, SIGTERM), 0);
}

static void test_settings_that_cannot_be(void **state)
{
    (void)state;
    static const struct {
        const char *lmk, *ca, *certificate, *told;
    } row[] = {
        {"1", "", "", "hsm.lmk: write two digits"},
        {"012", "", "", "hsm.lmk: write two digits"},
        {"", "/nowhere/ca.pem", "", "certificate: no file is named"},
        {"", "", "/nowhere/switch.pem", "/nowhere/switch.pem: No such file or directory"},
    };
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct env env = env_system(NULL);
        struct net_loop *loop;
        struct service_hsm_link *link = NULL;
        struct net_problem problem = {""};
        struct service_hsm_link_settings settings = settings_for(1500);
        memcpy(settings.lmk, row[i].lmk, strlen(row[i].lmk) + 1);
        memcpy(settings.tls_ca, row[i].ca, strlen(row[i].ca) + 1);
        memcpy(settings.tls_certificate, row[i].certificate, strlen(row[i].certificate) + 1);
        assert_int_equal(net_loop_create(&(struct net_loop_config){.env = &env}, &loop), ERR_OK);
        assert_int_equal(service_hsm_link_create(&(struct service_hsm_link_config){loop, &env, &settings}, &link, &problem),
                         ERR_CONFIG);
        if (!strstr(problem.text, row[i].told))
            fail_msg("row %zu: %s", i, problem.text);
        net_loop_destroy(loop);
        service_hsm_link_destroy(link);
    }
}

/* The HSM is gone, comes back on the same port, and is asked again. */
static void test_comes_back(void **state)
{
    (void)state;
    char listen[64];
    struct hsm_process hsm = hsm_process_start(NULL);
    struct service_hsm_link_settings settings = settings_for(hsm.port);
    (void)snprintf(listen, sizeof listen, "--set=hsm.listen=127.0.0.1:%d", hsm.port);
    struct world *w = open_world(&settings);
    expect_verdicts(w);
    assert_int_equal(hsm_process_stop(&hsm, SIGKILL), 128 + SIGKILL);
    wait_for(w, false, 0);
    assert_int_equal(ask(w, right, 1, 0), HOSTCMD_ERR_UNAVAILABLE);
    hsm = hsm_process_start((const char *const[]){listen, NULL});
    wait_for(w, true, 0);
    assert_int_equal(ask(w, right, 100, 0), ERR_OK);
    wait_for(w, true, 61);
    assert_int_equal(w->accepted, 21);
    close_world(w);
    assert_int_equal(hsm_process_stop(&hsm, SIGTERM), 0);
}

static bool ask_numbered(struct world *w, uint64_t ticket)
{
    return ask(w, ticket % 2 ? wrong : right, ticket, 0) == ERR_OK;
}

/* One of two dies under load: what it had is asked of the other, and every question gets one verdict, the right one. */
static void test_one_of_two_dies_under_load(void **state)
{
    (void)state;
    struct hsm_process first = hsm_process_start(NULL), second = hsm_process_start(NULL);
    struct service_hsm_link_settings settings = {.window = 1024, .header = HOSTCMD_HEADER};
    (void)snprintf(settings.addresses, sizeof settings.addresses, "127.0.0.1:%d,127.0.0.1:%d", first.port, second.port);
    struct world *w = open_world(&settings);
    wait_for(w, true, 0);
    for (int i = 0; i < 50; i++)
        net_loop_turn(w->loop, false);
    w->retry = true;
    size_t verdicts = 0;
    for (uint64_t sent = 0; verdicts < TICKETS;) {
        while (w->again_count > 0 && ask_numbered(w, w->again[w->again_count - 1]))
            w->again_count--;
        for (int burst = 0; burst < 300 && sent < TICKETS && ask_numbered(w, sent); burst++)
            sent++;
        if (sent > TICKETS / 2 && first.pid > 0) {
            kill(first.pid, SIGSTOP); /* so that it surely has questions when it dies */
            for (int burst = 0; burst < 300 && sent < TICKETS && ask_numbered(w, sent); burst++)
                sent++;
            net_loop_turn(w->loop, false);
            assert_int_equal(hsm_process_stop(&first, SIGKILL), 128 + SIGKILL);
        }
        net_loop_turn(w->loop, true);
        verdicts = w->accepted + w->refused;
    }
    assert_true(w->failed > 0);
    for (size_t i = 0; i < TICKETS; i++)
        assert_int_equal(w->times[i], 1);
    assert_int_equal(w->accepted, TICKETS / 2);
    assert_int_equal(hostcmd_client_pending(w->client), 0);
    close_world(w);
    assert_int_equal(hsm_process_stop(&second, SIGTERM), 0);
}

int main(void)
{
    (void)signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_header_lengths),
        cmocka_unit_test(test_lmk_identifier),
        cmocka_unit_test(test_tls),
        cmocka_unit_test(test_settings_that_cannot_be),
        cmocka_unit_test(test_comes_back),
        cmocka_unit_test(test_one_of_two_dies_under_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
