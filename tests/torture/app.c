/* SPDX-License-Identifier: Apache-2.0 */
/* The holders' app: displays over the issuer's API, one at a time for each card, and the shelf from which tellers take codes. */
#include "torture/torture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { UNLOCK_TRIES = 900, ANSWER = 4096 };

/* The HTTP status and the whole answer; 0: none came. */
static int ask(struct torture *t, uint32_t card, const char *method, const char *path, const char *body, char answer[ANSWER])
{
    char text[512];
    int len = snprintf(text, sizeof text,
                       "%s /v2/issuers/" LAB_ISSUER "/cards/card-%u%s HTTP/1.1\r\nHost: app\r\nX-Api-Key: " LAB_API_KEY
                       "\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                       method, card, path, strlen(body), body);
    struct torture_moment then = torture_now(t);
    int fd = lab_connect_port(t->lab.issuer_port), status = 0;
    size_t got = 0;
    if (fd < 0)
        return 0;
    bool going = write(fd, text, (size_t)len) == len;
    while (going && got < ANSWER - 1) {
        ssize_t n = torture_hears(t, fd, then) ? read(fd, answer + got, ANSWER - 1 - got) : 0;
        going = n > 0;
        got += n > 0 ? (size_t)n : 0;
    }
    (void)close(fd);
    answer[got] = 0;
    return strstr(answer, "\r\n\r\n") && sscanf(answer, "HTTP/1.1 %d", &status) == 1 ? status : 0;
}

static void told(struct torture_card *c, const char code[4])
{
    if (c->count == c->cap) {
        c->cap = c->cap ? c->cap * 2 : 64;
        c->told = realloc(c->told, c->cap * sizeof *c->told);
        if (!c->told)
            abort();
    }
    memcpy(c->told[c->count++], code, 4);
}

/* The code that was shown; false: none was. */
static bool display(struct torture *t, uint32_t card, char code[4])
{
    char answer[ANSWER];
    struct torture_card *c = torture_card(t, card);
    struct torture_moment then = torture_now(t);
    int status = ask(t, card, "GET", "/credentials", "", answer);
    const char *at = status == 200 ? strstr(answer, "\"cvv\":\"") : NULL;
    atomic_fetch_add(&t->displays, 1);
    if (at) {
        (void)snprintf(code, 4, "%.3s", at + 7);
        told(c, code);
        return true;
    }
    c->unsure++;
    if (!torture_excused(t, then) && !(status == 503 && torture_slow(t, then))) {
        char what[64];
        (void)snprintf(what, sizeof what, "a display was answered %d, and nothing was wrong", status);
        torture_wrong_card(t, card, what);
    }
    return false;
}

bool torture_show(struct torture *t, uint32_t card, struct torture_shown *out)
{
    struct torture_card *c = torture_card(t, card);
    if (pthread_mutex_trylock(&c->showing) != 0)
        return false;
    bool shown = display(t, card, out->code);
    out->number = (uint32_t)c->count;
    if (!shown)
        (void)pthread_mutex_unlock(&c->showing);
    return shown;
}

void torture_shelve(struct torture *t, uint32_t card, const struct torture_shown *shown)
{
    struct torture_card *c = torture_card(t, card);
    (void)pthread_mutex_lock(&c->at_shelf);
    c->shelf = *shown;
    (void)pthread_mutex_unlock(&c->at_shelf);
    (void)pthread_mutex_unlock(&c->showing);
}

struct torture_shown torture_take(struct torture *t, uint32_t card)
{
    struct torture_shown taken = {.code = "000"};
    struct torture_card *c = torture_card(t, card);
    if (!c) {
        memcpy(taken.code, t->fixed[card - 1], sizeof taken.code);
        return taken;
    }
    (void)pthread_mutex_lock(&c->at_shelf);
    taken = c->shelf;
    (void)pthread_mutex_unlock(&c->at_shelf);
    return taken;
}

void torture_unlock(struct torture *t, uint32_t card)
{
    char answer[ANSWER];
    for (int i = 0; i < UNLOCK_TRIES; i++) {
        struct torture_moment then = torture_now(t);
        int status = ask(t, card, "POST", "/unlock", "{\"reason\":\"it was not the holder\"}", answer);
        if (status == 200)
            return;
        if (!torture_excused(t, then) && !(status == 503 && torture_slow(t, then)))
            break;
        (void)usleep(100000);
    }
    torture_wrong_card(t, card, "it cannot be unlocked");
}

void torture_show_all(struct torture *t)
{
    for (uint32_t card = TORTURE_CARDS + 1; card <= 2 * TORTURE_CARDS; card++) {
        struct torture_shown shown;
        torture_unlock(t, card);
        if (torture_show(t, card, &shown))
            torture_shelve(t, card, &shown);
    }
}
