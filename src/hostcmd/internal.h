/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the room share: shapes of KEY fields, and the rows. */
#ifndef HOSTCMD_INTERNAL_H
#define HOSTCMD_INTERNAL_H

#include "hostcmd/commands.h"

/* ---- shapes of KEY fields: key_field.c, key_pair.c ---- */

/* The extent of the KEY at the start of `in`; the three differ in what an untagged key is. */
size_t hostcmd_key_single(struct span in);
size_t hostcmd_key_double(struct span in);
size_t hostcmd_key_triple(struct span in);
/* A key alone, or a key and its KCV of 6H at the end: an untagged one is as long as that leaves. */
size_t hostcmd_key_result(struct span in);
/* The first of two keys before a KCV: untagged ones are single-length if that is all there is. */
size_t hostcmd_key_first(struct span in);
/* A ZMK before a key and its scheme, and before a CVK: what the digits and the scheme leave for it. */
size_t hostcmd_key_zmk(struct span in);
size_t hostcmd_key_zmk_of_cvk(struct span in);
size_t hostcmd_key_before_scheme(struct span in);
/* An Atalla variant, 1 or 2 digits; the count of optional blocks 2N and the blocks. */
size_t hostcmd_atalla(struct span in);
size_t hostcmd_optional_blocks(struct span in);
void hostcmd_key_single_generate(const struct env *env, struct buf *out);
void hostcmd_key_double_generate(const struct env *env, struct buf *out);
void hostcmd_key_triple_generate(const struct env *env, struct buf *out);
void hostcmd_key_tagged_generate(const struct env *env, struct buf *out);
void hostcmd_atalla_generate(const struct env *env, struct buf *out);
void hostcmd_optional_blocks_generate(const struct env *env, struct buf *out);
bool hostcmd_key_tag_is_block(uint8_t tag);
bool hostcmd_key_tag_is_stored(struct span in);

/* ---- rows: rows_*.c ---- */

/* hostcmd_row_cw ... */
#define HOSTCMD_ROW(id_, name_) extern const struct hostcmd_row hostcmd_row_##name_;
HOSTCMD_LIST(HOSTCMD_ROW)
#undef HOSTCMD_ROW

/* The `#` fields. */
extern const struct wire_record hostcmd_attributes_record;
/* Without the algorithm: that of the key. */
extern const struct wire_record hostcmd_attributes_own_record;
/* What A4 takes of them. */
extern const struct wire_record hostcmd_attributes_short_record;
/* A request or reply without fields. */
extern const struct wire_record hostcmd_empty_record;

/* clang-format off */
#define ROW_KEY(name_, doc_, struct_, member_)                                                                                    \
    {.name = (name_), .doc = (doc_), .kind = WIRE_SHAPED, .min = 4, .max = HOSTCMD_KEY_MAX, .shape = hostcmd_key_double,          \
     .shape_generate = hostcmd_key_double_generate, WIRE_AT(struct_, member_)}
#define ROW_HEX(name_, doc_, digits_, struct_, member_)                                                                           \
    {.name = (name_), .doc = (doc_), .kind = WIRE_H, .min = (digits_), .max = (digits_), WIRE_AT(struct_, member_)}
#define ROW_ONE(name_, doc_, choices_, struct_, member_)                                                                          \
    {.name = (name_), .doc = (doc_), .kind = WIRE_ENUM, .choices = (choices_), .min = 1, .max = 1, WIRE_AT(struct_, member_)}
/* Real hosts send any scheme letter where the field has no meaning. */
#define ROW_UNUSED(name_, struct_, member_) ROW_ONE(name_, "not used", "0|Z|U|X|T|Y|S|R|V", struct_, member_)
#define ROW_LETTER(name_, doc_, struct_, member_)                                                                                 \
    {.name = (name_), .doc = (doc_), .kind = WIRE_A, .min = 1, .max = 1, WIRE_AT(struct_, member_)}
#define ROW_GROUP(name_)                                                                                                          \
    {.name = (name_), .doc = "starts the optional group", .kind = WIRE_CONST, .literal = ";", .min = 1, .max = 1,                 \
     .flags = WIRE_GROUP}
#define ROW_RECORD(name_, title_, struct_)                                                                                        \
    static const struct wire_record name_##_record = WIRE_RECORD(title_, struct struct_, name_##_fields)
#define ROW_CHOICE(struct_, member_, equals_, record_) .choice = {offsetof(struct_, member_), (equals_), &(record_)}
/* clang-format on */

#endif
