/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Byte-exact comparison of a repeated request, in memory only.
 *
 * Purpose    At rest only a digest without the code may stand, since three unknown digits under an unkeyed digest are found at
 *            once. To tell a repeat with another code from a true one, a MAC of the whole body under a key of this process is
 *            remembered here. So is each signature, with the request that it came with (commerce-hub.md 2): it covers the code as
 *            well, and the store knows it by id, time and address only.
 * Ownership  The table owns its entries.
 * Threading  The loop's thread.
 * Failure    A forgotten entry answers "not known": the digest in the store then decides.
 * Limits     GATEWAY_CLAIMS_MAX entries and GATEWAY_SIGNATURES_MAX signatures; a newer one takes the place of an older one with
 *            the same hash.
 *
 * Example
 *     TRY(gateway_claims_compare(claims, &key, mac, &claim));
 *     if (claim == GATEWAY_CLAIM_OTHER)
 *         gateway_refuse(slot, GATEWAY_FAULT_REUSED, NULL);
 */
#ifndef GATEWAY_CLAIMS_H
#define GATEWAY_CLAIMS_H

#include "base/buf.h"
#include "base/env.h"

#include <stdbool.h>

enum { GATEWAY_CLAIMS_MAX = 16384, GATEWAY_SIGNATURES_MAX = 65536 };
enum gateway_claim { GATEWAY_CLAIM_UNKNOWN, GATEWAY_CLAIM_SAME, GATEWAY_CLAIM_OTHER };

struct gateway_claims;

MUST_USE enum err gateway_claims_create(const struct env *env, struct gateway_claims **out);
void gateway_claims_destroy(struct gateway_claims *claims);
/* The MAC of a body. */
MUST_USE enum err gateway_claims_mac(struct gateway_claims *claims, struct span body, uint8_t out[static 32]);
/* Whose request: two merchants, or two faces, number theirs independently. */
struct gateway_claims_key {
    struct span face;
    struct span merchant;
    struct span request_id;
};
/* Compares with what was remembered for the key, and remembers it if nothing was. */
MUST_USE enum err gateway_claims_compare(struct gateway_claims *claims, const struct gateway_claims_key *key,
                                         const uint8_t mac[static 32], enum gateway_claim *out);

/* What a signature came with. */
struct gateway_claims_signed {
    const uint8_t *mac; /* the signature: 32 bytes */
    int64_t target;     /* method and path */
    struct span request_id;
    const uint8_t *body; /* MAC of the body: 32 bytes */
};
/* True if the signature has come with another request before `now_ms`; else it is remembered until `until_ms`. */
bool gateway_claims_replayed(struct gateway_claims *claims, const struct gateway_claims_signed *request, int64_t now_ms,
                             int64_t until_ms);
void gateway_claims_forget(struct gateway_claims *claims, const struct gateway_claims_key *key);

#endif
