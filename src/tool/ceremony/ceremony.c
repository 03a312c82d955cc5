/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of `countersign-hsm lmk`: subcommands and options are rows. */
#include "tool/ceremony/ceremony.h"

#include "hsm/process/settings.h"
#include "tool/roff.h"

#include "base/secret.h"

#include <argp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum lmk_command {
    CREATE,
    GENERATE,
    COMPONENT,
    FORM,
    LIST,
    VERIFY,
    PASSPHRASES,
    OLD,
    DELETE, /* the store */
    LOAD,
    STATE,
    ONLINE,
    SECURE,
    AUTHORISE,
    CANCEL,
    ZEROISE, /* a running HSM */
    COMMANDS
};

#define ON(command_) (1u << (command_))
enum {
    EVERY = (1u << COMMANDS) - 1,
    SEALED = ON(FORM) | ON(VERIFY) | ON(PASSPHRASES) | ON(OLD) | ON(DELETE),
    VOICED = ON(LOAD) | ON(ONLINE) | ON(AUTHORISE),
    RUNNING = VOICED | ON(STATE) | ON(SECURE) | ON(CANCEL) | ON(ZEROISE),
    ASKING = ON(CREATE) | ON(GENERATE) | ON(COMPONENT) | ON(FORM) | ON(PASSPHRASES) | ON(OLD) | ON(DELETE) | ON(ZEROISE),
};

struct command {
    const char *name;
    const char *arguments; /* what stands behind the options, for --help */
    const char *doc;
    int (*run)(struct tool_ceremony *run);
    int words;   /* arguments expected; those in brackets may be left out */
    bool speaks; /* with officers */
};

/* clang-format off */
static const struct command commands[COMMANDS] = {
    [CREATE]      = {"create", NULL,
                     "Creates an empty LMK store and lets each of its officers choose a passphrase.\v"
                     "Any M of the N officers open the store together later; fewer learn nothing of it.",
                     tool_ceremony_create, 0, true},
    [GENERATE]    = {"generate", NULL,
                     "Makes one random component and shows it once, for its officer to write down.\v"
                     "Run it once for each officer, with nobody else at the screen.",
                     tool_ceremony_generate, 0, true},
    [COMPONENT]   = {"component", "FILE",
                     "Makes one random component and writes it to FILE on its officer's medium, sealed under a passphrase.\v"
                     "The way to carry components of a variant LMK, which are too long to type.",
                     tool_ceremony_component, 1, true},
    [FORM]        = {"form", NULL,
                     "Forms an LMK from 2 to 9 components, each entered by another officer.\v"
                     "A component is typed without echo, or read from its file where the path is typed in its place; its check "
                     "value is confirmed by its officer. Key block: 48 hexadecimal digits. Variant: 20 lines of 32.",
                     tool_ceremony_form, 0, true},
    [LIST]        = {"list", NULL,
                     "Tells what is in the store. Needs no passphrase, and proves nothing: see verify.",
                     tool_ceremony_list, 0, false},
    [VERIFY]      = {"verify", NULL,
                     "Opens the store and computes each check value anew.",
                     tool_ceremony_verify, 0, true},
    [PASSPHRASES] = {"passphrases", NULL,
                     "Gives an officer a new passphrase; M officers open the store for it.\v"
                     "An officer who lost his passphrase is helped by M others; nobody learns another's.",
                     tool_ceremony_passphrases, 0, true},
    [OLD]         = {"old", NULL,
                     "Makes the current LMK of an identifier its old one, which BW translates keys from.",
                     tool_ceremony_old, 0, true},
    [DELETE]      = {"delete", NULL,
                     "Deletes an LMK from the store; keys under it are lost.",
                     tool_ceremony_delete, 0, true},
    [LOAD]        = {"load", NULL,
                     "Loads the LMKs of its store into a running HSM, which then goes online.\v"
                     "Each officer may come at another time and place: --alone gives one voice; the others have five minutes.",
                     tool_ceremony_load, 0, true},
    [STATE]       = {"state", NULL,
                     "Tells the state of a running HSM: online or secure, its LMKs, what is authorised, what is pending.",
                     tool_ceremony_state, 0, false},
    [ONLINE]      = {"online", NULL, "Takes a running HSM from secure state back to work.", tool_ceremony_online, 0, true},
    [SECURE]      = {"secure", NULL,
                     "Puts a running HSM into secure state: no host command uses a key, and nothing stays authorised.",
                     tool_ceremony_secure, 0, false},
    [AUTHORISE]   = {"authorise", "ACTIVITY MINUTES",
                     "Authorises sensitive host commands under one LMK for a time.\v"
                     "ACTIVITY is generate, component, import or export, a key type or none, and host: import.000.host, "
                     "export.host. MINUTES 1 to 720; 0: until cancel, RA, secure or a restart.",
                     tool_ceremony_authorise, 2, true},
    [CANCEL]      = {"cancel", "[ACTIVITY]", "Ends one activity that is authorised under an LMK, or all of them.",
                     tool_ceremony_cancel, 1, false},
    [ZEROISE]     = {"zeroise", NULL,
                     "Wipes the LMKs in a running HSM, and overwrites and removes the store.",
                     tool_ceremony_zeroise, 0, true},
};

struct option_row {
    struct argp_option argp;
    unsigned commands;
};
enum { KEY_CONFIG = 256, KEY_STORE, KEY_OFFICERS, KEY_NEEDED, KEY_LOG2N, KEY_ID, KEY_KIND, KEY_COMPONENTS, KEY_OFFICER, KEY_TEST,
       KEY_COMMENT, KEY_OUT, KEY_CONSOLE, KEY_ALONE, KEY_OLD, KEY_YES, KEY_JSON, KEY_PASSPHRASE_FD, KEY_COMPONENT_FD };
static const struct option_row options[] = {
    {{"config", KEY_CONFIG, "FILE", 0, "configuration of the HSM; hsm.lmk_store and hsm.console of it are used", 0}, EVERY},
    {{"console", KEY_CONSOLE, "SOCKET", 0, "the console of the running HSM", 0}, RUNNING},
    {{"alone", KEY_ALONE, NULL, 0, "one officer's voice, then back", 0}, VOICED},
    {{"store", KEY_STORE, "FILE", 0, "the LMK store", 0}, SEALED | ON(CREATE) | ON(LIST) | ON(ZEROISE)},
    {{"officers", KEY_OFFICERS, "N", 0, "officers with a passphrase, 2..9 (default 3)", 0}, ON(CREATE)},
    {{"needed", KEY_NEEDED, "M", 0, "officers needed to open it, 2..N (default 2)", 0}, ON(CREATE)},
    {{"scrypt-log2n", KEY_LOG2N, "L", 0, "cost of a guess at a passphrase: 2^L KiB of memory (default 17); below 15 the "
      "store takes test LMKs only", 0}, ON(CREATE)},
    {{"id", KEY_ID, "NN", 0, "LMK identifier, 00..99", 0}, ON(FORM) | ON(OLD) | ON(DELETE) | ON(AUTHORISE) | ON(CANCEL)},
    {{"kind", KEY_KIND, "variant|key-block", 0, "kind of the LMK", 0}, ON(FORM) | ON(GENERATE) | ON(COMPONENT)},
    {{"components", KEY_COMPONENTS, "K", 0, "number of components, 2..9 (default 3)", 0}, ON(FORM)},
    {{"officer", KEY_OFFICER, "I", 0, "whose passphrase is changed", 0}, ON(PASSPHRASES)},
    {{"test", KEY_TEST, NULL, 0, "a test LMK: a hardened HSM does not load it", 0}, ON(FORM)},
    {{"comment", KEY_COMMENT, "TEXT", 0, "up to 32 characters, shown by list and JK", 0}, ON(FORM)},
    {{"old", KEY_OLD, NULL, 0, "the old LMK of the identifier", 0}, ON(DELETE)},
    {{"out", KEY_OUT, "FILE", 0, "write the component to FILE IN CLEAR in place of showing it", 0}, ON(GENERATE)},
    {{"yes", KEY_YES, NULL, 0, "confirm beforehand what would be asked", 0}, ASKING},
    {{"json", KEY_JSON, NULL, 0, "one JSON object", 0}, ON(LIST) | ON(STATE)},
    {{"passphrase-fd", KEY_PASSPHRASE_FD, "FD", 0, "read lines `OFFICER PASSPHRASE` from this descriptor; new passphrases and "
      "those of component files alone on their lines", 0}, SEALED | VOICED | ON(CREATE) | ON(COMPONENT)},
    {{"component-fd", KEY_COMPONENT_FD, "FD", 0, "read components from this descriptor, a line each with the check value behind "
      "it; a variant component is 20 lines, the check value behind the last", 0}, ON(FORM)},
};
/* clang-format on */
enum { OPTIONS = sizeof options / sizeof options[0] };

static const char exit_statuses[] =
    "0 done, 1 failed, 2 bad command line,\n3 refused: a wrong passphrase, a wrong check value, or not confirmed.";

/* ---- parsing ---- */

struct line {
    const struct command *command;
    struct tool_ceremony_options *options;
};

static int number(const struct argp_state *state, const char *name, const char *text, int least, int most)
{
    uint64_t value = 0;
    if (span_decimal(span_text(text), &value) != ERR_OK || value < (uint64_t)least || value > (uint64_t)most)
        argp_error(state, "--%s %s: a number from %d to %d is wanted", name, text, least, most);
    return (int)value;
}

static enum keys_lmk_kind kind(const struct argp_state *state, const char *text)
{
    if (strcmp(text, "variant") == 0)
        return KEYS_LMK_VARIANT;
    if (strcmp(text, "key-block") != 0)
        argp_error(state, "--kind %s: variant or key-block is wanted", text);
    return KEYS_LMK_BLOCK;
}

static const char *comment(const struct argp_state *state, const char *text)
{
    for (const char *c = text; *c; c++)
        if (*c < 0x20 || *c > 0x7E)
            argp_error(state, "--comment: printable ASCII is wanted");
    if (strlen(text) > KEYS_COMMENT)
        argp_error(state, "--comment: at most %d characters are allowed", KEYS_COMMENT);
    return text;
}

static void path(const struct argp_state *state, const char *text, char out[static TOOL_CEREMONY_PATH])
{
    if (strlen(text) >= TOOL_CEREMONY_PATH)
        argp_error(state, "%s: the path is longer than %d characters", text, TOOL_CEREMONY_PATH - 1);
    (void)snprintf(out, TOOL_CEREMONY_PATH, "%s", text);
}

static void word(const struct argp_state *state, const struct line *l, const char *text)
{
    if (l->options->words == l->command->words)
        argp_error(state, "'%s' is not expected here", text);
    l->options->word[l->options->words++] = text;
}

static bool numbers(int key, const char *value, const struct argp_state *state, struct tool_ceremony_options *o)
{
    /* clang-format off */
    switch (key) {
    case KEY_OFFICERS:      o->officers = number(state, "officers", value, 2, KEYS_STORE_OFFICERS); return true;
    case KEY_NEEDED:        o->needed = number(state, "needed", value, 2, KEYS_STORE_OFFICERS); return true;
    case KEY_LOG2N:         o->log2n = number(state, "scrypt-log2n", value, 4, 20); return true;
    case KEY_ID:            o->id = number(state, "id", value, 0, KEYS_LMK_IDS - 1); return true;
    case KEY_COMPONENTS:
        o->components = number(state, "components", value, KEYS_COMPONENTS_MIN, KEYS_COMPONENTS_MAX);
        return true;
    case KEY_OFFICER:       o->officer = number(state, "officer", value, 1, KEYS_STORE_OFFICERS); return true;
    case KEY_PASSPHRASE_FD: o->passphrase_fd = number(state, "passphrase-fd", value, 0, 1023); return true;
    case KEY_COMPONENT_FD:  o->component_fd = number(state, "component-fd", value, 0, 1023); return true;
    default:                return false;
    }
    /* clang-format on */
}

static error_t on_option(int key, char *value, struct argp_state *state)
{
    const struct line *l = state->input;
    struct tool_ceremony_options *o = l->options;
    /* clang-format off */
    switch (key) {
    case KEY_CONFIG:     o->config = value; return 0;
    case KEY_STORE:      path(state, value, o->store); return 0;
    case KEY_KIND:       o->kind = kind(state, value); return 0;
    case KEY_TEST:       o->test = true; return 0;
    case KEY_COMMENT:    o->comment = comment(state, value); return 0;
    case KEY_OUT:        o->out = value; return 0;
    case KEY_CONSOLE:    path(state, value, o->console); return 0;
    case KEY_ALONE:      o->alone = true; return 0;
    case KEY_OLD:        o->old = true; return 0;
    case KEY_YES:        o->yes = true; return 0;
    case KEY_JSON:       o->json = true; return 0;
    case ARGP_KEY_ARG:   word(state, l, value); return 0;
    case ARGP_KEY_END:
        if (o->words < l->command->words && l->command->arguments[0] != '[')
            argp_error(state, "%s is missing", l->command->arguments);
        return 0;
    default:             return numbers(key, value, state, o) ? 0 : ARGP_ERR_UNKNOWN;
    }
    /* clang-format on */
}

static void parse(const struct command *c, int argc, char **argv, struct tool_ceremony_options *out)
{
    struct argp_option chosen[OPTIONS + 1] = {0};
    char doc[1024], name[48];
    size_t count = 0;
    unsigned bit = ON(c - commands);
    for (size_t i = 0; i < OPTIONS; i++)
        if (options[i].commands & bit)
            chosen[count++] = options[i].argp;
    *out = (struct tool_ceremony_options){
        .officers = 3, .needed = 2, .log2n = 17, .id = -1, .components = 3, .passphrase_fd = -1, .component_fd = -1, .comment = ""};
    (void)snprintf(doc, sizeof doc, "%s%sExit status: %s", c->doc, strchr(c->doc, '\v') ? "\n\n" : "\v", exit_statuses);
    (void)snprintf(name, sizeof name, "countersign-hsm lmk %s", c->name);
    struct line line = {c, out};
    const struct argp parser = {.options = chosen, .parser = on_option, .args_doc = c->arguments, .doc = doc};
    argv[0] = name;
    argp_err_exit_status = TOOL_CEREMONY_BAD_LINE;
    (void)argp_parse(&parser, argc, argv, 0, NULL, &line); /* leaves by itself where it fails */
}

/* ---- running ---- */

int tool_ceremony_say(int status, const char *format, ...)
{
    va_list arguments;
    (void)fputs("countersign-hsm lmk: ", stderr);
    va_start(arguments, format);
    (void)vfprintf(stderr, format, arguments);
    va_end(arguments);
    (void)fputc('\n', stderr);
    return status;
}

/* Paths that the command line left open come from the HSM's configuration. */
static int settle_paths(struct tool_ceremony_options *o)
{
    struct hsm_settings settings;
    char problem[256] = "";
    if (config_load(&hsm_settings_table, o->config, &settings, problem, sizeof problem) != ERR_OK)
        return tool_ceremony_say(TOOL_CEREMONY_BAD_LINE, "%s", problem);
    if (!o->store[0])
        (void)snprintf(o->store, sizeof o->store, "%s", settings.lmk_store);
    if (!o->console[0])
        (void)snprintf(o->console, sizeof o->console, "%s", settings.console);
    return TOOL_CEREMONY_DONE;
}

static enum err desk_create(struct tool_ceremony_desk **out)
{
    struct secret_pages pages;
    TRY(secret_pages_create(sizeof(struct tool_ceremony_desk), &pages));
    struct tool_ceremony_desk *desk = pages.at;
    desk->pages = pages;
    *out = desk;
    return ERR_OK;
}

static int at_the_desk(const struct command *c, struct tool_ceremony *run)
{
    if (c->speaks && tool_entry_open(run->options.passphrase_fd, run->options.yes, &run->entry) != ERR_OK)
        return tool_ceremony_say(TOOL_CEREMONY_FAILED, "there is no terminal: use --passphrase-fd (see --help)");
    if (desk_create(&run->desk) != ERR_OK)
        return tool_ceremony_say(TOOL_CEREMONY_FAILED, "no memory for secrets");
    int status = c->run(run);
    struct secret_pages pages = run->desk->pages;
    secret_pages_destroy(&pages);
    keys_store_destroy(run->store);
    if (c->speaks)
        tool_entry_close(&run->entry);
    return status;
}

static int run_command(const struct command *c, int argc, char **argv)
{
    struct tool_ceremony run = {.env = env_system(NULL)};
    parse(c, argc, argv, &run.options);
    int status = settle_paths(&run.options);
    if (status != TOOL_CEREMONY_DONE)
        return status;
    if (secret_process_harden() != ERR_OK)
        (void)tool_ceremony_say(0, "warning: the process could not be made undumpable");
    return at_the_desk(c, &run);
}

static void help(FILE *out)
{
    (void)fputs("Usage: countersign-hsm lmk COMMAND [OPTION...]\n"
                "The key ceremony, and the officers' side of a running HSM.\n\n",
                out);
    for (size_t i = 0; i < COMMANDS; i++)
        (void)fprintf(out, "  %-12s %.*s\n", commands[i].name, (int)strcspn(commands[i].doc, "\v"), commands[i].doc);
    (void)fprintf(out, "\n`countersign-hsm lmk COMMAND --help` tells the options.\nExit status: %s\n", exit_statuses);
}

/* ---- the man page ---- */

static void put_words(struct buf *out, unsigned on)
{
    const char *between = ". For ";
    for (size_t i = 0; i < COMMANDS && on != EVERY; i++) {
        if (!(on & (1u << i)))
            continue;
        buf_put_text(out, between);
        buf_put_text(out, commands[i].name);
        between = ", ";
    }
    buf_put_text(out, ".\n");
}

/* The sentence, and the details behind its \v. */
static void put_doc(struct buf *out, const char *doc)
{
    size_t head = strcspn(doc, "\v");
    tool_roff_text(out, span_of(doc, head));
    buf_put_text(out, "\n");
    if (doc[head]) {
        tool_roff_text(out, span_text(doc + head + 1));
        buf_put_text(out, "\n");
    }
}

static void put_commands(struct buf *out)
{
    tool_roff_heading(out, "COMMANDS");
    for (size_t i = 0; i < COMMANDS; i++) {
        buf_put_text(out, ".TP\n\\fB");
        tool_roff_text(out, span_text(commands[i].name));
        buf_put_text(out, "\\fR");
        if (commands[i].arguments) {
            buf_put_text(out, " ");
            tool_roff_text(out, span_text(commands[i].arguments));
        }
        buf_put_text(out, "\n");
        put_doc(out, commands[i].doc);
    }
}

void tool_ceremony_manual(struct buf *out)
{
    tool_roff_title(out, "countersign-hsm-lmk", "1", "the key ceremony, and the officers' side of a running HSM");
    tool_roff_heading(out, "SYNOPSIS");
    buf_put_text(out, ".B countersign\\-hsm lmk\n.I COMMAND\n.RI [ OPTION ...]\n");
    put_commands(out);
    tool_roff_heading(out, "OPTIONS");
    for (size_t i = 0; i < OPTIONS; i++) {
        tool_roff_option(out, options[i].argp.name, options[i].argp.arg);
        tool_roff_text(out, span_text(options[i].argp.doc));
        put_words(out, options[i].commands);
    }
    tool_roff_heading(out, "EXIT STATUS");
    tool_roff_text(out, span_text(exit_statuses));
    buf_put_text(out, "\n");
    tool_roff_heading(out, "SEE ALSO");
    buf_put_text(out, ".BR countersign\\-hsm (1),\n.BR countersign\\-hsm.conf (5)\n");
}

int tool_ceremony_main(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < COMMANDS; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return run_command(&commands[i], argc - 1, argv + 1);
    bool asked = argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-?") == 0);
    help(asked ? stdout : stderr);
    if (!asked && argc > 1)
        (void)tool_ceremony_say(0, "%s: no such command", argv[1]);
    return asked ? TOOL_CEREMONY_DONE : TOOL_CEREMONY_BAD_LINE;
}
