/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/guard/authority.h"

#include "hsm/guard/state.h"

/* The key type that the authority for a command is about: host-commands.md 6, activity.{type}.host. */
static struct span activity_type(const struct hostcmd_row *row, const void *request)
{
    if (row->activity_type)
        return span_text(row->activity_type);
    const struct wire_text *member = (const struct wire_text *)(const void *)((const uint8_t *)request + row->activity_member);
    return span_of(member->at, member->len);
}

bool hsm_authorised_for(const struct hsm_context *context, uint8_t lmk, enum hostcmd_activity activity, struct span type)
{
    return !context->config->hardened || hsm_state_authorised(context->state, lmk, activity, type);
}

bool hsm_authorised(const struct hsm_context *context, const struct hsm_call *call, uint8_t lmk)
{
    const struct hostcmd_row *row = call->row;
    return row->activity == HOSTCMD_OPEN || hsm_authorised_for(context, lmk, row->activity, activity_type(row, call->request));
}
