/* SPDX-License-Identifier: Apache-2.0 */
/* Exact bytes in, exact bytes out: the frames of host-commands.md 5.4, and every error of the code commands. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "hostcmd/error.h"
#include "keys/error.h"
#include "support/frames.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

#define CVK "U9B4934384B19946B040CD702B4D58145"
#define CVK_PLAIN "0A61E674E88C6A7EEABC38C2B2BB492F"
#define MK "UB68E039974B21519E5E2226866C4D3A0"
#define CVK_BLOCK "S00072C0TN00E0001A417975993E2331918759DD1656AC94306BE01C19FDE29E83A93AB42"
#define MK_BLOCK "S00072E0TN00E00017772090F5BDE6568F9B0EFDADD1D160CDB1655DE1984F00973EC3596"
#define TMK_BLOCK "S00072K0TB00E00019A75CB10B9C1359CFA732D39217C3667207E279FC9E845F64FEEE9F0"

static struct env env;
static struct hsm *hsm;

static void frames_of_the_specification(void **state)
{
    (void)state;
    static const struct exchange frames[] = {
        {"CW" CVK "4123456789012345;8701101", "CX00561"},
        {"CW" CVK_PLAIN "4999988887777;9105111", "CX00649"},
        {"CY" CVK "5614123456789012345;8701101", "CZ00"},
        {"CY" CVK "1114123456789012345;8701101", "CZ01"},
        {"CW" CVK_BLOCK "502265400089000092;2010620%01", "CX00181"},
        {"QY0" MK "A4123456789012345;2812998000001", "QZ00104"},
        {"PM00" MK "A4123456789012345;2812998000001104", "PN00"},
        {"PM00" MK "A4123456789012345;2812998000001105", "PN01"},
        {"QY5" MK "A4123456789012345;2812000260101000001", "QZ00411"},
        {"PM50" MK "A4123456789012345;2812000260101000001411", "PN00"},
        {"BU0200406FBB23A5214DF", "BV000035BBE340A4B763"},
    };
    FRAMES_ASSERT(hsm, frames);
    struct hsm *block = frames_hsm(&env, 1, false);
    frames_assert(block, "CW" CVK_BLOCK "502265400089000092;2010620", "CX00181");
    frames_assert(block, "CW" CVK "4123456789012345;8701101%00", "CX00561");
    hsm_destroy(block);
}

static void trailers_and_identifiers(void **state)
{
    (void)state;
    static const struct exchange frames[] = {
        {"CW" CVK "4123456789012345;8701101\x19", "CX00561\x19"},
        {"CW" CVK "4123456789012345;8701101\x19TRAILER", "CX00561\x19TRAILER"},
        {"CW" CVK "4123456789012345;8701101%00\x19T", "CX00561\x19T"},
        {"CY" CVK "1114123456789012345;8701101\x19T", "CZ01\x19T"},
        {"CW" CVK "4123456789012345;8701101%07\x19T", "CX13\x19T"},
        {"CW" CVK "4123456789012345;8701101%0", "CX15"},
        {"CW" CVK "4123456789012345;8701101X", "CX15"},
        {"XX", "XY68"},
    };
    FRAMES_ASSERT(hsm, frames);
}

static void errors_of_the_code_commands(void **state)
{
    (void)state;
    static const struct exchange frames[] = {
        /* 10: parity of the unwrapped key; the first half is that of another key type. */
        {"CW" MK "4123456789012345;8701101", "CX10"},
        {"QY0" CVK "A4123456789012345;2812998000001", "QZ10"},
        /* 12, 21: user storage. */
        {"CWK0004123456789012345;8701101", "CX12"},
        {"CWK1004123456789012345;8701101", "CX21"},
        {"CWKXYZ4123456789012345;8701101", "CX15"},
        /* 15: fields. */
        {"CW" CVK "41234567890;8701101", "CX15"},
        {"CW" CVK "41234567890123456789;8701101", "CX15"},
        {"CW" CVK "412345678901234A;8701101", "CX15"},
        {"CW" CVK "4123456789012345;870110", "CX15"},
        {"CW" CVK "4123456789012345;87A1101", "CX15"},
        {"CW", "CX15"},
        {"CY" CVK "56A4123456789012345;8701101", "CZ15"},
        {"QY0" MK "B4123456789012345;2812998000001", "QZ15"},
        {"QY0" MK "C4123456789012345;2812998000001", "QZ15"},
        {"QY0" MK "A4123456789012345;281299800001", "QZ15"},
        {"QY5" MK "A4123456789012345;2812000260230000001", "QZ15"},
        {"QY5" MK "A4123456789012345;2812000260101240001", "QZ15"},
        {"QY5" MK "A4123456789012345;2812000260101006001", "QZ15"},
        {"QY5" MK "A4123456789012345;2812000261301000001", "QZ15"},
        {"QY5" MK "A4123456789012345;2812000260101000000", "QZ15"},
        {"QY5" MK "A4123456789012345;2812000260101000019", "QZ15"},
        /* 26: scheme. */
        {"CWQ9B4934384B19946B040CD702B4D581454123456789012345;8701101", "CX26"},
        {"CW" CVK_BLOCK "502265400089000092;2010620", "CX26"},
        {"CW" CVK "4123456789012345;8701101%01", "CX26"},
        /* 68: scheme, version. */
        {"QY1" MK "A4123456789012345;2812998000001", "QZ68"},
        {"PM01" MK "A4123456789012345;2812998000001104", "PN15"},
        {"PM20" MK "A4123456789012345;2812998000001104", "PN68"},
        /* 83: format of the block. */
        {"CWSX0072C0TN00E0001A417975993E2331918759DD1656AC94306BE01C19FDE29E83A93AB42502265400089000092;2010620%01", "CX83"},
        {"CWS00A72C0TN00E0001A417975993E2331918759DD1656AC94306BE01C19FDE29E83A93AB42502265400089000092;2010620%01", "CX83"},
        {"CWS00072C0TN00E0001A417975993E233191875XDD1656AC94306BE01C19FDE29E83A93AB42502265400089000092;2010620%01", "CX83"},
        /* A4: authentication; of the header, too. */
        {"CWS00072C0TN00E0001A417975993E2331918759DD1656AC94306BE01C19FDE29E83A93AB43502265400089000092;2010620%01", "CXA4"},
        {"CWS00072C0TC00E0001A417975993E2331918759DD1656AC94306BE01C19FDE29E83A93AB42502265400089000092;2010620%01", "CXA4"},
        /* A6: a genuine block of another usage, before anything else of it is looked at. */
        {"CW" MK_BLOCK "502265400089000092;2010620%01", "CXA6"},
        {"CY" TMK_BLOCK "181502265400089000092;2010620%01", "CZA6"},
        {"QY0" CVK_BLOCK "A4123456789012345;2812998000001%01", "QZA6"},
        /* and one of the right usage works. */
        {"QY0" MK_BLOCK "A4123456789012345;2812998000001%01", "QZ00104"},
    };
    FRAMES_ASSERT(hsm, frames);
}

static void lengths_modes_and_parity(void **state)
{
    (void)state;
    struct secret_key two = {16, {0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF, 0xFE, 0xDC, 0xBA, 0x98, 0x76, 0x54, 0x32, 0x10}};
    struct secret_key three, even = two;
    static const char pan[] = "4123456789012345;8701101", on_block[] = "4123456789012345;8701101%01";
    keys_generate(&env, 24, &three);
    even.at[5] ^= 1;
    frames_assert_key(hsm, "CW", frames_wrap(hsm, "402", KEYS_U, &two), pan, "CX00561");
    frames_assert_key(hsm, "CW", frames_wrap(hsm, "402", KEYS_X, &two), pan, "CX00561");
    frames_assert_key(hsm, "CW", frames_wrap(hsm, "402", KEYS_U, &even), pan, "CX10");
    frames_assert_key(hsm, "CW", frames_wrap(hsm, "402", KEYS_T, &three), pan, "CX27");
    frames_assert_key(hsm, "CW", frames_block(hsm, "C0", 'N', 'T', &two), on_block, "CX00561");
    frames_assert_key(hsm, "CW", frames_block(hsm, "C0", 'C', 'T', &two), on_block, "CX00561");
    frames_assert_key(hsm, "CW", frames_block(hsm, "11", 'G', 'T', &two), on_block, "CX00561");
    frames_assert_key(hsm, "CW", frames_block(hsm, "C0", 'V', 'T', &two), on_block, "CXA8");
    frames_assert_key(hsm, "CW", frames_block(hsm, "C0", 'N', 'A', &two), on_block, "CXA7");
    frames_assert_key(hsm, "CW", frames_block(hsm, "C1", 'V', 'A', &two), on_block, "CXA6");
    frames_assert_key(hsm, "CW", frames_block(hsm, "C0", 'V', 'A', &two), on_block, "CXA8");
    frames_assert_key(hsm, "CW", frames_block(hsm, "C0", 'N', 'T', &even), on_block, "CX10");
    frames_assert_key(hsm, "CW", frames_block(hsm, "C0", 'N', 'T', &three), on_block, "CX27");
    frames_assert_key(hsm, "CY", frames_block(hsm, "C0", 'V', 'T', &two), "5614123456789012345;8701101%01", "CZ00");
    frames_assert_key(hsm, "CY", frames_block(hsm, "C0", 'G', 'T', &two), "5614123456789012345;8701101%01", "CZA8");
    /* What serves one command from the cache does not serve the other. */
    char generate_only[160];
    snprintf(generate_only, sizeof generate_only, "%s", frames_block(hsm, "C0", 'G', 'T', &two));
    frames_assert_key(hsm, "CW", generate_only, on_block, "CX00561");
    frames_assert_key(hsm, "CY", generate_only, "5614123456789012345;8701101%01", "CZA8");
    /* A block that names another LMK than the one in force. */
    struct keys_header header = {
        .usage = {'C', '0'}, .algorithm = 'T', .mode = 'N', .version = {'0', '0'}, .exportability = 'E', .lmk = {'0', '2'}};
    const struct secret_key lmk = {24, {0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF, 0x80, 0x80, 0x80, 0x80,
                                        0x80, 0x80, 0x80, 0x80, 0xFE, 0xDC, 0xBA, 0x98, 0x76, 0x54, 0x32, 0x10}};
    char foreign[160];
    struct buf b = buf_over(foreign, sizeof foreign);
    assert_int_equal(keys_block_wrap_under(&lmk, &header, &two, &env, &b), ERR_OK);
    frames_assert_key(hsm, "CW", buf_text(&b), on_block, "CXA3");
}

static void user_storage(void **state)
{
    (void)state;
    assert_int_equal(hsm_keys_store(hsm_context(hsm)->keys, 0x0A, 0, span_text(CVK)), ERR_OK);
    assert_int_equal(hsm_keys_store(hsm_context(hsm)->keys, 0x0B, 1, span_text(CVK_BLOCK)), ERR_OK);
    assert_int_equal(hsm_keys_store(hsm_context(hsm)->keys, HSM_STORAGE, 0, span_text(CVK)), HOSTCMD_ERR_USER_STORAGE_INDEX);
    assert_int_equal(hsm_keys_store(hsm_context(hsm)->keys, 0, 0, span_text("K00A")), KEYS_ERR_SCHEME);
    static const struct exchange frames[] = {
        {"CWK00A4123456789012345;8701101", "CX00561"},   {"CWK00a4123456789012345;8701101%00", "CX00561"},
        {"CWK00B502265400089000092;2010620", "CX00181"}, {"CWK00B502265400089000092;2010620%01", "CX00181"},
        {"CWK00B502265400089000092;2010620%00", "CXA2"}, {"CWK00A4123456789012345;8701101%01", "CXA2"},
        {"CWK00C4123456789012345;8701101", "CX12"},
    };
    FRAMES_ASSERT(hsm, frames);
}

static void all_own_dynamic_vectors_over_the_wire(void **state)
{
    (void)state;
    char line[4096];
    unsigned run = 0;
    FILE *in = fopen("docs/spec/vectors/published.jsonl", "r");
    assert_non_null(in);
    while (fgets(line, sizeof line, in)) {
        cJSON *v = cJSON_Parse(line), *inputs = cJSON_GetObjectItem(v, "inputs");
        const char *id = cJSON_GetObjectItem(v, "id")->valuestring;
        const cJSON *time = cJSON_GetObjectItem(inputs, "time10"), *atc = cJSON_GetObjectItem(inputs, "atc_wire");
        if (time || atc) {
            char tail[64], request[256], verify[256];
            const char *expected = cJSON_GetObjectItem(v, "expected")->valuestring;
            int len =
                snprintf(tail, sizeof tail, "%s%s;%s%s%s", cJSON_GetObjectItem(inputs, "method")->valuestring,
                         cJSON_GetObjectItem(inputs, "pan")->valuestring, cJSON_GetObjectItem(inputs, "expiry")->valuestring,
                         cJSON_GetObjectItem(inputs, "service_code")->valuestring, time ? time->valuestring : atc->valuestring);
            if (time)
                snprintf(tail + len, sizeof tail - (size_t)len, "%02d", cJSON_GetObjectItem(inputs, "twu_hours")->valueint);
            snprintf(request, sizeof request, "QY%c" MK "%s", time ? '5' : '0', tail);
            const char *got = frames_ask(hsm, request);
            if (strncmp(got, "QZ00", 4) != 0 || strcmp(got + 4, expected) != 0)
                fail_msg("%s: %s answered %s, expected %s", id, request, got, expected);
            snprintf(verify, sizeof verify, "PM%c0" MK "%s%s", time ? '5' : '0', tail, expected);
            frames_assert(hsm, verify, "PN00");
            run++;
        }
        cJSON_Delete(v);
    }
    fclose(in);
    assert_int_equal(run, 20);
}

static void expected_value_in_authorised_state_only(void **state)
{
    (void)state;
    struct hsm *open = frames_hsm(&env, 0, true);
    frames_assert(open, "PM00" MK "A4123456789012345;2812998000001105", "PN01104");
    frames_assert(open, "PM00" MK "A4123456789012345;2812998000001104", "PN00");
    frames_assert(open, "CY" CVK "1114123456789012345;8701101", "CZ01");
    frames_assert(open, "PM50" MK "A4123456789012345;2812000260101000001412\x19T", "PN01411\x19T");
    hsm_destroy(open);
}

static int set_up(void **state)
{
    (void)state;
    env = env_system(NULL);
    hsm = frames_hsm(&env, 0, false);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    hsm_destroy(hsm);
    return 0;
}

static void service_codes_of_one_time_codes(void **state)
{
    (void)state;
    const struct hsm_config config = {.env = &env, .header = 4, .sockets = 64, .test_lmk = true, .qy_service_998_only = true};
    struct hsm *one_time = frames_hsm_of(&config);
#define MK "UB68E039974B21519E5E2226866C4D3A0"
    frames_assert(one_time, "QY0" MK "A4123456789012345;2812998000001", "QZ00104");
    frames_assert(one_time, "QY0" MK "A4123456789012345;2812000000001", "QZ15");
    frames_assert(one_time, "QY0U00000000000000000000000000000000A4123456789012345;2812000000001", "QZ10");
    /* Window codes have the service code of their product. */
    frames_assert(one_time, "QY5" MK "A4123456789012345;2812000260101000001", "QZ00411");
#undef MK
    hsm_destroy(one_time);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_of_the_specification),
        cmocka_unit_test(service_codes_of_one_time_codes),
        cmocka_unit_test(trailers_and_identifiers),
        cmocka_unit_test(errors_of_the_code_commands),
        cmocka_unit_test(lengths_modes_and_parity),
        cmocka_unit_test(user_storage),
        cmocka_unit_test(all_own_dynamic_vectors_over_the_wire),
        cmocka_unit_test(expected_value_in_authorised_state_only),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
