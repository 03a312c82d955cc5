/* SPDX-License-Identifier: Apache-2.0 */
#include "service/names.h"

#include <ini.h>
#include <stdio.h>
#include <string.h>

struct load {
    const char *section;
    struct service_names *out;
};

static int on_line(void *user, const char *section, const char *name, const char *value)
{
    const struct load *load = user;
    struct service_names *names = load->out;
    if (strcmp(section, load->section) != 0 || names->count == SERVICE_NAMES_MAX || strlen(name) >= SERVICE_NAME_SIZE ||
        strlen(value) >= SERVICE_NAME_TEXT || value[0] == 0 || service_names_find(names, name))
        return 0;
    struct service_name *row = &names->row[names->count++];
    memcpy(row->name, name, strlen(name) + 1);
    memcpy(row->text, value, strlen(value) + 1);
    return 1;
}

enum err service_names_load(const char *setting, const char *path, const char *section, struct service_names *out,
                            struct net_problem *problem)
{
    struct load load = {section, out};
    memset(out, 0, sizeof *out);
    if (path[0] == 0) {
        (void)snprintf(problem->text, sizeof problem->text, "%s: not set: a file with name = text under [%s] is wanted", setting,
                       section);
        return ERR_CONFIG;
    }
    int line = ini_parse(path, on_line, &load);
    if (line == 0)
        return ERR_OK;
    if (line < 0)
        (void)snprintf(problem->text, sizeof problem->text, "%s: %s: cannot be read", setting, path);
    else
        (void)snprintf(problem->text, sizeof problem->text, "%s: %s:%d: write name = text under [%s], each name once, at most %d",
                       setting, path, line, section, SERVICE_NAMES_MAX);
    return ERR_CONFIG;
}

const char *service_names_find(const struct service_names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->row[i].name, name) == 0)
            return names->row[i].text;
    return NULL;
}
