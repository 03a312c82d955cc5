/* SPDX-License-Identifier: Apache-2.0 */
/* Inside hostcmd: the shapes of KEY fields. */
#ifndef HOSTCMD_INTERNAL_H
#define HOSTCMD_INTERNAL_H

#include "hostcmd/commands.h"

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

/* The rows: hostcmd_row_cw ... */
#define HOSTCMD_ROW(id_, name_) extern const struct hostcmd_row hostcmd_row_##name_;
HOSTCMD_LIST(HOSTCMD_ROW)
#undef HOSTCMD_ROW

/* The `#` fields. */
extern const struct wire_record hostcmd_attributes_record;
/* What A4 takes of them. */
extern const struct wire_record hostcmd_attributes_short_record;

#endif
