/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of the ledger as values.
 *
 * Purpose    Each struct is one row: fixed size, copied freely. Texts end with a zero. No row holds a code or a clear PAN.
 * Units      times are UTC milliseconds since 1970, 0 = never; amounts are minor units; expiry dates are YYMM.
 */
#ifndef LEDGER_ROWS_H
#define LEDGER_ROWS_H

#include <stdbool.h>
#include <stdint.h>

enum {
    LEDGER_ID = 49,   /* `^[A-Za-z0-9_-]{1,48}$` and a zero */
    LEDGER_UUID = 37, /* UUIDv7 and a zero */
    LEDGER_MAC_LEN = 32,
    LEDGER_COUNTER_MAX = 999999, /* six digits on the HSM wire */
};

/* A short byte string of a row. */
#define LEDGER_BYTES(capacity_) \
    struct {                    \
        uint16_t len;           \
        uint8_t at[capacity_];  \
    }

enum ledger_mode { LEDGER_STATIC, LEDGER_ONE_TIME, LEDGER_TIME_WINDOW };
enum ledger_static_policy { LEDGER_STATIC_OFF, LEDGER_STATIC_ALLOWED, LEDGER_STATIC_FALLBACK };
enum ledger_regenerate { LEDGER_REPLACE, LEDGER_REFUSE, LEDGER_SAME_UNTIL_EXPIRY };
enum ledger_policy { LEDGER_RULES, LEDGER_DECLINE };
enum ledger_standin { LEDGER_STANDIN_DECLINE, LEDGER_STANDIN_APPROVE };
enum ledger_card_status { LEDGER_CARD_ACTIVE, LEDGER_CARD_SUSPENDED, LEDGER_CARD_CLOSED };
enum ledger_code_state {
    LEDGER_CODE_NONE,
    LEDGER_CODE_ACTIVE,
    LEDGER_CODE_USED,
    LEDGER_CODE_EXPIRED,
    LEDGER_CODE_EXHAUSTED,
    LEDGER_CODE_CANCELLED,
    LEDGER_CODE_STATE_COUNT
};
enum ledger_lock { LEDGER_LOCK_NONE, LEDGER_LOCK_SOFT, LEDGER_LOCK_HARD };
enum ledger_hold_state { LEDGER_HOLD_OPEN, LEDGER_HOLD_REVERSED, LEDGER_HOLD_CLEARED, LEDGER_HOLD_LAPSED };
enum ledger_issuance_kind { LEDGER_ISSUANCE_DISPLAY, LEDGER_ISSUANCE_BATCH, LEDGER_ISSUANCE_REGENERATE_SAME };
enum ledger_key_use { LEDGER_KEY_SIG, LEDGER_KEY_ENC };
struct ledger_product { /* issuer.md 3.1 */
    char product_id[LEDGER_ID];
    char issuer_id[11];
    int64_t version;
    enum ledger_mode mode;
    char network[25];
    int64_t expiry_delay_s;
    int64_t tries;
    int64_t twu_h;
    bool accept_previous_window;
    bool window_single_use;
    bool window_requires_display;
    int64_t window_tries;
    enum ledger_static_policy static_policy;
    enum ledger_regenerate regenerate;
    bool count_other_declines;
    int64_t deferred_max_reuse;
    int64_t deferred_window_s;
    char deferred_mcc_group[2001];
    int64_t deferred_slots;
    char plan[129]; /* empty: the default order of the mode */
    bool plan_parallel;
    bool smart_order;
    int64_t smart_order_s;
    bool diag_step;
    enum ledger_policy absent_policy;
    enum ledger_policy malformed_policy;
    enum ledger_standin standin;
    int64_t standin_limit;
    int64_t batch_max;
    int64_t notify_batch;
    int64_t display_rate_per_h;
    char cvk_ref[LEDGER_ID]; /* names of HSM keys, never key values */
    char mk_ref[LEDGER_ID];
    char key_derivation[2];
    char service_code_dyn[4];
};

struct ledger_card {         /* issuer.md 3.2 */
    char card_id[LEDGER_ID]; /* ours: one card of all issuers */
    char issuer_id[11];
    char reference[LEDGER_ID]; /* the cardId of the issuer's API: one card of this issuer */
    char product_id[LEDGER_ID];
    char account_id[LEDGER_ID]; /* empty: no account */
    LEDGER_BYTES(96) pan_enc;
    LEDGER_BYTES(LEDGER_MAC_LEN) pan_mac;
    char pan_last4[5];
    char bin8[9];
    char expiry[5];
    char alt_expiry[5];
    int64_t alt_until;
    char psn[3];
    char holder_name[129];
    enum ledger_card_status status;
    bool enrolled;
    int64_t created_at, updated_at, version;
};

struct ledger_code { /* issuer.md 3.3, switch.md 7.2 */
    char card_id[LEDGER_ID];
    int64_t version;
    int64_t issue_n;
    enum ledger_code_state state;
    int64_t issued_at;
    int64_t expires_at;
    int64_t declines;
    int64_t used_at;
    char used_by[LEDGER_UUID];
    int64_t first_display_at, last_display_at;
    int64_t win_idx;
    LEDGER_BYTES(1024) deferred; /* packed slots; empty until deferred authorisations are built */
    LEDGER_BYTES(80) g_fail_ts;
    int64_t g_consec;
    enum ledger_lock g_lock;
    int64_t g_lock_since;
    int64_t g_unlock_at;
    char g_unlock_by[LEDGER_ID];
    LEDGER_BYTES(80) g_last_merchants;
    LEDGER_BYTES(34) g_day;   /* four bytes: the newest day; evaluated failures of it and of the 29 days before, a byte each */
    LEDGER_BYTES(40) g_dates; /* times of the last five wrong card dates without a code, as in g_fail_ts */
};

struct ledger_account { /* switch.md 7.4; a limit of 0 is no limit */
    char account_id[LEDGER_ID];
    char currency[4];
    int64_t balance;
    int64_t held;
    int64_t limit_txn;
    int64_t limit_day;
    int64_t limit_count;
    int64_t day; /* UTC day number that day_amount and day_count speak of */
    int64_t day_amount, day_count;
    char last_auth_id[LEDGER_UUID]; /* what held money last: the head of its chain */
    int64_t version;
};

/* A card with everything an authorisation reads and writes of it. */
struct ledger_full_card {
    struct ledger_card card;
    struct ledger_code code;
    struct ledger_account account; /* account_id empty: none */
    int64_t product_version;       /* 0: the product does not exist */
};

struct ledger_auth { /* switch.md 7.1 */
    char auth_id[LEDGER_UUID];
    char link_id[33];
    char mti_class[5]; /* "0100": the MTI without its repeat digit */
    char de7[11];
    char de11[7];
    char de32[12];
    char de37[13];
    char de41[9];
    char de42[16];
    char card_id[LEDGER_ID]; /* empty: unknown card */
    char bin8[9];
    LEDGER_BYTES(LEDGER_MAC_LEN) pan_mac;
    int64_t amount;
    char currency[4];
    char de3[7];
    char mcc[5];
    char de22[5];
    char de25[3];
    int64_t received_at, decided_at;
    int64_t outcome;       /* switch.md 12 */
    char steps[33];        /* such as CY-,PM0+ */
    char ref[LEDGER_UUID]; /* counter, window start or slot that counted */
    char result[2];
    char de39[3];
    char de38[7];
    char ctm_reason[33];
    int64_t reversed_amount, reversed_at;
    int64_t lapsed_at; /* its hold ended by time */
    bool locked;
    bool suspect_merchant;
    char previous_auth_id[LEDGER_UUID]; /* what held money of the same account before it */
};

struct ledger_idem {               /* switch.md 7.3 */
    LEDGER_BYTES(160) fingerprint; /* card, DE3, amount, currency, of a reversal DE90 and DE95; never the code */
    LEDGER_BYTES(256) answer;      /* response fields without PAN or code */
    char auth_id[LEDGER_UUID];     /* empty: a tombstone, the message was reversed before it arrived */
    int64_t created_at;
    int64_t sibling; /* its number among the rows of one original: struct ledger_message */
};

struct ledger_hold {
    char auth_id[LEDGER_UUID];
    char account_id[LEDGER_ID];
    int64_t amount;
    enum ledger_hold_state state;
    int64_t until;
};

struct ledger_original { /* of a reversal */
    struct ledger_auth auth;
    struct ledger_hold hold;       /* auth_id empty: none */
    struct ledger_account account; /* account_id empty: none */
};

struct ledger_issuance { /* journal of displays, without codes */
    char card_id[LEDGER_ID];
    int64_t at;
    char issuance_id[LEDGER_UUID];
    enum ledger_issuance_kind kind;
    int64_t issue_n; /* counter, or first window */
    int64_t windows; /* of a batch */
    char requested_by[LEDGER_ID];
    char correlation_id[65];
};

struct ledger_client {
    char client_id[LEDGER_ID];
    char issuer_id[11];
    char kind[9];    /* backend, app, operator, sandbox */
    char status[10]; /* active, suspended */
    char roles[65];  /* separated by blanks */
    char mtls_fingerprint[65];
    LEDGER_BYTES(32) api_key_hash;
};

struct ledger_client_key {
    char client_id[LEDGER_ID];
    char kid[65];
    enum ledger_key_use use;
    char jwk[513]; /* public P-256 key */
    int64_t not_before, not_after, revoked_at;
};

struct ledger_outbox {
    char outbox_id[LEDGER_UUID];
    char kind[25];
    char target[LEDGER_ID];
    char body[1025]; /* no code, no PAN */
    int64_t created_at, next_try_at;
    int64_t tries;
    char state[7]; /* due, leased, done, parked */
    char lease_owner[LEDGER_ID];
    char last_error[65];
    int64_t lease_until;
};

#endif
