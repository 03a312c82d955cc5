/* SPDX-License-Identifier: Apache-2.0 */
/* countersign-hsm send over the whole table: requests made from the rows, typed as names, sent to a real server. */
#include "hostcmd/annotate.h"
#include "wire/named.h"

#include "support/hsm_process.h"
#include "support/rng.h"
#include "support/tool.h"

#include <cjson/cJSON.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROUNDS = 12, LIVE = 4, ROOM = 512 * 1024 };

static struct env env;
static struct hsm_process server;
static uint8_t request[65536], again[65536], frame[HOSTCMD_FRAME_MAX + 64], rebuilt[HOSTCMD_FRAME_MAX + 64], lines[ROOM],
    told[ROOM];

/* ---- parts of a payload cover it ---- */

struct cover {
    struct span payload;
    size_t at;
    bool rest;
    bool gap;
};

static void on_part(void *context, const struct hostcmd_part *part)
{
    struct cover *c = context;
    c->gap |= part->offset != c->at || part->bytes.at != c->payload.at + part->offset;
    c->rest |= strcmp(part->name, "rest") == 0;
    c->at = part->offset + part->bytes.len;
}

static struct span random_request(const struct hostcmd_row *row, struct buf *out)
{
    buf_put_text(out, "HEAD");
    wire_generate(row->request, &env, request);
    assert_int_equal(hostcmd_request_build(row->id, request, HOSTCMD_LMK_DEFAULT, out), ERR_OK);
    return buf_span(out);
}

static void every_byte_of_every_request_is_explained(void **state)
{
    (void)state;
    for (enum hostcmd_id id = 0; id < HOSTCMD_COUNT; id++)
        for (int i = 0; i < 50; i++) {
            struct buf out = buf_over(frame, sizeof frame);
            struct cover c = {.payload = random_request(hostcmd_row(id), &out)};
            struct hostcmd_view view;
            hostcmd_annotate_request(c.payload, 4, &(struct hostcmd_noter){.note = on_part, .context = &c}, request, &view);
            assert_int_equal(view.err, ERR_OK);
            assert_ptr_equal(view.row, hostcmd_row(id));
            assert_false(c.gap || (c.rest && id != HOSTCMD_NK)); /* a generated chain holds anything */
            assert_int_equal(c.at, c.payload.len);
        }
}

/* `&` and `!` have names on either side of %NN. */
static void changes_are_explained(void **state)
{
    (void)state;
    static const char *const tails[] = {"", "&N", "!B", "&N!B%01", "!B%01&N", "%01&N!B", "&N%01!B#C0T2N00E00", "%01&N\x19T"};
    for (size_t i = 0; i < sizeof tails / sizeof tails[0]; i++) {
        char text[256];
        snprintf(text, sizeof text, "HEADA8402U71979DEB8587E2734F1E99D5DCAEF9ACU9B4934384B19946B040CD702B4D58145R%s", tails[i]);
        struct cover c = {.payload = span_text(text)};
        struct hostcmd_view view;
        hostcmd_annotate_request(c.payload, 4, &(struct hostcmd_noter){.note = on_part, .context = &c}, request, &view);
        assert_int_equal(view.err, ERR_OK);
        assert_false(c.gap || c.rest);
        assert_int_equal(c.at, c.payload.len);
    }
}

static void a_cut_request_is_explained_as_far_as_it_goes(void **state)
{
    (void)state;
    size_t faults = 0;
    for (enum hostcmd_id id = 0; id < HOSTCMD_COUNT; id++) {
        struct buf out = buf_over(frame, sizeof frame);
        struct span whole = random_request(hostcmd_row(id), &out);
        for (size_t len = 6; len < whole.len && len < 600; len++) {
            struct cover c = {.payload = span_slice(whole, 0, len)};
            struct hostcmd_view view;
            hostcmd_annotate_request(c.payload, 4, &(struct hostcmd_noter){.note = on_part, .context = &c}, request, &view);
            assert_false(c.gap);
            assert_int_equal(c.at, len);
            assert_true(view.err == ERR_OK || view.fault.field);
            faults += view.err != ERR_OK;
        }
    }
    assert_true(faults > 100);
}

static void every_byte_of_every_reply_is_explained(void **state)
{
    (void)state;
    for (enum hostcmd_id id = 0; id < HOSTCMD_COUNT; id++)
        for (int i = 0; i < 50; i++) {
            const struct hostcmd_row *row = hostcmd_row(id);
            struct buf out = buf_over(frame, sizeof frame);
            struct hostcmd_said answer = hostcmd_said(ERR_OK, row->flags & HOSTCMD_DATA_WITH_01 ? VERDICT_MISMATCH : VERDICT_MATCH);
            buf_put_text(&out, "HEAD");
            wire_generate(hostcmd_reply_record(row, NULL), &env, again);
            assert_int_equal(hostcmd_reply_build(row, answer, NULL, again, span_text("\x19T"), &out), ERR_OK);
            struct cover c = {.payload = buf_span(&out)};
            struct hostcmd_view view;
            hostcmd_annotate_reply(&(struct hostcmd_answer_of){row, NULL, span_text("\x19T")}, c.payload, 4,
                                   &(struct hostcmd_noter){.note = on_part, .context = &c}, again, &view);
            assert_int_equal(view.err, ERR_OK);
            assert_false(c.gap || (c.rest && id != HOSTCMD_NK)); /* a generated chain holds anything */
            assert_int_equal(c.at, c.payload.len);
            assert_string_equal(view.code, hostcmd_said_code(answer));
        }
}

/* ---- the tool ---- */

static void put_pair(const struct wire_field *field, const struct wire_text *member, struct buf *out)
{
    char label[WIRE_LABEL];
    wire_label(field, label);
    buf_put_text(out, label);
    buf_put_byte(out, '=');
    if (field->kind == WIRE_B) {
        buf_put_text(out, "hex:");
        buf_put_hex(out, member->at, member->len);
    } else {
        buf_put(out, member->at, member->len);
    }
    buf_put_byte(out, '\n');
}

/* label=value lines of a record; a member that two rows share stands once. */
static struct span as_lines(const struct wire_record *record, const void *in)
{
    struct buf out = buf_over(lines, sizeof lines);
    bool seen[65536] = {false};
    for (size_t i = 0; i < record->count; i++) {
        const struct wire_field *field = &record->field[i];
        const struct wire_text *member = (const void *)((const uint8_t *)in + field->member);
        if (field->cap == 0 || !member->present || seen[field->member])
            continue;
        seen[field->member] = true;
        put_pair(field, member, &out);
    }
    assert_int_equal(buf_done(&out), ERR_OK);
    return buf_span(&out);
}

static cJSON *run_send(const char *const *argument, struct span input, int *status)
{
    struct buf out = buf_over(told, sizeof told);
    *status = tool_run(argument, input, &out);
    cJSON *json = cJSON_Parse(buf_text(&out));
    if (!json)
        fail_msg("send %s: status %d: %s", argument[1], *status, told);
    return json;
}

static void assert_frame(const cJSON *json, struct span payload)
{
    const cJSON *hex = cJSON_GetObjectItem(cJSON_GetObjectItem(json, "request"), "frame");
    struct buf out = buf_over(rebuilt, sizeof rebuilt);
    assert_non_null(hex);
    struct span text = span_text(hex->valuestring);
    assert_int_equal(span_unhex(text, out.at, out.cap), ERR_OK);
    assert_int_equal(text.len / 2, payload.len + 2);
    assert_memory_equal(out.at + 2, payload.at, payload.len);
}

static void every_command_can_be_typed_by_names(void **state)
{
    (void)state;
    for (enum hostcmd_id id = 0; id < HOSTCMD_COUNT; id++)
        for (int i = 0; i < ROUNDS; i++) {
            const struct hostcmd_row *row = hostcmd_row(id);
            struct buf out = buf_over(frame, sizeof frame);
            struct span payload = random_request(row, &out);
            int status = -1;
            cJSON *json = run_send((const char *[]){"send", row->code, "--fields", "-", "--dry-run", "--json", "--reveal",
                                                    "--header", "48454144", NULL},
                                   as_lines(row->request, request), &status);
            assert_int_equal(status, 0);
            assert_frame(json, payload);
            cJSON_Delete(json);
        }
}

static void every_command_is_answered_and_the_answer_understood(void **state)
{
    (void)state;
    char to[32];
    size_t good = 0;
    (void)snprintf(to, sizeof to, "127.0.0.1:%u", server.port);
    for (enum hostcmd_id id = 0; id < HOSTCMD_COUNT; id++)
        for (int i = 0; i < LIVE; i++) {
            const struct hostcmd_row *row = hostcmd_row(id);
            struct buf out = buf_over(frame, sizeof frame);
            (void)random_request(row, &out);
            int status = -1;
            cJSON *json = run_send((const char *[]){"send", row->code, "--fields", "-", "--json", "--to", to, NULL},
                                   as_lines(row->request, request), &status);
            if (status != 0 && status != 1)
                fail_msg("send %s: status %d: %s", row->code, status, told);
            const cJSON *answer = cJSON_GetObjectItem(json, "answer");
            assert_string_equal(cJSON_GetObjectItem(answer, "command")->valuestring, row->code);
            assert_string_not_equal(cJSON_GetObjectItem(answer, "meaning")->valuestring, "");
            good += status == 0;
            cJSON_Delete(json);
        }
    assert_true(good >= LIVE); /* NC at least */
}

static int start(void **state)
{
    (void)state;
    env = rng_env(7);
    server = hsm_process_start(NULL);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    return hsm_process_stop(&server, SIGTERM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_of_every_request_is_explained),
        cmocka_unit_test(changes_are_explained),
        cmocka_unit_test(a_cut_request_is_explained_as_far_as_it_goes),
        cmocka_unit_test(every_byte_of_every_reply_is_explained),
        cmocka_unit_test(every_command_can_be_typed_by_names),
        cmocka_unit_test(every_command_is_answered_and_the_answer_understood),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
