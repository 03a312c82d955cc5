/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The switch in one process: virtual clock, an HSM that is a function, a ledger with the real writer thread.
 *
 * Codes      The right code of a question is sim_code(); the fake HSM compares with it. It can drop, reorder and refuse.
 * Failure    Anything unexpected ends the program.
 */
#ifndef SUPPORT_SIM_H
#define SUPPORT_SIM_H

#include "support/rng.h"
#include "support/stores.h"

#include "hostcmd/client.h"
#include "iso8583/layout.h"
#include "ledger/ledger.h"
#include "store/writer.h"
#include "switch/plan.h"
#include "switch/switch.h"

enum { SIM_CARDS = 6, SIM_REQUESTS = 4096, SIM_FRAME = 256 };
/* Cards 0..2 one_time, 3 static, 4 time_window with a parallel plan, 5 time_window with a sequential one on the account of 4. */

enum { SIM_HSMS = 2 };
struct sim_question {
    size_t endpoint;
    uint8_t at[16];
    size_t len;
};
struct sim_request {
    uint8_t frame[SIM_FRAME], answer[SIM_FRAME];
    size_t frame_len, answer_len;
    unsigned answers;
};

struct sim {
    struct rng_world world;
    struct env env, writer_env;
    struct log log;
    struct stores_fixture f;
    struct store_reader *reader;
    struct store_writer *writer;
    struct hostcmd_client *hsm;
    struct crypto_vault *vault;
    struct switch_link link;
    struct switch_core *core;
    struct sim_question waiting[8192]; /* answers of the HSM on their way */
    size_t waiting_count;
    unsigned drop_percent, refuse_percent;
    bool reorder;
    bool limited;        /* every card has reached the limit of the HSMs: 39 */
    bool deaf[SIM_HSMS]; /* hears nothing, answers nothing */
    unsigned asked[SIM_HSMS];
    struct sim_request request[SIM_REQUESTS];
    size_t count;
    unsigned silent; /* frames that got no answer */
};

void sim_open(struct sim *sim, uint64_t seed);
/* Each HSM takes only `window` questions at a time. */
void sim_open_narrow(struct sim *sim, uint64_t seed, uint32_t window);
/* Two nodes over one store. `second` is closed first. */
void sim_open_pair(struct sim *first, struct sim *second, const struct stores_driver *driver);
void sim_close(struct sim *sim);
/* The same switch with another link. */
void sim_relink(struct sim *sim, void (*change)(struct switch_link_config *link));
uint32_t sim_draw(struct sim *sim, uint32_t bound);
void sim_code(enum switch_question question, size_t card, int64_t ref, char out[static 4]);
void sim_read(struct sim *sim, size_t card, struct ledger_full_card *out);
/* The row of an authorisation. Its numbers may be those of another one, so its terminal says which. */
bool sim_row_of(struct sim *sim, const struct iso8583_message *m, struct ledger_original *out);
/* A display by the issuer: the next counter becomes active. */
void sim_display(struct sim *sim, size_t card);
/* 0100 of a card; `serial` makes the message. */
void sim_authorise(struct iso8583_message *m, size_t card, uint64_t serial, int64_t amount, const char *code);
/* Hands a message to the switch; its number. */
size_t sim_send(struct sim *sim, const struct iso8583_message *m);
void sim_answer(const struct sim *sim, size_t request, struct iso8583_message *out);
/* One turn, and what the HSM has to say. */
void sim_turn(struct sim *sim);
/* Turns until nothing is under way; the clock runs on so that deadlines come. */
void sim_settle(struct sim *sim);

#endif
