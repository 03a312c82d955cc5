/* SPDX-License-Identifier: Apache-2.0 */
/* User storage: what a text may say, what is told of one that may not, and what commands see of it. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "hostcmd/error.h"
#include "hsm/key/storage.h"
#include "keys/error.h"
#include "support/frames.h"
#include "support/hsm_process.h"
#include "support/sockets.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define CVK "U9B4934384B19946B040CD702B4D58145"
#define CVK_BLOCK "S00072C0TN00E0001A417975993E2331918759DD1656AC94306BE01C19FDE29E83A93AB42"
#define OTHER_CVK "U479D751977AA598CB481F548226DBF2B" /* 13345779133457791334577913345779 */
#define PAN "4123456789012345;8701101"

static struct env env;
static char folder[] = "/tmp/test_hsm_storage_XXXXXX", file[64];

static struct hsm_storage *storage_of(size_t size)
{
    struct hsm_storage *s = NULL;
    assert_int_equal(hsm_storage_create(size, &s), ERR_OK);
    return s;
}

static void assert_entry(struct hsm_storage *s, unsigned index, unsigned lmk, const char *text)
{
    struct hsm_storage_entry e;
    assert_int_equal(hsm_storage_find(s, index, &e), ERR_OK);
    assert_int_equal(e.lmk, lmk);
    assert_true(span_is(e.text, text));
}

/* ---- texts ---- */

static void good_texts(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t entries;
    } rows[] = {
        {"", 0},
        {"\n\n  \n\t\n", 0},
        {"# nothing\n   # U\n#", 0},
        {"00A 00 " CVK, 1},
        {"00a\t99   " CVK " \r\n", 1},
        {"000 00 0406FBB23A5214DF\n001 00 Z0406FBB23A5214DF\n002 01 " CVK_BLOCK "\n"
         "0FF 00 0A61E674E88C6A7EEABC38C2B2BB492F\n003 00 X0a61e674e88c6a7eeabc38c2b2bb492f\n",
         5},
        {"004 00 T0406FBB23A5214DF0406FBB23A5214DF0406FBB23A5214DF\n005 00 Y0406FBB23A5214DF0406FBB23A5214DF0406FBB23A5214DF\n", 2},
    };
    struct hsm_storage *s = storage_of(256);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char told[256];
        struct buf problem = buf_over(told, sizeof told);
        assert_int_equal(hsm_storage_parse(s, span_text(rows[i].text), &problem), ERR_OK);
        assert_int_equal(hsm_storage_count(s), rows[i].entries);
        assert_int_equal(problem.len, 0);
    }
    hsm_storage_destroy(s);
    hsm_storage_destroy(NULL);
}

static void bad_texts_change_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *text, *told;
    } rows[] = {
        {"A 00 " CVK, "line 1: the index is not"},
        {"\n\n00G 00 " CVK, "line 3: the index is not"},
        {"0000 00 " CVK, "line 1: the index is not"},
        {"100 00 " CVK, "line 1: the index is beyond"},
        {"FFF 00 " CVK, "line 1: the index is beyond"},
        {"# x\n00A 0 " CVK, "line 2: the LMK"},
        {"00A 0x " CVK, "line 1: the LMK"},
        {"00A 000 " CVK, "line 1: the LMK"},
        {"00A", "line 1: the LMK"},
        {"00A 00", "line 1: the key"},
        {"00A 00 U9B49", "line 1: the key"},
        {"00A 00 Q9B4934384B19946B040CD702B4D58145", "line 1: the key"},
        {"00A 00 K001", "line 1: the key"},
        {"00A 00 RA0072K0TN00N0000F40D5672C6D0EC86F860BA88D44D00F0CA9A8CE8CD2F640287A9A9EB", "line 1: the key"},
        {"00A 00 S00073C0TN00E0001A417975993E2331918759DD1656AC94306BE01C19FDE29E83A93AB42", "line 1: the key"},
        {"00A 00 " CVK " " CVK, "line 1: there is something after"},
        {"00A 00 " CVK "\n00B 00 " CVK "\n00a 00 " CVK, "line 3: the index stands in an earlier line"},
    };
    struct hsm_storage *s = storage_of(256);
    struct buf none = buf_over(NULL, 0);
    assert_int_equal(hsm_storage_parse(s, span_text("00A 00 " CVK "\n0FF 01 " CVK_BLOCK), &none), ERR_OK);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char told[256];
        struct buf problem = buf_over(told, sizeof told);
        assert_int_equal(hsm_storage_parse(s, span_text(rows[i].text), &problem), ERR_CONFIG);
        const char *text = buf_text(&problem);
        if (strncmp(text, rows[i].told, strlen(rows[i].told)) != 0)
            fail_msg("%s: %s", rows[i].text, text);
        assert_null(strstr(text, "9B4934384B"));
        assert_int_equal(hsm_storage_count(s), 2);
        assert_entry(s, 0x0A, 0, CVK);
        assert_entry(s, 0xFF, 1, CVK_BLOCK);
    }
    hsm_storage_destroy(s);
}

static void entries_by_index(void **state)
{
    (void)state;
    struct hsm_storage *s = storage_of(HSM_STORAGE_MAX);
    struct hsm_storage_entry e;
    const struct hsm_storage_entry cvk = {span_text(CVK), 3}, index = {span_text("K001"), 0}, far = {span_text(CVK), 100};
    static char long_text[KEYS_CACHE_TEXT + 1];
    memset(long_text, '0', sizeof long_text);
    memcpy(long_text, "S00512", 6);
    assert_int_equal(hsm_storage_find(s, 0xFFF, &e), HOSTCMD_ERR_USER_STORAGE_EMPTY);
    assert_int_equal(hsm_storage_find(s, 0x1000, &e), HOSTCMD_ERR_USER_STORAGE_INDEX);
    assert_int_equal(hsm_storage_put(s, 0x1000, &cvk), HOSTCMD_ERR_USER_STORAGE_INDEX);
    assert_int_equal(hsm_storage_put(s, 1, &index), KEYS_ERR_SCHEME);
    assert_int_equal(hsm_storage_put(s, 1, &far), KEYS_ERR_LMK_IDENTIFIER);
    assert_int_equal(hsm_storage_put(s, 1, &(struct hsm_storage_entry){span_of(long_text, KEYS_CACHE_TEXT + 1), 1}),
                     KEYS_ERR_SCHEME);
    long_text[4] = '1'; /* 511 and the S: the longest */
    long_text[5] = '1';
    assert_int_equal(hsm_storage_put(s, 1, &(struct hsm_storage_entry){span_of(long_text, KEYS_CACHE_TEXT), 1}), ERR_OK);
    assert_int_equal(hsm_storage_put(s, 0xFFF, &cvk), ERR_OK);
    assert_entry(s, 0xFFF, 3, CVK);
    assert_int_equal(hsm_storage_count(s), 2);
    hsm_storage_destroy(s);
}

/* ---- commands ---- */

static void write_file(const char *text)
{
    FILE *out = fopen(file, "w");
    assert_non_null(out);
    assert_int_equal(fwrite(text, 1, strlen(text), out), strlen(text));
    assert_int_equal(fclose(out), 0);
}

static struct hsm *hsm_with(size_t size)
{
    return frames_hsm_of(&(struct hsm_config){
        .env = &env, .header = 4, .sockets = 64, .test_lmk = true, .user_storage = file, .storage_size = size});
}

static void commands_name_entries(void **state)
{
    (void)state;
    struct net_problem problem = {""};
    write_file("# keys of the test\n00A 00 " CVK "\n00B 01 " CVK_BLOCK "\nFFF 00 " CVK "\n010 02 " CVK "\n011 00 " CVK_BLOCK "\n");
    struct hsm *hsm = hsm_with(4096);
    frames_assert(hsm, "CWK00A" PAN, "CX12");
    assert_int_equal(hsm_storage_reload(hsm, &problem), ERR_OK);
    static const struct exchange frames[] = {
        {"CWK00A" PAN, "CX00561"},
        {"CWKfff" PAN, "CX00561"},
        {"CWK00B502265400089000092;2010620", "CX00181"},
        {"CWK00B502265400089000092;2010620%01", "CX00181"},
        {"CWK00B502265400089000092;2010620%00", "CXA2"},
        {"CWK00A" PAN "%01", "CXA2"},
        {"CWK00C" PAN, "CX12"},
        {"CWK010" PAN, "CX13"},
        {"CWK011" PAN, "CX26"},
        {"CWK0G1" PAN, "CX15"},
        {"BU421K00A;001", "BV0008D7B4"},
        {"BUFFFK00B;FFF;001", "BV00EC7A50"},
        {"BU421K00B;001", "BV05"},
    };
    FRAMES_ASSERT(hsm, frames);
    hsm_destroy(hsm);
    hsm = hsm_with(16);
    assert_int_equal(hsm_storage_reload(hsm, &problem), ERR_CONFIG);
    assert_non_null(strstr(problem.text, ": line 4: the index is beyond hsm.storage_size"));
    frames_assert(hsm, "CWK00F" PAN, "CX12");
    frames_assert(hsm, "CWK010" PAN, "CX21");
    hsm_destroy(hsm);
}

static void reload_swaps_all_or_nothing(void **state)
{
    (void)state;
    struct net_problem problem = {""};
    struct hsm *hsm = hsm_with(0);
    write_file("00A 00 " CVK "\n00B 00 " CVK);
    assert_int_equal(hsm_storage_reload(hsm, &problem), ERR_OK);
    frames_assert(hsm, "CWK00A123456789012;1108000", "CX00910");
    write_file("00A 00 " OTHER_CVK "\n00C 00 " OTHER_CVK "\nx");
    assert_int_equal(hsm_storage_reload(hsm, &problem), ERR_CONFIG);
    assert_non_null(strstr(problem.text, ": line 3: "));
    frames_assert(hsm, "CWK00A" PAN, "CX00561");
    frames_assert(hsm, "CWK00C" PAN, "CX12");
    write_file("00A 00 " OTHER_CVK "\n00C 00 " OTHER_CVK "\n");
    assert_int_equal(hsm_storage_reload(hsm, &problem), ERR_OK);
    frames_assert(hsm, "CWK00A123456789012;1108000", "CX00204"); /* published vector cvv-12 */
    frames_assert(hsm, "CWK00B" PAN, "CX12");
    frames_assert(hsm, "CWK100" PAN, "CX21");
    hsm_destroy(hsm);
    hsm = frames_hsm(&env, 0, false); /* no file: nothing to read */
    assert_int_equal(hsm_storage_reload(hsm, &problem), ERR_OK);
    hsm_destroy(hsm);
}

/* ---- files ---- */

static void assert_told(const char *path, size_t size, const char *what)
{
    char told[512];
    struct buf problem = buf_over(told, sizeof told);
    struct hsm_storage *s = storage_of(size);
    assert_int_equal(hsm_storage_load(s, path, &problem), ERR_CONFIG);
    const char *text = buf_text(&problem);
    assert_memory_equal(text, path, strlen(path));
    if (!strstr(text, what))
        fail_msg("%s", text);
    hsm_storage_destroy(s);
}

static void files(void **state)
{
    (void)state;
    char missing[80];
    snprintf(missing, sizeof missing, "%s/none", folder);
    assert_told(missing, 1, "no such file");
    assert_told(folder, 1, "cannot be read");
    if (geteuid() != 0) { /* root reads everything */
        write_file("");
        assert_int_equal(chmod(file, 0), 0);
        assert_told(file, 1, "cannot be opened");
        assert_int_equal(unlink(file), 0);
    }
    static char comments[2 * HSM_STORAGE_LINE + 2];
    memset(comments, '#', sizeof comments - 1);
    write_file(comments);
    assert_told(file, 1, "is longer");
    comments[sizeof comments - 2] = 0;
    write_file(comments);
    struct hsm_storage *s = storage_of(1);
    char told[512];
    struct buf problem = buf_over(told, sizeof told);
    assert_int_equal(hsm_storage_load(s, file, &problem), ERR_OK);
    hsm_storage_destroy(s);
}

/* The process does not start with a file that it cannot use, and says why. */
static void the_process_says_which_line(void **state)
{
    (void)state;
    char path[HSM_PROCESS_PATH], command[HSM_PROCESS_PATH + 256], line[1024] = "", all[4096] = "";
    hsm_process_path(path);
    write_file("00A 00 " CVK "\n00B 00 U9B49\n");
    snprintf(command, sizeof command, "%s --test-lmk --listen 127.0.0.1:0 --set hsm.user_storage=%s 2>&1", path, file);
    FILE *in = popen(command, "r");
    assert_non_null(in);
    while (fgets(line, sizeof line, in))
        strncat(all, line, sizeof all - strlen(all) - 1);
    assert_int_equal(WEXITSTATUS(pclose(in)), 2);
    assert_non_null(strstr(all, file));
    assert_non_null(strstr(all, ": line 2: the key is neither"));
    assert_null(strstr(all, "9B49 "));
}

static void assert_says(int fd, const char *request, const char *reply)
{
    uint8_t got[256];
    size_t len = 0;
    socket_send_frame(fd, span_text(request));
    assert_true(socket_receive_frame(fd, got, sizeof got, &len));
    if (!span_is(span_of(got, len), reply))
        fail_msg("%s answered %.*s", request, (int)len, (const char *)got);
}

/* The signal is handled in the loop, between two turns: ask until it has been. */
static void settles(int fd, const char *request, const char *reply)
{
    uint8_t got[256];
    size_t len = 0;
    for (int i = 0; i < 500; i++) {
        socket_send_frame(fd, span_text(request));
        assert_true(socket_receive_frame(fd, got, sizeof got, &len));
        if (span_is(span_of(got, len), reply))
            return;
        usleep(10000);
    }
    fail_msg("%s still answers %.*s", request, (int)len, (const char *)got);
}

/* SIGHUP reads the file anew, from inside the sandbox; one that is not good leaves the entries as they were. */
static void the_process_reloads(void **state)
{
    (void)state;
    char setting[128];
    snprintf(setting, sizeof setting, "hsm.user_storage=%s", file);
    write_file("00A 00 " CVK "\n");
    struct hsm_process process = hsm_process_start((const char *const[]){"--set", setting, NULL});
    int fd = socket_connect(process.port);
    assert_says(fd, "HEADCWK00A" PAN, "HEADCX00561");
    assert_says(fd, "HEADCWK00B" PAN, "HEADCX12");
    /* Replaced by another file of its name, as editors do. */
    assert_int_equal(unlink(file), 0);
    write_file("00B 00 " CVK "\n00C 00 " CVK "\n");
    assert_int_equal(kill(process.pid, SIGHUP), 0);
    settles(fd, "HEADCWK00B" PAN, "HEADCX00561");
    assert_says(fd, "HEADCWK00A" PAN, "HEADCX12");
    write_file("00A 00 " CVK "\nnonsense\n");
    assert_int_equal(kill(process.pid, SIGHUP), 0);
    for (int i = 0; i < 20; i++) {
        assert_says(fd, "HEADCWK00A" PAN, "HEADCX12");
        assert_says(fd, "HEADCWK00C" PAN, "HEADCX00561");
        usleep(10000);
    }
    close(fd);
    assert_int_equal(hsm_process_stop(&process, SIGTERM), 0);
}

static int set_up(void **state)
{
    (void)state;
    env = env_system(NULL);
    assert_non_null(mkdtemp(folder));
    snprintf(file, sizeof file, "%s/storage", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    (void)unlink(file);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_texts),
        cmocka_unit_test(bad_texts_change_nothing),
        cmocka_unit_test(entries_by_index),
        cmocka_unit_test(commands_name_entries),
        cmocka_unit_test(reload_swaps_all_or_nothing),
        cmocka_unit_test(files),
        cmocka_unit_test(the_process_says_which_line),
        cmocka_unit_test(the_process_reloads),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
