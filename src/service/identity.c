/* SPDX-License-Identifier: Apache-2.0 */
#include "service/identity.h"

#include "base/file.h"
#include "crypto/vault.h"
#include "store/error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAC_SHOWN = 4 };

/* ---- the file ---- */

/* False: the vault cannot be read. */
static bool url_label(const struct service_identity_config *config, struct buf *out)
{
    uint8_t mac[CRYPTO_VAULT_MAC];
    struct crypto_vault *vault = NULL;
    if (crypto_vault_open_file(config->vault_path, config->set->name, &vault) != ERR_OK)
        return false;
    enum err err = crypto_vault_text_mac(vault, span_text(config->url), mac);
    crypto_vault_close(vault);
    buf_put_text(out, config->set->name);
    buf_put_text(out, "-");
    buf_put_hex(out, mac, MAC_SHOWN);
    return err == ERR_OK;
}

static enum err path_of(const struct service_identity_config *config, char out[static SERVICE_IDENTITY_PATH], bool *found)
{
    char room[48];
    struct buf path = buf_over(out, SERVICE_IDENTITY_PATH), label = buf_over(room, sizeof room);
    const char *state = getenv("STATE_DIRECTORY"); /* systemd.exec(5): where a service may write */
    *found = true;
    if (config->file[0]) {
        buf_put_text(&path, config->file);
    } else {
        *found = url_label(config, &label);
        if (state && state[0] == '/')
            buf_put_span(&path, span_of(state, strcspn(state, ":")));
        else
            buf_put_text(&path, config->vault_path);
        buf_put_text(&path, state && state[0] == '/' ? "/" : ".");
        buf_put_text(&path, buf_text(&label));
    }
    (void)buf_text(&path);
    return buf_done(&path);
}

static enum err file_refused(struct net_problem *problem, enum err err, const char *path, const char *why)
{
    (void)snprintf(problem->text, sizeof problem->text,
                   "store.identity: %s: %s; it remembers which store was there: name a file that this user may read and write",
                   path, why);
    return err;
}

enum err service_identity_open(const struct service_identity_config *config, struct service_identity *out,
                               struct net_problem *problem)
{
    bool found = false;
    *out = (struct service_identity){.open = false};
    if (path_of(config, out->path, &found) != ERR_OK)
        return file_refused(problem, ERR_CONFIG, "its path", "is too long");
    if (!found)
        return ERR_OK;
    out->fd = open(out->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
    if (out->fd < 0 && (errno == EACCES || errno == EROFS)) /* enough, as long as there is nothing new to remember */
        out->fd = open(out->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    out->open = out->fd >= 0;
    return out->open ? ERR_OK : file_refused(problem, ERR_CONFIG, out->path, strerror(errno));
}

void service_identity_close(struct service_identity *file)
{
    if (file->open)
        (void)close(file->fd);
    file->open = false;
}

/* "": nothing is remembered. */
static enum err remembered(const struct service_identity *file, struct store_identity *out, struct net_problem *problem)
{
    char text[STORE_IDENTITY_LEN + 2];
    uint8_t digits[STORE_IDENTITY_LEN / 2];
    ssize_t len = pread(file->fd, text, sizeof text, 0);
    *out = (struct store_identity){""};
    if (len < 0)
        return file_refused(problem, ERR_SYSTEM, file->path, strerror(errno));
    struct span line = span_of(text, (size_t)len);
    if (line.len > 0 && line.at[line.len - 1] == '\n')
        line.len--;
    if (line.len == 0)
        return ERR_OK;
    if (line.len != STORE_IDENTITY_LEN || span_unhex(line, digits, sizeof digits) != ERR_OK)
        return file_refused(problem, ERR_CONFIG, file->path, "is no identity of a store");
    memcpy(out->text, line.at, line.len);
    return ERR_OK;
}

/* In place: a line that is shorter than any block of a disk, and has one length. */
static enum err remember(const struct service_identity *file, const struct store_identity *identity, struct net_problem *problem)
{
    char line[STORE_IDENTITY_LEN + 2];
    (void)snprintf(line, sizeof line, "%s\n", identity->text);
    ssize_t len = (ssize_t)strlen(line);
    if (pwrite(file->fd, line, (size_t)len, 0) == len && fsync(file->fd) == 0)
        return ERR_OK;
    return file_refused(problem, ERR_SYSTEM, file->path, strerror(errno));
}

/* ---- the comparison ---- */

static enum err refuse(const struct service_identity *file, const struct store_identity *known, const struct store_identity *there,
                       struct log *log, struct net_problem *problem)
{
    LOG(log, LOG_ERROR, "store.replaced", LOG_TEXT("remembered", known->text),
        LOG_TEXT("there", there->text[0] ? there->text : "none"), LOG_TEXT("file", file->path));
    (void)snprintf(
        problem->text, sizeof problem->text,
        "store.url: %s: %s remembers store %s, and this one %s; put the old one back, or, if it is gone for good, start once "
        "with --set store.replaces=%s",
        err_row(STORE_ERR_REPLACED)->text, file->path, known->text, there->text[0] ? "is another" : "is new", known->text);
    return STORE_ERR_REPLACED;
}

enum err service_identity_check(const struct service_identity_config *config, const struct service_identity *file,
                                struct store *store, struct log *log, struct store_identity *out, struct net_problem *problem)
{
    struct store_identity known = {""}, there = {""};
    if (!file->open)
        return file_refused(problem, ERR_CONFIG, "beside vault.file", "could not be named, because the vault could not be read");
    TRY(store_identity_read(store, config->set, &there));
    TRY(remembered(file, &known, problem));
    bool same = strcmp(known.text, there.text) == 0;
    bool fresh = !known.text[0];
    if (!same && !fresh && strcmp(config->replaces, known.text) != 0)
        return refuse(file, &known, &there, log, problem);
    if (!same && !fresh)
        LOG(log, LOG_WARN, "store.accepted", LOG_TEXT("instead", known.text));
    TRY(store_identity_make(store, config->set, &there));
    if (!same || fresh)
        TRY(remember(file, &there, problem));
    *out = there;
    return ERR_OK;
}
