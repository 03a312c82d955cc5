/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a command works with. Inside the room.
 *
 * Purpose    A context names the parts of one hsm; a call is one command under way. A handler is the domain of one command: it
 *            reads `request`, fills `reply`, and returns the error whose host_code is sent, or ERR_OK. Then the verdict decides:
 *            00 is sent for a match, and 01 for a mismatch. The dispatcher has looked up the row, parsed the request, and found
 *            the LMK.
 * Ownership  The hsm owns the parts. Request and reply belong to the dispatcher, which wipes them afterwards.
 * Threading  As struct hsm: one thread.
 */
#ifndef HSM_CONTEXT_H
#define HSM_CONTEXT_H

#include "hostcmd/layout/layout.h"
#include "hsm/ask.h"
#include "hsm/config.h"

struct hsm_context {
    const struct hsm_config *config;
    const struct env *env;
    struct keys_lmk_set *lmks;
    struct hsm_keys *keys;                        /* hsm/key/keys.h */
    struct hsm_state *state;                      /* hsm/guard/state.h */
    struct hsm_guess *guess;                      /* hsm/guard/guess.h; NULL: no limit */
    struct hsm_tell *tell;                        /* hsm/trail/tell.h */
    struct hsm_observe *observe;                  /* hsm/process/observe.h */
    const struct hostcmd_layout *layout;          /* of scheme 5 */
    const struct cvv_window_algorithm *algorithm; /* that makes the codes of scheme 5 */
};

/* Answers one command, its code in front and without a header: NK sends the commands of its chain back to the dispatcher. */
struct hsm_dispatch {
    void (*answer)(void *dispatcher, const struct hsm_client *client, struct span command, struct buf *out);
    void *dispatcher;
};

struct hsm_call {
    const struct hostcmd_row *row;
    const struct hsm_client *client;
    uint8_t lmk;                                 /* identifier in force: %NN or the default of the client; loaded */
    bool lmk_given;                              /* %NN was sent */
    bool authorised;                             /* the LMK is in authorised state */
    const struct hostcmd_attributes *attributes; /* `#` fields; NULL: none */
    struct hostcmd_changes changes;              /* `&` and `!` */
    const struct hsm_prepared *prepared;         /* hsm/commands/prepared.h; NULL: nothing was computed ahead */
    struct hsm_dispatch dispatch;
    const void *request;  /* struct hostcmd_xx */
    void *reply;          /* struct hostcmd_xx_reply, zeroed */
    enum verdict verdict; /* VERDICT_MATCH, unless the handler found a mismatch */
    bool idle;            /* the handler found that there was nothing to do */
};

typedef enum err (*hsm_handler)(const struct hsm_context *context, struct hsm_call *call);

#endif
