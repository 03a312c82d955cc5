/* SPDX-License-Identifier: Apache-2.0 */
#include "store/postgres/internal.h"

#include <string.h>

enum { OPTIONS_MAX = 96, ITEM_SIZE = 256, LISTS = 3 };

/* Seconds, so that a lost server is noticed; the caller's own settings come later in the string and win. */
static const char connect_defaults[] = "connect_timeout=5 tcp_user_timeout=10000 target_session_attrs=read-write ";

/*
 * Every statement finds its rows by a key, and tables may be new and without statistics: no plan that was made for an empty table
 * may walk it when it has grown. Other engines that speak the protocol may refuse these; they plan in their own way.
 */
const struct store_postgres_setting store_postgres_setting[] = {
    {"SET statement_timeout = '8s'", true},
    {"SET lock_timeout = '4s'", true},
    {"SET client_min_messages = 'error'", true},
    {"SET enable_seqscan = off", false},
    {"SET enable_bitmapscan = off", false},
    {"SET enable_hashjoin = off", false},
    {"SET enable_mergejoin = off", false},
    {"SET jit = off", false},
    {"SET plan_cache_mode = force_generic_plan", false},
};
const size_t store_postgres_setting_count = sizeof store_postgres_setting / sizeof store_postgres_setting[0];

enum err store_postgres_conninfo(const char *place, char out[static POSTGRES_CONNINFO_SIZE])
{
    struct buf text = buf_over(out, POSTGRES_CONNINFO_SIZE);
    buf_put_text(&text, connect_defaults);
    buf_put_text(&text, place);
    (void)buf_text(&text);
    return buf_done(&text) == ERR_OK ? ERR_OK : ERR_CONFIG;
}

/* ---- hosts ---- */

/* Options that may be lists, one item a host. */
static const char *const lists[LISTS] = {"hostaddr", "host", "port"};

static bool is_list(const char *keyword)
{
    for (size_t i = 0; i < LISTS; i++)
        if (strcmp(keyword, lists[i]) == 0)
            return true;
    return false;
}

static size_t items(const char *list)
{
    size_t count = 1;
    for (; *list; list++)
        count += *list == ',';
    return count;
}

/* One item of a list; a list of one item is meant for all. */
static const char *item(const char *list, size_t index, char out[static ITEM_SIZE])
{
    if (items(list) == 1)
        return list;
    for (; index > 0; index--) {
        list = strchr(list, ',');
        list = list ? list + 1 : "";
    }
    size_t len = strcspn(list, ",");
    len = len < ITEM_SIZE ? len : ITEM_SIZE - 1;
    memcpy(out, list, len);
    out[len] = 0;
    return out;
}

enum err store_postgres_hosts(const char *conninfo, size_t *out)
{
    PQconninfoOption *option = PQconninfoParse(conninfo, NULL);
    if (!option)
        return ERR_CONFIG;
    size_t hosts = 1;
    for (const PQconninfoOption *o = option; o->keyword; o++) {
        bool names = strcmp(o->keyword, "host") == 0 || strcmp(o->keyword, "hostaddr") == 0;
        if (o->val && names && items(o->val) > hosts)
            hosts = items(o->val);
    }
    PQconninfoFree(option);
    *out = hosts;
    return ERR_OK;
}

/*
 * libpq goes from host to host by itself only while it waits; without waiting it would stay with the first one that does not
 * answer. So each attempt is given one host.
 */
PGconn *store_postgres_start(const char *conninfo, size_t host)
{
    const char *keyword[OPTIONS_MAX + 1];
    const char *value[OPTIONS_MAX + 1];
    char room[LISTS][ITEM_SIZE];
    size_t count = 0, listed = 0;
    PQconninfoOption *option = PQconninfoParse(conninfo, NULL);
    for (const PQconninfoOption *o = option; o && o->keyword && count < OPTIONS_MAX; o++) {
        if (!o->val)
            continue;
        keyword[count] = o->keyword;
        value[count++] = is_list(o->keyword) ? item(o->val, host, room[listed++]) : o->val;
    }
    keyword[count] = value[count] = NULL;
    PGconn *connection = option ? PQconnectStartParams(keyword, value, 0) : NULL;
    PQconninfoFree(option);
    return connection;
}
