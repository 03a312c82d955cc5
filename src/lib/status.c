/* SPDX-License-Identifier: Apache-2.0 */
#include "card/error.h"
#include "crypto/error.h"
#include "lib/internal.h"

#include <string.h>

const struct err_table *const err_tables[] = {&err_general, &card_errors, &crypto_errors, NULL};

const char *countersign_version(void)
{
    return COUNTERSIGN_VERSION;
}

const char *countersign_status_text(int status)
{
    static const char *const texts[] = {
        [COUNTERSIGN_OK] = "no error",
        [COUNTERSIGN_MISMATCH] = "the code is wrong",
        [COUNTERSIGN_FIELD] = "a field is outside its rule",
        [COUNTERSIGN_KEY_LENGTH] = "the key is not 16 bytes long",
        [COUNTERSIGN_MEMORY] = "out of memory",
        [COUNTERSIGN_CRYPTO] = "a cryptographic operation failed",
    };
    return status >= 0 && (size_t)status < sizeof texts / sizeof *texts ? texts[status] : "unknown status";
}

int countersign_status_of(enum err err)
{
    if (err == ERR_OK)
        return COUNTERSIGN_OK;
    if (err == CRYPTO_ERR_KEY_LENGTH || err == CRYPTO_ERR_KEY_LENGTH_ALGORITHM)
        return COUNTERSIGN_KEY_LENGTH;
    if (err == ERR_MEMORY)
        return COUNTERSIGN_MEMORY;
    return err_row(err)->class == ERR_CLASS_INPUT ? COUNTERSIGN_FIELD : COUNTERSIGN_CRYPTO;
}

int countersign_status_of_verdict(enum verdict verdict)
{
    return verdict == VERDICT_MATCH ? COUNTERSIGN_OK : COUNTERSIGN_MISMATCH;
}

enum err countersign_text(const char *text, size_t len, struct span *out)
{
    if (!text || strnlen(text, len + 1) != len)
        return ERR_PARSE_VALUE;
    *out = span_of(text, len);
    return ERR_OK;
}

enum err countersign_pan(const char *text, struct card_pan *out)
{
    return text ? card_pan_parse(span_of(text, strnlen(text, CARD_PAN_MAX + 1)), CARD_ANY, out) : CARD_ERR_PAN;
}
