/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A campaign against two switches over one ledger, and its oracle.
 *
 * Purpose    Acquirers pay, repeat and reverse on both nodes, and apps have codes shown, while services and backends are killed and
 *            stopped. Each keeps what it was told. After every round the oracle holds that against the authorisations, the holds,
 *            the accounts and the displays.
 * Threading  torture_run has threads of its own; one campaign at a time.
 * Failure    What is wrong is printed, ten lines at most, and counted.
 */
#ifndef TORTURE_TORTURE_H
#define TORTURE_TORTURE_H

#include "store/store.h"
#include "support/lab.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
    TORTURE_CARDS = 200, /* of each kind: static, then one-time */
    TORTURE_TELLERS = 12,
    TORTURE_ROUND_DAYS = 4,     /* that pass after each round for some cards */
    TORTURE_REVERSAL_DAYS = 30, /* later, a reversal has no effect (switch.md 8) */
    TORTURE_SERVICES = 3,       /* the first kills and stops: those of services */
    TORTURE_KILLS = 6,
    TORTURE_STOPS = 5
};

struct torture_plan {
    const char *binary; /* NULL: build/countersign */
    const char *url;    /* NULL: SQLite */
    uint64_t uses, rounds, seed;
    uint64_t kills; /* each has a stop beside it */
    bool quiet, json;
    bool hunt; /* ends with the first thing that is wrong */
};

/* A code, and the how many-eth its display was of those that the card's app was told. */
struct torture_shown {
    char code[4];
    uint32_t number;
};

/* A one-time card as its holder knows it, and as the ledger does. */
struct torture_card {
    pthread_mutex_t showing, at_shelf;
    struct torture_shown shelf; /* what tellers pay with */
    char (*told)[4];            /* what was shown, in order */
    size_t count, cap;
    size_t unsure; /* displays whose outcome nobody told */
    struct {
        int64_t counter;
        char code[4];
    } * issued; /* by the ledger, and by the HSM */
    size_t issued_count;
    int64_t *earliest; /* the counter that a display took, or a later one */
};

/* One authorisation and all that was said of it. */
struct torture_purchase {
    uint32_t card;
    uint32_t shown;  /* displays of its card that were told before it was sent */
    uint32_t serial; /* DE37, unique */
    uint32_t stan;
    int64_t amount;
    char code[4];
    char de7[11];
    char terminal;
    char de39[3]; /* the last answer; empty: none came */
    char de38[7];
    bool approved; /* some answer said so */
    bool old;      /* of an earlier round: its stored answer is gone */
    unsigned days; /* that passed since it was made */
    bool undone;   /* a reversal in full was sent */
    int64_t least; /* given back for certain, if it was approved */
    int64_t most;  /* given back at most */
};

struct torture_teller {
    pthread_t thread;
    struct torture *torture;
    uint64_t dice;
    int fd[2];
    unsigned life[2]; /* of the node that the connection was opened to */
    struct torture_purchase *purchase;
    size_t count, cap;
};

struct torture;
struct torture_chance {
    uint64_t number; /* of this kind */
    int64_t stop_ms;
};
struct torture_fault {
    const char *name;
    void (*cause)(struct torture *t, const struct torture_chance *chance);
};

struct torture_count {
    unsigned count;
    int64_t longest_ms; /* until all services were ready again */
};

struct torture {
    struct torture_plan plan;
    struct lab lab;
    uint64_t dice;
    char fixed[TORTURE_CARDS][4]; /* codes of the static cards */
    struct torture_card holder[TORTURE_CARDS];
    struct torture_teller teller[TORTURE_TELLERS];
    atomic_uint serial;
    atomic_uint faults;    /* that began or ended */
    atomic_bool down;      /* one is under way */
    atomic_uint life[2];   /* how often a node was killed */
    atomic_llong slow_ms;  /* when an answer came late last */
    atomic_long left;      /* uses of this round */
    atomic_bool tormented; /* all faults of this round are over */
    atomic_ulong sent, answered, silent, late, displays, wrong;
    atomic_bool stopped;
    struct torture_count killed[TORTURE_KILLS], halted[TORTURE_STOPS];
};

/* Runs the campaign; how many things were wrong. */
uint64_t torture_run(const struct torture_plan *plan);
int64_t torture_now_ms(void);
/* NULL: a static card. */
struct torture_card *torture_card(struct torture *t, uint32_t card);

/* When something was sent. */
struct torture_moment {
    unsigned faults;
    bool down;
    int64_t at_ms;
};
struct torture_moment torture_now(const struct torture *t);
/* A fault that began or ended since, or is under way, may have cost an answer. */
bool torture_excused(const struct torture *t, struct torture_moment then);
/* Something can be read from fd. An answer that comes late is an answer, however slow the machine is; what a fault has cost is not
 * waited for as long. */
bool torture_hears(struct torture *t, int fd, struct torture_moment then);
/* Answers took so long about then that deadlines of the services may have passed: it was slow, which nobody can tell from stuck. */
bool torture_slow(struct torture *t, struct torture_moment then);

/* ---- faults.c ---- */
extern const struct torture_fault torture_kill[TORTURE_KILLS];
extern const struct torture_fault torture_stop[TORTURE_STOPS];
/* The n-th of the campaign, the kinds in turn. They return when all services are ready again. */
void torture_kill_one(struct torture *t, uint64_t n);
void torture_stop_one(struct torture *t, uint64_t n);

/* ---- app.c ---- */
/* Unlocks all one-time cards and has a code of each shown. */
void torture_show_all(struct torture *t);
/* Codes that ended count as guesses, and guesses lock cards. */
void torture_unlock(struct torture *t, uint32_t card);
/* A display; false: no code was shown, or another display of the card is under way. If true, the card shows no other until
 * torture_shelve. */
bool torture_show(struct torture *t, uint32_t card, struct torture_shown *out);
/* For all tellers to take. */
void torture_shelve(struct torture *t, uint32_t card, const struct torture_shown *shown);
struct torture_shown torture_take(struct torture *t, uint32_t card);

/* ---- teller.c ---- */
/* Uses codes until those of the round are spent and its faults are over. */
void *torture_teller_run(void *teller);

/* ---- oracle.c ---- */
/* All that was told, against all rows. */
void torture_oracle(struct torture *t);
void torture_wrong(struct torture *t, const struct torture_purchase *p, const char *what);
void torture_wrong_card(struct torture *t, uint32_t card, const char *what);
void torture_wrong_link(struct torture *t, size_t node, const char *what);

/* ---- displays.c ---- */
extern const struct store_set torture_displays_set;
/* Displays that were told, against the issuances. */
void torture_displays_read(struct torture *t, struct store *store);
/* An approval of a one-time card by this counter. */
void torture_judge_code(struct torture *t, const struct torture_purchase *p, int64_t counter);

#endif
