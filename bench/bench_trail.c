/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an HSM pays for being watched: counting and timing a batch of one command, a line of the audit trail, and a line that is on
 * the disk before its command is answered; the limit of the last is a bare fdatasync of as many bytes.
 */
#include "hsm/process/observe.h"
#include "hsm/trail/audit.h"
#include "support/bench.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { ROUNDS = 3, LINE = 200, GIBIBYTE = 1 << 30 };

static struct env env;

static void batches(void *context, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        hsm_observe_begin(context);
        hsm_observe_command(context, HOSTCMD_CY, hostcmd_said(ERR_OK, VERDICT_MATCH));
        hsm_observe_end(context);
    }
}

static void write_lines(struct hsm_audit *audit, size_t count, bool durable)
{
    const struct log_field field[] = {LOG_TEXT("command", "A0"), LOG_TEXT("answer", "00"), LOG_TEXT("client", "a.bank.example")};
    for (size_t i = 0; i < count; i++)
        ASSERT(hsm_audit_write(audit, "hsm.command", field, 3, durable) == ERR_OK);
}

static void lines(void *context, size_t count)
{
    write_lines(context, count, false);
}

static void durable_lines(void *context, size_t count)
{
    write_lines(context, count, true);
}

static void bare(void *context, size_t count)
{
    static const char bytes[LINE];
    int fd = *(const int *)context;
    for (size_t i = 0; i < count; i++)
        ASSERT(write(fd, bytes, LINE) == LINE && fdatasync(fd) == 0);
}

static bool report(const char *name, double value, double limit, double goal)
{
    return bench_report(&(struct bench_figure){.bench = name,
                                               .unit = "ns",
                                               .limit_is = "a bare write and fdatasync",
                                               .value = value,
                                               .limit = limit,
                                               .goal = goal,
                                               .rule = limit > 0 ? BENCH_RATIO_AT_MOST : BENCH_VALUE_AT_MOST});
}

int main(void)
{
    char folder[] = "./bench_trail.XXXXXX", path[64], other[64], command[80];
    struct hsm_observe *observe = NULL;
    struct hsm_audit *audit = NULL;
    struct net_problem problem;
    env = env_system(NULL);
    ASSERT(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/audit.log", folder);
    (void)snprintf(other, sizeof other, "%s/bare", folder);
    const struct hsm_audit_config config = {.path = path, .size = GIBIBYTE};
    ASSERT(hsm_observe_create(&env, &observe) == ERR_OK && hsm_audit_open(&env, &config, &audit, &problem) == ERR_OK);
    double batch = bench_best_ns(batches, observe, 1000000, ROUNDS);
    double line = bench_best_ns(lines, audit, 20000, ROUNDS);
    double durable = bench_best_ns(durable_lines, audit, 100, ROUNDS);
    int fd = open(other, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    ASSERT(fd >= 0);
    double disk = bench_best_ns(bare, &fd, 100, ROUNDS);
    close(fd);
    hsm_audit_close(audit);
    hsm_observe_destroy(observe);
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    bool holds = system(command) == 0;
    holds &= report("observe.batch", batch, 0, 300);
    holds &= report("audit.line", line, 0, 10000);
    holds &= report("audit.durable_line", durable, disk, 2);
    return holds ? 0 : 1;
}
