/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command rows from both ends. The first two characters are the code of a command or of a reply, the rest is what came over the
 * wire behind it. What parses must build into bytes that parse into the same again.
 */
#include "hostcmd/commands.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FRAME = 40000, RECORD = HOSTCMD_RECORD_MAX, CODE_LEN = 2 };

static uint8_t one[RECORD], two[RECORD], first[FRAME], second[FRAME];

static void request(enum hostcmd_id id, struct span data)
{
    const struct hostcmd_row *row = hostcmd_row(id);
    struct hostcmd_tail tail;
    struct wire_fault fault = {0};
    struct buf built = buf_over(first, sizeof first);
    struct buf again = buf_over(second, sizeof second);
    if (hostcmd_request_parse(row, data, one, &tail, &fault) != ERR_OK) {
        ASSERT(fault.field && fault.outcome != WIRE_OUTCOME_OK && fault.offset <= data.len && tail.trailer.len <= 33);
        return;
    }
    ASSERT(hostcmd_request_build_tail(id, one, &tail, &built) == ERR_OK);
    ASSERT(built.len - CODE_LEN == data.len);
    ASSERT(hostcmd_request_parse(row, span_slice(buf_span(&built), CODE_LEN, SIZE_MAX), two, &tail, NULL) == ERR_OK);
    ASSERT(hostcmd_request_build_tail(id, two, &tail, &again) == ERR_OK);
    ASSERT(span_equal(buf_span(&built), buf_span(&again)));
}

static void reply(enum hostcmd_id id, struct span payload)
{
    const struct hostcmd_row *row = hostcmd_row(id);
    struct buf built = buf_over(first, sizeof first);
    struct hostcmd_said answer = {0};
    if (hostcmd_reply_parse(id, NULL, payload, &answer, one) != ERR_OK)
        return;
    ASSERT(hostcmd_reply_build(row, answer, NULL, one, (struct span){0}, &built) == ERR_OK);
    struct hostcmd_said said = {0};
    ASSERT(hostcmd_reply_parse(id, NULL, buf_span(&built), &said, two) == ERR_OK);
    ASSERT(said.verdict == answer.verdict && said.cause == answer.cause);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span all = span_of(data, size), code = span_slice(all, 0, CODE_LEN);
    if (size < CODE_LEN || size > HOSTCMD_FRAME_MAX)
        return 0;
    const struct hostcmd_row *row = hostcmd_find(code);
    if (row)
        request(row->id, span_slice(all, CODE_LEN, SIZE_MAX));
    for (enum hostcmd_id id = 0; id < HOSTCMD_COUNT; id++)
        if (span_is(code, hostcmd_row(id)->reply_code))
            reply(id, all);
    return 0;
}
