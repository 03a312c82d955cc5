/* SPDX-License-Identifier: Apache-2.0 */
/* Whether tools may handle clear keys on this machine. */
#include "hsm/process/mode.h"
#include "tool/tool.h"

#include <sysexits.h>
#include <unistd.h>

int tool_clear_keys_refused(const struct tool_row *tool, const char *config)
{
    struct hsm_settings settings;
    char problem[256] = "";
    if (!config && access(TOOL_CONFIG, F_OK) != 0)
        return 0;
    if (config_load(&hsm_settings_table, config ? config : TOOL_CONFIG, &settings, problem, sizeof problem) != ERR_OK)
        return tool_refuse(tool, problem, "");
    if (!hsm_mode_hardened(&settings))
        return 0;
    return tool_failed(tool, EX_USAGE, "the HSM of this machine is hardened", "clear keys have no place here (hsm.mode)");
}
