/* SPDX-License-Identifier: Apache-2.0 */
/* Host command frames against an HSM in this process; the header is HEAD. */
#ifndef SUPPORT_FRAMES_H
#define SUPPORT_FRAMES_H

#include "hsm/context.h"
#include "hsm/hsm.h"
#include "hsm/key/keys.h"
#include "hsm/key/resolve.h"

struct exchange {
    const char *request, *reply;
};

/* Test LMKs 00 and 01. */
struct hsm *frames_hsm(const struct env *env, uint8_t lmk, bool authorised);
/* The same with any configuration; env and test_lmk are the caller's, too. */
struct hsm *frames_hsm_of(const struct hsm_config *config);
/* The reply without its header, in a buffer that the next call reuses. */
struct span frames_ask_span(struct hsm *hsm, struct span request);
/* The reply as text, in a buffer that the next call reuses. */
const char *frames_ask(struct hsm *hsm, const char *request);
void frames_assert(struct hsm *hsm, const char *request, const char *reply);
/* `key` between two parts of the request. */
void frames_assert_key(struct hsm *hsm, const char *before, const char *key, const char *after, const char *reply);
/* Each twice: the second answer comes from the cache of loaded keys. */
void frames_assert_all(struct hsm *hsm, const struct exchange *e, size_t count);
#define FRAMES_ASSERT(hsm_, e_) frames_assert_all((hsm_), (e_), sizeof(e_) / sizeof((e_)[0]))

/* A key under the variant LMK 00 and under the key-block LMK 01, as text in a buffer that the next call reuses. */
const char *frames_wrap(struct hsm *hsm, const char *type, enum keys_scheme scheme, const struct secret_key *key);
const char *frames_block(struct hsm *hsm, const char *usage, char mode, char algorithm, const struct secret_key *key);

/* The same under any LMK (KEYS_LMK_OLD with an old one), into `out`. */
void frames_wrap_under(struct hsm *hsm, unsigned lmk, struct keys_type_place place, enum keys_scheme scheme,
                       const struct secret_key *key, char out[static KEYS_BLOCK_MAX]);
void frames_block_under(struct hsm *hsm, unsigned lmk, const struct keys_header *header, const struct secret_key *key,
                        char out[static KEYS_BLOCK_MAX]);
/* Fails unless the text is this key under the variant LMK. */
void frames_assert_clear(struct hsm *hsm, unsigned lmk, const char *type, struct span text, const struct secret_key *key);
/* Fails unless the first digits of the text are the check value of the key. */
void frames_assert_kcv(const struct secret_key *key, const char *text, size_t digits);

#endif
