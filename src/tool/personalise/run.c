/* SPDX-License-Identifier: Apache-2.0 */
/* countersign-hsm batch: the run. */
#include "tool/personalise/internal.h"

#include "base/arena.h"
#include "base/file.h"
#include "base/json.h"
#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH = 4096, PEM_MAX = 8192 };

volatile sig_atomic_t tool_personalise_signal;

struct run {
    struct secret_pages pages;
    const struct tool_personalise_options *o;
    struct env env;
    struct tool_personalise_keys keys;
    struct tool_personalise_input in;
    struct tool_personalise_state state;
    struct tool_personalise_progress progress;
    struct tool_personalise_meter meter;
    struct crypto_jwe_recipient recipient;
    const struct crypto_des_kernel *kernel;
    int out, report;
    bool resumable; /* the output is a file, with a state beside it */
    bool created;
    size_t count;  /* cards of this chunk */
    uint64_t bad;  /* bad lines of this chunk */
    uint64_t told; /* bytes of the report with this chunk */
    struct card_order *order;
    struct cvv_batch_card *card;
    struct cvv_batch_code *code[TOOL_PERSONALISE_KINDS];
    struct buf plain;   /* JSON lines of the chunk */
    struct buf scratch; /* what of it is enciphered */
    struct buf text;    /* what is written */
    char state_path[PATH];
};

/* ---- memory ---- */

static size_t sizes(size_t chunk, size_t out[static 7])
{
    static const size_t align = 64;
    const size_t want[7] = {sizeof(struct run),
                            chunk * sizeof(struct card_order),
                            chunk * sizeof(struct cvv_batch_card),
                            TOOL_PERSONALISE_KINDS * chunk * sizeof(struct cvv_batch_code),
                            chunk * TOOL_PERSONALISE_RECORD,
                            chunk * TOOL_PERSONALISE_RECORD + 64,
                            TOOL_PERSONALISE_READ};
    size_t all = 0;
    for (size_t i = 0; i < 7; i++) {
        out[i] = (want[i] + align - 1) / align * align;
        all += out[i];
    }
    return all;
}

static enum err run_create(const struct tool_personalise_options *o, struct run **out)
{
    struct secret_pages pages;
    size_t size[7], text = crypto_jwe_recipient_text_max(o->chunk * TOOL_PERSONALISE_RECORD);
    void *ciphertext = NULL;
    TRY(secret_pages_create(sizes(o->chunk, size), &pages));
    struct run *r = pages.at;
    uint8_t *at = (uint8_t *)pages.at + size[0];
    *r = (struct run){.pages = pages, .o = o, .out = -1, .report = -1, .state = {-1}, .in = {.fd = -1}};
    r->order = (struct card_order *)(void *)at;
    r->card = (struct cvv_batch_card *)(void *)(at += size[1]);
    at += size[2];
    for (size_t i = 0; i < TOOL_PERSONALISE_KINDS; i++)
        r->code[i] = (struct cvv_batch_code *)(void *)at + i * o->chunk;
    r->plain = buf_over(at += size[3], o->chunk * TOOL_PERSONALISE_RECORD);
    r->scratch = buf_over(at += size[4], o->chunk * TOOL_PERSONALISE_RECORD + 64);
    r->in.room = at + size[5];
    r->env = env_system(NULL);
    r->kernel = crypto_des_kernel_best();
    *out = r;
    TRY(memory_reserve(1, text, &ciphertext));
    r->text = buf_over(ciphertext, text);
    return ERR_OK;
}

static void run_destroy(struct run *r)
{
    crypto_jwe_recipient_free(&r->recipient);
    tool_personalise_input_close(&r->in);
    tool_personalise_state_close(&r->state);
    memory_release(r->text.at, 1, r->text.cap);
    struct secret_pages pages = r->pages;
    secret_pages_destroy(&pages);
}

/* ---- the codes of a chunk ---- */

static void order_card(const struct card_order *order, enum tool_personalise_kind kind, const struct tool_personalise_options *o,
                       struct cvv_batch_card *out)
{
    char expiry[5];
    card_expiry_write(order->expiry, kind == TOOL_PERSONALISE_CVV2 ? o->cvv2_expiry : CARD_YYMM, expiry);
    out->pan = order->pan;
    memcpy(out->expiry, expiry, sizeof out->expiry);
    memcpy(out->service, order->service[kind][0] ? order->service[kind] : o->service, sizeof out->service);
}

static enum err make_codes(struct run *r, enum tool_personalise_kind kind)
{
    for (size_t i = 0; i < r->count; i++)
        order_card(&r->order[i], kind, r->o, &r->card[i]);
    cvv_batch_generate(r->kernel, &r->keys.key[kind], r->card, r->count, r->code[kind]);
    for (size_t i = 0; i < r->count; i++)
        TRY(r->code[kind][i].err);
    return ERR_OK;
}

static void put_record(struct run *r, size_t i)
{
    static const char *const name[TOOL_PERSONALISE_KINDS] = {",\"cvv\":\"", ",\"cvv2\":\"", ",\"icvv\":\""};
    buf_put_text(&r->plain, "{\"id\":");
    json_string(&r->plain, span_of(r->order[i].id, r->order[i].id_len));
    for (size_t kind = 0; kind < TOOL_PERSONALISE_KINDS; kind++) {
        if (!r->o->key[kind])
            continue;
        buf_put_text(&r->plain, name[kind]);
        buf_put(&r->plain, r->code[kind][i].digit, CVV_BATCH_DIGITS);
        buf_put_byte(&r->plain, '"');
    }
    buf_put_text(&r->plain, "}\n");
}

/* ---- a chunk becomes durable ---- */

static enum err encrypt(struct run *r)
{
    const struct crypto_jwe_message message = {r->progress.messages + 1, buf_span(&r->plain), &r->env, &r->scratch};
    buf_clear(&r->text);
    TRY(crypto_jwe_recipient_encrypt(&r->recipient, &message, &r->text));
    buf_put_byte(&r->text, '\n');
    return buf_done(&r->text);
}

static enum err put_out(struct run *r)
{
    struct span text = buf_span(&r->plain);
    if (r->count == 0)
        return ERR_OK;
    if (!r->o->clear) {
        TRY(encrypt(r));
        text = buf_span(&r->text);
    }
    TRY(file_write(r->out, text));
    r->progress.output += text.len;
    r->progress.messages++;
    return r->resumable && fdatasync(r->out) != 0 ? ERR_SYSTEM : ERR_OK;
}

/* Output first, then the state that counts it in: what a crash leaves behind the state is cut off when the run goes on. */
static enum err settle(struct run *r, bool done)
{
    struct tool_personalise_progress *p = &r->progress;
    TRY(put_out(r));
    p->sequence++;
    p->input = r->in.position;
    p->line = r->in.line;
    p->coded += r->count;
    p->bad += r->bad;
    p->report = r->report >= 0 ? r->told : 0;
    p->done = done;
    if (!r->resumable)
        return ERR_OK;
    if (r->report >= 0 && r->bad > 0 && fdatasync(r->report) != 0)
        return ERR_SYSTEM;
    TRY(tool_personalise_input_digest(&r->in, p->input_digest));
    return tool_personalise_state_write(&r->state, p);
}

static int commit(struct run *r, bool done)
{
    ASSERT(r->count <= r->o->chunk);
    enum err err = ERR_OK;
    buf_clear(&r->plain);
    for (size_t kind = 0; kind < TOOL_PERSONALISE_KINDS && err == ERR_OK; kind++)
        if (r->o->key[kind])
            err = make_codes(r, (enum tool_personalise_kind)kind);
    for (size_t i = 0; i < r->count && err == ERR_OK; i++)
        put_record(r, i);
    if (err == ERR_OK)
        err = buf_done(&r->plain);
    if (err == ERR_OK)
        err = settle(r, done);
    secret_wipe(r->plain.at, r->plain.len);
    r->count = 0;
    r->bad = 0;
    if (err != ERR_OK)
        return cli_failed(r->o->line, CLI_EXIT_FAILED, "a chunk could not be written",
                          err == ERR_SYSTEM ? strerror(errno) : err_row(err)->text);
    tool_personalise_meter_tell(&r->meter, &r->progress, r->in.size, done);
    return 0;
}

/* ---- the lines ---- */

static int tell_bad(struct run *r, const char *why)
{
    char room[160];
    int len = snprintf(room, sizeof room, "line %llu: %s\n", (unsigned long long)r->in.told, why);
    if (r->report < 0)
        tool_personalise_meter_clear(&r->meter);
    if (file_write(r->report < 0 ? STDERR_FILENO : r->report, span_of(room, (size_t)len)) != ERR_OK)
        return cli_failed(r->o->line, CLI_EXIT_FAILED, "the report cannot be written", strerror(errno));
    r->told += (uint64_t)len;
    r->bad++;
    return 0;
}

static int stop_at_bad(struct run *r)
{
    tool_personalise_input_back(&r->in);
    r->bad--; /* it is counted when the run goes on */
    int status = commit(r, false);
    return status != 0 ? status
                       : cli_failed(r->o->line, CLI_EXIT_NOT_TAKEN, "stopped at the bad line",
                                    r->resumable ? "correct it and go on with --resume" : "");
}

static int stopped(struct run *r)
{
    tool_personalise_meter_clear(&r->meter);
    return cli_failed(r->o->line, CLI_EXIT_CUT_SHORT, "stopped by a signal",
                      r->resumable ? "what is done is kept; go on with --resume" : "");
}

static int work(struct run *r)
{
    const char *why = "";
    for (;;) {
        enum tool_personalise_line line = tool_personalise_input_next(&r->in, &r->o->rule, &r->order[r->count], &why);
        int status = 0;
        if (line == TOOL_PERSONALISE_END)
            return commit(r, true);
        if (line == TOOL_PERSONALISE_SIGNAL)
            return stopped(r);
        if (line == TOOL_PERSONALISE_BROKEN)
            return cli_failed(r->o->line, CLI_EXIT_FAILED, "the input cannot be read", strerror(errno));
        if (line == TOOL_PERSONALISE_BAD)
            status = tell_bad(r, why);
        if (line == TOOL_PERSONALISE_BAD && status == 0 && r->o->stop_on_error)
            return stop_at_bad(r);
        r->count += line == TOOL_PERSONALISE_ORDER;
        if (status == 0 && (r->count == r->o->chunk || r->bad >= r->o->chunk))
            status = commit(r, false);
        if (status != 0)
            return status;
    }
}

/* ---- beginning ---- */

static int read_recipient(struct run *r)
{
    uint8_t room[PEM_MAX];
    struct buf pem = buf_over(room, sizeof room);
    if (r->o->clear)
        return 0;
    enum err err = file_read(r->o->recipient, &pem);
    if (err != ERR_OK && err != ERR_PARSE_LONG)
        return cli_failed(r->o->line, CLI_EXIT_FAILED, r->o->recipient, file_problem(err));
    if (err != ERR_OK || crypto_jwe_recipient_import(buf_span(&pem), &r->recipient) != ERR_OK)
        return cli_failed(r->o->line, CLI_EXIT_FAILED, r->o->recipient,
                          "an RSA public key of 2,048 to 4,096 bits in PEM is wanted (BEGIN PUBLIC KEY)");
    return 0;
}

/* Clear codes go to another process and nowhere else. */
static int open_pipe(struct run *r)
{
    struct stat about;
    r->out = STDOUT_FILENO;
    if (!r->o->clear)
        return 0;
    if (fstat(r->out, &about) != 0 || !(S_ISFIFO(about.st_mode) || S_ISSOCK(about.st_mode)))
        return cli_failed(r->o->line, CLI_EXIT_USAGE, "--clear", "codes go in clear to a pipe only, never to a file or a terminal");
    (void)cli_failed(r->o->line, 0, "WARNING", "security codes leave this process IN CLEAR");
    return 0;
}

static enum err options_digest(struct run *r, uint8_t out[static CRYPTO_DIGEST_SHA256])
{
    const struct tool_personalise_options *o = r->o;
    char numbers[64];
    int len = snprintf(numbers, sizeof numbers, "%zu %d %d %d %s %d %d", o->chunk, (int)o->cvv2_expiry, (int)o->rule.expiry,
                       (int)o->rule.pan, o->service, o->lmk, (int)r->in.jsonl);
    struct span part[2 * TOOL_PERSONALISE_KINDS + 2] = {span_of(numbers, (size_t)len), span_text(r->recipient.kid)};
    for (size_t i = 0; i < TOOL_PERSONALISE_KINDS; i++) {
        part[2 + 2 * i] = span_text("|");
        part[3 + 2 * i] = span_text(o->key[i] ? o->key[i] : "");
    }
    return crypto_hmac_sha256(span_of(r->keys.state_key, sizeof r->keys.state_key), part, sizeof part / sizeof part[0], out);
}

static int open_report(struct run *r)
{
    if (!r->o->report)
        return 0;
    r->report = open(r->o->report, O_WRONLY | O_CREAT | O_CLOEXEC | (r->progress.sequence > 0 ? 0 : O_TRUNC), 0600);
    bool placed = r->report >= 0 && ftruncate(r->report, (off_t)r->progress.report) == 0 &&
                  lseek(r->report, 0, SEEK_END) == (off_t)r->progress.report;
    r->told = r->progress.report;
    return placed ? 0 : cli_failed(r->o->line, CLI_EXIT_FAILED, r->o->report, strerror(errno));
}

/* Back to where the state says: the input is the same up to there, the output is cut to what was counted in. */
static int go_on(struct run *r, const uint8_t options[static CRYPTO_DIGEST_SHA256])
{
    const struct tool_personalise_progress *p = &r->progress;
    uint8_t digest[CRYPTO_DIGEST_SHA256];
    if (!secret_equal(p->options_digest, options, CRYPTO_DIGEST_SHA256))
        return cli_failed(r->o->line, CLI_EXIT_FAILED, r->state_path,
                          "is of a run with other keys or options; give those of the first run");
    enum err err = tool_personalise_input_skip(&r->in, p->input, p->line);
    if (err == ERR_CLOSED)
        return stopped(r);
    if (err == ERR_OK)
        err = tool_personalise_input_digest(&r->in, digest);
    if (err != ERR_OK || !secret_equal(digest, p->input_digest, sizeof digest))
        return cli_failed(r->o->line, CLI_EXIT_FAILED, r->o->in, "is not the input that the run began with");
    struct stat about;
    if (fstat(r->out, &about) != 0 || (uint64_t)about.st_size < p->output)
        return cli_failed(r->o->line, CLI_EXIT_FAILED, r->o->out, "is shorter than the state says");
    if (ftruncate(r->out, (off_t)p->output) != 0 || lseek(r->out, 0, SEEK_END) < 0)
        return cli_failed(r->o->line, CLI_EXIT_FAILED, r->o->out, strerror(errno));
    return 0;
}

static int open_output(struct run *r)
{
    struct stat about;
    r->out = open(r->o->out, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (r->out < 0 || fstat(r->out, &about) != 0)
        return cli_failed(r->o->line, CLI_EXIT_FAILED, r->o->out, strerror(errno));
    if (!S_ISREG(about.st_mode))
        return cli_failed(r->o->line, CLI_EXIT_USAGE, r->o->out, "is no file; write to standard output for a pipe");
    r->created = about.st_size == 0;
    return !r->created && !r->o->resume
               ? cli_failed(r->o->line, CLI_EXIT_USAGE, r->o->out, "is there already; --resume goes on with it")
               : 0;
}

static int open_state(struct run *r, bool *fresh)
{
    if (snprintf(r->state_path, sizeof r->state_path, "%s.state", r->o->out) >= (int)sizeof r->state_path)
        return cli_failed(r->o->line, CLI_EXIT_USAGE, r->o->out, "is too long a path");
    enum err err = tool_personalise_state_open(r->state_path, r->created, &r->state, fresh, &r->progress);
    if (err == ERR_PARSE_MISSING)
        return cli_failed(r->o->line, CLI_EXIT_USAGE, r->o->out, "is there, but no state beside it: nothing to go on with");
    if (err == ERR_BUSY)
        return cli_failed(r->o->line, CLI_EXIT_FAILED, r->state_path, "another run works on it");
    if (err != ERR_OK)
        return cli_failed(r->o->line, CLI_EXIT_FAILED, r->state_path, err == ERR_SYSTEM ? strerror(errno) : "is damaged");
    if (!*fresh && !r->o->resume)
        return cli_failed(r->o->line, CLI_EXIT_USAGE, r->state_path, "is of a run that was begun; --resume goes on with it");
    return 0;
}

static int begin_file(struct run *r)
{
    uint8_t options[CRYPTO_DIGEST_SHA256];
    bool fresh = true;
    int status = open_output(r);
    if (status == 0)
        status = open_state(r, &fresh);
    if (status != 0)
        return status;
    r->resumable = true;
    if (options_digest(r, options) != ERR_OK)
        return cli_failed(r->o->line, CLI_EXIT_FAILED, "the digest of the options", "cannot be computed");
    if (!fresh)
        return go_on(r, options);
    memcpy(r->progress.options_digest, options, sizeof options);
    r->progress.input = r->in.position;
    r->progress.line = r->in.line;
    if (tool_personalise_input_digest(&r->in, r->progress.input_digest) != ERR_OK ||
        tool_personalise_state_write(&r->state, &r->progress) != ERR_OK)
        return cli_failed(r->o->line, CLI_EXIT_FAILED, r->state_path, strerror(errno));
    return 0;
}

static int begin(struct run *r)
{
    int status = tool_personalise_keys_load(r->o, &r->keys);
    if (status == 0)
        status = read_recipient(r);
    if (status == 0)
        status = tool_personalise_input_open(r->o, r->keys.state_key, &r->in);
    if (status == 0)
        status = strcmp(r->o->out, "-") == 0 ? open_pipe(r) : begin_file(r);
    return status == 0 ? open_report(r) : status;
}

/* ---- the end ---- */

static uint64_t rate_of(const struct run *r, double *seconds)
{
    uint64_t made = r->progress.coded + r->progress.bad - r->meter.before;
    *seconds = (double)(env_monotonic_us(&r->env) - r->meter.began_us) / 1e6;
    return (uint64_t)((double)made / (*seconds > 0 ? *seconds : 1e-6) + 0.5);
}

/* Where codes do not go. */
static void tell_data(const struct run *r)
{
    char room[512], number[32];
    double seconds = 0;
    const struct tool_personalise_progress *p = &r->progress;
    struct buf out = buf_over(room, sizeof room);
    struct json_writer w = json_writer(&out);
    uint64_t rate = rate_of(r, &seconds);
    int len = snprintf(number, sizeof number, "%.3f", seconds);
    json_open(&w, NULL);
    json_put_integer(&w, "cards", (int64_t)p->coded);
    json_put_integer(&w, "bad", (int64_t)p->bad);
    json_put_integer(&w, "messages", (int64_t)p->messages);
    json_put_integer(&w, "output_bytes", (int64_t)p->output);
    json_put_bool(&w, "done", p->done);
    json_put_decimal(&w, "seconds", span_of(number, (size_t)len));
    json_put_integer(&w, "rate", (int64_t)rate);
    json_put_text(&w, "kernel", r->kernel->name);
    json_close(&w);
    buf_put_byte(&out, '\n');
    if (json_done(&w) != ERR_OK ||
        file_write(strcmp(r->o->out, "-") == 0 ? STDERR_FILENO : STDOUT_FILENO, buf_span(&out)) != ERR_OK)
        (void)cli_failed(r->o->line, 0, "the summary", "cannot be written");
}

static void tell_end(const struct run *r)
{
    const struct tool_personalise_progress *p = &r->progress;
    double seconds = 0;
    uint64_t rate = rate_of(r, &seconds);
    if (r->o->json)
        tell_data(r);
    else if (!r->o->quiet)
        (void)fprintf(stderr, "%s: cards with codes: %llu, bad lines: %llu, %.1f s, %llu/s\n", r->o->line->name,
                      (unsigned long long)p->coded, (unsigned long long)p->bad, seconds, (unsigned long long)rate);
}

static int drive(struct run *r)
{
    int status = begin(r);
    if (status != 0)
        return status;
    tool_personalise_meter_begin(&r->meter, &r->env, r->o->quiet, &r->progress);
    if (!r->progress.done)
        status = work(r);
    tell_end(r);
    return status == 0 && r->progress.bad > 0 ? CLI_EXIT_NOT_TAKEN : status;
}

int tool_personalise_run(const struct tool_personalise_options *o)
{
    ASSERT(o->chunk >= 1 && o->chunk <= TOOL_PERSONALISE_CHUNK_MAX);
    ASSERT(o->clear == !o->recipient); /* codes are enciphered, or go into a pipe */
    struct run *r = NULL;
    if (run_create(o, &r) != ERR_OK)
        return cli_failed(o->line, CLI_EXIT_FAILED, "no memory", "");
    int status = drive(r);
    run_destroy(r);
    return status;
}
