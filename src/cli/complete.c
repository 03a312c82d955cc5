/* SPDX-License-Identifier: Apache-2.0 */
/* Completion for bash, from the rows: a function that needs nothing but bash. */
#include "cli/internal.h"

#include "base/file.h"

#include <string.h>
#include <unistd.h>

enum { SCRIPT = 64 * 1024, PATH = 128 };

/* "countersign-hsm" as a name of a function. */
static void put_function(struct buf *out, const char *program)
{
    buf_put_byte(out, '_');
    for (; *program; program++)
        buf_put_byte(out, (uint8_t)(*program == '-' ? '_' : *program));
}

/* ---- words ---- */

static void put_option_names(struct buf *out, const struct cli_option *o)
{
    buf_put_text(out, " --");
    buf_put_text(out, o->name);
}

static void put_options(struct buf *out, const struct cli_command *c)
{
    for (size_t i = 0; i < c->option_count; i++)
        if (cli_takes(c, i))
            put_option_names(out, &c->option[i]);
    for (size_t i = 0; c->settings && i < CLI_SETTING_COUNT; i++)
        put_option_names(out, &cli_settings_rows[i]);
    for (size_t i = 0; i < CLI_COMMON_COUNT; i++)
        put_option_names(out, &cli_common[i]);
}

/* Words of a list, without what a shell would read as its own. */
static void put_plain(struct buf *out, const char *words, char separator)
{
    for (; *words; words++)
        if (*words == separator)
            buf_put_byte(out, ' ');
        else if (!strchr("'\"\\$`|&;<>()", *words))
            buf_put_byte(out, (uint8_t)*words);
}

static void put_children(struct buf *out, const struct cli_command *c)
{
    for (size_t i = 0; i < c->child_count; i++) {
        buf_put_byte(out, ' ');
        buf_put_text(out, c->child[i]->name);
    }
}

static void put_operand_words(struct buf *out, const struct cli_operand *o)
{
    char room[CLI_SECTION];
    struct buf words = buf_over(room, sizeof room);
    if (!o->words)
        return;
    o->words(&words);
    buf_put_byte(out, ' ');
    put_plain(out, buf_text(&words), '\n');
}

static bool names_path(enum cli_kind kind)
{
    return kind == CLI_FILE || kind == CLI_FOLDER;
}

/* ---- the cases of one command ---- */

/* What its words may be: sub-commands, and the first argument; files unless no argument is one. */
static void put_case(struct buf *out, const struct cli_command *c, const char *path)
{
    bool files = false;
    buf_put_text(out, "    '");
    buf_put_text(out, path);
    buf_put_text(out, "') options='");
    put_options(out, c->fallback ? c->fallback : c);
    buf_put_text(out, "' words='");
    put_children(out, c);
    for (size_t i = 0; i < c->operand_count; i++) {
        files |= names_path(c->operand[i].kind);
        if (i == 0)
            put_operand_words(out, &c->operand[i]);
    }
    buf_put_text(out, files ? "' files=1 ;;\n" : "' ;;\n");
}

static void put_value_case(struct buf *out, const char *path, const struct cli_option *o, const struct config_table *settings)
{
    if (o->kind == CLI_FLAG)
        return;
    buf_put_text(out, "    '");
    buf_put_text(out, path);
    buf_put_text(out, " --");
    buf_put_text(out, o->name);
    buf_put_text(out, "') value=1 words='");
    if (o->kind == CLI_CHOICE)
        put_plain(out, o->choices, '|');
    for (size_t i = 0; o->kind == CLI_KEY && settings && i < settings->count; i++) {
        buf_put_text(out, i > 0 ? " " : "");
        buf_put_text(out, settings->row[i].section);
        buf_put_byte(out, '.');
        buf_put_text(out, settings->row[i].key);
        buf_put_byte(out, '=');
    }
    buf_put_text(out, names_path(o->kind) ? "' files=1 ;;\n" : "' ;;\n");
}

static void put_value_cases(struct buf *out, const struct cli_command *c, const char *path)
{
    for (size_t i = 0; i < c->option_count; i++)
        if (cli_takes(c, i))
            put_value_case(out, path, &c->option[i], c->settings);
    for (size_t i = 0; c->settings && i < CLI_SETTING_COUNT; i++)
        put_value_case(out, path, &cli_settings_rows[i], c->settings);
}

/* Both lists walk the same tree. */
static void walk(struct buf *out, const struct cli_command *c, const char *path,
                 void (*each)(struct buf *out, const struct cli_command *c, const char *path))
{
    each(out, c, path);
    for (size_t i = 0; i < c->child_count; i++) {
        char room[PATH];
        struct buf own = buf_over(room, sizeof room);
        buf_put_text(&own, path);
        buf_put_text(&own, path[0] ? " " : "");
        buf_put_text(&own, c->child[i]->name);
        const char *text = buf_text(&own);
        ASSERT(buf_done(&own) == ERR_OK);
        walk(out, c->child[i], text, each);
    }
}

static void put_paths(struct buf *out, const struct cli_command *c, const char *path)
{
    if (!path[0])
        return;
    buf_put_byte(out, '|');
    buf_put_byte(out, '\'');
    buf_put_text(out, path);
    buf_put_byte(out, '\'');
    (void)c;
}

/* ---- the script ---- */

/* Bash splits --kind=variant into three words. */
static const char head[] = "() {\n"
                           "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
                           "    local path='' options='' words='' value='' files='' i\n"
                           "    COMPREPLY=()\n"
                           "    if [[ $cur == '=' ]]; then cur=''\n"
                           "    elif [[ $prev == '=' && COMP_CWORD -gt 2 ]]; then prev=${COMP_WORDS[COMP_CWORD-2]}; fi\n"
                           "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
                           "        case \"${path:+$path }${COMP_WORDS[i]}\" in\n        ''";
static const char middle[] = ") path=\"${path:+$path }${COMP_WORDS[i]}\" ;;\n"
                             "        *) break ;;\n"
                             "        esac\n"
                             "    done\n"
                             "    case $path in\n";
static const char values[] = "    esac\n"
                             "    case \"$path $prev\" in\n";
static const char tail[] = "    esac\n"
                           "    [[ -z $value && $cur == -* ]] && words=$options\n"
                           "    COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
                           "    [[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace\n"
                           "    [[ -n $files && ( -n $value || $cur != -* ) ]] && compopt -o default\n"
                           "    return 0\n"
                           "}\n";

void cli_complete_bash(const struct cli_command *root, struct buf *out)
{
    buf_put_text(out, "# SPDX-License-Identifier: Apache-2.0\n# Completion of ");
    buf_put_text(out, root->name);
    buf_put_text(out, " for bash, printed from the rows of its command line.\n");
    put_function(out, root->name);
    buf_put_text(out, head);
    walk(out, root, "", put_paths);
    buf_put_text(out, middle);
    walk(out, root, "", put_case);
    buf_put_text(out, values);
    walk(out, root, "", put_value_cases);
    if (root->fallback)
        put_value_cases(out, root->fallback, "");
    buf_put_text(out, tail);
    buf_put_text(out, "complete -F ");
    put_function(out, root->name);
    buf_put_byte(out, ' ');
    buf_put_text(out, root->name);
    buf_put_byte(out, '\n');
}

/* ---- the command ---- */

static int run_bash(const struct cli_line *line)
{
    uint8_t room[SCRIPT];
    struct buf out = buf_over(room, sizeof room);
    cli_complete_bash(line->path[0], &out);
    ASSERT(buf_done(&out) == ERR_OK);
    return file_write(STDOUT_FILENO, buf_span(&out)) == ERR_OK ? CLI_EXIT_DONE : CLI_EXIT_FAILED;
}

static const struct cli_command bash = {
    .name = "bash",
    .summary = "for bash: source it, or let `make install` put it in place",
    .run = run_bash,
};
static const struct cli_command *const shells[] = {&bash};
static const struct cli_status statuses[] = {{CLI_EXIT_DONE, "printed"},
                                             {CLI_EXIT_FAILED, "it could not be written"},
                                             {CLI_EXIT_USAGE, "the command line is not understood"}};

const struct cli_command cli_completion = {
    .name = "completion",
    .summary = "print completion for a shell",
    CLI_STATUSES(statuses),
    CLI_CHILDREN(shells),
    .no_page = true,
};
