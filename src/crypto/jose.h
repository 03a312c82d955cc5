/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The few bits of JOSE syntax that the room needs to read a protected header.
 *
 * Limits     A JSON object of strings, numbers and nested objects; a string with an escape is refused, since no value we read has
 *            one. The general reader is http/json.h, which this room may not include.
 * Failure    ERR_PARSE_JSON, ERR_PARSE_MISSING, ERR_PARSE_TYPE, ERR_PARSE_DUPLICATE.
 */
#ifndef CRYPTO_JOSE_H
#define CRYPTO_JOSE_H

#include "base/buf.h"

/* Splits at the dots; exactly `count` parts. */
MUST_USE enum err crypto_jose_split(struct span compact, struct span *part, size_t count);
/* The text of a string member of the object `json`. */
MUST_USE enum err crypto_jose_text(struct span json, const char *name, struct span *out);
/* The whole text of a member that is an object. */
MUST_USE enum err crypto_jose_object(struct span json, const char *name, struct span *out);

#endif
