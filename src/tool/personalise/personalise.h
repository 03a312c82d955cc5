/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Personalisation: the parts of `countersign-hsm batch`.
 *
 * Purpose    Cards from CSV or JSON lines become codes, encrypted to a recipient chunk by chunk. What is done is durable chunk by
 *            chunk, so a run that was interrupted, or killed, goes on where it stood: no record twice, none missing.
 * Ownership  hsm_batch_* structs are parts of one run; card numbers, keys and codes stand in its secret pages.
 * Threading  The main thread; a signal sets a flag that is looked at between records.
 * Failure    Functions that return enum err have told the user what, where and what to do.
 * Limits     HSM_BATCH_CHUNK_MAX records a chunk, one line of output each chunk.
 */
#ifndef MAIN_HSM_BATCH_H
#define MAIN_HSM_BATCH_H

#include "card/order.h"
#include "crypto/des_batch.h"
#include "crypto/digest.h"
#include "crypto/jwe_rsa.h"
#include "cvv/batch.h"
#include "tool/tool.h"

#include <signal.h>

enum { HSM_BATCH_KINDS = 3, HSM_BATCH_CHUNK = 1000, HSM_BATCH_CHUNK_MAX = 5000, HSM_BATCH_READ = 1 << 20, HSM_BATCH_RECORD = 200 };
enum hsm_batch_kind { HSM_BATCH_CVV, HSM_BATCH_CVV2, HSM_BATCH_ICVV };
enum { HSM_BATCH_BAD_LINES = 3, HSM_BATCH_STOPPED = 4 }; /* exit statuses */

struct hsm_batch_options {
    const char *key[HSM_BATCH_KINDS]; /* KEY texts; NULL: this kind is not made */
    char service[4];                  /* of CVV where the record has none; "": none */
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

int hsm_batch_run(const struct hsm_batch_options *o);
int hsm_batch_fail(int status, const char *what, const char *why);

/* ---- keys ---- */

struct hsm_batch_keys {
    struct crypto_des_batch_key key[HSM_BATCH_KINDS];
    bool hardened;
    uint8_t state_key[CRYPTO_DIGEST_SHA256]; /* made from the clear keys: a state tells nothing of the input without the HSM */
};
/* The exit status; 0: all keys are there. */
int hsm_batch_keys_load(const struct hsm_batch_options *o, struct hsm_batch_keys *out);

/* ---- input ---- */

enum hsm_batch_line { HSM_BATCH_ORDER, HSM_BATCH_BAD, HSM_BATCH_END, HSM_BATCH_SIGNAL, HSM_BATCH_BROKEN };

struct hsm_batch_input {
    int fd;
    bool jsonl, ended, skipping;
    uint8_t *room; /* HSM_BATCH_READ bytes */
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
int hsm_batch_input_open(const struct hsm_batch_options *o, const uint8_t key[static CRYPTO_DIGEST_SHA256],
                         struct hsm_batch_input *in);
void hsm_batch_input_close(struct hsm_batch_input *in);
/* The next card, or why the line is bad; in->told is its line. Empty lines are passed over. */
enum hsm_batch_line hsm_batch_input_next(struct hsm_batch_input *in, const struct card_order_rule *rule, struct card_order *out,
                                         const char **why);
/* Steps back in front of the bad line that was told last. */
void hsm_batch_input_back(struct hsm_batch_input *in);
/* Over everything before `position`. */
MUST_USE enum err hsm_batch_input_digest(struct hsm_batch_input *in, uint8_t out[static CRYPTO_DIGEST_SHA256]);
/* Reads on to `position`. ERR_PARSE_SHORT: the input ends before it. */
MUST_USE enum err hsm_batch_input_skip(struct hsm_batch_input *in, uint64_t position, uint64_t line);

/* ---- state ---- */

struct hsm_batch_progress {
    uint64_t sequence; /* chunks that are durable */
    uint64_t input, line, output, report;
    uint64_t coded, bad, messages;
    bool done;
    uint8_t input_digest[CRYPTO_DIGEST_SHA256];
    uint8_t options_digest[CRYPTO_DIGEST_SHA256];
};

/* A file of two slots written in turn, each with a check over itself: one of them is always whole. */
struct hsm_batch_state {
    int fd;
};
enum { HSM_BATCH_SLOT = 512 };
/* OUT.state; `fresh` is false if there was one, and `progress` is what it says. ERR_BUSY: another run holds it. */
MUST_USE enum err hsm_batch_state_open(const char *path, bool create, struct hsm_batch_state *out, bool *fresh,
                                       struct hsm_batch_progress *progress);
MUST_USE enum err hsm_batch_state_write(struct hsm_batch_state *state, const struct hsm_batch_progress *progress);
void hsm_batch_state_close(struct hsm_batch_state *state);
/* Pure: one slot as bytes, and back. */
MUST_USE enum err hsm_batch_slot_build(const struct hsm_batch_progress *progress, uint8_t out[static HSM_BATCH_SLOT]);
MUST_USE enum err hsm_batch_slot_parse(struct span slot, struct hsm_batch_progress *out);

/* ---- what people see ---- */

struct hsm_batch_meter {
    const struct env *env;
    int64_t began_us, told_us;
    uint64_t before; /* records of earlier runs */
    uint64_t input_before;
    bool terminal, quiet;
};
void hsm_batch_meter_begin(struct hsm_batch_meter *meter, const struct env *env, bool quiet, const struct hsm_batch_progress *from);
/* A bar on a terminal, a line now and then elsewhere. */
void hsm_batch_meter_tell(struct hsm_batch_meter *meter, const struct hsm_batch_progress *now, uint64_t size, bool last);
/* Takes the bar away so that something else can be told. */
void hsm_batch_meter_clear(const struct hsm_batch_meter *meter);

extern volatile sig_atomic_t hsm_batch_signal;

#endif
