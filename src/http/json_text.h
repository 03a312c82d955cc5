/* SPDX-License-Identifier: Apache-2.0 */
/* The text of a JSON body, before and beside cJSON; inside the room only. */
#ifndef HTTP_JSON_TEXT_H
#define HTTP_JSON_TEXT_H

#include "base/buf.h"

#include <stdbool.h>

struct http_json_text_fault {
    const char *reason; /* static */
    size_t offset;
};

/*
 * Refuses what cJSON would let pass: control characters, bad UTF-8, \u0000, more levels than HTTP_JSON_DEPTH_MAX, numbers such as
 * 01, 1. or +1. It does not check the grammar between the tokens: that is cJSON's part.
 */
MUST_USE enum err http_json_text_check(struct span body, struct http_json_text_fault *fault);
/* The exact characters of the next number at or after *at, in the order of the text; *at moves past it. Empty at the end. */
struct span http_json_text_number(struct span body, size_t *at);

#endif
