/* SPDX-License-Identifier: Apache-2.0 */
/* Whether tools may handle clear keys on this machine. */
#include "hsm/process/mode.h"
#include "tool/tool.h"

#include <sysexits.h>
#include <unistd.h>

int hsm_tool_clear_keys_refused(const struct hsm_tool *tool, const char *config)
{
    static struct hsm_settings settings;
    char problem[256] = "";
    if (!config && access(HSM_TOOL_CONFIG, F_OK) != 0)
        return 0;
    if (config_load(&hsm_settings_table, config ? config : HSM_TOOL_CONFIG, &settings, problem, sizeof problem) != ERR_OK)
        return hsm_tool_refuse(tool, problem, "");
    if (!hsm_mode_hardened(&settings))
        return 0;
    return hsm_tool_failed(tool, EX_USAGE, "the HSM of this machine is hardened", "clear keys have no place here (hsm.mode)");
}
