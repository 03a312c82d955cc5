/* SPDX-License-Identifier: Apache-2.0 */
/* The audit trail: what is written is found unchanged, and every change of any byte or line is found, in its line. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "hsm/guard/guess.h"
#include "hsm/hsm.h"
#include "hsm/trail/audit.h"

#include "support/frames.h"
#include "support/rng.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LINES = 9, ROOM = 64 * 1024, MIB = 1 << 20 };

static char folder[64], path[96], head_path[104];
static struct rng_world world;
static struct env env;

static int begin(void **state)
{
    (void)state;
    /* Each durable line waits for the disk, and there are thousands of them here. */
    (void)snprintf(folder, sizeof folder, "%s/test_hsm_audit.XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/audit.log", folder);
    (void)snprintf(head_path, sizeof head_path, "%s.head", path);
    world = (struct rng_world){.state = 1, .wall_ms = 1800000000000};
    env = rng_env_over(&world);
    return 0;
}

static int end(void **state)
{
    (void)state;
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static struct hsm_audit_config config_of(uint64_t size)
{
    struct hsm_audit_config config = {.path = path, .size = size};
    memset(config.key, 0x4B, sizeof config.key);
    return config;
}

static struct hsm_audit *open_trail(uint64_t size)
{
    struct hsm_audit *audit = NULL;
    struct net_problem problem = {""};
    const struct hsm_audit_config config = config_of(size);
    if (hsm_audit_open(&env, &config, &audit, &problem) != ERR_OK)
        fail_msg("%s", problem.text);
    return audit;
}

static void expect_refused(const char *why)
{
    struct hsm_audit *audit = NULL;
    struct net_problem problem = {""};
    const struct hsm_audit_config config = config_of(MIB);
    assert_int_equal(hsm_audit_open(&env, &config, &audit, &problem), ERR_CONFIG);
    if (!strstr(problem.text, why))
        fail_msg("'%s' instead of '%s'", problem.text, why);
}

static void write_lines(struct hsm_audit *audit, int count)
{
    for (int i = 0; i < count; i++) {
        const struct log_field field[] = {LOG_TEXT("command", "A0"), LOG_TEXT("answer", "00"), LOG_INT("i", i)};
        world.wall_ms += 1000;
        assert_int_equal(hsm_audit_write(audit, "hsm.command", field, 3, i % 2 == 0), ERR_OK);
    }
}

/* ---- files as bytes ---- */

static size_t slurp(const char *from, char *out)
{
    int fd = open(from, O_RDONLY);
    assert_true(fd >= 0);
    ssize_t len = read(fd, out, ROOM - 1);
    close(fd);
    assert_true(len >= 0);
    out[len] = 0;
    return (size_t)len;
}

static void spill(const char *to, const char *at, size_t len)
{
    int fd = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, at, len), len);
    close(fd);
}

/* 0: fine; else the line of the problem. As `audit verify` does. */
static uint64_t verify(const char *at, size_t len)
{
    static const uint8_t key[HSM_AUDIT_KEY] = {[0 ... HSM_AUDIT_KEY - 1] = 0x4B};
    static char other[112], text[ROOM];
    struct hsm_chain chain;
    struct hsm_chain_report report;
    struct hsm_head head;
    (void)snprintf(other, sizeof other, "%s.other", path);
    spill(other, at, len);
    assert_int_equal(hsm_chain_begin(key, &chain), ERR_OK);
    size_t head_len = slurp(head_path, text);
    assert_true(hsm_chain_head_read(&chain, span_of(text, head_len), &head));
    int fd = open(other, O_RDONLY);
    assert_int_equal(hsm_chain_file(&chain, fd, &head, &report), ERR_OK);
    close(fd);
    uint64_t line = report.bad_line;
    if (!report.why && hsm_chain_ends(&chain, &report, &head))
        line = report.lines + !chain.torn;
    hsm_chain_end(&chain);
    return line;
}

/* The index-th line, from 0, with its newline. */
static struct span line_of(const char *text, size_t index)
{
    const char *at = text;
    for (; index > 0; index--)
        at = strchr(at, '\n') + 1;
    return span_of(at, (size_t)(strchr(at, '\n') + 1 - at));
}

static size_t make_trail(char *text)
{
    struct hsm_audit *audit = open_trail(MIB);
    write_lines(audit, LINES - 1);
    hsm_audit_close(audit);
    return slurp(path, text);
}

/* ---- changes ---- */

static void test_unchanged(void **state)
{
    (void)state;
    static char text[ROOM];
    size_t len = make_trail(text);
    assert_int_equal(verify(text, len), 0);
    struct stat at;
    assert_int_equal(stat(path, &at), 0);
    assert_int_equal(at.st_mode & 0777, 0600);
    assert_non_null(strstr(text, "{\"n\":1,\"at\":\"2027-01-15T08:00:00.000Z\",\"event\":\"trail.begun\",\"trail\":\""));
    assert_non_null(strstr(text, "{\"n\":3,\"at\":\"2027-01-15T08:00:02.000Z\",\"event\":\"hsm.command\",\"command\":\"A0\","
                                 "\"answer\":\"00\",\"i\":1,\"mac\":\""));
}

/* Each bit of each byte: the problem is in the line of the byte; a newline that is gone joins two lines. */
static void test_every_byte(void **state)
{
    (void)state;
    static char text[ROOM];
    size_t len = make_trail(text);
    uint64_t line = 1;
    for (size_t i = 0; i < len; i++) {
        char was = text[i];
        for (int bit = 0; bit < 8; bit++) {
            text[i] = (char)(was ^ 1 << bit);
            uint64_t found = verify(text, len);
            if (found != line)
                fail_msg("byte %zu, bit %d: line %llu instead of %llu", i, bit, (unsigned long long)found,
                         (unsigned long long)line);
        }
        text[i] = was;
        line += was == '\n';
    }
}

static void test_every_cut(void **state)
{
    (void)state;
    static char text[ROOM];
    size_t len = make_trail(text);
    for (size_t cut = 0; cut < len; cut++)
        if (verify(text, cut) == 0)
            fail_msg("cut to %zu of %zu bytes", cut, len);
}

static void test_lines(void **state)
{
    (void)state;
    static char text[ROOM], other[ROOM];
    size_t len = make_trail(text);
    for (size_t i = 0; i < LINES; i++) {
        struct span line = line_of(text, i);
        size_t before = (size_t)((const char *)line.at - text), behind = before + line.len;
        memcpy(other, text, before);
        memcpy(other + before, text + behind, len - behind);
        assert_int_equal(verify(other, len - line.len), i + 1); /* removed */
        memcpy(other, text, behind);
        memcpy(other + behind, line.at, line.len);
        memcpy(other + behind + line.len, text + behind, len - behind);
        assert_int_equal(verify(other, len + line.len), i + 2); /* doubled */
        if (i + 1 == LINES)
            continue;
        struct span next = line_of(text, i + 1);
        memcpy(other, text, before);
        memcpy(other + before, next.at, next.len);
        memcpy(other + before + next.len, line.at, line.len);
        memcpy(other + behind + next.len, text + behind + next.len, len - behind - next.len);
        assert_int_equal(verify(other, len), i + 1); /* swapped */
    }
}

static void test_head(void **state)
{
    (void)state;
    static char head[ROOM], text[ROOM];
    make_trail(text);
    size_t len = slurp(head_path, head);
    assert_int_equal(len, HSM_CHAIN_HEAD);
    for (size_t i = 0; i < len; i++) {
        head[i] ^= 1;
        spill(head_path, head, len);
        expect_refused("was changed");
        head[i] ^= 1;
    }
    unlink(head_path);
    expect_refused("is missing beside a trail");
}

/* ---- starts ---- */

static void test_start_refuses(void **state)
{
    (void)state;
    static char text[ROOM];
    size_t len = make_trail(text);
    text[len / 2] ^= 4;
    spill(path, text, len);
    expect_refused("line 5 was changed");
    text[len / 2] ^= 4;
    struct span last = line_of(text, LINES - 1);
    spill(path, text, len - last.len);
    expect_refused("lines at its end are missing");
    unlink(path);
    expect_refused("its lines are missing");
    spill(path, text, len);
    struct hsm_audit *audit = open_trail(MIB);
    expect_refused("another HSM writes this trail");
    hsm_audit_close(audit);
}

static void test_goes_on(void **state)
{
    (void)state;
    static char text[ROOM];
    make_trail(text);
    struct hsm_audit *audit = open_trail(MIB);
    assert_int_equal(hsm_audit_counters(audit).number, LINES);
    write_lines(audit, 3);
    hsm_audit_close(audit);
    size_t len = slurp(path, text);
    assert_int_equal(verify(text, len), 0);
    assert_non_null(strstr(text, "{\"n\":12,"));
}

/* A crash may cut the last line anywhere: it stays, is marked, and both can be verified. */
static void test_torn(void **state)
{
    (void)state;
    static char whole[ROOM], text[ROOM];
    struct hsm_audit *audit = open_trail(MIB);
    write_lines(audit, 3); /* the third is durable, the head counts it */
    size_t counted = slurp(path, whole);
    struct hsm_audit_counters c = hsm_audit_counters(audit);
    assert_int_equal(c.number, 4);
    static char head[ROOM];
    size_t head_len = slurp(head_path, head);
    write_lines(audit, 2);
    size_t len = slurp(path, whole);
    hsm_audit_close(audit);
    size_t fifth = line_of(whole, 4).len;
    for (size_t cut = counted + 1; cut <= counted + fifth; cut += cut + 12 < counted + fifth ? 11 : 1) {
        spill(path, whole, cut);
        spill(head_path, head, head_len);
        audit = open_trail(MIB);
        write_lines(audit, 1);
        hsm_audit_close(audit);
        size_t now = slurp(path, text);
        assert_memory_equal(text, whole, cut);
        assert_int_equal(verify(text, now), 0);
        bool complete = cut >= counted + fifth - 1;
        assert_int_equal(!strstr(text, "trail.torn"), complete);
        if (complete)
            continue;
        /* What was cut may not be changed afterwards either. */
        text[cut - 1] ^= 1;
        assert_int_equal(verify(text, now), 5);
    }
    assert_true(len > counted + fifth);
}

static void test_first_line_torn(void **state)
{
    (void)state;
    static char text[ROOM], head[ROOM];
    struct hsm_audit *audit = open_trail(MIB);
    hsm_audit_close(audit);
    unlink(head_path);
    unlink(path);
    audit = open_trail(MIB);
    size_t len = slurp(path, text);
    hsm_audit_close(audit);
    /* The head as it was before the first line: number 0. */
    static const uint8_t key[HSM_AUDIT_KEY] = {[0 ... HSM_AUDIT_KEY - 1] = 0x4B};
    struct hsm_chain chain;
    struct buf out = buf_over(head, sizeof head);
    assert_int_equal(hsm_chain_begin(key, &chain), ERR_OK);
    assert_int_equal(hsm_chain_head_put(&chain, &(struct hsm_head){0}, &out), ERR_OK);
    hsm_chain_end(&chain);
    spill(head_path, head, out.len);
    spill(path, text, len / 2);
    audit = open_trail(MIB);
    hsm_audit_close(audit);
    len = slurp(path, text);
    assert_int_equal(verify(text, len), 0);
}

/* ---- size ---- */

static void test_moved_away(void **state)
{
    (void)state;
    enum { SIZE = 2000 };
    static char text[ROOM];
    struct hsm_audit *audit = open_trail(SIZE);
    write_lines(audit, 40);
    uint64_t number = hsm_audit_counters(audit).number;
    hsm_audit_close(audit);
    struct hsm_chain chain;
    struct hsm_chain_report report;
    static const uint8_t key[HSM_AUDIT_KEY] = {[0 ... HSM_AUDIT_KEY - 1] = 0x4B};
    assert_int_equal(hsm_chain_begin(key, &chain), ERR_OK);
    unsigned files = 0;
    for (uint64_t n = 1; n <= number; n++) {
        char moved[128];
        (void)snprintf(moved, sizeof moved, "%s.%010llu", path, (unsigned long long)n);
        int fd = open(moved, O_RDONLY);
        if (fd < 0)
            continue;
        files++;
        assert_int_equal(hsm_chain_file(&chain, fd, NULL, &report), ERR_OK);
        close(fd);
        assert_null(report.why);
        assert_true(chain.closed && chain.number == n);
    }
    assert_true(files > 2);
    int fd = open(path, O_RDONLY);
    assert_int_equal(hsm_chain_file(&chain, fd, NULL, &report), ERR_OK);
    close(fd);
    assert_null(report.why);
    assert_int_equal(chain.number, number);
    hsm_chain_end(&chain);
    size_t len = slurp(path, text); /* by itself as well: it says what it continues */
    assert_int_equal(verify(text, len), 0);
    audit = open_trail(SIZE);
    assert_int_equal(hsm_audit_counters(audit).number, number);
    hsm_audit_close(audit);
}

/* ---- a full disk ---- */

static void limit_files(rlim_t bytes)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void test_full_disk(void **state)
{
    (void)state;
    static char text[ROOM];
    (void)signal(SIGXFSZ, SIG_IGN);
    struct hsm_audit *audit = open_trail(MIB);
    write_lines(audit, 2);
    size_t len = slurp(path, text);
    limit_files(len + 50); /* half a line fits */
    for (int i = 0; i < 3; i++)
        assert_int_equal(hsm_audit_write(audit, "hsm.command", NULL, 0, true), ERR_SYSTEM);
    limit_files(RLIM_INFINITY);
    assert_int_equal(slurp(path, text), len);
    assert_int_equal(hsm_audit_counters(audit).lost, 3);
    write_lines(audit, 1);
    hsm_audit_close(audit);
    len = slurp(path, text);
    assert_int_equal(verify(text, len), 0);
    assert_non_null(strstr(text, "\"event\":\"trail.lost\",\"lines\":3,"));
}

/* Hardened mode does not touch keys without a trace; what does not touch keys goes on. */
static void test_commands_on_a_full_disk(void **state)
{
    (void)state;
    (void)signal(SIGXFSZ, SIG_IGN);
    for (int hardened = 0; hardened < 2; hardened++) {
        struct hsm_audit *audit = open_trail(MIB);
        struct hsm *hsm = NULL;
        const struct hsm_config config = {.env = &env,
                                          .header = 4,
                                          .sockets = 1,
                                          .test_lmk = true,
                                          .authorised = true,
                                          .hardened = hardened == 1,
                                          .audit = audit};
        assert_int_equal(hsm_create(&config, &hsm), ERR_OK);
        char reply[16];
        (void)snprintf(reply, sizeof reply, "%.4s", frames_ask(hsm, "A00402U"));
        assert_string_equal(reply, "A100");
        static char text[ROOM];
        size_t len = slurp(path, text);
        assert_non_null(strstr(text, "\"command\":\"A0\",\"answer\":\"00\""));
        limit_files(len);
        (void)snprintf(reply, sizeof reply, "%.5s", frames_ask(hsm, "A00402U"));
        assert_string_equal(reply, hardened ? "A141" : "A100U");
        frames_assert(hsm, "NC", "ND0026860400000000001500-0023");
        frames_assert(hsm, "CYU9B4934384B19946B040CD702B4D581455614123456789012345;8701101", "CZ00");
        limit_files(RLIM_INFINITY);
        (void)snprintf(reply, sizeof reply, "%.4s", frames_ask(hsm, "A00402U"));
        assert_string_equal(reply, "A100");
        hsm_destroy(hsm);
        hsm_audit_close(audit);
    }
}

/* ---- what is in it ---- */

static void test_commands(void **state)
{
    (void)state;
    static char text[ROOM];
    struct hsm_audit *audit = open_trail(MIB);
    struct hsm_guess_config guess = {.limit = 3, .pans = 100, .memory = hsm_guess_memory(100)};
    const struct hsm_config config = {.env = &env, .header = 4, .sockets = 1, .test_lmk = true, .guess = &guess, .audit = audit};
    struct hsm *hsm = NULL;
    assert_int_equal(hsm_create(&config, &hsm), ERR_OK);
    frames_assert(hsm, "CYU9B4934384B19946B040CD702B4D581455614123456789012345;8701101", "CZ00");
    for (int i = 0; i < 3; i++)
        frames_assert(hsm, "CYU9B4934384B19946B040CD702B4D581451114123456789012345;8701101", "CZ01");
    frames_assert(hsm, "CYU9B4934384B19946B040CD702B4D581455614123456789012345;8701101", "CZ39");
    frames_assert(hsm, "CWrubbish", "CX15");
    frames_assert(hsm, "RA", "RB00");
    hsm_destroy(hsm);
    hsm_audit_close(audit);
    size_t len = slurp(path, text);
    assert_int_equal(verify(text, len), 0);
    static const char *const wanted[] = {"\"event\":\"hsm.guess_limit\",\"card\":\"", "\"command\":\"CY\",\"answer\":\"39\"",
                                         "\"command\":\"CW\",\"answer\":\"15\"", "\"command\":\"RA\",\"answer\":\"00\""};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        if (!strstr(text, wanted[i]))
            fail_msg("no %s in\n%s", wanted[i], text);
    static const char *const never[] = {"4123456789012345", "561", "U9B4934384B19946B", "\"answer\":\"01\""};
    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++)
        if (i != 1 && strstr(text, never[i]))
            fail_msg("%s in\n%s", never[i], text);
}

int main(void)
{
#define TEST(test_) cmocka_unit_test_setup_teardown(test_, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(test_unchanged),  TEST(test_every_byte), TEST(test_every_cut),
        TEST(test_lines),      TEST(test_head),       TEST(test_start_refuses),
        TEST(test_goes_on),    TEST(test_torn),       TEST(test_first_line_torn),
        TEST(test_moved_away), TEST(test_full_disk),  TEST(test_commands_on_a_full_disk),
        TEST(test_commands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
