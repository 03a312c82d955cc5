/* SPDX-License-Identifier: Apache-2.0 */
#include "support/ledgers.h"

#include "ledger/enrol.h"
#include "ledger/shapes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void insist(enum err err, const char *what)
{
    if (err == ERR_OK)
        return;
    fprintf(stderr, "ledgers: %s: %s\n", what, err_row(err)->name);
    abort();
}

static void text(char *out, size_t cap, const char *prefix, int64_t n)
{
    struct buf b = buf_over(out, cap);
    buf_put_text(&b, prefix);
    buf_put_integer(&b, n);
    (void)buf_text(&b);
}

void ledgers_card_id(int64_t n, char out[static LEDGER_ID])
{
    text(out, LEDGER_ID, "card_", n);
}

void ledgers_pan_mac(int64_t n, uint8_t out[static LEDGER_MAC_LEN])
{
    memset(out, 0xA5, LEDGER_MAC_LEN);
    memcpy(out, &n, sizeof n);
}

void ledgers_enrol(struct store *store, struct arena *arena, const char *issuer_id, const char *range, const char *timezone)
{
    struct ledger_range one;
    struct ledger_clash clash;
    insist(ledger_range_parse(span_text(range), &one), range);
    const struct ledger_enrolment bank = {.issuer_id = issuer_id, .timezone = timezone, .range = &one, .ranges = 1, .fresh = true};
    insist(ledger_enrol(store, arena, &bank, &clash), "enrol");
}

void ledgers_add_card(struct stores_fixture *f, struct store *store, int64_t n)
{
    struct ledger_card card = {.issuer_id = "ISSUER0001",
                               .product_id = "one_time",
                               .pan_last4 = "1111",
                               .bin8 = "41111111",
                               .expiry = "3012",
                               .psn = "00",
                               .enrolled = true,
                               .version = 1};
    struct ledger_account account = {.currency = "036", .balance = 100000, .version = 1};
    struct ledger_unit unit;
    ledgers_card_id(n, card.card_id);
    ledgers_card_id(n, card.reference);
    text(card.account_id, sizeof card.account_id, "acct_", n);
    memcpy(account.account_id, card.account_id, sizeof account.account_id);
    ledgers_pan_mac(n, card.pan_mac.at);
    card.pan_mac.len = LEDGER_MAC_LEN;
    card.pan_enc.len = 3;
    arena_reset(&f->arena);
    ledger_unit_begin(&unit, 4, &f->arena);
    ledger_put_new_account(&unit, &account);
    ledger_put_card(&unit, &card);
    insist(ledger_unit_run(&unit, store), "add card");
}

void ledgers_read(struct store *store, struct arena *arena, int64_t n, struct ledger_full_card *out)
{
    struct ledger_unit unit;
    char id[LEDGER_ID];
    ledgers_card_id(n, id);
    arena_reset(arena);
    ledger_unit_begin(&unit, 1, arena);
    size_t at = ledger_get_card(&unit, id);
    insist(ledger_unit_run(&unit, store), "read");
    if (!ledger_take_card(&unit, at, out))
        insist(ERR_NOT_FOUND, "read");
}

enum err ledgers_issue(struct store *store, struct arena *arena, const struct ledger_code *code, int64_t at, int64_t life_ms)
{
    struct ledger_code after = *code;
    struct ledger_code_change change = {.at = at, .expires_at = at + life_ms};
    struct ledger_issuance journal = {.at = at, .issuance_id = "i"};
    struct ledger_unit unit;
    TRY(ledger_code_next_counter(code, &change.issue_n));
    if (!ledger_code_apply(&after, LEDGER_EVENT_ISSUE, &change))
        return ERR_INTERNAL;
    memcpy(journal.card_id, code->card_id, sizeof journal.card_id);
    text(journal.issuance_id, sizeof journal.issuance_id, "i", change.issue_n);
    journal.issue_n = change.issue_n;
    arena_reset(arena);
    ledger_unit_begin(&unit, 2, arena);
    ledger_put_issue(&unit, code, &after, &journal);
    return ledger_unit_run(&unit, store);
}

enum err ledgers_consume(struct store *store, struct arena *arena, const struct ledger_full_card *card, int64_t serial, int64_t at)
{
    return ledgers_consume_by(LEDGER_ROW(CODE_CONSUME), store, arena, card, serial, at);
}

enum err ledgers_consume_by(const struct store_row *row, struct store *store, struct arena *arena,
                            const struct ledger_full_card *card, int64_t serial, int64_t at)
{
    struct ledger_code after = card->code;
    struct ledger_auth auth = {.link_id = "visa",
                               .mti_class = "0100",
                               .de7 = "0101000000",
                               .de32 = "1",
                               .amount = 100,
                               .outcome = 5,
                               .de39 = "00",
                               .received_at = at};
    struct ledger_idem idem = {.created_at = at};
    struct ledger_hold hold = {.amount = 100};
    struct ledger_unit unit;
    char rrn[13];
    text(rrn, sizeof rrn, "", serial);
    for (int64_t i = 5, rest = serial; i >= 0; i--, rest /= 10)
        auth.de11[i] = (char)('0' + rest % 10);
    text(auth.auth_id, sizeof auth.auth_id, "auth_", serial);
    text(auth.ref, sizeof auth.ref, "n", card->code.issue_n);
    memcpy(auth.card_id, card->card.card_id, sizeof auth.card_id);
    auth.pan_mac.len = LEDGER_MAC_LEN;
    memcpy(auth.pan_mac.at, card->card.pan_mac.at, LEDGER_MAC_LEN);
    memcpy(idem.auth_id, auth.auth_id, sizeof idem.auth_id);
    memcpy(hold.auth_id, auth.auth_id, sizeof hold.auth_id);
    memcpy(hold.account_id, card->account.account_id, sizeof hold.account_id);
    if (!ledger_code_apply(&after, LEDGER_EVENT_CONSUME, &(struct ledger_code_change){.at = at, .auth_id = auth.auth_id}))
        return ERR_NOT_FOUND; /* no code that may be used */
    arena_reset(arena);
    ledger_unit_begin(&unit, 4, arena);
    ledger_put_code(&unit, &card->code, &after, LEDGER_CONSUME);
    unit.op[0].row = row;
    ledger_put_idem(
        &unit,
        &(struct ledger_message_id){"visa", "0100", "0101000000", auth.de11, "1", rrn, "T", "M", card->card.pan_mac.at, "visa"},
        &idem);
    ledger_put_auth(&unit, &auth);
    ledger_put_hold(&unit, &hold);
    return ledger_unit_run(&unit, store);
}

int64_t ledgers_double_uses(struct store *store, struct arena *arena)
{
    struct store_op op = {.row = LEDGER_ROW(AUTH_APPROVED_CODES)};
    int64_t found = 0;
    arena_reset(arena);
    insist(store_run(store, &(struct store_batch){.op = &op, .count = 1, .arena = arena}), "oracle");
    for (size_t i = 0; i < op.rows.count; i++)
        found += store_cell_int(&op.rows, i, 2) > 1;
    return found;
}

void ledgers_fill(const struct store_shape *shape, void *out)
{
    uint8_t *row = out;
    memset(row, 0, shape->size);
    for (size_t i = 0; i < shape->count; i++) {
        const struct store_member *c = &shape->member[i];
        int64_t integer = 1000 + (int64_t)i;
        uint16_t len = (uint16_t)(c->size - sizeof len < 20 ? c->size - sizeof len : 20);
        switch (c->kind) {
        case STORE_MEMBER_INT:
            memcpy(row + c->offset, &integer, sizeof integer);
            break;
        case STORE_MEMBER_BOOL:
            row[c->offset] = i % 2;
            break;
        case STORE_MEMBER_TEXT:
            memset(row + c->offset, (int)('a' + i % 26), c->size - 1u);
            break;
        case STORE_MEMBER_BYTES:
            memcpy(row + c->offset, &len, sizeof len);
            memset(row + c->offset + sizeof len, (int)i, len);
            break;
        case STORE_MEMBER_ENUM:
            row[c->offset] = c->names[1] ? 1 : 0;
            break;
        case STORE_MEMBER_CHAR:
        case STORE_MEMBER_SPAN:
        case STORE_MEMBER_BLOB:
        case STORE_MEMBER_FIXED:
        case STORE_MEMBER_STRING:
            insist(ERR_INTERNAL, "no member of a row of the ledger");
        }
    }
}
