/* SPDX-License-Identifier: Apache-2.0 */
/* Captured frames, explained: whatever the bytes, the parts cover the frame without a gap, and nothing is read twice. */
#include "hostcmd/annotate.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t request[1 << 16], reply[1 << 16];

struct cover {
    struct span payload;
    size_t at;
};

static void on_part(void *context, const struct hostcmd_part *part)
{
    struct cover *c = context;
    ASSERT(part->offset == c->at && part->bytes.at == c->payload.at + c->at && part->bytes.len <= c->payload.len - c->at);
    ASSERT(part->name && part->doc);
    c->at += part->bytes.len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > HOSTCMD_FRAME_MAX)
        return 0;
    ASSERT(hostcmd_request_size_max() <= sizeof request && hostcmd_reply_size_max() <= sizeof reply);
    struct span payload = span_of(data + 1, size - 1);
    size_t header = data[0] % 8;
    bool is_reply = false;
    struct cover c = {.payload = payload};
    const struct hostcmd_noter noter = {.note = on_part, .context = &c};
    struct hostcmd_view view;
    const struct hostcmd_row *row = hostcmd_identify(payload, header, &is_reply);
    if (row && is_reply)
        hostcmd_annotate_reply(&(struct hostcmd_answer_of){.row = row}, payload, header, &noter, reply, &view);
    else
        hostcmd_annotate_request(payload, header, &noter, request, &view);
    ASSERT(c.at == payload.len);
    ASSERT(view.err == ERR_OK || view.fault.field);
    return 0;
}
