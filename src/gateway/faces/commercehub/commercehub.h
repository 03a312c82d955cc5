/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commerce Hub face: authenticate, parse to a payment, write the answer. No decision is taken here.
 *
 * Purpose    The shapes of the published Commerce Hub API: headers and HMAC, request rows, encryption field list, answers, error
 *            bodies, response and error code lists.
 * Ownership  A request record is the caller's, in locked pages: it holds card number and code until commercehub_payment moves
 *            them out.
 * Threading  Free of state, but http_json_bind: one thread at a time.
 * Failure    What the client did wrong is a fault in `struct gateway_faults`, never an `enum err`.
 * Limits     Texts as long as their member; a longer one is a fault of its field.
 *
 * Example
 *     if (commercehub_authenticate(&headers, body, &signer, &signature) != GATEWAY_AUTHENTICATION_DONE)
 *         gateway_fault_add(&faults, GATEWAY_FAULT_AUTHENTICATION, NULL);
 *     commercehub_parse(COMMERCEHUB_CHARGES, body, request, &faults);
 */
#ifndef GATEWAY_FACES_COMMERCEHUB_COMMERCEHUB_H
#define GATEWAY_FACES_COMMERCEHUB_COMMERCEHUB_H

#include "gateway/face.h"

#include <stdbool.h>

extern const struct gateway_face gateway_commercehub;

/* ---- headers and HMAC ---- */

enum { COMMERCEHUB_MAC_TEXT = 44, COMMERCEHUB_ID_MAX = 64 };

struct commercehub_headers {
    struct span api_key;
    struct span request_id; /* Client-Request-Id */
    struct span timestamp;  /* epoch milliseconds */
    struct span token_type; /* Auth-Token-Type */
    struct span authorization;
};

/* base64 of the MAC over Api-Key, Client-Request-Id, Timestamp and body. */
MUST_USE enum err commercehub_mac(const struct gateway_secret *key, const struct commercehub_headers *h, struct span body,
                                  bool legacy, struct buf *out);
/* Who signed, and the time that may have passed. */
struct commercehub_signer {
    const struct gateway_secret *key;
    bool known; /* false: an unknown Api-Key, and `key` is any */
    int64_t now_ms, window_ms;
};
/* Runs the whole check whatever is wrong, so that time does not tell which part it was. `out`: once it is DONE. */
enum gateway_authentication commercehub_authenticate(const struct commercehub_headers *h, struct span body,
                                                     const struct commercehub_signer *signer, struct gateway_signature *out);
/* 1..64 printable characters. */
bool commercehub_request_id_valid(struct span id);

/* ---- requests ---- */

enum commercehub_call { COMMERCEHUB_VERIFICATION, COMMERCEHUB_CHARGES, COMMERCEHUB_KEYS_GENERATE, COMMERCEHUB_KEYS_REVOKE };

struct commercehub_request {
    WIRE_TEXT(24) amount_total;
    WIRE_TEXT(8) amount_currency;
    WIRE_TEXT(40) source_type;
    WIRE_TEXT(64) card_data;
    WIRE_TEXT(256) name_on_card;
    WIRE_TEXT(8) expiration_month;
    WIRE_TEXT(8) expiration_year;
    WIRE_TEXT(16) security_code;
    WIRE_TEXT(24) security_code_indicator;
    WIRE_TEXT(256) encryption_type;
    WIRE_TEXT(256) encryption_target;
    WIRE_TEXT(2000) encryption_block;
    WIRE_TEXT(256) encryption_block_fields;
    WIRE_TEXT(64) key_id;
    WIRE_TEXT(256) device_type;
    WIRE_TEXT(256) token_data;
    WIRE_TEXT(64) merchant_id;
    WIRE_TEXT(64) terminal_id;
    WIRE_TEXT(8) capture_flag;
    WIRE_TEXT(8) create_token;
    WIRE_TEXT(8) partial_approval;
    WIRE_TEXT(8) physical_goods;
    WIRE_TEXT(128) merchant_order_id;
    WIRE_TEXT(128) merchant_transaction_id;
    WIRE_TEXT(128) merchant_invoice_number;
    WIRE_TEXT(8) origin;
    WIRE_TEXT(36) eci_indicator;
    WIRE_TEXT(26) pos_condition_code;
    WIRE_TEXT(22) pos_entry_mode;
    WIRE_TEXT(32) initiator;
    WIRE_TEXT(256) first_name;
    WIRE_TEXT(256) middle_name;
    WIRE_TEXT(256) last_name;
    WIRE_TEXT(256) street;
    WIRE_TEXT(256) house_number;
    WIRE_TEXT(256) recipient;
    WIRE_TEXT(256) city;
    WIRE_TEXT(256) state;
    WIRE_TEXT(10) postal_code;
    WIRE_TEXT(256) country;
    WIRE_TEXT(256) county;
    WIRE_TEXT(40) reference_id;
    bool encrypted; /* there is encryptionData */
    char told[4];   /* responseCode of a test value; empty: that of DE39 */
};

/* Binds the body and checks every row. With encryptionData the card's own rows are checked by commercehub_merge, once decrypted. */
void commercehub_parse(enum commercehub_call call, struct span body, struct commercehub_request *out,
                       struct gateway_faults *faults);

/* ---- encryption field list ---- */

enum commercehub_slice_name {
    COMMERCEHUB_SLICE_CARD,
    COMMERCEHUB_SLICE_NAME,
    COMMERCEHUB_SLICE_MONTH,
    COMMERCEHUB_SLICE_YEAR,
    COMMERCEHUB_SLICE_CODE,
    COMMERCEHUB_SLICES
};
struct commercehub_slices {
    size_t count;
    struct {
        enum commercehub_slice_name name;
        uint16_t len; /* bytes */
    } at[COMMERCEHUB_SLICES];
    size_t total;
};
/* The grammar of encryptionBlockFields; ERR_PARSE_VALUE or ERR_PARSE_UNKNOWN for anything else. */
MUST_USE enum err commercehub_slices_parse(struct span text, struct commercehub_slices *out);
/* Cuts the plaintext into the request's card members and checks them. GATEWAY_FAULT_ENCRYPTION if the lengths do not add up or a
 * cut falls into a UTF-8 sequence; a value that differs from one in clear is a fault of its field. */
void commercehub_merge(const struct commercehub_slices *slices, struct span plain, struct commercehub_request *request,
                       struct gateway_faults *faults);

/* What can be said before the card is known: source, encryption data, amount, features that are not there. */
void commercehub_check(enum commercehub_call call, const struct gateway_merchant *merchant,
                       const struct commercehub_request *request, struct gateway_faults *faults);
/* Moves number, expiry and code into `secret` and `payment`, wiping them in `request`, and applies the rules of the indicator. */
void commercehub_payment(enum commercehub_call call, struct commercehub_request *request, struct gateway_payment *payment,
                         struct gateway_payment_secret *secret, struct gateway_faults *faults);
/* Whether a published test value says what becomes of the payment (commerce-hub.md 9), which is put into it. */
bool commercehub_simulate(struct commercehub_request *request, const struct gateway_payment_secret *secret,
                          struct gateway_payment *payment);
/* Wipes number, code and encryption block; the rest is needed for the answer. */
void commercehub_request_wipe(struct commercehub_request *request);
/* Into the order of the request's fields. */
void commercehub_order(enum commercehub_call call, struct gateway_faults *faults);
/* For comparison with a repeat: code and encryption data left out, PAN as fingerprint (may be NULL). */
MUST_USE enum err commercehub_digest(enum commercehub_call call, const struct commercehub_request *request,
                                     const uint8_t *fingerprint, uint8_t out[static 32]);

/* ---- answers ---- */

struct commercehub_identity {
    const char *trace_id;   /* 32 lowercase hexadecimal digits, also the transaction id */
    struct span request_id; /* echoed; empty: left out */
};

/* HTTP status of the answer. */
unsigned commercehub_error_write(const struct commercehub_identity *identity, const struct gateway_faults *faults, struct buf *out);
MUST_USE enum err commercehub_payment_write(const struct commercehub_identity *identity, const struct gateway_payment *payment,
                                            const struct commercehub_request *request, const struct gateway_merchant *merchant,
                                            struct buf *out);

/* `api_key`: of the request; live clients look for it in the answer. */
MUST_USE enum err commercehub_key_write(const struct commercehub_identity *identity, struct span api_key, int64_t now_ms,
                                        const struct gateway_key_answer *key, struct buf *out);

/* How a fault reads on this face. */
struct commercehub_error_row {
    uint16_t status;
    const char *type;    /* HOST, GATEWAY, NETWORK, APIM */
    const char *code;    /* NULL: none */
    const char *message; /* NULL: that of the error code list */
};
const struct commercehub_error_row *commercehub_error_row(enum gateway_fault_id id);

/* How a DE39 reads on this face: responseCode of the list, host code and message. */
struct commercehub_host_row {
    char de39[3];
    char response[4];
    char host[3];
    const char *message;
};
const struct commercehub_host_row *commercehub_host_row(const char de39[static 2]);

/* ---- published code lists ---- */

enum commercehub_list { COMMERCEHUB_RESPONSE_CODES, COMMERCEHUB_ERROR_CODES };
struct commercehub_code {
    const char *code;
    const char *message;
};
struct commercehub_table {
    const struct commercehub_code *code;
    size_t count;
};
const struct commercehub_table *commercehub_codes(enum commercehub_list list);
/* "" for a code outside the list. */
const char *commercehub_message(enum commercehub_list list, const char *code);

#endif
