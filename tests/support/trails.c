/* SPDX-License-Identifier: Apache-2.0 */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "support/trails.h"

#include "support/rng.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char trails_path[96], trails_head_path[104];
struct env trails_env;
static char folder[64];
static struct rng_world world;

int trails_begin(void **state)
{
    (void)state;
    /* Each durable line waits for the disk, and there are thousands of them here. */
    (void)snprintf(folder, sizeof folder, "%s/test_hsm_audit.XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    assert_non_null(mkdtemp(folder));
    (void)snprintf(trails_path, sizeof trails_path, "%s/audit.log", folder);
    (void)snprintf(trails_head_path, sizeof trails_head_path, "%s.head", trails_path);
    world = (struct rng_world){.state = 1, .wall_ms = 1800000000000};
    trails_env = rng_env_over(&world);
    return 0;
}

int trails_end(void **state)
{
    (void)state;
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static struct hsm_audit_config config_of(uint64_t size)
{
    struct hsm_audit_config config = {.path = trails_path, .size = size};
    memset(config.key, 0x4B, sizeof config.key);
    return config;
}

struct hsm_audit *trails_open(uint64_t size)
{
    struct hsm_audit *audit = NULL;
    struct net_problem problem = {""};
    const struct hsm_audit_config config = config_of(size);
    if (hsm_audit_open(&trails_env, &config, &audit, &problem) != ERR_OK)
        fail_msg("%s", problem.text);
    return audit;
}

void trails_expect_refused(const char *why)
{
    struct hsm_audit *audit = NULL;
    struct net_problem problem = {""};
    const struct hsm_audit_config config = config_of(TRAILS_MIB);
    assert_int_equal(hsm_audit_open(&trails_env, &config, &audit, &problem), ERR_CONFIG);
    if (!strstr(problem.text, why))
        fail_msg("'%s' instead of '%s'", problem.text, why);
}

void trails_write_lines(struct hsm_audit *audit, int count)
{
    for (int i = 0; i < count; i++) {
        const struct log_field field[] = {LOG_TEXT("command", "A0"), LOG_TEXT("answer", "00"), LOG_INT("i", i)};
        world.wall_ms += 1000;
        assert_int_equal(hsm_audit_write(audit, "hsm.command", field, 3, i % 2 == 0), ERR_OK);
    }
}

/* ---- files as bytes ---- */

size_t trails_slurp(const char *from, char *out)
{
    int fd = open(from, O_RDONLY);
    assert_true(fd >= 0);
    ssize_t len = read(fd, out, TRAILS_ROOM - 1);
    close(fd);
    assert_true(len >= 0);
    out[len] = 0;
    return (size_t)len;
}

void trails_spill(const char *to, const char *at, size_t len)
{
    int fd = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, at, len), len);
    close(fd);
}

/* 0: fine; else the line of the problem. As `audit trails_verify` does. */
uint64_t trails_verify(const char *at, size_t len)
{
    static const uint8_t key[HSM_AUDIT_KEY] = {[0 ... HSM_AUDIT_KEY - 1] = 0x4B};
    static char other[112], text[TRAILS_ROOM];
    struct hsm_chain chain;
    struct hsm_chain_report report;
    struct hsm_head head;
    (void)snprintf(other, sizeof other, "%s.other", trails_path);
    trails_spill(other, at, len);
    assert_int_equal(hsm_chain_begin(key, &chain), ERR_OK);
    size_t head_len = trails_slurp(trails_head_path, text);
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

void trails_limit_files(rlim_t bytes)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}
