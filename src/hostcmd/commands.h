/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host commands: one row each, read by the HSM and by its clients.
 *
 * Purpose    A command is two records of wire rows (request, reply) and the columns around them: codes, key rule, authority, audit.
 *            The HSM parses requests and builds replies with them, the client builds requests and parses replies; the reference is
 *            printed from them.
 * Ownership  Rows are static. Requests and replies are plain structs of the caller; those that held a PAN or a code are wiped by
 *            the holder (secret_wipe).
 * Threading  Free of state.
 * Failure    Errors are those of base/err.h; their host_code column is what goes over the wire. ERR_VERIFY_FAILED is the answer 01.
 * Limits     Frames up to 32,768 bytes. Keys up to 255 characters with their scheme tag.
 *
 * Layouts    host-commands 5 and 6 (public HSM 8000 command pages). Request on the wire:
 *                LEN 2 | HEADER m | command 2 | fields | [%NN] | [#attributes] | [X'19' trailer]
 *
 * Example
 *     struct hostcmd_cy ask = {0};
 *     WIRE_SET(ask.key, key);  WIRE_SET(ask.code, code);  WIRE_SET(ask.pan, pan); ...
 *     TRY(hostcmd_request_build(HOSTCMD_CY, &ask, HOSTCMD_LMK_DEFAULT, &out));      // CYU9B49...;8701101
 *     ...
 *     struct hostcmd_cy_reply reply;
 *     enum err answer;
 *     TRY(hostcmd_reply_parse(HOSTCMD_CY, &ask, payload, &answer, &reply));         // answer: ERR_OK or ERR_VERIFY_FAILED or ...
 */
#ifndef HOSTCMD_COMMANDS_H
#define HOSTCMD_COMMANDS_H

#include "wire/wire.h"

enum {
    HOSTCMD_FRAME_MAX = 32768, /* largest LEN; the I/O buffer that NO reports */
    HOSTCMD_KEY_MAX = 255,
    HOSTCMD_ECHO_MAX = 32752,
    HOSTCMD_TRAILER_MAX = 32,
    HOSTCMD_LMK_DEFAULT = -1, /* no %NN */
};

/* In the order of the table. */
enum hostcmd_id {
    HOSTCMD_CW, /* generate CVV */
    HOSTCMD_CY, /* verify CVV */
    HOSTCMD_QY, /* generate a dynamic code */
    HOSTCMD_PM, /* verify a dynamic code */
    HOSTCMD_AS, /* generate a CVK pair */
    HOSTCMD_A0, /* generate a key */
    HOSTCMD_BU, /* key check value */
    HOSTCMD_B2, /* echo */
    HOSTCMD_NC, /* diagnostics */
    HOSTCMD_NO, /* status */
    HOSTCMD_COUNT
};

typedef WIRE_TEXT(HOSTCMD_KEY_MAX) hostcmd_key;
typedef WIRE_TEXT(19) hostcmd_pan;

/* ---- requests and replies; a member exists only where the comment says ---- */

struct hostcmd_cw {
    hostcmd_key key; /* CVK */
    hostcmd_pan pan;
    WIRE_TEXT(4) expiry; /* YYMM, passed through */
    WIRE_TEXT(3) service;
};
struct hostcmd_cw_reply {
    WIRE_TEXT(3) code;
};

struct hostcmd_cy {
    hostcmd_key key; /* CVK */
    WIRE_TEXT(3) code;
    hostcmd_pan pan;
    WIRE_TEXT(4) expiry;
    WIRE_TEXT(3) service;
};

/* QY and PM: scheme 0 one-time (atc), scheme 5 window with layout countersign-5 (time, twu). */
struct hostcmd_qy {
    WIRE_TEXT(1) scheme; /* 0 or 5 */
    hostcmd_key key;     /* MK-AC */
    WIRE_TEXT(1) method; /* A or B */
    hostcmd_pan pan;
    WIRE_TEXT(4) expiry;
    WIRE_TEXT(3) service;
    WIRE_TEXT(6) atc;   /* scheme 0: decimal, zero-filled */
    WIRE_TEXT(10) time; /* scheme 5: YYMMDDhhmm UTC */
    WIRE_TEXT(2) twu;   /* scheme 5: whole hours 01..18 */
};
struct hostcmd_qy_reply {
    WIRE_TEXT(3) code;
};

struct hostcmd_pm {
    WIRE_TEXT(1) scheme;
    WIRE_TEXT(1) version; /* 0 */
    hostcmd_key key;
    WIRE_TEXT(1) method;
    hostcmd_pan pan;
    WIRE_TEXT(4) expiry;
    WIRE_TEXT(3) service;
    WIRE_TEXT(6) atc;
    WIRE_TEXT(10) time;
    WIRE_TEXT(2) twu;
    WIRE_TEXT(3) code;
};
/* Sent with 01 only, and only by an HSM in authorised state and compatibility mode. */
struct hostcmd_pm_reply {
    WIRE_TEXT(3) expected;
};

struct hostcmd_as {
    WIRE_TEXT(1) lmk_scheme; /* 0 or U; absent with the whole group */
    WIRE_TEXT(1) kcv_type;   /* 0: one KCV a half, 1: one of the pair */
};
struct hostcmd_as_reply {
    hostcmd_key key; /* U + 32H; without scheme CVK-A and CVK-B as 32H */
    WIRE_TEXT(6) kcv;   /* of CVK-A; with kcv_type 1 of the pair */
    WIRE_TEXT(6) kcv_b; /* kcv_type 0 */
};

struct hostcmd_a0 {
    WIRE_TEXT(1) mode;   /* 0 generate, 1 and export under a ZMK */
    WIRE_TEXT(3) type;   /* key type code, FFF: key block, described by the attributes */
    WIRE_TEXT(1) scheme; /* under the LMK */
    WIRE_TEXT(1) zmk_flag;      /* mode 1 */
    hostcmd_key zmk;            /* mode 1 */
    WIRE_TEXT(1) export_scheme; /* mode 1 */
};
struct hostcmd_a0_reply {
    hostcmd_key key;
    hostcmd_key exported; /* mode 1 */
    WIRE_TEXT(6) kcv;
};

struct hostcmd_bu {
    WIRE_TEXT(1) variant;  /* first digit of the 2H key type: 4 of 42 */
    WIRE_TEXT(1) pair;     /* second digit: 2 of 42 = LMK pair 14-15; FF: see type */
    WIRE_TEXT(1) length;   /* 0 single, 1 double, 2 triple, F key block */
    hostcmd_key key;
    WIRE_TEXT(3) type;     /* key type code, with FF */
    WIRE_TEXT(1) kcv_type; /* 0 or absent: 16H, 1: 6H */
};
struct hostcmd_bu_reply {
    WIRE_TEXT(16) kcv;
};

struct hostcmd_b2 {
    WIRE_TEXT(4) length; /* hexadecimal */
    WIRE_TEXT(HOSTCMD_ECHO_MAX) data;
};
struct hostcmd_b2_reply {
    WIRE_TEXT(HOSTCMD_ECHO_MAX) data;
};

struct hostcmd_nc_reply {
    WIRE_TEXT(16) lmk_check;
    WIRE_TEXT(9) firmware; /* dddd-dddd */
};

struct hostcmd_no {
    WIRE_TEXT(1) mode; /* 0: host port, 1: PCI state */
};
struct hostcmd_no_reply {
    WIRE_TEXT(1) io_buffer; /* mode 0: 0 2K, 1 8K, 2 16K, 3 32K */
    WIRE_TEXT(1) net;       /* mode 0: 1 TCP */
    WIRE_TEXT(4) sockets;
    WIRE_TEXT(9) firmware;
    WIRE_TEXT(5) reserved;
    WIRE_TEXT(1) pci; /* mode 1: 0, 1, 2 */
};

/* The `#` fields for generated key blocks, the same for every command that takes them. */
struct hostcmd_attributes {
    WIRE_TEXT(2) usage;
    WIRE_TEXT(2) algorithm; /* T2 double TDES, T3 triple, A2 AES-256 */
    WIRE_TEXT(1) mode;
    WIRE_TEXT(2) version;
    WIRE_TEXT(1) exportability;
    WIRE_TEXT(2) optional_blocks;
};

/* ---- the table ---- */

/* What a key must be to serve the command; keys' usage table of host-commands 4 reads it. Lists are separated by '|'. */
struct hostcmd_key_rule {
    const char *type;   /* key type code under a variant LMK: 402; NULL: any */
    const char *usages; /* key block usages: C0|11|12|13 */
    const char *modes;  /* one letter each: NCG */
};

enum hostcmd_activity { HOSTCMD_OPEN, HOSTCMD_GENERATE, HOSTCMD_COMPONENT, HOSTCMD_IMPORT, HOSTCMD_EXPORT };
enum hostcmd_audit { HOSTCMD_AUDIT_NONE, HOSTCMD_AUDIT_FAILURE, HOSTCMD_AUDIT_ALWAYS };
enum hostcmd_flag {
    HOSTCMD_ATTRIBUTES = 1 << 0,   /* takes `#` fields */
    HOSTCMD_DATA_WITH_01 = 1 << 1, /* reply data may follow 01, and follows nothing else */
    HOSTCMD_BINARY = 1 << 2,       /* X'19' may occur inside the fields */
};

/* What an outcome in one field means on the wire, where it is not 15. */
struct hostcmd_fault {
    const char *field;
    enum wire_outcome outcome;
    enum err err;
};
/* A second reply layout, chosen by a member of the request: mode 1 of A0, KCV type 1 of AS. */
struct hostcmd_reply_choice {
    uint16_t when;
    const char *equals;
    const struct wire_record *record;
};

struct hostcmd_row {
    const char *code;
    const char *reply_code;
    const char *title;
    const struct wire_record *request;
    const struct wire_record *reply;
    struct hostcmd_reply_choice choice; /* record NULL: none */
    const struct hostcmd_fault *fault;  /* ends with a NULL field; NULL: none */
    struct hostcmd_key_rule key;        /* of the first KEY of the request; type and usages NULL: no rule */
    enum hostcmd_activity activity;
    enum hostcmd_audit audit;
    uint16_t flags; /* enum hostcmd_flag */
};

/* Never NULL for a valid id. */
const struct hostcmd_row *hostcmd_row(enum hostcmd_id id);
/* NULL: not in the table. */
const struct hostcmd_row *hostcmd_find(struct span code);
enum hostcmd_id hostcmd_row_id(const struct hostcmd_row *row);
/* The reply layout that belongs to this request. */
const struct wire_record *hostcmd_reply_record(const struct hostcmd_row *row, const void *request);
/* Checks every record of the table; called at start and by tests. */
MUST_USE enum err hostcmd_check(struct wire_fault *fault);
/* The reference of all commands as Markdown. */
void hostcmd_document(struct buf *out);

/* ---- both directions ---- */

/* What stands around the fields. `trailer` borrows from the frame and has its X'19' in front; empty: none. */
struct hostcmd_tail {
    int lmk; /* 0..99 or HOSTCMD_LMK_DEFAULT */
    bool has_attributes;
    struct hostcmd_attributes attributes;
    struct span trailer;
};

/* `data` follows the command code. On failure the error is the one the wire wants, and `tail->trailer` is still found where that is
 * possible; `request` is wiped. */
MUST_USE enum err hostcmd_request_parse(const struct hostcmd_row *row, struct span data, void *request, struct hostcmd_tail *tail,
                                        struct wire_fault *fault);
/* Command code, fields, and %NN if lmk is given. */
MUST_USE enum err hostcmd_request_build(enum hostcmd_id id, const void *request, int lmk, struct buf *out);
/* As hostcmd_request_build with `#` fields. */
MUST_USE enum err hostcmd_request_build_with(enum hostcmd_id id, const void *request, int lmk,
                                             const struct hostcmd_attributes *attributes, struct buf *out);

/* Reply code, error code, fields if the row has them for this answer, trailer. `request` chooses the layout; NULL: the first. */
MUST_USE enum err hostcmd_reply_build(const struct hostcmd_row *row, enum err answer, const void *request, const void *reply,
                                      struct span trailer, struct buf *out);
/*
 * `payload` begins with the reply code. `answer` is what the HSM says: ERR_OK, ERR_VERIFY_FAILED, or another error of the list.
 * Fails with ERR_FRAME for a reply that does not belong to the command, or with what is wrong in its fields. `reply` (may be NULL
 * where the command has none) is zeroed where no fields came.
 */
MUST_USE enum err hostcmd_reply_parse(enum hostcmd_id id, const void *request, struct span payload, enum err *answer, void *reply);

#endif
