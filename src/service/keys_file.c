/* SPDX-License-Identifier: Apache-2.0 */
#include "service/keys_file.h"

#include <ini.h>
#include <stdio.h>
#include <string.h>

static int on_key(void *user, const char *section, const char *name, const char *value)
{
    struct service_keys *keys = user;

    if (strcmp(section, "keys") != 0 || keys->count == SERVICE_KEYS_MAX || strlen(name) >= SERVICE_KEYS_NAME ||
        strlen(value) >= SERVICE_KEYS_TEXT || value[0] == 0 || service_keys_find(keys, name) != NULL)
        return 0;
    memcpy(keys->key[keys->count].name, name, strlen(name) + 1);
    memcpy(keys->key[keys->count].text, value, strlen(value) + 1);
    keys->count++;
    return 1;
}

enum err service_keys_load(const char *path, struct service_keys *out, char *problem, size_t problem_cap)
{
    int line;

    memset(out, 0, sizeof *out);
    line = ini_parse(path, on_key, out);
    if (line == 0)
        return ERR_OK;
    if (line < 0)
        (void)snprintf(problem, problem_cap, "%s: cannot be read", path);
    else
        (void)snprintf(problem, problem_cap, "%s:%d: write name = KEY under [keys], each name once, at most %d", path, line,
                       SERVICE_KEYS_MAX);
    return ERR_CONFIG;
}

const char *service_keys_find(void *keys, const char *name)
{
    const struct service_keys *file = keys;

    for (size_t i = 0; i < file->count; i++)
        if (strcmp(file->key[i].name, name) == 0)
            return file->key[i].text;
    return NULL;
}
