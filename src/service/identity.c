/* SPDX-License-Identifier: Apache-2.0 */
#include "service/identity.h"

#include "base/file.h"
#include "service/service.h"
#include "store/error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PATH_ROOM = 320, MAC_SHOWN = 4 };

/* ---- the file ---- */

static enum err path_of(const struct service_identity_config *config, char out[static PATH_ROOM])
{
    uint8_t mac[CRYPTO_VAULT_MAC];
    struct buf path = buf_over(out, PATH_ROOM);
    if (config->file[0]) {
        buf_put_text(&path, config->file);
    } else {
        TRY(crypto_vault_text_mac(config->vault, span_text(config->url), mac));
        buf_put_text(&path, config->vault_path);
        buf_put_text(&path, ".");
        buf_put_text(&path, config->set->name);
        buf_put_text(&path, "-");
        buf_put_hex(&path, mac, MAC_SHOWN);
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

/* "": nothing is remembered. */
static enum err remembered(const char *path, struct store_identity *out, struct net_problem *problem)
{
    char room[STORE_IDENTITY_LEN + 2];
    uint8_t digits[STORE_IDENTITY_LEN / 2];
    struct buf text = buf_over(room, sizeof room);
    *out = (struct store_identity){""};
    enum err err = file_read(path, &text);
    if (err == ERR_NOT_FOUND)
        return ERR_OK;
    if (err != ERR_OK)
        return file_refused(problem, err, path, file_problem(err));
    struct span line = buf_span(&text);
    if (line.len > 0 && line.at[line.len - 1] == '\n')
        line.len--;
    if (line.len != STORE_IDENTITY_LEN || span_unhex(line, digits, sizeof digits) != ERR_OK)
        return file_refused(problem, ERR_CONFIG, path, "is no identity of a store: 32 hexadecimal digits");
    memcpy(out->text, line.at, line.len);
    return ERR_OK;
}

static bool folder_synced(const char *path)
{
    char folder[PATH_ROOM];
    (void)snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash)
        slash[1] = 0;
    int fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool synced = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        (void)close(fd);
    return synced;
}

/* Temporary file, fsync, rename, fsync of the folder: a crash leaves the old file or the new one. */
static bool written(const char *path, const char *temporary, const struct store_identity *identity)
{
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return false;
    bool whole = file_write(fd, span_text(identity->text)) == ERR_OK && file_write(fd, span_text("\n")) == ERR_OK && fsync(fd) == 0;
    whole = close(fd) == 0 && whole;
    return whole && rename(temporary, path) == 0 && folder_synced(path);
}

static enum err remember(const char *path, const struct store_identity *identity, struct net_problem *problem)
{
    char temporary[PATH_ROOM + 24];
    (void)snprintf(temporary, sizeof temporary, "%s.%d", path, (int)getpid()); /* services may share a vault, and start at once */
    if (written(path, temporary, identity))
        return ERR_OK;
    int why = errno;
    (void)unlink(temporary);
    return file_refused(problem, ERR_SYSTEM, path, strerror(why));
}

/* ---- the comparison ---- */

static enum err refuse(const struct service_identity_config *config, const char *path, const struct store_identity *known,
                       const struct store_identity *there, struct net_problem *problem)
{
    LOG(config->log, LOG_ERROR, "store.replaced", LOG_TEXT("remembered", known->text),
        LOG_TEXT("there", there->text[0] ? there->text : "none"), LOG_TEXT("file", path));
    (void)snprintf(
        problem->text, sizeof problem->text,
        "store.url: %s: %s remembers store %s, and this one %s; put the old one back, or, if it is gone for good, start once "
        "with --set store.replaces=%s",
        err_row(STORE_ERR_REPLACED)->text, path, known->text, there->text[0] ? "is another" : "is new", known->text);
    return STORE_ERR_REPLACED;
}

enum err service_identity_check(const struct service_identity_config *config, struct store *store, struct store_identity *out,
                                struct net_problem *problem)
{
    char path[PATH_ROOM];
    struct store_identity known = {""}, there = {""};
    TRY(path_of(config, path));
    TRY(store_identity_read(store, config->set, &there));
    TRY(remembered(path, &known, problem));
    bool same = strcmp(known.text, there.text) == 0;
    bool fresh = !known.text[0];
    if (!same && !fresh && strcmp(config->replaces, known.text) != 0)
        return refuse(config, path, &known, &there, problem);
    if (!same && !fresh)
        LOG(config->log, LOG_WARN, "store.accepted", LOG_TEXT("instead", known.text));
    TRY(store_identity_make(store, config->set, &there));
    if (!same || fresh)
        TRY(remember(path, &there, problem));
    *out = there;
    return ERR_OK;
}
