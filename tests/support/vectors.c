/* SPDX-License-Identifier: Apache-2.0 */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "support/vectors.h"

#include <string.h>

const char *vector_text_or(const cJSON *object, const char *name, const char *otherwise)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsString(item) ? item->valuestring : otherwise;
}

const char *vector_text(const cJSON *object, const char *name)
{
    const char *value = vector_text_or(object, name, NULL);
    if (!value)
        fail_msg("no member %s", name);
    return value;
}

int vector_number(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    assert_true(cJSON_IsNumber(item));
    return item->valueint;
}

struct secret_key vector_key(const char *hex)
{
    struct secret_key key = {.len = (uint8_t)(strlen(hex) / 2)};
    assert_int_equal(span_unhex(span_text(hex), key.at, sizeof key.at), ERR_OK);
    return key;
}

struct card_pan vector_pan(const char *digits)
{
    struct card_pan pan;
    assert_int_equal(card_pan_parse(span_text(digits), CARD_ANY, &pan), ERR_OK);
    return pan;
}

void vector_assert_text(struct span made, const char *expected)
{
    if (!span_is(made, expected))
        fail_msg("made %.*s, expected %s", (int)made.len, (const char *)made.at, expected);
}

void vector_assert_hex(const uint8_t *made, const char *expected)
{
    uint8_t room[512];
    struct buf b = buf_over(room, sizeof room);
    buf_put_hex(&b, made, strlen(expected) / 2);
    vector_assert_text(buf_span(&b), expected);
}
