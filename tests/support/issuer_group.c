/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the issuer share: the world of the moment, and asking it. */
#include "support/issuer_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct world world;

int world_group_setup(void **state)
{
    (void)state;
    world_setup(&world, true);
    return 0;
}

int world_group_teardown(void **state)
{
    (void)state;
    world_teardown(&world);
    return 0;
}

void world_expect(const char *method, const char *path, const char *body, int status, const char *code)
{
    struct world_reply *r = world_ask(&world, method, path, NULL, body);
    if (r->status != status || (code && strcmp(world_text(r, "code"), code) != 0))
        fail_msg("%s %s: %d %s", method, path, r->status, r->body);
    if (code) {
        assert_string_equal(world_header(r, "Content-Type"), "application/problem+json");
        assert_int_equal(cJSON_GetObjectItem(r->json, "status")->valueint, status);
        assert_true(strlen(world_text(r, "title")) > 0 && strlen(world_text(r, "type")) > 0);
        assert_true(strlen(world_text(r, "correlationId")) > 0);
    }
    if (status == 429 || status == 503)
        assert_non_null(world_header(r, "Retry-After"));
    assert_string_equal(world_header(r, "Cache-Control"), "no-store");
    world_reply_free(r);
}

/* A display that succeeds; the code. */
void world_show(const char *card_id, char cvv[4])
{
    char path[128];
    snprintf(path, sizeof path, "/cards/%s/credentials", card_id);
    struct world_reply *r = world_ask(&world, "GET", path, NULL, NULL);
    if (r->status != 200)
        fail_msg("%s: %d %s", card_id, r->status, r->body);
    assert_string_equal(world_text(r, "pan"), WORLD_PAN);
    assert_string_equal(world_text(r, "exp"), "1228");
    snprintf(cvv, 4, "%s", world_text(r, "cvv"));
    world_reply_free(r);
}

/* Cards share the PAN of the vectors, which may be registered once: each test that needs it has a world of its own. */
void world_fresh(const char *product)
{
    world_teardown(&world);
    world_setup(&world, true);
    world_put_card(&world, "v", product, WORLD_PAN);
}
