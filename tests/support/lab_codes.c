/* SPDX-License-Identifier: Apache-2.0 */
/* The lab asks its HSM for codes, as an issuer would. */
#include "support/lab.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static _Noreturn void die(const char *what)
{
    (void)fprintf(stderr, "lab: %s (%s)\n", what, strerror(errno));
    exit(1);
}

static size_t command_write(size_t n, bool one_time, int64_t issue_n, int64_t at_ms, char *out, size_t cap)
{
    struct env_calendar c = env_calendar(at_ms);
    char pan[17];
    lab_pan(n, pan);
    if (one_time)
        return (size_t)snprintf(out, cap, "0000QY0" LAB_MK "A%s;" LAB_EXPIRY "998%06d", pan, (int)issue_n);
    if (at_ms != 0)
        return (size_t)snprintf(out, cap, "0000QY5" LAB_MK "A%s;" LAB_EXPIRY "000%02d%02d%02d%02d%02d01", pan, c.year % 100,
                                c.month, c.day, c.hour, c.minute);
    return (size_t)snprintf(out, cap, "0000CW" LAB_CVK "%s;" LAB_EXPIRY "000", pan);
}

static void code_ask(struct lab *lab, size_t n, bool one_time, int64_t issue_n, int64_t at_ms, char out[static 4])
{
    int fd = lab_connect_port(lab->hsm_port);
    size_t len = 0;
    if (fd < 0)
        die("no HSM");
    char command[160];
    lab_send(fd, command, command_write(n, one_time, issue_n, at_ms, command, sizeof command));
    uint8_t answer[64];
    if (!lab_receive(fd, 2000, answer, sizeof answer, &len) || len != 11 || memcmp(answer + 6, "00", 2) != 0)
        die("the HSM gives no code");
    memcpy(out, answer + 8, 3);
    out[3] = 0;
    (void)close(fd);
}

void lab_code_static(struct lab *lab, size_t n, char out[static 4])
{
    code_ask(lab, n, false, 0, 0, out);
}

void lab_code_one_time(struct lab *lab, size_t n, int64_t issue_n, char out[static 4])
{
    code_ask(lab, n, true, issue_n, 0, out);
}

void lab_code_window(struct lab *lab, size_t n, int64_t at_ms, char out[static 4])
{
    code_ask(lab, n, false, 0, at_ms, out);
}

void lab_codes_many(struct lab *lab, size_t first, size_t count, bool one_time, char *out)
{
    enum { AT_ONCE = 64 };
    int fd = lab_connect_port(lab->hsm_port);

    if (fd < 0)
        die("no HSM");
    for (size_t done = 0; done < count;) {
        size_t part = count - done < AT_ONCE ? count - done : AT_ONCE;

        for (size_t i = 0; i < part; i++) {
            char command[160];

            lab_send(fd, command, command_write(first + done + i, one_time, 1, 0, command, sizeof command));
        }
        for (size_t i = 0; i < part; i++) {
            uint8_t answer[64];
            size_t len = 0;

            if (!lab_receive(fd, 2000, answer, sizeof answer, &len) || len != 11)
                die("the HSM gives no code");
            memcpy(out + 3 * (done + i), answer + 8, 3); /* answers of one connection keep the order of the commands */
        }
        done += part;
    }
    (void)close(fd);
}
