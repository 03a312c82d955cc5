/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may connect, and who may do what.
 *
 * Purpose    Lists that may change while the HSM runs: addresses that may speak without TLS in hardened mode, the commands that
 *            each client may use, by the identity its certificate proves, and the commands that are off for everyone.
 * Ownership  Values; the hsm keeps a copy (hsm_policy_set).
 * Threading  Values.
 * Failure    ERR_CONFIG with what is wrong, and in which line, for people.
 * Limits     HSM_POLICY_NETS addresses, HSM_POLICY_CLIENTS names of up to 71 characters, lines of up to 1,024.
 *
 * Peers      Addresses or networks with commas: "127.0.0.1, 10.1.0.0/16, ::1, fd00::/8".
 * Clients    A line a client, its commands after the last colon; `#` starts a comment:
 *                switch.bank.example: CW CY PM NC
 *                issuer.bank.example: QY NC B2
 *                monitor:             NC NO J2 J4 JK
 *                -:                   NC               # whoever shows no certificate: plain TCP
 *                *:                   NC               # everyone else; without this line they may do nothing
 *            `*` in the place of the commands means all of them, nothing means none. RY names both of its modes, RY3 the one that
 *            makes codes and RY4 the one that compares them; so it is in the list of commands that are off.
 */
#ifndef HSM_GUARD_POLICY_H
#define HSM_GUARD_POLICY_H

#include "hostcmd/commands.h"
#include "net/net.h"

enum { HSM_POLICY_NETS = 64, HSM_POLICY_CLIENTS = 256 };

struct hsm_peers {
    size_t count;
    struct {
        uint8_t at[16]; /* IPv4 as ::ffff:a.b.c.d */
        uint8_t bits;
    } net[HSM_POLICY_NETS];
};

MUST_USE enum err hsm_peers_parse(struct span text, struct hsm_peers *out, struct net_problem *problem);
/* `address` as net_server_peer_name gives it: "10.1.2.3:40000" or "[::1]:40000". */
bool hsm_peers_hold(const struct hsm_peers *peers, const char *address);

struct hsm_clients {
    size_t count;
    struct {
        char name[NET_IDENTITY_SIZE];
        uint64_t allowed; /* bit per command */
    } row[HSM_POLICY_CLIENTS];
};

MUST_USE enum err hsm_clients_parse(struct span text, struct hsm_clients *out, struct net_problem *problem);
/* The commands that a client may not use, as a bit mask; `identity` "": it showed no certificate. */
uint64_t hsm_clients_disabled(const struct hsm_clients *clients, const char *identity);

struct hsm_policy {
    bool guards_plaintext; /* peers without TLS must be listed */
    bool lists_clients;    /* false: every client may use every command */
    struct hsm_peers plaintext;
    struct hsm_clients clients;
};

/* May this connection stay? `identity` "": plain TCP. */
bool hsm_policy_admits(const struct hsm_policy *policy, const char *identity, const char *address);
uint64_t hsm_policy_disabled(const struct hsm_policy *policy, const char *identity);

/* "AS,A0": commands to switch off, as a bit mask; HOSTCMD_ERR_COMMAND_DISABLED for one that is not known here. */
/* A command is off for a client while any of these bits is in the mask of disabled ones; `data` follows its code. */
uint64_t hsm_policy_bits(const struct hostcmd_row *row, struct span data);
MUST_USE enum err hsm_disabled_parse(const char *list, uint64_t *out);

#endif
