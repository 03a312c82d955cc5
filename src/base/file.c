/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static enum err read_all(int fd, struct buf *out)
{
    for (;;) {
        uint8_t beyond;
        bool full = out->len == out->cap;
        ssize_t got = full ? read(fd, &beyond, 1) : read(fd, out->at + out->len, out->cap - out->len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got == 0 ? ERR_OK : ERR_SYSTEM;
        if (full)
            return ERR_PARSE_LONG;
        out->len += (size_t)got;
    }
}

enum err file_read_known(const char *path, struct buf *out, struct stat *facts)
{
    TRY(buf_done(out));
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR ? ERR_NOT_FOUND : errno == EACCES || errno == EPERM ? ERR_FORBIDDEN : ERR_SYSTEM;
    enum err err = fstat(fd, facts) == 0 ? read_all(fd, out) : ERR_SYSTEM;
    int why = errno;
    close(fd);
    errno = why;
    return err;
}

enum err file_read(const char *path, struct buf *out)
{
    struct stat facts;
    return file_read_known(path, out, &facts);
}

const char *file_problem(enum err err)
{
    return err == ERR_NOT_FOUND    ? "cannot be read: there is no such file"
           : err == ERR_FORBIDDEN  ? "cannot be read by this user"
           : err == ERR_PARSE_LONG ? "is too long"
                                   : "cannot be read";
}

enum err file_read_line(int fd, struct buf *out)
{
    size_t before = out->len;
    for (;;) {
        uint8_t byte = 0;
        ssize_t got = read(fd, &byte, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return ERR_SYSTEM;
        if (got == 0 && out->len == before && out->err == ERR_OK)
            return ERR_CLOSED;
        if (got == 0 || byte == '\n')
            return buf_done(out);
        buf_put_byte(out, byte);
        secret_wipe(&byte, 1);
    }
}

enum err file_write(int fd, struct span text)
{
    while (text.len > 0) {
        ssize_t n = write(fd, text.at, text.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return ERR_SYSTEM;
        text = span_slice(text, (size_t)n, text.len);
    }
    return ERR_OK;
}
