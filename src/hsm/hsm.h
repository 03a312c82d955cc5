/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key holder: answers payShield host commands.
 *
 * Purpose    One frame in, one reply out: look up the row, parse, choose the LMK, call the handler, build. hsm_serve puts it behind
 *            a TCP port. LMKs stand in locked pages; nothing clear leaves this process.
 * Ownership  An hsm owns its keys and scratch; hsm_destroy wipes them.
 * Threading  One thread.
 * Failure    Rubbish gets an error code of host-commands.md 11. Only a payload shorter than header and command gives ERR_FRAME: the
 *            connection is closed and nothing is answered.
 *            A layout profile whose algorithm is not known: ERR_CONFIG from hsm_create.
 * Limits     LEN up to 32,768 bytes; the commands of hostcmd/commands.h, all others answer 68.
 */
#ifndef HSM_HSM_H
#define HSM_HSM_H

#include "base/env.h"
#include "net/net.h"

struct hsm;
struct hostcmd_profile;

enum { HSM_REPLY_MAX = 32768 + 2, HSM_LMK_COUNT = 100 };

struct hsm_config {
    const struct env *env;
    uint8_t header;           /* m: bytes echoed in front of every command */
    uint8_t lmk;              /* identifier used where no %NN is given and no client says otherwise */
    uint16_t sockets;         /* what NO reports */
    bool test_lmk;            /* loads the public test LMKs: variant as 00, key block as 01 */
    bool test_lmk_old;        /* with them their old partners, for BW */
    const char *user_storage; /* file of hsm/key/storage.h, read by hsm_storage_reload; NULL or empty: none */
    size_t storage_size;      /* its entries, up to HSM_STORAGE_MAX; 0: 256 */
    bool authorised; /* starts with every activity authorised under the test LMKs (compatibility mode: PM tells the code) */
    bool hardened;   /* host-commands.md 9 */
    const struct hsm_guess_config *guess; /* hsm/guard/guess.h; NULL: no guessing limit */
    struct hsm_audit *audit;              /* hsm/trail/audit.h, of the caller; NULL: none */
    uint64_t disabled;                    /* bit per command that answers 68, from hsm_disabled_parse */
    bool qy_service_998_only;             /* QY scheme 0 makes codes for service code 998 alone (host-commands.md 5.1) */
    const struct hostcmd_profile *layout; /* of scheme 5; copied; NULL: countersign-5 */
    const char *serial;                   /* 12 characters that JK tells; NULL: none given */
    bool console;                         /* a console is served */
    bool host_2;                          /* a second host port (TLS) is served */
};

/* "AS,A0": commands to switch off; HOSTCMD_ERR_COMMAND_DISABLED for one that is not known here. */
MUST_USE enum err hsm_disabled_parse(const char *list, uint64_t *out);

MUST_USE enum err hsm_create(const struct hsm_config *config, struct hsm **out);
void hsm_destroy(struct hsm *hsm);

/* Reads the user storage anew: at start, and whenever the file has changed. All of it is good and replaces what was, or nothing
 * changes and `problem` says line and remedy. */
MUST_USE enum err hsm_storage_reload(struct hsm *hsm, struct net_problem *problem);
/* Whether it would succeed with the file of this path. */
MUST_USE enum err hsm_storage_check(const struct hsm *hsm, const char *path, struct net_problem *problem);

/* Who asks: what the connection says of its peer. */
struct hsm_client {
    const char *name;  /* identity of its certificate; "" without one */
    uint8_t lmk;       /* identifier used where no %NN is given */
    uint64_t disabled; /* commands that it may not use, as in hsm_config */
};

/* `payload` is a frame without its length. Appends the payload of the reply. `client` NULL: nobody in particular. */
MUST_USE enum err hsm_answer(struct hsm *hsm, const struct hsm_client *client, struct span payload, struct buf *reply);

/*
 * The commands that have arrived together, each answered in its turn by hsm_answer_at, in order. The answers are those of
 * hsm_answer, byte by byte; together they cost less, because CW and CY under one key are computed at once. Asks and payloads stay
 * until the end.
 */
struct hsm_ask {
    const struct hsm_client *client; /* NULL: nobody in particular */
    struct span payload;
};
enum { HSM_ASK_MAX = 512 };
void hsm_answer_begin(struct hsm *hsm, const struct hsm_ask *ask, size_t count);
MUST_USE enum err hsm_answer_at(struct hsm *hsm, size_t i, struct buf *reply);
void hsm_answer_end(struct hsm *hsm);

struct hsm_counters {
    uint64_t commands, refused, unknown, frames_bad; /* refused: answers other than 00 and 01 */
    uint64_t together;                               /* codes computed between hsm_answer_begin and hsm_answer_end */
};
struct hsm_counters hsm_counters(const struct hsm *hsm);
/* The counters as metrics. */
void hsm_metrics(void *hsm, struct buf *out);

struct hsm_serve_config {
    const char *listen;
    uint32_t connections;
    const struct net_tls_config *tls; /* NULL: plain TCP */
    const uint8_t *lmk;               /* default identifier of this port; NULL: that of the hsm */
};
MUST_USE enum err hsm_serve(struct hsm *hsm, struct net_loop *loop, const struct hsm_serve_config *config, struct net_server **out,
                            struct net_problem *problem);

#endif
