/* SPDX-License-Identifier: Apache-2.0 */
/* The ceremony itself: components are made for officers, and entered by them to form an LMK. */
#include "tool/ceremony/internal.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAIR = 16, CHECK = KEYS_COMPONENT_CHECK, TEXT_SIZE = 2048 };

static size_t line_bytes(enum keys_lmk_kind kind)
{
    return kind == KEYS_LMK_VARIANT ? PAIR : keys_component_len(kind);
}

/* ---- making components ---- */

/* Lines of 32 digits behind their pair, or one of 48, in groups of four. */
static void put_component(enum keys_lmk_kind kind, const struct keys_material *m, struct buf *out)
{
    size_t each = line_bytes(kind);
    for (size_t at = 0; at < keys_component_len(kind); at += each) {
        if (kind == KEYS_LMK_VARIANT) {
            buf_put_decimal(out, at / 8, 2);
            buf_put_byte(out, '-');
            buf_put_decimal(out, at / 8 + 1, 2);
            buf_put_text(out, "  ");
        }
        for (size_t i = 0; i < each; i += 2) {
            buf_put_hex(out, m->at + at + i, 2);
            buf_put_byte(out, i + 2 < each ? ' ' : '\n');
        }
    }
}

static int make(struct tool_ceremony *run, char check[static CHECK + 1])
{
    if (run->options.kind == KEYS_LMK_ABSENT)
        return tool_ceremony_say(CLI_EXIT_USAGE, "of which kind? Give --kind variant or --kind key-block");
    keys_component_generate(run->options.kind, &run->env, &run->desk->component[0]);
    if (keys_component_check(run->options.kind, &run->desk->component[0], check) != ERR_OK)
        return tool_ceremony_say(CLI_EXIT_FAILED, "the check value could not be computed");
    return CLI_EXIT_DONE;
}

static int show_once(struct tool_ceremony *run, const char *check)
{
    char text[TEXT_SIZE];
    uint8_t room[8];
    struct buf component = buf_over(text, sizeof text), enter = buf_over(room, sizeof room);
    if (run->entry.terminal < 0)
        return tool_ceremony_say(CLI_EXIT_FAILED, "there is no terminal to show a component on");
    put_component(run->options.kind, &run->desk->component[0], &component);
    const char *shown = buf_text(&component);
    tool_entry_reveal(&run->entry);
    tool_entry_say(&run->entry, "Component of a %s LMK. Write down every digit and the check value.\n\n",
                   tool_ceremony_kind_name(run->options.kind));
    for (const char *line = shown; *line; line = strchr(line, '\n') + 1)
        tool_entry_say(&run->entry, "  %.*s\n", (int)strcspn(line, "\n"), line);
    tool_entry_say(&run->entry, "\n  Check value: %s\n\n", check);
    enum err err = tool_entry_text(&run->entry, "Press Enter when it is written down; the screen is cleared.", &enter);
    secret_wipe(text, sizeof text);
    tool_entry_conceal();
    return err == ERR_CLOSED ? CLI_EXIT_FAILED : CLI_EXIT_DONE;
}

static int write_clear(struct tool_ceremony *run, const char *check)
{
    char text[TEXT_SIZE];
    const char *path = run->options.out;
    struct buf out = buf_over(text, sizeof text);
    (void)tool_ceremony_say(0, "warning: %s will hold a component IN CLEAR. `lmk component` writes a sealed one.", path);
    if (!tool_entry_confirm(&run->entry, "Write it in clear?"))
        return tool_ceremony_say(CLI_EXIT_NOT_TAKEN, "not confirmed: nothing is written");
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
    if (fd < 0)
        return tool_ceremony_say(CLI_EXIT_FAILED, "%s: %s", path, strerror(errno));
    put_component(run->options.kind, &run->desk->component[0], &out);
    buf_put_text(&out, "check value ");
    buf_put_text(&out, check);
    buf_put_byte(&out, '\n');
    bool written = buf_done(&out) == ERR_OK && file_write(fd, buf_span(&out)) == ERR_OK && fsync(fd) == 0;
    secret_wipe(text, sizeof text);
    if (close(fd) == 0 && written)
        return CLI_EXIT_DONE;
    return tool_ceremony_say(CLI_EXIT_FAILED, "%s: %s", path, strerror(errno));
}

int tool_ceremony_generate(struct tool_ceremony *run)
{
    char check[CHECK + 1];
    int status = make(run, check);
    if (status != CLI_EXIT_DONE)
        return status;
    return run->options.out ? write_clear(run, check) : show_once(run, check);
}

int tool_ceremony_component(struct tool_ceremony *run)
{
    const char *path = run->options.word[0];
    char problem[KEYS_COMPONENT_PROBLEM] = "", check[CHECK + 1];
    struct span passphrase;
    int status = make(run, check);
    if (status != CLI_EXIT_DONE)
        return status;
    enum err err = tool_ceremony_new_passphrase(run, path, &passphrase);
    if (err != ERR_OK)
        return tool_ceremony_say(CLI_EXIT_NOT_TAKEN, "%s: no passphrase, nothing is written", path);
    err = keys_component_write(path, run->options.kind, &run->desk->component[0], passphrase, &run->env, problem);
    if (err != ERR_OK)
        return tool_ceremony_say(CLI_EXIT_FAILED, "%s", problem);
    tool_entry_say(&run->entry, "%s holds a component of a %s LMK. Check value: %s\n", path,
                   tool_ceremony_kind_name(run->options.kind), check);
    return CLI_EXIT_DONE;
}

/* ---- entering components ---- */

/* One component as it is entered. */
struct entered {
    struct keys_material *material;
    char expected[CHECK + 1]; /* from the descriptor; "": its officer confirms */
};

/* Digits with or without blanks; what stands behind the last digit wanted is left in `rest`. */
static enum err take_digits(struct span line, uint8_t *out, size_t bytes, struct span *rest)
{
    size_t digits = 0;
    uint8_t pair[2] = {0};
    while (digits < 2 * bytes && line.len > 0) {
        uint8_t c = line.at[0];
        line = span_slice(line, 1, line.len);
        if (c == ' ' || c == '-')
            continue;
        pair[digits % 2] = c;
        if (++digits % 2 == 0)
            TRY(span_unhex(span_of(pair, 2), out + digits / 2 - 1, 1));
    }
    secret_wipe(pair, sizeof pair);
    *rest = line;
    return digits == 2 * bytes ? ERR_OK : ERR_PARSE_SHORT;
}

static enum err take_check(struct span rest, char out[static CHECK + 1])
{
    while (rest.len > 0 && rest.at[0] == ' ')
        rest = span_slice(rest, 1, rest.len);
    if (rest.len != CHECK)
        return ERR_PARSE_VALUE;
    memcpy(out, rest.at, CHECK);
    return ERR_OK;
}

/* A line of `number`, or the path of a component file in place of the first. */
static enum err entry_line(struct tool_ceremony *run, const char *prompt, struct buf *line)
{
    const struct tool_entry components = {run->entry.terminal, run->options.component_fd, run->options.yes, false};
    *line = buf_over(run->desk->line, sizeof run->desk->line);
    return tool_entry_secret(&components, prompt, line);
}

static enum err from_file(struct tool_ceremony *run, struct span name, struct keys_material *out)
{
    char path[TOOL_CEREMONY_PATH], problem[KEYS_COMPONENT_PROBLEM] = "";
    struct buf text = buf_over(path, sizeof path), line = buf_over(run->desk->again, sizeof run->desk->again);
    buf_put_span(&text, name);
    (void)buf_text(&text);
    TRY(buf_done(&text));
    TRY(tool_entry_secret(&run->entry, "Passphrase of the component file: ", &line));
    enum err err = keys_component_read(path, run->options.kind, buf_span(&line), out, problem);
    secret_wipe(run->desk->again, sizeof run->desk->again);
    if (err != ERR_OK)
        tool_entry_say(&run->entry, "%s\n", problem);
    return err == ERR_CONFIG ? ERR_PARSE_VALUE : err;
}

static enum err enter(struct tool_ceremony *run, struct entered *e)
{
    enum keys_lmk_kind kind = run->options.kind;
    size_t each = line_bytes(kind);
    bool given = run->options.component_fd >= 0;
    for (size_t at = 0; at < keys_component_len(kind); at += each) {
        char prompt[64] = "48 digits, or the path of its file: ";
        struct buf line;
        struct span rest;
        if (kind == KEYS_LMK_VARIANT)
            (void)snprintf(prompt, sizeof prompt, at ? "Pair %02zu-%02zu: " : "Pair %02zu-%02zu, or the path of its file: ", at / 8,
                           at / 8 + 1);
        TRY(entry_line(run, prompt, &line));
        if (at == 0 && line.len > 0 && (line.at[0] == '/' || line.at[0] == '.'))
            return from_file(run, buf_span(&line), e->material);
        enum err err = take_digits(buf_span(&line), e->material->at + at, each, &rest);
        if (err == ERR_OK && given && at + each == keys_component_len(kind))
            err = take_check(rest, e->expected);
        else if (err == ERR_OK && rest.len > 0)
            err = ERR_PARSE_TRAILING;
        secret_wipe(run->desk->line, sizeof run->desk->line);
        TRY(err);
    }
    return ERR_OK;
}

/* The officer compares with the paper. */
static bool check_stands(struct tool_ceremony *run, const struct entered *e, const char *check)
{
    char question[96];
    if (e->expected[0])
        return span_equal(span_of(e->expected, CHECK), span_of(check, CHECK));
    (void)snprintf(question, sizeof question, "Check value %s. Is that the one on the paper?", check);
    return tool_entry_confirm(&run->entry, question);
}

/* ERR_AUTHENTICATION: to be entered again. */
static enum err enter_once(struct tool_ceremony *run, struct entered *e)
{
    char check[CHECK + 1];
    memset(e->material, 0, sizeof *e->material);
    memset(e->expected, 0, sizeof e->expected);
    enum err err = enter(run, e);
    if (err == ERR_CLOSED || err == ERR_AUTHENTICATION)
        return err;
    const char *wrong = err == ERR_OK ? keys_component_wrong(run->options.kind, e->material) : err_row(err)->text;
    if (!wrong) {
        TRY(keys_component_check(run->options.kind, e->material, check));
        wrong = check_stands(run, e, check) ? NULL : "the check value was not confirmed";
    }
    if (!wrong)
        return ERR_OK;
    tool_entry_say(&run->entry, "Not taken: %s.\n", wrong);
    secret_wipe(e->material, sizeof *e->material);
    return ERR_AUTHENTICATION;
}

static int enter_component(struct tool_ceremony *run, int number)
{
    struct entered e = {.material = &run->desk->component[number - 1]};
    tool_entry_say(&run->entry, "\nComponent %d of %d. Its officer comes to the keyboard; the others step away.\n", number,
                   run->options.components);
    for (int tries = 0; tries < TOOL_CEREMONY_TRIES; tries++) {
        enum err err = enter_once(run, &e);
        if (err == ERR_OK)
            return CLI_EXIT_DONE;
        if (err != ERR_AUTHENTICATION)
            return tool_ceremony_say(CLI_EXIT_FAILED, "component %d: %s", number, err_row(err)->text);
        if (run->options.component_fd >= 0)
            break;
    }
    return tool_ceremony_say(CLI_EXIT_NOT_TAKEN, "component %d was not taken: nothing is formed", number);
}

/* ---- forming ---- */

static int store_lmk(struct tool_ceremony *run)
{
    const struct tool_ceremony_options *o = &run->options;
    char check[KEYS_CHECK], question[160];
    struct keys_lmk_facts facts = {
        .id = (uint8_t)o->id, .kind = (uint8_t)o->kind, .test = o->test, .made_ms = env_wall_ms(&run->env)};
    memcpy(facts.comment, o->comment, strlen(o->comment));
    if (keys_lmk_check_value(o->kind, &run->desk->lmk, check) != ERR_OK)
        return tool_ceremony_say(CLI_EXIT_FAILED, "the check value could not be computed");
    tool_entry_say(&run->entry, "\nThe LMK is formed. Check value: %.*s (NC: %.*s)\n", CHECK, check, KEYS_CHECK, check);
    (void)snprintf(question, sizeof question, "Keep it as LMK %02d, %s, %s?", o->id, tool_ceremony_kind_name(o->kind),
                   o->test ? "test" : "live");
    if (!tool_entry_confirm(&run->entry, question))
        return tool_ceremony_say(CLI_EXIT_NOT_TAKEN, "not confirmed: nothing is kept");
    enum err err = keys_store_put(run->store, &facts, &run->desk->lmk);
    if (err != ERR_OK)
        return tool_ceremony_say(CLI_EXIT_FAILED, "%s: LMK %02d: %s", o->store, o->id, err_row(err)->text);
    return tool_ceremony_write(run);
}

/* What stands in the way is told before anybody types. */
static int place_free(const struct tool_ceremony *run)
{
    const struct tool_ceremony_options *o = &run->options;
    const struct keys_lmk_facts *lmk = NULL;
    for (size_t i = 0; (lmk = keys_store_lmk(run->store, i)); i++)
        if (lmk->id == o->id && !lmk->old)
            return tool_ceremony_say(CLI_EXIT_FAILED, "%s has LMK %02d already: `lmk old` or `lmk delete` frees the place",
                                     o->store, o->id);
    if (!o->test && keys_store_facts(run->store).below_floor)
        return tool_ceremony_say(CLI_EXIT_NOT_TAKEN, "%s has a scrypt cost below 2^%d and takes test LMKs only", o->store,
                                 KEYS_SCRYPT_FLOOR);
    return CLI_EXIT_DONE;
}

static int combine(struct tool_ceremony *run)
{
    const struct tool_ceremony_options *o = &run->options;
    const char *wrong = keys_components_combine(o->kind, run->desk->component, (size_t)o->components, &run->desk->lmk);
    if (!wrong && !o->test && keys_lmk_is_public(o->kind, &run->desk->lmk))
        wrong = "the LMK would be a public test LMK";
    return wrong ? tool_ceremony_say(CLI_EXIT_NOT_TAKEN, "%s: nothing is formed", wrong) : CLI_EXIT_DONE;
}

int tool_ceremony_form(struct tool_ceremony *run)
{
    const struct tool_ceremony_options *o = &run->options;
    if (o->id < 0 || o->kind == KEYS_LMK_ABSENT)
        return tool_ceremony_say(CLI_EXIT_USAGE, "give --id NN and --kind variant or --kind key-block");
    int status = tool_ceremony_open(run);
    if (status == CLI_EXIT_DONE)
        status = place_free(run);
    for (int i = 1; status == CLI_EXIT_DONE && i <= o->components; i++)
        status = enter_component(run, i);
    if (status == CLI_EXIT_DONE)
        status = combine(run);
    return status == CLI_EXIT_DONE ? store_lmk(run) : status;
}
