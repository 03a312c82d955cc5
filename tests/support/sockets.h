/* SPDX-License-Identifier: Apache-2.0 */
/* Plain blocking sockets for tests that talk to a real port: everything fails the test after five seconds. */
#ifndef SUPPORT_SOCKETS_H
#define SUPPORT_SOCKETS_H

#include "base/buf.h"

int socket_connect(uint16_t port);
/* A listener on a free port of loopback. */
int socket_listen(uint16_t *port);
int socket_accept(int listener);
void socket_send(int fd, const void *at, size_t len);
/* One len2 frame. */
void socket_send_frame(int fd, struct span payload);
/* Exactly `len` bytes; false when the peer closed before. */
bool socket_receive(int fd, void *at, size_t len);
/* One len2 frame into `out`; false when the peer closed. */
bool socket_receive_frame(int fd, uint8_t *out, size_t cap, size_t *len);
/* True if the peer closes (or resets) without sending a byte. */
bool socket_closed(int fd);

#endif
