/* SPDX-License-Identifier: Apache-2.0 */
/* Faults of a gateway that its simulation must find: each is planted at a door of the gateway, not inside. */
#ifndef SUPPORT_GATEWAY_PLANTED_H
#define SUPPORT_GATEWAY_PLANTED_H

#include "support/gateway/sim.h"

/* clang-format off */
#define GATEWAY_PLANTED_LIST(X) \
    X(NOTHING,            "nothing") \
    X(ANSWERS_EARLY,      "an outcome is told that is not stored") \
    X(ARMS_NOTHING,       "no reversal is armed before the authorisation leaves") \
    X(DROPS_REVERSALS,    "a reversal is disarmed instead of queued") \
    X(SENDS_NO_REVERSALS, "a reversal counts as answered and was not sent") \
    X(REVERSES_TWICE,     "a reversal is sent a second time under another number") \
    X(TAKES_LATE_ANSWERS, "an answer is taken behind its deadline, when the reversal has left") \
    X(CHARGES_TWICE,      "an authorisation is sent twice") \
    X(LOSES_CLAIMS,       "claims are gone when the process comes back") \
    X(KEEPS_CLAIMS,       "a claim that led to nothing is never given up") \
    X(SWAPS_ANSWERS,      "the answer of another request is stored")
/* clang-format on */

enum gateway_planted {
#define GATEWAY_PLANTED_ENUM(name, text) GATEWAY_PLANTED_##name,
    GATEWAY_PLANTED_LIST(GATEWAY_PLANTED_ENUM)
#undef GATEWAY_PLANTED_ENUM
        GATEWAY_PLANTED_COUNT
};

const char *gateway_planted_text(enum gateway_planted planted);
/* Into a simulation that has not started yet. */
void gateway_planted_into(struct gateway_sim *sim, enum gateway_planted planted);

#endif
