/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/commands/table.h"

#include "hsm/commands/internal.h"

#define HANDLER(id_, name_) [HOSTCMD_##id_] = hsm_handle_##name_,
static const hsm_handler handlers[HOSTCMD_COUNT] = {HOSTCMD_LIST(HANDLER)};
#undef HANDLER

hsm_handler hsm_handler_of(enum hostcmd_id id)
{
    ASSERT((unsigned)id < HOSTCMD_COUNT);
    return handlers[id];
}
