/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a handler sees. Inside the room.
 *
 * Purpose    A handler is the domain of one command: it reads `request`, fills `reply`, and returns what goes over the wire: ERR_OK
 *            (00), ERR_VERIFY_FAILED (01), or another error whose host_code is sent. The dispatcher has looked up, parsed, chosen
 *            and found the LMK. Handlers are listed in hsm/commands/table.c.
 * Ownership  Request and reply belong to the dispatcher, which wipes them afterwards.
 * Threading  As struct hsm: one thread.
 */
#ifndef HSM_CONTEXT_H
#define HSM_CONTEXT_H

#include "hostcmd/layout.h"
#include "hsm/hsm.h"
#include "keys/cache.h"

struct hsm_keys; /* LMKs, resolved keys: key_resolve.c */

struct hsm_call {
    const struct hostcmd_row *row;
    const struct hsm_client *client;
    uint8_t lmk;                                 /* identifier in force: %NN or the default of the client; loaded */
    bool lmk_given;                              /* %NN was sent */
    bool authorised;                             /* the LMK is in authorised state */
    const struct hostcmd_attributes *attributes; /* `#` fields; NULL: none */
    struct hostcmd_changes changes;              /* `&` and `!` */
    const struct hsm_prepared *prepared;         /* hsm/commands/ahead.h; NULL: nothing was worked out ahead */
    const void *request;                         /* struct hostcmd_xx */
    void *reply;                                 /* struct hostcmd_xx_reply, zeroed */
};

typedef enum err (*hsm_handler)(struct hsm *hsm, struct hsm_call *call);

/* NULL: not built yet, answers 68. */
hsm_handler hsm_handler_of(enum hostcmd_id id);

const struct env *hsm_env(const struct hsm *hsm);
struct hsm_keys *hsm_keys(struct hsm *hsm);
const struct hsm_policy *hsm_policy(const struct hsm *hsm); /* hsm/guard/policy.h */
uint32_t hsm_policy_version(const struct hsm *hsm);         /* one more with each change of it */
/* Into the log and the audit trail: what officers and operators do. */
void hsm_tell(struct hsm *hsm, enum log_level level, const char *event, const struct log_field *field, size_t count);
#define HSM_TELL(hsm_, level_, event_, ...)                                       \
    hsm_tell((hsm_), (level_), (event_), (const struct log_field[]){__VA_ARGS__}, \
             sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field))
struct hsm_state *hsm_state(struct hsm *hsm);
struct hsm_observe *hsm_observe(struct hsm *hsm); /* hsm/process/observe.h */
struct hsm_guess *hsm_guess(struct hsm *hsm);     /* hsm/guard/guess.h; NULL: no limit */
const struct hsm_config *hsm_config(const struct hsm *hsm);
/* How scheme 5 is laid out, and what makes its codes. */
const struct hostcmd_layout *hsm_layout(const struct hsm *hsm);
const struct cvv_window_algorithm *hsm_window_algorithm(const struct hsm *hsm);

/* In hardened mode: whether officers have authorised what the command does, under this LMK. */
bool hsm_authorised(struct hsm *hsm, const struct hsm_call *call, uint8_t lmk);
/* The same for another activity than that of the row: what a command does besides. */
bool hsm_authorised_for(struct hsm *hsm, uint8_t lmk, enum hostcmd_activity activity, struct span type);

/* One command with its code in front, without a header: what NK chains, and what hsm_answer does after the header. */
void hsm_answer_command(struct hsm *hsm, const struct hsm_client *client, struct span command, struct buf *out);

/* handlers_codes.c, handlers_keys.c, handlers_exchange.c, handlers_status.c: hsm_handle_cw ... */
#define HSM_HANDLER(id_, name_) enum err hsm_handle_##name_(struct hsm *hsm, struct hsm_call *call);
HOSTCMD_LIST(HSM_HANDLER)
#undef HSM_HANDLER

/* key_resolve.c: the LMKs and their check values. `test` loads the public test set. */
enum err hsm_keys_create(const struct hsm_config *config, struct hsm_keys **out);
void hsm_keys_destroy(struct hsm_keys *keys);
/* Forgets every unwrapped key: at each change of LMKs or state. */
void hsm_keys_flush(struct hsm_keys *keys);
bool hsm_keys_loaded(const struct hsm_keys *keys, uint8_t lmk);
struct keys_cache_counters hsm_keys_cache_counters(const struct hsm_keys *keys);
/* The 16H check value NC reports. */
void hsm_keys_check_value(const struct hsm_keys *keys, uint8_t lmk, char out[static 16]);

#endif
