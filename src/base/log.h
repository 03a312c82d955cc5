/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Structured log: one JSON object a line.
 *
 * Purpose    What happened, for operators. A field is a number or a text that the caller has masked already; there is no printf.
 * Ownership  The log borrows its file descriptor.
 * Threading  A line is one write(2): lines of several threads do not mix.
 * Failure    A line that does not fit 1,024 bytes is cut at a field boundary and marked "cut":1; a failed write is dropped, since
 *            there is nobody to tell.
 *
 * Example
 *     LOG(env->log, LOG_INFO, "hsm.started", LOG_TEXT("listen", "127.0.0.1:1500"), LOG_INT("header", 4));
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

struct log {
    int fd;
    enum log_level least;
    const char *service;
};

struct log_field {
    const char *name;
    const char *text; /* NULL: the number counts */
    int64_t number;
};

#define LOG_TEXT(name_, text_) ((struct log_field){(name_), (text_), 0})
#define LOG_INT(name_, number_) ((struct log_field){(name_), NULL, (int64_t)(number_)})

/* `,"name":"text"` or `,"name":number`, escaped to printable ASCII: what a line is made of, for other files of such lines. */
struct buf;
void log_field_put(struct buf *out, const struct log_field *field);

void log_write(struct log *log, enum log_level level, const char *event, const struct log_field *field, size_t count);

#define LOG(log_, level_, event_, ...)                                             \
    log_write((log_), (level_), (event_), (const struct log_field[]){__VA_ARGS__}, \
              sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field))

#endif
