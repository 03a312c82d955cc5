/* SPDX-License-Identifier: Apache-2.0 */
/* countersign-hsm send: a command from named fields, the frame and its answer explained. */
#include "base/secret.h"
#include "hostcmd/layout/file.h"
#include "tool/fields.h"
#include "tool/send/link.h"
#include "tool/send/show.h"
#include "tool/tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_ANSWERED = 1, EXIT_NOT_UNDERSTOOD = 3, EXIT_NO_ANSWER = 4 };
enum { PAGE = 512 * 1024, PAYLOAD = HOSTCMD_FRAME_MAX + 2, WAIT_MS = 5000, HEADER_MAX = 255 };

/* ---- the tool ---- */

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

/* clang-format off */
static const struct tool_option options[] = {
    [TO] = {"to", "ADDR:PORT", "the HSM (default 127.0.0.1:1500)"},
    [TLS_CA] = {"tls-ca", "FILE", "speak TLS: PEM file of the authorities of the HSM's certificate"},
    [TLS_CERTIFICATE] = {"tls-certificate", "FILE", "PEM file of the own certificate, then its chain"},
    [TLS_KEY] = {"tls-key", "FILE", "PEM file of its private key, closed to others"},
    [TLS_CRL] = {"tls-crl", "FILE", "PEM file of revocation lists"},
    [TLS_NAME] = {"tls-name", "NAME", "DNS name or address that the HSM's certificate must carry (default: the host of --to)"},
    [HEADER] = {"header", "HEX", "bytes in front of the command (default 30303031: 0001)"},
    [HEADER_LENGTH] = {"header-length", "N", "with --hex: bytes in front of the command (default 4)"},
    [LMK] = {"lmk", "NN", "identifier of the LMK, sent as %NN"},
    [EXPORTABILITY] = {"exportability", "X", "narrower exportability of the key block that is made, sent as &X"},
    [BLOCK_VERSION] = {"block-version", "X", "version of the key block that is made, sent as !X"},
    [TRAILER] = {"trailer", "TEXT", "up to 32 characters that come back"},
    [LAYOUT] = {"layout", "FILE", "layout profile of scheme 5 in QY and PM (default countersign-5)"},
    [FIELDS] = {"fields", "FILE", "read further FIELD=VALUE lines from FILE, - for standard input: other users of this machine see "
                "the command line, but not these"},
    [WAIT] = {"wait", "MS", "how long to wait for the answer (default 5000)"},
    [DRY_RUN] = {"dry-run", NULL, "show the frame and send nothing"},
    [HEX] = {"hex", "FRAME", "explain a captured frame, with or without its length, and send nothing; - reads it from standard "
             "input"},
    [RAW] = {"raw", NULL, "print the answer alone, from its reply code on, as it came: it may hold a code"},
    [REVEAL] = {"reveal", NULL, "show card numbers, codes and what is not understood instead of masking them"},
    [JSON] = {"json", NULL, "print data"},
};
static const struct tool_status statuses[] = {
    {0, "the answer is 00; with --dry-run or --hex, the frame is well-formed"},
    {EXIT_ANSWERED, "the answer is another code"},
    {TOOL_USAGE, "the command line is not understood, or the fields do not make a frame"},
    {EXIT_NOT_UNDERSTOOD, "the answer, or the frame of --hex, is not understood"},
    {EXIT_NO_ANSWER, "no answer: nobody listens, the connection was closed, or time ran out"},
};
static const struct tool_section sections[] = {
    {"Fields", "FIELD is the label of a field of the command, or an unambiguous start of it; key stands for the first KEY, code "
     "for the first secret. 'countersign-hsm send CW --help' lists the fields of CW. Attributes of a key block are attr.usage, "
     "attr.algorithm and so on. hex:0A1B gives raw bytes to a field of bytes. Counts are filled in.\n"},
    {"Examples",
     "  countersign-hsm send NC\n"
     "  countersign-hsm send CW key=U9B4934384B19946B040CD702B4D58145 pan=4123456789012345 \\\n"
     "      expiry=8701 service=101 --reveal\n"
     "  countersign-hsm send --hex 0008484541444E4F3030\n"},
};
/* clang-format on */

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

const struct tool_row tool_send_row = {
    .name = "send",
    .summary = "send one host command and explain the frames",
    .operands = "COMMAND [FIELD=VALUE ...]",
    TOOL_MEMBERS(options, statuses, sections),
    .more = put_commands,
    .more_title = "Commands",
};
static const struct tool_row *const tool = &tool_send_row;

/* ---- the work ---- */

struct work {
    struct secret_pages pages;
    struct tool_line line;
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

static bool number(const char *text, uint64_t most, uint64_t *out)
{
    return span_decimal(span_text(text), out) == ERR_OK && *out <= most;
}

/* ---- building ---- */

static int collect(struct work *w)
{
    for (size_t i = 1; i < w->line.operands; i++)
        if (tool_fields_add(w->fields, w->line.operand[i], w->problem) != ERR_OK)
            return tool_refuse(tool, w->problem, "");
    const char *path = w->line.value[FIELDS];
    if (path && tool_fields_load(w->fields, path, w->problem) != ERR_OK)
        return tool_refuse(tool, w->problem, "");
    return 0;
}

/* One character of an option that changes the key block. */
static enum err take_change(struct work *w, unsigned option, char *out)
{
    const char *text = w->line.value[option];
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

static int put_header(struct work *w)
{
    uint8_t header[HEADER_MAX];
    struct span hex = span_text(w->line.value[HEADER] ? w->line.value[HEADER] : "30303031");
    if (span_unhex(hex, header, sizeof header) != ERR_OK)
        return tool_refuse(tool, "--header", "up to 255 pairs of hexadecimal digits are wanted");
    w->header = hex.len / 2;
    buf_put(&w->payload, header, w->header);
    return 0;
}

static int compose(struct work *w)
{
    uint64_t lmk = 0;
    const char *lmk_text = w->line.value[LMK], *trailer = w->line.value[TRAILER];
    if (lmk_text && !number(lmk_text, 99, &lmk))
        return tool_refuse(tool, "--lmk", "a number from 00 to 99 is wanted");
    int status = put_header(w);
    if (status == 0)
        status = collect(w);
    if (status != 0)
        return status;
    if (build(w, lmk_text ? (int)lmk : HOSTCMD_LMK_DEFAULT) != ERR_OK)
        return tool_refuse(tool, w->row->code, w->problem);
    if (trailer) {
        buf_put_byte(&w->payload, 0x19);
        buf_put_text(&w->payload, trailer);
    }
    return buf_done(&w->payload) == ERR_OK ? 0 : tool_refuse(tool, w->row->code, "the frame is longer than 32,768 bytes");
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
    struct tool_send_show show = {.out = &w->page, .json = w->line.value[JSON] != NULL, .reveal = w->line.value[REVEAL] != NULL};
    if (show.json)
        tool_json_open(show.out, NULL, '{');
    return show;
}

static int print(struct work *w, int status)
{
    if (w->line.value[JSON])
        buf_put_text(&w->page, "}\n");
    if (buf_done(&w->page) != ERR_OK)
        return tool_failed(tool, EXIT_NOT_UNDERSTOOD, "the frame", "is too long to be shown");
    return tool_write(STDOUT_FILENO, buf_span(&w->page)) == ERR_OK ? status : EXIT_NOT_UNDERSTOOD;
}

/* ---- a captured frame ---- */

/* Hexadecimal digits, white space anywhere; the length in front is recognised by its value. */
static int read_hex(struct work *w, const char *text)
{
    struct buf digits = buf_over(w->page.at, w->page.cap);
    bool standard = strcmp(text, "-") == 0;
    for (int c; (c = standard ? getc(stdin) : (unsigned char)*text++) != 0 && c != EOF;)
        if (!strchr(" \t\r\n:", c))
            buf_put_byte(&digits, (uint8_t)c);
    if (buf_done(&digits) != ERR_OK || span_unhex(buf_span(&digits), w->payload.at, w->payload.cap) != ERR_OK)
        return tool_refuse(tool, "--hex", "pairs of hexadecimal digits are wanted, at most 32,770 bytes");
    w->payload.len = digits.len / 2;
    secret_wipe(digits.at, digits.len);
    struct span whole = buf_span(&w->payload);
    if (whole.len > 2 && (size_t)(whole.at[0] << 8 | whole.at[1]) == whole.len - 2) {
        w->payload.at += 2;
        w->payload.len -= 2;
    }
    return 0;
}

static int explain_captured(struct work *w)
{
    uint64_t header = 4;
    const char *length = w->line.value[HEADER_LENGTH];
    if (length && !number(length, HEADER_MAX, &header))
        return tool_refuse(tool, "--header-length", "a number from 0 to 255 is wanted");
    int status = read_hex(w, w->line.value[HEX]);
    if (status != 0)
        return status;
    bool is_reply = false;
    struct tool_send_show show = show_of(w);
    struct hostcmd_view view;
    w->header = (size_t)header;
    const struct hostcmd_row *row = hostcmd_identify(buf_span(&w->payload), w->header, &is_reply);
    if (row && is_reply) {
        w->answer = w->payload;
        explain_answer(w, &show, &(struct hostcmd_answer_of){.row = row}, &view);
    } else {
        explain_request(w, &show, &view);
    }
    return print(w, view.err == ERR_OK ? 0 : EXIT_NOT_UNDERSTOOD);
}

/* ---- a command ---- */

static int print_answer(struct work *w, struct tool_send_show *show, const struct hostcmd_view *sent, int64_t elapsed_us)
{
    struct hostcmd_view view;
    const struct hostcmd_answer_of of = {w->row, w->request, sent->trailer};
    if (w->line.value[RAW]) {
        struct span raw = span_slice(buf_span(&w->answer), w->header, SIZE_MAX);
        if (tool_write(STDOUT_FILENO, raw) != ERR_OK || tool_write(STDOUT_FILENO, span_text("\n")) != ERR_OK)
            return EXIT_NOT_UNDERSTOOD;
        return span_is(span_slice(raw, 2, 2), "00") ? 0 : EXIT_ANSWERED;
    }
    if (!show->json)
        buf_put_byte(&w->page, '\n');
    explain_answer(w, show, &of, &view);
    if (show->json) {
        tool_json_number(&w->page, "elapsed_us", (uint64_t)elapsed_us);
    } else {
        buf_put_text(&w->page, "after ");
        buf_put_decimal(&w->page, (uint64_t)elapsed_us, 0);
        buf_put_text(&w->page, " us\n");
    }
    bool good = view.err == ERR_OK && strcmp(view.code, "00") == 0;
    return print(w, view.err != ERR_OK ? EXIT_NOT_UNDERSTOOD : good ? 0 : EXIT_ANSWERED);
}

static int exchange(struct work *w, struct tool_send_show *show, const struct hostcmd_view *sent)
{
    struct log log = {STDERR_FILENO, LOG_ERROR, "send"};
    struct env env = env_system(&log);
    struct net_problem problem = {""};
    uint64_t wait_ms = WAIT_MS;
    int64_t elapsed_us = 0;
    const struct net_tls_config tls = {.certificate = w->line.value[TLS_CERTIFICATE],
                                       .key = w->line.value[TLS_KEY],
                                       .ca = w->line.value[TLS_CA],
                                       .crl = w->line.value[TLS_CRL],
                                       .name = w->line.value[TLS_NAME]};
    if (!tls.ca != !tls.certificate || !tls.ca != !tls.key)
        return tool_refuse(tool, "TLS", "--tls-ca, --tls-certificate and --tls-key go together");
    if (w->line.value[WAIT] && !number(w->line.value[WAIT], 3600000, &wait_ms))
        return tool_refuse(tool, "--wait", "milliseconds are wanted");
    const struct tool_send_call call = {.env = &env,
                                        .address = w->line.value[TO] ? w->line.value[TO] : "127.0.0.1:1500",
                                        .payload = buf_span(&w->payload),
                                        .wait_ms = (uint32_t)wait_ms,
                                        .tls = tls.ca ? &tls : NULL};
    enum err err = tool_send_call(&call, &w->answer, &elapsed_us, &problem);
    if (err == ERR_OK)
        return print_answer(w, show, sent, elapsed_us);
    if (err == ERR_CONFIG)
        return tool_refuse(tool, "--to", problem.text);
    (void)tool_failed(tool, 0, problem.text, err_row(err)->text);
    return EXIT_NO_ANSWER;
}

static int send_command(struct work *w)
{
    struct hostcmd_view view;
    const struct hostcmd_row *row = hostcmd_find(span_text(w->line.operand[0]));
    if (!row)
        return tool_refuse(tool, "no such command", "--help lists them");
    w->row = hostcmd_layout_row(&w->layout, row->id);
    if (w->line.help) {
        tool_send_show_fields(w->row, &w->page);
        return tool_write(STDOUT_FILENO, buf_span(&w->page)) == ERR_OK ? 0 : EXIT_NOT_UNDERSTOOD;
    }
    int status = compose(w);
    if (status != 0)
        return status;
    struct tool_send_show show = show_of(w);
    explain_request(w, &show, &view);
    if (w->line.value[DRY_RUN])
        return print(w, view.err == ERR_OK ? 0 : TOOL_USAGE);
    return exchange(w, &show, &view);
}

static int load_layout(struct work *w)
{
    struct hostcmd_profile profile;
    const char *name = w->line.value[LAYOUT] ? w->line.value[LAYOUT] : "";
    if (hostcmd_profile_load(name, &profile, w->problem, sizeof w->problem) != ERR_OK)
        return tool_refuse(tool, "--layout", w->problem);
    return hostcmd_layout_fill(&profile, &w->layout) == ERR_OK ? 0 : tool_refuse(tool, "--layout", "the profile is not sound");
}

int tool_send_main(int argc, char **argv)
{
    struct work *w = NULL;
    struct tool_line line;
    tool_parse(tool, argc, argv, &line);
    if ((line.operands == 0) != (line.value[HEX] != NULL))
        return tool_refuse(tool, line.operands == 0 ? "which command?" : "--hex stands alone", "");
    if (secret_process_harden() != ERR_OK || work_create(&w) != ERR_OK)
        return tool_failed(tool, EXIT_NOT_UNDERSTOOD, "no memory", "");
    w->line = line;
    int status = load_layout(w);
    if (status == 0)
        status = line.value[HEX] ? explain_captured(w) : send_command(w);
    work_destroy(w);
    return status;
}
