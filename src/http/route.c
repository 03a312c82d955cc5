/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of routes: match, check, document. */
#include "http/error.h"
#include "http/internal.h"

#include <string.h>

static const char *const method_name[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "(other)"};

const char *http_method_text(enum http_method method)
{
    return method_name[method];
}

/* The next segment of a path: advances *rest past it and its slash; false at the end. */
static bool segment_next(struct span *rest, struct span *segment)
{
    if (rest->len == 0)
        return false;
    struct span in = span_slice(*rest, 1, rest->len); /* the leading slash */
    const uint8_t *slash = in.len > 0 ? memchr(in.at, '/', in.len) : NULL;
    size_t len = slash ? (size_t)(slash - in.at) : in.len;
    *segment = span_slice(in, 0, len);
    *rest = span_slice(in, len, in.len);
    return true;
}

static bool is_parameter(struct span segment)
{
    return segment.len > 2 && segment.at[0] == '{' && segment.at[segment.len - 1] == '}';
}

static bool path_fits(const char *pattern, struct span path)
{
    struct span want = span_text(pattern);
    struct span want_segment;
    struct span segment;
    while (segment_next(&want, &want_segment)) {
        if (!segment_next(&path, &segment))
            return false;
        bool fits = is_parameter(want_segment) ? segment.len > 0 : span_equal(want_segment, segment);
        if (!fits)
            return false;
    }
    return path.len == 0;
}

static bool parameters_read(struct http_slot *slot, const char *pattern, struct span path)
{
    struct span want = span_text(pattern);
    struct span want_segment;
    struct span segment;
    while (segment_next(&want, &want_segment) && segment_next(&path, &segment)) {
        struct span value;
        if (!is_parameter(want_segment))
            continue;
        if (!http_slot_decode(slot, segment, &value))
            return false;
        http_slot_pair(slot, HTTP_PAIR_PARAMETER, span_slice(want_segment, 1, want_segment.len - 2), value);
    }
    return true;
}

static bool prefix_fits(const char *prefix, struct span path)
{
    size_t len = strlen(prefix);
    return span_is(span_slice(path, 0, len), prefix) && (path.len == len || path.at[len] == '/');
}

static const struct http_mount *mount_of(const struct http_config *config, struct span path)
{
    const struct http_mount *best = NULL;
    for (size_t i = 0; i < config->mount_count; i++) {
        const struct http_mount *mount = &config->mount[i];
        if (prefix_fits(mount->prefix, path) && (!best || strlen(mount->prefix) > strlen(best->prefix)))
            best = mount;
    }
    return best;
}

static const struct http_route *route_of(struct http_slot *slot, const struct http_mount *mount, struct span path)
{
    enum http_method method = slot->request.method;
    const struct http_route *found = NULL;
    for (size_t i = 0; i < mount->count; i++) {
        const struct http_route *route = &mount->route[i];
        if (!path_fits(route->path, path))
            continue;
        bool head = route->method == HTTP_GET && (route->flags & HTTP_NO_HEAD) == 0;
        slot->allowed |= 1u << route->method | (head ? 1u << HTTP_HEAD : 0);
        if (!found && (route->method == method || (method == HTTP_HEAD && head)))
            found = route;
    }
    return found;
}

void http_route_match(struct http_slot *slot)
{
    struct http_request *request = &slot->request;
    request->mount = mount_of(&slot->http->config, request->path);
    if (!request->mount) {
        request->err = ERR_NOT_FOUND;
        return;
    }
    struct span path = span_slice(request->path, strlen(request->mount->prefix), request->path.len);
    const struct http_route *route = route_of(slot, request->mount, path);
    if (!route) {
        request->err = slot->allowed ? HTTP_ERR_METHOD : ERR_NOT_FOUND;
        return;
    }
    if (!parameters_read(slot, route->path, path)) {
        request->err = ERR_PARSE_CHARACTER;
        return;
    }
    request->route = route;
    if (request->method == HTTP_HEAD)
        request->method = HTTP_GET;
}

void http_allow_put(uint32_t allowed, struct buf *out)
{
    for (unsigned method = HTTP_GET; method <= HTTP_DELETE; method++) {
        if ((allowed >> method & 1) == 0)
            continue;
        buf_put_text(out, out->len > 0 ? ", " : "");
        buf_put_text(out, method_name[method]);
    }
    buf_put_text(out, out->len > 0 ? ", OPTIONS" : "OPTIONS");
}

/* ---- check ---- */

static bool pattern_sound(const char *pattern)
{
    struct span rest = span_text(pattern);
    struct span segment;
    size_t parameters = 0;
    if (pattern[0] != '/')
        return false;
    while (segment_next(&rest, &segment)) {
        struct span name = is_parameter(segment) ? span_slice(segment, 1, segment.len - 2) : segment;
        if (name.len == 0 || memchr(name.at, '{', name.len) || memchr(name.at, '}', name.len))
            return false;
        parameters += is_parameter(segment) ? 1 : 0;
    }
    return parameters <= HTTP_PARAMETERS_MAX;
}

static enum err route_check(const struct http_mount *mount, size_t index)
{
    const struct http_route *route = &mount->route[index];
    if (!route->path || !route->doc || route->method > HTTP_DELETE || !pattern_sound(route->path))
        return ERR_CONFIG;
    for (size_t i = 0; i < index; i++)
        if (mount->route[i].method == route->method && strcmp(mount->route[i].path, route->path) == 0)
            return ERR_CONFIG;
    return route->body ? wire_check(route->body, NULL) : ERR_OK;
}

enum err http_check(const struct http_mount *mount, size_t count)
{
    for (size_t m = 0; m < count; m++) {
        const char *prefix = mount[m].prefix;
        if (!prefix || (prefix[0] && (prefix[0] != '/' || prefix[strlen(prefix) - 1] == '/')))
            return ERR_CONFIG;
        for (size_t i = 0; i < mount[m].count; i++)
            TRY(route_check(&mount[m], i));
    }
    return ERR_OK;
}

static void route_document(const struct http_mount *mount, const struct http_route *route, struct buf *out)
{
    buf_put_text(out, "| ");
    buf_put_text(out, method_name[route->method]);
    buf_put_text(out, " | `");
    buf_put_text(out, mount->prefix);
    buf_put_text(out, route->path);
    buf_put_text(out, "` | ");
    buf_put_text(out, route->body ? route->body->name : "");
    buf_put_text(out, " | ");
    buf_put_text(out, route->doc);
    buf_put_text(out, " |\n");
}

/* Whether a row before this one has the same body. */
static bool body_seen(const struct http_mount *mount, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (mount->route[i].body == mount->route[index].body)
            return true;
    return false;
}

static void bodies_document(const struct http_mount *mount, struct buf *out)
{
    for (size_t i = 0; i < mount->count; i++) {
        if (!mount->route[i].body || body_seen(mount, i))
            continue;
        buf_put_text(out, "\n## Body: ");
        buf_put_text(out, mount->route[i].body->name);
        buf_put_text(out, "\n\n");
        wire_document(mount->route[i].body, out);
    }
}

void http_document(const struct http_mount *mount, size_t count, struct buf *out)
{
    buf_put_text(out, "| Method | Path | Body | |\n| --- | --- | --- | --- |\n");
    for (size_t m = 0; m < count; m++)
        for (size_t i = 0; i < mount[m].count; i++)
            route_document(&mount[m], &mount[m].route[i], out);
    for (size_t m = 0; m < count; m++)
        bodies_document(&mount[m], out);
}
