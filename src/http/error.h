/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The errors of the room `http`.
 *
 * Purpose    What is wrong with a request before anyone reads its body.
 * Ownership  Rows are static and immutable.
 * Columns    those of base/err.h.
 */
#ifndef HTTP_ERROR_H
#define HTTP_ERROR_H

#include "base/err.h"

/* clang-format off */
/*    name                        class    host  DE39  HTTP  code                text */
#define HTTP_ERR_LIST(X) \
    X(HTTP_ERR_METHOD,            INPUT,   "15", "30", 405, "bad_method",        "the method is not served at this address") \
    X(HTTP_ERR_MEDIA_TYPE,        INPUT,   "15", "30", 415, "bad_media_type",    "the content type is not accepted") \
    X(HTTP_ERR_FRAMING,           INPUT,   "15", "30", 400, "bad_framing",       "the length of the body is told more than once") \
    X(HTTP_ERR_HEADERS_TOO_LARGE, LIMIT,   "15", "30", 431, "headers_too_large", "headers or address exceed the limit") \
    X(HTTP_ERR_NO_TOKEN,          REFUSED, "17", "05", 401, "no_token",          "no credentials were sent") \
    X(HTTP_ERR_BODY_TOO_LARGE,    LIMIT,   "15", "30", 413, "too_large",         "the body is larger than the limit")

enum { HTTP_ERR_BASE = 0x0800, HTTP_ERR_LIST(ERR_NUMBER) HTTP_ERR_END };
HTTP_ERR_LIST(ERR_CONSTANT)
/* clang-format on */

extern const struct err_table http_errors;

#endif
