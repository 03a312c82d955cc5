/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/fault.h"

#include <string.h>

static bool same_field(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

void gateway_fault_add(struct gateway_faults *faults, enum gateway_fault_id id, const char *field)
{
    ASSERT(id > GATEWAY_FAULT_NONE && id < GATEWAY_FAULT_COUNT);
    for (size_t i = 0; i < faults->count; i++)
        if (faults->at[i].id == id && same_field(faults->at[i].field, field))
            return;
    if (faults->count < GATEWAY_FAULTS_MAX)
        faults->at[faults->count++] = (struct gateway_fault){id, field};
}

bool gateway_fault_has(const struct gateway_faults *faults, enum gateway_fault_id id)
{
    for (size_t i = 0; i < faults->count; i++)
        if (faults->at[i].id == id)
            return true;
    return false;
}
