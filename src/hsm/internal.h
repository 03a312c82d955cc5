/* SPDX-License-Identifier: Apache-2.0 */
/* An hsm: hsm.c makes it, dispatch.c answers with it, serve.c puts it behind a port. */
#ifndef HSM_INTERNAL_H
#define HSM_INTERNAL_H

#include "hsm/context.h"
#include "hsm/guard/policy.h"
#include "hsm/process/observe.h"
#include "hsm/trail/tell.h"

#include "base/secret.h"

enum { HSM_CODE_LEN = 2, HSM_DEPTH = 2 };

/* One request and its reply; a chained command (NK) stands in the second while its chain stands in the first. */
struct hsm_scratch {
    void *request;
    void *reply;
};

struct hsm {
    struct hsm_config config;
    struct hsm_context context;
    struct hsm_counters counters;
    struct hsm_tell tell;
    struct hostcmd_layout layout;
    struct hsm_policy policy;
    uint32_t policy_version; /* one more with each change of it */
    struct hsm_ahead *ahead;
    const struct hsm_ask *ask;     /* between hsm_answer_begin and hsm_answer_end */
    size_t asks;                   /* of them */
    struct hsm_prepared *prepared; /* of the command under way at depth 1; NULL: nothing */
    struct secret_pages pages;     /* of the scratch */
    struct hsm_scratch scratch[HSM_DEPTH];
    size_t depth; /* commands under way */
};

#endif
