/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/des_batch.h"
#include "cvv/cvv.h"
#include "tool/calc/calc.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum err tool_calc_create(struct tool_calc **out)
{
    struct secret_pages pages;
    TRY(secret_pages_create(sizeof(struct tool_calc), &pages));
    struct tool_calc *c = pages.at;
    c->pages = pages;
    c->text = buf_over(c->room, sizeof c->room);
    c->prefix = "";
    *out = c;
    return ERR_OK;
}

void tool_calc_destroy(struct tool_calc *calc)
{
    struct secret_pages pages = calc->pages;
    secret_pages_destroy(&pages);
}

/* Opens a step whose value is then put into the text. */
static struct tool_calc_step *begin(struct tool_calc *c, const char *number, const char *name, const char *how)
{
    if (c->err == ERR_OK && c->count == TOOL_CALC_STEPS)
        c->err = ERR_MEMORY;
    if (c->err != ERR_OK)
        return NULL;
    struct tool_calc_step *step = &c->step[c->count++];
    *step = (struct tool_calc_step){.name = name, .how = how, .at = c->text.len};
    (void)snprintf(step->number, sizeof step->number, "%s%s", c->prefix, number);
    return step;
}

static void end(struct tool_calc *c, struct tool_calc_step *step)
{
    step->len = c->text.len - step->at;
    if (buf_done(&c->text) != ERR_OK)
        c->err = ERR_MEMORY;
}

void tool_calc_text(struct tool_calc *c, const char *number, const char *name, const char *how, struct span value)
{
    struct tool_calc_step *step = begin(c, number, name, how);
    if (!step)
        return;
    buf_put_span(&c->text, value);
    end(c, step);
}

void tool_calc_hex(struct tool_calc *c, const char *number, const char *name, const char *how, struct span value)
{
    struct tool_calc_step *step = begin(c, number, name, how);
    if (!step)
        return;
    buf_put_hex(&c->text, value.at, value.len);
    end(c, step);
}

/* DES decrypts with the round keys in the other order. */
static void turn_round(struct crypto_des_batch_key *key)
{
    enum { LAST = CRYPTO_DES_BATCH_ROUNDS - 1 };
    uint64_t kept[CRYPTO_DES_BATCH_ROUND_BITS];
    for (int i = 0; i < CRYPTO_DES_BATCH_ROUNDS / 2; i++) {
        memcpy(kept, key->mask[0][i], sizeof kept);
        memcpy(key->mask[0][i], key->mask[0][LAST - i], sizeof kept);
        memcpy(key->mask[0][LAST - i], kept, sizeof kept);
    }
    secret_wipe(kept, sizeof kept);
}

static void run_des(const struct crypto_des_batch_key *key, uint8_t block[static TOOL_CALC_BLOCK])
{
    uint64_t number = 0;
    for (int i = 0; i < TOOL_CALC_BLOCK; i++)
        number = number << 8 | block[i];
    crypto_des_batch_encrypt(crypto_des_kernel_best(), key, &number, &number, 1);
    for (int i = TOOL_CALC_BLOCK; i-- > 0; number >>= 8)
        block[i] = (uint8_t)number;
}

/* By the circuits of crypto/des_batch: the product's functions ask the cipher library, and neither hides a fault of the other. */
void tool_calc_des(struct tool_calc *c, const char *number, const char *name, const char *how, struct tool_calc_des des,
                   uint8_t block[static 8])
{
    SECRET_KEY key = {.len = TOOL_CALC_BLOCK};
    struct crypto_des_batch_key loaded = {0};
    if (c->err != ERR_OK)
        return;
    memcpy(key.at, des.key, TOOL_CALC_BLOCK);
    c->err = crypto_des_batch_load(&key, &loaded);
    if (c->err == ERR_OK && des.decrypt)
        turn_round(&loaded);
    if (c->err == ERR_OK)
        run_des(&loaded, block);
    crypto_des_batch_unload(&loaded);
    tool_calc_hex(c, number, name, how, span_of(block, TOOL_CALC_BLOCK));
}

void tool_calc_ede(struct tool_calc *c, const char *number, const char *name, const uint8_t pair[static 16], bool decrypt,
                   uint8_t block[static 8])
{
    static const char *const how[2][3] = {
        {"DES-encrypt with the left half", "DES-decrypt with the right half", "DES-encrypt with the left half"},
        {"DES-decrypt with the left half", "DES-encrypt with the right half", "DES-decrypt with the left half"},
    };
    for (int i = 0; i < 3; i++) {
        char own[TOOL_CALC_NUMBER];
        (void)snprintf(own, sizeof own, "%s.%d", number, i + 1);
        const struct tool_calc_des des = {pair + (i == 1 ? TOOL_CALC_BLOCK : 0), (i == 1) != decrypt};
        tool_calc_des(c, own, i == 2 ? name : "", how[decrypt][i], des, block);
    }
}

static size_t pass(struct span block, bool letters, char *out)
{
    size_t made = 0;
    for (size_t i = 0; i < 2 * block.len; i++) {
        unsigned nibble = i % 2 == 0 ? block.at[i / 2] >> 4 : block.at[i / 2] & 15u;
        if ((nibble > 9) == letters)
            out[made++] = (char)('0' + nibble - (letters ? 10 : 0));
    }
    return made;
}

void tool_calc_decimalise(struct tool_calc *c, const char *number, struct span block, char *out)
{
    char own[3][TOOL_CALC_NUMBER];
    for (int i = 0; i < 3; i++)
        (void)snprintf(own[i], sizeof own[i], "%s.%d", number, i + 1);
    size_t decimals = pass(block, false, out);
    size_t letters = pass(block, true, out + decimals);
    tool_calc_text(c, own[0], "", "first pass: 0 to 9 from left to right", span_of(out, decimals));
    tool_calc_text(c, own[1], "", "second pass: A to F from left to right, less 10", span_of(out + decimals, letters));
    tool_calc_text(c, own[2], "digits", "both passes", span_of(out, decimals + letters));
}

void tool_calc_overlay(struct tool_calc *c, uint64_t number, char out[static 4])
{
    char text[24], real[4];
    int len = snprintf(text, sizeof text, "0000%" PRIu64, number);
    memcpy(out, text + len - 4, 4);
    cvv_overlay(number, real);
    tool_calc_agree(c, ERR_OK, out, real, sizeof real);
}

void tool_calc_result(struct tool_calc *c, struct span value)
{
    struct buf out = buf_over(c->result, sizeof c->result);
    buf_put_span(&out, value);
    (void)buf_text(&out);
    if (c->err == ERR_OK)
        c->err = buf_done(&out);
}

void tool_calc_agree(struct tool_calc *c, enum err err, const void *steps, const void *product, size_t len)
{
    if (c->err != ERR_OK)
        return;
    c->err = err;
    c->differs |= err == ERR_OK && !secret_equal(steps, product, len);
}
