/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/commands/prepared.h"

#include "base/secret.h"

bool hsm_prepared_code(const struct hsm_prepared *prepared, const struct secret_key *key, struct code_digits *out)
{
    ASSERT(!prepared || (prepared->parsed && (!prepared->made || prepared->key)));
    if (!prepared || !prepared->made || !secret_equal(prepared->key->at, key->at, prepared->key->len))
        return false;
    *out = prepared->code;
    return true;
}

bool hsm_prepared_dynamic(const struct hsm_prepared *prepared, const struct secret_key *key, const char overlay[static 4],
                          struct code_digits *out)
{
    if (!prepared || !secret_equal(prepared->overlay, overlay, sizeof prepared->overlay))
        return false;
    return hsm_prepared_code(prepared, key, out);
}
