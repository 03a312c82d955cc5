/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/trail/chain.h"

#include "base/secret.h"

#include <string.h>
#include <unistd.h>

enum { HEX = 2 * CRYPTO_DIGEST_SHA256, TIME_LEN = 24, DIGITS_MAX = 18, NUMBER_WIDTH = 20 };

static const char before_mac[] = ",\"mac\":\"", behind_mac[] = "\"}";
enum { TAIL = sizeof before_mac - 1 + HEX + sizeof behind_mac - 1 };
static const char head_magic[] = "CSAUDIT1 ";
static const char seal_label[] = "countersign audit head";

enum err hsm_chain_begin(const uint8_t key[static HSM_AUDIT_KEY], struct hsm_chain *out)
{
    *out = (struct hsm_chain){0};
    return crypto_hmac_load(span_of(key, HSM_AUDIT_KEY), &out->hmac);
}

void hsm_chain_end(struct hsm_chain *chain)
{
    if (chain->hmac.context)
        crypto_hmac_unload(&chain->hmac);
    *chain = (struct hsm_chain){0};
}

/* ---- the parts of a line ---- */

/* Takes `text` off the front. */
static bool skip(struct span *s, const char *text)
{
    struct span wanted = span_text(text);
    if (!span_equal(span_slice(*s, 0, wanted.len), wanted))
        return false;
    *s = span_slice(*s, wanted.len, SIZE_MAX);
    return true;
}

static bool take_number(struct span *s, uint64_t *out)
{
    size_t len = 0;
    while (len < s->len && s->at[len] >= '0' && s->at[len] <= '9')
        len++;
    if (len == 0 || len > DIGITS_MAX || span_decimal(span_slice(*s, 0, len), out) != ERR_OK)
        return false;
    *s = span_slice(*s, len, SIZE_MAX);
    return true;
}

/* Upper case alone, so that there is one way to write a line. */
static bool take_hex(struct span *s, uint8_t out[static CRYPTO_DIGEST_SHA256])
{
    struct span digits = span_slice(*s, 0, HEX);
    for (size_t i = 0; i < digits.len; i++)
        if (digits.at[i] >= 'a')
            return false;
    if (digits.len != HEX || span_unhex(digits, out, CRYPTO_DIGEST_SHA256) != ERR_OK)
        return false;
    *s = span_slice(*s, HEX, SIZE_MAX);
    return true;
}

struct parts {
    struct span sealed; /* what the MAC is over */
    uint64_t number;
    uint8_t mac[CRYPTO_DIGEST_SHA256];
    struct span event; /* from the name of the event on */
};

static bool split(struct span line, struct parts *out)
{
    if (line.len <= TAIL)
        return false;
    out->sealed = span_slice(line, 0, line.len - TAIL);
    struct span tail = span_slice(line, line.len - TAIL, SIZE_MAX), head = out->sealed;
    bool ends = skip(&tail, before_mac) && take_hex(&tail, out->mac) && skip(&tail, behind_mac);
    if (!ends || !skip(&head, "{\"n\":") || !take_number(&head, &out->number) || !skip(&head, ",\"at\":\""))
        return false;
    head = span_slice(head, TIME_LEN, SIZE_MAX);
    if (!skip(&head, "\",\"event\":\""))
        return false;
    out->event = head;
    return true;
}

static enum err mac_of(struct hsm_chain *chain, const uint8_t before[static CRYPTO_DIGEST_SHA256], struct span sealed,
                       uint8_t out[static CRYPTO_DIGEST_SHA256])
{
    const struct span part[] = {span_of(before, CRYPTO_DIGEST_SHA256), sealed};
    return crypto_hmac_run(&chain->hmac, part, 2, out);
}

/* ---- lines ---- */

/* A crash cut a line: it stays as it is, and the next start says how many bytes it had and what they were. */
static const char *torn_line(struct hsm_chain *chain, struct span line)
{
    if (chain->torn || chain->closed || chain->number == 0)
        return "is not a line of a trail";
    if (crypto_digest_sha256(line, chain->torn_digest) != ERR_OK)
        return "could not be computed";
    chain->torn = true;
    chain->torn_bytes = line.len;
    return NULL;
}

static bool marks_torn(const struct hsm_chain *chain, const struct parts *parts)
{
    struct span rest = parts->event;
    uint64_t bytes = 0;
    uint8_t digest[CRYPTO_DIGEST_SHA256];
    if (!skip(&rest, "trail.torn\",\"bytes\":") || !take_number(&rest, &bytes) || !skip(&rest, ",\"digest\":\""))
        return false;
    return take_hex(&rest, digest) && bytes == chain->torn_bytes && secret_equal(digest, chain->torn_digest, sizeof digest);
}

/* What the MAC of the first line of a file rests on; NULL: fine. */
static const char *begin_file(const struct hsm_chain *chain, const struct parts *parts, uint8_t before[static CRYPTO_DIGEST_SHA256])
{
    struct span rest = parts->event;
    if (parts->number == 1)
        return chain->number == 0 ? NULL : "begins another trail";
    if (!skip(&rest, "trail.continued\",\"from\":\"") || !take_hex(&rest, before))
        return "is not the first of its file: lines before it are missing";
    if (chain->number > 0 && !secret_equal(before, chain->mac, CRYPTO_DIGEST_SHA256))
        return "does not continue the file before it";
    return NULL;
}

const char *hsm_chain_line(struct hsm_chain *chain, struct span line, bool first)
{
    struct parts parts = {0};
    uint8_t before[CRYPTO_DIGEST_SHA256], mac[CRYPTO_DIGEST_SHA256];
    memcpy(before, chain->mac, sizeof before);
    if (!split(line, &parts))
        return first ? "is not a line of a trail" : torn_line(chain, line);
    const char *why = first ? begin_file(chain, &parts, before) : NULL;
    if (why)
        return why;
    if ((chain->number > 0 || !first) && parts.number != chain->number + 1)
        return "has another number than the one after the line before it: lines are missing, doubled or moved";
    if (mac_of(chain, before, parts.sealed, mac) != ERR_OK)
        return "could not be computed";
    if (!secret_equal(mac, parts.mac, sizeof mac))
        return "was changed, or the key is another";
    if (chain->torn && !marks_torn(chain, &parts))
        return "follows a line that is not of the trail and does not mark it";
    struct span rest = parts.event;
    chain->torn = false;
    chain->closed = skip(&rest, "trail.moved\"");
    chain->number = parts.number;
    memcpy(chain->mac, mac, sizeof mac);
    return NULL;
}

enum err hsm_chain_seal(struct hsm_chain *chain, struct buf *line)
{
    uint8_t mac[CRYPTO_DIGEST_SHA256];
    TRY(buf_done(line));
    TRY(mac_of(chain, chain->mac, buf_span(line), mac));
    buf_put_text(line, before_mac);
    buf_put_hex(line, mac, sizeof mac);
    buf_put_text(line, behind_mac);
    TRY(buf_done(line));
    memcpy(chain->mac, mac, sizeof mac);
    chain->number++;
    return ERR_OK;
}

/* ---- the head ---- */

static enum err seal_of(struct hsm_chain *chain, struct span text, uint8_t out[static CRYPTO_DIGEST_SHA256])
{
    const struct span part[] = {span_text(seal_label), text};
    return crypto_hmac_run(&chain->hmac, part, 2, out);
}

enum err hsm_chain_head_put(struct hsm_chain *chain, const struct hsm_head *head, struct buf *out)
{
    uint8_t seal[CRYPTO_DIGEST_SHA256];
    size_t start = out->len;
    buf_put_text(out, head_magic);
    buf_put_decimal(out, head->number, NUMBER_WIDTH);
    buf_put_byte(out, ' ');
    buf_put_hex(out, head->mac, sizeof head->mac);
    buf_put_text(out, head->moved ? " 1 " : " 0 ");
    TRY(buf_done(out));
    TRY(seal_of(chain, span_of(out->at + start, out->len - start), seal));
    buf_put_hex(out, seal, sizeof seal);
    buf_put_byte(out, '\n');
    return buf_done(out);
}

bool hsm_chain_head_read(struct hsm_chain *chain, struct span text, struct hsm_head *out)
{
    struct span rest = text, width = span_slice(text, sizeof head_magic - 1, NUMBER_WIDTH);
    struct hsm_head head = {0};
    uint8_t given[CRYPTO_DIGEST_SHA256], seal[CRYPTO_DIGEST_SHA256];
    if (text.len != HSM_CHAIN_HEAD || !skip(&rest, head_magic) || !skip(&width, "00") || !take_number(&width, &head.number) ||
        width.len > 0)
        return false;
    rest = span_slice(rest, NUMBER_WIDTH, SIZE_MAX);
    if (!skip(&rest, " ") || !take_hex(&rest, head.mac))
        return false;
    head.moved = skip(&rest, " 1 ");
    if (!head.moved && !skip(&rest, " 0 "))
        return false;
    struct span sealed = span_slice(text, 0, text.len - rest.len);
    if (!take_hex(&rest, given) || !skip(&rest, "\n") || seal_of(chain, sealed, seal) != ERR_OK)
        return false;
    *out = head;
    return secret_equal(seal, given, sizeof seal);
}

/* ---- files ---- */

struct reader {
    struct hsm_chain *chain;
    const struct hsm_head *head;
    struct hsm_chain_report *report;
};

static void bad(struct hsm_chain_report *report, uint64_t line, const char *why)
{
    report->bad_line = line;
    report->why = why;
}

static void read_line(struct reader *r, struct span line)
{
    bool torn_before = r->chain->torn;
    uint64_t number = r->report->lines + 1;
    const char *why = hsm_chain_line(r->chain, line, number == 1);
    if (why && torn_before) {
        bad(r->report, number - 1, "is not a line of the trail");
        return;
    }
    if (!why && r->head && r->head->number == r->chain->number && !r->chain->torn &&
        !secret_equal(r->head->mac, r->chain->mac, sizeof r->chain->mac))
        why = "is not the line that the head counts";
    if (why) {
        bad(r->report, number, why);
        return;
    }
    r->report->lines = number;
    if (number == 1)
        r->report->first = r->chain->number;
}

/* Takes every complete line out of the tail. */
static void read_lines(struct reader *r)
{
    struct hsm_chain_report *report = r->report;
    size_t start = 0;
    const uint8_t *end = NULL;
    while (!report->why && (end = memchr(report->tail + start, '\n', report->tail_len - start))) {
        size_t at = (size_t)(end - report->tail);
        read_line(r, span_of(report->tail + start, at - start));
        start = at + 1;
    }
    report->tail_len -= start;
    memmove(report->tail, report->tail + start, report->tail_len);
    if (!report->why && report->tail_len == sizeof report->tail)
        bad(report, report->lines + 1, "is longer than a line can be");
}

enum err hsm_chain_file(struct hsm_chain *chain, int fd, const struct hsm_head *head, struct hsm_chain_report *out)
{
    struct reader r = {chain, head, out};
    *out = (struct hsm_chain_report){0};
    for (ssize_t got = 1; got > 0 && !out->why;) {
        got = read(fd, out->tail + out->tail_len, sizeof out->tail - out->tail_len);
        if (got < 0)
            return ERR_SYSTEM;
        out->tail_len += (size_t)got;
        read_lines(&r);
    }
    return ERR_OK;
}

const char *hsm_chain_ends(const struct hsm_chain *chain, const struct hsm_chain_report *report, const struct hsm_head *head)
{
    if (report->tail_len > 0 || chain->torn)
        return "is cut";
    if (head && head->number > chain->number)
        return "is the last, and the head counts more: lines at the end are missing";
    return NULL;
}
