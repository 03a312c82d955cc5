/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Personalisation: the parts of `countersign-hsm batch`.
 *
 * Purpose    Cards from CSV or JSON lines become codes, encrypted to a recipient chunk by chunk. What is done is durable chunk by
 *            chunk, so a run that was interrupted, or killed, goes on where it stood: no record twice, none missing.
 * Ownership  tool_personalise_* structs are parts of one run; card numbers, keys and codes stand in its secret pages.
 * Threading  The main thread; a signal sets a flag that is looked at between records.
 * Failure    Functions that return enum err have told the user what, where and what to do.
 * Limits     TOOL_PERSONALISE_CHUNK_MAX records a chunk, one line of output each chunk.
 */
#ifndef TOOL_PERSONALISE_INTERNAL_H
#define TOOL_PERSONALISE_INTERNAL_H

#include "card/order.h"
#include "crypto/des_batch.h"
#include "crypto/jwe_rsa.h"
#include "cvv/batch.h"
#include "tool/personalise/state.h"
#include "tool/tool.h"

#include <signal.h>

enum {
    TOOL_PERSONALISE_KINDS = 3,
    TOOL_PERSONALISE_CHUNK_MAX = 5000,
    TOOL_PERSONALISE_READ = 1 << 20,
    TOOL_PERSONALISE_RECORD = 200
};
enum tool_personalise_kind { TOOL_PERSONALISE_CVV, TOOL_PERSONALISE_CVV2, TOOL_PERSONALISE_ICVV };

struct tool_personalise_options {
    const struct cli_line *line;             /* whose name stands in front of messages */
    const char *key[TOOL_PERSONALISE_KINDS]; /* KEY texts; NULL: this kind is not made */
    char service[4];                         /* of CVV where the record has none; "": none */
    enum card_expiry_order cvv2_expiry;
    struct card_order_rule rule;
    int lmk; /* -1: 00, or that of the key block */
    bool test_lmk;
    const char *config, *lmk_store;
    int passphrase_fd;
    const char *in, *out, *format, *recipient, *report;
    bool clear, resume, stop_on_error, quiet, json;
    size_t chunk;
};

int tool_personalise_run(const struct tool_personalise_options *o);

/* ---- keys ---- */

struct tool_personalise_keys {
    struct crypto_des_batch_key key[TOOL_PERSONALISE_KINDS];
    bool hardened;
    uint8_t state_key[CRYPTO_DIGEST_SHA256]; /* made from the clear keys: a state tells nothing of the input without the HSM */
};
/* The exit status; 0: all keys are there. */
int tool_personalise_keys_load(const struct tool_personalise_options *o, struct tool_personalise_keys *out);

/* ---- input ---- */

enum tool_personalise_line {
    TOOL_PERSONALISE_ORDER,
    TOOL_PERSONALISE_BAD,
    TOOL_PERSONALISE_END,
    TOOL_PERSONALISE_SIGNAL,
    TOOL_PERSONALISE_BROKEN
};

struct tool_personalise_input {
    int fd;
    bool jsonl, ended, skipping;
    uint8_t *room; /* TOOL_PERSONALISE_READ bytes */
    size_t len, at, digested;
    uint64_t position;                  /* in the input, of `at` */
    uint64_t line;                      /* number of the line that begins there, from 1 */
    uint64_t told;                      /* number of the line that was told last */
    uint64_t size;                      /* of a file; 0: a pipe */
    struct crypto_digest_stream digest; /* over what lies before `digested` */
    struct card_columns columns;
    struct card_record record;
};

/* Opens, tells CSV from JSON lines, and reads the header of a CSV file. */
int tool_personalise_input_open(const struct tool_personalise_options *o, const uint8_t key[static CRYPTO_DIGEST_SHA256],
                                struct tool_personalise_input *in);
void tool_personalise_input_close(struct tool_personalise_input *in);
/* The next card, or why the line is bad; in->told is its line. Empty lines are passed over. */
enum tool_personalise_line tool_personalise_input_next(struct tool_personalise_input *in, const struct card_order_rule *rule,
                                                       struct card_order *out, const char **why);
/* Steps back in front of the bad line that was told last. */
void tool_personalise_input_back(struct tool_personalise_input *in);
/* Over everything before `position`. */
MUST_USE enum err tool_personalise_input_digest(struct tool_personalise_input *in, uint8_t out[static CRYPTO_DIGEST_SHA256]);
/* Reads on to `position`. ERR_PARSE_SHORT: the input ends before it. */
MUST_USE enum err tool_personalise_input_skip(struct tool_personalise_input *in, uint64_t position, uint64_t line);

/* ---- what people see ---- */

struct tool_personalise_meter {
    const struct env *env;
    int64_t began_us, told_us;
    uint64_t before; /* records of earlier runs */
    uint64_t input_before;
    bool terminal, quiet;
};
void tool_personalise_meter_begin(struct tool_personalise_meter *meter, const struct env *env, bool quiet,
                                  const struct tool_personalise_progress *from);
/* A bar on a terminal, a line now and then elsewhere. */
void tool_personalise_meter_tell(struct tool_personalise_meter *meter, const struct tool_personalise_progress *now, uint64_t size,
                                 bool last);
/* Takes the bar away so that something else can be told. */
void tool_personalise_meter_clear(const struct tool_personalise_meter *meter);

extern volatile sig_atomic_t tool_personalise_signal;

#endif
