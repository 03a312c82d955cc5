/* SPDX-License-Identifier: Apache-2.0 */
/* A face of two calls in plain text, to prove that a face needs no change of the gateway's core. POST /plain/pay and /plain/key
 * with the headers X-User, X-Password and X-Id; bodies and answers are words. */
#ifndef SUPPORT_PLAIN_FACE_H
#define SUPPORT_PLAIN_FACE_H

#include "gateway/face.h"

extern const struct gateway_face plain_face;

#endif
