/* SPDX-License-Identifier: Apache-2.0 */
/* One 0100 with a code parsed, one 0110 built, on each profile. The limit is a copy of the frame, byte by byte. */
#include "iso8583/layout.h"
#include "iso8583/profile.h"
#include "support/bench.h"

#include <stdio.h>
#include <string.h>

struct work {
    const struct iso8583_profile *profile;
    uint8_t frame[ISO8583_FRAME_MAX];
    size_t len;
    struct iso8583_message message;
};

static void message_fill(struct iso8583_message *m, const struct iso8583_profile *p)
{
    struct iso8583_code code = {.presence = ISO8583_CODE_PRESENT, .result_wanted = true, .digits = {3, "123"}};

    iso8583_message_init(m, ISO8583_AUTHORISATION);
    iso8583_set_text(m, ISO8583_PAN, "4123456789012349");
    iso8583_set_text(m, ISO8583_PROCESSING_CODE, "000000");
    iso8583_set_decimal(m, ISO8583_AMOUNT, 1250, 12);
    iso8583_set_text(m, ISO8583_TRANSMISSION, "1121043000");
    iso8583_set_text(m, ISO8583_STAN, "000042");
    iso8583_set_text(m, ISO8583_TIME_LOCAL, "043000");
    iso8583_set_text(m, ISO8583_DATE_LOCAL, "1121");
    iso8583_set_text(m, ISO8583_EXPIRY, "2812");
    iso8583_set_text(m, ISO8583_MCC, "5999");
    iso8583_set_text(m, ISO8583_ENTRY_MODE, p->binary ? "0100" : "010");
    iso8583_set_text(m, ISO8583_CONDITION, "59");
    iso8583_set_text(m, ISO8583_ACQUIRER, "12345678901");
    iso8583_set_text(m, ISO8583_RRN, "032504000042");
    iso8583_set_text(m, ISO8583_TERMINAL, "TERM0001");
    iso8583_set_text(m, ISO8583_MERCHANT, "MERCHANT0000001");
    iso8583_set_text(m, ISO8583_CURRENCY, "036");
    if (iso8583_code_write(p->binary ? ISO8583_EXTRACT_VISA_126_10 : ISO8583_EXTRACT_GENERIC_126_10, &code, m) != ERR_OK)
        m->err = ERR_INTERNAL;
}

static void parse_some(void *context, size_t count)
{
    struct work *w = context;

    for (size_t i = 0; i < count; i++) {
        if (iso8583_parse(w->profile, span_of(w->frame, w->len), &w->message, NULL) != ERR_OK)
            return;
        bench_keep(&w->message);
    }
}

static void build_some(void *context, size_t count)
{
    struct work *w = context;
    uint8_t room[ISO8583_FRAME_MAX];
    for (size_t i = 0; i < count; i++) {
        struct buf out = buf_over(room, sizeof room);

        if (iso8583_build(w->profile, &w->message, &out) != ERR_OK)
            return;
        bench_keep(room);
    }
}

static void copy_some(void *context, size_t count)
{
    struct work *w = context;
    uint8_t room[ISO8583_FRAME_MAX];
    for (size_t i = 0; i < count; i++) {
        for (size_t b = 0; b < w->len; b++) {
            room[b] = w->frame[b];
            bench_keep(room + b);
        }
    }
}

static bool profile_measure(const struct iso8583_profile *p, const char *parse_name, const char *build_name)
{
    static struct work w;
    struct buf out;
    double copy;
    bool good;

    memset(&w, 0, sizeof w);
    w.profile = p;
    out = buf_over(w.frame, sizeof w.frame);
    message_fill(&w.message, p);
    if (iso8583_build(p, &w.message, &out) != ERR_OK || iso8583_parse(p, buf_span(&out), &w.message, NULL) != ERR_OK)
        return false;
    w.len = out.len;
    copy = bench_best_ns(copy_some, &w, 100000, 5);
    good = bench_report(&(struct bench_figure){.bench = parse_name,
                                               .unit = "ns",
                                               .value = bench_best_ns(parse_some, &w, 50000, 5),
                                               .limit = copy,
                                               .limit_is = "byte copy",
                                               .goal = 1000,
                                               .rule = BENCH_VALUE_AT_MOST});
    good &= bench_report(&(struct bench_figure){.bench = build_name,
                                                .unit = "ns",
                                                .value = bench_best_ns(build_some, &w, 50000, 5),
                                                .limit = copy,
                                                .limit_is = "byte copy",
                                                .goal = 1000,
                                                .rule = BENCH_VALUE_AT_MOST});
    return good;
}

int main(void)
{
    bool visa = profile_measure(&iso8583_profile_visa_base1, "iso8583.parse.visa", "iso8583.build.visa");
    bool generic = profile_measure(&iso8583_profile_iso87_ascii, "iso8583.parse.iso87", "iso8583.build.iso87");

    return visa && generic ? 0 : 1;
}
