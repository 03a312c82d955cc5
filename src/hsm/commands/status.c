/* SPDX-License-Identifier: Apache-2.0 */
/* Status and diagnostic commands (host-commands.md 7). */
#include "hostcmd/error.h"
#include "hsm/commands/internal.h"
#include "hsm/guard/state.h"
#include "hsm/key/keys.h"

#include <string.h>

/* dddd-dddd; what the recorded example answers. Clients take capabilities from it, so it stays until the command set changes. */
static const char firmware[] = "1500-0023";

enum err hsm_handle_b2(const struct hsm_context *context, struct hsm_call *call)
{
    (void)context;
    const struct hostcmd_b2 *ask = call->request;
    struct hostcmd_b2_reply *reply = call->reply;
    return WIRE_SET(reply->data, WIRE_SPAN(ask->data)) ? ERR_OK : HOSTCMD_ERR_INTERNAL;
}

enum err hsm_handle_nc(const struct hsm_context *context, struct hsm_call *call)
{
    struct hostcmd_nc_reply *reply = call->reply;
    char check[16];
    hsm_keys_check_value(context->keys, call->lmk, check);
    bool fits = WIRE_SET(reply->lmk_check, span_of(check, sizeof check)) && WIRE_SET(reply->firmware, span_text(firmware));
    return fits ? ERR_OK : HOSTCMD_ERR_INTERNAL;
}

static bool fill_port(const struct hsm_config *config, struct hostcmd_no_reply *reply)
{
    uint8_t sockets[4];
    struct buf digits = buf_over(sockets, sizeof sockets);
    buf_put_decimal(&digits, config->sockets, sizeof sockets);
    return buf_done(&digits) == ERR_OK && WIRE_SET(reply->io_buffer, span_text("3")) && WIRE_SET(reply->net, span_text("1")) &&
           WIRE_SET(reply->sockets, buf_span(&digits)) && WIRE_SET(reply->firmware, span_text(firmware)) &&
           WIRE_SET(reply->reserved, span_text("00000"));
}

enum err hsm_handle_no(const struct hsm_context *context, struct hsm_call *call)
{
    const struct hostcmd_no *ask = call->request;
    struct hostcmd_no_reply *reply = call->reply;
    bool pci = ask->mode.at[0] == '1';
    bool hardened = context->config->hardened;
    bool fits = pci ? WIRE_SET(reply->pci, span_text(hardened ? "1" : "0")) : fill_port(context->config, reply);
    return fits ? ERR_OK : HOSTCMD_ERR_INTERNAL;
}

enum err hsm_handle_n0(const struct hsm_context *context, struct hsm_call *call)
{
    const struct hostcmd_n0 *ask = call->request;
    struct hostcmd_n0_reply *reply = call->reply;
    uint64_t len = 0;
    TRY(span_decimal(WIRE_SPAN(ask->length), &len));
    if (len == 0)
        return HOSTCMD_ERR_LENGTH_RANGE;
    ASSERT(len <= sizeof reply->random.at);
    env_random(context->env, reply->random.at, (size_t)len);
    reply->random.len = (uint16_t)len;
    reply->random.present = true;
    return ERR_OK;
}

enum err hsm_handle_ra(const struct hsm_context *context, struct hsm_call *call)
{
    /* A change of state leaves no unwrapped key; an RA that changes nothing must not cost the others their keys. */
    call->idle = hsm_state_count(context->state, call->lmk) == 0;
    if (!call->idle)
        hsm_keys_flush(context->keys);
    hsm_state_end(context->state, call->lmk);
    return ERR_OK;
}
