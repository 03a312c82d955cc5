/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/fault.h"

#include <string.h>

static bool same(const struct gateway_fault *fault, enum gateway_fault_id id, const char *field)
{
    return field ? fault->field && strcmp(fault->field, field) == 0 : fault->id == id && !fault->field;
}

void gateway_fault_add(struct gateway_faults *faults, enum gateway_fault_id id, const char *field)
{
    ASSERT(id > GATEWAY_FAULT_NONE && id < GATEWAY_FAULT_COUNT);
    for (size_t i = 0; i < faults->count; i++)
        if (same(&faults->at[i], id, field))
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

bool gateway_fault_of(const struct gateway_faults *faults, const char *field)
{
    for (size_t i = 0; i < faults->count; i++) {
        const char *at = faults->at[i].field;
        size_t len = at ? strlen(at) : 0;
        if (at && strncmp(at, field, len) == 0 && (field[len] == 0 || field[len] == '.'))
            return true;
    }
    return false;
}
