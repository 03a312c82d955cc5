/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Switches, an issuer and an HSM as real processes over one ledger in a directory of their own, for tests and benches.
 *
 * Failure    Whatever goes wrong is printed and ends the program with status 1; the processes die with it.
 * Keys       Public test keys under the public test LMK: the frames of the host command pages.
 */
#ifndef SUPPORT_LAB_H
#define SUPPORT_LAB_H

#include "crypto/vault.h"
#include "iso8583/layout.h"
#include "iso8583/profile.h"
#include "ledger/ledger.h"

#include <sys/types.h>

enum { LAB_VISA, LAB_EFTPOS, LAB_GENERIC, LAB_LINKS };
enum { LAB_NODES_MAX = 2 };
#define LAB_CVK "U9B4934384B19946B040CD702B4D58145"
#define LAB_MK "UB68E039974B21519E5E2226866C4D3A0"
#define LAB_EXPIRY "2912"
#define LAB_ISSUER "LAB0000001"
#define LAB_API_KEY "the-key-of-the-app-of-the-lab"

struct lab {
    char dir[64];
    char url[256];
    const char *switch_binary;
    const char *layout; /* NULL, or "site.layout" after lab_layout */
    size_t nodes;       /* switches over the one ledger: 1, or set to 2 before lab_switch_start */
    uint16_t hsm_port, admin_port[LAB_NODES_MAX], port[LAB_NODES_MAX][LAB_LINKS];
    uint16_t issuer_port, issuer_admin_port;
    pid_t hsm, issuer, process[LAB_NODES_MAX];
    struct log log;
    struct env env;
    struct store *store;
    struct crypto_vault *vault;
    struct arena arena;
};

/* Directory, keys, vault, empty ledger; no process yet. `binary` NULL: build/countersign. `url` NULL: SQLite in the directory. */
void lab_open(struct lab *lab, const char *binary, const char *url);
/* Scheme 5 by this profile, for HSM and switches that start from now on. */
void lab_layout(struct lab *lab, const char *text);
void lab_hsm_start(struct lab *lab);
void lab_hsm_stop(struct lab *lab);
void lab_switch_start(struct lab *lab);
/* One node whose process is gone. */
void lab_switch_again(struct lab *lab, size_t node);
/* The issuer that shows the codes of all cards to whoever sends LAB_API_KEY; it waits for no switch. */
void lab_issuer_start(struct lab *lab);
/* Until the readiness page of this admin port says 200. */
void lab_wait_ready(uint16_t admin_port);
/* SIGTERM; true if all switches ended with status 0. */
bool lab_switch_stop(struct lab *lab);
void lab_close(struct lab *lab);

/* ---- for the lab's own files ---- */

uint16_t lab_free_port(const struct lab *lab);
void lab_file_write(const struct lab *lab, const char *name, const char *text);
pid_t lab_spawn(const struct lab *lab, const char *log_name, char *const argv[]);

/* ---- the ledger ---- */

/* one_time: 300 s, 3 tries, static off. time_window: TWU 1, static allowed. */
struct ledger_product lab_product(const char *id, enum ledger_mode mode);
/* An issuer with one range; that of the lab's cards, LAB0000001, has all numbers. */
void lab_enrol(struct lab *lab, const char *issuer_id, const char *range, const char *timezone);
void lab_put_product(struct lab *lab, const struct ledger_product *product);
/* Card and account `n` with a PAN of its own, expiry 2912, balance in minor units. */
void lab_put_cards(struct lab *lab, const char *product, size_t first, size_t count, int64_t balance);
void lab_pan(size_t n, char out[static 17]);
/* As a display: the code of counter `issue_n` becomes the active one. */
void lab_issue(struct lab *lab, size_t n, int64_t issue_n, int64_t life_ms);
/* The same for many cards in one transaction; each gets counter 1. */
void lab_issue_many(struct lab *lab, size_t first, size_t count);
void lab_read(struct lab *lab, size_t n, struct ledger_full_card *out);
/* Changes card or code row as an operator would. */
void lab_status(struct lab *lab, size_t n, enum ledger_card_status status);
void lab_code_write(struct lab *lab, const struct ledger_code *before, const struct ledger_code *after);

/* ---- codes, asked of the HSM ---- */

void lab_code_static(struct lab *lab, size_t n, char out[static 4]);
void lab_code_one_time(struct lab *lab, size_t n, int64_t issue_n, char out[static 4]);
void lab_code_window(struct lab *lab, size_t n, int64_t at_ms, char out[static 4]);
/* Codes of many cards, counter 1 (or the static code), pipelined; three digits each without zero. */
void lab_codes_many(struct lab *lab, size_t first, size_t count, bool one_time, char *out);

/* ---- messages ---- */

const struct iso8583_profile *lab_profile(int link);
/* 0100 of card `n` with everything a merchant sends; trace makes it unique. */
void lab_request(struct iso8583_message *m, int link, size_t n, uint64_t trace, int64_t amount, const char *code);
size_t lab_frame(int link, const struct iso8583_message *m, uint8_t *out, size_t cap);
int lab_connect(const struct lab *lab, size_t node, int link);
/* -1: nobody listens. */
int lab_connect_port(uint16_t port);
void lab_send(int fd, const void *payload, size_t len);
/* False: the peer closed, or nothing came for `wait_ms`. */
bool lab_receive(int fd, int wait_ms, uint8_t *out, size_t cap, size_t *len);
/* Sends and waits for the answer. */
void lab_call(const struct lab *lab, int link, const struct iso8583_message *request, struct iso8583_message *answer);

/* ---- load: frames over several connections, deep in flight ---- */

struct lab_load {
    int link;
    size_t connections;
    size_t window; /* in flight on each */
    size_t count;
    /* Writes frame `i`; its answer's STAN and RRN say nothing: answers are told apart by DE37, which is `i`. */
    size_t (*frame)(void *context, size_t i, uint8_t *out, size_t cap);
    void (*answer)(void *context, size_t i, const struct iso8583_message *answer);
    void *context;
};
/* Runs it to the end over all nodes in turn; nanoseconds it took. */
int64_t lab_load_run(const struct lab *lab, const struct lab_load *load);

#endif
