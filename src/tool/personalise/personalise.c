/* SPDX-License-Identifier: Apache-2.0 */
/* countersign-hsm batch: the command line. */
#include "tool/personalise/internal.h"

#include "base/secret.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

enum {
    CVV,
    CVV2,
    ICVV,
    SERVICE,
    CVV2_EXPIRY,
    LMK,
    LMK_STORE,
    CONFIG,
    PASSPHRASE_FD,
    TEST_LMK,
    IN,
    FORMAT,
    EXPIRY,
    ANY_PAN,
    OUT,
    RECIPIENT,
    CLEAR,
    CHUNK,
    RESUME,
    REPORT,
    STOP_ON_ERROR,
    QUIET,
    JSON
};

/* clang-format off */
static const struct cli_option options[] = {
    [CVV] = {.name = "cvv", .kind = CLI_TEXT, .argument = "KEY",
             .doc = "make CVVs under this CVK: a KEY text as CW takes it, under the LMK"},
    [CVV2] = {.name = "cvv2", .kind = CLI_TEXT, .argument = "KEY",
              .doc = "make CVV2s (service code 000 unless a record says otherwise)"},
    [ICVV] = {.name = "icvv", .kind = CLI_TEXT, .argument = "KEY",
              .doc = "make iCVVs (service code 999 unless a record says otherwise)"},
    [SERVICE] = {.name = "service", .kind = CLI_TEXT, .argument = "CODE", .doc = "service code of CVVs where a record has none"},
    [CVV2_EXPIRY] = {.name = "cvv2-expiry", .kind = CLI_CHOICE, .choices = "YYMM|MMYY", .initial = "YYMM",
                     .doc = "how the expiry enters the CVV2"},
    [LMK] = {.name = "lmk", .kind = CLI_NUMBER, .argument = "NN", .max = 99, .group = "Keys",
             .doc = "identifier of the LMK; without it 00, or that of the key block"},
    [LMK_STORE] = {.name = "lmk-store", .kind = CLI_FILE, .argument = "FILE", .group = "Keys",
                   .doc = "LMK store; its officers are asked for their passphrases"},
    [CONFIG] = {.name = "config", .kind = CLI_FILE, .argument = "FILE", .group = "Keys",
                .doc = "configuration of the HSM: hsm.lmk_store and hsm.mode of it are used"},
    [PASSPHRASE_FD] = {.name = "passphrase-fd", .kind = CLI_NUMBER, .argument = "FD", .max = 1024, .group = "Keys",
                       .doc = "read lines `OFFICER PASSPHRASE` from this descriptor in place of the terminal"},
    [TEST_LMK] = {.name = "test-lmk", .group = "Keys", .doc = "the public test LMKs: NOT FOR PRODUCTION"},
    [IN] = {.name = "in", .kind = CLI_FILE, .argument = "FILE", .initial = "-", .group = "Cards",
            .doc = "cards; - is standard input"},
    [FORMAT] = {.name = "format", .kind = CLI_CHOICE, .choices = "csv|jsonl", .group = "Cards",
                .doc = "without it, what the first character says"},
    [EXPIRY] = {.name = "expiry", .kind = CLI_CHOICE, .choices = "YYMM|MMYY", .initial = "YYMM", .group = "Cards",
                .doc = "how the expiry stands in the input"},
    [ANY_PAN] = {.name = "any-pan", .group = "Cards", .doc = "do not look at the check digit of card numbers"},
    [OUT] = {.name = "out", .kind = CLI_FILE, .argument = "FILE", .initial = "-", .group = "Codes",
             .doc = "where codes go; - is standard output. A file has FILE.state beside it"},
    [RECIPIENT] = {.name = "recipient", .kind = CLI_FILE, .argument = "FILE", .group = "Codes",
                   .doc = "RSA public key in PEM that codes are encrypted to"},
    [CLEAR] = {.name = "clear", .group = "Codes", .doc = "codes in clear; standard output must be a pipe"},
    [CHUNK] = {.name = "chunk", .kind = CLI_NUMBER, .argument = "N", .min = 1, .max = TOOL_PERSONALISE_CHUNK_MAX, .initial = "1000",
               .group = "The run", .doc = "records a message; what is done is kept by the message"},
    [RESUME] = {.name = "resume", .group = "The run", .doc = "go on with a run that was interrupted"},
    [REPORT] = {.name = "report", .kind = CLI_FILE, .argument = "FILE", .group = "The run",
                .doc = "tell bad lines in FILE in place of standard error"},
    [STOP_ON_ERROR] = {.name = "stop-on-error", .group = "The run", .doc = "stop at the first bad line"},
    [QUIET] = {.name = "quiet", .group = "The run", .doc = "tell no progress and no summary"},
    [JSON] = {.name = "json", .group = "The run", .doc = "the summary as data, on standard output unless codes go there"},
};
static const struct cli_status statuses[] = {
    {CLI_EXIT_DONE, "every card has its codes"},
    {CLI_EXIT_FAILED, "failed; what is done is kept"},
    {CLI_EXIT_USAGE, "the command line is not understood, or does not fit the files that are there"},
    {CLI_EXIT_NOT_TAKEN, "some lines are bad; all others are done, or the run stopped at the first (--stop-on-error)"},
    {CLI_EXIT_CUT_SHORT, "stopped by a signal; what is done is kept"},
    {CLI_EXIT_MODE, "test LMKs where the HSM is hardened"},
};
/* clang-format on */
static const struct cli_section sections[] = {
    {.title = "Input",
     .text =
         "CSV (RFC 4180) with a header line, or JSON objects, one a line, whose values are strings. Columns: id (a "
         "reference of up to 64 characters, which comes back), pan, expiry, service (for CVV), cvv2_service, icvv_service; others "
         "are left alone. A bad line is told with its number and reason and does not stop the run. Records have at most 8,192 "
         "bytes. Line ends may be LF or CR LF, a byte order mark is passed over.\n"},
    {.title = "Output",
     .text =
         "One line a message: a JWE in compact form (RSA-OAEP-256, A256GCM) whose plaintext is JSON lines, such as\n\n"
         "  {\"id\":\"A-1\",\"cvv\":\"561\",\"cvv2\":\"636\"}\n\n"
         "Its header has the key's identifier (kid: SHA-256 of the public key) and the number of the message (seq, from 1). Card "
         "numbers are never written.\n"},
    {.title = "Interruption",
     .text =
         "Each message is on disk before it is counted in FILE.state. After Ctrl-C, a kill or a loss of power the same "
         "command with --resume goes on: no record is missing and none occurs twice. The state holds positions, counts and digests "
         "under a key made from the CVKs. When the run is complete it may be removed.\n"},
    {.title = "Examples",
     .text = "  countersign-hsm batch --test-lmk --cvv2 U9B4934384B19946B040CD702B4D58145 \\\n"
             "      --recipient bureau.pem --in cards.csv --out codes.jwe\n"
             "  countersign-hsm batch --config /etc/countersign/hsm.conf \\\n"
             "      --cvv U... --icvv U... --recipient bureau.pem \\\n"
             "      --in cards.csv --out codes.jwe --resume\n"},
};

/* NULL, or what is wrong. */
static const char *take_cards(const struct cli_line *line, struct tool_personalise_options *o)
{
    static const enum card_expiry_order order[] = {CARD_YYMM, CARD_MMYY}; /* as the choices */
    const char *service = cli_text(line, SERVICE, NULL);
    if (service && card_service_parse(span_text(service), o->service) != ERR_OK)
        return "--service: three digits are wanted";
    o->format = cli_text(line, FORMAT, NULL);
    o->rule.expiry = order[cli_choice(line, EXPIRY)];
    o->cvv2_expiry = order[cli_choice(line, CVV2_EXPIRY)];
    o->rule.pan = cli_flag(line, ANY_PAN) ? CARD_ANY : CARD_LUHN;
    o->rule.need_service = o->key[TOOL_PERSONALISE_CVV] && !service;
    return NULL;
}

static const char *take_files(const struct cli_line *line, struct tool_personalise_options *o)
{
    o->in = cli_text(line, IN, "-");
    o->out = cli_text(line, OUT, "-");
    o->recipient = cli_text(line, RECIPIENT, NULL);
    o->clear = cli_flag(line, CLEAR);
    o->resume = cli_flag(line, RESUME);
    o->report = cli_text(line, REPORT, NULL);
    bool to_file = strcmp(o->out, "-") != 0;
    if (o->clear == !!o->recipient)
        return "give --recipient FILE, or --clear for a pipe";
    if (o->clear && to_file)
        return "--clear: codes go in clear to a pipe only, never to a file";
    if (o->resume && !to_file)
        return "--resume needs --out FILE";
    return strcmp(o->in, "-") == 0 && o->passphrase_fd == 0 ? "cards and passphrases cannot both come from descriptor 0" : NULL;
}

static const char *take(const struct cli_line *line, struct tool_personalise_options *o)
{
    o->line = line;
    for (size_t i = 0; i < TOOL_PERSONALISE_KINDS; i++)
        o->key[i] = cli_text(line, CVV + i, NULL);
    o->config = cli_text(line, CONFIG, NULL);
    o->lmk_store = cli_text(line, LMK_STORE, NULL);
    o->test_lmk = cli_flag(line, TEST_LMK);
    o->stop_on_error = cli_flag(line, STOP_ON_ERROR);
    o->quiet = cli_flag(line, QUIET);
    o->json = cli_flag(line, JSON);
    o->chunk = (size_t)cli_number(line, CHUNK, 0);
    o->lmk = (int)cli_number(line, LMK, -1);
    o->passphrase_fd = (int)cli_number(line, PASSPHRASE_FD, -1);
    if (!o->key[0] && !o->key[1] && !o->key[2])
        return "which codes? Give --cvv, --cvv2 or --icvv with its KEY";
    if (o->test_lmk && o->lmk_store)
        return "--test-lmk and --lmk-store exclude each other";
    const char *wrong = take_cards(line, o);
    return wrong ? wrong : take_files(line, o);
}

static void on_signal(int signum)
{
    tool_personalise_signal = signum;
}

/* Without SA_RESTART: a read that waits is to end. */
static void mind_signals(void)
{
    const struct sigaction action = {.sa_handler = on_signal};
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGHUP, &action, NULL);
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    (void)sigaction(SIGPIPE, &ignore, NULL);
    (void)sigaction(SIGXFSZ, &ignore, NULL); /* a file that may not grow is an error of write */
}

static int run(const struct cli_line *line)
{
    struct tool_personalise_options o = {0};
    const char *wrong = take(line, &o);
    if (wrong)
        return cli_refuse(line, wrong, "");
    if (secret_process_harden() != ERR_OK)
        return cli_failed(line, CLI_EXIT_FAILED, "the process cannot be made undumpable", "");
    mind_signals();
    return tool_personalise_run(&o);
}

const struct cli_command tool_personalise = {
    .name = "batch",
    .summary = "make the codes of many cards for personalisation",
    CLI_ROWS(options, statuses),
    CLI_SECTIONS(sections),
    .run = run,
};
