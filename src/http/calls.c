/* SPDX-License-Identifier: Apache-2.0 */
/* The system calls of libmicrohttpd's threads and of its TLS, besides those of every loop. */
#include "http/http.h"

#include <sys/syscall.h>

/* clang-format off */
static const struct confine_call calls[] = {
    ADMIT(recvfrom), ADMIT(sendmsg), ADMIT(sendto),
#ifdef SYS_poll
    ADMIT(poll),
#endif
    ADMIT(ppoll),
};
/* clang-format on */
const struct confine_set http_calls = CONFINE_SET(calls);
