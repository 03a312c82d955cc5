/* SPDX-License-Identifier: Apache-2.0 */
#include "keys/component.h"

#include "crypto/aead.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    MAGIC = 8,
    SALT = 16,
    HEAD = MAGIC + 4 + SALT + KEYS_COMPONENT_CHECK,
    IMAGE = HEAD + CRYPTO_AEAD_OVERHEAD + KEYS_MATERIAL,
};

static enum err tell(char problem[static KEYS_COMPONENT_PROBLEM], const char *path, const char *what)
{
    (void)snprintf(problem, KEYS_COMPONENT_PROBLEM, "%.80s: %.70s", path, what);
    return ERR_CONFIG;
}

static enum err load_cipher(struct span passphrase, const uint8_t *salt, struct crypto_kdf_cost cost, struct crypto_aead *out)
{
    uint8_t key[CRYPTO_AEAD_KEY];
    TRY(crypto_kdf_scrypt(passphrase, span_of(salt, SALT), cost, key, sizeof key));
    enum err err = crypto_aead_load(key, out);
    secret_wipe(key, sizeof key);
    return err;
}

static enum err seal(enum keys_lmk_kind kind, const struct keys_material *component, struct span passphrase, const struct env *env,
                     struct buf *out)
{
    const struct crypto_kdf_cost cost = CRYPTO_KDF_COST_DEFAULT;
    const uint8_t numbers[] = {(uint8_t)kind, cost.log2n, cost.r, cost.p};
    char check[KEYS_COMPONENT_CHECK + 1];
    uint8_t salt[SALT];
    struct crypto_aead aead = {0};
    TRY(keys_component_check(kind, component, check));
    env_random(env, salt, sizeof salt);
    buf_put_text(out, "CSLMKCP1");
    buf_put(out, numbers, sizeof numbers);
    buf_put(out, salt, sizeof salt);
    buf_put_text(out, check);
    TRY(load_cipher(passphrase, salt, cost, &aead));
    enum err err = crypto_aead_seal(&aead, env, buf_span(out), span_of(component, sizeof *component), out);
    crypto_aead_unload(&aead);
    return err;
}

enum err keys_component_write(const char *path, enum keys_lmk_kind kind, const struct keys_material *component,
                              struct span passphrase, const struct env *env, char problem[static KEYS_COMPONENT_PROBLEM])
{
    uint8_t image[IMAGE];
    struct buf out = buf_over(image, sizeof image);
    enum err err = seal(kind, component, passphrase, env, &out);
    if (err != ERR_OK) {
        (void)tell(problem, path, err_row(err)->text);
        return err;
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
    if (fd < 0)
        return tell(problem, path, strerror(errno));
    bool written = write(fd, image, out.len) == (ssize_t)out.len && fsync(fd) == 0;
    int why = errno;
    if (close(fd) == 0 && written)
        return ERR_OK;
    unlink(path);
    return tell(problem, path, written ? strerror(errno) : strerror(why));
}

static const char *read_image(const char *path, uint8_t image[static IMAGE + 1])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return strerror(errno);
    ssize_t got = read(fd, image, IMAGE + 1);
    int why = errno;
    close(fd);
    if (got < 0)
        return strerror(why);
    bool known = got == IMAGE && span_is(span_of(image, MAGIC), "CSLMKCP1");
    return known ? NULL : "is not a component file of version 1";
}

enum err keys_component_read(const char *path, enum keys_lmk_kind kind, struct span passphrase, struct keys_material *out,
                             char problem[static KEYS_COMPONENT_PROBLEM])
{
    uint8_t image[IMAGE + 1];
    struct crypto_aead aead = {0};
    KEYS_MATERIAL_SECRET found = {0};
    struct buf plain = buf_over(found.at, sizeof found.at);
    const char *wrong = read_image(path, image);
    if (!wrong && image[MAGIC] != (uint8_t)kind)
        wrong = "is a component of the other kind of LMK";
    if (wrong)
        return tell(problem, path, wrong);
    const struct crypto_kdf_cost cost = {image[MAGIC + 1], image[MAGIC + 2], image[MAGIC + 3]};
    enum err err = load_cipher(passphrase, image + MAGIC + 4, cost, &aead);
    if (err == ERR_OK)
        err = crypto_aead_unseal(&aead, span_of(image, HEAD), span_of(image + HEAD, IMAGE - HEAD), &plain);
    crypto_aead_unload(&aead);
    if (err == ERR_PARSE_VALUE) {
        (void)tell(problem, path, "wrong passphrase, or the file was changed");
        return ERR_AUTHENTICATION;
    }
    if (err != ERR_OK) {
        (void)tell(problem, path, err_row(err)->text);
        return err;
    }
    *out = found;
    return ERR_OK;
}
