/* SPDX-License-Identifier: Apache-2.0 */
/* countersign-hsm batch: the command line. */
#include "tool/personalise/personalise.h"

#include "base/secret.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

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
static const struct tool_option options[] = {
    [CVV] = {"cvv", "KEY", "make CVVs under this CVK: a KEY text as CW takes it, under the LMK"},
    [CVV2] = {"cvv2", "KEY", "make CVV2s (service code 000 unless a record says otherwise)"},
    [ICVV] = {"icvv", "KEY", "make iCVVs (service code 999 unless a record says otherwise)"},
    [SERVICE] = {"service", "CODE", "service code of CVVs where a record has none"},
    [CVV2_EXPIRY] = {"cvv2-expiry", "ORDER", "YYMM or MMYY: how the expiry enters the CVV2 (default YYMM)"},
    [LMK] = {"lmk", "NN", "identifier of the LMK (default 00, or that of the key block)"},
    [LMK_STORE] = {"lmk-store", "FILE", "LMK store; its officers are asked for their passphrases"},
    [CONFIG] = {"config", "FILE", "configuration of the HSM: hsm.lmk_store and hsm.mode of it are used"},
    [PASSPHRASE_FD] = {"passphrase-fd", "FD", "read lines `OFFICER PASSPHRASE` from this descriptor in place of the terminal"},
    [TEST_LMK] = {"test-lmk", NULL, "the public test LMKs: NOT FOR PRODUCTION"},
    [IN] = {"in", "FILE", "cards; - is standard input (default)"},
    [FORMAT] = {"format", "FORMAT", "csv or jsonl (default: what the first character says)"},
    [EXPIRY] = {"expiry", "ORDER", "YYMM or MMYY: how the expiry stands in the input (default YYMM)"},
    [ANY_PAN] = {"any-pan", NULL, "do not look at the check digit of card numbers"},
    [OUT] = {"out", "FILE", "where codes go; - is standard output (default). A file has FILE.state beside it"},
    [RECIPIENT] = {"recipient", "FILE", "RSA public key in PEM that codes are encrypted to"},
    [CLEAR] = {"clear", NULL, "codes in clear; standard output must be a pipe"},
    [CHUNK] = {"chunk", "N", "records a message, 1 to 5000 (default 1000); what is done is kept by the message"},
    [RESUME] = {"resume", NULL, "go on with a run that was interrupted"},
    [REPORT] = {"report", "FILE", "tell bad lines in FILE (default standard error)"},
    [STOP_ON_ERROR] = {"stop-on-error", NULL, "stop at the first bad line"},
    [QUIET] = {"quiet", NULL, "tell no progress and no summary"},
    [JSON] = {"json", NULL, "the summary as data, on standard output unless codes go there"},
};
static const struct tool_status statuses[] = {
    {0, "every card has its codes"},
    {1, "failed; what is done is kept"},
    {TOOL_USAGE, "the command line is not understood, or does not fit the files that are there"},
    {TOOL_PERSONALISE_BAD_LINES, "some lines are bad; all others are done, or the run stopped at the first (--stop-on-error)"},
    {TOOL_PERSONALISE_STOPPED, "stopped by a signal; what is done is kept"},
    {EX_USAGE, "test LMKs where the HSM is hardened"},
};
static const struct tool_section sections[] = {
    {"Input", "CSV (RFC 4180) with a header line, or JSON objects, one a line, whose values are strings. Columns: id (a "
     "reference of up to 64 characters, which comes back), pan, expiry, service (for CVV), cvv2_service, icvv_service; others "
     "are left alone. A bad line is told with its number and reason and does not stop the run. Records have at most 8,192 "
     "bytes. Line ends may be LF or CR LF, a byte order mark is passed over.\n"},
    {"Output", "One line a message: a JWE in compact form (RSA-OAEP-256, A256GCM) whose plaintext is JSON lines, such as\n\n"
     "  {\"id\":\"A-1\",\"cvv\":\"561\",\"cvv2\":\"636\"}\n\n"
     "Its header has the key's identifier (kid: SHA-256 of the public key) and the number of the message (seq, from 1). Card "
     "numbers are never written.\n"},
    {"Interruption", "Each message is on disk before it is counted in FILE.state. After Ctrl-C, a kill or a loss of power the same "
     "command with --resume goes on: no record is missing and none occurs twice. The state holds positions, counts and digests "
     "under a key made from the CVKs. When the run is complete it may be removed.\n"},
    {"Examples",
     "  countersign-hsm batch --test-lmk --cvv2 U9B4934384B19946B040CD702B4D58145 \\\n"
     "      --recipient bureau.pem --in cards.csv --out codes.jwe\n"
     "  countersign-hsm batch --config /etc/countersign/hsm.conf --cvv U... --icvv U... \\\n"
     "      --recipient bureau.pem --in cards.csv --out codes.jwe --resume\n"},
};
/* clang-format on */

const struct tool_row tool_personalise_row = {
    .name = "batch",
    .summary = "make the codes of many cards for personalisation",
    .operands = "",
    TOOL_MEMBERS(options, statuses, sections),
};
static const struct tool_row *const tool = &tool_personalise_row;

int tool_personalise_fail(int status, const char *what, const char *why)
{
    return tool_failed(tool, status, what, why);
}

static bool number(const char *text, uint64_t least, uint64_t most, uint64_t *out)
{
    return !text || (span_decimal(span_text(text), out) == ERR_OK && *out >= least && *out <= most);
}

static bool order(const char *text, enum card_expiry_order *out)
{
    *out = text && strcmp(text, "MMYY") == 0 ? CARD_MMYY : CARD_YYMM;
    return !text || strcmp(text, "MMYY") == 0 || strcmp(text, "YYMM") == 0;
}

static const char *or_dash(const char *text)
{
    return text ? text : "-";
}

/* NULL, or what is wrong. */
static const char *take_numbers(const struct tool_line *line, struct tool_personalise_options *o)
{
    uint64_t chunk = TOOL_PERSONALISE_CHUNK, lmk = 0, fd = 0;
    if (!number(line->value[CHUNK], 1, TOOL_PERSONALISE_CHUNK_MAX, &chunk))
        return "--chunk: a number from 1 to 5000 is wanted";
    if (!number(line->value[LMK], 0, 99, &lmk))
        return "--lmk: a number from 00 to 99 is wanted";
    if (!number(line->value[PASSPHRASE_FD], 0, 1024, &fd))
        return "--passphrase-fd: the number of an open descriptor is wanted";
    o->chunk = (size_t)chunk;
    o->lmk = line->value[LMK] ? (int)lmk : -1;
    o->passphrase_fd = line->value[PASSPHRASE_FD] ? (int)fd : -1;
    return NULL;
}

static const char *take_cards(const struct tool_line *line, struct tool_personalise_options *o)
{
    const char *format = line->value[FORMAT];
    if (!order(line->value[EXPIRY], &o->rule.expiry) || !order(line->value[CVV2_EXPIRY], &o->cvv2_expiry))
        return "--expiry, --cvv2-expiry: YYMM or MMYY is wanted";
    if (format && strcmp(format, "csv") != 0 && strcmp(format, "jsonl") != 0)
        return "--format: csv or jsonl is wanted";
    if (line->value[SERVICE] && card_service_parse(span_text(line->value[SERVICE]), o->service) != ERR_OK)
        return "--service: three digits are wanted";
    o->format = format;
    o->rule.pan = line->value[ANY_PAN] ? CARD_ANY : CARD_LUHN;
    o->rule.need_service = line->value[CVV] && !line->value[SERVICE];
    return NULL;
}

static const char *take_files(const struct tool_line *line, struct tool_personalise_options *o)
{
    o->in = or_dash(line->value[IN]);
    o->out = or_dash(line->value[OUT]);
    o->recipient = line->value[RECIPIENT];
    o->clear = line->value[CLEAR] != NULL;
    o->resume = line->value[RESUME] != NULL;
    o->report = line->value[REPORT];
    bool to_file = strcmp(o->out, "-") != 0;
    if (o->clear == (o->recipient != NULL))
        return "give --recipient FILE, or --clear for a pipe";
    if (o->clear && to_file)
        return "--clear: codes go in clear to a pipe only, never to a file";
    if (o->resume && !to_file)
        return "--resume needs --out FILE";
    return strcmp(o->in, "-") == 0 && o->passphrase_fd == 0 ? "cards and passphrases cannot both come from descriptor 0" : NULL;
}

static const char *take(const struct tool_line *line, struct tool_personalise_options *o)
{
    for (size_t i = 0; i < TOOL_PERSONALISE_KINDS; i++)
        o->key[i] = line->value[CVV + i];
    o->config = line->value[CONFIG];
    o->lmk_store = line->value[LMK_STORE];
    o->test_lmk = line->value[TEST_LMK] != NULL;
    o->stop_on_error = line->value[STOP_ON_ERROR] != NULL;
    o->quiet = line->value[QUIET] != NULL;
    o->json = line->value[JSON] != NULL;
    if (!o->key[0] && !o->key[1] && !o->key[2])
        return "which codes? Give --cvv, --cvv2 or --icvv with its KEY";
    if (o->test_lmk && o->lmk_store)
        return "--test-lmk and --lmk-store exclude each other";
    const char *wrong = take_numbers(line, o);
    if (!wrong)
        wrong = take_cards(line, o);
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

int tool_personalise_main(int argc, char **argv)
{
    struct tool_line line;
    struct tool_personalise_options o = {0};
    tool_parse(tool, argc, argv, &line);
    if (line.operands > 0)
        return tool_refuse(tool, line.operand[0], "is not expected here");
    const char *wrong = take(&line, &o);
    if (wrong)
        return tool_refuse(tool, wrong, "");
    if (secret_process_harden() != ERR_OK)
        return tool_failed(tool, 1, "the process cannot be made undumpable", "");
    mind_signals();
    return tool_personalise_run(&o);
}
