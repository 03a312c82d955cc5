/* SPDX-License-Identifier: Apache-2.0 */
/* Mastercard CVC3 (security-codes.md 8) and American Express CSC (security-codes.md 9), step by step. */
#include "cvv/csc.h"
#include "cvv/cvc3.h"
#include "tool/calc/calc.h"

#include <string.h>

enum {
    PAIR = 16,
    BLOCKS = CVV_TRACK1_MAX / TOOL_CALC_BLOCK + 1,
    BLOCK_DIGITS = 2 * TOOL_CALC_BLOCK,
    CVC3_DIGITS = 5,
    NIBBLES = 32,
    EXPIRY = 4,
    TAKEN = 12
};

/* ---- 8 ---- */

/* What becomes of each character after the separator: k keeps it, 0 makes a digit zero. Behind its end all stay. */
static const char mask[] = "kkkkkkkk000kk0000000";

/* The track with what varies set to zero, as hexadecimal digits: D between, F as filler. */
static void static_track(struct span track, char out[static CVV_TRACK2_MAX])
{
    const char *rule = NULL;
    for (size_t i = 0; i < track.len; i++) {
        char c = (char)track.at[i];
        out[i] = (char)(c == '=' || c == 'd' ? 'D' : c == '?' || c == 'f' ? 'F' : c);
        bool digit = c >= '0' && c <= '9';
        if (rule && *rule == '0' && digit)
            out[i] = '0';
        if (rule)
            rule += *rule != 0;
        else if (out[i] == 'D')
            rule = mask;
    }
}

static void chain(struct tool_calc *c, const uint8_t key[static PAIR], const uint8_t *data, size_t blocks,
                  uint8_t h[static TOOL_CALC_BLOCK])
{
    static const char *const name[BLOCKS] = {"H1", "H2", "H3", "H4", "H5", "H6", "H7", "H8", "H9", "H10"};
    static const char *const number[BLOCKS] = {"2.3.1", "2.3.2", "2.3.3", "2.3.4", "2.3.5",
                                               "2.3.6", "2.3.7", "2.3.8", "2.3.9", "2.3.10"};
    memset(h, 0, TOOL_CALC_BLOCK);
    for (size_t i = 0; i < blocks; i++) {
        for (int k = 0; k < TOOL_CALC_BLOCK; k++)
            h[k] ^= data[TOOL_CALC_BLOCK * i + (size_t)k];
        tool_calc_des(c, number[i], name[i], "DES-encrypt(left half, block xor the value before)",
                      (struct tool_calc_des){key, false}, h);
    }
    tool_calc_des(c, "2.4", "", "DES-decrypt(right half)", (struct tool_calc_des){key + TOOL_CALC_BLOCK, true}, h);
    tool_calc_des(c, "2.5", "MAC", "DES-encrypt(left half): MAC algorithm 3", (struct tool_calc_des){key, false}, h);
}

/* What the MAC is taken over, as hexadecimal digits. */
static void put_iv_data(struct tool_calc *c, struct buf *out)
{
    char text[CVV_TRACK2_MAX];
    struct span track1 = WIRE_SPAN(c->in.track1), track2 = WIRE_SPAN(c->in.track);
    if (c->in.track1.present) {
        tool_calc_text(c, "2.1", "track 1", "the characters as they are", track1);
        buf_put_hex(out, track1.at, track1.len);
        return;
    }
    static_track(track2, text);
    tool_calc_text(c, "2.1", "static track 2", "what varies after the separator set to zero", span_of(text, track2.len));
    buf_put(out, text, track2.len);
    secret_wipe(text, sizeof text);
}

/* The digit 8 and zeros up to whole blocks; their number. */
static size_t pad(struct tool_calc *c, struct buf *digits, uint8_t data[static BLOCKS * TOOL_CALC_BLOCK])
{
    bool odd = digits->len % 2 != 0;
    buf_put_byte(digits, '8');
    while (digits->len % BLOCK_DIGITS != 0)
        buf_put_byte(digits, '0');
    if (c->err == ERR_OK && (odd || buf_done(digits) != ERR_OK))
        c->err = ERR_PARSE_VALUE;
    if (c->err == ERR_OK)
        c->err = span_unhex(buf_span(digits), data, BLOCKS * TOOL_CALC_BLOCK);
    tool_calc_text(c, "2.2", "padded", "80 and zeros: padding method 2", buf_span(digits));
    return digits->len / BLOCK_DIGITS;
}

static void iv_steps(struct tool_calc *c, const uint8_t key[static PAIR], uint8_t iv[static 2])
{
    char text[BLOCKS * BLOCK_DIGITS];
    uint8_t data[BLOCKS * TOOL_CALC_BLOCK] = {0}, h[TOOL_CALC_BLOCK], real[2] = {0};
    struct buf digits = buf_over(text, sizeof text);
    SECRET_KEY card = {.len = PAIR};
    put_iv_data(c, &digits);
    chain(c, key, data, pad(c, &digits, data), h);
    memcpy(iv, h + TOOL_CALC_BLOCK - 2, 2);
    tool_calc_hex(c, "2.6", "IVCVC3", "the last two bytes", span_of(iv, 2));
    memcpy(card.at, key, PAIR);
    tool_calc_agree(c,
                    c->in.track1.present ? cvv_cvc3_iv_track1(&card, WIRE_SPAN(c->in.track1), real)
                                         : cvv_cvc3_iv(&card, WIRE_SPAN(c->in.track), real),
                    iv, real, sizeof real);
    secret_wipe(text, sizeof text);
    secret_wipe(data, sizeof data);
}

/* From a track, or as it was given. */
static void find_iv(struct tool_calc *c, const uint8_t key[static PAIR], uint8_t iv[static 2])
{
    bool track = c->in.track.present || c->in.track1.present;
    if (c->err == ERR_OK && c->in.track.present + c->in.track1.present + c->in.iv.present != 1)
        c->err = ERR_PARSE_MISSING;
    if (track)
        iv_steps(c, key, iv);
    else if (c->err == ERR_OK)
        c->err = span_unhex(WIRE_SPAN(c->in.iv), iv, 2);
    if (c->in.iv.present)
        tool_calc_hex(c, "2", "IVCVC3", "as given", span_of(iv, 2));
}

static enum err code_block(const struct tool_calc *c, const uint8_t iv[static 2], uint16_t counter,
                           uint8_t block[static TOOL_CALC_BLOCK])
{
    memcpy(block, iv, 2);
    TRY(span_unhex(WIRE_SPAN(c->in.unpredictable), block + 2, 4));
    block[6] = (uint8_t)(counter >> 8);
    block[7] = (uint8_t)counter;
    return ERR_OK;
}

void tool_calc_cvc3(struct tool_calc *c)
{
    uint8_t key[PAIR] = {0}, iv[2] = {0}, block[TOOL_CALC_BLOCK] = {0};
    char digits[CVC3_DIGITS];
    uint64_t counter = 0;
    SECRET_KEY card = {.len = PAIR};
    SECRET_CODE code = {0};
    if (span_decimal(WIRE_SPAN(c->in.atc), &counter) != ERR_OK || counter > UINT16_MAX)
        c->err = ERR_PARSE_VALUE;
    c->prefix = "1.";
    tool_calc_card_key(c, key);
    c->prefix = "";
    find_iv(c, key, iv);
    if (c->err == ERR_OK)
        c->err = code_block(c, iv, (uint16_t)counter, block);
    tool_calc_hex(c, "3.1", "block", "IVCVC3, UN as packed decimal, ATC in binary", span_of(block, sizeof block));
    tool_calc_ede(c, "3.2", "R", key, false, block);
    struct buf text = buf_over(digits, sizeof digits);
    buf_put_decimal(&text, (uint64_t)block[6] << 8 | block[7], CVC3_DIGITS);
    tool_calc_text(c, "4", "CVC3", "the last two bytes as a decimal number", buf_span(&text));
    memcpy(card.at, key, PAIR);
    tool_calc_agree(c, cvv_cvc3(&card, iv, (const char *)c->in.unpredictable.at, (uint16_t)counter, &code), digits, code.at,
                    CVC3_DIGITS);
    tool_calc_result(c, buf_span(&text));
    secret_wipe(key, sizeof key);
    secret_wipe(digits, sizeof digits);
}

/* ---- 9 ---- */

static void csc_decimalise(struct tool_calc *c, const uint8_t r[static TOOL_CALC_BLOCK], char out[static 2 * TOOL_CALC_BLOCK])
{
    size_t made = 0;
    for (int pass = 0; pass < 2; pass++) {
        size_t before = made;
        for (unsigned i = 0; i < 2 * TOOL_CALC_BLOCK; i++) {
            unsigned nibble = i % 2 == 0 ? r[i / 2] >> 4 : r[i / 2] & 15u;
            unsigned letter = i < 5 ? nibble - 9 : (nibble - 9 + 5) % 10;
            if ((nibble > 9) == pass)
                out[made++] = (char)('0' + (pass ? letter : nibble));
        }
        tool_calc_text(c, pass ? "3.2" : "3.1", "",
                       pass ? "letters: A..F are 1..6, from position 6 on 5 more modulo 10" : "decimal digits",
                       span_of(out + before, made - before));
    }
}

static void csc_block(struct tool_calc *c, uint8_t data[static NIBBLES / 2])
{
    char text[NIBBLES];
    struct span account = WIRE_SPAN(c->in.account), digits = span_slice(account, 2, TAKEN);
    struct buf b = buf_over(text, sizeof text);
    bool expiry_first = account.at[1] == '7';
    tool_calc_text(c, "1", "account digits", "digits 3 to 14", digits);
    buf_put_span(&b, expiry_first ? WIRE_SPAN(c->in.expiry) : digits);
    buf_put_span(&b, expiry_first ? digits : WIRE_SPAN(c->in.expiry));
    buf_put_span(&b, WIRE_SPAN(c->in.service));
    size_t used = c->in.service.present ? NIBBLES : NIBBLES / 2;
    buf_put_fill(&b, '0', used - b.len);
    tool_calc_text(c, "2.1", "B", expiry_first ? "37: expiry, then the digits" : "34: the digits, then expiry", buf_span(&b));
    if (span_unhex(buf_span(&b), data, NIBBLES / 2) != ERR_OK)
        c->err = ERR_PARSE_CHARACTER;
    secret_wipe(text, sizeof text);
}

static void csc_agree(struct tool_calc *c, const char codes[static TAKEN])
{
    struct cvv_csc real = {0};
    char all[TAKEN];
    const char *service = c->in.service.present ? (const char *)c->in.service.at : NULL;
    enum err err = cvv_csc_generate(&c->key, WIRE_SPAN(c->in.account), (const char *)c->in.expiry.at, service, &real);
    memcpy(all, real.five, sizeof real.five);
    memcpy(all + 5, real.four, sizeof real.four);
    memcpy(all + 9, real.three, sizeof real.three);
    tool_calc_agree(c, err, codes, all, sizeof all);
    secret_wipe(&real, sizeof real);
    secret_wipe(all, sizeof all);
}

void tool_calc_csc(struct tool_calc *c)
{
    uint8_t data[NIBBLES / 2] = {0};
    char codes[2 * TOOL_CALC_BLOCK] = {0};
    csc_block(c, data);
    if (c->in.service.present) {
        tool_calc_ede(c, "2.2", "X", c->key.at, false, data);
        for (int i = 0; i < TOOL_CALC_BLOCK; i++)
            data[i] ^= data[TOOL_CALC_BLOCK + i];
        tool_calc_hex(c, "2.3", "X xor second block", "", span_of(data, TOOL_CALC_BLOCK));
    }
    tool_calc_ede(c, "2.4", "R", c->key.at, false, data);
    csc_decimalise(c, data, codes);
    tool_calc_text(c, "4.1", "5CSC", "digits 1 to 5", span_of(codes, 5));
    tool_calc_text(c, "4.2", "4CSC", "digits 6 to 9", span_of(codes + 5, 4));
    tool_calc_text(c, "4.3", "3CSC", "digits 10 to 12", span_of(codes + 9, 3));
    csc_agree(c, codes);
    tool_calc_result(c, span_of(codes, TAKEN));
    secret_wipe(data, sizeof data);
    secret_wipe(codes, sizeof codes);
}
