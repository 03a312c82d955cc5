/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes after a header of four, in both modes: an answer with header, reply code and error code, or no answer at all. */
#include "hsm/hsm.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEADER = 4, LEAST = HEADER + 4 };

static struct hsm *open_hsm(bool hardened)
{
    static struct env env;
    struct hsm *made = NULL;
    env = env_system(NULL);
    const struct hsm_config config = {.env = &env,
                                      .header = HEADER,
                                      .sockets = 64,
                                      .test_lmk = true,
                                      .test_lmk_old = true,
                                      .authorised = true,
                                      .hardened = hardened};
    if (hsm_create(&config, &made) != ERR_OK)
        abort();
    return made;
}

static int digit_or_letter(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
}

static void ask(struct hsm *hsm, const uint8_t *data, size_t size)
{
    static uint8_t room[HSM_REPLY_MAX + HEADER];
    struct buf reply = buf_over(room, sizeof room);
    enum err err = hsm_answer(hsm, NULL, span_of(data, size), &reply);
    if ((err == ERR_FRAME) != (size < HEADER + 2))
        abort();
    if (err != ERR_OK)
        return;
    if (reply.len < LEAST || memcmp(room, data, HEADER) != 0 || room[4] != data[4] || room[5] != (uint8_t)(data[5] + 1))
        abort();
    if (!digit_or_letter(room[6]) || !digit_or_letter(room[7]) || memcmp(room + 6, "41", 2) == 0 || memcmp(room + 6, "42", 2) == 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct hsm *hsm[2];
    for (int hardened = 0; hardened < 2; hardened++) {
        if (!hsm[hardened])
            hsm[hardened] = open_hsm(hardened);
        ask(hsm[hardened], data, size);
    }
    return 0;
}
