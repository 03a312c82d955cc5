/* SPDX-License-Identifier: Apache-2.0 */
#include "support/sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static void set_limits(int fd)
{
    struct timeval five = {.tv_sec = 5};
    int one = 1;
    ASSERT(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &five, sizeof five) == 0);
    ASSERT(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &five, sizeof five) == 0);
    ASSERT(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) == 0);
}

int socket_connect(uint16_t port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT(fd >= 0);
    set_limits(fd);
    ASSERT(connect(fd, (struct sockaddr *)&to, sizeof to) == 0);
    return fd;
}

int socket_listen(uint16_t *port)
{
    struct sockaddr_in on = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof on;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT(fd >= 0 && bind(fd, (struct sockaddr *)&on, sizeof on) == 0 && listen(fd, 16) == 0);
    ASSERT(getsockname(fd, (struct sockaddr *)&on, &len) == 0);
    *port = ntohs(on.sin_port);
    return fd;
}

int socket_accept(int listener)
{
    int fd = accept(listener, NULL, NULL);
    ASSERT(fd >= 0);
    set_limits(fd);
    return fd;
}

void socket_send(int fd, const void *at, size_t len)
{
    const uint8_t *from = at;
    while (len > 0) {
        ssize_t sent = send(fd, from, len, MSG_NOSIGNAL);
        ASSERT(sent > 0);
        from += sent;
        len -= (size_t)sent;
    }
}

void socket_send_frame(int fd, struct span payload)
{
    uint8_t room[65537];
    struct buf b = buf_over(room, sizeof room);
    buf_put_u16(&b, (uint16_t)payload.len);
    buf_put_span(&b, payload);
    ASSERT(buf_done(&b) == ERR_OK);
    socket_send(fd, b.at, b.len);
}

bool socket_receive(int fd, void *at, size_t len)
{
    uint8_t *to = at;
    while (len > 0) {
        ssize_t got = recv(fd, to, len, 0);
        if (got == 0 || (got < 0 && errno == ECONNRESET))
            return false;
        ASSERT(got > 0);
        to += got;
        len -= (size_t)got;
    }
    return true;
}

bool socket_receive_frame(int fd, uint8_t *out, size_t cap, size_t *len)
{
    uint8_t prefix[2];
    if (!socket_receive(fd, prefix, sizeof prefix))
        return false;
    *len = (size_t)prefix[0] << 8 | prefix[1];
    ASSERT(*len <= cap);
    return socket_receive(fd, out, *len);
}

bool socket_closed(int fd)
{
    uint8_t byte;
    ssize_t got = recv(fd, &byte, 1, 0);
    return got == 0 || (got < 0 && errno == ECONNRESET);
}
