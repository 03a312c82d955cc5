/* SPDX-License-Identifier: Apache-2.0 */
/* The text of a key block: header, optional blocks, and what each may say (X9.143:2021, 6). */
#include "keys/block/internal.h"
#include "keys/error.h"

#include <string.h>

enum { ID = 2, SHORT_HEAD = 4, EXTENDED_HEAD = 10, PB_MIN = SHORT_HEAD, KEY_LENGTH = 2 };

/* clang-format off */
static const struct keys_binding bindings[] = {
    /* tag version unit mac cipher    derived */
    {'S',  '0',     8,   4, CRYPTO_CMAC_DES, false},
    {'R',  'A',     8,   4, CRYPTO_CMAC_DES, false},
    {'R',  'B',     8,   8, CRYPTO_CMAC_DES, true},
    {'R',  'C',     8,   4, CRYPTO_CMAC_DES, false},
    {'R',  'D',    16,  16, CRYPTO_CMAC_AES, true},
};
/* clang-format on */

const struct keys_binding *keys_binding_of(char tag, char version)
{
    for (size_t i = 0; i < sizeof bindings / sizeof bindings[0]; i++)
        if (bindings[i].tag == tag && bindings[i].version == version)
            return &bindings[i];
    return NULL;
}

static bool printable(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] < 0x20 || s.at[i] > 0x7E)
            return false;
    return true;
}

static bool hexadecimal(struct span s)
{
    uint8_t byte;
    for (size_t i = 0; i < s.len; i += 2)
        if (span_unhex(span_slice(s, i, 2), &byte, 1) != ERR_OK)
            return false;
    return true;
}

static bool decimal(struct span s, unsigned *out)
{
    uint64_t value = 0;
    if (span_decimal(s, &value) != ERR_OK)
        return false;
    *out = (unsigned)value;
    return true;
}

size_t keys_block_extent(struct span in)
{
    unsigned len = 0;
    if (in.len < 1 + KEYS_HEADER || (in.at[0] != 'S' && in.at[0] != 'R') || !decimal(span_slice(in, 2, 4), &len))
        return 0;
    return len >= KEYS_HEADER && len < KEYS_BLOCK_MAX && len + 1 <= in.len ? len + 1 : 0;
}

/* ---- optional blocks ---- */

static bool number(struct span hex, size_t digits, size_t *out)
{
    uint8_t byte[2] = {0};
    if (hex.len != digits || span_unhex(hex, byte + sizeof byte - digits / 2, sizeof byte) != ERR_OK)
        return false;
    *out = (size_t)byte[0] << 8 | byte[1];
    return true;
}

/*
 * Identifier 2A, length 2H of the whole; or 00, the size of the length 2H and the length 4H. The size is 04, the characters, in
 * X9.143:2021 (6.2, table 1) and 02, the bytes, with writers of TR-31:2018; both mean four digits.
 */
static bool optional_first(struct span in, struct keys_optional *out)
{
    size_t head = SHORT_HEAD, len = 0, size = 0;
    if (!number(span_slice(in, ID, 2), 2, &len))
        return false;
    if (len == 0) {
        head = EXTENDED_HEAD;
        if (!number(span_slice(in, SHORT_HEAD, 2), 2, &size) || (size != 2 && size != 4) ||
            !number(span_slice(in, SHORT_HEAD + 2, 4), 4, &len))
            return false;
    }
    if (len < head || len > in.len)
        return false;
    *out = (struct keys_optional){
        .id = {(char)in.at[0], (char)in.at[1]}, .data = span_slice(in, head, len - head), .whole = span_slice(in, 0, len)};
    return true;
}

bool keys_optional_next(struct span *left, struct keys_optional *out)
{
    if (!optional_first(*left, out))
        return false;
    *left = span_slice(*left, out->whole.len, left->len);
    return true;
}

static bool is_pb(const struct keys_optional *o)
{
    return o->id[0] == 'P' && o->id[1] == 'B';
}

/* The text of `count` optional blocks at the start of `in`; a PB at their end is not part of what the header says. */
static bool optional_split(struct span in, unsigned count, size_t *whole, struct keys_header *header)
{
    struct span left = in;
    struct keys_optional o;
    *whole = 0;
    header->optional = (uint8_t)count;
    header->blocks = span_slice(in, 0, 0);
    for (unsigned i = 0; i < count; i++) {
        if (!keys_optional_next(&left, &o))
            return false;
        *whole += o.whole.len;
        if (i + 1 == count && is_pb(&o))
            header->optional--;
        else
            header->blocks = span_slice(in, 0, *whole);
    }
    return true;
}

static bool one_of(const char *set, char c)
{
    return c != 0 && strchr(set, c);
}

static bool alphanumeric(const char *at, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!(at[i] >= '0' && at[i] <= '9') && !(at[i] >= 'A' && at[i] <= 'Z') && !(at[i] >= 'a' && at[i] <= 'z'))
            return false;
    return true;
}

static bool data_of(struct span data, const char *set, size_t min, size_t max)
{
    for (size_t i = 0; i < data.len; i++)
        if (!one_of(set, (char)data.at[i]))
            return false;
    return data.len >= min && data.len <= max;
}

/* clang-format off */
/* Contents that are checked; all others are text. The numeric ones are Thales', known from descriptions only (unconfirmed), and
 * mean something else in an R block of another maker. */
static const struct {
    char id[3];
    const char *set;
    size_t min, max;
    enum err err;
} contents[] = {
    {"00", "ELPRT",            1,  1, KEYS_ERR_OPTIONAL_STATUS}, /* expired, live, pending, revoked, test */
    {"01", "0123456789ABCDEF", 2,  2, KEYS_ERR_ENCRYPTION_MODE},
    {"02", "0123456789ABCDEF", 2,  2, KEYS_ERR_AUTHENTICATION_MODE},
    {"03", "0123456789:",      8, 16, KEYS_ERR_OPTIONAL_START},  /* YYYY:MM:DD:HH */
    {"04", "0123456789:",      8, 16, KEYS_ERR_OPTIONAL_END},
    {"KV", "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", 4, 4, KEYS_ERR_OPTIONAL_BLOCK},
};
/* clang-format on */

static enum err check_content(const struct keys_header *header, const struct keys_optional *o)
{
    bool foreign = header->format >= 'A' && one_of("0123456789", o->id[0]);
    for (size_t i = 0; i < sizeof contents / sizeof contents[0] && !foreign; i++)
        if (memcmp(contents[i].id, o->id, ID) == 0 && !data_of(o->data, contents[i].set, contents[i].min, contents[i].max))
            return contents[i].err;
    return ERR_OK;
}

static bool repeats(const struct keys_header *header, const struct keys_optional *o)
{
    struct span left = header->blocks;
    struct keys_optional other;
    while (left.at != o->whole.at && keys_optional_next(&left, &other))
        if (memcmp(other.id, o->id, ID) == 0)
            return true;
    return false;
}

enum err keys_optional_check(const struct keys_header *header)
{
    struct span left = header->blocks;
    struct keys_optional o;
    unsigned count = 0;
    for (; left.len > 0; count++) {
        if (!keys_optional_next(&left, &o) || !printable(o.whole) || is_pb(&o))
            return KEYS_ERR_OPTIONAL_BLOCK;
        if (!alphanumeric(o.id, ID))
            return KEYS_ERR_HEADER_IDENTIFIER;
        if (repeats(header, &o))
            return KEYS_ERR_OPTIONAL_REPEATED;
        TRY(check_content(header, &o));
    }
    return count == header->optional ? ERR_OK : KEYS_ERR_OPTIONAL_COUNT;
}

/* ---- header ---- */

/* X9.143:2021 table 1: byte 14 tells storage (1) from exchange (2), 0 leaves it open; byte 15 is 0. S: LMK identifier or FF. */
static bool last_field(char tag, const char *at)
{
    if (tag == 'R')
        return (at[0] == '0' || at[0] == '2') && at[1] == '0';
    return (at[0] == 'F' && at[1] == 'F') || (one_of("0123456789", at[0]) && one_of("0123456789", at[1]));
}

static struct keys_header header_read(const char *h)
{
    return (struct keys_header){.usage = {h[5], h[6]},
                                .algorithm = h[7],
                                .mode = h[8],
                                .version = {h[9], h[10]},
                                .exportability = h[11],
                                .lmk = {h[14], h[15]},
                                .format = h[0]};
}

static enum err split_tail(struct span rest, struct keys_frame *f)
{
    size_t mac = 2 * (size_t)f->binding->mac, unit = 2 * (size_t)f->binding->unit;
    if (rest.len < unit + mac || (rest.len - mac) % unit != 0 || !hexadecimal(rest))
        return KEYS_ERR_BLOCK_FORMAT;
    f->cipher = span_slice(rest, 0, rest.len - mac);
    f->mac = span_slice(rest, rest.len - mac, mac);
    return ERR_OK;
}

enum err keys_frame_split(struct span text, struct keys_header *header, struct keys_frame *out)
{
    unsigned count = 0;
    size_t optional = 0;
    if (text.len == 0 || keys_block_extent(text) != text.len || !printable(text))
        return KEYS_ERR_BLOCK_FORMAT;
    struct span block = span_slice(text, 1, text.len - 1);
    const char *h = (const char *)block.at;
    struct keys_frame f = {.binding = keys_binding_of((char)text.at[0], h[0])};
    if (!f.binding || !last_field(f.binding->tag, h + 14) || !decimal(span_slice(block, 12, 2), &count))
        return KEYS_ERR_BLOCK_FORMAT;
    *header = header_read(h);
    if (!optional_split(span_slice(block, KEYS_HEADER, block.len), count, &optional, header) || optional % f.binding->unit != 0)
        return KEYS_ERR_BLOCK_FORMAT;
    f.head = span_slice(block, 0, KEYS_HEADER + optional);
    TRY(split_tail(span_slice(block, KEYS_HEADER + optional, block.len), &f));
    *out = f;
    return ERR_OK;
}

enum err keys_frame_check(const struct keys_header *header)
{
    if (!alphanumeric(header->usage, sizeof header->usage))
        return KEYS_ERR_USAGE;
    if (!one_of("BCDEGNSTVXY0123456789", header->mode))
        return KEYS_ERR_MODE;
    if (!one_of("ADEHRST", header->algorithm))
        return KEYS_ERR_ALGORITHM;
    if (!alphanumeric(header->version, sizeof header->version))
        return KEYS_ERR_VERSION;
    if (!one_of("ENS", header->exportability))
        return KEYS_ERR_EXPORTABILITY;
    return keys_optional_check(header);
}

/* PB fills the optional blocks to whole cipher blocks; it is at least its own head long. */
static size_t padding_of(const struct keys_binding *b, size_t len)
{
    size_t missing = (b->unit - len % b->unit) % b->unit;
    return missing > 0 && missing < PB_MIN ? missing + b->unit : missing;
}

enum err keys_frame_put(const struct keys_binding *binding, const struct keys_header *header, size_t cipher_len, struct buf *out)
{
    size_t padding = padding_of(binding, header->blocks.len);
    size_t total = KEYS_HEADER + header->blocks.len + padding + 2 * (cipher_len + binding->mac);
    uint8_t padding_len = (uint8_t)padding;
    if (total >= KEYS_BLOCK_MAX)
        return KEYS_ERR_BLOCK_LENGTH;
    buf_put_byte(out, (uint8_t)binding->tag);
    buf_put_byte(out, (uint8_t)binding->version);
    buf_put_decimal(out, total, 4);
    buf_put(out, header->usage, 2);
    buf_put_byte(out, (uint8_t)header->algorithm);
    buf_put_byte(out, (uint8_t)header->mode);
    buf_put(out, header->version, 2);
    buf_put_byte(out, (uint8_t)header->exportability);
    buf_put_decimal(out, header->optional + (padding > 0 ? 1u : 0u), 2);
    buf_put(out, header->lmk, 2);
    buf_put_span(out, header->blocks);
    if (padding > 0) {
        buf_put_text(out, "PB");
        buf_put_hex(out, &padding_len, 1);
        buf_put_fill(out, '0', padding - PB_MIN);
    }
    return buf_done(out);
}

/* ---- whole blocks ---- */

/* Keys of this house's types only: RSA, DSA and EC private keys are authenticated and refused. */
static bool length_allowed(char algorithm, size_t len)
{
    switch (algorithm) {
    case 'T':
        return len == 8 || len == 16 || len == 24;
    case 'D':
        return len == 8;
    case 'A':
        return len == 16 || len == 24 || len == 32;
    default: /* H */
        return len >= 8 && len <= sizeof((struct secret_key *)0)->at;
    }
}

/* The length may say less than there is room for: the rest is padding that hides it. */
static enum err take_key(char algorithm, const uint8_t *plain, size_t len, struct secret_key *out)
{
    size_t bits = (size_t)plain[0] << 8 | plain[1];
    if (!one_of("ADHT", algorithm))
        return KEYS_ERR_ALGORITHM;
    if (bits % 8 != 0 || KEY_LENGTH + bits / 8 > len || !length_allowed(algorithm, bits / 8))
        return KEYS_ERR_BLOCK_LENGTH;
    *out = (struct secret_key){.len = (uint8_t)(bits / 8)};
    memcpy(out->at, plain + KEY_LENGTH, out->len);
    return ERR_OK;
}

enum err keys_frame_unwrap(const struct secret_key *kbpk, struct span text, char tag, struct keys_header *header,
                           struct secret_key *out)
{
    struct keys_header h = {0};
    struct keys_frame frame;
    uint8_t plain[KEYS_BLOCK_PLAIN_MAX];
    TRY(keys_frame_split(text, &h, &frame));
    if (frame.binding->tag != tag)
        return KEYS_ERR_BLOCK_FORMAT;
    size_t len = frame.cipher.len / 2;
    TRY(keys_bind_open(kbpk, &frame, plain, len));
    enum err err = keys_frame_check(&h);
    if (err == ERR_OK)
        err = take_key(h.algorithm, plain, len, out);
    if (err == ERR_OK)
        *header = h;
    secret_wipe(plain, len);
    return err;
}

/* Versions with derived keys hide how long a key is: it takes the room of the longest of its algorithm (X9.143:2021, 5 and 6.1). */
static size_t room_of(const struct keys_binding *b, char algorithm, size_t len)
{
    if (b->derived && algorithm == 'T')
        return 24;
    return b->derived && algorithm == 'A' ? 32 : len;
}

enum err keys_frame_wrap(const struct keys_binding *binding, const struct secret_key *kbpk, const struct keys_header *header,
                         const struct secret_key *key, const struct env *env, struct buf *out)
{
    uint8_t plain[KEY_LENGTH + sizeof key->at + KEYS_BLOCK_UNIT_MAX], mac[KEYS_BLOCK_UNIT_MAX];
    size_t used = KEY_LENGTH + (size_t)key->len, room = KEY_LENGTH + room_of(binding, header->algorithm, key->len);
    size_t len = (room + binding->unit - 1) / binding->unit * binding->unit, start = out->len;
    TRY(keys_frame_check(header));
    if (!one_of("ADHT", header->algorithm))
        return KEYS_ERR_ALGORITHM;
    if (!length_allowed(header->algorithm, key->len))
        return KEYS_ERR_BLOCK_LENGTH;
    TRY(keys_frame_put(binding, header, len, out));
    plain[0] = (uint8_t)(8 * key->len >> 8);
    plain[1] = (uint8_t)(8 * key->len);
    memcpy(plain + KEY_LENGTH, key->at, key->len);
    env_random(env, plain + used, len - used);
    enum err err = keys_bind_seal(binding, kbpk, span_of(out->at + start + 1, out->len - start - 1), plain, len, mac);
    if (err == ERR_OK) {
        buf_put_hex(out, plain, len);
        buf_put_hex(out, mac, binding->mac);
        err = buf_done(out);
    } else {
        out->len = start;
    }
    secret_wipe(plain, sizeof plain);
    return err;
}
