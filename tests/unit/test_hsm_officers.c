/* SPDX-License-Identifier: Apache-2.0 */
/* Officers of a running HSM under a clock of ours: what ends by time, what waits after wrong keys, what hardened mode refuses. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "hsm/hsm.h"
#include "hsm/key/keys.h"
#include "hsm/process/console.h"
#include "keys/component.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const words[] = {"officer one's passphrase", "officer two's passphrase", "officer three's words"};
static const struct hsm_decision load = {.deed = HSM_LOAD}, online = {.deed = HSM_ONLINE},
                                 generate = {.deed = HSM_AUTHORISE, .activity = HOSTCMD_GENERATE, .type = "402", .minutes = 10};

static int64_t now_us = 1000000;
static struct env env;
static char folder[] = "/tmp/countersign-officers-XXXXXX";
static char path[64];
static struct hsm *hsm;
static struct hsm_officers *officers;
static char problem[HSM_PROBLEM];

static int64_t clock_us(void *context)
{
    (void)context;
    return now_us;
}

static void pass_s(int64_t seconds)
{
    now_us += seconds * 1000000;
    hsm_officers_tick(officers);
}

/* A store of three officers, any two of whom open it, with one random LMK. */
static void make_store(struct crypto_kdf_cost cost, bool test)
{
    struct keys_store *s = NULL;
    struct keys_material lmk;
    struct keys_lmk_facts facts = {.kind = KEYS_LMK_VARIANT, .test = test};
    char why[KEYS_STORE_PROBLEM] = "";
    assert_int_equal(keys_store_create(cost, 2, 3, &env, &s), ERR_OK);
    for (uint8_t i = 0; i < 3; i++)
        assert_int_equal(keys_store_passphrase(s, (uint8_t)(i + 1), span_text(words[i]), &env), ERR_OK);
    keys_component_generate(KEYS_LMK_VARIANT, &env, &lmk);
    assert_int_equal(keys_store_put(s, &facts, &lmk), ERR_OK);
    assert_int_equal(keys_store_write(s, path, &env, why), ERR_OK);
    keys_store_destroy(s);
}

static void start(bool hardened, uint8_t voices)
{
    const struct hsm_config config = {.env = &env, .hardened = hardened};
    const struct hsm_officers_config setting = {.store = path, .voices = voices, .live_only = hardened};
    assert_int_equal(hsm_create(&config, &hsm), ERR_OK);
    assert_int_equal(hsm_officers_create(hsm_context(hsm), &setting, &officers), ERR_OK);
}

static void stop(void)
{
    hsm_officers_destroy(officers);
    hsm_destroy(hsm);
    unlink(path);
}

static enum err prove(uint8_t number, const char *passphrase, const struct hsm_decision *d, bool *done)
{
    struct hsm_salt salt;
    struct hsm_voices voices = {0};
    uint8_t key[KEYS_STORE_KEY];
    problem[0] = 0;
    TRY(hsm_officers_salt(officers, number, d->deed, &salt, problem));
    assert_int_equal(crypto_kdf_scrypt(span_text(passphrase), span_of(salt.salt, sizeof salt.salt), salt.cost, key, sizeof key),
                     ERR_OK);
    TRY(hsm_officers_prove(officers, number, key, d, &voices, problem));
    *done = voices.done;
    return ERR_OK;
}

static bool agrees(uint8_t number, const struct hsm_decision *d)
{
    bool done = false;
    assert_int_equal(prove(number, words[number - 1], d, &done), ERR_OK);
    return done;
}

static void answers(const char *command, const char *wanted)
{
    uint8_t room[1024];
    struct buf reply = buf_over(room, sizeof room);
    assert_int_equal(hsm_answer(hsm, NULL, span_text(command), &reply), ERR_OK);
    if (reply.len < strlen(wanted) || memcmp(room, wanted, strlen(wanted)) != 0)
        fail_msg("%s answered %.*s, wanted %s", command, (int)reply.len, (const char *)room, wanted);
}

static const struct crypto_kdf_cost cheap = {4, 1, 1};

/* ---- voices ---- */

static void a_pending_load_is_forgotten(void **state)
{
    (void)state;
    make_store(cheap, true);
    start(false, 2);
    assert_false(agrees(1, &load));
    pass_s(HSM_PENDING_S - 1);
    assert_false(agrees(1, &load)); /* the same officer is still one, and gains no time */
    pass_s(1);
    assert_false(agrees(2, &load));
    answers("NC", "ND13");
    assert_true(agrees(1, &load));
    answers("NC", "ND00");
    assert_true(hsm_officers_ready(officers));
    stop();
}

static void another_decision_takes_the_place(void **state)
{
    (void)state;
    struct hsm_decision longer = generate;
    make_store(cheap, true);
    start(false, 2);
    assert_false(agrees(1, &load));
    assert_true(agrees(2, &load));
    assert_false(agrees(1, &generate));
    longer.minutes = 11;
    assert_false(agrees(2, &longer)); /* not what the first agreed to */
    assert_int_equal(hsm_state_count(hsm_context(hsm)->state, 0), 0);
    assert_true(agrees(3, &longer));
    assert_int_equal(hsm_state_count(hsm_context(hsm)->state, 0), 1);
    assert_false(agrees(2, &generate));
    stop();
}

static void as_many_voices_as_set(void **state)
{
    (void)state;
    make_store(cheap, true);
    start(false, 3);
    assert_false(agrees(1, &load));
    assert_true(agrees(2, &load));
    assert_false(agrees(1, &generate));
    assert_false(agrees(2, &generate));
    assert_true(agrees(3, &generate));
    stop();
    make_store(cheap, true);
    start(false, 4);
    bool done = false;
    assert_int_equal(prove(1, words[0], &load, &done), ERR_FORBIDDEN);
    assert_non_null(strstr(problem, "authorise_officers"));
    stop();
}

static void wrong_keys_make_everyone_wait(void **state)
{
    (void)state;
    bool done = false;
    make_store(cheap, true);
    start(false, 2);
    for (int i = 1; i < HSM_TRIES_FREE; i++)
        assert_int_equal(prove(1, "a wrong one", &load, &done), ERR_AUTHENTICATION);
    assert_false(agrees(1, &load)); /* the first ones are free */
    for (int64_t wait_s = 1; wait_s < HSM_WAIT_MAX_S; wait_s *= 2) {
        assert_int_equal(prove(2, "a wrong one", &load, &done), ERR_AUTHENTICATION);
        now_us += wait_s * 1000000 - 1;
        assert_int_equal(prove(2, words[1], &load, &done), ERR_RATE);
        now_us++;
    }
    for (int i = 0; i < 3; i++) {
        assert_int_equal(prove(2, "a wrong one", &load, &done), ERR_AUTHENTICATION);
        pass_s(HSM_WAIT_MAX_S);
    }
    assert_false(agrees(2, &load));
    assert_true(agrees(3, &load));
    /* A decision carried out starts the counting anew. */
    assert_int_equal(prove(1, "a wrong one", &online, &done), ERR_AUTHENTICATION);
    assert_false(agrees(1, &online));
    stop();
}

/* ---- states ---- */

static void activities_end_by_time(void **state)
{
    (void)state;
    make_store((struct crypto_kdf_cost){KEYS_SCRYPT_FLOOR, 8, 1}, false);
    start(true, 2);
    assert_false(agrees(1, &load));
    assert_true(agrees(2, &load));
    answers("AS;0U1", "AT17");
    assert_false(agrees(1, &generate));
    assert_true(agrees(3, &generate));
    answers("AS;0U1", "AT00U");
    pass_s(10 * 60 - 1);
    answers("AS;0U1", "AT00U");
    pass_s(1);
    answers("AS;0U1", "AT17");
    assert_false(agrees(1, &generate));
    assert_true(agrees(3, &generate));
    hsm_officers_secure(officers);
    assert_false(agrees(1, &online));
    answers("AS;0U1", "AT17");
    assert_true(agrees(2, &online));
    answers("AS;0U1", "AT17");
    assert_false(agrees(1, &generate));
    assert_true(agrees(3, &generate));
    hsm_officers_cancel(officers, 0);
    answers("AS;0U1", "AT17");
    hsm_officers_zeroise(officers);
    answers("NC", "ND13");
    assert_false(hsm_officers_ready(officers));
    bool done = false;
    assert_int_equal(prove(1, words[0], &online, &done), ERR_NOT_AUTHORISED);
    stop();
}

static void hardened_takes_live_lmks_alone(void **state)
{
    (void)state;
    bool done = false;
    make_store(cheap, true);
    start(true, 2);
    assert_int_equal(prove(1, words[0], &load, &done), ERR_FORBIDDEN);
    assert_non_null(strstr(problem, "scrypt"));
    stop();
    make_store((struct crypto_kdf_cost){KEYS_SCRYPT_FLOOR, 8, 1}, true);
    start(true, 2);
    assert_int_equal(prove(1, words[0], &load, &done), ERR_FORBIDDEN);
    assert_non_null(strstr(problem, "test LMK"));
    stop();
}

/* The file is damaged between the first and the second officer: what the first one saw is opened, the file is not read again. */
static void the_store_is_read_once(void **state)
{
    (void)state;
    make_store(cheap, true);
    start(false, 2);
    assert_false(agrees(1, &load));
    assert_int_equal(truncate(path, 100), 0);
    assert_true(agrees(2, &load));
    answers("NC", "ND00");
    bool done = false;
    assert_int_equal(prove(1, words[0], &load, &done), ERR_CONFIG);
    assert_non_null(strstr(problem, "cut short"));
    answers("NC", "ND00");
    stop();
}

/* ---- the console ---- */

static void says(const char *line, const char *wanted)
{
    uint8_t room[2048];
    struct buf answer = buf_over(room, sizeof room);
    hsm_console_line(officers, span_text(line), &answer);
    if (!strstr(buf_text(&answer), wanted))
        fail_msg("%s answered %s", line, buf_text(&answer));
}

static void console_lines(void **state)
{
    (void)state;
    make_store(cheap, true);
    start(false, 2);
    says("STATE", "state online\nstore /tmp/");
    says("OFFICER 1 VOICE", "NO no LMK is loaded");
    says("OFFICER 4 LOAD", "NO the store has no officer of that number");
    says("OFFICER 1 LOAD", "OK 4 1 1 ");
    says("OFFICER 1 ELSE", "NO ");
    says("VOICE 1 0011 LOAD", "NO ");
    says("VOICE 1 0000000000000000000000000000000000000000000000000000000000000000 LOAD", "NO that is not the passphrase");
    says("VOICE 1 000000000000000000000000000000000000000000000000000000000000000g LOAD", "NO the line");
    says("DECIDE ONLINE", "NO officers have to agree");
    assert_false(agrees(1, &load));
    says("STATE", "pending load 1 300\nOK\n");
    assert_true(agrees(2, &load));
    says("STATE", "lmk 00 variant test current ");
    says("CANCEL 00", "OK");
    says("CANCEL 100", "NO ");
    says("CANCEL 00 export.host", "NO that activity was not authorised");
    assert_false(agrees(1, &generate));
    assert_true(agrees(2, &generate));
    says("CANCEL 00 generate.host", "NO that activity was not authorised");
    says("CANCEL 00 generate.402", "NO the line");
    assert_int_equal(hsm_state_count(hsm_context(hsm)->state, 0), 1);
    says("CANCEL 00 generate.402.host", "OK");
    assert_int_equal(hsm_state_count(hsm_context(hsm)->state, 0), 0);
    says("SECURE", "OK");
    says("STATE", "state secure\n");
    says("ZEROISE", "OK");
    says("", "NO ");
    stop();
}

static int set_up(void **state)
{
    (void)state;
    env = env_system(NULL);
    env.monotonic_us = clock_us;
    if (!mkdtemp(folder))
        return 1;
    (void)snprintf(path, sizeof path, "%s/store", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

/* ---- unwrapped keys ---- */

static char use[96];

/* True if the key had to be unwrapped for it. */
static bool unwraps(void)
{
    uint64_t before = hsm_keys_cache_counters(hsm_context(hsm)->keys).misses;
    answers(use, "CX00");
    return hsm_keys_cache_counters(hsm_context(hsm)->keys).misses > before;
}

static void agree(const struct hsm_decision *d)
{
    assert_false(agrees(1, d));
    assert_true(agrees(2, d));
}

static void no_unwrapped_key_outlives_a_change(void **state)
{
    (void)state;
    uint8_t room[256];
    struct buf reply = buf_over(room, sizeof room);
    make_store(cheap, true);
    start(false, 2);
    agree(&load);
    assert_int_equal(hsm_answer(hsm, NULL, span_text("AS;0U1"), &reply), ERR_OK);
    (void)snprintf(use, sizeof use, "CW%.33s4123456789012345;8701101", (const char *)room + 4);
    assert_true(unwraps());
    assert_false(unwraps());
    says("SECURE", "OK");
    hsm_state_secure_set(hsm_context(hsm)->state, false);
    assert_true(unwraps());
    agree(&online);
    assert_true(unwraps());
    agree(&generate);
    assert_true(unwraps());
    says("CANCEL 00 generate.402.host", "OK");
    assert_true(unwraps());
    agree(&generate);
    says("CANCEL 00", "OK");
    assert_true(unwraps());
    agree(&generate);
    assert_true(unwraps());
    pass_s(601);
    assert_true(unwraps());
    agree(&generate);
    assert_true(unwraps());
    answers("RA", "RB00");
    assert_true(unwraps());
    answers("RA", "RB00"); /* changes nothing */
    assert_false(unwraps());
    agree(&load);
    assert_true(unwraps());
    stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pending_load_is_forgotten),
        cmocka_unit_test(another_decision_takes_the_place),
        cmocka_unit_test(as_many_voices_as_set),
        cmocka_unit_test(wrong_keys_make_everyone_wait),
        cmocka_unit_test(activities_end_by_time),
        cmocka_unit_test(hardened_takes_live_lmks_alone),
        cmocka_unit_test(the_store_is_read_once),
        cmocka_unit_test(no_unwrapped_key_outlives_a_change),
        cmocka_unit_test(console_lines),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
