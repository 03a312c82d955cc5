/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/secret.h"

enum { HTTP_ROOM = 128 * 1024, HSM_HEADER = 4 };

enum err sandbox_connect(uint16_t port, int *out)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct timeval limit = {SANDBOX_WAIT_MS / 1000, 0};
    int one = 1;
    if (fd < 0)
        return ERR_SYSTEM;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
        (void)close(fd);
        return ERR_LINK_UNAVAILABLE;
    }
    *out = fd;
    return ERR_OK;
}

static enum err send_all(int fd, struct span data)
{
    while (data.len > 0) {
        ssize_t n = send(fd, data.at, data.len, MSG_NOSIGNAL);
        if (n <= 0)
            return errno == EAGAIN ? ERR_TIMEOUT : ERR_CLOSED;
        data = span_slice(data, (size_t)n, data.len);
    }
    return ERR_OK;
}

/* Reads until `data` holds `want` bytes or the end; want 0: until the end. */
static enum err receive(int fd, struct buf *data, size_t want)
{
    while (want == 0 || data->len < want) {
        ssize_t n = data->len < data->cap ? recv(fd, data->at + data->len, data->cap - data->len, 0) : -1;
        if (n < 0)
            return errno == EAGAIN ? ERR_TIMEOUT : ERR_FRAME;
        if (n == 0)
            return want == 0 ? ERR_OK : ERR_CLOSED;
        data->len += (size_t)n;
    }
    return ERR_OK;
}

/* ---- HTTP ---- */

static void request_write(const struct sandbox_http *call, struct buf *out)
{
    buf_put_text(out, call->method);
    buf_put_text(out, " ");
    buf_put_text(out, call->path);
    buf_put_text(out, " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n");
    buf_put_span(out, call->headers);
    if (call->body.len) {
        buf_put_text(out, "Content-Type: application/json\r\nContent-Length: ");
        buf_put_decimal(out, call->body.len, 0);
        buf_put_text(out, "\r\n");
    }
    buf_put_text(out, "\r\n");
    buf_put_span(out, call->body);
}

/* Since we ask for Connection: close, the answer's body is what follows the empty line. */
static enum err answer_read(struct span answer, unsigned *status, struct buf *body)
{
    const uint8_t *end = memmem(answer.at, answer.len, "\r\n\r\n", 4);
    uint64_t code = 0;
    if (!end || answer.len < 12 || !span_is(span_slice(answer, 0, 5), "HTTP/"))
        return ERR_FRAME;
    TRY(span_decimal(span_slice(answer, 9, 3), &code));
    *status = (unsigned)code;
    buf_put_span(body, span_slice(answer, (size_t)(end - answer.at) + 4, answer.len));
    return buf_done(body);
}

enum err sandbox_http_call(const struct sandbox_http *call, unsigned *status, struct buf *body)
{
    uint8_t room[HTTP_ROOM];
    struct buf data = buf_over(room, sizeof room);
    int fd = -1;
    request_write(call, &data);
    TRY(buf_done(&data));
    TRY(sandbox_connect(call->port, &fd));
    enum err err = send_all(fd, buf_span(&data));
    secret_wipe(room, data.len);
    data = buf_over(room, sizeof room);
    if (err == ERR_OK)
        err = receive(fd, &data, 0);
    if (err == ERR_OK)
        err = answer_read(buf_span(&data), status, body);
    secret_wipe(room, data.len);
    (void)close(fd);
    return err;
}

bool sandbox_http_says(uint16_t port, const char *path, const char *text)
{
    uint8_t room[64 * 1024];
    struct buf body = buf_over(room, sizeof room);
    unsigned status = 0;
    enum err err = sandbox_http_call(&(struct sandbox_http){.method = "GET", .port = port, .path = path}, &status, &body);
    return err == ERR_OK && status == 200 && memmem(room, body.len, text, strlen(text));
}

/* ---- host commands ---- */

static enum err exchange(int fd, struct span command, struct buf *reply)
{
    static const uint8_t header[HSM_HEADER] = "DEMO";
    uint8_t room[2 + HSM_HEADER + 1024];
    struct buf frame = buf_over(room, sizeof room);
    buf_put_u16(&frame, (uint16_t)(HSM_HEADER + command.len));
    buf_put(&frame, header, sizeof header);
    buf_put_span(&frame, command);
    enum err err = buf_done(&frame);
    if (err == ERR_OK)
        err = send_all(fd, buf_span(&frame));
    secret_wipe(room, sizeof room);
    TRY(err);
    TRY(receive(fd, reply, 2));
    TRY(receive(fd, reply, 2 + (size_t)(reply->at[0] << 8 | reply->at[1])));
    return reply->len > 2 + HSM_HEADER ? ERR_OK : ERR_FRAME;
}

enum err sandbox_hsm_call(uint16_t port, enum hostcmd_id id, const void *request, void *reply)
{
    uint8_t command_room[1024], reply_room[1024];
    struct buf command = buf_over(command_room, sizeof command_room);
    struct buf got = buf_over(reply_room, sizeof reply_room);
    struct hostcmd_said said = {0};
    int fd = -1;
    TRY(hostcmd_request_build(id, request, HOSTCMD_LMK_DEFAULT, &command));
    TRY(sandbox_connect(port, &fd));
    enum err err = exchange(fd, buf_span(&command), &got);
    if (err == ERR_OK)
        err = hostcmd_reply_parse(id, request, span_slice(buf_span(&got), 2 + HSM_HEADER, got.len), &said, reply);
    secret_wipe(command_room, sizeof command_room);
    secret_wipe(reply_room, sizeof reply_room);
    (void)close(fd);
    if (err == ERR_OK && said.verdict == VERDICT_MISMATCH)
        return ERR_FRAME; /* nothing here is compared */
    return err == ERR_OK ? said.cause : err;
}
