/* SPDX-License-Identifier: Apache-2.0 */
#include "net/internal.h"

#include <netdb.h>
#include <string.h>

void net_problem_set(struct net_problem *problem, const char *subject, const char *reason)
{
    struct buf b = buf_over(problem->text, sizeof problem->text - 1);
    buf_put_span(&b, span_slice(span_text(subject), 0, 80));
    buf_put_text(&b, ": ");
    buf_put_span(&b, span_slice(span_text(reason), 0, 300));
    problem->text[b.len] = 0;
}

/* "[::1]:80" and "::1:80" both end in the port; the brackets are only for people. */
static bool split(const char *text, char host[static 128], char port[static 8])
{
    const char *colon = strrchr(text, ':');
    if (!colon || strlen(colon + 1) == 0 || strlen(colon + 1) > 5)
        return false;
    struct span name = span_of(text, (size_t)(colon - text));
    if (name.len >= 2 && name.at[0] == '[' && name.at[name.len - 1] == ']')
        name = span_slice(name, 1, name.len - 2);
    if (name.len == 0 || name.len > 127)
        return false;
    memcpy(host, name.at, name.len);
    host[name.len] = 0;
    memcpy(port, colon + 1, strlen(colon + 1) + 1);
    return true;
}

void net_address_host(const char *text, char out[static 128])
{
    char port[8];
    bool good = split(text, out, port);
    ASSERT(good);
}

enum err net_address_resolve(const char *text, bool passive, struct sockaddr_storage *out, struct net_problem *problem)
{
    char host[128], port[8];
    uint64_t number = 0;
    if (!split(text, host, port) || span_decimal(span_text(port), &number) != ERR_OK || number > 65535) {
        net_problem_set(problem, text, "not an address; write ADDR:PORT, for example 127.0.0.1:1500");
        return ERR_CONFIG;
    }
    struct addrinfo want = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | (passive ? AI_PASSIVE : 0)};
    struct addrinfo *found = NULL;
    int status = getaddrinfo(strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, port, &want, &found);
    if (status != 0) {
        net_problem_set(problem, text, gai_strerror(status));
        return ERR_CONFIG;
    }
    memset(out, 0, sizeof *out);
    memcpy(out, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    return ERR_OK;
}

void net_address_text(const struct sockaddr_storage *address, char out[static 64])
{
    char host[48] = "";
    bool six = address->ss_family == AF_INET6;
    uint16_t port;
    if (six) {
        const struct sockaddr_in6 *in6 = (const void *)address;
        uv_ip6_name(in6, host, sizeof host);
        port = ntohs(in6->sin6_port);
    } else {
        const struct sockaddr_in *in4 = (const void *)address;
        uv_ip4_name(in4, host, sizeof host);
        port = ntohs(in4->sin_port);
    }
    struct buf b = buf_over(out, 63);
    buf_put_text(&b, six ? "[" : "");
    buf_put_text(&b, host);
    buf_put_text(&b, six ? "]:" : ":");
    buf_put_decimal(&b, port, 0);
    out[b.len] = 0;
}
