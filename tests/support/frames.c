/* SPDX-License-Identifier: Apache-2.0 */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "support/frames.h"

#include <stdio.h>
#include <string.h>

struct hsm *frames_hsm_of(const struct hsm_config *config)
{
    struct hsm *made = NULL;
    assert_int_equal(hsm_create(config, &made), ERR_OK);
    return made;
}

struct hsm *frames_hsm(const struct env *env, uint8_t lmk, bool authorised)
{
    const struct hsm_config config = {
        .env = env, .header = 4, .lmk = lmk, .sockets = 64, .test_lmk = true, .authorised = authorised};
    return frames_hsm_of(&config);
}

struct span frames_ask_span(struct hsm *hsm, struct span request)
{
    static char room[HSM_REPLY_MAX + 8], frame[HOSTCMD_FRAME_MAX] = "HEAD";
    assert_true(request.len <= sizeof frame - 4);
    memcpy(frame + 4, request.at, request.len);
    struct buf reply = buf_over(room, sizeof room - 1);
    assert_int_equal(hsm_answer(hsm, NULL, span_of(frame, 4 + request.len), &reply), ERR_OK);
    room[reply.len] = 0;
    assert_memory_equal(room, "HEAD", 4);
    return span_of(room + 4, reply.len - 4);
}

const char *frames_ask(struct hsm *hsm, const char *request)
{
    return (const char *)frames_ask_span(hsm, span_text(request)).at;
}

void frames_assert(struct hsm *hsm, const char *request, const char *reply)
{
    const char *got = frames_ask(hsm, request);
    if (strcmp(got, reply) != 0)
        fail_msg("%s\n   answered %s\n   expected %s", request, got, reply);
}

void frames_assert_key(struct hsm *hsm, const char *before, const char *key, const char *after, const char *reply)
{
    char request[512];
    snprintf(request, sizeof request, "%s%s%s", before, key, after);
    frames_assert(hsm, request, reply);
}

void frames_assert_all(struct hsm *hsm, const struct exchange *e, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (int twice = 0; twice < 2; twice++)
            frames_assert(hsm, e[i].request, e[i].reply);
}

const char *frames_wrap(struct hsm *hsm, const char *type, enum keys_scheme scheme, const struct secret_key *key)
{
    static char text[64];
    struct keys_type_place place;
    struct buf b = buf_over(text, sizeof text);
    assert_int_equal(keys_type_place(span_text(type), &place), ERR_OK);
    assert_int_equal(keys_wrap(hsm_context(hsm)->lmks, 0, place, scheme, key, &b), ERR_OK);
    return buf_text(&b);
}

const char *frames_block(struct hsm *hsm, const char *usage, char mode, char algorithm, const struct secret_key *key)
{
    static char text[160];
    struct buf b = buf_over(text, sizeof text);
    struct keys_header header = {.algorithm = algorithm, .mode = mode, .version = {'0', '0'}, .exportability = 'E'};
    memcpy(header.usage, usage, 2);
    assert_int_equal(keys_block_wrap(hsm_context(hsm)->lmks, 1, &header, key, hsm_context(hsm)->env, &b), ERR_OK);
    return buf_text(&b);
}

void frames_wrap_under(struct hsm *hsm, unsigned lmk, struct keys_type_place place, enum keys_scheme scheme,
                       const struct secret_key *key, char out[static KEYS_BLOCK_MAX])
{
    struct buf b = buf_over(out, KEYS_BLOCK_MAX);
    assert_int_equal(keys_wrap(hsm_context(hsm)->lmks, lmk, place, scheme, key, &b), ERR_OK);
    assert_non_null(buf_text(&b));
}

void frames_block_under(struct hsm *hsm, unsigned lmk, const struct keys_header *header, const struct secret_key *key,
                        char out[static KEYS_BLOCK_MAX])
{
    struct buf b = buf_over(out, KEYS_BLOCK_MAX);
    assert_int_equal(keys_block_wrap(hsm_context(hsm)->lmks, lmk, header, key, hsm_context(hsm)->env, &b), ERR_OK);
    assert_non_null(buf_text(&b));
}

void frames_assert_clear(struct hsm *hsm, unsigned lmk, const char *type, struct span text, const struct secret_key *key)
{
    struct keys_type_place place;
    struct secret_key clear = {0};
    assert_int_equal(keys_type_place(span_text(type), &place), ERR_OK);
    assert_int_equal(keys_unwrap(hsm_context(hsm)->lmks, lmk, place, text, &clear), ERR_OK);
    assert_int_equal(clear.len, key->len);
    assert_memory_equal(clear.at, key->at, key->len);
}

void frames_assert_kcv(const struct secret_key *key, const char *text, size_t digits)
{
    uint8_t kcv[8];
    char hex[17];
    struct buf b = buf_over(hex, sizeof hex);
    assert_int_equal(keys_kcv(key, kcv), ERR_OK);
    buf_put_hex(&b, kcv, digits / 2);
    assert_memory_equal(hex, text, digits);
}
