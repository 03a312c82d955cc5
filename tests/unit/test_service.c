/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a service, and what it says about settings that cannot be used. */
#include "ledger/statements.h"
#include "service/names.h"
#include "service/parts.h"
#include "service/zone.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- hooks that write down when they are called ---- */

struct settings {
    int64_t fails; /* the error that the start gives back */
};
static const struct config_row rows[] = {
    {"test", "fails", "error of the start", CONFIG_INTEGER, CONFIG_MEMBER(struct settings, fails), 0, 1000, "0"},
};
static const struct config_table table = {rows, 1};

struct process {
    struct service_process base;
    struct settings settings;
    char trace[64];
    int dumpable;
    rlim_t core;
};
static struct process process;
static enum err refusal;

static void note(char event)
{
    size_t len = strlen(process.trace);
    assert_true(len + 1 < sizeof process.trace);
    process.trace[len] = event;
}

static enum err check(void *context, struct net_problem *problem)
{
    (void)context;
    (void)snprintf(problem->text, sizeof problem->text, "not so");
    note('c');
    return refusal;
}

static enum err start(void *context, struct net_problem *problem)
{
    struct process *p = context;
    note('s');
    struct rlimit core = {1, 1};
    p->dumpable = prctl(PR_GET_DUMPABLE);
    assert_int_equal(getrlimit(RLIMIT_CORE, &core), 0);
    p->core = core.rlim_max;
    (void)problem;
    TRY(service_loop_create(&p->base));
    net_loop_turn(p->base.loop, false); /* before the service runs: no hook is called */
    return (enum err)p->settings.fails;
}

static int64_t turn(void *context)
{
    struct process *p = context;
    if (!strchr(p->trace, 't'))
        note('t');
    net_loop_stop(p->base.loop);
    return NET_NEVER_US;
}

static void stop(void *context)
{
    struct process *p = context;
    note('e');
    if (p->base.loop)
        net_loop_turn(p->base.loop, false); /* after it: neither */
    net_loop_destroy(p->base.loop);
}

static const struct service service = {.name = "test", .check = check, .start = start, .stop = stop, .turn = turn, .grace_ms = 10};

static int run(const struct cli_line *line)
{
    memset(&process, 0, sizeof process);
    return service_run(&service, line, &process.base, &process.settings);
}
static const struct cli_command command = {.name = "test", .summary = "a service", .settings = &table, .run = run};

static int live(const char *setting)
{
    char name[] = "test", set[] = "--set", value[64];
    char *argv[] = {name, set, value, NULL};
    (void)snprintf(value, sizeof value, "%s", setting);
    return cli_main(&command, 3, argv);
}

static void test_hooks_are_called_while_it_runs(void **state)
{
    (void)state;
    assert_int_equal(live("test.fails=0"), CLI_EXIT_DONE);
    assert_string_equal(process.trace, "cste");
}

static void test_a_process_leaves_no_core(void **state)
{
    (void)state;
    assert_int_equal(live("test.fails=0"), CLI_EXIT_DONE);
    assert_int_equal(process.dumpable, 0);
    assert_int_equal(process.core, 0);
}

static void test_a_start_that_fails_is_stopped(void **state)
{
    char setting[32];
    (void)state;
    (void)snprintf(setting, sizeof setting, "test.fails=%d", (int)ERR_SYSTEM);
    assert_int_equal(live(setting), CLI_EXIT_FAILED);
    assert_string_equal(process.trace, "cse");
    (void)snprintf(setting, sizeof setting, "test.fails=%d", (int)ERR_CONFIG);
    assert_int_equal(live(setting), CLI_EXIT_USAGE);
    assert_string_equal(process.trace, "cse");
}

static void test_nothing_starts_with_what_is_refused(void **state)
{
    (void)state;
    assert_int_equal(live("test.unknown=1"), CLI_EXIT_USAGE);
    assert_string_equal(process.trace, "");
    refusal = ERR_FORBIDDEN;
    assert_int_equal(live("test.fails=0"), CLI_EXIT_MODE);
    assert_string_equal(process.trace, "c");
    refusal = ERR_CONFIG;
    assert_int_equal(live("test.fails=0"), CLI_EXIT_USAGE);
    refusal = ERR_OK;
}

/* ---- settings ---- */

static char folder[] = "/tmp/countersign-service-XXXXXX";

static void write_file(const char *name, const char *text, char path[static 128])
{
    (void)snprintf(path, 128, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void test_names(void **state)
{
    static const char *const refused[] = {"[keys]\na = 1\na = 2\n", "[other]\na = 1\n", "[keys]\na =\n", "a = 1\n"};
    static struct service_names names;
    struct net_problem problem = {""};
    char path[128];
    (void)state;
    write_file("keys.ini", "; two keys\n[keys]\ncvk = U123\nmk = S456\n", path);
    assert_int_equal(service_names_load("keys.file", path, "keys", &names, &problem), ERR_OK);
    assert_int_equal(names.count, 2);
    assert_string_equal(service_names_find(&names, "mk"), "S456");
    assert_null(service_names_find(&names, "zmk"));
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        write_file("keys.ini", refused[i], path);
        problem.text[0] = 0;
        assert_int_equal(service_names_load("keys.file", path, "keys", &names, &problem), ERR_CONFIG);
        assert_non_null(strstr(problem.text, path));
        assert_non_null(strstr(problem.text, "write name = text under [keys]"));
    }
    assert_int_equal(unlink(path), 0);
    assert_int_equal(service_names_load("keys.file", path, "keys", &names, &problem), ERR_CONFIG);
    assert_non_null(strstr(problem.text, "cannot be read"));
}

/* Which setting, and what to do; an address of a database may hold a password and is not repeated. */
static void test_problems_name_the_setting(void **state)
{
    struct service_process base = {.service = &service, .log = {.fd = -1, .least = LOG_ERROR, .service = "test"}};
    struct service_parts parts = {.process = &base};
    struct net_problem problem = {""};
    (void)state;
    base.env = env_system(&base.log);
    assert_int_equal(service_vault_open(&parts, "/nowhere/vault.key", "ledger", &problem), ERR_CONFIG);
    assert_non_null(strstr(problem.text, "vault.file: /nowhere/vault.key: "));
    assert_non_null(strstr(problem.text, "64 hexadecimal digits"));
    const struct service_store_settings settings = {.url = "oracle://scott:tiger@nowhere/"};
    const struct service_store_config store = {.settings = &settings, .sets = ledger_sets, .writer_cap = 8};
    problem.text[0] = 0;
    assert_int_not_equal(service_store_open(&parts, &store, &problem), ERR_OK);
    assert_non_null(strstr(problem.text, "store.url: "));
    assert_null(strstr(problem.text, "tiger"));
    service_parts_stop(&parts);
    service_parts_disconnect(&parts);
    service_parts_close(&parts);
}

static void test_rest_needs_an_address(void **state)
{
    static const char *const refused[] = {"8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:70000", "no.such.host.:80", "[::1:80"};
    struct service_process base = {.service = &service, .log = {.fd = -1, .least = LOG_ERROR, .service = "test"}};
    struct service_parts parts = {.process = &base};
    struct net_problem problem = {""};
    struct service_rest_settings settings = {.threads = 1, .connections = 8};
    const struct service_rest_config config = {.settings = &settings, .slots = 8};
    (void)state;
    base.env = env_system(&base.log);
    assert_int_equal(service_loop_create(&base), ERR_OK);
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        (void)snprintf(settings.listen, sizeof settings.listen, "%s", refused[i]);
        assert_int_not_equal(service_rest_open(&parts, &config, &problem), ERR_OK);
        assert_non_null(strstr(problem.text, "rest.listen: "));
    }
    (void)snprintf(settings.listen, sizeof settings.listen, "localhost:0");
    assert_int_equal(service_rest_open(&parts, &config, &problem), ERR_OK);
    assert_int_not_equal(http_port(parts.http), 0);
    service_parts_stop(&parts);
    service_parts_disconnect(&parts);
    service_parts_close(&parts);
}

/* 2026-12-01T00:00:00Z and 2026-07-01T00:00:00Z: what clocks show there is known from the zones' rules. */
static void the_time_zones_of_issuers(void **state)
{
    (void)state;
    struct service_zones *all = NULL;
    assert_int_equal(service_zones_create(&all), ERR_OK);
    static const struct {
        const char *name;
        int winter, summer; /* minutes from UTC */
    } zones[] = {{"UTC", 0, 0},
                 {"America/Los_Angeles", -480, -420},
                 {"Australia/Sydney", 660, 600},
                 {"Asia/Kathmandu", 345, 345},
                 {"Etc/GMT+5", -300, -300},
                 {"UTC", 0, 0}};
    static const char *const wrong[] = {"", "Mars/Phobos", "../../../etc/passwd", "/etc/localtime", "America", "zone.tab", "UTC "};
    struct net_problem problem = {""};
    for (size_t i = 0; i < sizeof zones / sizeof zones[0]; i++) {
        assert_int_equal(service_zone_check(zones[i].name, &problem), ERR_OK);
        assert_true(service_zones_local_ms(all, zones[i].name, 1796083200000) == 1796083200000 + zones[i].winter * INT64_C(60000));
        assert_true(service_zones_local_ms(all, zones[i].name, 1782864000000) == 1782864000000 + zones[i].summer * INT64_C(60000));
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(service_zone_check(wrong[i], &problem), ERR_CONFIG);
        assert_non_null(strstr(problem.text, "is no time zone"));
        assert_true(service_zones_local_ms(all, wrong[i], 1782864000000) == 1782864000000);
    }
    service_zones_destroy(all);
}

static void assert_as_the_library(struct service_zones *all, const char *name, int64_t wall_s)
{
    struct tm local;
    time_t seconds = wall_s;
    assert_non_null(localtime_r(&seconds, &local));
    if (service_zones_local_ms(all, name, wall_s * 1000) != (wall_s + local.tm_gmtoff) * 1000)
        fail_msg("%s at %lld: %ld s from UTC", name, (long long)wall_s, local.tm_gmtoff);
}

/* The C library reads the same files, one at a time. Hours of years from 1970 to 2099, drawn with a step that meets all of them. */
static void every_zone_as_the_c_library_has_it(void **state)
{
    (void)state;
    enum { STEP_S = 86400 * 11 + 3601 };
    const int64_t last_s = INT64_C(4102444800);
    struct service_zones *all = NULL;
    FILE *list = fopen(SERVICE_ZONE_FOLDER "tzdata.zi", "r");
    char line[256], name[65];
    size_t seen = 0;
    assert_non_null(list);
    while (fgets(line, sizeof line, list)) {
        if (sscanf(line, "Z %64s", name) != 1)
            continue;
        assert_int_equal(service_zones_create(&all), ERR_OK);
        assert_int_equal(setenv("TZ", name, 1), 0);
        tzset();
        for (int64_t s = 0; s < last_s; s += STEP_S)
            assert_as_the_library(all, name, s);
        for (int64_t s = 1767225600; s < 1798761600; s += 7200) /* 2026 */
            assert_as_the_library(all, name, s);
        service_zones_destroy(all);
        seen++;
    }
    fclose(list);
    assert_true(seen > 300);
    assert_int_equal(unsetenv("TZ"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_time_zones_of_issuers),
                                       cmocka_unit_test(every_zone_as_the_c_library_has_it),
                                       cmocka_unit_test(test_hooks_are_called_while_it_runs),
                                       cmocka_unit_test(test_a_process_leaves_no_core),
                                       cmocka_unit_test(test_a_start_that_fails_is_stopped),
                                       cmocka_unit_test(test_nothing_starts_with_what_is_refused),
                                       cmocka_unit_test(test_names),
                                       cmocka_unit_test(test_problems_name_the_setting),
                                       cmocka_unit_test(test_rest_needs_an_address)};
    if (!mkdtemp(folder))
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)rmdir(folder);
    return failed;
}
