/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Links: what the switch must know of each network connection, as data.
 *
 * Purpose    A link is a row of the configuration (switch.md 3): profile, network, where the code stands, where its result
 *            goes, and which DE39 its network understands. Nothing of a network is compiled into the pipeline.
 * Ownership  Links are made at start and outlive the switch.
 * Threading  Immutable after start.
 * Failure    switch_link_resolve gives ERR_CONFIG and a line for people: unknown profile, missing extraction rule, ...
 */
#ifndef SWITCH_LINK_H
#define SWITCH_LINK_H

#include "base/config.h"
#include "iso8583/layout.h"
#include "iso8583/profile.h"

enum switch_network {
    SWITCH_VISA,
    SWITCH_MASTERCARD,
    SWITCH_EFTPOS,
    SWITCH_GENERIC,
    SWITCH_AMEX,
    SWITCH_DISCOVER,
    SWITCH_NETWORKS
};

/* The processing codes of a link that names none (switch.md 3). */
#define SWITCH_PROCESSING_CODES "00,01,09,11,20,30,31"

/* As configured; texts end with a zero. */
struct switch_link_config {
    char listen[64]; /* ADDR:PORT; empty: the link is off */
    char profile[24];
    char network[16];
    char extract[24]; /* no default: a link without it does not start */
    char result[16];
    char code_de39[3];          /* decline for the code; empty: by network */
    char zero_de39[3];          /* zero-amount verification passed; empty: by network */
    char currency_de39[3];      /* amount in a currency that is not the account's; empty: by network */
    char unknown_original[3];   /* reversal of what we never saw */
    char processing_codes[128]; /* the first two digits of DE3 that are taken, separated by commas; empty: the default */
    int64_t max_in_flight;
    int64_t late_ms;
    int64_t max_connections; /* 0: 1,024 */
    int64_t connections_per_address;
    int64_t idle_s;
    bool keepalive;
    bool static_override; /* CY is asked on this link although the product says off */
    bool mask_unknown_card;
    char zero_length[8];   /* of a frame: ignore or echo; empty: ignore */
    char unknown_field[8]; /* that the message class does not use: ignore or reject; empty: ignore */
};

struct switch_link {
    const char *id;
    struct switch_link_config config;
    const struct iso8583_profile *profile;
    enum switch_network network;
    enum iso8583_extract extract;
    enum iso8583_result result;
    enum iso8583_marks marks;
    bool zero_echo;
    bool unknown_reject;
    char code_de39[3];
    char zero_de39[3];
    char currency_de39[3];
    bool processing[100]; /* the first two digits of DE3 that are taken */
};

/* Reads names into rules. `id` is borrowed. */
MUST_USE enum err switch_link_resolve(const char *id, const struct switch_link_config *config, struct switch_link *out,
                                      char *problem, size_t problem_cap);
const char *switch_network_name(enum switch_network network);

#endif
