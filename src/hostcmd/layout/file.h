/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layout profile that a configuration names.
 *
 * Purpose    "countersign-5", or nothing, is the built-in profile of scheme 5; anything else is a file
 *            (hostcmd/layout/layout.h says what stands in it).
 * Ownership  Copied into the caller's struct.
 * Threading  Read once at start.
 * Failure    ERR_CONFIG with one line for people: file, line, reason.
 */
#ifndef HOSTCMD_LAYOUT_FILE_H
#define HOSTCMD_LAYOUT_FILE_H

#include "hostcmd/layout/layout.h"

MUST_USE enum err hostcmd_profile_load(const char *name, struct hostcmd_profile *out, char *problem, size_t problem_cap);

#endif
