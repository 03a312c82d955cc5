/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
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

enum err file_read(const char *path, struct buf *out)
{
    TRY(buf_done(out));
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR ? ERR_NOT_FOUND : errno == EACCES || errno == EPERM ? ERR_FORBIDDEN : ERR_SYSTEM;
    enum err err = read_all(fd, out);
    close(fd);
    return err;
}

const char *file_problem(enum err err)
{
    return err == ERR_NOT_FOUND    ? "cannot be read: there is no such file"
           : err == ERR_FORBIDDEN  ? "cannot be read by this user"
           : err == ERR_PARSE_LONG ? "is too long"
                                   : "cannot be read";
}
