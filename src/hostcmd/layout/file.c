/* SPDX-License-Identifier: Apache-2.0 */
#include "hostcmd/layout/file.h"

#include "base/file.h"

#include <stdio.h>
#include <string.h>

enum { TEXT_MAX = 8192 };

enum err hostcmd_profile_load(const char *name, struct hostcmd_profile *out, char *problem, size_t problem_cap)
{
    char text[TEXT_MAX];
    struct buf file = buf_over(text, sizeof text);
    struct hostcmd_layout_problem fault;
    if (!name[0] || strcmp(name, hostcmd_profile_countersign_5.name) == 0) {
        *out = hostcmd_profile_countersign_5;
        return ERR_OK;
    }
    enum err err = file_read(name, &file);
    if (err != ERR_OK) {
        (void)snprintf(problem, problem_cap, "hsm.layout: %s: %s%s", name, file_problem(err),
                       err == ERR_PARSE_LONG ? "; at most 8 KiB" : "");
        return ERR_CONFIG;
    }
    if (hostcmd_profile_parse(buf_span(&file), out, &fault) == ERR_OK)
        return ERR_OK;
    (void)snprintf(problem, problem_cap, "hsm.layout: %s:%u: %s", name, fault.line, fault.text);
    return ERR_CONFIG;
}
