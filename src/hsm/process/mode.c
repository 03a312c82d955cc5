/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/process/mode.h"

#include "base/arena.h"
#include "base/file.h"
#include "base/secret.h"
#include "keys/store/store.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OFFICERS_LEAST = 2, GUESS_LIMIT_DEFAULT = 30, KEY_DIGITS = 2 * HSM_MODE_KEY, MEBIBYTE = 1 << 20 };

bool hsm_mode_hardened(const struct hsm_settings *settings)
{
    return settings->mode[0] ? strcmp(settings->mode, "hardened") == 0 : !settings->test_lmk;
}

/* ---- what goes together ---- */

/* Settings that mean something in hardened mode only. */
static const char *hardened_only(const struct hsm_settings *s)
{
    if (s->guess_limit != 0)
        return "hsm.guess_limit";
    if (s->guess_key[0])
        return "hsm.guess_key";
    if (s->plaintext_peers[0])
        return "hsm.plaintext_peers";
    return NULL;
}

static enum err refuse(struct net_problem *problem, const char *setting, const char *why)
{
    (void)snprintf(problem->text, sizeof problem->text, "%s %s", setting, why);
    return ERR_FORBIDDEN;
}

/* The values, each by itself. */
static enum err values_check(const struct hsm_settings *s, struct net_problem *problem)
{
    bool named = !s->mode[0] || strcmp(s->mode, "compatibility") == 0 || strcmp(s->mode, "hardened") == 0;
    if (!named)
        (void)snprintf(problem->text, sizeof problem->text, "hsm.mode is hardened or compatibility, not '%s'", s->mode);
    else if (s->guess_limit != 0 && s->guess_limit < HSM_GUESS_LEAST)
        (void)snprintf(problem->text, sizeof problem->text, "hsm.guess_limit is %d to %d", HSM_GUESS_LEAST, HSM_GUESS_MOST);
    else
        return ERR_OK;
    return ERR_CONFIG;
}

enum err hsm_mode_check(const struct hsm_settings *settings, struct net_problem *problem)
{
    bool hardened = hsm_mode_hardened(settings);
    const char *setting = hardened_only(settings);
    TRY(values_check(settings, problem));
    if (hardened && settings->test_lmk)
        return refuse(
            problem, "hsm.mode=hardened",
            "and the public test LMKs exclude each other: anyone can read keys under those LMKs. Leave out --test-lmk and "
            "load LMKs of your own, or leave out hsm.mode.");
    if (settings->test_lmk_old && !settings->test_lmk)
        return refuse(problem, "hsm.test_lmk_old",
                      "goes with the public test LMKs: leave it out, or add --test-lmk for a sandbox.");
    if (setting && settings->test_lmk)
        return refuse(problem, setting, "belongs to hardened mode, which the public test LMKs exclude: leave out one of the two.");
    if (setting && !hardened)
        return refuse(problem, setting, "belongs to hardened mode: leave it out, or hsm.mode=compatibility.");
    if (hardened && settings->authorise_officers < OFFICERS_LEAST && !settings->unsafe)
        return refuse(problem, "hsm.authorise_officers=1",
                      "lets one person authorise key commands alone, which hardened mode refuses: ask for two officers, or set "
                      "hsm.unsafe=true.");
    if (hardened && settings->authorised)
        return refuse(problem, "hsm.authorised",
                      "is refused in hardened mode: PM never tells an expected code there (host-commands.md 5.3), and officers "
                      "authorise activities one by one.");
    return ERR_OK;
}

static void warn(struct log *log, const char *setting, const char *what)
{
    LOG(log, LOG_WARN, "hsm.unsafe", LOG_TEXT("setting", setting), LOG_TEXT("what", what));
}

/* What keeps officers from loading the LMKs, as far as it is known at the start. */
static void warn_unready(const struct hsm_settings *settings, struct log *log)
{
    bool loads = settings->console[0] || settings->credentials[0] || settings->passphrase_fd >= 0;
    struct keys_store *store = NULL;
    char problem[KEYS_STORE_PROBLEM];
    if (settings->lmk_store[0] && keys_store_read(settings->lmk_store, &store, problem) != ERR_OK)
        LOG(log, LOG_WARN, "hsm.unready", LOG_TEXT("setting", "hsm.lmk_store"), LOG_TEXT("what", problem));
    keys_store_destroy(store);
    if (settings->lmk_store[0] && !loads)
        LOG(log, LOG_WARN, "hsm.unready", LOG_TEXT("setting", "hsm.console"),
            LOG_TEXT("what", "empty, and no passphrases are left: nobody can load the LMKs"));
}

void hsm_mode_warn(const struct hsm_settings *settings, struct log *log)
{
    bool hardened = hsm_mode_hardened(settings);
    warn_unready(settings, log);
    if (!hardened && !settings->test_lmk)
        warn(log, "hsm.mode", "compatibility: no guessing limit, no authorised activities, plain TCP from anywhere");
    if (settings->authorised)
        warn(log, "hsm.authorised", "PM tells the expected code to whoever asks with a wrong one");
    if (settings->audit[0] && !settings->audit_key[0])
        warn(log, "hsm.audit_key", "empty: whoever can write the trail can build it anew");
    if (!hardened)
        return;
    if (settings->authorise_officers < OFFICERS_LEAST)
        warn(log, "hsm.authorise_officers", "1: one person goes online and authorises key commands alone");
    if (!settings->audit[0])
        warn(log, "hsm.audit", "empty: what was done to keys is in the log alone");
    if (!settings->clients[0])
        warn(log, "hsm.clients", "empty: every client may use every command");
    if (settings->plaintext_peers[0])
        warn(log, "hsm.plaintext_peers", "what these peers ask, card numbers and codes, can be read on the wire");
    if (settings->guess_limit > GUESS_LIMIT_DEFAULT * 10)
        warn(log, "hsm.guess_limit", "a code of three digits falls to so many guesses with a chance above a quarter a day");
}

/* ---- files ---- */

static enum err problem_set(struct net_problem *problem, const char *path, const char *what)
{
    (void)snprintf(problem->text, sizeof problem->text, "%s: %s", path, what);
    return ERR_CONFIG;
}

/* An access list, by which systemd opens a credential to the service's user, shows itself as rights of the group root. */
bool hsm_mode_closed(const struct stat *facts)
{
    mode_t group = facts->st_gid == 0 ? S_IWGRP | S_IXGRP : S_IRWXG;
    return (facts->st_mode & (group | S_IRWXO)) == 0;
}

static enum err key_parse(const char *path, struct span text, uint8_t out[static HSM_MODE_KEY], struct net_problem *problem)
{
    while (text.len > 0 && (text.at[text.len - 1] == '\n' || text.at[text.len - 1] == '\r'))
        text.len--;
    if (text.len != KEY_DIGITS || span_unhex(text, out, HSM_MODE_KEY) != ERR_OK)
        return problem_set(problem, path, "is not a key of 64 hexadecimal digits");
    return ERR_OK;
}

enum err hsm_mode_key_read(const char *path, uint8_t out[static HSM_MODE_KEY], struct net_problem *problem)
{
    uint8_t room[KEY_DIGITS + 2];
    struct buf text = buf_over(room, sizeof room);
    struct stat facts;
    enum err err = file_read_known(path, &text, &facts);
    if (err != ERR_OK)
        err = problem_set(problem, path, file_problem(err));
    else if (!hsm_mode_closed(&facts))
        err = problem_set(problem, path, "others may read it: chmod 600 it");
    else
        err = key_parse(path, buf_span(&text), out, problem);
    secret_wipe(room, sizeof room);
    return err;
}

/* ---- settings into what the hsm takes ---- */

static enum err clients_read(const char *path, struct hsm_clients *out, struct net_problem *problem)
{
    void *at = NULL;
    struct net_problem inner = {""};
    TRY(memory_reserve(1, HSM_MODE_FILE, &at));
    struct buf text = buf_over(at, HSM_MODE_FILE);
    enum err err = file_read(path, &text);
    if (err != ERR_OK)
        err = problem_set(problem, path, file_problem(err));
    else if (hsm_clients_parse(buf_span(&text), out, &inner) != ERR_OK)
        err = problem_set(problem, path, inner.text);
    memory_release(at, 1, HSM_MODE_FILE);
    return err;
}

enum err hsm_mode_policy(const struct hsm_settings *settings, struct hsm_policy *out, struct net_problem *problem)
{
    struct net_problem inner = {""};
    memset(out, 0, sizeof *out);
    out->guards_plaintext = hsm_mode_hardened(settings);
    out->lists_clients = settings->clients[0] != 0;
    if (hsm_peers_parse(span_text(settings->plaintext_peers), &out->plaintext, &inner) != ERR_OK)
        return problem_set(problem, "hsm.plaintext_peers", inner.text);
    return out->lists_clients ? clients_read(settings->clients, &out->clients, problem) : ERR_OK;
}

uint32_t hsm_mode_guess_limit(const struct hsm_settings *settings)
{
    return (uint32_t)(settings->guess_limit ? settings->guess_limit : GUESS_LIMIT_DEFAULT);
}

enum err hsm_mode_guess(const struct hsm_settings *settings, const struct env *env, struct hsm_guess_config *out, bool *on,
                        struct net_problem *problem)
{
    *on = hsm_mode_hardened(settings);
    if (!*on)
        return ERR_OK;
    *out = (struct hsm_guess_config){.limit = hsm_mode_guess_limit(settings),
                                     .pans = (uint32_t)settings->guess_pans,
                                     .memory = (uint64_t)settings->guess_memory * MEBIBYTE};
    if (out->memory < hsm_guess_memory(out->pans)) {
        (void)snprintf(problem->text, sizeof problem->text, "hsm.guess_memory: %lld card numbers need at least %llu MiB",
                       (long long)settings->guess_pans,
                       (unsigned long long)((hsm_guess_memory(out->pans) + MEBIBYTE - 1) / MEBIBYTE));
        return ERR_CONFIG;
    }
    if (settings->guess_key[0])
        return hsm_mode_key_read(settings->guess_key, out->key, problem);
    env_random(env, out->key, sizeof out->key);
    return ERR_OK;
}

enum err hsm_mode_audit(const struct hsm_settings *settings, const struct env *env, struct hsm_audit **out,
                        struct net_problem *problem)
{
    struct hsm_audit_config config = {.path = settings->audit, .size = (uint64_t)settings->audit_size * MEBIBYTE};
    if (!settings->audit[0])
        return ERR_OK;
    if (settings->audit_key[0])
        TRY(hsm_mode_key_read(settings->audit_key, config.key, problem));
    else if (hsm_mode_hardened(settings))
        return problem_set(problem, "hsm.audit_key", "is required in hardened mode: openssl rand -hex 32 makes one");
    enum err err = hsm_audit_open(env, &config, out, problem);
    secret_wipe(&config, sizeof config);
    return err;
}

enum err hsm_mode_started(const struct hsm_settings *settings, struct hsm_audit *audit, struct net_problem *problem)
{
    bool hardened = hsm_mode_hardened(settings);
    const struct log_field field[] = {LOG_TEXT("version", COUNTERSIGN_VERSION),
                                      LOG_TEXT("mode", hardened ? "hardened" : "compatibility"),
                                      LOG_TEXT("lmk", settings->test_lmk ? "test" : settings->lmk_store)};
    if (!audit)
        return ERR_OK;
    enum err err = hsm_audit_write(audit, "hsm.started", field, sizeof field / sizeof field[0], true);
    if (err != ERR_OK && hardened)
        return problem_set(problem, settings->audit, "cannot be written");
    return ERR_OK;
}

void hsm_mode_stopped(struct hsm_audit *audit)
{
    if (!audit)
        return;
    /* A loss is told by the trail itself. */
    (void)!hsm_audit_write(audit, "hsm.stopped", NULL, 0, true);
    hsm_audit_close(audit);
}
