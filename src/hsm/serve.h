/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HSM behind a TCP port.
 *
 * Purpose    Takes the frames of a turn, has them answered together, and sends the answers of a connection in one write. Judges
 *            each connection by the policy (hsm/guard/policy.h), again after each change of it.
 * Ownership  The server belongs to the loop; the hsm outlives it.
 * Threading  The loop's thread.
 * Failure    What is wrong with address or TLS is told in `problem`. A frame that cannot be answered closes its connection.
 * Limits     `connections` at a time; replies up to HSM_REPLY_MAX.
 *
 * Example
 *     TRY(hsm_serve(hsm, loop, &(struct hsm_serve_config){.listen = "127.0.0.1:1500", .connections = 64}, &server, problem));
 */
#ifndef HSM_SERVE_H
#define HSM_SERVE_H

#include "hsm/hsm.h"

struct hsm_serve_config {
    const char *listen;
    uint32_t connections;
    const struct net_tls_config *tls; /* NULL: plain TCP */
    const uint8_t *lmk;               /* default identifier of this port; NULL: that of the hsm */
    uint32_t per_address;             /* connections of one address; 0: no limit of its own */
    uint32_t idle_ms;                 /* silence after which a connection is closed; 0: never */
    uint32_t keepalive_s;             /* as of net_server_config */
};

MUST_USE enum err hsm_serve(struct hsm *hsm, struct net_loop *loop, const struct hsm_serve_config *config, struct net_server **out,
                            struct net_problem *problem);

#endif
