/* SPDX-License-Identifier: Apache-2.0 */
/* Who answers which command. */
#include "hsm/context.h"

static const hsm_handler handlers[HOSTCMD_COUNT] = {
    /* codes */
    [HOSTCMD_CW] = hsm_handle_cw,
    [HOSTCMD_CY] = hsm_handle_cy,
    [HOSTCMD_QY] = hsm_handle_qy,
    [HOSTCMD_PM] = hsm_handle_pm,
    [HOSTCMD_RY] = hsm_handle_ry,
    /* keys */
    [HOSTCMD_AS] = hsm_handle_as,
    [HOSTCMD_A0] = hsm_handle_a0,
    [HOSTCMD_A4] = hsm_handle_a4,
    [HOSTCMD_BU] = hsm_handle_bu,
    [HOSTCMD_BW] = hsm_handle_bw,
    /* exchange */
    [HOSTCMD_AU] = hsm_handle_au,
    [HOSTCMD_AW] = hsm_handle_aw,
    [HOSTCMD_A6] = hsm_handle_a6,
    [HOSTCMD_A8] = hsm_handle_a8,
    /* status */
    [HOSTCMD_B2] = hsm_handle_b2,
    [HOSTCMD_NC] = hsm_handle_nc,
    [HOSTCMD_NO] = hsm_handle_no,
    [HOSTCMD_N0] = hsm_handle_n0,
    [HOSTCMD_RA] = hsm_handle_ra,
    [HOSTCMD_NK] = hsm_handle_nk,
    [HOSTCMD_JK] = hsm_handle_jk,
    [HOSTCMD_J2] = hsm_handle_j2,
    [HOSTCMD_J4] = hsm_handle_j4,
};

hsm_handler hsm_handler_of(enum hostcmd_id id)
{
    return handlers[id];
}
