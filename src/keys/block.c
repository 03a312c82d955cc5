/* SPDX-License-Identifier: Apache-2.0 */
#include "keys/block.h"

#include "crypto/des.h"
#include "keys/internal.h"

#include <string.h>

enum {
    MAC = 4,
    LENGTH = 2, /* of the key in bits, before the key */
    PLAIN_MAX = 2 + 24 + 6,
    AUTHENTICATED_MAX = KEYS_BLOCK_MAX,
    VARIANT_ENCRYPTION = 0x45, /* TR-31 binding method A */
    VARIANT_MAC = 0x4D,
};

static bool printable(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] < 0x20 || s.at[i] > 0x7E)
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
    if (in.len < 1 + KEYS_HEADER || in.at[0] != 'S' || !decimal(span_slice(in, 2, 4), &len))
        return 0;
    return len >= KEYS_HEADER && len < KEYS_BLOCK_MAX && len + 1 <= in.len ? len + 1 : 0;
}

/* Where the parts of a block lie. */
struct parts {
    struct span head;   /* header and optional blocks, without the S */
    struct span cipher; /* hexadecimal */
    struct span mac;    /* hexadecimal */
};

/* Optional blocks: identifier 2A, length 2H of the whole, data. */
static bool optional_extent(struct span in, unsigned count, size_t *out)
{
    size_t at = KEYS_HEADER;
    for (unsigned i = 0; i < count; i++) {
        uint8_t len = 0;
        struct span length = span_slice(in, at + 2, 2);
        if (length.len != 2 || span_unhex(length, &len, 1) != ERR_OK || len < 4)
            return false;
        at += len;
    }
    *out = at;
    return at <= in.len && at % DES_BLOCK == 0;
}

static enum err split(struct span text, struct keys_header *header, struct parts *out)
{
    unsigned optional = 0;
    size_t head = 0;
    if (text.len == 0 || keys_block_extent(text) != text.len || text.at[1] != '0')
        return ERR_KEY_BLOCK_FORMAT;
    struct span block = span_slice(text, 1, text.len - 1);
    if (!decimal(span_slice(block, 12, 2), &optional) || !optional_extent(block, optional, &head))
        return ERR_KEY_BLOCK_FORMAT;
    size_t rest = block.len - head;
    if (rest < 2 * (2 * DES_BLOCK + MAC) || rest > 2 * (PLAIN_MAX + MAC) || (rest - 2 * MAC) % (2 * DES_BLOCK) != 0)
        return ERR_KEY_BLOCK_FORMAT;
    *out = (struct parts){span_slice(block, 0, head), span_slice(block, head, rest - 2 * MAC),
                          span_slice(block, block.len - 2 * MAC, 2 * MAC)};
    if (!printable(out->head))
        return ERR_KEY_BLOCK_FORMAT;
    const char *h = (const char *)block.at;
    *header = (struct keys_header){.usage = {h[5], h[6]},
                                   .algorithm = h[7],
                                   .mode = h[8],
                                   .version = {h[9], h[10]},
                                   .exportability = h[11],
                                   .optional = (uint8_t)optional,
                                   .lmk = {h[14], h[15]}};
    return ERR_OK;
}

static enum err load_variant(const struct secret_key *kbpk, uint8_t variant, struct des *out)
{
    SECRET_KEY key = *kbpk;
    for (size_t i = 0; i < key.len; i++)
        key.at[i] ^= variant;
    return des_load(&key, out);
}

/* CBC-MAC over the head as ASCII and the binary ciphertext. */
static enum err authenticate(const struct secret_key *kbpk, struct span head, struct span cipher, uint8_t out[static DES_BLOCK])
{
    uint8_t room[AUTHENTICATED_MAX];
    struct buf b = buf_over(room, sizeof room);
    struct des des = {0};
    buf_put_span(&b, head);
    buf_put_span(&b, cipher);
    TRY(buf_done(&b));
    TRY(load_variant(kbpk, VARIANT_MAC, &des));
    enum err err = des_mac_cbc(&des, b.at, b.len, out);
    des_unload(&des);
    return err;
}

/* The IV is the first eight characters of the header. */
static enum err decipher(const struct secret_key *kbpk, struct span head, struct span cipher, uint8_t plain[static PLAIN_MAX])
{
    struct des des = {0};
    TRY(load_variant(kbpk, VARIANT_ENCRYPTION, &des));
    enum err err = des_cbc_decrypt(&des, head.at, cipher.at, plain, cipher.len);
    des_unload(&des);
    return err;
}

static enum err take_key(const uint8_t *plain, size_t len, struct secret_key *out)
{
    size_t bits = (size_t)plain[0] << 8 | plain[1];
    if ((bits != 64 && bits != 128 && bits != 192) || LENGTH + bits / 8 > len)
        return ERR_KEY_BLOCK_LENGTH;
    *out = (struct secret_key){.len = (uint8_t)(bits / 8)};
    memcpy(out->at, plain + LENGTH, out->len);
    return ERR_OK;
}

enum err keys_block_unwrap_under(const struct secret_key *kbpk, struct span text, struct keys_header *header,
                                 struct secret_key *out)
{
    struct keys_header h;
    struct parts parts;
    uint8_t cipher[PLAIN_MAX], wanted[MAC], mac[DES_BLOCK], plain[PLAIN_MAX] = {0};
    TRY(split(text, &h, &parts));
    size_t len = parts.cipher.len / 2;
    if (span_unhex(parts.cipher, cipher, sizeof cipher) != ERR_OK || span_unhex(parts.mac, wanted, sizeof wanted) != ERR_OK)
        return ERR_KEY_BLOCK_FORMAT;
    TRY(authenticate(kbpk, parts.head, span_of(cipher, len), mac));
    if (!secret_equal(mac, wanted, MAC))
        return ERR_KEY_BLOCK_MAC;
    enum err err = decipher(kbpk, parts.head, span_of(cipher, len), plain);
    if (err == ERR_OK)
        err = take_key(plain, len, out);
    if (err == ERR_OK)
        *header = h;
    secret_wipe(plain, sizeof plain);
    return err;
}

static void put_header(const struct keys_header *h, size_t total, struct buf *b)
{
    buf_put_byte(b, '0');
    buf_put_decimal(b, total, 4);
    buf_put(b, h->usage, 2);
    buf_put_byte(b, (uint8_t)h->algorithm);
    buf_put_byte(b, (uint8_t)h->mode);
    buf_put(b, h->version, 2);
    buf_put_byte(b, (uint8_t)h->exportability);
    buf_put_decimal(b, h->optional, 2);
    buf_put(b, h->lmk, 2);
}

static enum err encipher(const struct secret_key *kbpk, const struct secret_key *key, const struct env *env,
                         const uint8_t iv[static DES_BLOCK], uint8_t cipher[static PLAIN_MAX])
{
    uint8_t plain[PLAIN_MAX];
    struct des des = {0};
    size_t len = (LENGTH + key->len + (size_t)DES_BLOCK - 1) / DES_BLOCK * DES_BLOCK;
    env_random(env, plain, sizeof plain);
    plain[0] = 0;
    plain[1] = (uint8_t)(8 * key->len);
    memcpy(plain + LENGTH, key->at, key->len);
    enum err err = load_variant(kbpk, VARIANT_ENCRYPTION, &des);
    if (err == ERR_OK)
        err = des_cbc_encrypt(&des, iv, plain, cipher, len);
    des_unload(&des);
    secret_wipe(plain, sizeof plain);
    return err;
}

enum err keys_block_wrap_under(const struct secret_key *kbpk, const struct keys_header *header, const struct secret_key *key,
                               const struct env *env, struct buf *out)
{
    uint8_t head[KEYS_HEADER], cipher[PLAIN_MAX] = {0}, mac[DES_BLOCK];
    struct buf b = buf_over(head, sizeof head);
    if ((key->len != 8 && key->len != 16 && key->len != 24) || header->optional != 0)
        return ERR_KEY_LENGTH;
    size_t len = (LENGTH + key->len + (size_t)DES_BLOCK - 1) / DES_BLOCK * DES_BLOCK;
    put_header(header, KEYS_HEADER + 2 * (len + MAC), &b);
    TRY(buf_done(&b));
    TRY(encipher(kbpk, key, env, head, cipher));
    TRY(authenticate(kbpk, buf_span(&b), span_of(cipher, len), mac));
    buf_put_byte(out, 'S');
    buf_put_span(out, buf_span(&b));
    buf_put_hex(out, cipher, len);
    buf_put_hex(out, mac, MAC);
    return buf_done(out);
}

static enum err lmk_of(const struct keys_lmk_set *set, unsigned id, const struct keys_lmk **out)
{
    *out = keys_lmk_find(set, id);
    if (!*out)
        return ERR_LMK_IDENTIFIER;
    return (*out)->kind == KEYS_LMK_BLOCK ? ERR_OK : ERR_KEY_SCHEME;
}

static void lmk_digits(unsigned id, char out[static 2])
{
    out[0] = (char)('0' + id / 10 % 10);
    out[1] = (char)('0' + id % 10);
}

enum err keys_block_unwrap(struct keys_lmk_set *set, unsigned lmk, struct span text, struct keys_header *header,
                           struct secret_key *out)
{
    const struct keys_lmk *wrapping = NULL;
    struct keys_header h = {0};
    SECRET_KEY key = {0};
    char digits[2];
    TRY(lmk_of(set, lmk, &wrapping));
    TRY(keys_block_unwrap_under(&wrapping->block, text, &h, &key));
    lmk_digits(lmk, digits);
    if (h.lmk[0] != digits[0] || h.lmk[1] != digits[1])
        return ERR_KEY_BLOCK_LMK;
    *header = h;
    *out = key;
    return ERR_OK;
}

enum err keys_block_wrap(struct keys_lmk_set *set, unsigned lmk, const struct keys_header *header, const struct secret_key *key,
                         const struct env *env, struct buf *out)
{
    const struct keys_lmk *wrapping = NULL;
    struct keys_header h = *header;
    TRY(lmk_of(set, lmk, &wrapping));
    lmk_digits(lmk, h.lmk);
    return keys_block_wrap_under(&wrapping->block, &h, key, env, out);
}

/* Usage, then mode, then algorithm: A6, A8, A7. */
enum err keys_block_allows(const struct keys_header *header, const struct keys_rule *rule)
{
    bool usage = false;
    for (const char *u = rule->usages; u[0] && u[1]; u += u[2] == '|' ? 3 : 2)
        usage |= u[0] == header->usage[0] && u[1] == header->usage[1];
    if (!usage)
        return ERR_KEY_USAGE;
    if (header->mode == 0 || !strchr(rule->modes, header->mode))
        return ERR_KEY_MODE;
    return header->algorithm == rule->algorithm ? ERR_OK : ERR_KEY_ALGORITHM;
}
