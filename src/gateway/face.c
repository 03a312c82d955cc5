/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/face.h"

const char *gateway_authentication_text(enum gateway_authentication authentication)
{
    static const char *const text[] = {
#define GATEWAY_TEXT(name, text) text,
        GATEWAY_AUTHENTICATION_LIST(GATEWAY_TEXT)
#undef GATEWAY_TEXT
    };
    return text[authentication];
}

size_t gateway_mounts(const struct gateway_faces *faces, struct http_mount *out, size_t cap)
{
    size_t count = 0;
    for (size_t i = 0; i < faces->count; i++) {
        const struct gateway_face *face = faces->face[i];
        for (size_t p = 0; p < face->prefixes && count < cap; p++)
            out[count++] = (struct http_mount){.prefix = face->prefix[p],
                                               .route = face->route,
                                               .count = face->routes,
                                               .busy_body = face->busy_body,
                                               .busy_content_type = face->content_type};
    }
    return count;
}

const struct gateway_face *gateway_face_of(const struct gateway_faces *faces, const struct http_request *http)
{
    for (size_t i = 0; http->mount && i < faces->count; i++)
        if (faces->face[i]->route == http->mount->route)
            return faces->face[i];
    return faces->face[0];
}

static bool is_whole(const struct gateway_face *f)
{
    return f->name && f->route && f->operation && f->prefix && f->busy_body && f->content_type && f->identify && f->authenticate &&
           f->parse && f->check && f->digest && f->open && f->pay && f->answer && f->error && f->forget;
}

static bool routes_fit(const struct gateway_face *face)
{
    for (size_t i = 0; i < face->routes; i++)
        if (face->route[i].handler >= face->routes || (unsigned)face->operation[face->route[i].handler] >= GATEWAY_OPERATION_COUNT)
            return false;
    return face->routes > 0 && face->prefixes > 0;
}

enum err gateway_faces_check(const struct gateway_faces *faces)
{
    size_t mounts = 0;
    if (faces->count == 0 || faces->count > GATEWAY_FACES_MAX)
        return ERR_CONFIG;
    for (size_t i = 0; i < faces->count; i++) {
        if (!is_whole(faces->face[i]) || !routes_fit(faces->face[i]))
            return ERR_CONFIG;
        mounts += faces->face[i]->prefixes;
    }
    return mounts <= GATEWAY_MOUNTS_MAX ? ERR_OK : ERR_CONFIG;
}
