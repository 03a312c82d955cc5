/* SPDX-License-Identifier: Apache-2.0 */
#include "hostcmd/said.h"

#include "hostcmd/error.h"

static const char done[] = "00", differs[] = "01";

struct hostcmd_said hostcmd_said(enum err err, enum verdict verdict)
{
    ASSERT(err != ERR_OK || verdict != VERDICT_UNAVAILABLE);
    return err == ERR_OK ? (struct hostcmd_said){verdict, ERR_OK} : (struct hostcmd_said){VERDICT_UNAVAILABLE, err};
}

struct hostcmd_said hostcmd_said_of(const char code[static 2])
{
    if (code[0] == '0' && code[1] == '0')
        return hostcmd_said(ERR_OK, VERDICT_MATCH);
    if (code[0] == '0' && code[1] == '1')
        return hostcmd_said(ERR_OK, VERDICT_MISMATCH);
    return hostcmd_said(hostcmd_err_of_code(code), VERDICT_UNAVAILABLE);
}

const char *hostcmd_said_code(struct hostcmd_said said)
{
    if (said.verdict == VERDICT_UNAVAILABLE)
        return err_row(said.cause)->host_code;
    return said.verdict == VERDICT_MATCH ? done : differs;
}
