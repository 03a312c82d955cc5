/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the room share. */
#ifndef ISO8583_INTERNAL_H
#define ISO8583_INTERNAL_H

#include "base/env.h"
#include "iso8583/profile.h"

/* A value of its row's characters is a date or a time that exists; any value of a field without such a rule. */
bool iso8583_value_sound(unsigned field, struct span value);
/* A random sound value. */
void iso8583_value_generate(unsigned field, const struct wire_field *row, const struct env *env, struct buf *out);

#endif
