/* SPDX-License-Identifier: Apache-2.0 */
/* countersign-hsm audit verify: has anybody touched the trail? */
#include "hsm/process/mode.h"
#include "hsm/trail/chain.h"
#include "tool/tool.h"

#include "base/file.h"
#include "base/json.h"
#include "base/secret.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PAGE = 64 * 1024 };

/* ---- one file ---- */

struct judgement {
    const char *path;
    struct hsm_chain_report report;
    uint64_t last;
    uint64_t line; /* of the problem; 0: the file as a whole */
    const char *why;
};

static void judge_head(struct hsm_chain *chain, const char *path, struct hsm_head *head, bool *there, const char **why)
{
    char name[HSM_AUDIT_PATH + 8];
    uint8_t room[HSM_CHAIN_HEAD];
    struct buf text = buf_over(room, sizeof room);
    (void)snprintf(name, sizeof name, "%s.head", path);
    enum err err = file_read(name, &text);
    *there = err != ERR_NOT_FOUND;
    if (*there && (err != ERR_OK || !hsm_chain_head_read(chain, buf_span(&text), head)))
        *why = "has a head that was changed, or the key is another";
}

static void judge_end(const struct hsm_chain *chain, struct judgement *j, const struct hsm_head *head, bool last)
{
    const char *why = hsm_chain_ends(chain, &j->report, head);
    if (why)
        j->line = j->report.lines + (j->report.tail_len > 0);
    if (!why && j->report.lines == 0)
        why = "has no lines";
    if (!why && !last && !chain->closed)
        why = "does not end as a file that was moved away: lines at its end are missing";
    if (!why && last && !head && !chain->closed)
        why = "has no head beside it: lines cut off at its end would not be seen";
    j->why = why;
}

static void judge(struct hsm_chain *chain, struct judgement *j, bool last)
{
    struct hsm_head head = {0};
    bool headed = false;
    if (last)
        judge_head(chain, j->path, &head, &headed, &j->why);
    if (j->why)
        return;
    int fd = open(j->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        j->why = "cannot be opened";
        return;
    }
    enum err err = hsm_chain_file(chain, fd, headed ? &head : NULL, &j->report);
    close(fd);
    j->last = chain->number;
    j->line = j->report.bad_line;
    j->why = err != ERR_OK ? "cannot be read" : j->report.why;
    if (!j->why)
        judge_end(chain, j, headed ? &head : NULL, last);
}

/* ---- what is told ---- */

static void put_people(struct buf *out, const struct judgement *j)
{
    buf_put_text(out, j->path);
    buf_put_text(out, ": ");
    if (j->why && j->line > 0) {
        buf_put_text(out, "line ");
        buf_put_decimal(out, j->line, 0);
        buf_put_byte(out, ' ');
    }
    if (j->why) {
        buf_put_text(out, j->why);
    } else {
        buf_put_text(out, "lines ");
        buf_put_decimal(out, j->report.first, 0);
        buf_put_text(out, " to ");
        buf_put_decimal(out, j->last, 0);
        buf_put_text(out, " are as they were written");
    }
    buf_put_byte(out, '\n');
}

static void put_data(struct buf *out, const struct judgement *j)
{
    struct json_writer w = json_writer(out);
    json_open(&w, NULL);
    json_put_text(&w, "file", j->path);
    json_put_integer(&w, "lines", (int64_t)j->report.lines);
    json_put_integer(&w, "first", (int64_t)j->report.first);
    json_put_integer(&w, "last", (int64_t)j->last);
    if (j->why) {
        json_put_integer(&w, "bad_line", (int64_t)j->line);
        json_put_text(&w, "problem", j->why);
    }
    json_close(&w);
    buf_put_byte(out, '\n');
}

/* ---- the command line ---- */

enum { KEY, JSON };

/* clang-format off */
static const struct cli_option options[] = {
    [KEY] = {.name = "key", .kind = CLI_FILE, .argument = "FILE",
             .doc = "the key of the trail, hsm.audit_key; without it, a trail that was written without one"},
    [JSON] = CLI_JSON,
};
static const struct cli_operand operands[] = {
    {.name = "FILE", .doc = "oldest first", .kind = CLI_FILE, .required = true, .repeated = true, .max = HSM_AUDIT_PATH - 1},
};
static const struct cli_status statuses[] = {
    {CLI_EXIT_DONE, "every line stands where and as it was written"},
    {CLI_EXIT_FAILED, "a line was changed, removed, doubled or moved, or a file cannot be read"},
    {CLI_EXIT_USAGE, "the command line is not understood, or the key cannot be read"},
};
/* clang-format on */
static const struct cli_section sections[] = {
    {.title = "Files",
     .text = "Oldest first: what was moved away, then the file that is written. Each continues the one before it. "
             "The last one is held against its head, FILE.head, which counts the lines; a file that was moved away says so in its "
             "last line. "
             "A running HSM may be ahead of its head by the lines of a second.\n"},
    {.title = "What is not seen",
     .text = "Trail and head that were both put back to an earlier state, together. The number of the "
             "last line is in the HSM's log and metrics (countersign_hsm_audit_number): keep those elsewhere.\n"},
    {.title = "Examples", .text = "  countersign-hsm audit verify --key audit.key audit.log.[0-9]* audit.log\n"},
};

/* Stops at the first file with a problem: behind it there is no chain to hold on to. */
static int verify(const struct cli_line *line, const uint8_t key[static HSM_AUDIT_KEY])
{
    uint8_t page[PAGE];
    struct hsm_chain chain;
    int status = CLI_EXIT_DONE;
    if (hsm_chain_begin(key, &chain) != ERR_OK)
        return cli_failed(line, CLI_EXIT_FAILED, "the key", "cannot be loaded");
    for (size_t i = 0; i < line->operand_count && status == CLI_EXIT_DONE; i++) {
        struct judgement j = {.path = line->operand[i]};
        struct buf out = buf_over(page, sizeof page);
        judge(&chain, &j, i + 1 == line->operand_count);
        (cli_flag(line, JSON) ? put_data : put_people)(&out, &j);
        bool told = buf_done(&out) == ERR_OK && file_write(STDOUT_FILENO, buf_span(&out)) == ERR_OK;
        status = j.why || !told ? CLI_EXIT_FAILED : CLI_EXIT_DONE;
    }
    hsm_chain_end(&chain);
    return status;
}

static int run_verify(const struct cli_line *line)
{
    uint8_t key[HSM_MODE_KEY] = {0};
    struct net_problem problem = {""};
    const char *path = cli_text(line, KEY, NULL);
    if (path && hsm_mode_key_read(path, key, &problem) != ERR_OK)
        return cli_refuse(line, "--key", problem.text);
    int status = verify(line, key);
    secret_wipe(key, sizeof key);
    if (status == CLI_EXIT_FAILED && !path)
        (void)cli_failed(line, status, "without --key; a trail that was written with hsm.audit_key needs it", "");
    return status;
}

static const struct cli_command verify_command = {
    .name = "verify",
    .summary = "find out whether the audit trail was changed",
    CLI_ROWS(options, statuses),
    CLI_OPERANDS(operands),
    CLI_SECTIONS(sections),
    .run = run_verify,
};
static const struct cli_command *const children[] = {&verify_command};

const struct cli_command tool_trail = {
    .name = "audit",
    .summary = "find out whether the audit trail was changed",
    CLI_STATUSES(statuses),
    CLI_CHILDREN(children),
};
