/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the room: what the files of rows share. */
#ifndef HOSTCMD_ROWS_INTERNAL_H
#define HOSTCMD_ROWS_INTERNAL_H

#include "hostcmd/internal.h"

/* clang-format off */
#define ROW_KEY(name_, doc_, struct_, member_)                                                                                    \
    {.name = (name_), .doc = (doc_), .kind = WIRE_SHAPED, .min = 4, .max = HOSTCMD_KEY_MAX, .shape = hostcmd_key_double,          \
     .shape_generate = hostcmd_key_double_generate, WIRE_AT(struct_, member_)}
#define ROW_HEX(name_, doc_, digits_, struct_, member_)                                                                           \
    {.name = (name_), .doc = (doc_), .kind = WIRE_H, .min = (digits_), .max = (digits_), WIRE_AT(struct_, member_)}
#define ROW_ONE(name_, doc_, choices_, struct_, member_)                                                                          \
    {.name = (name_), .doc = (doc_), .kind = WIRE_ENUM, .choices = (choices_), .min = 1, .max = 1, WIRE_AT(struct_, member_)}
#define ROW_LETTER(name_, doc_, struct_, member_)                                                                                 \
    {.name = (name_), .doc = (doc_), .kind = WIRE_A, .min = 1, .max = 1, WIRE_AT(struct_, member_)}
#define ROW_GROUP(name_)                                                                                                          \
    {.name = (name_), .doc = "starts the optional group", .kind = WIRE_CONST, .literal = ";", .min = 1, .max = 1,                 \
     .flags = WIRE_GROUP}
#define ROW_RECORD(name_, title_, struct_)                                                                                        \
    static const struct wire_record name_##_record = WIRE_RECORD(title_, struct struct_, name_##_fields)
#define ROW_CHOICE(struct_, member_, equals_, record_) .choice = {offsetof(struct_, member_), (equals_), &(record_)}
/* clang-format on */

extern const struct wire_record hostcmd_empty_record;

#endif
