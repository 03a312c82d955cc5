/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of a batch: KEY texts under an LMK, as host commands have them, opened inside this process. */
#include "hostcmd/commands.h"
#include "hsm/process/mode.h"
#include "hsm/process/settings.h"
#include "keys/block/block.h"
#include "keys/error.h"
#include "tool/ceremony/load.h"
#include "tool/personalise/internal.h"

#include <stdio.h>
#include <string.h>

enum { BLOCK_LMK_AT = 1 + 14 };

static const char *const key_option[TOOL_PERSONALISE_KINDS] = {"--cvv", "--cvv2", "--icvv"};

/* ---- LMKs ---- */

static int read_settings(const struct tool_personalise_options *o, struct hsm_settings *settings)
{
    char problem[256] = "";
    if (config_load(&hsm_settings_table, o->config, settings, problem, sizeof problem) != ERR_OK)
        return cli_failed(o->line, CLI_EXIT_USAGE, "--config", problem);
    if (o->test_lmk && o->config && hsm_mode_hardened(settings))
        return cli_failed(o->line, CLI_EXIT_MODE, "--test-lmk",
                          "the HSM of this machine is hardened: the public test LMKs have no place here");
    return 0;
}

static int load_lmks(const struct tool_personalise_options *o, const struct hsm_settings *settings, struct keys_lmk_set *set)
{
    const char *store = o->lmk_store ? o->lmk_store : settings->lmk_store;
    if (o->test_lmk) {
        (void)cli_failed(o->line, 0, "under the PUBLIC TEST LMKs", "NOT FOR PRODUCTION");
        bool loaded = keys_lmk_add_test_variant(set, 0) == ERR_OK && keys_lmk_add_test_block(set, 1) == ERR_OK;
        return loaded ? 0 : cli_failed(o->line, CLI_EXIT_FAILED, "the test LMKs", "cannot be loaded");
    }
    if (!store[0])
        return cli_failed(o->line, CLI_EXIT_USAGE, "under which LMK?",
                          "give --lmk-store FILE, --config FILE with hsm.lmk_store, or --test-lmk");
    int status = tool_ceremony_fill(store, o->passphrase_fd, set);
    return status == CLI_EXIT_DONE ? 0 : status == CLI_EXIT_USAGE ? status : CLI_EXIT_FAILED;
}

/* ---- KEY texts ---- */

/* The LMK of a key block stands in its header. */
static unsigned lmk_of(const struct tool_personalise_options *o, struct span text)
{
    uint64_t id = 0;
    if (o->lmk >= 0)
        return (unsigned)o->lmk;
    bool block = text.len > 0 && text.at[0] == 'S';
    return block && span_decimal(span_slice(text, BLOCK_LMK_AT, 2), &id) == ERR_OK ? (unsigned)id : 0;
}

/* As CW takes it. */
static enum err open_key(struct keys_lmk_set *set, unsigned lmk, struct span text, struct secret_key *out)
{
    const struct hostcmd_key_rule *rule = &hostcmd_row(HOSTCMD_CW)->key;
    struct keys_type_place place;
    struct keys_header header = {0};
    if (text.len > 0 && text.at[0] == 'S') {
        TRY(keys_block_unwrap(set, lmk, text, &header, out));
        TRY(keys_block_allows(&header, &(struct keys_rule){rule->usages, rule->modes, rule->algorithm}));
    } else {
        TRY(keys_type_place(span_text(rule->type), &place));
        TRY(keys_unwrap(set, lmk, place, text, out));
    }
    return keys_parity_odd(out) ? ERR_OK : KEYS_ERR_PARITY_SOURCE;
}

/* What hardened mode refuses of any key (host-commands.md 9). */
static enum err refuse_poor(const struct secret_key *key)
{
    return keys_halves_equal(key) || keys_weak(key) ? KEYS_ERR_HALVES : ERR_OK;
}

static enum err load_key(struct keys_lmk_set *set, const struct tool_personalise_options *o, size_t kind,
                         struct tool_personalise_keys *out, struct crypto_hmac *all)
{
    SECRET_KEY key = {0};
    struct span text = span_text(o->key[kind]);
    TRY(open_key(set, lmk_of(o, text), text, &key));
    if (out->hardened)
        TRY(refuse_poor(&key));
    TRY(cvv_batch_load(&key, &out->key[kind]));
    const struct span part[] = {span_of(out->state_key, sizeof out->state_key), span_of(key.at, key.len)};
    return crypto_hmac_run(all, part, 2, out->state_key);
}

/* The key of the state is chained over all CVKs. */
static int load_all(struct keys_lmk_set *set, const struct tool_personalise_options *o, struct tool_personalise_keys *out)
{
    struct crypto_hmac chain = {0};
    if (crypto_hmac_load(span_text("countersign-hsm batch state"), &chain) != ERR_OK)
        return cli_failed(o->line, CLI_EXIT_FAILED, "the key of the state", "cannot be made");
    enum err err = ERR_OK;
    size_t kind = 0;
    for (; kind < TOOL_PERSONALISE_KINDS && err == ERR_OK; kind++)
        if (o->key[kind])
            err = load_key(set, o, kind, out, &chain);
    crypto_hmac_unload(&chain);
    return err == ERR_OK ? 0 : cli_failed(o->line, CLI_EXIT_FAILED, key_option[kind - 1], err_row(err)->text);
}

int tool_personalise_keys_load(const struct tool_personalise_options *o, struct tool_personalise_keys *out)
{
    struct hsm_settings settings;
    struct keys_lmk_set *set = NULL;
    int status = read_settings(o, &settings);
    if (status != 0)
        return status;
    if (keys_lmk_set_create(&set) != ERR_OK)
        return cli_failed(o->line, CLI_EXIT_FAILED, "no memory", "");
    out->hardened = o->config && hsm_mode_hardened(&settings);
    status = load_lmks(o, &settings, set);
    if (status == 0)
        status = load_all(set, o, out);
    keys_lmk_set_destroy(set);
    return status;
}
