/* SPDX-License-Identifier: Apache-2.0 */
#include "hostcmd/layout/file.h"

#include <stdio.h>
#include <string.h>

enum { TEXT_MAX = 8192 };

static enum err read_file(const char *path, char text[static TEXT_MAX], size_t *len)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return ERR_CONFIG;
    *len = fread(text, 1, TEXT_MAX, file);
    bool whole = *len < TEXT_MAX && !ferror(file);
    return fclose(file) == 0 && whole ? ERR_OK : ERR_CONFIG;
}

enum err hostcmd_profile_load(const char *name, struct hostcmd_profile *out, char *problem, size_t problem_cap)
{
    char text[TEXT_MAX];
    size_t len = 0;
    struct hostcmd_layout_problem fault;
    if (!name[0] || strcmp(name, hostcmd_profile_countersign_5.name) == 0) {
        *out = hostcmd_profile_countersign_5;
        return ERR_OK;
    }
    if (read_file(name, text, &len) != ERR_OK) {
        (void)snprintf(problem, problem_cap, "hsm.layout: %s cannot be read, or is larger than 8 KiB", name);
        return ERR_CONFIG;
    }
    if (hostcmd_profile_parse(span_of(text, len), out, &fault) == ERR_OK)
        return ERR_OK;
    (void)snprintf(problem, problem_cap, "hsm.layout: %s:%u: %s", name, fault.line, fault.text);
    return ERR_CONFIG;
}
