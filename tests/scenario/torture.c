/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two switches and an issuer over one ledger under load, killed and stopped again and again; then what every acquirer and app was
 * told is held against the ledger and every hold. Uses of codes, repeats, reversals in full and in part, zero-filled, crossing
 * their original on the other node, of another card, days later; displays that are paid with at either node. Kills (SIGKILL) and
 * stops (SIGSTOP for up to three seconds) of switches, issuer, HSM, single backends and the whole database, cut COMMITs.
 * Without arguments: a short campaign on each store, and the planted faults, which must be found. Rules: switch.md 8 and 16.
 */
#include "torture/torture.h"
#include "support/cutter.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct option options[] = {
    {"uses", required_argument, NULL, 'u'},  {"kills", required_argument, NULL, 'k'},  {"seed", required_argument, NULL, 's'},
    {"store", required_argument, NULL, 'd'}, {"binary", required_argument, NULL, 'b'}, {"rounds", required_argument, NULL, 'r'},
    {"json", no_argument, NULL, 'j'},        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0},
};

static void help(void)
{
    puts("torture [--uses N] [--kills N] [--rounds N] [--seed N] [--store sqlite|postgres] [--binary PATH] [--json]\n"
         "Drives two switches and an issuer over one ledger and holds what was told against the rows. Beside each kill something "
         "is\n"
         "stopped for up to three seconds. Without arguments: the short form on both stores with every planted fault. Ends with 0 "
         "if nothing was wrong, 1 if something was, 2 for a word that is not known.\n"
         "Ctrl-C ends the round, checks and reports.");
}

static bool number(const char *text, uint64_t *out)
{
    return span_decimal(span_text(text), out) == ERR_OK;
}

static int campaign(struct torture_plan *plan, bool postgres)
{
    char url[256];
    struct buf text = buf_over(url, sizeof url);
    if (postgres) {
        cutter_open(&text);
        plan->url = url;
    }
    int status = torture_run(plan) == 0 ? 0 : 1;
    if (postgres)
        cutter_close();
    return status;
}

/* ---- the short form ---- */

enum { SHORT_USES = 12000, SHORT_KILLS = 6, SHORT_ROUNDS = 2, PLANTED_USES = 8000 };

static int passed, failed;

static void check(bool good, const char *what)
{
    printf("%s  %s\n", good ? "ok    " : "FAILED", what);
    passed += good;
    failed += !good;
    fflush(stdout);
}

static void planted(const char *name, const char *what, bool postgres)
{
    char binary[64], line[160];
    snprintf(binary, sizeof binary, "build/countersign-planted-%s", name);
    struct torture_plan plan = {
        .binary = binary, .uses = PLANTED_USES, .rounds = 2, .seed = 1, .kills = postgres ? 12 : 0, .quiet = true, .hunt = true};
    snprintf(line, sizeof line, "found: %s", what);
    check(campaign(&plan, postgres) != 0, line);
}

static int short_form(void)
{
    struct torture_plan plan = {.uses = SHORT_USES, .kills = SHORT_KILLS, .rounds = SHORT_ROUNDS, .seed = 7};
    check(campaign(&plan, false) == 0, "SQLite: what was told agrees with the ledger and every hold");
    struct torture_plan other = {.uses = SHORT_USES, .kills = SHORT_KILLS, .rounds = SHORT_ROUNDS, .seed = 8};
    check(campaign(&other, true) == 0, "PostgreSQL: the same");
    planted("crossing", "a tombstone and its original that do not meet", false);
    planted("ended", "a code that counts although another was shown since", false);
    planted("card", "an original that is found without its card", false);
    planted("window", "a reversal that comes later than the window", false);
    planted("silence", "an answer that an unreadable frame has cost", false);
    planted("unknown", "a commit of unknown outcome that is answered", true);
    printf("%d passed, %d failed\n", passed, failed);
    return failed > 0;
}

int main(int argc, char **argv)
{
    struct torture_plan plan = {.uses = 1000000, .kills = 100, .rounds = 10, .seed = 1};
    bool postgres = false;
    uint64_t value = 0;
    if (argc == 1)
        return short_form();
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        bool good = true;
        if (c == 'h') {
            help();
            return 0;
        }
        if (c == 'j')
            plan.json = true;
        else if (c == 'b')
            plan.binary = optarg;
        else if (c == 'd')
            good = strcmp(optarg, "sqlite") == 0 || (postgres = strcmp(optarg, "postgres") == 0);
        else
            good = c != '?' && number(optarg, &value);
        if (!good) {
            help();
            return 2;
        }
        plan.uses = c == 'u' ? value : plan.uses;
        plan.kills = c == 'k' ? value : plan.kills;
        plan.rounds = c == 'r' ? value : plan.rounds;
        plan.seed = c == 's' ? value : plan.seed;
    }
    return campaign(&plan, postgres);
}
