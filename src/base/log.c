/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include "base/buf.h"
#include "base/env.h"

#include <time.h>
#include <unistd.h>

enum { LINE_MAX_LENGTH = 1024, TAIL_ROOM = 16 };

static const char *const level_name[] = {"debug", "info", "warn", "error"};

static void put_escaped(struct buf *b, const char *text)
{
    static const char digit[] = "0123456789abcdef";
    buf_put_byte(b, '"');
    for (; *text; text++) {
        uint8_t c = (uint8_t)*text;
        if (c == '"' || c == '\\')
            buf_put_byte(b, '\\');
        if (c >= 0x20 && c < 0x7F) {
            buf_put_byte(b, c);
        } else {
            buf_put_text(b, "\\u00");
            buf_put_byte(b, (uint8_t)digit[c >> 4]);
            buf_put_byte(b, (uint8_t)digit[c & 15]);
        }
    }
    buf_put_byte(b, '"');
}

void log_field_put(struct buf *out, const struct log_field *field)
{
    buf_put_byte(out, ',');
    put_escaped(out, field->name);
    buf_put_byte(out, ':');
    if (field->text)
        put_escaped(out, field->text);
    else
        buf_put_integer(out, field->number);
}

void log_write(struct log *log, enum log_level level, const char *event, const struct log_field *field, size_t count)
{
    if (!log || level < log->least)
        return;
    uint8_t line[LINE_MAX_LENGTH];
    struct buf b = buf_over(line, sizeof line - TAIL_ROOM);
    char now[25];
    struct timespec wall;
    clock_gettime(CLOCK_REALTIME, &wall);
    env_rfc3339((int64_t)wall.tv_sec * 1000 + wall.tv_nsec / 1000000, now);
    buf_put_text(&b, "{\"at\":\"");
    buf_put_text(&b, now);
    buf_put_text(&b, "\",\"level\":\"");
    buf_put_text(&b, level_name[level]);
    buf_put_text(&b, "\",\"service\":\"");
    buf_put_text(&b, log->service);
    buf_put_text(&b, "\",\"event\":");
    put_escaped(&b, event);
    size_t good = b.len;
    for (size_t i = 0; i < count && b.err == ERR_OK; i++) {
        log_field_put(&b, &field[i]);
        if (b.err == ERR_OK)
            good = b.len;
    }
    struct buf whole = {line, good, sizeof line, ERR_OK};
    if (b.err != ERR_OK)
        buf_put_text(&whole, ",\"cut\":1");
    buf_put_text(&whole, "}\n");
    ssize_t written = write(log->fd, line, whole.len);
    (void)written;
}
