/* SPDX-License-Identifier: Apache-2.0 */
/* Between the files of the Commerce Hub face only. */
#ifndef GATEWAY_FACES_COMMERCEHUB_INTERNAL_H
#define GATEWAY_FACES_COMMERCEHUB_INTERNAL_H

#include "gateway/faces/commercehub/commercehub.h"

/* Checks a value by the row of its path, as commercehub_parse does for values in clear. */
void commercehub_check_value(const char *path, struct span value, struct gateway_faults *faults);

#endif
