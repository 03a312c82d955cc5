/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the room of the public library: what stands behind include/countersign.h. */
#ifndef LIB_INTERNAL_H
#define LIB_INTERNAL_H

#include "cvv/batch.h"
#include "cvv/cvv.h"

#include <countersign.h>

struct countersign_key {
    struct secret_pages pages;
    struct secret_key clear;
    struct cvv_key cvk;
    struct cvv_master master;
    struct crypto_des_batch_key batch;
};

/* What the public header calls an error of ours. */
int countersign_status_of(enum err err);
/* Of a comparison that took place. */
int countersign_status_of_verdict(enum verdict verdict);
/* The text without its zero byte; ERR_PARSE_VALUE if it is NULL or has another length. */
MUST_USE enum err countersign_text(const char *text, size_t len, struct span *out);
MUST_USE enum err countersign_pan(const char *text, struct card_pan *out);

#endif
