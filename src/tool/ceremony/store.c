/* SPDX-License-Identifier: Apache-2.0 */
/* The store of LMKs as officers handle it: create, list, verify, passphrases, old, delete. */
#include "tool/ceremony/internal.h"

#include "base/file.h"
#include "base/json.h"
#include "keys/error.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LIST_SIZE = 64 * 1024 };

const char *tool_ceremony_kind_name(unsigned kind)
{
    return kind == KEYS_LMK_VARIANT ? "variant" : kind == KEYS_LMK_BLOCK ? "key-block" : "none";
}

/* ---- officers ---- */

/* "3 the passphrase" of a descriptor. */
static enum err officer_from_line(struct tool_ceremony *run, uint8_t *number, struct span *passphrase)
{
    struct buf line = buf_over(run->desk->line, sizeof run->desk->line);
    TRY(tool_entry_secret(&run->entry, "", &line));
    struct span text = buf_span(&line);
    if (text.len < 3 || text.at[0] < '1' || text.at[0] > '9' || text.at[1] != ' ')
        return ERR_PARSE_VALUE;
    *number = (uint8_t)(text.at[0] - '0');
    *passphrase = span_slice(text, 2, text.len);
    return ERR_OK;
}

static enum err officer_from_terminal(struct tool_ceremony *run, unsigned count, uint8_t *number, struct span *passphrase)
{
    char prompt[64];
    uint8_t room[8];
    for (*number = 0; *number == 0;) {
        struct buf text = buf_over(room, sizeof room);
        uint64_t value = 0;
        (void)snprintf(prompt, sizeof prompt, "Officer number (1 to %u): ", count);
        enum err err = tool_entry_text(&run->entry, prompt, &text);
        if (err == ERR_CLOSED)
            return err;
        if (err == ERR_OK && span_decimal(buf_span(&text), &value) == ERR_OK && value >= 1 && value <= count)
            *number = (uint8_t)value;
    }
    struct buf line = buf_over(run->desk->line, sizeof run->desk->line);
    (void)snprintf(prompt, sizeof prompt, "Passphrase of officer %u: ", *number);
    TRY(tool_entry_secret(&run->entry, prompt, &line));
    *passphrase = buf_span(&line);
    return ERR_OK;
}

enum err tool_ceremony_officer(struct tool_ceremony *run, unsigned count, uint8_t *number, struct span *passphrase)
{
    ASSERT(count >= 1 && count <= KEYS_STORE_OFFICERS);
    return run->entry.input >= 0 ? officer_from_line(run, number, passphrase)
                                 : officer_from_terminal(run, count, number, passphrase);
}

enum err tool_ceremony_new_passphrase(struct tool_ceremony *run, const char *whose, struct span *passphrase)
{
    char prompt[96];
    for (int tries = 0; tries < TOOL_CEREMONY_TRIES; tries++) {
        struct buf line = buf_over(run->desk->line, sizeof run->desk->line);
        struct buf again = buf_over(run->desk->again, sizeof run->desk->again);
        (void)snprintf(prompt, sizeof prompt, "New passphrase of %s: ", whose);
        TRY(tool_entry_secret(&run->entry, prompt, &line));
        *passphrase = buf_span(&line);
        bool fits = line.len >= KEYS_PASSPHRASE_MIN && line.len <= KEYS_PASSPHRASE_MAX;
        if (!fits)
            tool_entry_say(&run->entry, "A passphrase has %d to %d characters.\n", KEYS_PASSPHRASE_MIN, KEYS_PASSPHRASE_MAX);
        if (run->entry.input >= 0)
            return fits ? ERR_OK : ERR_PARSE_VALUE;
        if (!fits)
            continue;
        TRY(tool_entry_secret(&run->entry, "The same again: ", &again));
        if (line.len == again.len && secret_equal(line.at, again.at, line.len))
            return ERR_OK;
        tool_entry_say(&run->entry, "The two differ.\n");
    }
    return ERR_NOT_AUTHORISED;
}

/* One officer proves himself to the store; wrong passphrases are told and counted. */
static enum err let_in(struct tool_ceremony *run, int *wrong)
{
    uint8_t number = 0;
    struct span passphrase;
    TRY(tool_ceremony_officer(run, keys_store_facts(run->store).officers, &number, &passphrase));
    enum err err = keys_store_officer_key(run->store, number, passphrase, run->desk->key);
    secret_wipe(run->desk->line, sizeof run->desk->line);
    if (err == ERR_OK)
        err = keys_store_prove(run->store, number, run->desk->key);
    secret_wipe(run->desk->key, sizeof run->desk->key);
    if (err != ERR_AUTHENTICATION)
        return err;
    tool_entry_say(&run->entry, "That is not the passphrase of officer %u.\n", number);
    return ++*wrong < TOOL_CEREMONY_TRIES && run->entry.input < 0 ? ERR_OK : ERR_AUTHENTICATION;
}

static int read_store(struct tool_ceremony *run)
{
    char problem[KEYS_STORE_PROBLEM] = "";
    if (!run->options.store[0])
        return tool_ceremony_say(CLI_EXIT_USAGE, "which store? Give --store FILE, or --config FILE with hsm.lmk_store");
    if (keys_store_read(run->options.store, &run->store, problem) != ERR_OK)
        return tool_ceremony_say(CLI_EXIT_FAILED, "%s", problem);
    return CLI_EXIT_DONE;
}

int tool_ceremony_open(struct tool_ceremony *run)
{
    int wrong = 0, status = read_store(run);
    if (status != CLI_EXIT_DONE)
        return status;
    unsigned needed = keys_store_facts(run->store).needed;
    tool_entry_say(&run->entry, "%s is opened by %u of its %u officers.\n", run->options.store, needed,
                   keys_store_facts(run->store).officers);
    while (keys_store_proved(run->store) < needed) {
        enum err err = let_in(run, &wrong);
        if (err == ERR_AUTHENTICATION)
            return tool_ceremony_say(CLI_EXIT_NOT_TAKEN, "%s: not opened: wrong passphrase", run->options.store);
        if (err != ERR_OK)
            return tool_ceremony_say(CLI_EXIT_FAILED, "%s: not opened: %s", run->options.store, err_row(err)->text);
    }
    enum err err = keys_store_open(run->store);
    if (err == ERR_PARSE_VALUE)
        return tool_ceremony_say(CLI_EXIT_FAILED, "%s: the file was changed after it was written; use a copy that verifies",
                                 run->options.store);
    if (err != ERR_OK)
        return tool_ceremony_say(CLI_EXIT_FAILED, "%s: %s", run->options.store, err_row(err)->text);
    return CLI_EXIT_DONE;
}

int tool_ceremony_write(struct tool_ceremony *run)
{
    ASSERT(run->store);
    char problem[KEYS_STORE_PROBLEM] = "";
    enum err err = keys_store_write(run->store, run->options.store, &run->env, problem);
    if (err == ERR_OK)
        return CLI_EXIT_DONE;
    return tool_ceremony_say(CLI_EXIT_FAILED, "%s: not written", problem[0] ? problem : err_row(err)->text);
}

/* ---- subcommands ---- */

static int enrol(struct tool_ceremony *run, uint8_t number)
{
    char whose[32];
    struct span passphrase;
    (void)snprintf(whose, sizeof whose, "officer %u", number);
    enum err err = tool_ceremony_new_passphrase(run, whose, &passphrase);
    if (err == ERR_OK)
        err = keys_store_passphrase(run->store, number, passphrase, &run->env);
    secret_wipe(run->desk->line, sizeof run->desk->line);
    secret_wipe(run->desk->again, sizeof run->desk->again);
    if (err == ERR_OK)
        return CLI_EXIT_DONE;
    return tool_ceremony_say(err == ERR_NOT_AUTHORISED ? CLI_EXIT_NOT_TAKEN : CLI_EXIT_FAILED, "officer %u: no passphrase set: %s",
                             number, err_row(err)->text);
}

int tool_ceremony_create(struct tool_ceremony *run)
{
    const struct tool_ceremony_options *o = &run->options;
    if (!o->store[0])
        return tool_ceremony_say(CLI_EXIT_USAGE, "where? Give --store FILE");
    if (o->needed > o->officers)
        return tool_ceremony_say(CLI_EXIT_USAGE, "--needed %d is more than --officers %d", o->needed, o->officers);
    if (access(o->store, F_OK) == 0)
        return tool_ceremony_say(CLI_EXIT_NOT_TAKEN, "%s exists: `lmk zeroise` destroys a store", o->store);
    const struct crypto_kdf_cost cost = {(uint8_t)o->log2n, CRYPTO_KDF_COST_DEFAULT.r, CRYPTO_KDF_COST_DEFAULT.p};
    if (keys_store_create(cost, (uint8_t)o->needed, (uint8_t)o->officers, &run->env, &run->store) != ERR_OK)
        return tool_ceremony_say(CLI_EXIT_FAILED, "no memory for the store");
    for (int i = 1; i <= o->officers; i++) {
        int status = enrol(run, (uint8_t)i);
        if (status != CLI_EXIT_DONE)
            return status;
    }
    int status = tool_ceremony_write(run);
    if (status == CLI_EXIT_DONE)
        tool_entry_say(&run->entry, "%s is created; %d of its %d officers open it.\n", o->store, o->needed, o->officers);
    return status;
}

int tool_ceremony_print(const struct buf *out)
{
    if (buf_done(out) == ERR_OK && file_write(STDOUT_FILENO, buf_span(out)) == ERR_OK)
        return CLI_EXIT_DONE;
    return tool_ceremony_say(CLI_EXIT_FAILED, "the answer cannot be written");
}

static void put_lmk(struct json_writer *w, const struct keys_lmk_facts *lmk)
{
    char made[25], id[4];
    env_rfc3339(lmk->made_ms, made);
    (void)snprintf(id, sizeof id, "%02u", lmk->id);
    json_open(w, NULL);
    json_put_text(w, "id", id);
    json_put_text(w, "kind", tool_ceremony_kind_name(lmk->kind));
    json_put_bool(w, "test", lmk->test);
    json_put_bool(w, "old", lmk->old);
    json_put_text(w, "check_value", lmk->check);
    json_put_text(w, "made", made);
    json_put_text(w, "comment", lmk->comment);
    json_close(w);
}

static int list_json(const struct tool_ceremony *run)
{
    uint8_t room[LIST_SIZE];
    struct buf out = buf_over(room, sizeof room);
    struct json_writer w = json_writer(&out);
    const struct keys_store_facts facts = keys_store_facts(run->store);
    const struct keys_lmk_facts *lmk = NULL;
    json_open(&w, NULL);
    json_put_text(&w, "store", run->options.store);
    json_put_integer(&w, "officers", facts.officers);
    json_put_integer(&w, "needed", facts.needed);
    json_put_integer(&w, "generation", facts.generation);
    json_put_integer(&w, "scrypt_log2n", facts.cost.log2n);
    json_put_bool(&w, "verified", false);
    json_open_array(&w, "lmks");
    for (size_t i = 0; (lmk = keys_store_lmk(run->store, i)); i++)
        put_lmk(&w, lmk);
    json_close_array(&w);
    json_close(&w);
    buf_put_byte(&out, '\n');
    return tool_ceremony_print(&out);
}

static void list_text(const struct tool_ceremony *run)
{
    const struct keys_store_facts facts = keys_store_facts(run->store);
    const struct keys_lmk_facts *lmk = NULL;
    (void)printf("%s: %u of %u officers, generation %u, scrypt 2^%u\n", run->options.store, facts.needed, facts.officers,
                 facts.generation, facts.cost.log2n);
    (void)printf("id  kind       use   state    check value       made                      comment\n");
    for (size_t i = 0; (lmk = keys_store_lmk(run->store, i)); i++) {
        char made[25];
        env_rfc3339(lmk->made_ms, made);
        (void)printf("%02u  %-9s  %-4s  %-7s  %s  %s  %s\n", lmk->id, tool_ceremony_kind_name(lmk->kind),
                     lmk->test ? "test" : "live", lmk->old ? "old" : "current", lmk->check, made, lmk->comment);
    }
}

int tool_ceremony_list(struct tool_ceremony *run)
{
    int status = read_store(run);
    if (status != CLI_EXIT_DONE)
        return status;
    if (run->options.json)
        return list_json(run);
    list_text(run);
    return CLI_EXIT_DONE;
}

int tool_ceremony_verify(struct tool_ceremony *run)
{
    struct keys_lmk_set *set = NULL;
    int status = tool_ceremony_open(run);
    if (status != CLI_EXIT_DONE)
        return status;
    enum err err = keys_lmk_set_create(&set);
    if (err == ERR_OK)
        err = keys_store_fill(run->store, set);
    keys_lmk_set_destroy(set);
    if (err != ERR_OK)
        return tool_ceremony_say(CLI_EXIT_FAILED, "%s: a check value does not stand: %s", run->options.store, err_row(err)->text);
    list_text(run);
    (void)printf("verified: every byte is as it was written, and every check value is that of its LMK\n");
    return CLI_EXIT_DONE;
}

int tool_ceremony_passphrases(struct tool_ceremony *run)
{
    int officer = run->options.officer;
    if (officer == 0)
        return tool_ceremony_say(CLI_EXIT_USAGE, "whose? Give --officer I");
    int status = tool_ceremony_open(run);
    if (status != CLI_EXIT_DONE)
        return status;
    if (officer > keys_store_facts(run->store).officers)
        return tool_ceremony_say(CLI_EXIT_USAGE, "the store has no officer %d", officer);
    status = enrol(run, (uint8_t)officer);
    if (status == CLI_EXIT_DONE)
        status = tool_ceremony_write(run);
    if (status == CLI_EXIT_DONE)
        tool_entry_say(&run->entry, "Officer %d has a new passphrase. A running HSM takes it at its next `lmk load`.\n", officer);
    return status;
}

/* What both old and delete do: open, ask, change, write. */
static int change(struct tool_ceremony *run, const char *question, enum err (*edit)(struct tool_ceremony *run))
{
    if (run->options.id < 0)
        return tool_ceremony_say(CLI_EXIT_USAGE, "which LMK? Give --id NN");
    int status = tool_ceremony_open(run);
    if (status != CLI_EXIT_DONE)
        return status;
    if (!tool_entry_confirm(&run->entry, question))
        return tool_ceremony_say(CLI_EXIT_NOT_TAKEN, "not confirmed: nothing is changed");
    enum err err = edit(run);
    if (err == KEYS_ERR_LMK_IDENTIFIER)
        return tool_ceremony_say(CLI_EXIT_FAILED, "%s: no such LMK %02d", run->options.store, run->options.id);
    if (err == ERR_DUPLICATE)
        return tool_ceremony_say(CLI_EXIT_FAILED, "%s: LMK %02d has an old one already; delete that first (`lmk delete --old`)",
                                 run->options.store, run->options.id);
    if (err != ERR_OK)
        return tool_ceremony_say(CLI_EXIT_FAILED, "%s: %s", run->options.store, err_row(err)->text);
    return tool_ceremony_write(run);
}

static enum err edit_old(struct tool_ceremony *run)
{
    return keys_store_make_old(run->store, (uint8_t)run->options.id);
}

static enum err edit_delete(struct tool_ceremony *run)
{
    return keys_store_delete(run->store, (uint8_t)run->options.id, run->options.old);
}

int tool_ceremony_old(struct tool_ceremony *run)
{
    return change(run, "Make the current LMK the old one? Its identifier is then free for the new one.", edit_old);
}

int tool_ceremony_delete(struct tool_ceremony *run)
{
    return change(run, "Delete the LMK for ever? Every key under it is lost.", edit_delete);
}
