/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/internal.h"

#include <string.h>

static enum err load(const struct secret_key *clear, struct countersign_key *key)
{
    key->clear = *clear;
    TRY(cvv_key_load(clear, &key->cvk));
    TRY(cvv_master_load(clear, &key->master));
    return cvv_batch_load(clear, &key->batch);
}

static enum err create(const struct secret_key *clear, struct countersign_key **out)
{
    struct secret_pages pages;
    TRY(secret_pages_create(sizeof(struct countersign_key), &pages));
    struct countersign_key *key = pages.at;
    key->pages = pages;
    enum err err = load(clear, key);
    if (err == ERR_OK)
        *out = key;
    else
        countersign_key_unload(key);
    return err;
}

int countersign_key_load(const void *key, size_t len, struct countersign_key **out)
{
    SECRET_KEY clear = {.len = 16};
    if (!key || len != clear.len)
        return COUNTERSIGN_KEY_LENGTH;
    memcpy(clear.at, key, len);
    return countersign_status_of(create(&clear, out));
}

void countersign_key_unload(struct countersign_key *key)
{
    if (!key)
        return;
    cvv_key_unload(&key->cvk);
    cvv_master_unload(&key->master);
    struct secret_pages pages = key->pages;
    secret_wipe(key, sizeof *key);
    secret_pages_destroy(&pages);
}
