/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lines of an audit trail (hsm/trail/audit.h): how they are chained, and whether they still are.
 *
 * Purpose    The one judge of lines and heads: the trail asks it when it opens its file, `audit verify` for every line.
 * Ownership  A chain is a value with a loaded key; hsm_chain_end lets go of it.
 * Threading  One thread at a time.
 * Failure    A line that does not belong where it stands gives a reason in words, NULL if it does.
 * Limits     Any bytes may be asked about.
 */
#ifndef HSM_TRAIL_CHAIN_H
#define HSM_TRAIL_CHAIN_H

#include "crypto/mac.h"

/* HSM_AUDIT_LINE: bytes of a line and its newline. */
enum { HSM_AUDIT_LINE = 1024, HSM_AUDIT_KEY = 32 };
enum { HSM_CHAIN_HEAD = 9 + 20 + 1 + 64 + 1 + 1 + 1 + 64 + 1 };

struct hsm_chain {
    struct crypto_hmac hmac;
    uint64_t number; /* of the last good line; 0: none yet */
    uint8_t mac[CRYPTO_DIGEST_SHA256];
    bool closed; /* the last line says that the file was moved away */
    bool torn;   /* a cut line waits for the line that marks it */
    uint64_t torn_bytes;
    uint8_t torn_digest[CRYPTO_DIGEST_SHA256];
};

MUST_USE enum err hsm_chain_begin(const uint8_t key[static HSM_AUDIT_KEY], struct hsm_chain *out);
void hsm_chain_end(struct hsm_chain *chain);

/* The next line, without its newline; `first`: of its file. */
const char *hsm_chain_line(struct hsm_chain *chain, struct span line, bool first);
/* Adds the MAC of a line that is complete up to it, and moves on. */
MUST_USE enum err hsm_chain_seal(struct hsm_chain *chain, struct buf *line);

struct hsm_head {
    uint64_t number;
    uint8_t mac[CRYPTO_DIGEST_SHA256];
    bool moved; /* the file of the last line was moved away, and no other begun */
};
/* False: it is not a head sealed under this key. */
bool hsm_chain_head_read(struct hsm_chain *chain, struct span text, struct hsm_head *out);
MUST_USE enum err hsm_chain_head_put(struct hsm_chain *chain, const struct hsm_head *head, struct buf *out);

/* All lines of a file, from where the descriptor stands. */
struct hsm_chain_report {
    uint64_t lines;    /* good ones */
    uint64_t first;    /* number of the first */
    uint64_t bad_line; /* counted from 1 in the file; 0: none */
    const char *why;
    size_t tail_len; /* bytes behind the last newline */
    uint8_t tail[HSM_AUDIT_LINE];
};
/* `head` NULL: none. ERR_SYSTEM: cannot be read. Stops at the first line that is bad. */
MUST_USE enum err hsm_chain_file(struct hsm_chain *chain, int fd, const struct hsm_head *head, struct hsm_chain_report *out);
/* What is wrong at the end: a cut line, or lines that the head counts and that are not there; NULL: nothing. */
const char *hsm_chain_ends(const struct hsm_chain *chain, const struct hsm_chain_report *report, const struct hsm_head *head);

#endif
