/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HSM link of a service: net connections wired into the pipelined host command client.
 *
 * Purpose    One call makes the connections to all HSMs of a configuration line and the client over them.
 * Ownership  hsm_link_destroy releases the client; the connections belong to the loop and are gone with net_loop_destroy, which
 *            therefore comes first.
 * Threading  The loop's thread.
 * Failure    A bad address list is described in `problem`; what was made is in *out all the same and is destroyed as usual. An HSM
 *            that is not there yet is not a failure: it is tried again.
 * Limits     HOSTCMD_ENDPOINTS_MAX addresses.
 *
 * Example
 *     TRY(hsm_link_create(&(struct hsm_link_config){loop, &env, "127.0.0.1:1500", 1024}, &link, &problem));
 *     struct hostcmd_client *hsm = hsm_link_client(link);      // send, take, turn; one write a turn
 */
#ifndef MAIN_TRANSPORT_H
#define MAIN_TRANSPORT_H

#include "hostcmd/client.h"
#include "net/net.h"

struct hsm_link;

struct hsm_link_config {
    struct net_loop *loop;
    const struct env *env;
    const char *addresses; /* ADDR:PORT, several separated by commas */
    uint32_t window;       /* requests in flight for each HSM */
};

MUST_USE enum err hsm_link_create(const struct hsm_link_config *config, struct hsm_link **out, struct net_problem *problem);
struct hostcmd_client *hsm_link_client(struct hsm_link *link);
void hsm_link_destroy(struct hsm_link *link);

#endif
