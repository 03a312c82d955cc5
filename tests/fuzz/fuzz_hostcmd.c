/* SPDX-License-Identifier: Apache-2.0 */
/* Any frame to the dispatcher of the HSM: the first byte chooses the length of the header, the rest is the payload. */
#include "hsm/hsm.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEADERS = 3 };

static int64_t still_wall(void *context)
{
    (void)context;
    return 1767225600000; /* 2026-01-01 */
}

static int64_t still_monotonic(void *context)
{
    (void)context;
    return 1;
}

/* The same stream in every run (splitmix64). It must move: generated key halves differ. */
static void repeatable_random(void *context, void *out, size_t len)
{
    (void)context;
    static uint64_t state;
    uint8_t *to = out;
    for (size_t i = 0; i < len; i++) {
        uint64_t z = state += 0x9E3779B97F4A7C15u;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
        to[i] = (uint8_t)(z >> 27);
    }
}

/* One HSM for each header length, made once. */
static struct hsm *hsm_of(size_t choice)
{
    static const struct env env = {still_wall, still_monotonic, repeatable_random, NULL, NULL};
    static const uint8_t header[HEADERS] = {4, 0, 255};
    static struct hsm *made[HEADERS];
    if (!made[choice]) {
        struct hsm_config config = {
            .env = &env, .header = header[choice], .sockets = 1, .test_lmk = true, .authorised = choice == 1};
        ASSERT(hsm_create(&config, &made[choice]) == ERR_OK);
    }
    return made[choice];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t reply[HSM_REPLY_MAX];
    if (size < 1 || size > 32769)
        return 0;
    size_t choice = data[0] % HEADERS;
    static const size_t header[HEADERS] = {4, 0, 255};
    struct buf out = buf_over(reply, sizeof reply);
    struct span payload = span_of(data + 1, size - 1);
    enum err err = hsm_answer(hsm_of(choice), payload, &out);
    if (payload.len < header[choice] + 2) {
        ASSERT(err == ERR_FRAME);
        return 0;
    }
    /* A frame that can be answered is: header, reply code by the rule, two characters of error code. */
    ASSERT(err == ERR_OK);
    ASSERT(out.len >= header[choice] + 4);
    ASSERT(memcmp(reply, payload.at, header[choice]) == 0);
    ASSERT(reply[header[choice]] == payload.at[header[choice]]);
    ASSERT(reply[header[choice] + 1] == (uint8_t)(payload.at[header[choice] + 1] + 1));
    return 0;
}
