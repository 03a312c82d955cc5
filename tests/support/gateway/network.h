/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A network and the issuer behind it, as frames on a clock of the test: it keeps what it holds, and answers in time, late, twice,
 * after others, or never.
 *
 * Threading  The caller's alone.
 * Failure    A frame that cannot be read ends the test.
 */
#ifndef SUPPORT_GATEWAY_NETWORK_H
#define SUPPORT_GATEWAY_NETWORK_H

#include "base/buf.h"

enum network_fate {
    NETWORK_ANSWERS,
    NETWORK_REFUSES,   /* DE39 05; a reversal is answered all the same */
    NETWORK_LOSES,     /* it never arrives */
    NETWORK_IS_SILENT, /* it is taken, the answer is lost */
    NETWORK_IS_LATE,   /* the answer comes behind the deadline */
    NETWORK_DOUBLES,   /* the answer comes twice */
    NETWORK_DELAYS,    /* others overtake the answer */
    NETWORK_GARBLES,   /* the answer cannot be read */
    NETWORK_FATES
};

enum { NETWORK_HOLDS_MAX = 256, NETWORK_WAITING_MAX = 64, NETWORK_FRAME = 512, NETWORK_TAKEN_MAX = 64, NETWORK_DELAY_US = 300000 };

/* One authorisation, as the issuer knows it. */
struct network_hold {
    char rrn[13], stan[7];
    uint64_t amount;
    bool approved, reversed;
    char reversal[24]; /* DE7 and DE11 of its reversal: every repeat has the same */
    bool reversed_anew;
};

/* A message that arrived, in order. */
struct network_taken {
    int64_t at_us;
    uint16_t mti;
    size_t link;
    char amount[13], transmission[11], stan[7], rrn[13], original[43], reason[3];
};

struct network {
    /* What becomes of a message; `reversal` of an authorisation or of a reversal. NULL: it answers. */
    enum network_fate (*fate)(void *context, bool reversal, uint64_t amount);
    void *context;
    const char *reversal_response; /* DE39 that reversals are answered with; NULL: 00 */
    bool forgets_reversals;        /* of planted faults: they are answered and have no effect */
    bool reverses_late;            /* likewise: what is answered late has been reversed by then */
    int64_t late_us;
    struct network_hold hold[NETWORK_HOLDS_MAX];
    size_t holds;
    struct network_waiting {
        int64_t due_us;
        size_t link;
        uint8_t frame[NETWORK_FRAME];
        size_t len;
    } waiting[NETWORK_WAITING_MAX];
    size_t waitings;
    struct network_taken taken[NETWORK_TAKEN_MAX]; /* the first of them, without sign-on and echo */
    size_t takens;
};

void network_take(struct network *n, size_t link, struct span frame, int64_t now_us);
/* Takes out the next answer that is due; false: there is none. */
bool network_due(struct network *n, int64_t now_us, struct network_waiting *out);
/* When the next answer is due; INT64_MAX: none is on its way. */
int64_t network_next_us(const struct network *n);
/* The connection is gone, and what was on its way with it. */
void network_cut(struct network *n, size_t link);
/* Authorisations of this amount that were approved and not reversed; the last of them in *out, which may be NULL. */
size_t network_standing(const struct network *n, uint64_t amount, const struct network_hold **out);

#endif
