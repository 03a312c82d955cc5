/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the gateway can be asked to do, whatever face it is asked through.
 *
 * Purpose    A face reads a request into one of these operations. Each is a row (path.c) that names the stages it goes through.
 * Ownership  Static rows.
 * Threading  Free of state.
 */
#ifndef GATEWAY_OPERATION_H
#define GATEWAY_OPERATION_H

#include <stdbool.h>
#include <stdint.h>

enum gateway_operation {
    GATEWAY_CHARGE,       /* authorises, or sells */
    GATEWAY_VERIFY,       /* checks card and security code; no money moves */
    GATEWAY_KEY_GENERATE, /* an RSA key for encrypted card blocks */
    GATEWAY_KEY_REVOKE,
    GATEWAY_OPERATION_COUNT
};

struct gateway_operation_row {
    const char *name;
    uint32_t path; /* bit a stage, pipeline.h */
    bool pays;     /* a card is authorised */
};

const struct gateway_operation_row *gateway_operation_row(enum gateway_operation operation);

#endif
