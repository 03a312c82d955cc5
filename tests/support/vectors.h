/* SPDX-License-Identifier: Apache-2.0 */
/* Reading vector files and comparing with what they say; a failure ends the running cmocka test. */
#ifndef SUPPORT_VECTORS_H
#define SUPPORT_VECTORS_H

#include "base/secret.h"
#include "card/card.h"

#include <cjson/cJSON.h>

const char *vector_text(const cJSON *object, const char *name);
const char *vector_text_or(const cJSON *object, const char *name, const char *otherwise);
static inline const cJSON *vector_keys(const cJSON *v)
{
    return cJSON_GetObjectItemCaseSensitive(v, "keys");
}
static inline const cJSON *vector_inputs(const cJSON *v)
{
    return cJSON_GetObjectItemCaseSensitive(v, "inputs");
}
int vector_number(const cJSON *object, const char *name);

struct secret_key vector_key(const char *hex);
struct card_pan vector_pan(const char *digits);

void vector_assert_text(struct span made, const char *expected);
/* As many bytes as `expected` has pairs of digits. */
void vector_assert_hex(const uint8_t *made, const char *expected);

#endif
