/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Key blocks: what an authentic one may not say, what is written, and under which keys. The blocks were made by the openssl command
 * (tests/scenario/keyblocks.py); the published ones are in test_vectors.c.
 */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "crypto/aes.h"
#include "crypto/error.h"
#include "keys/block/tr31.h"
#include "keys/error.h"
#include "support/rng.h"
#include "support/vectors.h"

#include <stdio.h>
#include <string.h>

static struct secret_key tdes, aes, known;

/* ---- reading ---- */

/* clang-format off */
static const struct {
    const char *text;
    enum err err;
} blocks[] = {
    {"RB0080P0TE00E000072F9110F1335A7A6C91C99117042CCB73BD16A030790243DAF7A00A6639D42DB", ERR_OK},
    {"RB0080P0TE00E00209995DDB6682B89AE14ED45D3E1B3270BA9CC991970EDB254D3512A03FBD96BC8", ERR_OK}, /* key context: exchange */
    {"RB0080P0TE00E0010B1885C86F23D4805211C208B87A029A6EDD96C11B72CC03612D7C272394E8A04", KEYS_ERR_BLOCK_FORMAT},
    {"RB0080P0TE00E0001EE3EF7FB73CF7455B6C624E1B2768F3C92831663A9EE77E304942DD745B57E9F", KEYS_ERR_BLOCK_FORMAT},
    {"RB0080p:TE00E0000335DB59764733A0327478C5FCC9365D1F18663F5FB9E6A4B8043AB6CBBA2CDBB", KEYS_ERR_USAGE},
    {"RB0080P0TQ00E0000455B7A3F0B49EE252AD2857DBB1ACBF156F10E5F877933019F9BC9594D9B0BDC", KEYS_ERR_MODE},
    {"RB0080P0QE00E000018B80EAEF0FF3ABA7CCC0E2744E6BB961E760CA032D7D5ED9C698818C4D36678", KEYS_ERR_ALGORITHM},
    {"RB0080P0RE00E00005A0FB37513FF72E9FA61513A80B8504468AE3E66ED3AB2846D08AB433E249333", KEYS_ERR_ALGORITHM},
    {"RB0080P0TE0.E000000DF7D14ACE518C3389A2DEBE65A6A084EEF1D2DD93B49C2B4B5E881240D5F9D", KEYS_ERR_VERSION},
    {"RB0080P0TEc1E0000B132B2A06AFD47182A128529285F327112FE0880344A1F097AE4E1B95A1E52D9", ERR_OK}, /* component */
    {"RB0080P0TE00Q000049EFF377387BF990EF7A75A8BCE8EB4008F12D0FAC1F6D68B3DC4C3FEE02B76D", KEYS_ERR_EXPORTABILITY},
    {"RB0112P0TE00E000005F332C63B91B2F3C18BDDFD55B5CA1795EFEE963E08CF777852D1A8BCF52F2D75F6D874EA8B112A989366A"
     "F359966DF", KEYS_ERR_BLOCK_LENGTH}, /* 32 bytes of TDES */
    {"RD0080P0AE00E0000AD2CEC315EC0147CFA8AD24BDF35F1605B9C9E2613127472106030E70931C87D", KEYS_ERR_BLOCK_LENGTH},
    {"RD0176M7HC00E00002B7F9D8621858984D368B1E9067A5C11944568DF55290340F6F68BDAA86698D32918C81F499F08B8259307F"
     "279DB254B6C1575A2116E07BA3BD2372A15368D3169CFC6199502162A79ECE5E8AF1FC592", KEYS_ERR_BLOCK_LENGTH}, /* 48 bytes of HMAC */
    {"RB0080P0DE00E00008A53F264AA18A62F3B32C272CEF0E138864AE69B67AB98EE1377F9B15CED4486", KEYS_ERR_BLOCK_LENGTH},
    {"RD0112M7HC00E0000096029DF52B340D2A4DCD9BC1D60B6D2E3F17BCFE12F883E9C7B3AD304E15DA6B2B03EC1BEDEF8EBDF3BBEC"
     "F319920CA", ERR_OK},
    {"RB0096P0TE00E0000A746074E44A1F5B1B1200B3B1B21C8A1B3394EDD0EA032C25735F0AF42AB55682D72A0EE42A8CFF2", ERR_OK},
    {"RD0176P0AE00E0000DC9930A5DB89050B211997E56B37D6683C365FC0884D0F7FC03983454E3307BCB143EF1BC0DB0A7602DC22B"
     "B7B9B7049F0349EFA7FB7878BE8384B1605302418AA3011E5D9945CA9D19DAFB5A13760DA", ERR_OK}, /* length hidden */
    {"RB0096P0TE00E0200KS080011KS0800229E29AB3B246846D49FBCC64E333A2B6A03F78F2A18F1907F2A1C27F49C36AF0B",
     KEYS_ERR_OPTIONAL_REPEATED},
    {"RB0096P0TE00E0200PB080000KS0800227082E0B74AD391CBCDC69B27F6BCE876FBBEC47EB6F0E42B82B247CA4E974E44", KEYS_ERR_OPTIONAL_BLOCK},
    {"RB0088P0TE00E0100K-0800117D03FB97505B58D2277D4C303952DDD4BD286792B817C50AD72B440D4053291C", KEYS_ERR_HEADER_IDENTIFIER},
    {"RB0088P0TE00E0100KS08XXXX644388E94517763C1F65E6FA032245042BF5BA798D508F616007401775488DD8", ERR_OK},
    {"RB0088P0TE00E0100QQ08ab*!EA7828735C7ECDA3BA27E0B9BF2D6E600E4B75EB1FBC57C443F1CEACE7E6A215", ERR_OK}, /* of no known kind */
    {"RB0096P0TE00E02000005QPB0B00000000F81A89A74EEF281DC940CBD0D555F551D730576B53670039F6BBE4E19B4B7E0", ERR_OK},
    {"RB0104P0TE00E020003112026:01:01:00PB07000C152CBA3486019C3A1F474842DDD852BD10D02711DA4BD4B0AB95DB55366B2A"
     "4", ERR_OK},
    {"RC0088P0TE00E0100LB00020010abcdefED5377B40EBB8293723ACAA4E0CAE69664ED3CF79965438AA6BAA3DE", ERR_OK},
    {"RC0088P0TE00E0100LB00040010abcdefED5377B40EBB8293723ACAA4E0CAE696A791C43396D3EAEB1123F5DF", ERR_OK},
    {"RB0096P0TE00E0100LB000110abcdefgh6D4D0953612C5902D48F79ACB8F7C259D83C8CBFCA2C0AC51C2FD073A79E53CA", KEYS_ERR_BLOCK_FORMAT},
    {"S00088P0TB00E02FF0005TPB0B000000025DB6D7C7194FE127337B494ABD7FD0DD1DCDF3FFE3BDEB626A9033A", ERR_OK},
    {"S00088P0TB00E02FF0005QPB0B000000025DB6D7C7194FE127337B494ABD7FD0D56919849F37893EFDF6C6F1E", KEYS_ERR_OPTIONAL_STATUS},
    {"S00088P0TB00E02FF010604PB0A00000025DB6D7C7194FE127337B494ABD7FD0D282C8C8FF90A5AC9DF2F0CC3", ERR_OK},
    {"S00088P0TB00E02FF0106QQPB0A00000025DB6D7C7194FE127337B494ABD7FD0D2FD876B04FA29D1576F9B0EF", KEYS_ERR_ENCRYPTION_MODE},
    {"S00088P0TB00E02FF020604PB0A00000025DB6D7C7194FE127337B494ABD7FD0D38DD82B76CAAE9CC26FA085D", ERR_OK},
    {"S00088P0TB00E02FF0206-1PB0A00000025DB6D7C7194FE127337B494ABD7FD0D696AB083D7B7571C3D1BADEE", KEYS_ERR_AUTHENTICATION_MODE},
    {"S00096P0TB00E02FF03112026:01:01:00PB070007DBF796050CDB119A3C7C8C1CB5623D7E0A31FDE4E081525F2F649BD", ERR_OK},
    {"S00096P0TB00E02FF03112026/01/01/00PB070007DBF796050CDB119A3C7C8C1CB5623D7143BBD4F7CC82040FB5276B0", KEYS_ERR_OPTIONAL_START},
    {"S00096P0TB00E02FF04112031:01:01:00PB070007DBF796050CDB119A3C7C8C1CB5623D72163AA2DDEADC620F6B12CA3", ERR_OK},
    {"S00088P0TB00E02FF0405QPB0B000000025DB6D7C7194FE127337B494ABD7FD0D52E8396223AB40267A1B39E2", KEYS_ERR_OPTIONAL_END},
    {"S00088P0TB00E02FF0506--PB0A00000025DB6D7C7194FE127337B494ABD7FD0D114506A0772435C956DD47D8", ERR_OK},
    {"S00056P0TB00E00FF13463C52197A6978C86A003ED91C77E3920E1215", ERR_OK},
    {"S00104P0AB00E00FF8A6C2D23342573CD3B778C0FC9E7B5F79990D4237355E4FABB6B27E13FA232B809D22056CB8A9674482061F"
     "B", ERR_OK},
    {"S00072P0TB00E000FEA994B5FA1AE2EFA4FB1403F0E47638AA5A239388E1E739DD32C8460", KEYS_ERR_BLOCK_FORMAT},
    {"S00072P0TB00E0000EA994B5FA1AE2EFA4FB1403F0E47638AA529DB862FBF8FD2C7707394", ERR_OK}, /* an LMK identifier */
    {"S00072P0EB00E00FF6410DBA0372130A3DEE7AA196010E2C426C3121F6D925386CA086F4E", KEYS_ERR_ALGORITHM},
};
/* clang-format on */

static enum err unwrap(const char *text, struct keys_header *header, struct secret_key *key)
{
    const struct secret_key *kbpk = text[1] == 'D' ? &aes : &tdes;
    return text[0] == 'R' ? keys_tr31_unwrap(kbpk, span_text(text), header, key)
                          : keys_block_unwrap_under(kbpk, span_text(text), header, key);
}

static void authentic_blocks_are_held_to_the_rules(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++) {
        struct keys_header header = {.mode = '?'};
        struct secret_key key = {.len = 99};
        enum err err = unwrap(blocks[i].text, &header, &key);
        if (err != blocks[i].err)
            fail_msg("%s: %s", blocks[i].text, err_row(err)->name);
        if (err == ERR_OK)
            assert_memory_equal(key.at, known.at, key.len < 16 ? key.len : 16);
        assert_true(err == ERR_OK || (header.mode == '?' && key.len == 99));
    }
}

/* Published with psec: a block of free text and PB. */
static void optional_blocks_of_others(void **state)
{
    (void)state;
    static const struct secret_key kbpk = {16, "FFFFFFFFEEEEEEEE"};
    struct keys_header header;
    struct secret_key key;
    struct keys_optional o;
    assert_int_equal(
        keys_tr31_unwrap(&kbpk,
                         span_text("RB0120P0TE00N0200TT0EHelloWorldPB0A0000008FE0CA0F00BAA9A1E3695A6C051FAB695FCE07E289"
                                   "BC0151D096909BB87670F63238670402E90A37"),
                         &header, &key),
        ERR_OK);
    assert_int_equal(key.len, 16);
    assert_memory_equal(key.at, "CCCCCCCCDDDDDDDD", 16);
    assert_int_equal(header.optional, 1);
    assert_true(span_is(header.blocks, "TT0EHelloWorld"));
    assert_true(keys_optional_next(&header.blocks, &o));
    assert_true(memcmp(o.id, "TT", 2) == 0 && span_is(o.data, "HelloWorld") && header.blocks.len == 0);
}

static void optional_lengths(void **state)
{
    (void)state;
    static const struct {
        const char *text, *data; /* data NULL: does not hold */
    } rows[] = {
        {"KS0800AA", "00AA"},   {"KS04", ""},         {"KS04KS04", ""},     {"KS03", NULL},         {"KS05", NULL},
        {"KS0", NULL},          {"", NULL},           {"KS0G0000", NULL},   {"LB0002000Cab", "ab"}, {"LB0004000Cab", "ab"},
        {"LB0002000A", ""},     {"LB00020009", NULL}, {"LB0004000C", NULL}, {"LB00010Aab", NULL},   {"LB0003000Cab", NULL},
        {"LB0000000Cab", NULL}, {"LB000400", NULL},   {"LB0004", NULL},     {"LB00", NULL},         {"LB0002FFFF", NULL},
        {"LBFF", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct span left = span_text(rows[i].text);
        struct keys_optional o;
        bool holds = keys_optional_next(&left, &o);
        if (holds != !!rows[i].data || (holds && !span_is(o.data, rows[i].data)))
            fail_msg("%s", rows[i].text);
    }
}

/* ---- writing ---- */

static const struct keys_header pin_key = {
    .usage = {'P', '0'}, .algorithm = 'T', .mode = 'B', .version = {'0', '0'}, .exportability = 'E', .lmk = {'F', 'F'}};

static void headers_that_are_not_written(void **state)
{
    (void)state;
    static const struct {
        char member, value;
        enum err err;
    } rows[] = {{'u', '-', KEYS_ERR_USAGE},     {'m', 'Q', KEYS_ERR_MODE},          {'m', 0, KEYS_ERR_MODE},
                {'a', 'Q', KEYS_ERR_ALGORITHM}, {'a', 'R', KEYS_ERR_ALGORITHM},     {'a', 'D', KEYS_ERR_BLOCK_LENGTH},
                {'v', '.', KEYS_ERR_VERSION},   {'e', 'Q', KEYS_ERR_EXPORTABILITY}, {'o', 1, KEYS_ERR_OPTIONAL_COUNT}};
    struct env env = rng_env(5);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct keys_header h = pin_key;
        char text[KEYS_BLOCK_MAX];
        struct buf b = buf_over(text, sizeof text);
        char *members[] = {['u'] = h.usage,   ['m'] = &h.mode,          ['a'] = &h.algorithm,
                           ['v'] = h.version, ['e'] = &h.exportability, ['o'] = (char *)&h.optional};
        *members[(unsigned char)rows[i].member] = rows[i].value;
        assert_int_equal(keys_tr31_wrap(&tdes, 'B', &h, &known, &env, &b), rows[i].err);
        assert_int_equal(keys_block_wrap_under(&tdes, &h, &known, &env, &b), rows[i].err);
        assert_int_equal(b.len, 0);
    }
}

static void wrapping_keys(void **state)
{
    (void)state;
    static const struct {
        char version;
        uint8_t len;
        enum err err;
    } rows[] = {
        {'A', 8, KEYS_ERR_WRAPPING_KEY},
        {'A', 16, ERR_OK},
        {'A', 24, ERR_OK},
        {'A', 32, KEYS_ERR_WRAPPING_KEY},
        {'B', 8, KEYS_ERR_WRAPPING_KEY},
        {'B', 16, ERR_OK},
        {'B', 24, ERR_OK},
        {'C', 16, ERR_OK},
        {'C', 32, KEYS_ERR_WRAPPING_KEY},
        {'D', 8, KEYS_ERR_WRAPPING_KEY},
        {'D', 16, ERR_OK},
        {'D', 24, ERR_OK},
        {'D', 32, ERR_OK},
        {'E', 16, KEYS_ERR_BLOCK_FORMAT},
    };
    struct env env = rng_env(6);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct secret_key kbpk = {.len = rows[i].len}, back;
        struct keys_header header;
        char text[KEYS_BLOCK_MAX];
        struct buf b = buf_over(text, sizeof text);
        env_random(&env, kbpk.at, kbpk.len);
        assert_int_equal(keys_tr31_wrap(&kbpk, rows[i].version, &pin_key, &known, &env, &b), rows[i].err);
        if (rows[i].err != ERR_OK)
            continue;
        assert_int_equal(keys_tr31_unwrap(&kbpk, buf_span(&b), &header, &back), ERR_OK);
        assert_int_equal(header.format, rows[i].version);
        assert_memory_equal(header.lmk, "00", 2);
        assert_int_equal(keys_block_unwrap_under(&kbpk, buf_span(&b), &header, &back), KEYS_ERR_BLOCK_FORMAT);
        kbpk.len = 8;
        assert_int_equal(keys_tr31_unwrap(&kbpk, buf_span(&b), &header, &back), KEYS_ERR_WRAPPING_KEY);
    }
    assert_true(keys_tr31_takes_aes('D') && !keys_tr31_takes_aes('B') && !keys_tr31_takes_aes('E'));
}

/* Lengths as in the published blocks: tr31-01 (A0072), tr31-11 (D0144), and those of psec (B0096). */
static void key_lengths_are_hidden(void **state)
{
    (void)state;
    static const struct {
        char version, algorithm;
        uint8_t len;
        size_t block;
    } rows[] = {{'A', 'T', 16, 72},  {'C', 'T', 24, 88},  {'B', 'T', 8, 96},   {'B', 'T', 16, 96},  {'B', 'T', 24, 96},
                {'D', 'T', 8, 112},  {'D', 'T', 16, 112}, {'D', 'T', 24, 112}, {'D', 'A', 16, 144}, {'D', 'A', 24, 144},
                {'D', 'A', 32, 144}, {'D', 'H', 20, 112}, {'B', 'D', 8, 64},   {'0', 'T', 16, 72},  {'0', 'T', 8, 56}};
    struct env env = rng_env(9);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct keys_header h = pin_key;
        struct secret_key key = {.len = rows[i].len};
        char text[KEYS_BLOCK_MAX];
        struct buf b = buf_over(text, sizeof text);
        h.algorithm = rows[i].algorithm;
        const struct secret_key *kbpk = rows[i].version == 'D' ? &aes : &tdes;
        assert_int_equal(rows[i].version == '0' ? keys_block_wrap_under(kbpk, &h, &key, &env, &b)
                                                : keys_tr31_wrap(kbpk, rows[i].version, &h, &key, &env, &b),
                         ERR_OK);
        assert_int_equal(b.len, 1 + rows[i].block);
    }
}

/* PB fills to whole cipher blocks and is never shorter than its own head. */
static void padding_blocks(void **state)
{
    (void)state;
    struct env env = rng_env(7);
    for (size_t len = 4; len < 40; len++)
        for (const char *version = "BD"; *version; version++) {
            struct keys_header h = pin_key, header;
            struct secret_key back;
            char text[KEYS_BLOCK_MAX], blocks_text[64];
            struct buf b = buf_over(text, sizeof text);
            snprintf(blocks_text, sizeof blocks_text, "LB%02zX%.*s", len, (int)(len - 4),
                     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
            h.optional = 1;
            h.blocks = span_text(blocks_text);
            const struct secret_key *kbpk = *version == 'D' ? &aes : &tdes;
            assert_int_equal(keys_tr31_wrap(kbpk, *version, &h, &known, &env, &b), ERR_OK);
            assert_int_equal(b.len % 8, 1);
            assert_int_equal(keys_tr31_unwrap(kbpk, buf_span(&b), &header, &back), ERR_OK);
            assert_int_equal(header.optional, 1);
            assert_true(span_equal(header.blocks, h.blocks));
            size_t unit = *version == 'D' ? 16 : 8;
            assert_int_equal(text[14], len % unit ? '2' : '1');
        }
}

/* A block is shorter than KEYS_BLOCK_MAX whatever it carries. */
static void blocks_have_a_limit(void **state)
{
    (void)state;
    struct env env = rng_env(8);
    struct keys_header h = pin_key;
    char optional[1024], text[2 * KEYS_BLOCK_MAX];
    struct buf b = buf_over(text, sizeof text);
    snprintf(optional, sizeof optional, "LB0002%04X%0960d", 970, 0);
    h.optional = 1;
    h.blocks = span_text(optional);
    assert_int_equal(keys_tr31_wrap(&tdes, 'B', &h, &known, &env, &b), KEYS_ERR_BLOCK_LENGTH);
    snprintf(optional, sizeof optional, "LB0002%04X%0900d", 910, 0);
    h.blocks = span_text(optional);
    assert_int_equal(keys_tr31_wrap(&tdes, 'B', &h, &known, &env, &b), ERR_OK);
}

/* ---- AES ---- */

/* SP 800-38A F.2.1 to F.2.6, first two blocks. */
static void aes_cbc(void **state)
{
    (void)state;
    static const char *const keys[] = {"2B7E151628AED2A6ABF7158809CF4F3C", "8E73B0F7DA0E6452C810F32B809079E562F8EAD2522C6B7B",
                                       "603DEB1015CA71BE2B73AEF0857D77811F352C073B6108D72D9810A30914DFF4"};
    static const char *const wanted[] = {"7649ABAC8119B246CEE98E9B12E9197D5086CB9B507219EE95DB113A917678B2",
                                         "4F021DB243BC633D7178183A9FA071E8B4D9ADA9AD7DEDF4E5E738763F69145A",
                                         "F58C4C04D6E5F1BA779EABFB5F7BFBD69CFC4E967EDB808D679F777BC6702C7D"};
    const struct secret_key plain = vector_key("6BC1BEE22E409F96E93D7E117393172AAE2D8A571E03AC9C9EB76FAC45AF8E51");
    const struct secret_key iv = vector_key("000102030405060708090A0B0C0D0E0F");
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        struct secret_key key = vector_key(keys[i]);
        uint8_t text[32];
        assert_int_equal(crypto_aes_cbc_encrypt(&key, iv.at, plain.at, text, sizeof text), ERR_OK);
        vector_assert_hex(text, wanted[i]);
        assert_int_equal(crypto_aes_cbc_decrypt(&key, iv.at, text, text, sizeof text), ERR_OK);
        assert_memory_equal(text, plain.at, sizeof text);
        key.len = 8;
        assert_int_equal(crypto_aes_cbc_encrypt(&key, iv.at, plain.at, text, sizeof text), CRYPTO_ERR_KEY_LENGTH_ALGORITHM);
    }
}

/* Check values follow the algorithm; that of an HMAC key was made with `openssl mac`. */
static void check_values(void **state)
{
    (void)state;
    uint8_t kcv[8];
    assert_int_equal(keys_block_kcv('T', &known, kcv), ERR_OK);
    vector_assert_hex(kcv, "57C40986AFFCE7DB");
    assert_int_equal(keys_block_kcv('A', &known, kcv), ERR_OK);
    vector_assert_hex(kcv, "08793E25ABEB8BD6");
    assert_int_equal(keys_block_kcv('H', &known, kcv), ERR_OK);
    vector_assert_hex(kcv, "731FE1320DAB18F5");
}

static int set_up(void **state)
{
    (void)state;
    tdes = vector_key("DD7515F2BFC17F85CE48F3CA25CB21F6");
    aes = vector_key("88E1AB2A2E3DD38C1FA039A536500CC8A87AB9D62DC92C01058FA79F44657DE6");
    known = vector_key("3F419E1CB7079442AA37474C2EFBF8B8");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(authentic_blocks_are_held_to_the_rules),
        cmocka_unit_test(optional_blocks_of_others),
        cmocka_unit_test(optional_lengths),
        cmocka_unit_test(headers_that_are_not_written),
        cmocka_unit_test(wrapping_keys),
        cmocka_unit_test(key_lengths_are_hidden),
        cmocka_unit_test(padding_blocks),
        cmocka_unit_test(blocks_have_a_limit),
        cmocka_unit_test(aes_cbc),
        cmocka_unit_test(check_values),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
