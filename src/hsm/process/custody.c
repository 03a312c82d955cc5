/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/process/custody.h"

#include "base/file.h"
#include "hsm/process/console.h"
#include "hsm/process/mode.h"
#include "net/local.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TICK_MS = 1000, LINE_SIZE = 256, PATH_SIZE = 320 };

/* The keys of officers, as the child hands them over. */
struct left {
    uint8_t present[KEYS_STORE_OFFICERS];
    uint8_t key[KEYS_STORE_OFFICERS][KEYS_STORE_KEY];
};

static enum err tell(struct net_problem *problem, const char *subject, const char *what)
{
    (void)snprintf(problem->text, sizeof problem->text, "%s: %s", subject, what);
    return ERR_CONFIG;
}

enum err hsm_custody_check(const struct hsm_settings *s, struct net_problem *problem)
{
    const char *why =
        "no LMKs. Set hsm.lmk_store to a store made by `countersign-hsm lmk create` and `lmk form`, or try --test-lmk, "
        "which loads the public test LMKs for a sandbox.";
    if (s->test_lmk && s->lmk_store[0])
        why = "--test-lmk and hsm.lmk_store exclude each other: public test LMKs or your own.";
    else if (s->test_lmk || s->lmk_store[0])
        return ERR_OK;
    (void)snprintf(problem->text, sizeof problem->text, "%s", why);
    return ERR_FORBIDDEN;
}

/* ---- passphrases left for an unattended start: a child runs scrypt and hands over the officers' keys ---- */

static enum err derive(const struct keys_store *store, uint8_t number, struct span passphrase, struct left *out)
{
    if (number < 1 || number > KEYS_STORE_OFFICERS)
        return ERR_PARSE_VALUE;
    TRY(keys_store_officer_key(store, number, passphrase, out->key[number - 1]));
    out->present[number - 1] = 1;
    return ERR_OK;
}

/* `officer-1`, `officer-2`, ... in a folder, closed to others, such as systemd's credentials. */
static enum err from_folder(const struct keys_store *store, const char *folder, struct left *out)
{
    for (uint8_t n = 1; n <= keys_store_facts(store).officers; n++) {
        char path[PATH_SIZE];
        uint8_t room[LINE_SIZE];
        struct buf line = buf_over(room, sizeof room);
        struct stat facts;
        (void)snprintf(path, sizeof path, "%s/officer-%u", folder, n);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            continue;
        bool closed = fstat(fd, &facts) == 0 && hsm_mode_closed(&facts);
        bool read = closed && file_read_line(fd, &line) == ERR_OK;
        close(fd);
        enum err err = read ? derive(store, n, buf_span(&line), out) : ERR_CONFIG;
        secret_wipe(room, sizeof room);
        TRY(err);
    }
    return ERR_OK;
}

/* Lines `OFFICER PASSPHRASE`. */
static enum err from_descriptor(const struct keys_store *store, int fd, struct left *out)
{
    uint8_t room[LINE_SIZE];
    struct buf line = buf_over(room, sizeof room);
    enum err err = ERR_OK;
    while (err == ERR_OK && (err = file_read_line(fd, &line)) == ERR_OK) {
        err = line.len > 2 && line.at[1] == ' '
                  ? derive(store, (uint8_t)(line.at[0] - '0'), span_slice(buf_span(&line), 2, line.len), out)
                  : ERR_PARSE_VALUE;
        buf_clear(&line);
    }
    secret_wipe(room, sizeof room);
    return err == ERR_CLOSED ? ERR_OK : err;
}

static _Noreturn void derive_in_child(const struct hsm_settings *s, int out)
{
    struct keys_store *store = NULL;
    struct left left = {0};
    char problem[KEYS_STORE_PROBLEM];
    enum err err = keys_store_read(s->lmk_store, &store, problem);
    if (err == ERR_OK && s->credentials[0])
        err = from_folder(store, s->credentials, &left);
    if (err == ERR_OK && s->passphrase_fd >= 0)
        err = from_descriptor(store, (int)s->passphrase_fd, &left);
    bool handed = err == ERR_OK && write(out, &left, sizeof left) == (ssize_t)sizeof left;
    secret_wipe(&left, sizeof left);
    _exit(handed ? 0 : 1);
}

static bool receive(int fd, struct left *out)
{
    size_t have = 0;
    while (have < sizeof *out) {
        ssize_t got = read(fd, (uint8_t *)out + have, sizeof *out - have);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        have += (size_t)got;
    }
    return true;
}

/* A store that is cut or damaged is told as that before anybody's passphrase is looked at. */
static enum err look_at_store(const struct hsm_settings *s, struct net_problem *problem)
{
    struct keys_store *store = NULL;
    char why[KEYS_STORE_PROBLEM];
    if (keys_store_read(s->lmk_store, &store, why) != ERR_OK) {
        (void)snprintf(problem->text, sizeof problem->text, "hsm.lmk_store: %s", why);
        return ERR_CONFIG;
    }
    keys_store_destroy(store);
    return ERR_OK;
}

enum err hsm_custody_prepare(const struct hsm_settings *s, struct hsm_custody *custody, struct net_problem *problem)
{
    int ends[2], status = 0;
    custody->settings = s;
    if (!s->lmk_store[0] || (!s->credentials[0] && s->passphrase_fd < 0))
        return ERR_OK;
    TRY(look_at_store(s, problem));
    TRY(secret_pages_create(sizeof(struct left), &custody->keys));
    if (pipe2(ends, O_CLOEXEC) != 0)
        return ERR_SYSTEM;
    pid_t child = fork();
    if (child == 0)
        derive_in_child(s, ends[1]);
    close(ends[1]);
    bool received = child > 0 && receive(ends[0], custody->keys.at);
    close(ends[0]);
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    if (s->passphrase_fd > STDERR_FILENO)
        close((int)s->passphrase_fd);
    if (received && status == 0)
        return ERR_OK;
    return tell(problem, s->credentials[0] ? s->credentials : "hsm.passphrase_fd",
                "passphrases could not be read: files officer-1, officer-2 ... with mode 0400, or lines `1 PASSPHRASE`");
}

static enum err load_with(struct hsm_custody *custody, struct net_problem *problem)
{
    const struct left *left = custody->keys.at;
    const struct hsm_decision load = {.deed = HSM_LOAD};
    struct hsm_voices voices = {0};
    char why[HSM_PROBLEM] = "";
    for (uint8_t i = 0; i < KEYS_STORE_OFFICERS && !voices.done; i++) {
        if (!left->present[i])
            continue;
        if (hsm_officers_prove(custody->officers, (uint8_t)(i + 1), left->key[i], &load, &voices, why) != ERR_OK)
            return tell(problem, custody->settings->lmk_store, why);
    }
    return voices.done ? ERR_OK : tell(problem, custody->settings->lmk_store, "not enough passphrases were left to open it");
}

/* ---- life ---- */

enum err hsm_custody_open(struct hsm_custody *custody, struct hsm *hsm, bool hardened, struct net_loop *loop,
                          struct net_problem *problem)
{
    const struct hsm_settings *s = custody->settings;
    const struct hsm_officers_config config = {
        .store = s->lmk_store, .voices = (uint8_t)s->authorise_officers, .live_only = hardened};
    const struct net_local_config console = {.name = "console", .path = s->console, .line = hsm_console_line};
    TRY(hsm_officers_create(hsm_context(hsm), &config, &custody->officers));
    if (custody->keys.at) {
        enum err err = load_with(custody, problem);
        secret_pages_destroy(&custody->keys);
        TRY(err);
    }
    TRY(net_loop_every(loop, TICK_MS, TICK_MS, hsm_officers_tick, custody->officers));
    if (!s->console[0])
        return ERR_OK;
    struct net_local_config here = console;
    here.context = custody->officers;
    return net_local_create(loop, &here, problem);
}

void hsm_custody_close(struct hsm_custody *custody)
{
    secret_pages_destroy(&custody->keys);
    hsm_officers_destroy(custody->officers);
    custody->officers = NULL;
}
