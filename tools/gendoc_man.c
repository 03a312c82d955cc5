/* SPDX-License-Identifier: Apache-2.0 */
/* The man pages, from the tables that --help and the configuration are read by. */
#include "gendoc.h"

#include "hsm/process/settings.h"
#include "main/services.h"
#include "sandbox/sandbox.h"
#include "tool/ceremony/ceremony.h"
#include "tool/roff.h"
#include "tool/tool.h"

/* ---- parts ---- */

static void put_tag(struct buf *out, const char *name)
{
    buf_put_text(out, ".TP\n\\fB");
    tool_roff_text(out, span_text(name));
    buf_put_text(out, "\\fR\n");
}

static void put_line(struct buf *out, const char *text)
{
    tool_roff_text(out, span_text(text));
    buf_put_text(out, "\n");
}

static void put_rows(struct buf *out, const char *const (*row)[2], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        put_tag(out, row[i][0]);
        put_line(out, row[i][1]);
    }
}
#define PUT_ROWS(out_, rows_) put_rows((out_), (rows_), sizeof(rows_) / sizeof((rows_)[0]))

static void put_key(struct buf *out, const struct config_row *row)
{
    buf_put_text(out, ".TP\n\\fB");
    tool_roff_text(out, span_text(row->section));
    buf_put_byte(out, '.');
    tool_roff_text(out, span_text(row->key));
    buf_put_text(out, "\\fR\n");
    tool_roff_text(out, span_text(row->doc));
    if (row->kind == CONFIG_INTEGER) {
        buf_put_text(out, " (");
        buf_put_integer(out, row->min);
        buf_put_text(out, " to ");
        buf_put_integer(out, row->max);
        buf_put_text(out, ")");
    }
    buf_put_text(out, row->initial && row->initial[0] ? ". Default: " : row->initial ? ". Default: empty" : ". Required");
    if (row->initial)
        tool_roff_text(out, span_text(row->initial));
    buf_put_text(out, ".\n");
}

static void put_keys(struct buf *out, const struct config_table *table)
{
    for (size_t i = 0; i < table->count; i++)
        put_key(out, &table->row[i]);
}

static void put_common_options(struct buf *out)
{
    static const char *const row[][2] = {
        {"--config=FILE", "INI file; its keys are listed by --help."},
        {"--set=section.key=value", "Override one key of the file. The command line wins, wherever --config stands."},
        {"--help", "Print the options and the keys of the configuration, and end."},
        {"--usage", "Print the options in short, and end."},
        {"--version", "Print the version, and end."},
    };
    PUT_ROWS(out, row);
}

/* ---- countersign-hsm(1) ---- */

static const struct tool_row *const tools[] = {&tool_send_row, &tool_calc_row, &tool_personalise_row, &tool_trail_row};
enum { TOOLS = sizeof tools / sizeof tools[0] };

static void put_subcommands(struct buf *out)
{
    static const char *const row[][2] = {
        {"serve", "Answer host commands; what is started without a subcommand, too."},
        {"lmk", "The key ceremony, and the officers' side of a running HSM: countersign-hsm-lmk(1)."},
    };
    tool_roff_heading(out, "SUBCOMMANDS");
    PUT_ROWS(out, row);
    for (size_t i = 0; i < TOOLS; i++) {
        put_tag(out, tools[i]->name);
        tool_roff_text(out, span_text(tools[i]->summary));
        buf_put_text(out, ": countersign\\-hsm\\-");
        tool_roff_text(out, span_text(tools[i]->name));
        buf_put_text(out, "(1).\n");
    }
}

static void put_service(struct buf *out)
{
    static const char *const signals[][2] = {
        {"SIGTERM, SIGINT", "Take no new connection, answer what has been received, and end with status 0."},
        {"SIGHUP", "Read the configuration again: the guessing limit, the lists of peers, clients and disabled commands, the user "
                   "storage and the certificates. One bad value changes nothing, and is logged; so is what waits for a start."},
    };
    static const char *const files[][2] = {
        {"/etc/countersign/hsm.conf", "The configuration by convention; see countersign-hsm.conf(5)."},
        {"hsm.lmk_store", "The sealed LMKs, made by countersign-hsm-lmk(1)."},
    };
    static const char *const statuses[][2] = {
        {"0", "Ended by SIGTERM or SIGINT."},
        {"1", "Failed."},
        {"2", "The command line or the configuration cannot be used."},
        {"64", "There are no LMKs, or settings contradict the mode."},
    };
    tool_roff_heading(out, "SIGNALS");
    PUT_ROWS(out, signals);
    tool_roff_heading(out, "FILES");
    PUT_ROWS(out, files);
    tool_roff_heading(out, "EXIT STATUS");
    PUT_ROWS(out, statuses);
}

static void hsm_page(struct buf *out)
{
    tool_roff_title(out, "countersign-hsm", "1", "software HSM that answers payShield host commands");
    tool_roff_heading(out, "SYNOPSIS");
    buf_put_text(out, ".B countersign\\-hsm\n.RB [ serve ]\n.RI [ OPTION ...]\n.br\n.B countersign\\-hsm\n.I SUBCOMMAND\n"
                      ".RI [ OPTION ...]\n");
    tool_roff_heading(out, "DESCRIPTION");
    tool_roff_paragraphs(out, "Makes and verifies card security codes and manages the keys for them, over the host commands of a "
                              "payShield: TCP port 1500, TLS port 2500. It is the only process that holds keys; they stand in "
                              "locked memory that is wiped when it ends. Its log is JSON, a line an event, on standard error.\n");
    put_subcommands(out);
    tool_roff_heading(out, "OPTIONS");
    for (size_t i = 0; i < main_hsm_serve.option_count; i++) {
        tool_roff_option(out, main_hsm_serve.option[i].name, main_hsm_serve.option[i].argument);
        put_line(out, main_hsm_serve.option[i].doc);
    }
    put_common_options(out);
    put_service(out);
    tool_roff_heading(out, "SEE ALSO");
    buf_put_text(out, ".BR countersign\\-hsm.conf (5),\n.BR countersign\\-hsm\\-lmk (1),\n.BR countersign (1)");
    for (size_t i = 0; i < TOOLS; i++) {
        buf_put_text(out, ",\n.BR countersign\\-hsm\\-");
        tool_roff_text(out, span_text(tools[i]->name));
        buf_put_text(out, " (1)");
    }
    buf_put_text(out, "\n");
}

/* ---- countersign-hsm.conf(5) ---- */

static void hsm_conf_page(struct buf *out)
{
    tool_roff_title(out, "countersign-hsm.conf", "5", "configuration of countersign-hsm");
    tool_roff_heading(out, "DESCRIPTION");
    tool_roff_paragraphs(out,
                         "An INI file: a section in brackets, then key = value lines; a line that begins with a semicolon is a "
                         "comment. Each key can be set on the command line as --set section.key=value. What is wrong is told "
                         "with file, line and what to do, and nothing starts.\n");
    tool_roff_heading(out, "KEYS");
    put_keys(out, &hsm_settings_table);
    tool_roff_heading(out, "EXAMPLE");
    tool_roff_paragraphs(out, "  [hsm]\n  listen = 127.0.0.1:1500\n  lmk_store = /var/lib/countersign/lmk.store\n");
    tool_roff_heading(out, "SEE ALSO");
    buf_put_text(out, ".BR countersign\\-hsm (1)\n");
}

/* ---- countersign(1) and its services ---- */

static void countersign_page(struct buf *out)
{
    cli_man(&main_countersign, NULL, out);
}

static void issuer_page(struct buf *out)
{
    cli_man(&main_countersign, &main_issuer, out);
}

static void switch_page(struct buf *out)
{
    cli_man(&main_countersign, &main_switch, out);
}

static void gateway_page(struct buf *out)
{
    cli_man(&main_countersign, &main_gateway, out);
}

static void demo_page(struct buf *out)
{
    cli_man(&main_countersign, &sandbox_demo, out);
}

/* ---- the list ---- */

static void send_page(struct buf *out)
{
    tool_man(&tool_send_row, out);
}

static void calc_page(struct buf *out)
{
    tool_man(&tool_calc_row, out);
}

static void batch_page(struct buf *out)
{
    tool_man(&tool_personalise_row, out);
}

static void audit_page(struct buf *out)
{
    tool_man(&tool_trail_row, out);
}

const struct gendoc_manual gendoc_manuals[] = {
    {"countersign-hsm.1", hsm_page},
    {"countersign-hsm.conf.5", hsm_conf_page},
    {"countersign-hsm-lmk.1", tool_ceremony_manual},
    {"countersign-hsm-send.1", send_page},
    {"countersign-hsm-calc.1", calc_page},
    {"countersign-hsm-batch.1", batch_page},
    {"countersign-hsm-audit.1", audit_page},
    {"countersign.1", countersign_page},
    {"countersign-issuer.1", issuer_page},
    {"countersign-switch.1", switch_page},
    {"countersign-gateway.1", gateway_page},
    {"countersign-demo.1", demo_page},
    {NULL, NULL},
};
