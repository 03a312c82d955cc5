/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include "base/buf.h"
#include "base/env.h"
#include "base/json.h"

#include <time.h>
#include <unistd.h>

enum { LINE_MAX_LENGTH = 1024, TAIL_ROOM = 16 };

static const char *const level_name[] = {"debug", "info", "warn", "error"};

void log_field_put(struct buf *out, const struct log_field *field)
{
    buf_put_byte(out, ',');
    json_string_ascii(out, span_text(field->name));
    buf_put_byte(out, ':');
    if (field->text)
        json_string_ascii(out, span_text(field->text));
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
    json_string_ascii(&b, span_text(event));
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
