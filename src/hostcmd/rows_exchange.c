/* SPDX-License-Identifier: Apache-2.0 */
/* tidy: table. What stands around keys that come and go under a zone master key; layouts of host-commands 6. */
#include "hostcmd/rows_internal.h"

/* clang-format off */

static const struct wire_field attributes_fields[] = {
    {.name = "attributes", .doc = "starts the attributes of a key block", .kind = WIRE_CONST, .literal = "#", .min = 1, .max = 1},
    {.name = "usage", .doc = "key usage: C0, E0, K0 ...", .kind = WIRE_AN, .min = 2, .max = 2,
     WIRE_AT(struct hostcmd_attributes, usage)},
    {.name = "algorithm", .doc = "T2 double TDES, T3 triple, A2 AES-256", .kind = WIRE_AN, .min = 2, .max = 2,
     WIRE_AT(struct hostcmd_attributes, algorithm)},
    {.name = "mode", .doc = "mode of use", .kind = WIRE_AN, .min = 1, .max = 1, WIRE_AT(struct hostcmd_attributes, mode)},
    {.name = "version", .doc = "key version", .kind = WIRE_A, .min = 2, .max = 2, WIRE_AT(struct hostcmd_attributes, version)},
    ROW_ONE("exportability", "E, N or S", "E|N|S", struct hostcmd_attributes, exportability),
    {.name = "optional blocks", .doc = "how many", .kind = WIRE_N, .min = 2, .max = 2,
     WIRE_AT(struct hostcmd_attributes, optional_blocks)},
};
const struct wire_record hostcmd_attributes_record = WIRE_RECORD("attributes", struct hostcmd_attributes, attributes_fields);
/* clang-format on */
