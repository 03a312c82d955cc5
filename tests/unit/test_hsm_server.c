/* SPDX-License-Identifier: Apache-2.0 */
/* A real countersign-hsm over TCP: framing, pipelining, trailers, garbage, orderly end. */
#include "hostcmd/commands.h"
#include "hsm/guard/policy.h"
#include "hsm/hsm.h"

#include "hostcmd/error.h"
#include "support/hsm_process.h"
#include "support/rng.h"
#include "support/sockets.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { HEADER = 4, ROOM = 40000, BATCH = 200, GARBAGE_FRAMES = 200000 };

static struct hsm_process hsm;

static int start(void **state)
{
    (void)state;
    hsm = hsm_process_start(NULL);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    return hsm_process_stop(&hsm, SIGTERM);
}

static void send_command(int fd, const char *header, struct span command)
{
    uint8_t room[ROOM];
    struct buf b = buf_over(room, sizeof room);
    buf_put(&b, header, HEADER);
    buf_put_span(&b, command);
    socket_send_frame(fd, buf_span(&b));
}

static void expect_reply(int fd, const char *header, const char *reply)
{
    static uint8_t got[ROOM];
    size_t len = 0;
    assert_true(socket_receive_frame(fd, got, sizeof got, &len));
    assert_true(len >= HEADER);
    assert_memory_equal(got, header, HEADER);
    struct span text = span_of(got + HEADER, len - HEADER);
    if (!span_is(text, reply))
        fail_msg("%.*s instead of %s", (int)text.len, (const char *)text.at, reply);
}

static void expect_exchange(int fd, const char *command, const char *reply)
{
    send_command(fd, "HEAD", span_text(command));
    expect_reply(fd, "HEAD", reply);
}

/* The recorded NC and the rules of host-commands.md 1; B2 of 5.4; and host-commands.md 7. */
static void test_status_commands(void **state)
{
    (void)state;
    int fd = socket_connect(hsm.port);
    expect_exchange(fd, "NC", "ND0026860400000000001500-0023");
    expect_exchange(fd, "NC%00", "ND0026860400000000001500-0023");
    expect_exchange(fd, "NC%02", "ND13");
    expect_exchange(fd, "NO00", "NP003110241500-002300000");
    expect_exchange(fd, "NO01", "NP000");
    expect_exchange(fd, "NO02", "NP15");
    expect_exchange(fd, "B200100123456789ABCDEF", "B3000123456789ABCDEF");
    expect_exchange(fd, "B200110123456789ABCDEF", "B380");
    expect_exchange(fd, "B2000F0123456789ABCDEF", "B315");
    expect_exchange(fd, "XX", "XY68");
    expect_exchange(fd, "JA04", "JB68");
    expect_exchange(fd, "QY1", "QZ68");
    expect_exchange(fd, "PM01", "PN15");
    expect_exchange(fd, "CW", "CX15");
    close(fd);
}

/* host-commands.md 5.4: frames of nickntg/thalessimulatorlibrary, of a recorded payShield (the key block) and of our vectors. */
static void test_code_frames(void **state)
{
    (void)state;
    static const char *const row[][2] = {
        {"CWU9B4934384B19946B040CD702B4D581454123456789012345;8701101", "CX00561"},
        {"CW0A61E674E88C6A7EEABC38C2B2BB492F4999988887777;9105111", "CX00649"},
        {"CYU9B4934384B19946B040CD702B4D581455614123456789012345;8701101", "CZ00"},
        {"CYU9B4934384B19946B040CD702B4D581451114123456789012345;8701101", "CZ01"},
        {"CWS00072C0TN00E0001A417975993E2331918759DD1656AC94306BE01C19FDE29E83A93AB42502265400089000092;2010620%01", "CX00181"},
        {"QY0UB68E039974B21519E5E2226866C4D3A0A4123456789012345;2812998000001", "QZ00104"},
        {"PM00UB68E039974B21519E5E2226866C4D3A0A4123456789012345;2812998000001104", "PN00"},
        {"PM00UB68E039974B21519E5E2226866C4D3A0A4123456789012345;2812998000001105", "PN01"},
        {"QY5UB68E039974B21519E5E2226866C4D3A0A4123456789012345;2812000260101000001", "QZ00411"},
        {"PM50UB68E039974B21519E5E2226866C4D3A0A4123456789012345;2812000260101000001411", "PN00"},
        {"PM50UB68E039974B21519E5E2226866C4D3A0A4123456789012345;2812000260101000001410", "PN01"},
        {"BU0200406FBB23A5214DF", "BV000035BBE340A4B763"},
    };
    int fd = socket_connect(hsm.port);
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++)
        expect_exchange(fd, row[i][0], row[i][1]);
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++)
        send_command(fd, "HEAD", span_text(row[i][0]));
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++)
        expect_reply(fd, "HEAD", row[i][1]);
    close(fd);
}

/* In authorised state and compatibility mode PM tells what it expected (host-commands.md 5.3). */
static void test_authorised_state(void **state)
{
    (void)state;
    struct hsm_process other = hsm_process_start((const char *const[]){"--set", "hsm.authorised=true", NULL});
    int fd = socket_connect(other.port);
    expect_exchange(fd, "PM00UB68E039974B21519E5E2226866C4D3A0A4123456789012345;2812998000001105", "PN01104");
    expect_exchange(fd, "PM00UB68E039974B21519E5E2226866C4D3A0A4123456789012345;2812998000001104", "PN00");
    close(fd);
    assert_int_equal(hsm_process_stop(&other, SIGTERM), 0);
}

static void test_trailers(void **state)
{
    (void)state;
    int fd = socket_connect(hsm.port);
    expect_exchange(fd, "NC\x19", "ND0026860400000000001500-0023\x19");
    expect_exchange(fd,
                    "NC\x19"
                    "ABC",
                    "ND0026860400000000001500-0023\x19"
                    "ABC");
    expect_exchange(fd,
                    "NC%00\x19"
                    "%01",
                    "ND0026860400000000001500-0023\x19"
                    "%01");
    expect_exchange(fd,
                    "NO\x19"
                    "12345678901234567890123456789012",
                    "NP15\x19"
                    "12345678901234567890123456789012");
    expect_exchange(fd,
                    "NC\x19"
                    "123456789012345678901234567890123",
                    "ND15");
    expect_exchange(fd,
                    "B20003A\x19"
                    "B\x19"
                    "t",
                    "B300A\x19"
                    "B\x19"
                    "t");
    expect_exchange(fd,
                    "XX\x19"
                    "t",
                    "XY68\x19"
                    "t");
    close(fd);
}

static void test_lengths(void **state)
{
    (void)state;
    static const struct {
        const char *wire;
        size_t len;
    } row[] = {{"\0\0", 2}, {"\0\5HEADN", 7}, {"\200\1HEADNC", 8}, {"\377\377", 2}};
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        int fd = socket_connect(hsm.port);
        socket_send(fd, row[i].wire, row[i].len);
        assert_true(socket_closed(fd));
        close(fd);
    }
    /* The largest frame: LEN 32,768. */
    static uint8_t large[HOSTCMD_FRAME_MAX];
    struct buf b = buf_over(large, sizeof large);
    int fd = socket_connect(hsm.port);
    buf_put_text(&b, "HEADB27FF0");
    buf_put_fill(&b, 'x', 0x7FF0);
    buf_put_text(&b, "%00\x19"
                     "tt");
    assert_int_equal(b.len, sizeof large);
    socket_send_frame(fd, buf_span(&b));
    size_t len = 0;
    static uint8_t got[ROOM];
    assert_true(socket_receive_frame(fd, got, sizeof got, &len));
    assert_int_equal(len, 8 + 0x7FF0 + 3);
    assert_memory_equal(got, "HEADB300xxxx", 12);
    close(fd);
}

static void test_half_frames(void **state)
{
    (void)state;
    int fd = socket_connect(hsm.port);
    static const char wire[] = "\0\6HEADNC\0\6abcdNC";
    for (size_t i = 0; i < sizeof wire - 1; i++) {
        socket_send(fd, wire + i, 1);
        usleep(300);
    }
    expect_reply(fd, "HEAD", "ND0026860400000000001500-0023");
    expect_reply(fd, "abcd", "ND0026860400000000001500-0023");
    close(fd);
}

static void number(char header[static HEADER + 1], unsigned value)
{
    struct buf b = buf_over(header, HEADER + 1);
    buf_put_decimal(&b, value, HEADER);
    assert_true(*buf_text(&b));
}

/* Answers of one connection keep the order of the requests, whatever they ask and however many are on the way. */
static void test_pipelining(void **state)
{
    (void)state;
    enum { CONNECTIONS = 16, DEPTH = 300 };
    int fd[CONNECTIONS];
    for (unsigned c = 0; c < CONNECTIONS; c++) {
        fd[c] = socket_connect(hsm.port);
        for (unsigned i = 0; i < DEPTH; i++) {
            char header[HEADER + 1];
            number(header, c * DEPTH + i);
            send_command(fd[c], header, span_text(i % 3 == 0 ? "NC" : i % 3 == 1 ? "B20003ABC" : "CWrubbish"));
        }
    }
    for (unsigned c = 0; c < CONNECTIONS; c++) {
        for (unsigned i = 0; i < DEPTH; i++) {
            char header[HEADER + 1];
            number(header, c * DEPTH + i);
            expect_reply(fd[c], header, i % 3 == 0 ? "ND0026860400000000001500-0023" : i % 3 == 1 ? "B300ABC" : "CX15");
        }
        close(fd[c]);
    }
}

/* ---- garbage ---- */

static uint32_t draw(const struct env *env, size_t bound)
{
    uint32_t value;
    env_random(env, &value, sizeof value);
    return (uint32_t)(value % bound);
}

/* A frame as the table makes it, damaged in a few places; or nothing but random bytes. */
static size_t make_frame(const struct env *env, uint8_t *out)
{
    static _Alignas(8) uint8_t record[HOSTCMD_RECORD_MAX];
    struct buf b = buf_over(out, ROOM);
    if (draw(env, 4) == 0) {
        size_t len = 2 + draw(env, 60);
        env_random(env, out, len);
        return len;
    }
    enum hostcmd_id id = (enum hostcmd_id)draw(env, HOSTCMD_COUNT);
    if (id == HOSTCMD_B2 && draw(env, 50) != 0)
        id = HOSTCMD_PM;
    wire_generate(hostcmd_row(id)->request, env, record);
    assert_int_equal(hostcmd_request_build(id, record, draw(env, 3) == 0 ? (int)draw(env, 3) : HOSTCMD_LMK_DEFAULT, &b), ERR_OK);
    for (size_t n = draw(env, 4); n > 0 && b.len > 2; n--) {
        size_t at = draw(env, b.len);
        switch (draw(env, 4)) {
        case 0:
            out[at] = (uint8_t)draw(env, 256);
            break;
        case 1:
            out[at] = (uint8_t)("0;%#F\x19ZUSK"[draw(env, 10)]);
            break;
        case 2:
            b.len = at < 2 ? 2 : at;
            break;
        default:
            buf_put_byte(&b, (uint8_t)draw(env, 256));
            break;
        }
    }
    return b.len;
}

/* Every frame of a legal length has exactly one answer, in order, with its header and a code of two characters. */
static void test_garbage_frames(void **state)
{
    (void)state;
    struct env env = rng_env(20261121);
    static uint8_t frame[ROOM];
    static char header[BATCH][HEADER];
    static uint8_t got[ROOM];
    int fd = socket_connect(hsm.port);
    for (unsigned done = 0; done < GARBAGE_FRAMES; done += BATCH) {
        for (unsigned i = 0; i < BATCH; i++) {
            env_random(&env, header[i], HEADER);
            size_t len = make_frame(&env, frame);
            send_command(fd, header[i], span_of(frame, len > HOSTCMD_FRAME_MAX - HEADER ? HOSTCMD_FRAME_MAX - HEADER : len));
        }
        for (unsigned i = 0; i < BATCH; i++) {
            size_t len = 0;
            assert_true(socket_receive_frame(fd, got, sizeof got, &len));
            assert_true(len >= HEADER + 4);
            assert_memory_equal(got, header[i], HEADER);
        }
    }
    close(fd);
    assert_true(hsm_process_alive(&hsm));
}

static void test_garbage_streams(void **state)
{
    (void)state;
    struct env env = rng_env(7);
    for (int i = 0; i < 300; i++) {
        uint8_t bytes[600];
        env_random(&env, bytes, sizeof bytes);
        if (i % 3 == 0)
            bytes[0] = 0; /* a length that may be read */
        int fd = socket_connect(hsm.port);
        socket_send(fd, bytes, 1 + draw(&env, sizeof bytes));
        close(fd);
    }
    assert_true(hsm_process_alive(&hsm));
    int fd = socket_connect(hsm.port);
    expect_exchange(fd, "NC", "ND0026860400000000001500-0023");
    close(fd);
}

/* ---- the process ---- */

static void test_header_of_any_length(void **state)
{
    (void)state;
    struct hsm_process other = hsm_process_start((const char *const[]){"--header", "0", NULL});
    int fd = socket_connect(other.port);
    socket_send_frame(fd, span_text("NO01"));
    uint8_t got[64];
    size_t len = 0;
    assert_true(socket_receive_frame(fd, got, sizeof got, &len));
    assert_memory_equal(got, "NP000", len);
    close(fd);
    assert_int_equal(hsm_process_stop(&other, SIGINT), 0);
}

static void test_disabled_commands(void **state)
{
    (void)state;
    struct hsm_process other = hsm_process_start((const char *const[]){"--set", "hsm.disabled=AS,NO", NULL});
    int fd = socket_connect(other.port);
    expect_exchange(fd, "AS", "AT68");
    expect_exchange(fd, "NO01\x19t", "NP68\x19t");
    expect_exchange(fd, "B20001A", "B300A");
    close(fd);
    assert_int_equal(hsm_process_stop(&other, SIGTERM), 0);
    uint64_t mask = 7;
    static const char *const bad[] = {"XX", "A", "AS,", ",AS", "AS;NO", "AS,NOx", "ASNO"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(hsm_disabled_parse(bad[i], &mask), HOSTCMD_ERR_COMMAND_DISABLED);
    assert_int_equal(mask, 7);
    assert_int_equal(hsm_disabled_parse("", &mask), ERR_OK);
    assert_int_equal(mask, 0);
}

static void test_end_is_orderly(void **state)
{
    (void)state;
    struct hsm_process other = hsm_process_start(NULL);
    int fd = socket_connect(other.port);
    for (int i = 0; i < 50; i++)
        send_command(fd, "HEAD", span_text("NO01"));
    for (int i = 0; i < 50; i++)
        expect_reply(fd, "HEAD", "NP000");
    assert_int_equal(hsm_process_stop(&other, SIGTERM), 0);
    assert_true(socket_closed(fd));
    close(fd);
}

static void test_admin(void **state)
{
    (void)state;
    static const char *const path[] = {"healthz", "readyz", "metrics"};
    for (size_t i = 0; i < 3; i++) {
        char text[4096];
        (void)snprintf(text, sizeof text, "GET /%s HTTP/1.1\r\nHost: x\r\n\r\n", path[i]);
        int fd = socket_connect(hsm.admin_port);
        socket_send(fd, text, strlen(text));
        ssize_t len = read(fd, text, sizeof text - 1);
        assert_true(len > 0);
        text[len] = 0;
        assert_non_null(strstr(text, "HTTP/1.1 200 OK"));
        if (i == 2)
            assert_non_null(strstr(text, "\ncountersign_hsm_commands_total "));
        close(fd);
    }
}

/* No pretending: without LMKs there is no HSM. */
static void test_without_lmk(void **state)
{
    (void)state;
    char command[256];
    char self[128];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    assert_true(len > 0);
    self[len] = 0;
    (void)snprintf(command, sizeof command, "$(dirname %s)/../../countersign-hsm 2>/dev/null", self);
    int status = system(command);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_status_commands),
        cmocka_unit_test(test_code_frames),
        cmocka_unit_test(test_authorised_state),
        cmocka_unit_test(test_trailers),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_half_frames),
        cmocka_unit_test(test_pipelining),
        cmocka_unit_test(test_garbage_frames),
        cmocka_unit_test(test_garbage_streams),
        cmocka_unit_test(test_header_of_any_length),
        cmocka_unit_test(test_disabled_commands),
        cmocka_unit_test(test_end_is_orderly),
        cmocka_unit_test(test_admin),
        cmocka_unit_test(test_without_lmk),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
