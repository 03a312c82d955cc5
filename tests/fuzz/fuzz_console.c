/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as lines at the officers' console: each is answered, and the answer ends as the console's answers do. */
#include "hsm/hsm.h"
#include "hsm/process/console.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ANSWER = 16384 };

static struct hsm_officers *open_officers(const char *store)
{
    static struct env env;
    struct hsm *hsm = NULL;
    struct hsm_officers *made = NULL;
    env = env_system(NULL);
    const struct hsm_config config = {.env = &env, .test_lmk = true};
    const struct hsm_officers_config setting = {.store = store, .voices = 2};
    if (hsm_create(&config, &hsm) != ERR_OK || hsm_officers_create(hsm_context(hsm), &setting, &made) != ERR_OK)
        abort();
    return made;
}

/* The last line is OK ..., PENDING ... or NO ..., and ends. */
static int ends_well(struct span answer)
{
    if (answer.len < 3 || answer.at[answer.len - 1] != '\n')
        return 0;
    size_t at = answer.len - 1;
    while (at > 0 && answer.at[at - 1] != '\n')
        at--;
    struct span last = span_slice(answer, at, answer.len);
    return span_is(span_slice(last, 0, 2), "OK") || span_is(span_slice(last, 0, 3), "NO ") ||
           span_is(span_slice(last, 0, 8), "PENDING ");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct hsm_officers *officers[2];
    static uint8_t room[ANSWER];
    if (!officers[0]) {
        officers[0] = open_officers("");
        officers[1] = open_officers("/nonexistent/store");
    }
    for (struct span left = span_of(data, size); left.len > 0;) {
        const uint8_t *end = memchr(left.at, '\n', left.len);
        struct span line = span_slice(left, 0, end ? (size_t)(end - left.at) : left.len);
        for (int i = 0; i < 2; i++) {
            struct buf answer = buf_over(room, sizeof room);
            hsm_console_line(officers[i], line, &answer);
            if (buf_done(&answer) != ERR_OK || !ends_well(buf_span(&answer)))
                abort();
        }
        left = span_slice(left, line.len + 1, left.len);
    }
    return 0;
}
