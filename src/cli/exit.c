/* SPDX-License-Identifier: Apache-2.0 */
/* The exit statuses of all commands. */
#include "cli/internal.h"

/* clang-format off */
static const struct cli_exit_row rows[] = {
    {CLI_EXIT_DONE,      "done",      "done as asked; of a service, stopped by SIGTERM or SIGINT"},
    {CLI_EXIT_FAILED,    "failed",    "failed, or the answer is no"},
    {CLI_EXIT_USAGE,     "usage",     "the command line or the configuration cannot be used; nothing was begun"},
    {CLI_EXIT_NOT_TAKEN, "not taken", "something that was given was not taken: a passphrase, a line of the input, an answer"},
    {CLI_EXIT_CUT_SHORT, "cut short", "it ended before it was done: a signal, or no answer"},
    {CLI_EXIT_MODE,      "mode",      "the mode of the HSM does not admit it, or it has no LMKs"},
};
static const struct cli_status general[] = {
    {CLI_EXIT_DONE, "done"}, {CLI_EXIT_FAILED, "failed"}, {CLI_EXIT_USAGE, "the command line is not understood"},
};
/* clang-format on */

const struct cli_exit_row *cli_exit_row(int status)
{
    for (size_t i = 0; i < CLI_COUNT(rows); i++)
        if ((int)rows[i].status == status)
            return &rows[i];
    return NULL;
}

enum cli_exit cli_exit_of(enum err err)
{
    return err == ERR_OK ? CLI_EXIT_DONE : err == ERR_CONFIG ? CLI_EXIT_USAGE : CLI_EXIT_FAILED;
}

const struct cli_status *cli_statuses(const struct cli_line *line, size_t *count)
{
    for (size_t i = line->depth; i-- > 0;)
        if (line->path[i]->status_count > 0) {
            *count = line->path[i]->status_count;
            return line->path[i]->status;
        }
    *count = CLI_COUNT(general);
    return general;
}

/* ---- the reference ---- */

void cli_exit_document(struct buf *out)
{
    buf_put_text(out, "| status | name | meaning |\n| --- | --- | --- |\n");
    for (size_t i = 0; i < CLI_COUNT(rows); i++) {
        buf_put_text(out, "| ");
        buf_put_decimal(out, (uint64_t)rows[i].status, 0);
        buf_put_text(out, " | ");
        buf_put_text(out, rows[i].name);
        buf_put_text(out, " | ");
        buf_put_text(out, rows[i].doc);
        buf_put_text(out, " |\n");
    }
}

void cli_exit_document_program(const struct cli_command *root, struct buf *out)
{
    buf_put_text(out, "\n## ");
    buf_put_text(out, root->name);
    buf_put_text(out, "\n\n| command | status | meaning |\n| --- | --- | --- |\n");
    for (size_t i = 0; i < root->child_count; i++) {
        const struct cli_line at = {.path = {root, root->child[i]}, .depth = 2};
        size_t count = 0;
        const struct cli_status *status = cli_statuses(&at, &count);
        for (size_t k = 0; k < count; k++) {
            buf_put_text(out, "| ");
            buf_put_text(out, k == 0 ? root->child[i]->name : "");
            buf_put_text(out, " | ");
            buf_put_decimal(out, (uint64_t)status[k].status, 0);
            buf_put_text(out, " | ");
            buf_put_text(out, status[k].doc);
            buf_put_text(out, " |\n");
        }
    }
}
