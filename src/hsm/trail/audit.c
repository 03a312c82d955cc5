/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/trail/audit.h"

#include "base/arena.h"
#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOVED_PATH = HSM_AUDIT_PATH + 16, FILE_MODE = 0600 };

struct hsm_audit {
    const struct env *env;
    struct hsm_chain chain;
    char path[HSM_AUDIT_PATH];
    char head_path[HSM_AUDIT_PATH + 8];
    uint64_t limit; /* bytes of one file */
    int fd;         /* -1: the file was moved away, and the next could not be begun yet */
    int head_fd;
    uint64_t size;
    bool dirty;     /* lines that are not durable */
    bool broken;    /* what stands in the file is not known: only a new start looks */
    bool told;      /* of the failure under way */
    bool gathering; /* between hsm_audit_gather and hsm_audit_settle */
    bool owed;      /* a durable line was written since */
    uint64_t lost_pending;
    struct hsm_audit_counters counters;
};

static enum err fail(struct net_problem *problem, const char *path, const char *what)
{
    (void)snprintf(problem->text, sizeof problem->text, "%s: %s", path, what);
    return ERR_CONFIG;
}

/* ---- bytes ---- */

static bool write_all(int fd, struct span s)
{
    ssize_t wrote = 0;
    do
        wrote = write(fd, s.at, s.len);
    while (wrote < 0 && errno == EINTR);
    return wrote >= 0 && (size_t)wrote == s.len;
}

/* A line that did not fit is taken back; if that fails, too, the end of the file is not known any more. */
static enum err append(struct hsm_audit *a, struct span line)
{
    if (write_all(a->fd, line)) {
        a->size += line.len;
        a->dirty = true;
        return ERR_OK;
    }
    if (ftruncate(a->fd, (off_t)a->size) != 0)
        a->broken = true;
    return ERR_SYSTEM;
}

static enum err write_head(struct hsm_audit *a, bool moved)
{
    struct hsm_head head = {.number = a->chain.number, .moved = moved};
    uint8_t room[HSM_CHAIN_HEAD];
    struct buf text = buf_over(room, sizeof room);
    memcpy(head.mac, a->chain.mac, sizeof head.mac);
    TRY(hsm_chain_head_put(&a->chain, &head, &text));
    return lseek(a->head_fd, 0, SEEK_SET) == 0 && write_all(a->head_fd, buf_span(&text)) ? ERR_OK : ERR_SYSTEM;
}

/* The head is written when what it counts is on the disk, so it is never ahead of the lines. */
static enum err make_durable(struct hsm_audit *a)
{
    if (!a->dirty)
        return ERR_OK;
    if (fdatasync(a->fd) != 0) {
        a->broken = true;
        return ERR_SYSTEM;
    }
    a->dirty = false;
    a->counters.synced++;
    return write_head(a, false);
}

/* ---- lines ---- */

static enum err put_line(struct hsm_audit *a, const char *event, const struct log_field *field, size_t count)
{
    uint8_t room[HSM_AUDIT_LINE];
    struct buf line = buf_over(room, sizeof room);
    struct hsm_chain before = a->chain;
    char now[25];
    if (a->broken || a->fd < 0)
        return ERR_SYSTEM;
    env_rfc3339(env_wall_ms(a->env), now);
    buf_put_text(&line, "{\"n\":");
    buf_put_decimal(&line, a->chain.number + 1, 0);
    buf_put_text(&line, ",\"at\":\"");
    buf_put_text(&line, now);
    buf_put_text(&line, "\",\"event\":\"");
    buf_put_text(&line, event);
    buf_put_byte(&line, '"');
    for (size_t i = 0; i < count; i++)
        log_field_put(&line, &field[i]);
    enum err err = hsm_chain_seal(&a->chain, &line);
    buf_put_byte(&line, '\n');
    if (err == ERR_OK)
        err = buf_done(&line);
    if (err == ERR_OK)
        err = append(a, buf_span(&line));
    if (err != ERR_OK)
        a->chain = before;
    return err;
}

static void hex_of(const uint8_t at[static CRYPTO_DIGEST_SHA256], char out[static 2 * CRYPTO_DIGEST_SHA256 + 1])
{
    struct buf text = buf_over(out, 2 * CRYPTO_DIGEST_SHA256 + 1);
    buf_put_hex(&text, at, CRYPTO_DIGEST_SHA256);
    ASSERT(*buf_text(&text));
}

/* The chain stands at a cut line: says what it was. */
static enum err put_torn(struct hsm_audit *a)
{
    char digest[2 * CRYPTO_DIGEST_SHA256 + 1];
    hex_of(a->chain.torn_digest, digest);
    const struct log_field field[] = {LOG_INT("bytes", a->chain.torn_bytes), LOG_TEXT("digest", digest)};
    TRY(put_line(a, "trail.torn", field, 2));
    a->chain.torn = false;
    return ERR_OK;
}

/* ---- files ---- */

static enum err sync_folder(const struct hsm_audit *a)
{
    char folder[HSM_AUDIT_PATH];
    const char *slash = strrchr(a->path, '/');
    (void)snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - a->path + 1) : 1, slash ? a->path : ".");
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool fine = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return fine ? ERR_OK : ERR_SYSTEM;
}

static int open_file(const char *path)
{
    return open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, FILE_MODE);
}

/* The first line of a file, new or left empty by a crash. */
static enum err begin_file(struct hsm_audit *a)
{
    char from[2 * CRYPTO_DIGEST_SHA256 + 1], id[37];
    hex_of(a->chain.mac, from);
    env_uuid(a->env, id);
    const struct log_field begun[] = {LOG_TEXT("trail", id)}, continued[] = {LOG_TEXT("from", from)};
    bool first = a->chain.number == 0;
    TRY(put_line(a, first ? "trail.begun" : "trail.continued", first ? begun : continued, 1));
    TRY(make_durable(a));
    return sync_folder(a);
}

static enum err next_file(struct hsm_audit *a)
{
    a->fd = open_file(a->path);
    a->size = 0;
    return a->fd >= 0 ? begin_file(a) : ERR_SYSTEM;
}

static enum err move_file(struct hsm_audit *a)
{
    char moved[MOVED_PATH];
    TRY(put_line(a, "trail.moved", NULL, 0));
    TRY(make_durable(a));
    TRY(write_head(a, true));
    if (fdatasync(a->head_fd) != 0)
        return ERR_SYSTEM;
    (void)snprintf(moved, sizeof moved, "%s.%010llu", a->path, (unsigned long long)a->chain.number);
    if (rename(a->path, moved) != 0)
        return write_head(a, false); /* it goes on where it is */
    close(a->fd);
    a->fd = -1;
    return next_file(a);
}

/* ---- opening ---- */

static enum err read_head(struct hsm_audit *a, struct hsm_head *head, bool *there, struct net_problem *problem)
{
    uint8_t text[HSM_CHAIN_HEAD + 1];
    ssize_t len = read(a->head_fd, text, sizeof text);
    if (len < 0)
        return fail(problem, a->head_path, "cannot be read");
    *there = len > 0;
    if (*there && !hsm_chain_head_read(&a->chain, span_of(text, (size_t)len), head))
        return fail(problem, a->head_path, "was changed, or hsm.audit_key is another");
    return ERR_OK;
}

/* What a crash left behind the last newline: a whole line gets its newline, anything else is marked. */
static enum err mend(struct hsm_audit *a, const struct hsm_chain_report *report)
{
    if (report->tail_len > 0)
        TRY(append(a, span_text("\n")));
    return a->chain.torn ? put_torn(a) : ERR_OK;
}

/* The lines that the file really has, held against the head, before anything is written. NULL: the head counts no more of them. */
static const char *judge_end(struct hsm_audit *a, const struct hsm_chain_report *report, const struct hsm_head *head)
{
    if (report->tail_len > 0 && hsm_chain_line(&a->chain, span_of(report->tail, report->tail_len), false))
        return "is cut";
    if (head->number > a->chain.number)
        return a->chain.torn ? "is not the line that the head counts"
                             : "is the last, and the head counts more: lines at its end are missing";
    bool counted = head->number == a->chain.number;
    return counted && !secret_equal(head->mac, a->chain.mac, sizeof head->mac) ? "is not the line that the head counts" : NULL;
}

static enum err refuse_line(const struct hsm_audit *a, uint64_t line, const char *why, struct net_problem *problem)
{
    char what[160];
    (void)snprintf(what, sizeof what, "line %llu %s; keep it and its head for examination, elsewhere", (unsigned long long)line,
                   why);
    return fail(problem, a->path, what);
}

static enum err judge_file(struct hsm_audit *a, const struct hsm_head *head, struct net_problem *problem)
{
    struct hsm_chain_report report;
    if (hsm_chain_file(&a->chain, a->fd, head, &report) != ERR_OK)
        return fail(problem, a->path, "cannot be read");
    if (report.why)
        return refuse_line(a, report.bad_line, report.why, problem);
    if (report.lines > 0) {
        const char *why = judge_end(a, &report, head);
        if (why)
            return refuse_line(a, report.lines + (report.tail_len > 0), why, problem);
        return mend(a, &report) == ERR_OK ? ERR_OK : fail(problem, a->path, "cannot be written");
    }
    /* Not even a first line: nothing was told yet, if the head agrees. */
    if (head->number > 0 && !head->moved)
        return fail(problem, a->path, "its lines are missing, says its head; keep the head for examination, elsewhere");
    if (ftruncate(a->fd, 0) != 0)
        return fail(problem, a->path, "cannot be written");
    a->size = 0;
    a->chain.number = head->number;
    memcpy(a->chain.mac, head->mac, sizeof head->mac);
    return begin_file(a) == ERR_OK ? ERR_OK : fail(problem, a->path, "cannot be written");
}

static enum err open_trail(struct hsm_audit *a, struct net_problem *problem)
{
    struct hsm_head head = {0};
    struct stat at;
    bool counted = false;
    a->head_fd = open(a->head_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, FILE_MODE);
    if (a->head_fd < 0)
        return fail(problem, a->head_path, "cannot be opened");
    if (flock(a->head_fd, LOCK_EX | LOCK_NB) != 0)
        return fail(problem, a->head_path, "another HSM writes this trail");
    TRY(read_head(a, &head, &counted, problem));
    a->fd = open_file(a->path);
    if (a->fd < 0 || fstat(a->fd, &at) != 0 || !S_ISREG(at.st_mode))
        return fail(problem, a->path, "cannot be opened");
    a->size = (uint64_t)at.st_size;
    if (!counted && a->size > 0)
        return fail(problem, a->head_path, "is missing beside a trail that has lines; keep the trail for examination, elsewhere");
    if (!counted && write_head(a, false) != ERR_OK)
        return fail(problem, a->head_path, "cannot be written");
    return judge_file(a, &head, problem);
}

enum err hsm_audit_open(const struct env *env, const struct hsm_audit_config *config, struct hsm_audit **out,
                        struct net_problem *problem)
{
    void *at = NULL;
    TRY(memory_reserve(1, sizeof(struct hsm_audit), &at));
    struct hsm_audit *a = at;
    *a = (struct hsm_audit){.env = env, .limit = config->size, .fd = -1, .head_fd = -1};
    (void)snprintf(a->path, sizeof a->path, "%s", config->path);
    (void)snprintf(a->head_path, sizeof a->head_path, "%s.head", a->path);
    enum err err = hsm_chain_begin(config->key, &a->chain);
    if (err == ERR_OK)
        err = open_trail(a, problem);
    if (err == ERR_OK)
        *out = a;
    else
        hsm_audit_close(a);
    return err;
}

void hsm_audit_close(struct hsm_audit *audit)
{
    if (!audit)
        return;
    if (audit->dirty && !audit->broken && make_durable(audit) != ERR_OK && audit->env->log)
        LOG(audit->env->log, LOG_ERROR, "hsm.audit_failed", LOG_TEXT("file", audit->path), LOG_TEXT("what", "the last lines"));
    if (audit->fd >= 0)
        close(audit->fd);
    if (audit->head_fd >= 0)
        close(audit->head_fd);
    hsm_chain_end(&audit->chain);
    memory_release(audit, 1, sizeof *audit);
}

/* ---- writing ---- */

static enum err write_event(struct hsm_audit *a, const char *event, const struct log_field *field, size_t count)
{
    if (a->fd < 0 && !a->broken)
        TRY(next_file(a));
    if (a->lost_pending > 0) {
        const struct log_field lost[] = {LOG_INT("lines", a->lost_pending)};
        TRY(put_line(a, "trail.lost", lost, 1));
        a->lost_pending = 0;
    }
    return put_line(a, event, field, count);
}

static void count_loss(struct hsm_audit *a)
{
    a->counters.lost++;
    a->lost_pending++;
    if (!a->told && a->env->log)
        LOG(a->env->log, LOG_ERROR, "hsm.audit_failed", LOG_TEXT("file", a->path),
            LOG_TEXT("what", a->broken ? "not written until a new start" : "not written; is the disk full?"));
    a->told = true;
}

enum err hsm_audit_write(struct hsm_audit *audit, const char *event, const struct log_field *field, size_t count, bool durable)
{
    if (!audit)
        return ERR_OK;
    enum err err = write_event(audit, event, field, count);
    audit->owed |= err == ERR_OK && durable && audit->gathering;
    if (err == ERR_OK && durable && !audit->gathering)
        err = make_durable(audit);
    if (err != ERR_OK) {
        count_loss(audit);
        return err;
    }
    audit->told = false;
    /* What was asked for is written; a next file that could not be begun is tried again, and told, with the next line. */
    if (audit->size >= audit->limit && move_file(audit) != ERR_OK)
        audit->told = false;
    return ERR_OK;
}

void hsm_audit_gather(struct hsm_audit *audit)
{
    if (!audit)
        return;
    ASSERT(!audit->gathering);
    audit->gathering = true;
    audit->owed = false;
}

enum err hsm_audit_settle(struct hsm_audit *audit)
{
    if (!audit)
        return ERR_OK;
    ASSERT(audit->gathering);
    audit->gathering = false;
    /* A file that broke before this point, while it was moved away, has lost what was owed as well. */
    enum err err = !audit->owed ? ERR_OK : audit->broken ? ERR_SYSTEM : make_durable(audit);
    if (err != ERR_OK)
        count_loss(audit);
    return err;
}

void hsm_audit_tick(void *audit)
{
    struct hsm_audit *a = audit;
    if (a && a->dirty && !a->broken && make_durable(a) != ERR_OK)
        count_loss(a);
}

struct hsm_audit_counters hsm_audit_counters(const struct hsm_audit *audit)
{
    struct hsm_audit_counters counters = audit->counters;
    counters.number = audit->chain.number;
    return counters;
}
