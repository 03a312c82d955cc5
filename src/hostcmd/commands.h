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
 * Failure    Errors are those of base/err.h; their host_code column is what goes over the wire, and hostcmd/said.h
 *            what an answer means.
 * Limits     Frames up to 32,768 bytes. Keys up to 512 characters with their scheme tag.
 *
 * Layouts    host-commands.md 5 and 6 (public HSM 8000 command pages). Request on the wire:
 *                LEN 2 | HEADER m | command 2 | fields | [%NN] | [&x] [!x] | [#attributes] | [X'19' trailer]
 *            The changes `&` and `!` may stand before %NN as well.
 *
 * Example
 *     struct hostcmd_cy ask = {0};
 *     WIRE_SET(ask.key, key);  WIRE_SET(ask.code, code);  WIRE_SET(ask.pan, pan); ...
 *     TRY(hostcmd_request_build(HOSTCMD_CY, &ask, HOSTCMD_LMK_DEFAULT, &out));      // CYU9B49...;8701101
 *     ...
 *     struct hostcmd_cy_reply reply;
 *     struct hostcmd_said said;
 *     TRY(hostcmd_reply_parse(HOSTCMD_CY, &ask, payload, &said, &reply));           // said.verdict: a match, a mismatch or neither
 */
#ifndef HOSTCMD_COMMANDS_H
#define HOSTCMD_COMMANDS_H

#include "hostcmd/records.h"
#include "hostcmd/said.h"

/* Every command once, in the order of the table: a line a file of rows. */
/* clang-format off */
#define HOSTCMD_LIST(X_)                          \
    X_(CW, cw) X_(CY, cy) X_(QY, qy) X_(PM, pm) X_(RY, ry) \
    /* keys */                                    \
    X_(AS, as) X_(A0, a0) X_(A4, a4) X_(BU, bu)   \
    X_(BW, bw)                                    \
    /* exchange */                                \
    X_(AU, au) X_(AW, aw) X_(A6, a6) X_(A8, a8)   \
    /* status */                                  \
    X_(B2, b2) X_(NC, nc) X_(NO, no) X_(N0, n0) X_(RA, ra) \
    X_(NK, nk) X_(JK, jk) X_(J2, j2) X_(J4, j4)
/* clang-format on */

#define HOSTCMD_ID(id_, name_) HOSTCMD_##id_,
enum hostcmd_id { HOSTCMD_LIST(HOSTCMD_ID) HOSTCMD_COUNT };
#undef HOSTCMD_ID

/* ---- the table ---- */

/* What a key must be to serve the command (usage table of host-commands.md 4). */
struct hostcmd_key_rule {
    const char *type;   /* key type code under a variant LMK: 402; NULL: any */
    const char *usages; /* key block usages, two characters each: C0111213 */
    const char *modes;  /* one letter each: NCG */
    char algorithm;     /* T; 0: any */
};
/* Another rule for the requests whose member at `when` is one of `equals`: scheme 1 of PM. */
struct hostcmd_key_choice {
    uint16_t when;
    const char *equals;
    struct hostcmd_key_rule rule;
};

enum hostcmd_activity { HOSTCMD_OPEN, HOSTCMD_GENERATE, HOSTCMD_COMPONENT, HOSTCMD_IMPORT, HOSTCMD_EXPORT };
enum hostcmd_audit { HOSTCMD_AUDIT_NONE, HOSTCMD_AUDIT_FAILURE, HOSTCMD_AUDIT_ALWAYS };
enum hostcmd_flag {
    HOSTCMD_ATTRIBUTES = 1 << 0,        /* takes `#` fields */
    HOSTCMD_DATA_WITH_01 = 1 << 1,      /* reply data may follow 01, and follows nothing else */
    HOSTCMD_BINARY = 1 << 2,            /* X'19' may occur inside the fields */
    HOSTCMD_STATUS = 1 << 3,            /* answered in secure state, too */
    HOSTCMD_NO_LMK = 1 << 4,            /* answered without an LMK, too */
    HOSTCMD_DATA_ALSO_WITH_01 = 1 << 5, /* reply data follow 00 and 01 */
    HOSTCMD_CHANGES = 1 << 6,           /* takes `&` and `!` */
    HOSTCMD_ATTRIBUTES_SHORT = 1 << 7,  /* of them only version and optional blocks: A4, whose components say the rest */
    HOSTCMD_VERSION_UNUSED = 1 << 9,    /* `!` has two digits, which say nothing */
    HOSTCMD_LARGE = 1 << 8,             /* the reply may be as long as a frame, whatever the request */
};

/* What an outcome in one field means on the wire, where it is not 15. */
struct hostcmd_fault {
    const char *field;
    enum wire_outcome outcome;
    enum err err;
    const char *values; /* the first character of the field is one of these; NULL: any */
    char first;         /* and that of the request is this one: the scheme of PM; 0: any */
};
/* A second reply layout, chosen by a member of the request: mode 1 of A0, KCV type 1 of AS. */
struct hostcmd_reply_choice {
    uint16_t when;
    const char *equals;
    const struct wire_record *record;
};

struct hostcmd_layout;

struct hostcmd_row {
    enum hostcmd_id id;
    const char *code;
    const char *reply_code;
    const char *title;
    const struct wire_record *request;
    const struct wire_record *reply;
    const struct wire_record *brief;      /* the request without its optional columns; NULL: it has none */
    const struct hostcmd_layout *layout;  /* that made this row; NULL: a row of the table */
    struct hostcmd_reply_choice choice;   /* record NULL: none */
    const struct wire_record *part;       /* what one field of the reply is a list of; NULL: none has such a list */
    const char *errors;                   /* codes that it may answer besides those of every command: "10 12 21"; NULL: none */
    const struct hostcmd_fault *fault;    /* ends with a NULL field; NULL: none */
    struct hostcmd_key_rule key;          /* of the first KEY of the request; type and usages NULL: no rule */
    struct hostcmd_key_choice key_choice; /* equals NULL: none */
    enum hostcmd_activity activity;
    const char *activity_type; /* the key type it is about: 402; NULL: what the member at activity_member says */
    uint16_t activity_member;
    enum hostcmd_audit audit;
    uint16_t flags;     /* enum hostcmd_flag */
    const char *binary; /* if not NULL, X'19' occurs in the fields of those requests only that begin with one of these */
};

/* Never NULL for a valid id. */
const struct hostcmd_row *hostcmd_row(enum hostcmd_id id);
/* NULL: not in the table. */
const struct hostcmd_row *hostcmd_find(struct span code);
enum hostcmd_id hostcmd_row_id(const struct hostcmd_row *row);
/* "generate", ...; "" for HOSTCMD_OPEN. */
const char *hostcmd_activity_name(enum hostcmd_activity activity);
/* The reply layout that belongs to this request. */
const struct wire_record *hostcmd_reply_record(const struct hostcmd_row *row, const void *request);
/* The rule that belongs to this request. */
const struct hostcmd_key_rule *hostcmd_key_rule(const struct hostcmd_row *row, const void *request);
/* Checks every record of the table; called at start and by tests. */
MUST_USE enum err hostcmd_check(struct wire_fault *fault);
/* Codes that every command may answer, as in the column `errors`. */
extern const char hostcmd_general_errors[];
/* The reference of all commands as Markdown. */
void hostcmd_document(struct buf *out);

/* ---- both directions ---- */

/* What stands around the fields. `trailer` borrows from the frame and has its X'19' in front; empty: none. */
struct hostcmd_tail {
    int lmk; /* 0..99 or HOSTCMD_LMK_DEFAULT */
    bool has_attributes;
    struct hostcmd_attributes attributes;
    struct hostcmd_changes changes;
    struct hostcmd_unused {
        uint8_t attributes, exportability, version; /* lengths of tags that say nothing to the command (host-commands.md 6.1) */
    } unused;
    struct span trailer;
};

/* `data` follows the command code. On failure the error is the one the wire wants, and `tail->trailer` is still found where that is
 * possible; `request` is wiped. */
MUST_USE enum err hostcmd_request_parse(const struct hostcmd_row *row, struct span data, void *request, struct hostcmd_tail *tail,
                                        struct wire_fault *fault);
/* The trailer of a command of text fields, found by its X'19'; empty: none, or longer than 32 characters. */
struct span hostcmd_trailer_of(struct span data);
/* Command code, fields, and %NN if lmk is given. */
MUST_USE enum err hostcmd_request_build(enum hostcmd_id id, const void *request, int lmk, struct buf *out);
/* The same by a row, which may be one of a layout. */
MUST_USE enum err hostcmd_request_build_row(const struct hostcmd_row *row, const void *request, int lmk, struct buf *out);
/* As hostcmd_request_build with all that stands around the fields. */
MUST_USE enum err hostcmd_request_build_tail(enum hostcmd_id id, const void *request, const struct hostcmd_tail *tail,
                                             struct buf *out);
/* As hostcmd_request_build with `#` fields. */
MUST_USE enum err hostcmd_request_build_with(enum hostcmd_id id, const void *request, int lmk,
                                             const struct hostcmd_attributes *attributes, struct buf *out);

/* Reply code, error code, fields if the row has them for this answer, trailer. `request` chooses the layout; NULL: the first. */
MUST_USE enum err hostcmd_reply_build(const struct hostcmd_row *row, struct hostcmd_said said, const void *request,
                                      const void *reply, struct span trailer, struct buf *out);
/*
 * `payload` begins with the reply code. `said` is what the HSM says.
 * Fails with ERR_FRAME for a reply that does not belong to the command, or with what is wrong in its fields. `reply` (may be NULL
 * where the command has none) is zeroed where no fields came.
 */
MUST_USE enum err hostcmd_reply_parse(enum hostcmd_id id, const void *request, struct span payload, struct hostcmd_said *said,
                                      void *reply);

#endif
