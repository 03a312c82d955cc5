/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NK: commands in a row, each answered with an error code of its own (host-commands.md 7).
 *
 * The frame is checked before the first command runs. A response that no longer fits into the frame of the reply is left out and
 * answered with 80 in its place, so that count and order always stand; room for that is kept from the start.
 */
#include "hostcmd/error.h"
#include "hsm/commands/internal.h"

#include <string.h>

enum { CODE_LEN = 2, ITEM_HEAD = 4, LEAST_RESPONSE = 2 * CODE_LEN + 1 + HOSTCMD_TRAILER_MAX };

struct chain {
    size_t header; /* bytes in front of each command */
    size_t count;
    struct span commands;
};

static enum err read_chain(const struct hsm_context *context, const struct hostcmd_nk *ask, struct chain *out)
{
    uint64_t count = 0;
    TRY(span_decimal(WIRE_SPAN(ask->count), &count));
    *out = (struct chain){ask->header.at[0] == '1' ? context->config->header : 0, (size_t)count, WIRE_SPAN(ask->commands)};
    struct span rest = out->commands, item;
    while (rest.len > 0)
        if (wire_item_next(&rest, &item) != WIRE_OUTCOME_OK || item.len < out->header + CODE_LEN)
            return ERR_PARSE_SHORT;
    return ERR_OK;
}

static void refuse(struct span code, enum err err, struct buf *out)
{
    buf_put_byte(out, code.at[0]);
    buf_put_byte(out, (uint8_t)(code.at[1] + 1));
    buf_put_text(out, err_row(err)->host_code);
}

static void answer_one(const struct hsm_call *call, const struct hsm_client *asker, struct span command, struct buf *out)
{
    struct span code = span_slice(command, 0, CODE_LEN);
    if (span_is(code, call->row->code))
        refuse(code, ERR_PARSE_VALUE, out);
    else
        call->dispatch.answer(call->dispatch.dispatcher, asker, command, out);
}

/* One response behind its length; `kept` bytes of the room are for those after it. */
static enum err answer_item(const struct hsm_call *call, const struct chain *chain, struct span item, size_t kept, struct buf *out)
{
    /* %NN of the chain is the default of its commands. */
    struct hsm_client asker = *call->client;
    uint8_t *head = buf_take(out, ITEM_HEAD);
    if (!head || out->cap < out->len + kept)
        return HOSTCMD_ERR_INTERNAL;
    struct buf response = buf_over(out->at + out->len, out->cap - out->len - kept);
    asker.lmk = call->lmk;
    buf_put_span(&response, span_slice(item, 0, chain->header));
    answer_one(call, &asker, span_slice(item, chain->header, SIZE_MAX), &response);
    TRY(buf_done(&response));
    struct buf digits = buf_over(head, ITEM_HEAD);
    buf_put_decimal(&digits, response.len, ITEM_HEAD);
    out->len += response.len;
    return buf_done(&digits);
}

enum err hsm_handle_nk(const struct hsm_context *context, struct hsm_call *call)
{
    const struct hostcmd_nk *ask = call->request;
    struct hostcmd_nk_reply *reply = call->reply;
    struct chain chain;
    struct span item;
    TRY(read_chain(context, ask, &chain));
    struct buf out = buf_over(reply->responses.at, sizeof reply->responses.at);
    for (struct span rest = chain.commands; rest.len > 0;) {
        chain.count--;
        if (wire_item_next(&rest, &item) != WIRE_OUTCOME_OK)
            return HOSTCMD_ERR_INTERNAL;
        TRY(answer_item(call, &chain, item, chain.count * (ITEM_HEAD + chain.header + LEAST_RESPONSE), &out));
    }
    reply->responses.len = (uint16_t)out.len;
    reply->responses.present = true;
    return WIRE_SET(reply->count, WIRE_SPAN(ask->count)) ? ERR_OK : HOSTCMD_ERR_INTERNAL;
}
