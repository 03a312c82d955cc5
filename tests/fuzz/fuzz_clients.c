/* SPDX-License-Identifier: Apache-2.0 */
/* A clients file and a list of peers of any bytes: taken within their limits, or refused with a printable reason. */
#include "hsm/guard/policy.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_problem(enum err err, const struct net_problem *problem)
{
    if ((err == ERR_OK) == (problem->text[0] != 0))
        abort();
    for (const char *at = problem->text; *at; at++)
        if (*at < 0x20 || *at > 0x7E)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct hsm_clients clients;
    struct hsm_peers peers = {0};
    struct net_problem problem = {""};
    enum err err = hsm_clients_parse(span_of(data, size), &clients, &problem);
    check_problem(err, &problem);
    if (clients.count > HSM_POLICY_CLIENTS)
        abort();
    for (size_t i = 0; err == ERR_OK && i < clients.count; i++) {
        const char *name = clients.row[i].name;
        bool sign = strcmp(name, "-") == 0 || strcmp(name, "*") == 0;
        /* Each name finds its own row. */
        if (!name[0] || (!sign && hsm_clients_disabled(&clients, name) != ~clients.row[i].allowed))
            abort();
    }
    problem.text[0] = 0;
    err = hsm_peers_parse(span_of(data, size), &peers, &problem);
    check_problem(err, &problem);
    if (peers.count > HSM_POLICY_NETS)
        abort();
    (void)hsm_peers_hold(&peers, "127.0.0.1:1500");
    return 0;
}
