/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/vault.h"

#include "base/file.h"
#include "base/secret.h"
#include "crypto/aead.h"
#include "crypto/mac.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEY = CRYPTO_AEAD_KEY, KEY_TEXT = 64 };

struct crypto_vault {
    struct secret_pages pages;
    struct crypto_hmac mac;
    struct crypto_aead aead;
};

/* The info names product, purpose and use, so no two keys of one master meet. */
static enum err derive(const uint8_t master[static CRYPTO_VAULT_MASTER], const char *purpose, const char *use,
                       uint8_t out[static KEY])
{
    uint8_t room[128];
    struct buf info = buf_over(room, sizeof room);
    buf_put_text(&info, "countersign vault ");
    buf_put_text(&info, purpose);
    buf_put_byte(&info, ' ');
    buf_put_text(&info, use);
    TRY(buf_done(&info));
    return crypto_hkdf_sha256(span_of(master, CRYPTO_VAULT_MASTER), buf_span(&info), out, KEY);
}

static enum err fill(struct crypto_vault *v, const uint8_t master[static CRYPTO_VAULT_MASTER], const char *purpose,
                     uint8_t key[static KEY])
{
    TRY(derive(master, purpose, "pan-mac v1", key));
    TRY(crypto_hmac_load(span_of(key, KEY), &v->mac));
    TRY(derive(master, purpose, "seal v1", key));
    return crypto_aead_load(key, &v->aead);
}

enum err crypto_vault_open(const uint8_t master[static CRYPTO_VAULT_MASTER], const char *purpose, struct crypto_vault **out)
{
    struct secret_pages pages;
    uint8_t key[KEY] = {0};
    TRY(secret_pages_create(sizeof(struct crypto_vault), &pages));
    struct crypto_vault *v = pages.at;
    v->pages = pages;
    enum err err = fill(v, master, purpose, key);
    secret_wipe(key, sizeof key);
    if (err != ERR_OK)
        crypto_vault_close(v);
    else
        *out = v;
    return err;
}

/* An owner-only file of 64 hexadecimal digits and at most a newline. */
static enum err read_master(const char *path, uint8_t master[static CRYPTO_VAULT_MASTER])
{
    struct stat facts;
    uint8_t room[KEY_TEXT + 1];
    struct buf text = buf_over(room, sizeof room);
    enum err err = file_read_known(path, &text, &facts);
    bool closed = err == ERR_OK && S_ISREG(facts.st_mode) && (facts.st_mode & (S_IRWXG | S_IRWXO)) == 0;
    bool whole = closed && (text.len == KEY_TEXT || (text.len == KEY_TEXT + 1 && room[KEY_TEXT] == '\n'));
    if (!whole || span_unhex(span_of(room, KEY_TEXT), master, CRYPTO_VAULT_MASTER) != ERR_OK)
        err = ERR_CONFIG;
    secret_wipe(room, sizeof room);
    return err;
}

enum err crypto_vault_open_file(const char *path, const char *purpose, struct crypto_vault **out)
{
    uint8_t master[CRYPTO_VAULT_MASTER] = {0};
    enum err err = read_master(path, master);
    if (err == ERR_OK)
        err = crypto_vault_open(master, purpose, out);
    secret_wipe(master, sizeof master);
    return err;
}

void crypto_vault_close(struct crypto_vault *vault)
{
    if (!vault)
        return;
    crypto_hmac_unload(&vault->mac);
    crypto_aead_unload(&vault->aead);
    struct secret_pages pages = vault->pages;
    secret_pages_destroy(&pages);
}

enum err crypto_vault_pan_mac(struct crypto_vault *vault, struct span digits, uint8_t out[static CRYPTO_VAULT_MAC])
{
    return crypto_hmac_run(&vault->mac, &digits, 1, out);
}

enum err crypto_vault_text_mac(struct crypto_vault *vault, struct span text, uint8_t out[static CRYPTO_VAULT_MAC])
{
    const struct span part[] = {span_of("\0", 1), text}; /* a PAN begins with a digit */
    return crypto_hmac_run(&vault->mac, part, 2, out);
}

enum err crypto_vault_seal(struct crypto_vault *vault, const struct env *env, struct span aad, struct span plain, struct buf *out)
{
    if (plain.len > CRYPTO_VAULT_PLAIN_MAX || aad.len > CRYPTO_VAULT_PLAIN_MAX)
        return ERR_PARSE_LONG;
    size_t before = out->len;
    buf_put_byte(out, CRYPTO_VAULT_VERSION);
    enum err err = crypto_aead_seal(&vault->aead, env, aad, plain, out);
    if (err != ERR_OK)
        out->len = before;
    return err;
}

enum err crypto_vault_unseal(struct crypto_vault *vault, struct span aad, struct span sealed, struct buf *out)
{
    if (sealed.len < CRYPTO_VAULT_OVERHEAD || sealed.len > CRYPTO_VAULT_PLAIN_MAX + CRYPTO_VAULT_OVERHEAD ||
        sealed.at[0] != CRYPTO_VAULT_VERSION)
        return ERR_PARSE_VALUE;
    return crypto_aead_unseal(&vault->aead, aad, span_slice(sealed, 1, sealed.len), out);
}
