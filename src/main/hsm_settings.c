/* SPDX-License-Identifier: Apache-2.0 */
#include "main/hsm_settings.h"
#include "main/services.h"

/* clang-format off */
static const struct config_row settings_rows[] = {
    /* host port */
    {"hsm", "listen", "ADDR:PORT of the host commands over plain TCP; empty: none", CONFIG_TEXT,
     CONFIG_MEMBER(struct hsm_settings, listen), .initial = "127.0.0.1:1500"},
    {"hsm", "tls_listen", "ADDR or ADDR:PORT (2500) of the host commands over TLS; empty: none", CONFIG_TEXT,
     CONFIG_MEMBER(struct hsm_settings, tls_listen), .initial = ""},
    {"hsm", "tls_certificate", "PEM file: the HSM's certificate, then its chain", CONFIG_TEXT,
     CONFIG_MEMBER(struct hsm_settings, tls_certificate), .initial = ""},
    {"hsm", "tls_key", "PEM file of its private key, closed to others", CONFIG_TEXT, CONFIG_MEMBER(struct hsm_settings, tls_key),
     .initial = ""},
    {"hsm", "tls_ca", "PEM file: authorities whose clients may connect", CONFIG_TEXT, CONFIG_MEMBER(struct hsm_settings, tls_ca),
     .initial = ""},
    {"hsm", "tls_crl", "PEM file: revocation lists of all of them; empty: none is asked for", CONFIG_TEXT,
     CONFIG_MEMBER(struct hsm_settings, tls_crl), .initial = ""},
    {"hsm", "admin", "ADDR:PORT of /healthz /readyz /metrics; empty: none", CONFIG_TEXT, CONFIG_MEMBER(struct hsm_settings, admin),
     .initial = ""},
    {"hsm", "header", "bytes in front of each command that are echoed", CONFIG_INTEGER, CONFIG_MEMBER(struct hsm_settings, header),
     0, 255, "4"},
    {"hsm", "connections", "largest number of connections of each port", CONFIG_INTEGER,
     CONFIG_MEMBER(struct hsm_settings, connections), 1, 4096, "1024"},
    {"hsm", "lmk", "LMK identifier where a command names none", CONFIG_INTEGER,
     CONFIG_MEMBER(struct hsm_settings, lmk), 0, 99, "0"},
    {"hsm", "lmk_ports", "further plain ports with an LMK of their own, at the address of hsm.listen: 1501=00,1502=01", CONFIG_TEXT,
     CONFIG_MEMBER(struct hsm_settings, lmk_ports), .initial = ""},
    {"hsm", "layout", "layout profile of scheme 5: a file, or countersign-5", CONFIG_TEXT,
     CONFIG_MEMBER(struct hsm_settings, layout), .initial = "countersign-5"},
    {"hsm", "serial", "serial number that JK, J2 and J4 tell: 12 characters; empty: CS0000000000", CONFIG_TEXT,
     CONFIG_MEMBER(struct hsm_settings, serial), .initial = ""},
    /* keys and authority */
    {"hsm", "test_lmk", "load the public test LMKs", CONFIG_BOOL, CONFIG_MEMBER(struct hsm_settings, test_lmk), .initial = "false"},
    {"hsm", "lmk_store", "file of the LMKs, from `countersign-hsm lmk create`; empty: none", CONFIG_TEXT,
     CONFIG_MEMBER(struct hsm_settings, lmk_store), .initial = ""},
    {"hsm", "console", "socket where officers load LMKs and change states (`countersign-hsm lmk`); empty: none", CONFIG_TEXT,
     CONFIG_MEMBER(struct hsm_settings, console), .initial = ""},
    {"hsm", "test_lmk_old", "with test_lmk: load old ones beside them, which BW translates from", CONFIG_BOOL,
     CONFIG_MEMBER(struct hsm_settings, test_lmk_old), .initial = "false"},
    {"hsm", "user_storage", "file of the keys that commands name K000 to KFFF, a line each: INDEX LMK KEY; empty: none",
     CONFIG_TEXT, CONFIG_MEMBER(struct hsm_settings, user_storage), .initial = ""},
    {"hsm", "storage_size", "entries of user storage; an index beyond answers 21", CONFIG_INTEGER,
     CONFIG_MEMBER(struct hsm_settings, storage_size), 1, 4096, "256"},
    {"hsm", "authorise_officers", "officers that must agree to going online and to an activity", CONFIG_INTEGER,
     CONFIG_MEMBER(struct hsm_settings, authorise_officers), 1, 9, "2"},
    {"hsm", "credentials", "FOLDER with passphrases in files officer-1, officer-2 ... for unattended starts; empty: officers load",
     CONFIG_TEXT, CONFIG_MEMBER(struct hsm_settings, credentials), .initial = ""},
    {"hsm", "passphrase_fd", "descriptor with lines `OFFICER PASSPHRASE` for unattended starts; -1: none", CONFIG_INTEGER,
     CONFIG_MEMBER(struct hsm_settings, passphrase_fd), -1, 1023, "-1"},
    {"hsm", "authorised", "authorised state: PM tells the expected code (compatibility mode)", CONFIG_BOOL,
     CONFIG_MEMBER(struct hsm_settings, authorised), .initial = "false"},
    {"hsm", "disabled", "commands that answer 68, separated by commas: AS,A0", CONFIG_TEXT,
     CONFIG_MEMBER(struct hsm_settings, disabled), .initial = ""},
    /* the process */
    {"hsm", "secret_memory", "MiB set aside for keys, codes and the cipher library; locked as it is used", CONFIG_INTEGER,
     CONFIG_MEMBER(struct hsm_settings, secret_memory), 4, 4096, "32"},
    {"hsm", "secretmem", "take it from memfd_secret(2) where the kernel has it; false: locked pages", CONFIG_BOOL,
     CONFIG_MEMBER(struct hsm_settings, secretmem), .initial = "true"},
    {"hsm", "sandbox", "admit only the system calls and folders that are needed after the start; false: for debuggers", CONFIG_BOOL,
     CONFIG_MEMBER(struct hsm_settings, sandbox), .initial = "true"},
};
/* clang-format on */
const struct config_table main_hsm_settings = {settings_rows, sizeof settings_rows / sizeof settings_rows[0]};

const struct command_option main_hsm_options[MAIN_HSM_OPTIONS] = {
    {"test-lmk", NULL, "load the public test LMKs: NOT FOR PRODUCTION", "hsm.test_lmk=true"},
    {"listen", "ADDR:PORT", "host commands (default 127.0.0.1:1500; port 0: any free one)", "hsm.listen="},
    {"header", "N", "bytes echoed in front of each command, 0..255 (default 4)", "hsm.header="},
    {"admin", "ADDR:PORT", "serve /healthz /readyz /metrics", "hsm.admin="},
};
