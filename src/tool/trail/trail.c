/* SPDX-License-Identifier: Apache-2.0 */
/* countersign-hsm audit verify: has anybody touched the trail? */
#include "hsm/process/mode.h"
#include "hsm/trail/chain.h"
#include "tool/tool.h"

#include "base/secret.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_BROKEN = 1, PAGE = 64 * 1024 };

/* ---- the tool ---- */

enum { KEY, JSON };

/* clang-format off */
static const struct tool_option options[] = {
    [KEY] = {"key", "FILE", "the key of the trail, hsm.audit_key; without it, a trail that was written without one"},
    [JSON] = {"json", NULL, "print data"},
};
static const struct tool_status statuses[] = {
    {0, "every line stands where and as it was written"},
    {EXIT_BROKEN, "a line was changed, removed, doubled or moved, or a file cannot be read"},
    {TOOL_USAGE, "the command line is not understood, or the key cannot be read"},
};
static const struct tool_section sections[] = {
    {"Files", "Oldest first: what was moved away, then the file that is written. Each continues the one before it. The last one is "
     "held against its head, FILE.head, which counts the lines; a file that was moved away says so in its last line. A running HSM "
     "may be ahead of its head by the lines of a second.\n"},
    {"What is not seen", "Trail and head that were both put back to an earlier state, together. The number of the last line is in "
     "the HSM's log and metrics (countersign_hsm_audit_number): keep those elsewhere.\n"},
    {"Examples",
     "  countersign-hsm audit verify --key audit.key audit.log.[0-9]* audit.log\n"},
};
/* clang-format on */

const struct tool_row tool_trail_row = {
    .name = "audit",
    .summary = "find out whether the audit trail was changed",
    .operands = "verify FILE ...",
    TOOL_MEMBERS(options, statuses, sections),
};
static const struct tool_row *const tool = &tool_trail_row;

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
    uint8_t text[HSM_CHAIN_HEAD + 1];
    (void)snprintf(name, sizeof name, "%s.head", path);
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    ssize_t len = fd >= 0 ? read(fd, text, sizeof text) : 0;
    if (fd >= 0)
        close(fd);
    *there = fd >= 0;
    if (*there && (len < 0 || !hsm_chain_head_read(chain, span_of(text, (size_t)len), head)))
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
    tool_json_open(out, NULL, '{');
    tool_json_member(out, "file", span_text(j->path));
    tool_json_number(out, "lines", j->report.lines);
    tool_json_number(out, "first", j->report.first);
    tool_json_number(out, "last", j->last);
    if (j->why) {
        tool_json_number(out, "bad_line", j->line);
        tool_json_member(out, "problem", span_text(j->why));
    }
    buf_put_text(out, "}\n");
}

/* Stops at the first file with a problem: behind it there is no chain to hold on to. */
static int verify(char **path, size_t count, const uint8_t key[static HSM_AUDIT_KEY], bool json)
{
    uint8_t page[PAGE];
    struct hsm_chain chain;
    int status = 0;
    if (hsm_chain_begin(key, &chain) != ERR_OK)
        return tool_failed(tool, EXIT_BROKEN, "the key", "cannot be loaded");
    for (size_t i = 0; i < count && status == 0; i++) {
        struct judgement j = {.path = path[i]};
        struct buf out = buf_over(page, sizeof page);
        judge(&chain, &j, i + 1 == count);
        (json ? put_data : put_people)(&out, &j);
        bool told = buf_done(&out) == ERR_OK && tool_write(STDOUT_FILENO, buf_span(&out)) == ERR_OK;
        status = j.why || !told ? EXIT_BROKEN : 0;
    }
    hsm_chain_end(&chain);
    return status;
}

int tool_trail_main(int argc, char **argv)
{
    struct tool_line line;
    uint8_t key[HSM_MODE_KEY] = {0};
    struct net_problem problem = {""};
    tool_parse(tool, argc, argv, &line);
    if (line.operands < 2 || strcmp(line.operand[0], "verify") != 0)
        return tool_refuse(tool, "write", "audit verify FILE ...");
    for (size_t i = 1; i < line.operands; i++)
        if (strlen(line.operand[i]) >= HSM_AUDIT_PATH)
            return tool_refuse(tool, line.operand[i], "the path is too long");
    if (line.value[KEY] && hsm_mode_key_read(line.value[KEY], key, &problem) != ERR_OK)
        return tool_refuse(tool, "--key", problem.text);
    int status = verify(line.operand + 1, line.operands - 1, key, line.value[JSON] != NULL);
    secret_wipe(key, sizeof key);
    if (status == EXIT_BROKEN && !line.value[KEY])
        (void)fputs("countersign-hsm audit: without --key; a trail that was written with hsm.audit_key needs it\n", stderr);
    return status;
}
