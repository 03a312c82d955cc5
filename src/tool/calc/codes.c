/* SPDX-License-Identifier: Apache-2.0 */
/* The CVV family, card keys and dynamic codes, step by step (security-codes.md 3 to 7). */
#include "crypto/des.h"
#include "crypto/mac.h"
#include "cvv/cvv.h"
#include "tool/calc/calc.h"

#include <stdio.h>
#include <string.h>

enum { NIBBLES = 32, PAIR = 16, DIGITS = 16, CODE = 3, OVERLAY = 4 };

/* ---- 3: CVV ---- */

static void agree_cvv(struct tool_calc *c, const struct tool_calc_cvv *in, const uint8_t y[static 8], const char *code)
{
    SECRET_KEY pair = {.len = PAIR};
    SECRET_CODE digits = {0};
    struct cvv_key key = {0};
    struct card_pan pan = {0};
    uint8_t block[CRYPTO_DES_BLOCK] = {0};
    memcpy(pair.at, in->pair, PAIR);
    enum err err = card_pan_parse(in->pan, CARD_ANY, &pan);
    if (err == ERR_OK)
        err = cvv_key_load(&pair, &key);
    const char *expiry = (const char *)in->expiry.at, *service = (const char *)in->service.at;
    if (err == ERR_OK)
        err = cvv_block(&key, &pan, expiry, service, block);
    if (err == ERR_OK)
        err = cvv_generate(&key, &pan, expiry, service, (uint8_t)in->digits, &digits);
    cvv_key_unload(&key);
    tool_calc_agree(c, err, y, block, sizeof block);
    tool_calc_agree(c, err, code, digits.at, in->digits);
    secret_wipe(&pan, sizeof pan);
}

void tool_calc_cvv(struct tool_calc *c, const struct tool_calc_cvv *in, char out[static 16])
{
    char data[NIBBLES];
    uint8_t packed[NIBBLES / 2], y[CRYPTO_DES_BLOCK];
    struct buf digits = buf_over(data, sizeof data);
    buf_put_span(&digits, in->pan);
    buf_put_span(&digits, in->expiry);
    buf_put_span(&digits, in->service);
    tool_calc_text(c, "1.1", "data", "PAN, expiry, service code", buf_span(&digits));
    buf_put_fill(&digits, '0', NIBBLES - digits.len);
    tool_calc_text(c, "1.2", "padded", "zeros on the right to 32 digits", buf_span(&digits));
    if (span_unhex(span_of(data, NIBBLES), packed, sizeof packed) != ERR_OK)
        c->err = ERR_PARSE_CHARACTER;
    tool_calc_hex(c, "1.3", "L", "digits 1 to 16 as packed decimal", span_of(packed, CRYPTO_DES_BLOCK));
    tool_calc_hex(c, "1.4", "R", "digits 17 to 32 as packed decimal", span_of(packed + CRYPTO_DES_BLOCK, CRYPTO_DES_BLOCK));
    memcpy(y, packed, CRYPTO_DES_BLOCK);
    tool_calc_des(c, "2", "X", "DES-encrypt(KA, L)", (struct tool_calc_des){in->pair, false}, y);
    for (int i = 0; i < CRYPTO_DES_BLOCK; i++)
        y[i] ^= packed[CRYPTO_DES_BLOCK + i];
    tool_calc_hex(c, "3.1", "", "X xor R", span_of(y, CRYPTO_DES_BLOCK));
    tool_calc_des(c, "3.2", "", "DES-encrypt(KA, X xor R)", (struct tool_calc_des){in->pair, false}, y);
    tool_calc_des(c, "3.3", "", "DES-decrypt(KB)", (struct tool_calc_des){in->pair + CRYPTO_DES_BLOCK, true}, y);
    tool_calc_des(c, "3.4", "Y", "DES-encrypt(KA): the end of EDE2", (struct tool_calc_des){in->pair, false}, y);
    tool_calc_decimalise(c, "4", span_of(y, CRYPTO_DES_BLOCK), out);
    tool_calc_text(c, "5", "code", "the leftmost digits", span_of(out, in->digits));
    agree_cvv(c, in, y, out);
    secret_wipe(data, sizeof data);
    secret_wipe(packed, sizeof packed);
    secret_wipe(y, sizeof y);
}

static struct span or_default(struct span given, bool present, const char *otherwise)
{
    return present ? given : span_text(otherwise);
}
#define OR(member_, otherwise_) or_default(WIRE_SPAN(member_), (member_).present, (otherwise_))

static void run_cvv_as(struct tool_calc *c, struct span service)
{
    char digits[DIGITS];
    uint64_t count = CODE;
    if (c->in.digits.present && (span_decimal(WIRE_SPAN(c->in.digits), &count) != ERR_OK || count < 1 || count > DIGITS))
        c->err = ERR_PARSE_VALUE;
    if (c->err != ERR_OK)
        return;
    const struct tool_calc_cvv in = {c->key.at, WIRE_SPAN(c->in.pan), WIRE_SPAN(c->in.expiry), service, (size_t)count};
    tool_calc_cvv(c, &in, digits);
    tool_calc_result(c, span_of(digits, (size_t)count));
    secret_wipe(digits, sizeof digits);
}

static void run_cvv(struct tool_calc *c)
{
    run_cvv_as(c, WIRE_SPAN(c->in.service));
}

static void run_cvv2(struct tool_calc *c)
{
    run_cvv_as(c, OR(c->in.service, CARD_SERVICE_CVV2));
}

static void run_icvv(struct tool_calc *c)
{
    run_cvv_as(c, OR(c->in.service, CARD_SERVICE_ICVV));
}

/* ---- 4: card keys ---- */

static void input_b(struct tool_calc *c, struct span all, char digits[static 2 * CRYPTO_DIGEST_SHA1])
{
    uint8_t packed[(CARD_PAN_MAX + 3) / 2], hash[CRYPTO_DIGEST_SHA1] = {0};
    enum err err = span_unhex(all, packed, sizeof packed);
    if (err == ERR_OK)
        err = crypto_digest_sha1(span_of(packed, all.len / 2), hash);
    if (c->err == ERR_OK)
        c->err = err;
    tool_calc_hex(c, "2", "hash", "SHA-1 of the digits as packed decimal", span_of(hash, sizeof hash));
    tool_calc_decimalise(c, "3", span_of(hash, sizeof hash), digits);
    secret_wipe(packed, sizeof packed);
}

static void card_input(struct tool_calc *c, bool method_b, uint8_t y[static CRYPTO_DES_BLOCK])
{
    char all[DIGITS + CARD_PAN_MAX + 3], digits[2 * CRYPTO_DIGEST_SHA1];
    struct buf text = buf_over(all, sizeof all);
    struct span pan = WIRE_SPAN(c->in.pan);
    buf_put_fill(&text, '0', method_b ? pan.len % 2 : 0);
    buf_put_span(&text, pan);
    buf_put_span(&text, OR(c->in.psn, "00"));
    tool_calc_text(c, "1", "PAN, PSN", method_b ? "a zero in front if their number is odd" : "the digits", buf_span(&text));
    if (method_b) {
        input_b(c, buf_span(&text), digits);
        memcpy(all, digits, DIGITS);
    } else {
        size_t lead = text.len < DIGITS ? DIGITS - text.len : 0;
        memmove(all + lead, all, text.len);
        memset(all, '0', lead);
        memmove(all, all + lead + text.len - DIGITS, DIGITS);
    }
    if (span_unhex(span_of(all, DIGITS), y, CRYPTO_DES_BLOCK) != ERR_OK && c->err == ERR_OK)
        c->err = ERR_PARSE_CHARACTER;
    tool_calc_hex(c, "4", "Y", method_b ? "the first 16 digits" : "the rightmost 16 digits, zeros in front",
                  span_of(y, CRYPTO_DES_BLOCK));
    secret_wipe(all, sizeof all);
    secret_wipe(digits, sizeof digits);
}

static void agree_card_key(struct tool_calc *c, const uint8_t steps[static PAIR])
{
    SECRET_KEY key = {0};
    struct crypto_des master = {0};
    struct card_pan pan = {0};
    struct span method = OR(c->in.method, "A"), psn = OR(c->in.psn, "00");
    enum err err = card_pan_parse(WIRE_SPAN(c->in.pan), CARD_ANY, &pan);
    if (err == ERR_OK)
        err = crypto_des_load(&c->key, &master);
    if (err == ERR_OK)
        err = cvv_card_key(&master, &pan, (const char *)psn.at, (enum cvv_method)method.at[0], &key);
    crypto_des_unload(&master);
    tool_calc_agree(c, err, steps, key.at, PAIR);
    secret_wipe(&pan, sizeof pan);
}

void tool_calc_card_key(struct tool_calc *c, uint8_t out[static 16])
{
    card_input(c, span_is(OR(c->in.method, "A"), "B"), out);
    for (int i = 0; i < CRYPTO_DES_BLOCK; i++)
        out[CRYPTO_DES_BLOCK + i] = (uint8_t)(out[i] ^ 0xFF);
    tool_calc_ede(c, "5", "left half", c->key.at, false, out);
    tool_calc_hex(c, "6", "Y xor FF..FF", "", span_of(out + CRYPTO_DES_BLOCK, CRYPTO_DES_BLOCK));
    tool_calc_ede(c, "7", "right half", c->key.at, false, out + CRYPTO_DES_BLOCK);
    for (int i = 0; i < PAIR; i++)
        out[i] = (uint8_t)((out[i] & 0xFE) | (__builtin_parity(out[i] & 0xFE) ^ 1));
    tool_calc_hex(c, "8", "card key", "both halves, every byte set to odd parity", span_of(out, PAIR));
    agree_card_key(c, out);
}

static void run_card_key(struct tool_calc *c)
{
    uint8_t key[PAIR] = {0};
    char hex[2 * PAIR];
    struct buf text = buf_over(hex, sizeof hex);
    tool_calc_card_key(c, key);
    buf_put_hex(&text, key, sizeof key);
    tool_calc_result(c, buf_span(&text));
    secret_wipe(key, sizeof key);
    secret_wipe(hex, sizeof hex);
}

/* ---- 5 to 7: dynamic codes ---- */

static void agree_dynamic(struct tool_calc *c, const char overlay[static OVERLAY], struct span service, const char *code)
{
    struct cvv_master master = {0};
    struct cvv_dynamic in = {.method = (enum cvv_method)OR(c->in.method, "A").at[0]};
    SECRET_CODE digits = {0};
    memcpy(in.psn, OR(c->in.psn, "00").at, sizeof in.psn);
    memcpy(in.expiry, c->in.expiry.at, sizeof in.expiry);
    memcpy(in.service, service.at, sizeof in.service);
    memcpy(in.overlay, overlay, OVERLAY);
    enum err err = card_pan_parse(WIRE_SPAN(c->in.pan), CARD_ANY, &in.pan);
    if (err == ERR_OK)
        err = cvv_master_load(&c->key, &master);
    if (err == ERR_OK)
        err = cvv_dynamic_generate(&master, &in, &digits);
    cvv_master_unload(&master);
    tool_calc_agree(c, err, code, digits.at, CODE);
    secret_wipe(&in, sizeof in);
}

/* 5: card key, PAN with its first four digits replaced, CVV over it. */
static void run_dynamic(struct tool_calc *c, const char overlay[static OVERLAY], struct span service)
{
    uint8_t key[PAIR] = {0};
    char pan[CARD_PAN_MAX], digits[DIGITS];
    c->prefix = "1.";
    tool_calc_card_key(c, key);
    c->prefix = "";
    memcpy(pan, c->in.pan.at, c->in.pan.len);
    memcpy(pan, overlay, OVERLAY);
    tool_calc_text(c, "2", "PAN'", "the first four digits replaced by the overlay", span_of(pan, c->in.pan.len));
    c->prefix = "3.";
    const struct tool_calc_cvv in = {key, span_of(pan, c->in.pan.len), WIRE_SPAN(c->in.expiry), service, CODE};
    tool_calc_cvv(c, &in, digits);
    c->prefix = "";
    agree_dynamic(c, overlay, service, digits);
    tool_calc_result(c, span_of(digits, CODE));
    secret_wipe(key, sizeof key);
    secret_wipe(pan, sizeof pan);
    secret_wipe(digits, sizeof digits);
}

static void run_counter(struct tool_calc *c, struct span service)
{
    char overlay[OVERLAY];
    uint64_t counter = 0;
    if (span_decimal(WIRE_SPAN(c->in.atc), &counter) != ERR_OK)
        c->err = ERR_PARSE_CHARACTER;
    tool_calc_overlay(c, counter, overlay);
    tool_calc_text(c, "0", "overlay", "the rightmost four decimal digits of the counter", span_of(overlay, OVERLAY));
    run_dynamic(c, overlay, service);
}

static void run_dcvv(struct tool_calc *c)
{
    run_counter(c, WIRE_SPAN(c->in.service));
}

static void run_one_time(struct tool_calc *c)
{
    run_counter(c, OR(c->in.service, CARD_SERVICE_ONE_TIME));
}

/* YYMMDDhhmm, years 2000 to 2099. */
static enum err unix_time(struct span text, int64_t *out)
{
    uint64_t part[5];
    int64_t ms = 0;
    for (size_t i = 0; i < 5; i++)
        TRY(span_decimal(span_slice(text, 2 * i, 2), &part[i]));
    const struct env_calendar at = {
        .year = 2000 + (int)part[0], .month = (int)part[1], .day = (int)part[2], .hour = (int)part[3], .minute = (int)part[4]};
    TRY(env_calendar_ms(&at, &ms));
    *out = ms / 1000;
    return ERR_OK;
}

static void step_number(struct tool_calc *c, const char *number, const char *name, const char *how, uint64_t value)
{
    char room[24];
    struct buf text = buf_over(room, sizeof room);
    buf_put_decimal(&text, value, 0);
    tool_calc_text(c, number, name, how, buf_span(&text));
}

static void run_window(struct tool_calc *c)
{
    char overlay[OVERLAY];
    uint64_t twu = 0, index = 0, real = 0;
    int64_t seconds = 0;
    c->err = unix_time(WIRE_SPAN(c->in.time), &seconds);
    if (c->err == ERR_OK)
        c->err = span_decimal(WIRE_SPAN(c->in.twu), &twu);
    if (c->err == ERR_OK && (twu < CVV_TWU_MIN || twu > CVV_TWU_MAX))
        c->err = ERR_PARSE_VALUE;
    if (c->err != ERR_OK)
        return;
    index = (uint64_t)seconds / 60 / 60 / twu;
    tool_calc_agree(c, cvv_window_index(seconds, (unsigned)twu, &real), &index, &real, sizeof real);
    tool_calc_overlay(c, index, overlay);
    step_number(c, "0.1", "unix time", "seconds of the given time, UTC", (uint64_t)seconds);
    step_number(c, "0.2", "w", "floor(unix time / (3600 x TWU))", index);
    tool_calc_text(c, "0.3", "overlay", "w modulo 10,000", span_of(overlay, OVERLAY));
    run_dynamic(c, overlay, OR(c->in.service, CARD_SERVICE_CVV2));
}

/* ---- the table ---- */

/* clang-format off */
#define IN(member_) WIRE_AT(struct tool_calc_in, member_)
#define PAN_ROW {.name = "PAN", .doc = "card number", .kind = WIRE_N, .min = 12, .max = 19, .flags = WIRE_PAN, IN(pan)}
#define EXPIRY_ROW {.name = "expiry", .doc = "as it enters the computation", .kind = WIRE_N, .min = 4, .max = 4, IN(expiry)}
#define SERVICE_ROW(doc_, flags_)                                                                                                 \
    {.name = "service code", .doc = (doc_), .kind = WIRE_N, .min = 3, .max = 3, .flags = (flags_), IN(service)}
#define DIGITS_ROW {.name = "digits", .doc = "of the code, 1 to 16 (default 3)", .kind = WIRE_N, .min = 1, .max = 2,              \
     .flags = WIRE_OPTIONAL, IN(digits)}
#define PSN_ROW {.name = "PSN", .doc = "PAN sequence number (default 00)", .kind = WIRE_N, .min = 2, .max = 2,                    \
     .flags = WIRE_OPTIONAL, IN(psn)}
#define METHOD_ROW {.name = "method", .doc = "card key derivation (default A)", .kind = WIRE_ENUM, .choices = "A|B", .min = 1,    \
     .max = 1, .flags = WIRE_OPTIONAL, IN(method)}
#define ATC_ROW(name_, doc_) {.name = (name_), .doc = (doc_), .kind = WIRE_N, .min = 1, .max = 6, IN(atc)}

static const struct wire_field cvv_fields[] = {PAN_ROW, EXPIRY_ROW, SERVICE_ROW("of the track", 0), DIGITS_ROW};
static const struct wire_field cvv2_fields[] = {PAN_ROW, EXPIRY_ROW, SERVICE_ROW("(default 000)", WIRE_OPTIONAL), DIGITS_ROW};
static const struct wire_field icvv_fields[] = {PAN_ROW, EXPIRY_ROW, SERVICE_ROW("(default 999)", WIRE_OPTIONAL), DIGITS_ROW};
static const struct wire_field cavv_fields[] = {
    PAN_ROW,
    {.name = "unpredictable number", .doc = "stands for the expiry", .kind = WIRE_N, .min = 4, .max = 4, IN(expiry)},
    {.name = "results", .doc = "authentication result code, second factor code", .kind = WIRE_N, .min = 3, .max = 3, IN(service)},
};
static const struct wire_field card_key_fields[] = {PAN_ROW, PSN_ROW, METHOD_ROW};
static const struct wire_field dcvv_fields[] = {
    PAN_ROW, EXPIRY_ROW, SERVICE_ROW("of the track", 0), ATC_ROW("ATC", "application transaction counter, decimal"), PSN_ROW,
    METHOD_ROW,
};
static const struct wire_field one_time_fields[] = {
    PAN_ROW, EXPIRY_ROW, SERVICE_ROW("(default 998)", WIRE_OPTIONAL), ATC_ROW("counter", "issuance counter"), PSN_ROW, METHOD_ROW,
};
static const struct wire_field window_fields[] = {
    PAN_ROW, EXPIRY_ROW, SERVICE_ROW("(default 000)", WIRE_OPTIONAL),
    {.name = "time", .doc = "YYMMDDhhmm, UTC", .kind = WIRE_N, .min = 10, .max = 10, IN(time)},
    {.name = "TWU", .doc = "window in whole hours, 1 to 18", .kind = WIRE_N, .min = 1, .max = 2, IN(twu)}, PSN_ROW, METHOD_ROW,
};
static const struct wire_field cvc3_fields[] = {
    PAN_ROW,
    {.name = "track 2", .doc = "D or = between, F as filler", .kind = WIRE_Z, .min = 1, .max = 64,
     .flags = WIRE_SECRET | WIRE_OPTIONAL, IN(track)},
    {.name = "first track", .doc = "track 1, in its place: B, number^name^rest", .kind = WIRE_A, .min = 1, .max = 79,
     .flags = WIRE_SECRET | WIRE_OPTIONAL, IN(track1)},
    {.name = "IVCVC3", .doc = "in place of the track", .kind = WIRE_H, .min = 4, .max = 4, .flags = WIRE_OPTIONAL, IN(iv)},
    {.name = "UN", .doc = "unpredictable number", .kind = WIRE_N, .min = 8, .max = 8, IN(unpredictable)},
    ATC_ROW("ATC", "application transaction counter, decimal, to 65535"), PSN_ROW, METHOD_ROW,
};
static const struct wire_field csc_fields[] = {
    {.name = "account", .doc = "account number, begins with 34 or 37", .kind = WIRE_N, .min = 15, .max = 19, .flags = WIRE_PAN,
     IN(account)},
    {.name = "expiry", .doc = "YYMM", .kind = WIRE_N, .min = 4, .max = 4, IN(expiry)},
    {.name = "flag", .doc = "0: version 1; 2: version 2", .kind = WIRE_ENUM, .choices = "0|2", .min = 1, .max = 1, IN(flag)},
    {.name = "service code", .doc = "with flag 2", .kind = WIRE_N, .min = 3, .max = 3,
     .when = offsetof(struct tool_calc_in, flag), .equals = "2", IN(service)},
};

#define RECORD(name_) static const struct wire_record name_##_record = WIRE_RECORD(#name_, struct tool_calc_in, name_##_fields)
RECORD(cvv);
RECORD(cvv2);
RECORD(icvv);
RECORD(cavv);
RECORD(card_key);
RECORD(dcvv);
RECORD(one_time);
RECORD(window);
RECORD(cvc3);
RECORD(csc);

const struct tool_calc_algorithm tool_calc_codes[] = {
    {"cvv", "CVV, CVC1: the code on the magnetic stripe", "3", &cvv_record, "CVK, 32H", run_cvv},
    {"cvv2", "CVV2, CVC2: the printed code", "3", &cvv2_record, "CVK, 32H", run_cvv2},
    {"icvv", "iCVV, chip CVC: the code in the chip's track image", "3", &icvv_record, "CVK, 32H", run_icvv},
    {"cavv", "CAVV: CVV with other fields", "3", &cavv_record, "CVK, 32H", run_cvv},
    {"cardkey", "card key of EMV Book 2, methods A and B", "4", &card_key_record, "master key, 32H", run_card_key},
    {"dcvv", "Visa dCVV", "5", &dcvv_record, "MK-AC, 32H", run_dcvv},
    {"otc", "one-time code: dCVV of the issuance counter", "6", &one_time_record, "MK-AC, 32H", run_one_time},
    {"window", "window code, algorithm T0", "7.4", &window_record, "MK-AC, 32H", run_window},
    {"cvc3", "Mastercard CVC3", "8", &cvc3_record, "MK-CVC3, 32H", tool_calc_cvc3},
    {"csc", "American Express CSC, UNCONFIRMED: no text of American Express describes it", "9", &csc_record, "CSCK, 32H",
     tool_calc_csc},
    {0},
};
/* clang-format on */
