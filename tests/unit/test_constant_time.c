/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What handles a code or a key outside the cipher library neither branches on it nor looks up by it: secrets are marked undefined
 * and valgrind reports every jump and every address that depends on them (the method of Langley's ctgrind).
 */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "base/secret.h"
#include "card/card.h"
#include "cvv/batch.h"
#include "cvv/cvv.h"
#include "keys/keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#define AVAILABLE 1
#else
#define AVAILABLE 0
#define RUNNING_ON_VALGRIND 0
#define VALGRIND_MAKE_MEM_UNDEFINED(at, len) ((void)(at), (void)(len))
#define VALGRIND_MAKE_MEM_DEFINED(at, len) ((void)(at), (void)(len))
#define VALGRIND_COUNT_ERRORS 0u
#endif

/* Marks, runs, and says how many complaints there were. */
#define COMPLAINTS(body_)                                   \
    __extension__({                                         \
        unsigned before_ = (unsigned)VALGRIND_COUNT_ERRORS; \
        body_;                                              \
        (unsigned)VALGRIND_COUNT_ERRORS - before_;          \
    })

static void the_method_notices_a_branch(void **state)
{
    (void)state;
    volatile char out = 0;
    char secret[4] = "123";
    VALGRIND_MAKE_MEM_UNDEFINED(secret, sizeof secret);
    unsigned complaints = COMPLAINTS({
        if (secret[0] == '1')
            out = 'y';
    });
    VALGRIND_MAKE_MEM_DEFINED(secret, sizeof secret);
    assert_int_equal(out, 'y');
    assert_true(complaints > 0);
}

static void comparing_codes(void **state)
{
    (void)state;
    struct code_digits a = {3, "123"}, b = {3, "124"};
    bool same = true;
    VALGRIND_MAKE_MEM_UNDEFINED(a.at, sizeof a.at);
    VALGRIND_MAKE_MEM_UNDEFINED(b.at, sizeof b.at);
    assert_int_equal(COMPLAINTS(same = secret_code_equal(&a, &b)), 0);
    VALGRIND_MAKE_MEM_DEFINED(&same, sizeof same);
    assert_false(same);
}

static void comparing_numbers(void **state)
{
    (void)state;
    struct card_pan a = {16, "4111111111111111"}, b = a;
    bool same = false;
    VALGRIND_MAKE_MEM_UNDEFINED(a.digit, sizeof a.digit);
    assert_int_equal(COMPLAINTS(same = card_pan_equal(&a, &b)), 0);
    VALGRIND_MAKE_MEM_DEFINED(&same, sizeof same);
    assert_true(same);
}

static void decimalising(void **state)
{
    (void)state;
    uint8_t block[20] = {0xDF, 0xFC, 0xDC, 0x3F, 0xBD, 0xD5, 0xBE, 0xCF};
    struct code_digits code;
    VALGRIND_MAKE_MEM_UNDEFINED(block, sizeof block);
    assert_int_equal(COMPLAINTS(cvv_decimalise(block, 16, 3, &code)), 0);
    VALGRIND_MAKE_MEM_DEFINED(&code, sizeof code);
    assert_memory_equal(code.at, "353", 3);
    assert_int_equal(COMPLAINTS(cvv_decimalise(block, 40, 16, &code)), 0);
}

static void parity(void **state)
{
    (void)state;
    struct secret_key key = {16, {1, 2, 4, 8, 16, 32, 64, 128, 7, 11, 13, 14, 19, 21, 22, 25}};
    bool odd = false, equal = true;
    VALGRIND_MAKE_MEM_UNDEFINED(key.at, sizeof key.at);
    assert_int_equal(COMPLAINTS(odd = keys_parity_odd(&key)), 0);
    assert_int_equal(COMPLAINTS(equal = keys_halves_equal(&key)), 0);
    assert_int_equal(COMPLAINTS(keys_parity_set(&key)), 0);
    VALGRIND_MAKE_MEM_DEFINED(&odd, sizeof odd);
    VALGRIND_MAKE_MEM_DEFINED(&equal, sizeof equal);
    VALGRIND_MAKE_MEM_DEFINED(&key, sizeof key);
    assert_true(odd);
    assert_false(equal);
    assert_int_equal(key.at[0], 1);
}

/* The whole way of a batch, from key and digits to codes; valgrind knows no AVX-512, so the other kernels run. */
static void a_batch(void **state)
{
    (void)state;
    static struct crypto_des_batch_key key;
    static struct cvv_batch_card cards[5];
    static struct cvv_batch_code codes[5];
    const struct crypto_des_kernel *kernel;
    /* Vector cvv-01 of docs/spec/vectors/published.jsonl. */
    struct secret_key cvk = {16, {0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF, 0xFE, 0xDC, 0xBA, 0x98, 0x76, 0x54, 0x32, 0x10}};
    for (size_t i = 0; i < 5; i++)
        cards[i] = (struct cvv_batch_card){.pan = {16, "4123456789012345"}, .expiry = "8701", .service = "101"};
    cards[4].expiry[1] = 'x';
    for (size_t i = 0; i < 5; i++) {
        VALGRIND_MAKE_MEM_UNDEFINED(cards[i].pan.digit, sizeof cards[i].pan.digit);
        VALGRIND_MAKE_MEM_UNDEFINED(cards[i].expiry, sizeof cards[i].expiry + sizeof cards[i].service);
    }
    VALGRIND_MAKE_MEM_UNDEFINED(cvk.at, sizeof cvk.at);
    assert_int_equal(COMPLAINTS((void)!cvv_batch_load(&cvk, &key)), 0);
    for (size_t k = 0; (kernel = crypto_des_kernel_at(k)); k++) {
        assert_int_equal(COMPLAINTS(cvv_batch_generate(kernel, &key, cards, 5, codes)), 0);
        VALGRIND_MAKE_MEM_DEFINED(codes, sizeof codes);
        assert_memory_equal(codes[3].digit, "561", 3);
        assert_int_equal(codes[4].err, ERR_PARSE_CHARACTER);
    }
    crypto_des_batch_unload(&key);
}

static void without_valgrind(void **state)
{
    (void)state;
    skip();
}

/* Runs this program again under valgrind; without valgrind there is nothing to measure with. */
static void enter_valgrind(char **argv)
{
    static const char tool[] = "/usr/bin/valgrind";
    if (!AVAILABLE || RUNNING_ON_VALGRIND || access(tool, X_OK) != 0)
        return;
    char *const again[] = {(char *)tool, (char *)"-q", (char *)"--log-file=/dev/null", argv[0], NULL};
    execv(tool, again);
}

int main(int argc, char **argv)
{
    (void)argc;
    enter_valgrind(argv);
    const struct CMUnitTest none[] = {cmocka_unit_test(without_valgrind)};
    if (!RUNNING_ON_VALGRIND)
        return cmocka_run_group_tests(none, NULL, NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_method_notices_a_branch),
        cmocka_unit_test(comparing_codes),
        cmocka_unit_test(comparing_numbers),
        cmocka_unit_test(decimalising),
        cmocka_unit_test(parity),
        cmocka_unit_test(a_batch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
