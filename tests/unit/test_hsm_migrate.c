/* SPDX-License-Identifier: Apache-2.0 */
/* BW: from the old LMK to the current one, in every form. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "support/frames.h"

#include <stdio.h>
#include <string.h>

#define CVK "U9B4934384B19946B040CD702B4D58145"
/* 0123456789ABCDEFFEDCBA9876543210 under the old test LMKs, by openssl: pair 7 is 1A x8, 1C x8; the triple begins with FEDC. */
#define OLD_CVK "UA1E8089C9128CA10120F229A9D6CA24E"
#define OLD_PLAIN "3517A711780BDD519BAF81CA9BF5D687"
#define OLD_BLOCK "S00072C0TN00E00015CA75271975016667DBC1DE30CA6DB70695493B7FA85557EA2C47127"

static struct env env;
static struct hsm *hsm;
static const struct secret_key clear = {
    16, {0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF, 0xFE, 0xDC, 0xBA, 0x98, 0x76, 0x54, 0x32, 0x10}};

static void variant_keys(void **state)
{
    (void)state;
    static const struct exchange frames[] = {
        {"BW421" OLD_CVK, "BX00" CVK "08D7B4"},
        {"BW421" OLD_CVK ";402", "BX00" CVK "08D7B4"},
        {"BW421" OLD_CVK ";402;0U0", "BX00" CVK "08D7B4"},
        {"BW421" OLD_CVK ";0U0", "BX00" CVK "08D7B4"},
        {"BW421" OLD_CVK ";ZUZ%00", "BX00" CVK "08D7B4"},
        {"BW421" OLD_CVK ";XU0", "BX00" CVK "08D7B4"},
        {"BW421" OLD_CVK ";402;XU0", "BX00" CVK "08D7B4"},
        {"BW421" OLD_CVK ";402;0U0!11", "BX00" CVK "08D7B4"},
        {"BW421" OLD_CVK ";XU0%00!11", "BX00" CVK "08D7B4"},
        {"BW421" OLD_CVK ";402;ZU0!11%00&N", "BX00" CVK "08D7B4"},
        {"BW421" OLD_CVK ";XU0!1", "BX15"},
        {"BWFF1" OLD_CVK ";402", "BX00" CVK "08D7B4"},
        {"BWFF1" OLD_CVK ";402;0U0", "BX00" CVK "08D7B4"},
        {"BW421" OLD_PLAIN ";402;0U0", "BX00" CVK "08D7B4"},
        {"BW421" OLD_CVK ";402;000", "BX000A61E674E88C6A7EEABC38C2B2BB492F08D7B4"},
        {"BW421" OLD_CVK ";000", "BX000A61E674E88C6A7EEABC38C2B2BB492F08D7B4"},
        {"BW421" OLD_PLAIN, "BX000A61E674E88C6A7EEABC38C2B2BB492F08D7B4"},
        {"BW421" OLD_CVK ";402;0X0", "BX00X0A61E674E88C6A7EEABC38C2B2BB492F08D7B4"},
        {"BW421K005", "BX00" CVK "08D7B4"},
    };
    assert_int_equal(hsm_keys_store(hsm_context(hsm)->keys, 5, 0, span_text(OLD_CVK)), ERR_OK);
    FRAMES_ASSERT(hsm, frames);
    /* What came out works. */
    frames_assert(hsm, "CW" CVK "4123456789012345;8701101", "CX00561");
}

static void key_blocks(void **state)
{
    (void)state;
    struct keys_header header;
    struct secret_key key;
    const char *r = frames_ask(hsm, "BWFFF" OLD_BLOCK ";FFF%01");
    assert_memory_equal(r, "BX00S00072C0TN00E0001", 21);
    assert_int_equal(keys_block_unwrap(hsm_context(hsm)->lmks, 1, span_of(r + 4, 73), &header, &key), ERR_OK);
    assert_memory_equal(key.at, clear.at, 16);
    assert_string_equal(r + 77, "08D7B4");
    /* `#` may narrow, and says nothing else. */
    assert_memory_equal(frames_ask(hsm, "BWFFF" OLD_BLOCK ";FFF;0S0%01#C0T2N00N00"), "BX00S00072C0TN00N0001", 21);
    static const struct exchange frames[] = {
        {"BWFFF" OLD_BLOCK ";FFF%01#C0T2C00E00", "BXA8"},
        {"BWFFF" OLD_BLOCK ";FFF%01#E0T2N00E00", "BXA6"},
        {"BWFFF" OLD_BLOCK ";FFF;0U0%01", "BX26"},
        {"BWFFF" OLD_BLOCK ";FFF", "BX26"},
        {"BWFFFS00072C0TN00E0001A417975993E2331918759DD1656AC94306BE01C19FDE29E83A93AB42;FFF%01", "BXA4"},
    };
    FRAMES_ASSERT(hsm, frames);
}

/* One identifier whose old LMK is of the other kind. */
static void between_the_kinds(void **state)
{
    (void)state;
    struct keys_lmk_facts facts = {.id = 7, .kind = KEYS_LMK_VARIANT, .test = true, .old = true};
    struct keys_material material = {{0}};
    struct keys_type_place cvk, data;
    struct keys_header header;
    struct secret_key key, triple;
    char text[KEYS_BLOCK_MAX], request[2048];
    env_random(&env, &material, sizeof material);
    keys_generate(&env, 24, &triple);
    assert_int_equal(keys_type_place(span_text("402"), &cvk), ERR_OK);
    assert_int_equal(keys_type_place(span_text("00A"), &data), ERR_OK);
    assert_int_equal(keys_lmk_add(hsm_context(hsm)->lmks, &facts, &material), ERR_OK);
    assert_int_equal(keys_lmk_add_block(hsm_context(hsm)->lmks, 7, &triple), ERR_OK);
    frames_wrap_under(hsm, 7 | KEYS_LMK_OLD, cvk, KEYS_U, &clear, text);
    snprintf(request, sizeof request, "BW421%s%%07#C0T2C00E00", text);
    const char *r = frames_ask(hsm, request);
    assert_memory_equal(r, "BX00S00072C0TC00E0007", 21);
    assert_int_equal(keys_block_unwrap(hsm_context(hsm)->lmks, 7, span_of(r + 4, 73), &header, &key), ERR_OK);
    assert_memory_equal(key.at, clear.at, 16);
    frames_assert_key(hsm, "BW421", text, "%07", "BX15");
    frames_assert_key(hsm, "BW421", text, "%07#D0T2B00E00", "BXA6");
    frames_assert_key(hsm, "BW421", text, "%07#C0T3C00E00", "BXA5");
    frames_assert_key(hsm, "BW421", text, "%07#C0A1C00E00", "BXA7");
    frames_assert_key(hsm, "BW421", text, ";0U0%07#C0T2C00E00", "BX26");
    /* The other way a key would lose its header. */
    facts = (struct keys_lmk_facts){.id = 8, .kind = KEYS_LMK_BLOCK, .test = true, .old = true};
    assert_int_equal(keys_lmk_add(hsm_context(hsm)->lmks, &facts, &material), ERR_OK);
    assert_int_equal(keys_lmk_add_test_variant(hsm_context(hsm)->lmks, 8), ERR_OK);
    header = (struct keys_header){.usage = {'C', '0'}, .algorithm = 'T', .mode = 'N', .version = {'0', '0'}, .exportability = 'E'};
    frames_block_under(hsm, 8 | KEYS_LMK_OLD, &header, &clear, text);
    frames_assert_key(hsm, "BWFFF", text, ";FFF%08", "BXA1");
    frames_assert_key(hsm, "BW421", OLD_CVK, "#C0T2C00E00", "BX00" CVK "08D7B4");
}

static void refusals(void **state)
{
    (void)state;
    static const struct exchange frames[] = {
        {"BW431" OLD_CVK, "BX04"},
        {"BWFF1" OLD_CVK ";40F", "BX04"},
        {"BWFF1" OLD_CVK ";0U0", "BX04"},
        {"BW421" OLD_CVK ";002", "BX04"},
        {"BW421" OLD_CVK ";0U0;0U0", "BX04"},
        {"BW422" OLD_CVK, "BX05"},
        {"BW420" OLD_CVK, "BX05"},
        {"BW42F" OLD_CVK, "BX05"},
        {"BW42X" OLD_CVK, "BX05"},
        {"BW021" OLD_CVK, "BX10"},
        {"BW421" CVK, "BX10"},
        {"BW421K006", "BX12"},
        {"BW421" OLD_CVK "%09", "BX13"},
        {"BWFF1" OLD_CVK, "BX15"},
        {"BW421" OLD_CVK ";0U", "BX15"},
        {"BW421K100", "BX21"},
        {"BW421" OLD_CVK ";0T0", "BX26"},
        {"BW421" OLD_CVK ";0Q0", "BX26"},
        {"BW421" OLD_CVK "%01", "BX26"},
        {"BWFFF" OLD_BLOCK ";FFF", "BX26"},
    };
    FRAMES_ASSERT(hsm, frames);
    struct hsm *young = frames_hsm(&env, 0, false);
    frames_assert(young, "BW421" OLD_CVK, "BX33");
    frames_assert(young, "BWFFF" OLD_BLOCK ";FFF%01", "BX33");
    hsm_destroy(young);
}

static int set_up(void **state)
{
    (void)state;
    env = env_system(NULL);
    hsm = frames_hsm_of(&(struct hsm_config){.env = &env, .header = 4, .sockets = 64, .test_lmk = true, .test_lmk_old = true});
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    hsm_destroy(hsm);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(variant_keys),
        cmocka_unit_test(key_blocks),
        cmocka_unit_test(between_the_kinds),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
