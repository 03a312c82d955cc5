/* SPDX-License-Identifier: Apache-2.0 */
/* countersign-hsm send: a command from named fields, the frame and its answer explained. */
#include "base/secret.h"

#include "base/file.h"
#include "hostcmd/layout/file.h"
#include "tool/fields.h"
#include "tool/send/link.h"
#include "tool/send/show.h"
#include "tool/tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PAGE = 512 * 1024, PAYLOAD = HOSTCMD_FRAME_MAX + 2, HEADER_MAX = 255, WAIT_MAX_MS = 3600000 };

/* ---- the command line ---- */

enum {
    TO,
    TLS_CA,
    TLS_CERTIFICATE,
    TLS_KEY,
    TLS_CRL,
    TLS_NAME,
    HEADER,
    HEADER_LENGTH,
    LMK,
    EXPORTABILITY,
    BLOCK_VERSION,
    TRAILER,
    LAYOUT,
    FIELDS,
    WAIT,
    DRY_RUN,
    HEX,
    RAW,
    REVEAL,
    JSON
};

static void put_commands(struct buf *out)
{
    for (enum hostcmd_id id = 0; id < HOSTCMD_COUNT; id++) {
        const struct hostcmd_row *row = hostcmd_row(id);
        buf_put_text(out, "  ");
        buf_put_text(out, row->code);
        buf_put_text(out, "  ");
        buf_put_text(out, row->title);
        buf_put_byte(out, '\n');
    }
}

static void put_codes(struct buf *out)
{
    for (enum hostcmd_id id = 0; id < HOSTCMD_COUNT; id++) {
        buf_put_text(out, hostcmd_row(id)->code);
        buf_put_byte(out, '\n');
    }
}

/* clang-format off */
static const struct cli_option options[] = {
    [TO] = {.name = "to", .kind = CLI_ADDRESS, .argument = "ADDR:PORT", .initial = "127.0.0.1:1500", .doc = "the HSM"},
    [TLS_CA] = {.name = "tls-ca", .kind = CLI_FILE, .argument = "FILE", .group = "TLS",
                .doc = "speak TLS: PEM file of the authorities of the HSM's certificate"},
    [TLS_CERTIFICATE] = {.name = "tls-certificate", .kind = CLI_FILE, .argument = "FILE", .group = "TLS",
                         .doc = "PEM file of the own certificate, then its chain"},
    [TLS_KEY] = {.name = "tls-key", .kind = CLI_FILE, .argument = "FILE", .group = "TLS",
                 .doc = "PEM file of its private key, closed to others"},
    [TLS_CRL] = {.name = "tls-crl", .kind = CLI_FILE, .argument = "FILE", .group = "TLS", .doc = "PEM file of revocation lists"},
    [TLS_NAME] = {.name = "tls-name", .kind = CLI_TEXT, .argument = "NAME", .group = "TLS",
                  .doc = "DNS name or address that the HSM's certificate must carry (default: the host of --to)"},
    [HEADER] = {.name = "header", .kind = CLI_HEX, .argument = "HEX", .max = HEADER_MAX, .initial = "30303031",
                .group = "The frame", .doc = "bytes in front of the command"},
    [HEADER_LENGTH] = {.name = "header-length", .kind = CLI_NUMBER, .argument = "N", .max = HEADER_MAX, .initial = "4",
                       .group = "The frame", .doc = "with --hex: bytes in front of the command"},
    [LMK] = {.name = "lmk", .kind = CLI_NUMBER, .argument = "NN", .max = 99, .group = "The frame",
             .doc = "identifier of the LMK, sent as %NN"},
    [EXPORTABILITY] = {.name = "exportability", .kind = CLI_TEXT, .argument = "X", .group = "The frame",
                       .doc = "narrower exportability of the key block that is made, sent as &X"},
    [BLOCK_VERSION] = {.name = "block-version", .kind = CLI_TEXT, .argument = "X", .group = "The frame",
                       .doc = "version of the key block that is made, sent as !X"},
    [TRAILER] = {.name = "trailer", .kind = CLI_TEXT, .argument = "TEXT", .group = "The frame",
                 .doc = "up to 32 characters that come back"},
    [LAYOUT] = {.name = "layout", .kind = CLI_FILE, .argument = "FILE", .group = "The frame",
                .doc = "layout profile of scheme 5 in QY and PM (default countersign-5)"},
    [FIELDS] = {.name = "fields", .kind = CLI_FILE, .argument = "FILE", .group = "The frame",
                .doc = "read further FIELD=VALUE lines from FILE, - for standard input: other users of this machine see the "
                       "command line, but not these"},
    [WAIT] = {.name = "wait", .kind = CLI_NUMBER, .argument = "MS", .max = WAIT_MAX_MS, .initial = "5000", .group = "The run",
              .doc = "how long to wait for the answer"},
    [DRY_RUN] = {.name = "dry-run", .group = "The run", .doc = "show the frame and send nothing"},
    [HEX] = {.name = "hex", .kind = CLI_TEXT, .argument = "FRAME", .group = "The run",
             .doc = "explain a captured frame, with or without its length, and send nothing; - reads it from standard input"},
    [RAW] = {.name = "raw", .group = "The run",
             .doc = "print the answer alone, from its reply code on, as it came: it may hold a code"},
    [REVEAL] = {.name = "reveal", .group = "The run",
                .doc = "show card numbers, codes and what is not understood instead of masking them"},
    [JSON] = {.name = "json", .group = "The run", .doc = "print data"},
};
static const struct cli_operand operands[] = {
    {.name = "COMMAND", .kind = CLI_TEXT, .words = put_codes},
    {.name = "FIELD=VALUE", .kind = CLI_TEXT, .repeated = true},
};
static const struct cli_status statuses[] = {
    {CLI_EXIT_DONE, "the answer is 00; with --dry-run or --hex, the frame is well-formed"},
    {CLI_EXIT_FAILED, "the answer is another code"},
    {CLI_EXIT_USAGE, "the command line is not understood, or the fields do not make a frame"},
    {CLI_EXIT_NOT_TAKEN, "the answer, or the frame of --hex, is not understood"},
    {CLI_EXIT_CUT_SHORT, "no answer: nobody listens, the connection was closed, or time ran out"},
};
/* clang-format on */
static const struct cli_section sections[] = {
    {.title = "Fields",
     .text =
         "FIELD is the label of a field of the command, or an unambiguous start of it; key stands for the first KEY, code "
         "for the first secret. 'countersign-hsm send CW --help' lists the fields of CW. Attributes of a key block are attr.usage, "
         "attr.algorithm and so on. hex:0A1B gives raw bytes to a field of bytes. Counts are filled in.\n"},
    {.title = "Examples",
     .text = "  countersign-hsm send NC\n"
             "  countersign-hsm send CW key=U9B4934384B19946B040CD702B4D58145 \\\n"
             "      pan=4123456789012345 expiry=8701 service=101 --reveal\n"
             "  countersign-hsm send --hex 0008484541444E4F3030\n"},
    {.title = "Commands", .print = put_commands},
};

/* ---- the work ---- */

struct work {
    struct secret_pages pages;
    const struct cli_line *line;
    struct tool_fields *fields;
    const struct hostcmd_row *row;
    struct hostcmd_layout layout; /* of scheme 5 */
    struct buf payload;           /* what is sent, or explained */
    struct buf answer;
    struct buf page; /* what is printed */
    size_t header;
    void *request;
    void *reply;
    char problem[TOOL_FIELDS_PROBLEM];
    uint8_t room[];
};

static enum err work_create(struct work **out)
{
    struct secret_pages pages;
    size_t request = hostcmd_request_size_max(), reply = hostcmd_reply_size_max();
    TRY(secret_pages_create(sizeof(struct work) + 2 * (size_t)PAYLOAD + PAGE + request + reply, &pages));
    struct work *w = pages.at;
    w->pages = pages;
    w->request = w->room;
    w->reply = w->room + request;
    uint8_t *at = w->room + request + reply;
    w->payload = buf_over(at, PAYLOAD);
    w->answer = buf_over(at + PAYLOAD, PAYLOAD);
    w->page = buf_over(at + 2 * (size_t)PAYLOAD, PAGE);
    *out = w;
    return tool_fields_create(&w->fields);
}

static void work_destroy(struct work *w)
{
    tool_fields_destroy(w->fields);
    struct secret_pages pages = w->pages;
    secret_pages_destroy(&pages);
}

/* ---- building ---- */

static int collect(struct work *w)
{
    for (size_t i = 1; i < w->line->operand_count; i++)
        if (tool_fields_add(w->fields, w->line->operand[i], w->problem) != ERR_OK)
            return cli_refuse(w->line, w->problem, "");
    const char *path = cli_text(w->line, FIELDS, NULL);
    if (path && tool_fields_load(w->fields, path, w->problem) != ERR_OK)
        return cli_refuse(w->line, w->problem, "");
    return 0;
}

/* One character of an option that changes the key block. */
static enum err take_change(struct work *w, unsigned option, char *out)
{
    const char *text = cli_text(w->line, option, NULL);
    if (!text)
        return ERR_OK;
    if (!(w->row->flags & HOSTCMD_CHANGES) || strlen(text) != 1) {
        (void)snprintf(w->problem, sizeof w->problem, "--%s: %s", options[option].name,
                       strlen(text) == 1 ? "the command makes no key block" : "one character is wanted");
        return ERR_CONFIG;
    }
    *out = text[0];
    return ERR_OK;
}

/* Optional columns of a layout that are not named get their defaults, all together. */
static enum err fill(struct work *w)
{
    char brief_problem[TOOL_FIELDS_PROBLEM];
    enum err err = tool_fields_fill(w->fields, w->row->request, "", w->request, w->problem);
    bool brief =
        err != ERR_OK && w->row->brief && tool_fields_fill(w->fields, w->row->brief, "", w->request, brief_problem) == ERR_OK;
    if (brief)
        hostcmd_layout_complete(&w->layout, w->row->id, w->request);
    return brief ? ERR_OK : err;
}

static enum err build(struct work *w, int lmk)
{
    struct hostcmd_tail tail = {.lmk = lmk, .has_attributes = tool_fields_any(w->fields, "attr.")};
    bool with = tail.has_attributes;
    const struct wire_record *attributes = hostcmd_attributes_layout(w->row);
    if (with && !attributes) {
        (void)snprintf(w->problem, sizeof w->problem, "%s takes no attributes", w->row->code);
        return ERR_CONFIG;
    }
    TRY(take_change(w, EXPORTABILITY, &tail.changes.exportability));
    TRY(take_change(w, BLOCK_VERSION, &tail.changes.version));
    TRY(tool_fields_resolve(w->fields, w->row->request, "", w->problem));
    if (with)
        TRY(tool_fields_resolve(w->fields, attributes, "attr.", w->problem));
    TRY(fill(w));
    if (with)
        TRY(tool_fields_fill(w->fields, attributes, "attr.", &tail.attributes, w->problem));
    const char *unused = tool_fields_unused(w->fields);
    if (unused) {
        (void)snprintf(w->problem, sizeof w->problem, "%.48s: does not belong to this form of the command", unused);
        return ERR_CONFIG;
    }
    bool laid_out = w->row != hostcmd_row(w->row->id); /* QY and PM, which have nothing behind their fields but %NN */
    enum err err = laid_out ? hostcmd_request_build_row(w->row, w->request, lmk, &w->payload)
                            : hostcmd_request_build_tail(w->row->id, w->request, &tail, &w->payload);
    if (err != ERR_OK)
        (void)snprintf(w->problem, sizeof w->problem, "the frame cannot be built: %s", err_row(err)->text);
    return err;
}

static enum err put_header(struct work *w)
{
    uint8_t header[HEADER_MAX];
    struct span hex = span_text(cli_text(w->line, HEADER, ""));
    TRY(span_unhex(hex, header, sizeof header));
    w->header = hex.len / 2;
    buf_put(&w->payload, header, w->header);
    return buf_done(&w->payload);
}

static int compose(struct work *w)
{
    const char *trailer = cli_text(w->line, TRAILER, NULL);
    if (put_header(w) != ERR_OK)
        return cli_refuse(w->line, "--header", "pairs of hexadecimal digits are wanted");
    int status = collect(w);
    if (status != 0)
        return status;
    if (build(w, (int)cli_number(w->line, LMK, HOSTCMD_LMK_DEFAULT)) != ERR_OK)
        return cli_refuse(w->line, w->row->code, w->problem);
    if (trailer) {
        buf_put_byte(&w->payload, 0x19);
        buf_put_text(&w->payload, trailer);
    }
    return buf_done(&w->payload) == ERR_OK ? 0 : cli_refuse(w->line, w->row->code, "the frame is longer than 32,768 bytes");
}

/* ---- explaining ---- */

static void explain_request(struct work *w, struct tool_send_show *show, struct hostcmd_view *view)
{
    struct span payload = buf_span(&w->payload);
    tool_send_show_begin(show, "request", payload);
    const struct hostcmd_noter noter = {tool_send_show_part, show, &w->layout};
    hostcmd_annotate_request(payload, w->header, &noter, w->request, view);
    tool_send_show_end(show, view, payload);
}

static void explain_answer(struct work *w, struct tool_send_show *show, const struct hostcmd_answer_of *of,
                           struct hostcmd_view *view)
{
    struct span payload = buf_span(&w->answer);
    tool_send_show_begin(show, "answer", payload);
    hostcmd_annotate_reply(of, payload, w->header, &(struct hostcmd_noter){.note = tool_send_show_part, .context = show}, w->reply,
                           view);
    tool_send_show_end(show, view, payload);
}

static struct tool_send_show show_of(struct work *w)
{
    struct tool_send_show show = {.out = &w->page, .json = cli_flag(w->line, JSON), .reveal = cli_flag(w->line, REVEAL)};
    show.data = json_writer(show.out);
    if (show.json)
        json_open(&show.data, NULL);
    return show;
}

static int print(struct work *w, struct tool_send_show *show, int status)
{
    if (show->json) {
        json_close(&show->data);
        buf_put_byte(&w->page, '\n');
    }
    if (buf_done(&w->page) != ERR_OK)
        return cli_failed(w->line, CLI_EXIT_NOT_TAKEN, "the frame", "is too long to be shown");
    return file_write(STDOUT_FILENO, buf_span(&w->page)) == ERR_OK ? status : CLI_EXIT_NOT_TAKEN;
}

/* ---- a captured frame ---- */

/* A frame whose length in front says something else: what stands there otherwise is a header and two letters. */
static int check_length(struct work *w, struct span whole)
{
    char what[128];
    size_t said = whole.len > 1 ? (size_t)(whole.at[0] << 8 | whole.at[1]) : 0;
    size_t header = (size_t)cli_number(w->line, HEADER_LENGTH, 0);
    bool is_reply = false;
    bool text = whole.len <= 2 || (whole.at[0] >= ' ' && whole.at[0] <= '~');
    if (text || hostcmd_identify(whole, header, &is_reply))
        return 0;
    if (said <= whole.len - 2 && !hostcmd_identify(span_slice(whole, 2, SIZE_MAX), header, &is_reply))
        return 0;
    (void)snprintf(what, sizeof what, "the length in front says %zu bytes, %zu follow: the frame is %s", said, whole.len - 2,
                   said > whole.len - 2 ? "cut" : "longer than that");
    return cli_refuse(w->line, "--hex", what);
}

/* Hexadecimal digits, white space anywhere; the length in front is recognised by its value. */
static int read_hex(struct work *w, const char *text)
{
    struct buf digits = buf_over(w->page.at, w->page.cap);
    bool standard = strcmp(text, "-") == 0;
    for (int c; (c = standard ? getc(stdin) : (unsigned char)*text++) != 0 && c != EOF;)
        if (!strchr(" \t\r\n:", c))
            buf_put_byte(&digits, (uint8_t)c);
    if (buf_done(&digits) != ERR_OK || span_unhex(buf_span(&digits), w->payload.at, w->payload.cap) != ERR_OK)
        return cli_refuse(w->line, "--hex", "pairs of hexadecimal digits are wanted, at most 32,770 bytes");
    w->payload.len = digits.len / 2;
    secret_wipe(digits.at, digits.len);
    struct span whole = buf_span(&w->payload);
    if (whole.len > 2 && (size_t)(whole.at[0] << 8 | whole.at[1]) == whole.len - 2) {
        w->payload.at += 2;
        w->payload.len -= 2;
        return 0;
    }
    return check_length(w, whole);
}

static int explain_captured(struct work *w)
{
    int status = read_hex(w, cli_text(w->line, HEX, ""));
    if (status != 0)
        return status;
    bool is_reply = false;
    struct tool_send_show show = show_of(w);
    struct hostcmd_view view;
    w->header = (size_t)cli_number(w->line, HEADER_LENGTH, 0);
    const struct hostcmd_row *row = hostcmd_identify(buf_span(&w->payload), w->header, &is_reply);
    if (row && is_reply) {
        w->answer = w->payload;
        explain_answer(w, &show, &(struct hostcmd_answer_of){.row = row}, &view);
    } else {
        explain_request(w, &show, &view);
    }
    return print(w, &show, view.err == ERR_OK ? 0 : CLI_EXIT_NOT_TAKEN);
}

/* ---- a command ---- */

static int print_answer(struct work *w, struct tool_send_show *show, const struct hostcmd_view *sent, int64_t elapsed_us)
{
    struct hostcmd_view view;
    const struct hostcmd_answer_of of = {w->row, w->request, sent->trailer};
    if (cli_flag(w->line, RAW)) {
        struct span raw = span_slice(buf_span(&w->answer), w->header, SIZE_MAX);
        if (file_write(STDOUT_FILENO, raw) != ERR_OK || file_write(STDOUT_FILENO, span_text("\n")) != ERR_OK)
            return CLI_EXIT_NOT_TAKEN;
        return span_is(span_slice(raw, 2, 2), "00") ? 0 : CLI_EXIT_FAILED;
    }
    if (!show->json)
        buf_put_byte(&w->page, '\n');
    explain_answer(w, show, &of, &view);
    if (show->json) {
        json_put_integer(&show->data, "elapsed_us", elapsed_us);
    } else {
        buf_put_text(&w->page, "after ");
        buf_put_decimal(&w->page, (uint64_t)elapsed_us, 0);
        buf_put_text(&w->page, " us\n");
    }
    bool good = view.err == ERR_OK && strcmp(view.code, "00") == 0;
    return print(w, show, view.err != ERR_OK ? CLI_EXIT_NOT_TAKEN : good ? 0 : CLI_EXIT_FAILED);
}

static int exchange(struct work *w, struct tool_send_show *show, const struct hostcmd_view *sent)
{
    struct log log = {STDERR_FILENO, LOG_ERROR, "send"};
    struct env env = env_system(&log);
    struct net_problem problem = {""};
    int64_t elapsed_us = 0;
    const struct net_tls_config tls = {.certificate = cli_text(w->line, TLS_CERTIFICATE, NULL),
                                       .key = cli_text(w->line, TLS_KEY, NULL),
                                       .ca = cli_text(w->line, TLS_CA, NULL),
                                       .crl = cli_text(w->line, TLS_CRL, NULL),
                                       .name = cli_text(w->line, TLS_NAME, NULL)};
    if (!tls.ca != !tls.certificate || !tls.ca != !tls.key)
        return cli_refuse(w->line, "TLS", "--tls-ca, --tls-certificate and --tls-key go together");
    const struct tool_send_call call = {.env = &env,
                                        .address = cli_text(w->line, TO, ""),
                                        .payload = buf_span(&w->payload),
                                        .wait_ms = (uint32_t)cli_number(w->line, WAIT, 0),
                                        .tls = tls.ca ? &tls : NULL};
    enum err err = tool_send_call(&call, &w->answer, &elapsed_us, &problem);
    if (err == ERR_OK)
        return print_answer(w, show, sent, elapsed_us);
    if (err == ERR_CONFIG)
        return cli_refuse(w->line, "--to", problem.text);
    (void)cli_failed(w->line, 0, problem.text, err_row(err)->text);
    return CLI_EXIT_CUT_SHORT;
}

static int send_command(struct work *w)
{
    struct hostcmd_view view;
    const struct hostcmd_row *row = hostcmd_find(span_text(w->line->operand[0]));
    if (!row)
        return cli_refuse(w->line, "no such command", "--help lists them");
    w->row = hostcmd_layout_row(&w->layout, row->id);
    int status = compose(w);
    if (status != 0)
        return status;
    struct tool_send_show show = show_of(w);
    explain_request(w, &show, &view);
    if (cli_flag(w->line, DRY_RUN))
        return print(w, &show, view.err == ERR_OK ? 0 : CLI_EXIT_USAGE);
    return exchange(w, &show, &view);
}

static int load_layout(struct work *w)
{
    struct hostcmd_profile profile;
    const char *name = cli_text(w->line, LAYOUT, "");
    if (hostcmd_profile_load(name, &profile, w->problem, sizeof w->problem) != ERR_OK)
        return cli_refuse(w->line, "--layout", w->problem);
    return hostcmd_layout_fill(&profile, &w->layout) == ERR_OK ? 0 : cli_refuse(w->line, "--layout", "the profile is not sound");
}

static int begin(const struct cli_line *line, struct work **out)
{
    struct work *w = NULL;
    if (secret_process_harden() != ERR_OK || work_create(&w) != ERR_OK)
        return cli_failed(line, CLI_EXIT_NOT_TAKEN, "no memory", "");
    w->line = line;
    *out = w;
    return load_layout(w);
}

static int run(const struct cli_line *line)
{
    struct work *w = NULL;
    bool captured = cli_flag(line, HEX);
    if ((line->operand_count == 0) != captured)
        return cli_refuse(line, captured ? "--hex stands alone" : "which command?", "");
    int status = begin(line, &w);
    if (status == 0)
        status = captured ? explain_captured(w) : send_command(w);
    if (w)
        work_destroy(w);
    return status;
}

/* `send CW --help`: the fields of the command. */
static int explain(const struct cli_line *line)
{
    struct work *w = NULL;
    const struct hostcmd_row *row = hostcmd_find(span_text(line->operand[0]));
    if (!row)
        return cli_refuse(line, "no such command", "--help lists them");
    int status = begin(line, &w);
    if (status == 0) {
        tool_send_show_fields(hostcmd_layout_row(&w->layout, row->id), &w->page);
        status = file_write(STDOUT_FILENO, buf_span(&w->page)) == ERR_OK ? CLI_EXIT_DONE : CLI_EXIT_NOT_TAKEN;
    }
    if (w)
        work_destroy(w);
    return status;
}

const struct cli_command tool_send = {
    .name = "send",
    .summary = "send one host command and explain the frames",
    CLI_ROWS(options, statuses),
    CLI_OPERANDS(operands),
    CLI_SECTIONS(sections),
    .run = run,
    .explain = explain,
};
