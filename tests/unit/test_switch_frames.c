/* SPDX-License-Identifier: Apache-2.0 */
/* Frames that stand beside others on one connection, and what a frame may carry, against real processes (switch.md 3 and 4.2). The
 * frames are put together here, field by field, without the product's tables. */
#include "support/till.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { CARD = 30, FRAME = 2048, WAIT_MS = 8000 };

struct raw {
    uint8_t field[129][1100];
    size_t len[129];
};

static uint8_t ebcdic(char c)
{
    if (c >= '0' && c <= '9')
        return (uint8_t)(0xF0 + c - '0');
    if (c >= 'A' && c <= 'I')
        return (uint8_t)(0xC1 + c - 'A');
    if (c >= 'J' && c <= 'R')
        return (uint8_t)(0xD1 + c - 'J');
    return c == ' ' ? 0x40 : (uint8_t)(0xE2 + c - 'S');
}

static void put_bytes(struct raw *r, unsigned field, const void *bytes, size_t len)
{
    memcpy(r->field[field], bytes, len);
    r->len[field] = len;
}

/* Digits; on Visa two a byte, an odd one behind a zero; anything else becomes a nibble above nine. */
static void put_digits(struct raw *r, int link, unsigned field, const char *digits, bool prefixed)
{
    uint8_t room[64];
    size_t count = strlen(digits);
    size_t at = 0;
    if (link != LAB_VISA) {
        at = prefixed ? (size_t)snprintf((char *)room, sizeof room, "%02zu", count) : 0;
        memcpy(room + at, digits, count);
        put_bytes(r, field, room, at + count);
        return;
    }
    if (prefixed)
        room[at++] = (uint8_t)count;
    for (size_t i = 0, nibble = count % 2; i < count; i++, nibble++) {
        uint8_t value = digits[i] >= '0' && digits[i] <= '9' ? (uint8_t)(digits[i] - '0') : 0x0E;
        if (nibble % 2 == 0 || i == 0)
            room[at + nibble / 2] = 0;
        room[at + nibble / 2] |= (uint8_t)(nibble % 2 == 0 ? value << 4 : value);
    }
    put_bytes(r, field, room, at + (count + 1) / 2);
}

static void put_text(struct raw *r, int link, unsigned field, const char *text)
{
    uint8_t room[64];
    size_t count = strlen(text);
    for (size_t i = 0; i < count; i++)
        room[i] = link == LAB_VISA ? ebcdic(text[i]) : (uint8_t)text[i];
    put_bytes(r, field, room, count);
}

static char stan[7], rrn[13];

/* A purchase without a code. */
static void raw_request(struct raw *r, int link)
{
    char pan[17];
    lab_pan(CARD, pan);
    memset(r, 0, sizeof *r);
    (void)snprintf(stan, sizeof stan, "%06u", (unsigned)(till_trace % 1000000));
    (void)snprintf(rrn, sizeof rrn, "%012u", (unsigned)(till_trace++ % 1000000000));
    put_digits(r, link, 2, pan, true);
    put_digits(r, link, 3, "000000", false);
    put_digits(r, link, 4, "000000000001", false);
    put_digits(r, link, 7, "1121043000", false);
    put_digits(r, link, 11, stan, false);
    put_digits(r, link, 14, LAB_EXPIRY, false);
    put_digits(r, link, 32, "123456", true);
    put_text(r, link, 37, rrn);
    put_text(r, link, 41, "TERM0001");
    put_text(r, link, 42, "MERCHANT0000001");
    put_digits(r, link, 49, "036", false);
}

static size_t raw_frame(const struct raw *r, int link, uint8_t *out)
{
    uint8_t map[16] = {0};
    for (unsigned f = 2; f <= 128; f++)
        if (r->len[f] > 0)
            map[(f - 1) / 8] |= (uint8_t)(0x80 >> ((f - 1) % 8));
    bool second = false;
    for (int i = 8; i < 16; i++)
        second |= map[i] != 0;
    map[0] |= second ? 0x80 : 0;
    size_t at = 0;
    if (link == LAB_VISA) {
        out[at++] = 0x01;
        out[at++] = 0x00;
        memcpy(out + at, map, second ? 16 : 8);
        at += second ? 16 : 8;
    } else {
        memcpy(out, "0100", 4);
        at = 4;
        for (int i = 0; i < (second ? 16 : 8); i++)
            at += (size_t)snprintf((char *)out + at, 3, "%02X", map[i]);
    }
    for (unsigned f = 2; f <= 128; f++) {
        memcpy(out + at, r->field[f], r->len[f]);
        at += r->len[f];
    }
    return at;
}

static void answer_read(int fd, int link, struct iso8583_message *answer)
{
    uint8_t room[FRAME];
    size_t len = 0;
    assert_true(lab_receive(fd, WAIT_MS, room, sizeof room, &len));
    assert_int_equal(iso8583_parse(lab_profile(link), span_of(room, len), answer, NULL), ERR_OK);
}

static void told(const struct iso8583_message *answer, unsigned field, const char *text)
{
    struct span value = iso8583_get(answer, field);
    if (!span_is(value, text))
        print_error("DE%u is %.*s, not %s\n", field, (int)value.len, (const char *)value.at, text);
    assert_true(span_is(value, text));
}

static void exchange(const struct raw *r, int link, const char *de39)
{
    uint8_t frame[FRAME];
    struct iso8583_message answer;
    int fd = lab_connect(&till_lab, 0, link);
    lab_send(fd, frame, raw_frame(r, link, frame));
    answer_read(fd, link, &answer);
    (void)close(fd);
    told(&answer, 39, de39);
    told(&answer, 37, rrn);
    told(&answer, 41, "TERM0001");
    told(&answer, 42, "MERCHANT0000001");
}

/* ---- one frame never costs another its answer ---- */

static const int links[] = {LAB_VISA, LAB_GENERIC};

static void after_a_purchase(int link, const void *bytes, size_t len, bool stays)
{
    uint8_t room[FRAME];
    struct raw r;
    struct iso8583_message answer;
    int fd = lab_connect(&till_lab, 0, link);
    raw_request(&r, link);
    size_t frame = raw_frame(&r, link, room + 2);
    room[0] = (uint8_t)(frame >> 8);
    room[1] = (uint8_t)frame;
    memcpy(room + 2 + frame, bytes, len);
    assert_int_equal(write(fd, room, 2 + frame + len), 2 + frame + len);
    answer_read(fd, link, &answer);
    told(&answer, 39, "00");
    told(&answer, 37, rrn);
    if (stays) {
        raw_request(&r, link);
        lab_send(fd, room, raw_frame(&r, link, room));
        answer_read(fd, link, &answer);
        told(&answer, 39, "00");
        told(&answer, 37, rrn);
    } else {
        assert_false(lab_receive(fd, WAIT_MS, room, sizeof room, &frame)); /* closed */
        assert_int_equal(read(fd, room, 1), 0);
    }
    (void)close(fd);
}

static void neighbours_are_answered(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        after_a_purchase(links[i], "\0\0", 2, true);         /* a keepalive */
        after_a_purchase(links[i], "\0\0\0\0\0\0", 6, true); /* three of them */
        after_a_purchase(links[i], "\0\1x", 3, true);        /* no MTI */
        after_a_purchase(links[i], "\0\6\xFF\xFF\xFF\xFF\xFF\xFF", 8, true);
        after_a_purchase(links[i],
                         "\0\4"
                         "0110",
                         6, true); /* an answer to nothing */
        after_a_purchase(links[i], "\0\x0A\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00", 12, true);
        after_a_purchase(links[i], "\xFF\xFFrest", 6, false); /* no frame is so long: where the next begins is not known */
        after_a_purchase(links[i], "\x20\x01", 2, false);
    }
}

/* What is dropped without an answer does not keep a connection open that the peer has half closed. */
static void a_half_closed_connection_ends(void **state)
{
    (void)state;
    int fd = lab_connect(&till_lab, 0, LAB_GENERIC);
    uint8_t room[8];
    size_t len = 0;
    assert_int_equal(write(fd, "\0\0\0\1x\0\0", 7), 7);
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    assert_false(lab_receive(fd, WAIT_MS, room, sizeof room, &len));
    assert_int_equal(read(fd, room, 1), 0);
    (void)close(fd);
}

/* ---- 30 gives back what could be read ---- */

static void a_bad_field_is_answered_with_what_was_readable(void **state)
{
    (void)state;
    static const struct {
        unsigned field;
        const char *value;
    } bad[] = {{19, "0X6"}, {23, "00X"}, {3, "00000X"}, {18, "59X9"}, {49, "03X"}, {12, "04300X"}, {22, "01X"}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        for (size_t k = 0; k < 2; k++) {
            struct raw r;
            raw_request(&r, links[k]);
            put_digits(&r, links[k], bad[i].field, bad[i].field == 22 && k == 0 ? "010X" : bad[i].value, false);
            exchange(&r, links[k], "30");
        }
    }
    for (size_t k = 0; k < 2; k++) {
        struct raw r;
        raw_request(&r, links[k]);
        put_text(&r, links[k], 28, "X00000100"); /* a fee is a credit or a debit */
        exchange(&r, links[k], "30");
    }
}

/* ---- fields that nobody needs ---- */

static void the_usual_visa_request(void **state)
{
    (void)state;
    static const char place[] = "COFFEE CORNER SYDNEY              SYDAUS";
    static const uint8_t map62[] = {0x0B, 0x80, 0, 0, 0, 0, 0, 0, 0, 0xE8, 0xF1, 0xF2};
    static const uint8_t map63[] = {0x05, 0x80, 0, 0, 0x00, 0x02};
    struct raw r;
    raw_request(&r, LAB_VISA);
    put_digits(&r, LAB_VISA, 6, "000000000001", false);
    put_digits(&r, LAB_VISA, 19, "036", false);
    put_digits(&r, LAB_VISA, 20, "036", false);
    put_digits(&r, LAB_VISA, 23, "001", false);
    put_text(&r, LAB_VISA, 28, "D00000000");
    put_text(&r, LAB_VISA, 43, place);
    put_bytes(&r, 52, "\1\2\3\4\5\6\7\x8", 8);
    put_bytes(&r, 55, "\5\x9F\x26\1\1\1", 6);
    put_digits(&r, LAB_VISA, 60, "0500000070", true);
    put_digits(&r, LAB_VISA, 61, "000000000000", true);
    put_bytes(&r, 62, map62, sizeof map62);
    put_bytes(&r, 63, map63, sizeof map63);
    put_bytes(&r, 104, "\4\x5C\1\1\1", 5);
    put_bytes(&r, 128, "\1\2\3\4\5\6\7\x8", 8);
    exchange(&r, LAB_VISA, "00");
}

/* The table of switch.md 4.2: the length of a fixed field; below zero: the digits of a length in front of the value. */
static int length_of(unsigned f)
{
    static const struct {
        unsigned first, last;
        int len;
    } fixed[] = {{3, 3, 6},    {4, 6, 12},   {7, 7, 10},   {8, 10, 8},   {11, 12, 6},  {13, 18, 4},  {19, 24, 3},  {25, 26, 2},
                 {27, 27, 1},  {28, 31, 9},  {37, 37, 12}, {38, 38, 6},  {39, 39, 2},  {40, 40, 3},  {41, 41, 8},  {42, 42, 15},
                 {43, 43, 40}, {49, 51, 3},  {52, 52, 16}, {53, 53, 16}, {64, 64, 16}, {65, 65, 2},  {66, 66, 1},  {67, 67, 2},
                 {68, 70, 3},  {71, 72, 4},  {73, 73, 6},  {74, 81, 10}, {82, 85, 12}, {86, 89, 16}, {90, 90, 42}, {95, 95, 42},
                 {91, 91, 1},  {92, 92, 2},  {93, 93, 6},  {94, 94, 7},  {96, 96, 32}, {97, 97, 17}, {98, 98, 25}, {128, 128, 16},
                 {2, 2, -2},   {32, 35, -2}, {44, 45, -2}, {99, 103, -2}};
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
        if (f >= fixed[i].first && f <= fixed[i].last)
            return fixed[i].len;
    return -3;
}

static void every_field_can_be_skipped(void **state)
{
    (void)state;
    for (unsigned f = 3; f <= 128; f++) {
        struct raw r;
        char value[64];
        int len = length_of(f);
        raw_request(&r, LAB_GENERIC);
        /* what the request has, or the switch reads of it */
        if (r.len[f] > 0 || f == 6 || f == 126)
            continue;
        bool amount = (f >= 28 && f <= 31) || f == 97;
        const char *fill = "010101010101010101010101010101010101010101"; /* a date and a time, too */
        if (len > 0)
            (void)snprintf(value, sizeof value, "%s%.*s", amount ? "C" : "", len - amount, fill);
        else
            (void)snprintf(value, sizeof value, "%0*d%.*s", -len, 9, 9, fill);
        put_text(&r, LAB_GENERIC, f, value);
        print_message("DE%u\n", f);
        exchange(&r, LAB_GENERIC, "00");
    }
}

/* ---- dates and times that do not exist ---- */

static void dates_and_times(void **state)
{
    (void)state;
    static const struct {
        unsigned field;
        const char *value, *de39;
    } rows[] = {
        {7, "0230120000", "30"}, {7, "1301120000", "30"}, {7, "0001120000", "30"}, {7, "0431120000", "30"}, {7, "0100120000", "30"},
        {7, "0101240000", "30"}, {7, "0101126000", "30"}, {7, "0101120060", "30"}, {7, "0229235959", "00"}, {12, "240000", "30"},
        {12, "236000", "30"},    {12, "235960", "30"},    {12, "235959", "00"},    {13, "0230", "30"},      {13, "0229", "00"},
        {13, "1232", "30"},      {14, "2913", "30"},      {14, "2900", "30"},      {15, "0230", "30"},      {15, "1131", "30"},
        {15, "1231", "00"},      {16, "1301", "30"},      {17, "0631", "30"},      {73, "270229", "30"},    {73, "280229", "00"},
        {73, "281301", "30"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t k = 0; k < 2; k++) {
            struct raw r;
            raw_request(&r, links[k]);
            put_digits(&r, links[k], rows[i].field, rows[i].value, false);
            exchange(&r, links[k], rows[i].de39);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(neighbours_are_answered),
        cmocka_unit_test(a_half_closed_connection_ends),
        cmocka_unit_test(a_bad_field_is_answered_with_what_was_readable),
        cmocka_unit_test(the_usual_visa_request),
        cmocka_unit_test(every_field_can_be_skipped),
        cmocka_unit_test(dates_and_times),
    };
    return cmocka_run_group_tests_name("sqlite", tests, till_open, till_close);
}
