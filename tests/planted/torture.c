/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults for the oracle of the torture to find, one a build: statements of the ledger that stand in for ledger/statements.c, or
 * calls of the switch that are wrapped.
 */
#include "ledger/shapes.h"
#include "ledger/statements.h"
#include "switch/internal.h"

#include <string.h>

#if defined PLANT_silence
/* An unreadable frame costs its connection the answers that are under way. */
static struct net_peer last;
static bool poisoned;

bool __real_switch_receive(struct switch_core *core, size_t link, struct net_peer peer, struct span payload);
bool __wrap_switch_receive(struct switch_core *core, size_t link, struct net_peer peer, struct span payload);
bool __wrap_switch_receive(struct switch_core *core, size_t link, struct net_peer peer, struct span payload)
{
    if (payload.len > 0 && payload.at[0] == 0xEE) {
        last = peer;
        poisoned = true;
    }
    return __real_switch_receive(core, link, peer, payload);
}

void __real_switch_ports_reply(struct switch_ports *ports, size_t link, struct net_peer peer, struct span frame);
void __wrap_switch_ports_reply(struct switch_ports *ports, size_t link, struct net_peer peer, struct span frame);
void __wrap_switch_ports_reply(struct switch_ports *ports, size_t link, struct net_peer peer, struct span frame)
{
    if (poisoned && memcmp(&last, &peer, sizeof peer) == 0)
        poisoned = false;
    else
        __real_switch_ports_reply(ports, link, peer, frame);
}
#elif defined PLANT_unknown
/* After a commit of unknown outcome a reading that fails is answered 96. */
void __real_switch_reply_failed(struct switch_core *core, struct switch_slot *s, const char *de39);
void __wrap_switch_reply_failed(struct switch_core *core, struct switch_slot *s, const char *de39);
void __wrap_switch_reply_failed(struct switch_core *core, struct switch_slot *s, const char *de39)
{
    if (s->repeat)
        __real_switch_reply_failed(core, s, de39);
    else
        switch_reply_code(core, s, de39);
}
#else
/* clang-format off */
#define S(shape_) &ledger_shape_##shape_
#define ROW(name_, flags_, table_, key_, takes_, gives_, sql_, doc_) \
    [LEDGER_STATEMENT_##name_] = {#name_, STORE_ROW_##flags_, LEDGER_TABLE_##table_, key_, takes_, gives_, sql_, doc_},
#define FIND \
    "SELECT {gives} FROM auth u LEFT JOIN hold h ON h.auth_id = u.auth_id LEFT JOIN account a ON a.account_id = h.account_id "

#pragma GCC diagnostic ignored "-Woverride-init"
const struct store_row ledger_statement[LEDGER_STATEMENT_COUNT] = {
    LEDGER_STATEMENTS(ROW)
#if defined PLANT_crossing
    ROW(IDEM_INSERT, WRITE, IDEM, "original_key", S(idem_put), NULL,
        "INSERT INTO idem (original_key, message, fingerprint, answer, auth_id, created_at, sibling) "
        "VALUES (:original_key, :message, :fingerprint, :answer, :auth_id, :created_at, :sibling + length(:message)) "
        "ON CONFLICT DO NOTHING",
        "planted fault: original and tombstone do not meet")
#elif defined PLANT_ended
    ROW(CODE_CONSUME, WRITE, CODE, "card_id", S(code_put), NULL,
        "UPDATE card_code SET version = version + 1, state = :state, used_at = :used_at, used_by = :used_by "
        "WHERE card_id = :card_id AND state = 'active'",
        "planted fault: a code counts although another was shown since")
#elif defined PLANT_card
    ROW(ORIGINAL_FIND, READ | STORE_ROW_SCAN, AUTH, NULL, S(by_original), S(original),
        FIND "WHERE u.de7 = :de7 AND u.de11 = :de11 AND u.mti_class = :mti_class AND u.received_at > :since "
        "ORDER BY u.auth_id LIMIT 1",
        "planted fault: whichever card")
#elif defined PLANT_window
    ROW(ORIGINAL_FIND, READ, AUTH, NULL, S(by_original), S(original),
        FIND "JOIN card c ON c.card_id = u.card_id WHERE c.pan_mac = :pan_mac AND u.received_at > :since + 2332800000 "
        "AND u.de7 = :de7 AND u.de11 = :de11 AND u.mti_class = :mti_class LIMIT 8", "planted fault: three days")
#endif
};
/* clang-format on */
#endif
