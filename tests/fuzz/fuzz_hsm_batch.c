/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of CW, CY, QY and PM, each of them many times over so that the batch cipher takes them up: answered together they get the
 * bytes that they get one by one, and the counters agree.
 */
#include "hsm/hsm.h"
#include "hsm/process/observe.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEADER = 4, LINES = 6, TIMES = 25, FRAME_MAX = 700, ASKS = LINES * TIMES };

static struct env env;

static struct hsm *open_hsm(void)
{
    struct hsm *made = NULL;
    const struct hsm_config config = {.env = &env, .header = HEADER, .sockets = 64, .test_lmk = true, .authorised = true};
    if (hsm_create(&config, &made) != ERR_OK)
        abort();
    return made;
}

/* Others draw random numbers or change the state of one HSM. */
static int is_code_command(const uint8_t *line, size_t len)
{
    static const char *const codes[] = {"CW", "CY", "QY", "PM"};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (len >= 2 && memcmp(line, codes[i], 2) == 0)
            return 1;
    return 0;
}

/* The lines in turn, again and again, so that the commands of different keys stand mixed. */
static size_t make_asks(const uint8_t *data, size_t size, uint8_t frame[LINES][FRAME_MAX], struct hsm_ask *ask)
{
    size_t lines = 0, count = 0;
    struct span payload[LINES];
    for (size_t at = 0; at < size && lines < LINES;) {
        const uint8_t *end = memchr(data + at, '\n', size - at);
        size_t len = end ? (size_t)(end - data) - at : size - at;
        if (len + HEADER <= FRAME_MAX && is_code_command(data + at, len)) {
            memcpy(frame[lines], "0001", HEADER);
            memcpy(frame[lines] + HEADER, data + at, len);
            payload[lines] = span_of(frame[lines], HEADER + len);
            lines++;
        }
        at += len + 1;
    }
    for (size_t t = 0; t < TIMES; t++)
        for (size_t i = 0; i < lines; i++)
            ask[count++] = (struct hsm_ask){.payload = payload[i]};
    return count;
}

static void compare(struct hsm *apart, struct hsm *together, const struct hsm_ask *ask, size_t count)
{
    static uint8_t one[HSM_REPLY_MAX + HEADER], other[HSM_REPLY_MAX + HEADER];
    hsm_answer_begin(together, ask, count);
    for (size_t i = 0; i < count; i++) {
        struct buf a = buf_over(one, sizeof one), b = buf_over(other, sizeof other);
        if (hsm_answer(apart, NULL, ask[i].payload, &a) != hsm_answer_at(together, i, &b))
            abort();
        if (a.len != b.len || memcmp(one, other, a.len) != 0)
            abort();
    }
    if (hsm_answer_end(together) != ERR_OK)
        abort();
    struct hsm_counters x = hsm_counters(apart), y = hsm_counters(together);
    if (x.commands != y.commands || x.refused != y.refused || x.unknown != y.unknown || x.frames_bad != y.frames_bad)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct hsm *apart, *together;
    static uint8_t frame[LINES][FRAME_MAX];
    static struct hsm_ask ask[ASKS];
    if (!apart) {
        env = env_system(NULL);
        apart = open_hsm();
        together = open_hsm();
    }
    /* Twice: a key must have been loaded before its commands are computed together. */
    size_t count = make_asks(data, size, frame, ask);
    compare(apart, together, ask, count);
    compare(apart, together, ask, count);
    return 0;
}
