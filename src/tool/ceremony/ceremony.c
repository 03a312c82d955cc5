/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of `countersign-hsm lmk`: sub-commands and options are rows. */
#include "tool/ceremony/internal.h"

#include "base/secret.h"
#include "hsm/process/settings.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
    CONFIG,
    CONSOLE,
    ALONE,
    STORE,
    OFFICERS,
    NEEDED,
    LOG2N,
    ID,
    KIND,
    COMPONENTS,
    OFFICER,
    TEST,
    COMMENT,
    OLD,
    OUT,
    YES,
    JSON,
    PASSPHRASE_FD,
    COMPONENT_FD
};

enum { PATH_MOST = TOOL_CEREMONY_PATH - 1, FD_MOST = 1023 };

/* clang-format off */
static const struct cli_option options[] = {
    [CONFIG] = {.name = "config", .kind = CLI_FILE, .argument = "FILE",
                .doc = "configuration of the HSM; hsm.lmk_store and hsm.console of it are used"},
    [CONSOLE] = {.name = "console", .kind = CLI_FILE, .argument = "SOCKET", .max = PATH_MOST,
                 .doc = "the console of the running HSM"},
    [ALONE] = {.name = "alone", .doc = "one officer's voice, then back"},
    [STORE] = {.name = "store", .kind = CLI_FILE, .argument = "FILE", .max = PATH_MOST, .doc = "the LMK store"},
    [OFFICERS] = {.name = "officers", .kind = CLI_NUMBER, .argument = "N", .min = 2, .max = KEYS_STORE_OFFICERS, .initial = "3",
                  .doc = "officers with a passphrase"},
    [NEEDED] = {.name = "needed", .kind = CLI_NUMBER, .argument = "M", .min = 2, .max = KEYS_STORE_OFFICERS, .initial = "2",
                .doc = "officers needed to open it, at most N"},
    [LOG2N] = {.name = "scrypt-log2n", .kind = CLI_NUMBER, .argument = "L", .min = 4, .max = 20, .initial = "17",
               .doc = "cost of a guess at a passphrase: 2^L KiB of memory; below 15 the store takes test LMKs only"},
    [ID] = {.name = "id", .kind = CLI_NUMBER, .argument = "NN", .max = KEYS_LMK_IDS - 1, .doc = "LMK identifier"},
    [KIND] = {.name = "kind", .kind = CLI_CHOICE, .choices = "variant|key-block", .doc = "kind of the LMK"},
    [COMPONENTS] = {.name = "components", .kind = CLI_NUMBER, .argument = "K", .min = KEYS_COMPONENTS_MIN,
                    .max = KEYS_COMPONENTS_MAX, .initial = "3", .doc = "number of components"},
    [OFFICER] = {.name = "officer", .kind = CLI_NUMBER, .argument = "I", .min = 1, .max = KEYS_STORE_OFFICERS,
                 .doc = "whose passphrase is changed"},
    [TEST] = {.name = "test", .doc = "a test LMK: a hardened HSM does not load it"},
    [COMMENT] = {.name = "comment", .kind = CLI_TEXT, .argument = "TEXT", .max = KEYS_COMMENT, .doc = "shown by list and JK"},
    [OLD] = {.name = "old", .doc = "the old LMK of the identifier"},
    [OUT] = {.name = "out", .kind = CLI_FILE, .argument = "FILE",
             .doc = "write the component to FILE IN CLEAR in place of showing it"},
    [YES] = {.name = "yes", .doc = "confirm beforehand what would be asked"},
    [JSON] = CLI_JSON,
    [PASSPHRASE_FD] = {.name = "passphrase-fd", .kind = CLI_NUMBER, .argument = "FD", .max = FD_MOST,
                       .doc = "read lines `OFFICER PASSPHRASE` from this descriptor; new passphrases and those of component files "
                              "alone on their lines"},
    [COMPONENT_FD] = {.name = "component-fd", .kind = CLI_NUMBER, .argument = "FD", .max = FD_MOST,
                      .doc = "read components from this descriptor, a line each with the check value behind it; a variant "
                             "component is 20 lines, the check value behind the last"},
};
static const struct cli_status statuses[] = {
    {CLI_EXIT_DONE, "done"},
    {CLI_EXIT_FAILED, "failed"},
    {CLI_EXIT_USAGE, "the command line is not understood"},
    {CLI_EXIT_NOT_TAKEN, "refused: a wrong passphrase, a wrong check value, or not confirmed"},
};
/* clang-format on */

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

static struct tool_ceremony_options taken(const struct cli_line *line)
{
    static const enum keys_lmk_kind kinds[] = {KEYS_LMK_VARIANT, KEYS_LMK_BLOCK}; /* as the choices */
    int kind = cli_choice(line, KIND);
    struct tool_ceremony_options o = {
        .config = cli_text(line, CONFIG, NULL),
        .officers = (int)cli_number(line, OFFICERS, 0),
        .needed = (int)cli_number(line, NEEDED, 0),
        .log2n = (int)cli_number(line, LOG2N, 0),
        .id = (int)cli_number(line, ID, -1),
        .kind = kind < 0 ? KEYS_LMK_ABSENT : kinds[kind],
        .components = (int)cli_number(line, COMPONENTS, 0),
        .officer = (int)cli_number(line, OFFICER, 0),
        .test = cli_flag(line, TEST),
        .old = cli_flag(line, OLD),
        .yes = cli_flag(line, YES),
        .json = cli_flag(line, JSON),
        .alone = cli_flag(line, ALONE),
        .comment = cli_text(line, COMMENT, ""),
        .out = cli_text(line, OUT, NULL),
        .passphrase_fd = (int)cli_number(line, PASSPHRASE_FD, -1),
        .component_fd = (int)cli_number(line, COMPONENT_FD, -1),
    };
    (void)snprintf(o.store, sizeof o.store, "%s", cli_text(line, STORE, ""));
    (void)snprintf(o.console, sizeof o.console, "%s", cli_text(line, CONSOLE, ""));
    for (size_t i = 0; i < line->operand_count && i < TOOL_CEREMONY_WORDS; i++)
        o.word[i] = line->operand[i];
    return o;
}

/* Paths that the command line left open come from the HSM's configuration. */
static int settle_paths(struct tool_ceremony_options *o)
{
    struct hsm_settings settings;
    char problem[256] = "";
    if (config_load(&hsm_settings_table, o->config, &settings, problem, sizeof problem) != ERR_OK)
        return tool_ceremony_say(CLI_EXIT_USAGE, "%s", problem);
    if (!o->store[0])
        (void)snprintf(o->store, sizeof o->store, "%s", settings.lmk_store);
    if (!o->console[0])
        (void)snprintf(o->console, sizeof o->console, "%s", settings.console);
    return CLI_EXIT_DONE;
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

static int at_the_desk(struct tool_ceremony *run, int (*work)(struct tool_ceremony *run))
{
    if (desk_create(&run->desk) != ERR_OK)
        return tool_ceremony_say(CLI_EXIT_FAILED, "no memory for secrets");
    int status = work(run);
    struct secret_pages pages = run->desk->pages;
    secret_pages_destroy(&pages);
    keys_store_destroy(run->store);
    return status;
}

/* `speaks`: with officers, at the terminal or over a descriptor. */
static int run_with(const struct cli_line *line, bool speaks, int (*work)(struct tool_ceremony *run))
{
    struct tool_ceremony run = {.env = env_system(NULL), .options = taken(line)};
    int status = settle_paths(&run.options);
    if (status != CLI_EXIT_DONE)
        return status;
    if (secret_process_harden() != ERR_OK)
        (void)tool_ceremony_say(0, "warning: the process could not be made undumpable");
    if (speaks && tool_entry_open(run.options.passphrase_fd, run.options.yes, &run.entry) != ERR_OK)
        return tool_ceremony_say(CLI_EXIT_FAILED, "there is no terminal: use --passphrase-fd (see --help)");
    status = at_the_desk(&run, work);
    if (speaks)
        tool_entry_close(&run.entry);
    return status;
}

/* ---- sub-commands ---- */

#define COMMAND(name_, speaks_)                                \
    static int run_##name_(const struct cli_line *line)        \
    {                                                          \
        return run_with(line, speaks_, tool_ceremony_##name_); \
    }
COMMAND(create, true)
COMMAND(generate, true)
COMMAND(component, true)
COMMAND(form, true)
COMMAND(list, false)
COMMAND(verify, true)
COMMAND(passphrases, true)
COMMAND(old, true)
COMMAND(delete, true)
COMMAND(load, true)
COMMAND(state, false)
COMMAND(online, true)
COMMAND(secure, false)
COMMAND(authorise, true)
COMMAND(cancel, false)
COMMAND(zeroise, true)
#undef COMMAND

#define ON(option_) CLI_BIT(option_)
#define SEALED (ON(CONFIG) | ON(STORE) | ON(PASSPHRASE_FD))
#define RUNNING (ON(CONFIG) | ON(CONSOLE))
#define VOICED (RUNNING | ON(ALONE) | ON(PASSPHRASE_FD))

/* clang-format off */
static const struct cli_operand file[] = {
    {.name = "FILE", .doc = "on the officer's medium; it is not there yet", .kind = CLI_FILE, .required = true, .max = PATH_MOST},
};
static const struct cli_operand authority[] = {
    {.name = "ACTIVITY", .required = true, .kind = CLI_TEXT,
     .doc = "generate, component, import or export, a key type or none, and host: import.000.host, export.host"},
    {.name = "MINUTES", .required = true, .kind = CLI_TEXT, .doc = "1 to 720; 0: until cancel, RA, secure or a restart"},
};
static const struct cli_operand ended[] = {{.name = "ACTIVITY", .doc = "as authorised; without it, all of them", .kind = CLI_TEXT}};

#define TAKES(takes_) CLI_OPTION_ROWS(options), .takes = (takes_)
static const struct cli_command
    create = {.name = "create", .run = run_create,
              .summary = "Creates an empty LMK store and lets each of its officers choose a passphrase.",
              .about = "Any M of the N officers open the store together later; fewer learn nothing of it.",
              TAKES(SEALED | ON(OFFICERS) | ON(NEEDED) | ON(LOG2N) | ON(YES))},
    generate = {.name = "generate", .run = run_generate,
                .summary = "Makes one random component and shows it once, for its officer to write down.",
                .about = "Run it once for each officer, with nobody else at the screen.",
                TAKES(ON(CONFIG) | ON(KIND) | ON(OUT) | ON(YES))},
    component = {.name = "component", .run = run_component,
                 .summary = "Makes one random component and writes it to FILE on its officer's medium, sealed under a passphrase.",
                 .about = "The way to carry components of a variant LMK, which are too long to type.",
                 TAKES(ON(CONFIG) | ON(KIND) | ON(YES) | ON(PASSPHRASE_FD)), CLI_OPERANDS(file)},
    form = {.name = "form", .run = run_form, .summary = "Forms an LMK from 2 to 9 components, each entered by another officer.",
            .about = "A component is typed without echo, or read from its file where the path is typed in its place; its check "
                     "value is confirmed by its officer. Key block: 48 hexadecimal digits. Variant: 20 lines of 32.",
            TAKES(SEALED | ON(ID) | ON(KIND) | ON(COMPONENTS) | ON(TEST) | ON(COMMENT) | ON(YES) | ON(COMPONENT_FD))},
    list = {.name = "list", .run = run_list,
            .summary = "Tells what is in the store. Needs no passphrase, and proves nothing: see verify.",
            TAKES(ON(CONFIG) | ON(STORE) | ON(JSON))},
    verify = {.name = "verify", .run = run_verify, .summary = "Opens the store and computes each check value anew.", TAKES(SEALED)},
    passphrases = {.name = "passphrases", .run = run_passphrases,
                   .summary = "Gives an officer a new passphrase; M officers open the store for it.",
                   .about = "An officer who lost his passphrase is helped by M others; nobody learns another's.",
                   TAKES(SEALED | ON(OFFICER) | ON(YES))},
    old = {.name = "old", .run = run_old,
           .summary = "Makes the current LMK of an identifier its old one, which BW translates keys from.",
           TAKES(SEALED | ON(ID) | ON(YES))},
    delete = {.name = "delete", .run = run_delete, .summary = "Deletes an LMK from the store; keys under it are lost.",
              TAKES(SEALED | ON(ID) | ON(OLD) | ON(YES))},
    load = {.name = "load", .run = run_load, .summary = "Loads the LMKs of its store into a running HSM, which then goes online.",
            .about = "Each officer may come at another time and place: --alone gives one voice; the others have five minutes.",
            TAKES(VOICED)},
    state = {.name = "state", .run = run_state,
             .summary = "Tells the state of a running HSM: online or secure, its LMKs, what is authorised, what is pending.",
             TAKES(RUNNING | ON(JSON))},
    online = {.name = "online", .run = run_online, .summary = "Takes a running HSM from secure state back to work.", TAKES(VOICED)},
    secure = {.name = "secure", .run = run_secure, TAKES(RUNNING),
              .summary = "Puts a running HSM into secure state: no host command uses a key, and nothing stays authorised."},
    authorise = {.name = "authorise", .run = run_authorise,
                 .summary = "Authorises sensitive host commands under one LMK for a time.",
                 TAKES(VOICED | ON(ID)), CLI_OPERANDS(authority)},
    cancel = {.name = "cancel", .run = run_cancel, .summary = "Ends one activity that is authorised under an LMK, or all of them.",
              TAKES(RUNNING | ON(ID)), CLI_OPERANDS(ended)},
    zeroise = {.name = "zeroise", .run = run_zeroise,
               .summary = "Wipes the LMKs in a running HSM, and overwrites and removes the store.",
               TAKES(RUNNING | ON(STORE) | ON(YES))};
/* clang-format on */

static const struct cli_command *const children[] = {&create,      &generate,  &component, &form,   &list,  &verify,
                                                     &passphrases, &old,       &delete,    &load,   &state, &online,
                                                     &secure,      &authorise, &cancel,    &zeroise};

const struct cli_command tool_ceremony = {
    .name = "lmk",
    .summary = "the key ceremony, and the officers' side of a running HSM",
    CLI_STATUSES(statuses),
    CLI_CHILDREN(children),
};
