/* SPDX-License-Identifier: Apache-2.0 */
/* The binding methods: key variant (S 0, R A, R C) and key derivation (R B, R D). */
#include "crypto/aes.h"
#include "crypto/des.h"
#include "keys/block/internal.h"
#include "keys/error.h"

#include <string.h>

enum {
    VARIANT_ENCRYPTION = 0x45,
    VARIANT_MAC = 0x4D,
    DERIVE_ENCRYPTION = 0, /* key usage indicator of the derivation data */
    DERIVE_MAC = 1,
    AUTHENTICATED_MAX = KEYS_BLOCK_MAX + KEYS_BLOCK_PLAIN_MAX,
};

/* ---- keys ---- */

static void vary(const struct secret_key *kbpk, uint8_t variant, struct secret_key *out)
{
    *out = *kbpk;
    for (size_t i = 0; i < out->len; i++)
        out->at[i] ^= variant;
}

/* The algorithm indicator of the derivation data: 2TDEA, 3TDEA, AES-128, AES-192, AES-256. */
static uint8_t algorithm_indicator(enum crypto_cmac_cipher cipher, uint8_t len)
{
    uint8_t index = (uint8_t)(len / 8 - 2);
    return cipher == CRYPTO_CMAC_DES ? index : (uint8_t)(index + 2);
}

/* CMAC of counter, usage, separator, algorithm and length in bits, as often as the key is long. */
static enum err derive(const struct secret_key *kbpk, enum crypto_cmac_cipher cipher, uint8_t usage, struct secret_key *out)
{
    uint8_t unit = cipher == CRYPTO_CMAC_DES ? CRYPTO_DES_BLOCK : CRYPTO_AES_BLOCK, made[KEYS_BLOCK_UNIT_MAX];
    uint8_t data[8] = {0, 0, usage, 0, 0, algorithm_indicator(cipher, kbpk->len), 0, (uint8_t)(8 * kbpk->len)};
    data[6] = (uint8_t)(8 * kbpk->len >> 8);
    enum err err = ERR_OK;
    out->len = kbpk->len;
    for (size_t at = 0; at < kbpk->len && err == ERR_OK; at += unit) {
        data[0]++;
        err = crypto_cmac_run(cipher, kbpk, span_of(data, sizeof data), made);
        memcpy(out->at + at, made, kbpk->len - at < unit ? kbpk->len - at : unit);
    }
    secret_wipe(made, sizeof made);
    return err;
}

static enum err key_for(const struct keys_binding *b, const struct secret_key *kbpk, bool mac, struct secret_key *out)
{
    bool fits = kbpk->len == 16 || kbpk->len == 24 || (kbpk->len == 32 && b->cipher == CRYPTO_CMAC_AES);
    if (!fits)
        return KEYS_ERR_WRAPPING_KEY;
    if (b->derived)
        return derive(kbpk, b->cipher, mac ? DERIVE_MAC : DERIVE_ENCRYPTION, out);
    vary(kbpk, mac ? VARIANT_MAC : VARIANT_ENCRYPTION, out);
    return ERR_OK;
}

/* ---- authentication and encipherment ---- */

static enum err cbc_mac(const struct secret_key *key, struct span in, uint8_t *out)
{
    struct crypto_des des = {0};
    TRY(crypto_des_load(key, &des));
    enum err err = crypto_des_mac_cbc(&des, in.at, in.len, out);
    crypto_des_unload(&des);
    return err;
}

/* Over the head as ASCII and the bytes that follow it: the plaintext where keys are derived, else the ciphertext. */
static enum err authenticate(const struct keys_binding *b, const struct secret_key *kbpk, struct span head, struct span bytes,
                             uint8_t out[static KEYS_BLOCK_UNIT_MAX])
{
    uint8_t room[AUTHENTICATED_MAX];
    struct buf all = buf_over(room, sizeof room);
    SECRET_KEY key = {0};
    TRY(key_for(b, kbpk, true, &key));
    buf_put_span(&all, head);
    buf_put_span(&all, bytes);
    TRY(buf_done(&all));
    enum err err = b->derived ? crypto_cmac_run(b->cipher, &key, buf_span(&all), out) : cbc_mac(&key, buf_span(&all), out);
    secret_wipe(room, all.len);
    return err;
}

static enum err run_des(const struct secret_key *key, bool encrypt, const uint8_t *iv, uint8_t *at, size_t len)
{
    struct crypto_des des = {0};
    TRY(crypto_des_load(key, &des));
    enum err err = encrypt ? crypto_des_cbc_encrypt(&des, iv, at, at, len) : crypto_des_cbc_decrypt(&des, iv, at, at, len);
    crypto_des_unload(&des);
    return err;
}

/* CBC in place. */
static enum err run(const struct keys_binding *b, const struct secret_key *kbpk, bool encrypt, const uint8_t *iv, struct buf *at)
{
    SECRET_KEY key = {0};
    TRY(key_for(b, kbpk, false, &key));
    if (b->cipher == CRYPTO_CMAC_DES)
        return run_des(&key, encrypt, iv, at->at, at->len);
    return encrypt ? crypto_aes_cbc_encrypt(&key, iv, at->at, at->at, at->len)
                   : crypto_aes_cbc_decrypt(&key, iv, at->at, at->at, at->len);
}

/* Derived: the received MAC is the IV, and only the deciphered key can be authenticated. */
static enum err open_bytes(const struct secret_key *kbpk, const struct keys_frame *f, const uint8_t *wanted, struct buf *at)
{
    const struct keys_binding *b = f->binding;
    uint8_t mac[KEYS_BLOCK_UNIT_MAX];
    if (b->derived)
        TRY(run(b, kbpk, false, wanted, at));
    TRY(authenticate(b, kbpk, f->head, buf_span(at), mac));
    if (!secret_equal(mac, wanted, b->mac))
        return KEYS_ERR_BLOCK_MAC;
    return b->derived ? ERR_OK : run(b, kbpk, false, f->head.at, at);
}

enum err keys_bind_open(const struct secret_key *kbpk, const struct keys_frame *frame, uint8_t *plain, size_t len)
{
    uint8_t wanted[KEYS_BLOCK_UNIT_MAX];
    struct buf at = {plain, len, len, ERR_OK};
    if (span_unhex(frame->cipher, plain, len) != ERR_OK || span_unhex(frame->mac, wanted, sizeof wanted) != ERR_OK)
        return KEYS_ERR_BLOCK_FORMAT;
    enum err err = open_bytes(kbpk, frame, wanted, &at);
    if (err != ERR_OK)
        secret_wipe(plain, len);
    return err;
}

enum err keys_bind_seal(const struct keys_binding *binding, const struct secret_key *kbpk, struct span head, uint8_t *at,
                        size_t len, uint8_t mac[static KEYS_BLOCK_UNIT_MAX])
{
    struct buf bytes = {at, len, len, ERR_OK};
    if (binding->derived) {
        TRY(authenticate(binding, kbpk, head, buf_span(&bytes), mac));
        return run(binding, kbpk, true, mac, &bytes);
    }
    TRY(run(binding, kbpk, true, head.at, &bytes));
    return authenticate(binding, kbpk, head, buf_span(&bytes), mac);
}
