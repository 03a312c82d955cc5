/* SPDX-License-Identifier: Apache-2.0 */
/* Command lines: what rows allow and refuse, and what is printed from them. */
#include "cli/cli.h"
#include "main/commands.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { WORDS = 24, TOLD = 32 * 1024 };

/* ---- a program of rows: the example of cli/cli.h, and what that does not show ---- */

enum { COUNT, FORMAT, NAME, HEADER, PATH, LOUD };
static const struct cli_option options[] = {
    [COUNT] = {.name = "count", .letter = 'n', .kind = CLI_NUMBER, .argument = "N", .doc = "cards", .min = 1, .max = 99},
    [FORMAT] = {.name = "format", .kind = CLI_CHOICE, .choices = "csv|jsonl", .doc = "of the input", .initial = "csv"},
    [NAME] = {.name = "name", .kind = CLI_TEXT, .argument = "TEXT", .doc = "a name", .max = 8, .group = "Naming"},
    [HEADER] = {.name = "header", .kind = CLI_HEX, .argument = "HEX", .doc = "bytes in front", .max = 2, .group = "Naming"},
    [PATH] = {.name = "path", .kind = CLI_FILE, .argument = "FILE", .doc = "a file", .max = 10},
    [LOUD] = {.name = "loud", .doc = "tell more"},
};
static const struct cli_operand operands[] = {
    {.name = "FILE", .doc = "cards", .kind = CLI_FILE, .required = true, .max = 20},
    {.name = "MORE", .kind = CLI_TEXT, .repeated = true},
};
static const struct cli_status statuses[] = {{CLI_EXIT_DONE, "all cards are read"}, {CLI_EXIT_FAILED, "one is not"}};

/* Tells what it was given. */
static int run_cards(const struct cli_line *line)
{
    (void)printf("%s|%lld|%d|%s|%d|%zu", line->name, (long long)cli_number(line, COUNT, 10), cli_choice(line, FORMAT),
                 cli_text(line, NAME, "none"), cli_flag(line, LOUD), line->operand_count);
    for (size_t i = 0; i < line->operand_count; i++)
        (void)printf("|%s", line->operand[i]);
    (void)fflush(stdout);
    return CLI_EXIT_DONE;
}

static int explain_cards(const struct cli_line *line)
{
    (void)printf("about %s", line->operand[0]);
    (void)fflush(stdout);
    return CLI_EXIT_DONE;
}

static void put_lines(struct buf *out)
{
    buf_put_text(out, "  printed from another table\n");
}
static const struct cli_section sections[] = {
    {.title = "Input",
     .text = "A paragraph of words that is longer than a terminal is wide, so that it has to be broken into two lines.\n"
             "  an example that stands as it is\n"},
    {.title = "Lines", .print = put_lines},
};
static const struct cli_command cards = {.name = "cards",
                                         .summary = "read cards",
                                         CLI_ROWS(options, statuses),
                                         CLI_OPERANDS(operands),
                                         CLI_SECTIONS(sections),
                                         .run = run_cards,
                                         .explain = explain_cards};

/* Two that share one table of options. */
static int run_shared(const struct cli_line *line)
{
    (void)printf("%s|%s|%s", line->name, cli_text(line, NAME, "none"), cli_flag(line, LOUD) ? "loud" : "quiet");
    (void)fflush(stdout);
    return CLI_EXIT_NOT_TAKEN;
}
static const struct cli_command form = {
    .name = "form", .summary = "form it", CLI_OPTION_ROWS(options), .takes = CLI_BIT(NAME) | CLI_BIT(LOUD), .run = run_shared};
static const struct cli_command list = {
    .name = "list", .summary = "list it", CLI_OPTION_ROWS(options), .takes = CLI_BIT(NAME), .run = run_shared};
static const struct cli_command *const keeping[] = {&form, &list};
static const struct cli_status keep_statuses[] = {{CLI_EXIT_DONE, "kept"}, {CLI_EXIT_NOT_TAKEN, "refused"}};
static const struct cli_command keep = {.name = "keep", .summary = "keep keys", CLI_STATUSES(keep_statuses), CLI_CHILDREN(keeping)};

/* A service. */
struct settings {
    char listen[32];
    int64_t slots;
};
static const struct config_row keys[] = {
    {"serve", "listen", "ADDR:PORT", CONFIG_TEXT, CONFIG_MEMBER(struct settings, listen), .initial = "127.0.0.1:1"},
    {"serve", "slots", "requests under way", CONFIG_INTEGER, CONFIG_MEMBER(struct settings, slots), 1, 9, "4"},
};
static const struct config_table table = {keys, CLI_COUNT(keys)};
static const struct cli_option service_options[] = {
    {.name = "listen", .kind = CLI_ADDRESS, .argument = "ADDR:PORT", .doc = "where", .sets = "serve.listen="},
    {.name = "most", .doc = "as many as can be", .sets = "serve.slots=9"},
};
static int run_serve(const struct cli_line *line)
{
    struct settings settings;
    char problem[160] = "";
    for (int i = 0; i < 2; i++) /* a reload reads the same */
        if (cli_settings_load(line, &settings, problem, sizeof problem) != ERR_OK)
            return cli_refuse(line, problem, "");
    (void)printf("%s|%s|%lld", line->name, settings.listen, (long long)settings.slots);
    (void)fflush(stdout);
    return CLI_EXIT_DONE;
}
static const struct cli_command serve = {
    .name = "serve", .summary = "answer", CLI_OPTION_ROWS(service_options), .settings = &table, .no_page = true, .run = run_serve};

static const struct cli_command *const children[] = {&cards, &keep, &serve, &cli_completion};
static const struct cli_page see[] = {{"other", "5"}};
static const struct cli_command program = {
    .name = "countersign-cards", .summary = "cards", CLI_CHILDREN(children), CLI_SEE(see), .fallback = &serve};

/* ---- running it ---- */

static char told[TOLD], complained[TOLD];

static size_t drain(int fd, char out[static TOLD])
{
    size_t len = 0;
    for (ssize_t n; (n = read(fd, out + len, TOLD - 1 - len)) > 0;)
        len += (size_t)n;
    out[len] = 0;
    (void)close(fd);
    return len;
}

/* A command line with blanks between its words, in a process of its own; gives its exit status. */
static int call(const char *line)
{
    int out[2], err[2], status = 0;
    char text[512], *argv[WORDS] = {NULL};
    int argc = 0;
    (void)snprintf(text, sizeof text, "%s", line);
    for (char *save = NULL, *word = strtok_r(text, " ", &save); word; word = strtok_r(NULL, " ", &save))
        argv[argc++] = word;
    assert_int_equal(pipe(out), 0);
    assert_int_equal(pipe(err), 0);
    (void)fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        (void)dup2(out[1], STDOUT_FILENO);
        (void)dup2(err[1], STDERR_FILENO);
        (void)close(out[0]);
        (void)close(err[0]);
        _exit(cli_main(&program, argc, argv));
    }
    (void)close(out[1]);
    (void)close(err[1]);
    (void)drain(out[0], told);
    (void)drain(err[0], complained);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void assert_told(const char *line, const char *wanted)
{
    int status = call(line);
    if (status != CLI_EXIT_DONE || strcmp(told, wanted) != 0)
        fail_msg("%s: status %d, '%s' instead of '%s', and '%s'", line, status, told, wanted, complained);
}

/* Refused with these words on standard error, and nothing run. */
static void assert_refused(const char *line, const char *words)
{
    int status = call(line);
    if (status != CLI_EXIT_USAGE || !strstr(complained, words) || told[0])
        fail_msg("%s: status %d, '%s' does not say '%s'", line, status, complained, words);
}

/* ---- lines ---- */

static void lines_are_read(void **state)
{
    (void)state;
    assert_told("p cards a", "countersign-cards cards|10|0|none|0|1|a");
    assert_told("p cards a b c", "countersign-cards cards|10|0|none|0|3|a|b|c");
    assert_told("p cards -n 7 --format=jsonl a --loud", "countersign-cards cards|7|1|none|1|1|a");
    assert_told("p cards --form jsonl --name=x a -- --loud", "countersign-cards cards|10|1|x|0|2|a|--loud");
    assert_told("p cards --count 1 --count=99 a", "countersign-cards cards|99|0|none|0|1|a");
    assert_int_equal(call("p keep form --name=y --loud"), CLI_EXIT_NOT_TAKEN);
    assert_string_equal(told, "countersign-cards keep form|y|loud");
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    assert_refused("p cards", "countersign-cards cards: FILE: is missing\nTry 'countersign-cards cards --help'.");
    assert_refused("p cards --count 0 a", "--count 0: a number from 1 to 99 is wanted");
    assert_refused("p cards --count 100 a", "from 1 to 99");
    assert_refused("p cards --count x1 a", "from 1 to 99");
    assert_refused("p cards --format xml a", "--format xml: one of csv|jsonl is wanted");
    assert_refused("p cards --format cs a", "one of csv|jsonl");
    assert_refused("p cards --name 123456789 a", "--name: at most 8 characters");
    assert_refused("p cards --name \x01 a", "printable ASCII");
    assert_refused("p cards --header 0 a", "--header: up to 2 pairs");
    assert_refused("p cards --header 0102AG a", "pairs of hexadecimal digits");
    assert_refused("p cards --path 12345678901 a", "at most 10 characters");
    assert_refused("p cards 123456789012345678901", "FILE: a path of at most 20 characters is allowed");
    assert_refused("p cards --bogus a", "--bogus");
    assert_refused("p cards --count", "requires an argument");
    assert_refused("p cards --loud=yes a", "doesn't allow an argument");
    assert_refused("p keep list --loud", "--loud"); /* its sibling takes it */
    assert_refused("p keep list extra", "'extra': is not expected here");
    assert_refused("p keep", "form it");
    assert_refused("p keep bogus", "'bogus': there is no such command");
    assert_refused("p bogus", "'bogus': there is no such command");
}

/* What may be a card number or a key is never repeated. */
static void secrets_are_not_repeated(void **state)
{
    (void)state;
    assert_refused("p cards --count 4111111111111111 a", "--count: a number");
    assert_null(strstr(complained, "4111"));
    assert_refused("p cards --name 4111111111111111 a", "--name: ");
    assert_null(strstr(complained, "4111"));
    assert_refused("p keep list 4111111111111111", "a further argument: is not expected");
    assert_null(strstr(complained, "4111"));
}

static void the_fallback_runs_where_no_command_is_named(void **state)
{
    (void)state;
    assert_told("p", "countersign-cards|127.0.0.1:1|4");
    assert_told("p --listen 1.2.3.4:5 --most", "countersign-cards|1.2.3.4:5|9");
    assert_told("p serve --set serve.slots=2", "countersign-cards serve|127.0.0.1:1|2");
}

static void settings_come_from_the_file_and_then_from_the_line(void **state)
{
    (void)state;
    char path[] = "/tmp/cli-test-XXXXXX", line[160];
    int fd = mkstemp(path);
    static const char text[] = "[serve]\nlisten = 9.9.9.9:9\nslots = 3\n";
    assert_int_equal(write(fd, text, sizeof text - 1), (ssize_t)sizeof text - 1);
    (void)close(fd);
    (void)snprintf(line, sizeof line, "p serve --set serve.slots=5 --config %s", path);
    assert_told(line, "countersign-cards serve|9.9.9.9:9|5");
    (void)snprintf(line, sizeof line, "p serve --config=%s --most --set serve.slots=6", path);
    assert_told(line, "countersign-cards serve|9.9.9.9:9|6");
    assert_refused("p serve --set serve.slots=10", "from 1 to 9");
    assert_refused("p serve --set nothing", "section.key=value is wanted");
    assert_refused("p serve --config /nowhere/at/all", "cannot be read");
    (void)unlink(path);
}

/* ---- what is printed ---- */

static void assert_narrow(const char *text)
{
    for (const char *at = text; *at; at += strcspn(at, "\n") + (at[strcspn(at, "\n")] == '\n'))
        if (strcspn(at, "\n") > 80)
            fail_msg("wider than 80: %.*s", (int)strcspn(at, "\n"), at);
}

static void help_is_printed_from_the_rows(void **state)
{
    (void)state;
    static const char *const asked[] = {"p cards --help", "p cards -h", "p cards -?", "p cards --format xml -h"};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(call(asked[i]), CLI_EXIT_DONE);
        assert_non_null(strstr(told, "Usage: countersign-cards cards [OPTION...] FILE [MORE ...]\n"));
        assert_non_null(strstr(told, "\n  -n, --count=N             cards (1 to 99)\n"));
        assert_non_null(strstr(told, "\n      --format=csv|jsonl    of the input (default csv)\n"));
        assert_non_null(strstr(told, "\nNaming:\n      --name=TEXT"));
        assert_non_null(strstr(told, "\n  an example that stands as it is\n"));
        assert_non_null(strstr(told, "\nLines:\n  printed from another table\n"));
        assert_non_null(strstr(told, "\n  1   one is not\n"));
        assert_narrow(told);
    }
    assert_refused(asked[3], "one of csv|jsonl");
    assert_told("p cards X --help", "about X");
    assert_told("p cards --usage", "Usage: countersign-cards cards [OPTION...] FILE [MORE ...]\n");
    assert_told("p cards --version", "countersign-cards " COUNTERSIGN_VERSION "\n");
    assert_told("p -V", "countersign-cards " COUNTERSIGN_VERSION "\n");
}

static void lists_of_commands_have_help(void **state)
{
    (void)state;
    static const char *const roots[] = {"p --help", "p -h", "p help"};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(call(roots[i]), CLI_EXIT_DONE);
        assert_non_null(strstr(told, "\n  cards       read cards\n"));
        assert_narrow(told);
    }
    assert_int_equal(call("p keep --help"), CLI_EXIT_DONE);
    assert_non_null(strstr(told, "\n  form        form it\n"));
    assert_int_equal(call("p keep form --help"), CLI_EXIT_DONE);
    assert_non_null(strstr(told, "--loud"));
    assert_null(strstr(told, "--count"));
    assert_non_null(strstr(told, "\n  3   refused\n")); /* of the command above */
    assert_int_equal(call("p serve --help"), CLI_EXIT_DONE);
    assert_non_null(strstr(told, "serve.slots = 4"));
}

static const char *page(const struct cli_command *child)
{
    static uint8_t room[TOLD];
    struct buf out = buf_over(room, sizeof room);
    cli_man(&program, child, &out);
    const char *text = buf_text(&out);
    assert_int_equal(buf_done(&out), ERR_OK);
    return text;
}

static void man_pages_say_the_same(void **state)
{
    (void)state;
    const char *text = page(&cards);
    assert_non_null(strstr(text, ".TH COUNTERSIGN\\-CARDS\\-CARDS 1"));
    assert_non_null(strstr(text, "\\fB\\-n, \\-\\-count\\fR=\\fIN\\fR\ncards (1 to 99)\n"));
    assert_non_null(strstr(text, ".BR countersign\\-cards (1),\n.BR other (5)\n"));
    text = page(&keep);
    assert_non_null(strstr(text, "a name.\n")); /* all of them take it */
    assert_non_null(strstr(text, "tell more. For form.\n"));
    text = page(NULL);
    assert_non_null(strstr(text, "read cards: countersign\\-cards\\-cards(1).\n"));
    assert_non_null(strstr(text, "\\fB\\-\\-most\\fR\nas many as can be\n"));
    assert_non_null(strstr(text, ".BR countersign\\-cards\\-cards (1),\n.BR countersign\\-cards\\-keep (1),\n.BR other (5)\n"));
}

/* bash answers: the words that it offers for the last one of a line. */
static void assert_completes(const char *words, const char *wanted)
{
    char script[TOLD + 1024];
    uint8_t room[TOLD];
    struct buf out = buf_over(room, sizeof room);
    cli_complete_bash(&program, &out);
    int len = snprintf(script, sizeof script,
                       "compopt() { :; }\n%s\nCOMP_WORDS=(%s); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _countersign_cards; "
                       "echo \"${COMPREPLY[*]}\"\n",
                       buf_text(&out), words);
    assert_int_equal(buf_done(&out), ERR_OK);
    assert_true(len > 0 && (size_t)len < sizeof script);
    char path[] = "/tmp/cli-bash-XXXXXX", command[64];
    int fd = mkstemp(path);
    assert_int_equal(write(fd, script, (size_t)len), len);
    (void)close(fd);
    (void)snprintf(command, sizeof command, "bash %s 2>&1", path);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    told[fread(told, 1, TOLD - 1, pipe)] = 0;
    assert_int_equal(pclose(pipe), 0);
    (void)unlink(path);
    told[strcspn(told, "\n")] = 0;
    assert_string_equal(told, wanted);
}

static void bash_completes(void **state)
{
    (void)state;
    assert_completes("p ''", "cards keep serve completion");
    assert_completes("p ke", "keep");
    assert_completes("p keep ''", "form list");
    assert_completes("p keep list --", "--name --help --usage --version");
    assert_completes("p keep list --n", "--name");
    assert_completes("p cards --format ''", "csv jsonl");
    assert_completes("p cards --format = j", "jsonl");
    assert_completes("p cards --format =", "csv jsonl");
    assert_completes("p cards --count 1 --fo", "--format");
    assert_completes("p serve --set serve.s", "serve.slots=");
    assert_completes("p --mo", "--most");
    assert_completes("p completion ''", "bash");
}

/* ---- rows ---- */

/* The rows of the example with one change are refused for it. */
static void assert_unsound(struct cli_option option, const char *words)
{
    char why[CLI_WHY];
    const struct cli_option rows[] = {{.name = "count", .letter = 'n', .doc = "cards"}, option};
    const struct cli_command command = {.name = "x", .summary = "x", CLI_OPTION_ROWS(rows), .run = run_cards};
    const char *wrong = cli_check(&command, why);
    if (!wrong || !strstr(wrong, words))
        fail_msg("'%s' does not say '%s'", wrong ? wrong : "sound", words);
}

static void rows_that_are_not_sound_are_found(void **state)
{
    (void)state;
    char why[CLI_WHY];
    assert_null(cli_check(&program, why));
    assert_unsound((struct cli_option){.name = "count", .doc = "again"}, "taken");
    assert_unsound((struct cli_option){.name = "other", .letter = 'n', .doc = "again"}, "taken");
    assert_unsound((struct cli_option){.name = "other", .letter = 'h', .doc = "as --help"}, "taken");
    assert_unsound((struct cli_option){.name = "other"}, "no text");
    assert_unsound((struct cli_option){.name = "other", .doc = "d", .argument = "N"}, "a flag has none");
    assert_unsound((struct cli_option){.name = "other", .doc = "d", .kind = CLI_NUMBER, .argument = "N"}, "no range");
    assert_unsound((struct cli_option){.name = "other", .doc = "d", .kind = CLI_CHOICE}, "choices");
    assert_unsound((struct cli_option){.name = "other", .doc = "d", .kind = CLI_CHOICE, .choices = "a|b", .initial = "c"},
                   "default");
    assert_unsound((struct cli_option){.name = "other", .doc = "d", .sets = "a.b=c"}, "no settings");
    const struct cli_command idle = {.name = "idle", .summary = "x"};
    assert_non_null(cli_check(&idle, why));
    const struct cli_command bits = {
        .name = "bits", .summary = "x", CLI_OPTION_ROWS(options), .takes = CLI_BIT(CLI_COUNT(options)), .run = run_cards};
    assert_non_null(cli_check(&bits, why));
    const struct cli_command *const doubles[] = {&cards, &cards};
    const struct cli_command twice = {.name = "twice", .summary = "x", CLI_CHILDREN(doubles)};
    assert_non_null(cli_check(&twice, why));
}

static void rows_of_both_programs_are_sound(void **state)
{
    (void)state;
    static const struct cli_command *const programs[] = {&main_countersign, &main_countersign_hsm};
    for (size_t i = 0; i < CLI_COUNT(programs); i++) {
        char why[CLI_WHY];
        const char *wrong = cli_check(programs[i], why);
        if (wrong)
            fail_msg("%s", wrong);
    }
}

static void exit_statuses_stand_in_one_table(void **state)
{
    (void)state;
    static uint8_t room[TOLD];
    struct buf out = buf_over(room, sizeof room);
    cli_exit_document(&out);
    cli_exit_document_program(&program, &out);
    const char *text = buf_text(&out);
    assert_non_null(strstr(text, "| 64 | mode | "));
    assert_non_null(strstr(text, "| keep | 0 | kept |\n|  | 3 | refused |\n"));
    assert_null(cli_exit_row(5));
    assert_string_equal(cli_exit_row(CLI_EXIT_CUT_SHORT)->name, "cut short");
    assert_int_equal(cli_exit_of(ERR_OK), CLI_EXIT_DONE);
    assert_int_equal(cli_exit_of(ERR_CONFIG), CLI_EXIT_USAGE);
    assert_int_equal(cli_exit_of(ERR_SYSTEM), CLI_EXIT_FAILED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_read),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(secrets_are_not_repeated),
        cmocka_unit_test(the_fallback_runs_where_no_command_is_named),
        cmocka_unit_test(settings_come_from_the_file_and_then_from_the_line),
        cmocka_unit_test(help_is_printed_from_the_rows),
        cmocka_unit_test(lists_of_commands_have_help),
        cmocka_unit_test(man_pages_say_the_same),
        cmocka_unit_test(bash_completes),
        cmocka_unit_test(rows_that_are_not_sound_are_found),
        cmocka_unit_test(rows_of_both_programs_are_sound),
        cmocka_unit_test(exit_statuses_stand_in_one_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
