/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host ports of the key holder: plain TCP, TLS, or both.
 *
 * Purpose    Opens what hsm.listen, hsm.tls_listen and hsm.lmk_ports name over one hsm, adds up their metrics, and reads the
 *            certificates again.
 * Ownership  The loop owns the servers.
 * Threading  The loop's thread.
 * Failure    ERR_CONFIG or ERR_SYSTEM with one line for people; without any port ERR_CONFIG.
 */
#ifndef HSM_PROCESS_PORTS_H
#define HSM_PROCESS_PORTS_H

#include "hsm/process/settings.h"
#include "hsm/serve.h"

enum { HSM_LMK_PORTS = 16 };

struct hsm_ports {
    struct net_server *plain; /* NULL: none */
    struct net_server *tls;
    struct net_server *lmk[HSM_LMK_PORTS]; /* those of hsm.lmk_ports */
    size_t lmk_count;
};

MUST_USE enum err hsm_ports_open(const struct hsm_settings *settings, struct hsm *hsm, struct net_loop *loop, struct hsm_ports *out,
                                 struct net_problem *problem);
/* 0: there is none. */
uint16_t hsm_ports_number(const struct net_server *server);
/* For connections from now on; a file that is not fit leaves the old ones in force. */
MUST_USE enum err hsm_ports_reload(const struct hsm_ports *ports, struct net_problem *problem);
void hsm_ports_metrics(const struct hsm_ports *ports, struct buf *out);

#endif
