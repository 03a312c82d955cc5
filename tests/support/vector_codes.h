/* SPDX-License-Identifier: Apache-2.0 */
/* One vector of each code algorithm, reproduced; a failure ends the running cmocka test. */
#ifndef SUPPORT_VECTOR_CODES_H
#define SUPPORT_VECTOR_CODES_H

#include "base/secret.h"

#include <cjson/cJSON.h>

void vector_assert_cvv(const struct secret_key *cvk, const cJSON *in, const char *service, const char *expected);

void vector_run_cvv(const cJSON *v);
void vector_run_cvv_block(const cJSON *v);
void vector_run_cavv(const cJSON *v);
void vector_run_dcvv(const cJSON *v);
void vector_run_t0(const cJSON *v);
void vector_run_skip_rule(const cJSON *v);
void vector_run_cvc3_iv(const cJSON *v);
void vector_run_cvc3(const cJSON *v);
void vector_run_csc(const cJSON *v);
void vector_run_independent_cvv(const cJSON *v);
void vector_run_independent_cvc3(const cJSON *v);

#endif
