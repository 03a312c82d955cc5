/* SPDX-License-Identifier: Apache-2.0 */
#include "support/tls_service.h"

#include "support/certificates.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

enum { SLOTS = 16, WRITE_SIZE = 128 * 1024 };

static void on_frames(void *context, const struct net_frame *frame, size_t count)
{
    struct tls_service *s = context;
    for (size_t i = 0; i < count; i++) {
        char who[NET_IDENTITY_SIZE];
        net_server_peer_identity(s->server, frame[i].peer, who);
        struct span part = span_is(frame[i].payload, "WHO?") ? span_text(who) : frame[i].payload;
        if (net_server_send(s->server, frame[i].peer, &part, 1) != ERR_OK)
            net_server_close(s->server, frame[i].peer);
    }
}

static int64_t on_turn(void *context)
{
    struct tls_service *s = context;
    if (__atomic_load_n(&s->stop, __ATOMIC_ACQUIRE))
        net_loop_stop(s->loop);
    if (__atomic_load_n(&s->reload, __ATOMIC_ACQUIRE)) {
        s->reloaded = net_server_tls_reload(s->server, &s->problem);
        __atomic_store_n(&s->reload, false, __ATOMIC_RELEASE);
    }
    return NET_NEVER_US;
}

static void *serve(void *context)
{
    struct tls_service *s = context;
    assert_int_equal(net_loop_run(s->loop), ERR_OK);
    return NULL;
}

enum err tls_service_open(struct tls_service *s, const struct net_tls_config *tls)
{
    struct net_server_config config = {.name = "test",
                                       .listen = "127.0.0.1:0",
                                       .framing = {NET_LEN2, 1, TLS_FRAME_MAX},
                                       .sizes = {TLS_FRAME_MAX + 2, WRITE_SIZE, 16},
                                       .connections = SLOTS,
                                       .events = {.frames = on_frames, .context = s},
                                       .tls = tls};
    TRY(net_loop_create(&(struct net_loop_config){.env = &s->env, .turn = on_turn, .context = s}, &s->loop));
    return net_server_create(s->loop, &config, &s->server, &s->problem);
}

struct tls_service *tls_service_start(struct net_tls_config tls)
{
    static struct tls_service service;
    service = (struct tls_service){.log = {-1, LOG_INFO, "test"}};
    service.env = env_system(&service.log);
    service.log.fd = open(certificates_file("test.log"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_int_equal(tls_service_open(&service, &tls), ERR_OK);
    assert_int_equal(pthread_create(&service.thread, NULL, serve, &service), 0);
    return &service;
}

const char *tls_service_finish(struct tls_service *s)
{
    __atomic_store_n(&s->stop, true, __ATOMIC_RELEASE);
    net_loop_wake(s->loop);
    pthread_join(s->thread, NULL);
    net_loop_destroy(s->loop);
    ssize_t len = pread(s->log.fd, s->said, TLS_LOG_SIZE - 1, 0);
    assert_true(len >= 0);
    s->said[len] = 0;
    close(s->log.fd);
    return s->said;
}

void tls_service_ask(struct tls_peer *p, struct span sent, struct span expected)
{
    static uint8_t got[TLS_FRAME_MAX];
    size_t len = 0;
    tls_peer_send(p, sent);
    assert_true(tls_peer_receive_frame(p, got, sizeof got, &len));
    assert_int_equal(len, expected.len);
    assert_memory_equal(got, expected.at, len);
}

enum err tls_service_reload(struct tls_service *s)
{
    __atomic_store_n(&s->reload, true, __ATOMIC_RELEASE);
    net_loop_wake(s->loop);
    for (int i = 0; i < 5000 && __atomic_load_n(&s->reload, __ATOMIC_ACQUIRE); i++)
        usleep(1000);
    return s->reloaded;
}
