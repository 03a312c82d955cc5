/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/vault.h"

#include "base/secret.h"
#include "crypto/internal.h"
#include "crypto/mac.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NONCE = 12, TAG = 16, KEY = 32, KEY_TEXT = 64 };

struct vault {
    struct secret_pages pages;
    struct hmac mac;
    EVP_CIPHER_CTX *seal;
    EVP_CIPHER_CTX *unseal;
};

/* The info names product, purpose and use, so no two keys of one master meet. */
static enum err derive(const uint8_t master[static VAULT_MASTER], const char *purpose, const char *use, uint8_t out[static KEY])
{
    uint8_t room[128];
    struct buf info = buf_over(room, sizeof room);
    buf_put_text(&info, "countersign vault ");
    buf_put_text(&info, purpose);
    buf_put_byte(&info, ' ');
    buf_put_text(&info, use);
    TRY(buf_done(&info));
    return hkdf_sha256(span_of(master, VAULT_MASTER), buf_span(&info), out, KEY);
}

static enum err gcm(const uint8_t key[static KEY], int encrypt, EVP_CIPHER_CTX **out)
{
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    *out = EVP_CIPHER_CTX_new();
    bool made = cipher && *out && EVP_CipherInit_ex2(*out, cipher, key, NULL, encrypt, NULL) == 1;
    EVP_CIPHER_free(cipher);
    return made ? ERR_OK : crypto_failed();
}

static enum err fill(struct vault *v, const uint8_t master[static VAULT_MASTER], const char *purpose, uint8_t key[static KEY])
{
    TRY(derive(master, purpose, "pan-mac v1", key));
    TRY(hmac_load(span_of(key, KEY), &v->mac));
    TRY(derive(master, purpose, "seal v1", key));
    TRY(gcm(key, 1, &v->seal));
    return gcm(key, 0, &v->unseal);
}

enum err vault_open(const uint8_t master[static VAULT_MASTER], const char *purpose, struct vault **out)
{
    struct secret_pages pages;
    uint8_t key[KEY] = {0};
    TRY(secret_pages_create(sizeof(struct vault), &pages));
    struct vault *v = pages.at;
    v->pages = pages;
    enum err err = fill(v, master, purpose, key);
    secret_wipe(key, sizeof key);
    if (err != ERR_OK)
        vault_close(v);
    else
        *out = v;
    return err;
}

/* An owner-only file of 64 hexadecimal digits and at most a newline. */
static enum err read_master(int fd, uint8_t master[static VAULT_MASTER])
{
    struct stat facts;
    uint8_t text[KEY_TEXT + 2];
    if (fstat(fd, &facts) != 0 || !S_ISREG(facts.st_mode) || (facts.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return ERR_CONFIG;
    ssize_t got = read(fd, text, sizeof text);
    enum err err = got == KEY_TEXT || (got == KEY_TEXT + 1 && text[KEY_TEXT] == '\n') ? ERR_OK : ERR_CONFIG;
    if (err == ERR_OK && span_unhex(span_of(text, KEY_TEXT), master, VAULT_MASTER) != ERR_OK)
        err = ERR_CONFIG;
    secret_wipe(text, sizeof text);
    return err;
}

enum err vault_open_file(const char *path, const char *purpose, struct vault **out)
{
    uint8_t master[VAULT_MASTER] = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return ERR_CONFIG;
    enum err err = read_master(fd, master);
    close(fd);
    if (err == ERR_OK)
        err = vault_open(master, purpose, out);
    secret_wipe(master, sizeof master);
    return err;
}

void vault_close(struct vault *vault)
{
    if (!vault)
        return;
    hmac_unload(&vault->mac);
    EVP_CIPHER_CTX_free(vault->seal);
    EVP_CIPHER_CTX_free(vault->unseal);
    struct secret_pages pages = vault->pages;
    secret_pages_destroy(&pages);
}

enum err vault_pan_mac(struct vault *vault, struct span digits, uint8_t out[static VAULT_MAC])
{
    return hmac_run(&vault->mac, &digits, 1, out);
}

static bool transform(EVP_CIPHER_CTX *context, const uint8_t *nonce, struct span aad, struct span in, uint8_t *out)
{
    int len = 0;
    if (EVP_CipherInit_ex2(context, NULL, NULL, nonce, -1, NULL) != 1)
        return false;
    if (aad.len > 0 && EVP_CipherUpdate(context, NULL, &len, aad.at, (int)aad.len) != 1)
        return false;
    return in.len == 0 || EVP_CipherUpdate(context, out, &len, in.at, (int)in.len) == 1;
}

enum err vault_seal(struct vault *vault, const struct env *env, struct span aad, struct span plain, struct buf *out)
{
    if (plain.len > VAULT_PLAIN_MAX || aad.len > VAULT_PLAIN_MAX)
        return ERR_PARSE_LONG;
    size_t before = out->len;
    uint8_t *at = buf_take(out, plain.len + VAULT_OVERHEAD);
    if (!at)
        return out->err;
    uint8_t *nonce = at + 1, *body = nonce + NONCE, *tag = body + plain.len;
    int len = 0;
    at[0] = VAULT_VERSION;
    env_random(env, nonce, NONCE);
    if (transform(vault->seal, nonce, aad, plain, body) && EVP_CipherFinal_ex(vault->seal, tag, &len) == 1 &&
        EVP_CIPHER_CTX_ctrl(vault->seal, EVP_CTRL_AEAD_GET_TAG, TAG, tag) == 1)
        return ERR_OK;
    secret_wipe(at, plain.len + VAULT_OVERHEAD);
    out->len = before;
    return crypto_failed();
}

enum err vault_unseal(struct vault *vault, struct span aad, struct span sealed, struct buf *out)
{
    if (sealed.len < VAULT_OVERHEAD || sealed.len > VAULT_PLAIN_MAX + VAULT_OVERHEAD || sealed.at[0] != VAULT_VERSION)
        return ERR_PARSE_VALUE;
    size_t before = out->len, len = sealed.len - VAULT_OVERHEAD;
    uint8_t tag[TAG];
    int done = 0;
    memcpy(tag, sealed.at + sealed.len - TAG, TAG);
    uint8_t *to = buf_take(out, len);
    if (!to)
        return out->err;
    if (transform(vault->unseal, sealed.at + 1, aad, span_slice(sealed, 1 + NONCE, len), to) &&
        EVP_CIPHER_CTX_ctrl(vault->unseal, EVP_CTRL_AEAD_SET_TAG, TAG, tag) == 1 &&
        EVP_CipherFinal_ex(vault->unseal, tag, &done) == 1)
        return ERR_OK;
    ERR_clear_error();
    secret_wipe(to, len);
    out->len = before;
    return ERR_PARSE_VALUE;
}
