/* SPDX-License-Identifier: Apache-2.0 */
/* Who answers which command. */
#include "hsm/hsm_internal.h"

static const hsm_handler handlers[HOSTCMD_COUNT] = {
    [HOSTCMD_B2] = hsm_handle_b2,
    [HOSTCMD_NC] = hsm_handle_nc,
    [HOSTCMD_NO] = hsm_handle_no,
};

hsm_handler hsm_handler_of(enum hostcmd_id id)
{
    return handlers[id];
}
