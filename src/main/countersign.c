/* SPDX-License-Identifier: Apache-2.0 */
/* The dispatcher: `countersign SUBCOMMAND ...`. */
#include "card/error.h"
#include "crypto/error.h"
#include "hostcmd/error.h"
#include "http/error.h"
#include "issuer/error.h"
#include "keys/error.h"
#include "ledger/error.h"
#include "main/services.h"
#include "store/error.h"
#include "wire/error.h"

#include <stdio.h>
#include <string.h>

/* Those of `keys` are answers of the HSM; nothing else of that room is linked here. */
const struct err_table *const err_tables[] = {
    &err_general,  &card_errors,   &crypto_errors, &wire_errors,   &keys_errors, &hostcmd_errors,
    &store_errors, &ledger_errors, &http_errors,   &issuer_errors, NULL};

static const struct subcommand {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *doc;
} subcommands[] = {
#define ROW(name_, main_, doc_) {#name_, main_, doc_},
    MAIN_SERVICES(ROW)
#undef ROW
};
#define SUBCOMMAND_COUNT (sizeof subcommands / sizeof subcommands[0])

static void usage(FILE *out)
{
    (void)fputs("usage: countersign SUBCOMMAND [--help] ...\n       countersign --version\n\n", out);
    for (size_t i = 0; i < SUBCOMMAND_COUNT; i++)
        (void)fprintf(out, "  %-9s %s\n", subcommands[i].name, subcommands[i].doc);
    (void)fputs("\nThe key holder is a program of its own: countersign-hsm --help\n", out);
}

int main(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";
    if (strcmp(word, "--version") == 0) {
        (void)puts("countersign " COUNTERSIGN_VERSION);
        return 0;
    }
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0) {
        usage(stdout);
        return 0;
    }
    for (size_t i = 0; i < SUBCOMMAND_COUNT; i++)
        if (strcmp(word, subcommands[i].name) == 0)
            return subcommands[i].run(argc - 1, argv + 1);
    if (*word)
        (void)fprintf(stderr, "countersign: there is no subcommand '%s'\n", word);
    usage(stderr);
    return 2;
}
