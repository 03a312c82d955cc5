/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The subcommands of `countersign`, and the process of `countersign-hsm`.
 *
 * Purpose    Each service is one function with its own arguments, wired in src/main/<service>*.c; argv[0] is the subcommand. All of
 *            them accept --help; the services also --config FILE [--set section.key=value].
 * Threading  The main thread, once.
 * Failure    The value is the exit status of the process: 0 after an orderly stop (SIGTERM, SIGINT, --help), 2 for a bad command
 *            line or configuration, 1 for anything else.
 */
#ifndef MAIN_SERVICES_H
#define MAIN_SERVICES_H

#include "main/command.h"
#include "sandbox/sandbox.h"

/* The subcommands of `countersign`, for its dispatcher, its --help and its man page. */
#define MAIN_SERVICES(X_)                                                                               \
    X_(issuer, main_issuer, "card products, registration and the credentials a holder is shown (REST)") \
    X_(switch, main_switch, "authorises ISO 8583 requests and consumes each code exactly once")         \
    X_(gateway, main_gateway, "the merchants' side: charges and verifications (REST)")                  \
    X_(demo, sandbox_main, "starts all of it on loopback and tells the story of a payment")

int main_hsm(int argc, char **argv);
int main_issuer(int argc, char **argv);
int main_switch(int argc, char **argv);
int main_gateway(int argc, char **argv);

/* The keys of their configuration files, for --help and the reference. */
extern const struct config_table main_issuer_settings;
extern const struct config_table main_switch_settings;
extern const struct config_table main_gateway_settings;

enum { MAIN_HSM_OPTIONS = 4 };
extern const struct command_option main_hsm_options[MAIN_HSM_OPTIONS];

#endif
