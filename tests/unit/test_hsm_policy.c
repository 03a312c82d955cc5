/* SPDX-License-Identifier: Apache-2.0 */
/* Who may connect and who may do what: the two lists by themselves, and an HSM in hardened mode over real sockets. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "hostcmd/commands.h"
#include "hostcmd/error.h"
#include "hsm/guard/guess.h"
#include "hsm/guard/policy.h"
#include "hsm/serve.h"

#include "support/sockets.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CVK "U9B4934384B19946B040CD702B4D58145"

/* ---- peers ---- */

static void test_peers(void **state)
{
    (void)state;
    static const struct {
        const char *list, *address;
        bool held;
    } row[] = {
        {"127.0.0.1", "127.0.0.1:40000", true},
        {"127.0.0.1", "127.0.0.2:40000", false},
        {"", "127.0.0.1:40000", false},
        {"10.1.0.0/16", "10.1.255.255:1", true},
        {"10.1.0.0/16", "10.2.0.0:1", false},
        {"10.1.2.3/16", "10.1.9.9:1", true},
        {"192.168.4.128/25", "192.168.4.127:1", false},
        {"192.168.4.128/25", "192.168.4.128:1", true},
        {"10.0.0.0/9", "10.127.255.255:1", true},
        {"10.0.0.0/9", "10.128.0.0:1", false},
        {"0.0.0.0/0", "203.0.113.7:1", true},
        {"0.0.0.0/0", "[2001:db8::1]:1", false},
        {"::/0", "[2001:db8::1]:1", true},
        {"::1", "[::1]:1500", true},
        {"::1", "[::2]:1500", false},
        {"fd00::/8", "[fd12:3456::1]:1", true},
        {"fd00::/8", "[fe80::1]:1", false},
        {"2001:db8:0:8000::/49", "[2001:db8:0:7fff::1]:1", false},
        {"2001:db8:0:8000::/49", "[2001:db8:0:ffff::1]:1", true},
        {"10.0.0.1", "[::ffff:10.0.0.1]:1", true},
        {" 10.0.0.1 ,\t::1 , 10.2.0.0/16", "10.2.3.4:1", true},
        {"127.0.0.1", "", false},
        {"127.0.0.1", "127.0.0.1", false},
    };
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct hsm_peers peers;
        struct net_problem problem = {""};
        assert_int_equal(hsm_peers_parse(span_text(row[i].list), &peers, &problem), ERR_OK);
        if (hsm_peers_hold(&peers, row[i].address) != row[i].held)
            fail_msg("'%s' and %s", row[i].list, row[i].address);
    }
}

static void test_peers_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"localhost", "127.0.0.1,,::1", "10.0.0.0/33", "::1/129",        "10.0.0.0/", "10.0.0.0/x",
                                      "10.0.0",    "10.0.0.0/-1",    " ",           "127.0.0.1:1500", "[::1]",     "/8"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct hsm_peers peers = {.count = 7};
        struct net_problem problem = {""};
        if (hsm_peers_parse(span_text(bad[i]), &peers, &problem) != ERR_CONFIG || !problem.text[0] || peers.count != 7)
            fail_msg("'%s' was taken", bad[i]);
    }
    char many[16 * (HSM_POLICY_NETS + 1)] = "10.0.0.1";
    for (int i = 0; i < HSM_POLICY_NETS; i++)
        (void)snprintf(many + strlen(many), sizeof many - strlen(many), ",10.0.0.1");
    struct hsm_peers peers;
    struct net_problem problem;
    assert_int_equal(hsm_peers_parse(span_text(many), &peers, &problem), ERR_CONFIG);
    many[strlen(many) - 9] = 0;
    assert_int_equal(hsm_peers_parse(span_text(many), &peers, &problem), ERR_OK);
}

/* ---- clients ---- */

static uint64_t bit(enum hostcmd_id id)
{
    return UINT64_C(1) << id;
}

static void expect_allowed(const struct hsm_clients *clients, const char *name, uint64_t allowed)
{
    uint64_t got = ~hsm_clients_disabled(clients, name) & ((UINT64_C(1) << HOSTCMD_COUNT) - 1);
    if (got != allowed)
        fail_msg("%s: %llx instead of %llx", name, (unsigned long long)got, (unsigned long long)allowed);
}

static void test_clients(void **state)
{
    (void)state;
    static const char text[] = "# who may do what\n"
                               "switch.bank.example: CW CY  PM NC\r\n"
                               "\n"
                               "  a name: with: colons :QY # and a comment\n"
                               "nobody:\n"
                               "officer: *\n"
                               "-: NC\n"
                               "*: B2";
    static struct hsm_clients clients;
    struct net_problem problem = {""};
    assert_int_equal(hsm_clients_parse(span_text(text), &clients, &problem), ERR_OK);
    assert_int_equal(clients.count, 6);
    expect_allowed(&clients, "switch.bank.example", bit(HOSTCMD_CW) | bit(HOSTCMD_CY) | bit(HOSTCMD_PM) | bit(HOSTCMD_NC));
    expect_allowed(&clients, "a name: with: colons", bit(HOSTCMD_QY));
    expect_allowed(&clients, "nobody", 0);
    expect_allowed(&clients, "officer", (UINT64_C(1) << HOSTCMD_COUNT) - 1);
    const struct hostcmd_row *ry = hostcmd_row(HOSTCMD_RY);
    assert_false(hsm_clients_disabled(&clients, "officer") &
                 (hsm_policy_bits(ry, span_text("3")) | hsm_policy_bits(ry, span_text("4"))));
    expect_allowed(&clients, "", bit(HOSTCMD_NC));
    expect_allowed(&clients, "stranger", bit(HOSTCMD_B2));
    expect_allowed(&clients, "switch.bank.exampl", bit(HOSTCMD_B2));
    /* Certificates with the names of the two signs are strangers. */
    expect_allowed(&clients, "-", bit(HOSTCMD_B2));
    expect_allowed(&clients, "*", bit(HOSTCMD_B2));
}

/* RY makes codes in mode 3 and compares them in mode 4: who compares need not make. */
static void test_modes_have_names(void **state)
{
    (void)state;
    static struct hsm_clients clients;
    struct net_problem problem = {""};
    const struct hostcmd_row *ry = hostcmd_row(HOSTCMD_RY);
    uint64_t makes = hsm_policy_bits(ry, span_text("30")), compares = hsm_policy_bits(ry, span_text("40")), off = 0;
    assert_int_equal(hsm_clients_parse(span_text("both: RY\ncompares: RY4 NC\nmakes: RY3\n"), &clients, &problem), ERR_OK);
    assert_false(hsm_clients_disabled(&clients, "both") & (makes | compares));
    assert_false(hsm_clients_disabled(&clients, "compares") & compares);
    assert_true(hsm_clients_disabled(&clients, "compares") & makes);
    assert_true(hsm_clients_disabled(&clients, "makes") & compares);
    assert_int_equal(hsm_disabled_parse("AS,RY3", &off), ERR_OK);
    assert_true(off & makes);
    assert_false(off & compares);
    assert_int_equal(hsm_disabled_parse("RY", &off), ERR_OK);
    assert_true((off & makes) && (off & compares));
    static const char *const bad[] = {"RY5", "CW3", "RY44", "RY3,", ",RY3", "RY3 RY4"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(hsm_disabled_parse(bad[i], &off), HOSTCMD_ERR_COMMAND_DISABLED);
}

static void test_clients_without_others(void **state)
{
    (void)state;
    static struct hsm_clients clients;
    struct net_problem problem = {""};
    assert_int_equal(hsm_clients_parse(span_text("a: CW\n"), &clients, &problem), ERR_OK);
    assert_int_equal(hsm_clients_disabled(&clients, "b"), UINT64_MAX);
    assert_int_equal(hsm_clients_disabled(&clients, ""), UINT64_MAX);
    assert_int_equal(hsm_clients_parse(span_text(""), &clients, &problem), ERR_OK);
    assert_int_equal(hsm_clients_disabled(&clients, "a"), UINT64_MAX);
}

static void test_clients_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *problem;
    } row[] = {
        {"a: CW\nb CW\n", "line 2: write NAME: COMMANDS: 'b CW'"},
        {"a: CW XX\n", "line 1: not a command known here: 'XX'"},
        {"a: CW,CY\n", "line 1: not a command known here: 'CW,CY'"},
        {"\n\na: cw\n", "line 3: not a command known here: 'cw'"},
        {"a: CW\n# x\na: CY\n", "line 3: the name stands here twice: 'a'"},
        {": CW\n", "line 1: the name has 1 to 71 characters: ''"},
        {"a\033[2J\n", "line 1: write NAME: COMMANDS: 'a?[2J'"},
        {"012345678901234567890123456789012345678901234567890123456789012345678901: CW",
         "line 1: the name has 1 to 71 characters: '01234567890123456789012345678901234567890123456789012345678'"},
    };
    static struct hsm_clients clients;
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct net_problem problem = {""};
        assert_int_equal(hsm_clients_parse(span_text(row[i].text), &clients, &problem), ERR_CONFIG);
        assert_string_equal(problem.text, row[i].problem);
    }
}

/* ---- a server ---- */

static struct hsm *server_hsm;
static struct hsm_policy policy;
static const char *clients_next; /* the list that SIGUSR1 brings */

/* Stands in for the reload of the real process. */
static void on_tick(void *context)
{
    struct net_problem problem;
    if (!*(volatile sig_atomic_t *)context)
        return;
    *(volatile sig_atomic_t *)context = 0;
    policy.plaintext.count = clients_next[0] ? policy.plaintext.count : 0;
    assert_int_equal(hsm_clients_parse(span_text(clients_next), &policy.clients, &problem), ERR_OK);
    hsm_policy_set(server_hsm, &policy);
}

static volatile sig_atomic_t asked;
static void on_usr1(int signum)
{
    (void)signum;
    asked = 1;
}

static _Noreturn void serve(int tell, const char *peers, const char *clients, const char *next)
{
    struct env env = env_system(NULL);
    struct hsm_guess_config guess = {.limit = 3, .pans = 100, .memory = hsm_guess_memory(100)};
    const struct hsm_config config = {
        .env = &env, .header = 4, .sockets = 8, .test_lmk = true, .hardened = true, .authorised = true, .guess = &guess};
    const struct hsm_serve_config at = {.listen = "127.0.0.1:0", .connections = 8};
    const struct net_loop_config loop_config = {.env = &env};
    struct net_problem problem;
    struct net_loop *loop = NULL;
    struct net_server *server = NULL;
    policy = (struct hsm_policy){.guards_plaintext = true, .lists_clients = clients};
    clients_next = next;
    (void)signal(SIGUSR1, on_usr1);
    bool fine = hsm_peers_parse(span_text(peers), &policy.plaintext, &problem) == ERR_OK &&
                (!clients || hsm_clients_parse(span_text(clients), &policy.clients, &problem) == ERR_OK) &&
                hsm_create(&config, &server_hsm) == ERR_OK && net_loop_create(&loop_config, &loop) == ERR_OK &&
                hsm_serve(server_hsm, loop, &at, &server, &problem) == ERR_OK &&
                net_loop_every(loop, 10, 10, on_tick, (void *)(uintptr_t)&asked) == ERR_OK;
    if (!fine)
        _exit(1);
    hsm_policy_set(server_hsm, &policy);
    uint16_t port = net_server_port(server);
    if (write(tell, &port, sizeof port) != sizeof port)
        _exit(1);
    (void)!net_loop_run(loop);
    _exit(0);
}

static pid_t start(const char *peers, const char *clients, const char *next, uint16_t *port)
{
    int line[2];
    assert_int_equal(pipe(line), 0);
    pid_t pid = fork();
    if (pid == 0)
        serve(line[1], peers, clients, next);
    close(line[1]);
    assert_int_equal(read(line[0], port, sizeof *port), sizeof *port);
    close(line[0]);
    return pid;
}

static void end(pid_t pid)
{
    int status = 0;
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, &status, 0), pid);
}

static void expect(int fd, const char *command, const char *reply)
{
    char frame[256];
    uint8_t got[256];
    size_t len = 0;
    (void)snprintf(frame, sizeof frame, "HEAD%s", command);
    socket_send_frame(fd, span_text(frame));
    assert_true(socket_receive_frame(fd, got, sizeof got - 1, &len));
    got[len] = 0;
    assert_string_equal((char *)got + 4, reply);
}

static void test_plaintext(void **state)
{
    (void)state;
    uint16_t port = 0;
    pid_t pid = start("10.0.0.0/8, ::1", NULL, "", &port);
    int fd = socket_connect(port);
    assert_true(socket_closed(fd));
    close(fd);
    end(pid);
    pid = start("127.0.0.0/8", NULL, "", &port);
    fd = socket_connect(port);
    expect(fd, "NC", "ND0026860400000000001500-0023");
    close(fd);
    end(pid);
}

/* host-commands.md 9: what hardened mode does beside. */
static void test_hardened(void **state)
{
    (void)state;
    uint16_t port = 0;
    pid_t pid = start("127.0.0.1", NULL, "", &port);
    int fd = socket_connect(port);
    expect(fd, "PM00UB68E039974B21519E5E2226866C4D3A0A4123456789012345;2812998000001105", "PN01");
    expect(fd, "CY" CVK "1114123456789012345;8701101", "CZ01");
    expect(fd, "CY" CVK "5614123456789012345;8701101", "CZ00");
    expect(fd, "CY" CVK "1124123456789012345;8701101", "CZ01");
    expect(fd, "CY" CVK "5614123456789012345;8701101", "CZ39");
    close(fd);
    end(pid);
}

static void test_allow_list(void **state)
{
    (void)state;
    uint16_t port = 0;
    pid_t pid = start("127.0.0.1", "-: NC CY\n*: CW\n", "-: NC CW\n", &port);
    int fd = socket_connect(port);
    expect(fd, "CY" CVK "5614123456789012345;8701101", "CZ00");
    expect(fd, "CW" CVK "4123456789012345;8701101", "CX68");
    kill(pid, SIGUSR1);
    usleep(300000);
    expect(fd, "CW" CVK "4123456789012345;8701101", "CX00561"); /* the connection is judged again */
    expect(fd, "CY" CVK "5614123456789012345;8701101", "CZ68");
    close(fd);
    end(pid);
}

/* A peer that is no longer listed is let go with its next frame. */
static void test_peer_leaves_the_list(void **state)
{
    (void)state;
    uint16_t port = 0;
    pid_t pid = start("127.0.0.1", "-: NC\n", "", &port);
    int fd = socket_connect(port);
    expect(fd, "NC", "ND0026860400000000001500-0023");
    kill(pid, SIGUSR1);
    usleep(300000);
    socket_send_frame(fd, span_text("HEADNC"));
    assert_true(socket_closed(fd));
    close(fd);
    end(pid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_peers),
        cmocka_unit_test(test_peers_refused),
        cmocka_unit_test(test_clients),
        cmocka_unit_test(test_modes_have_names),
        cmocka_unit_test(test_clients_without_others),
        cmocka_unit_test(test_clients_refused),
        cmocka_unit_test(test_plaintext),
        cmocka_unit_test(test_hardened),
        cmocka_unit_test(test_allow_list),
        cmocka_unit_test(test_peer_leaves_the_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
