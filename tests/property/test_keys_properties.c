/* SPDX-License-Identifier: Apache-2.0 */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "crypto/error.h"
#include "keys/block/block.h"
#include "keys/cache.h"
#include "keys/error.h"
#include "keys/keys.h"

#include <stdio.h>
#include <string.h>

static struct env env;
static struct keys_lmk_set *lmks;

static bool same(const struct secret_key *a, const struct secret_key *b)
{
    return a->len == b->len && memcmp(a->at, b->at, a->len) == 0;
}

/* Every type code, every scheme: unwrap after wrap gives the key; another type or variant gives another. */
static void unwrap_undoes_wrap(void **state)
{
    (void)state;
    static const struct {
        enum keys_scheme scheme;
        uint8_t len;
        size_t text;
    } cases[] = {{KEYS_NONE, 8, 16}, {KEYS_NONE, 16, 32}, {KEYS_NONE, 24, 48}, {KEYS_U, 16, 33},
                 {KEYS_T, 24, 49},   {KEYS_X, 16, 33},    {KEYS_Y, 24, 49},    {KEYS_Z, 8, 16}};
    for (unsigned code = 0; code < 0x0F; code++)
        for (unsigned variant = 0; variant < 10; variant++)
            for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
                char type[4], room[64];
                struct keys_type_place place, other;
                struct secret_key key, back;
                struct buf b = buf_over(room, sizeof room);
                snprintf(type, sizeof type, "%u%02X", variant, code);
                assert_int_equal(keys_type_place(span_text(type), &place), ERR_OK);
                keys_generate(&env, cases[i].len, &key);
                assert_true(keys_parity_odd(&key));
                assert_int_equal(keys_wrap(lmks, 0, place, cases[i].scheme, &key, &b), ERR_OK);
                assert_int_equal(b.len, cases[i].text);
                assert_int_equal(keys_unwrap(lmks, 0, place, buf_span(&b), &back), ERR_OK);
                assert_true(same(&key, &back));
                other = (struct keys_type_place){.pair = place.pair, .variant = (uint8_t)((variant + 1) % 10)};
                assert_int_equal(keys_unwrap(lmks, 0, other, buf_span(&b), &back), ERR_OK);
                assert_false(same(&key, &back));
                other = place;
                other.component = true;
                assert_int_equal(keys_unwrap(lmks, 0, other, buf_span(&b), &back), ERR_OK);
                assert_false(same(&key, &back));
            }
}

static void under_a_zone_key(void **state)
{
    (void)state;
    static const struct {
        enum keys_scheme scheme;
        uint8_t len;
    } cases[] = {{KEYS_NONE, 8}, {KEYS_NONE, 16}, {KEYS_U, 16}, {KEYS_T, 24}, {KEYS_X, 16}, {KEYS_Y, 24}, {KEYS_Z, 8}};
    static const uint8_t zmk_lengths[] = {8, 16, 24};
    for (size_t z = 0; z < sizeof zmk_lengths; z++)
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            struct secret_key zmk, key, back;
            char room[64];
            struct buf b = buf_over(room, sizeof room);
            keys_generate(&env, zmk_lengths[z], &zmk);
            keys_generate(&env, cases[i].len, &key);
            bool varied = cases[i].scheme == KEYS_U || cases[i].scheme == KEYS_T;
            enum err expected = varied && zmk.len == 8 ? CRYPTO_ERR_KEY_LENGTH : ERR_OK;
            assert_int_equal(keys_zmk_wrap(&zmk, cases[i].scheme, &key, &b), expected);
            if (expected != ERR_OK)
                continue;
            assert_int_equal(keys_zmk_unwrap(&zmk, buf_span(&b), &back), ERR_OK);
            assert_true(same(&key, &back));
        }
}

static void bad_texts_have_their_errors(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum err err;
    } cases[] = {
        {"", ERR_PARSE_SHORT},
        {"Q9B4934384B19946B040CD702B4D58145", KEYS_ERR_SCHEME},
        {"S9B4934384B19946B040CD702B4D58145", KEYS_ERR_SCHEME},
        {"U9B4934384B19946B040CD702B4D5814", CRYPTO_ERR_KEY_LENGTH},
        {"U9B4934384B19946B", CRYPTO_ERR_KEY_LENGTH},
        {"Z9B4934384B19946B040CD702B4D58145", CRYPTO_ERR_KEY_LENGTH},
        {"T9B4934384B19946B040CD702B4D58145", CRYPTO_ERR_KEY_LENGTH},
        {"U9B4934384B19946B040CD702B4D5814G", ERR_PARSE_CHARACTER},
        {"9B4934384B19946B040CD702B4D581", CRYPTO_ERR_KEY_LENGTH},
        {"9B4934384B19946B040CD702B4D5814", CRYPTO_ERR_KEY_LENGTH},
    };
    struct keys_type_place cvk;
    struct secret_key out = {.len = 99};
    assert_int_equal(keys_type_place(span_text("402"), &cvk), ERR_OK);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(keys_unwrap(lmks, 0, cvk, span_text(cases[i].text), &out), cases[i].err);
    assert_int_equal(keys_unwrap(lmks, 2, cvk, span_text("U9B4934384B19946B040CD702B4D58145"), &out), KEYS_ERR_LMK_IDENTIFIER);
    assert_int_equal(keys_unwrap(lmks, 1, cvk, span_text("U9B4934384B19946B040CD702B4D58145"), &out), KEYS_ERR_SCHEME);
    assert_int_equal(out.len, 99);
    static const char *const types[] = {"", "40", "4022", "412", "40F", "A02", "40G"};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        assert_int_equal(keys_type_place(span_text(types[i]), &cvk), KEYS_ERR_TYPE);
    char type[4];
    assert_int_equal(keys_type_from_short(span_text("42"), type), ERR_OK);
    assert_string_equal(type, "402");
    assert_int_equal(keys_type_from_short(span_text("0E"), type), ERR_OK);
    assert_string_equal(type, "00E");
    assert_int_equal(keys_type_from_short(span_text("10"), type), ERR_OK);
    assert_string_equal(type, "100");
    assert_int_equal(keys_type_from_short(span_text("FF"), type), KEYS_ERR_TYPE_CODE);
    assert_int_equal(keys_type_from_short(span_text("43"), type), KEYS_ERR_TYPE_CODE);
    assert_string_equal(keys_type_name(span_text("109")), "MK-AC");
    assert_string_equal(keys_type_name(span_text("10A")), "");
}

/* Lower case is read as upper case. */
static void either_case_is_read(void **state)
{
    (void)state;
    struct keys_type_place cvk;
    struct secret_key a, b;
    assert_int_equal(keys_type_place(span_text("402"), &cvk), ERR_OK);
    assert_int_equal(keys_unwrap(lmks, 0, cvk, span_text("U9B4934384B19946B040CD702B4D58145"), &a), ERR_OK);
    assert_int_equal(keys_unwrap(lmks, 0, cvk, span_text("U9b4934384b19946b040cd702b4d58145"), &b), ERR_OK);
    assert_true(same(&a, &b));
}

/* ---- key blocks ---- */

static const struct keys_header cvk_header = {{'C', '0'}, 'T', 'N', {'0', '0'}, 'E', 0, {'0', '1'}, '0', {0}};

static size_t make_block(uint8_t len, char *room, size_t cap, struct secret_key *key)
{
    struct buf b = buf_over(room, cap);
    keys_generate(&env, len, key);
    assert_int_equal(keys_block_wrap(lmks, 1, &cvk_header, key, &env, &b), ERR_OK);
    return b.len;
}

static void blocks_round_trip(void **state)
{
    (void)state;
    static const uint8_t lengths[] = {8, 16, 24};
    for (size_t i = 0; i < sizeof lengths; i++) {
        char room[128];
        struct secret_key key, back = {0};
        struct keys_header header;
        size_t len = make_block(lengths[i], room, sizeof room, &key);
        assert_int_equal(keys_block_extent(span_of(room, len)), len);
        assert_int_equal(keys_block_unwrap(lmks, 1, span_of(room, len), &header, &back), ERR_OK);
        assert_true(same(&key, &back));
        assert_memory_equal(&header, &cvk_header, offsetof(struct keys_header, blocks));
        assert_int_equal(header.blocks.len, 0);
    }
}

/* Every changed character is refused, as format or as authentication; nothing is unwrapped. */
static void every_change_is_noticed(void **state)
{
    (void)state;
    char room[128];
    struct secret_key key, out = {.len = 99};
    struct keys_header header = {.mode = '?'};
    unsigned format = 0, mac = 0;
    size_t len = make_block(16, room, sizeof room, &key);
    for (size_t i = 0; i < len; i++)
        for (unsigned change = 0; change < 3; change++) {
            char was = room[i];
            room[i] = (char)(change == 0 ? (was == '0' ? '1' : '0') : change == 1 ? 'x' : 1);
            enum err err = keys_block_unwrap(lmks, 1, span_of(room, len), &header, &out);
            assert_true(err == KEYS_ERR_BLOCK_FORMAT || err == KEYS_ERR_BLOCK_MAC);
            format += err == KEYS_ERR_BLOCK_FORMAT;
            mac += err == KEYS_ERR_BLOCK_MAC;
            room[i] = was;
        }
    for (size_t cut = 0; cut < len; cut++)
        assert_int_equal(keys_block_unwrap(lmks, 1, span_of(room, cut), &header, &out), KEYS_ERR_BLOCK_FORMAT);
    assert_true(format > 0 && mac > 0);
    assert_int_equal(out.len, 99);
    assert_int_equal(header.mode, '?');
    assert_int_equal(keys_block_unwrap(lmks, 0, span_of(room, len), &header, &out), KEYS_ERR_SCHEME);
    assert_int_equal(keys_block_unwrap(lmks, 7, span_of(room, len), &header, &out), KEYS_ERR_LMK_IDENTIFIER);
}

/* Genuine blocks whose LMK identifier or inner length is wrong. */
static void authentic_but_wrong(void **state)
{
    (void)state;
    static const struct secret_key lmk = {24, {0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF, 0x80, 0x80, 0x80, 0x80,
                                               0x80, 0x80, 0x80, 0x80, 0xFE, 0xDC, 0xBA, 0x98, 0x76, 0x54, 0x32, 0x10}};
    char room[128];
    struct buf b = buf_over(room, sizeof room);
    struct secret_key key, out;
    struct keys_header header = cvk_header;
    keys_generate(&env, 16, &key);
    header.lmk[1] = '2';
    assert_int_equal(keys_block_wrap_under(&lmk, &header, &key, &env, &b), ERR_OK);
    assert_int_equal(keys_block_unwrap(lmks, 1, buf_span(&b), &header, &out), KEYS_ERR_BLOCK_LMK);
    buf_clear(&b);
    header.optional = 1;
    assert_int_equal(keys_block_wrap_under(&lmk, &header, &key, &env, &b), KEYS_ERR_OPTIONAL_COUNT);
}

/* An optional block is at least its identifier and its length long; the length leads neither out of the block nor back into it. */
static void optional_blocks_that_lie(void **state)
{
    (void)state;
    static const char *const lengths[] = {"00", "01", "03", "0G", "FF", "05"};
    char room[128], lie[128];
    struct secret_key key, out;
    struct keys_header header;
    size_t len = make_block(16, room, sizeof room, &key);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        struct buf b = buf_over(lie, sizeof lie);
        buf_put_text(&b, "S0");
        buf_put_decimal(&b, len - 1 + 16, 4);
        buf_put(&b, room + 6, 7);
        buf_put_text(&b, "02");
        buf_put(&b, room + 15, 2);
        buf_put_text(&b, "KS");
        buf_put_text(&b, lengths[i]);
        buf_put_text(&b, "0000KS080000");
        buf_put(&b, room + 17, len - 17);
        assert_int_equal(keys_block_extent(buf_span(&b)), b.len);
        assert_int_equal(keys_block_unwrap(lmks, 1, buf_span(&b), &header, &out), KEYS_ERR_BLOCK_FORMAT);
    }
}

static void attributes_are_checked_in_order(void **state)
{
    (void)state;
    static const struct keys_rule rule = {"C0|11|12|13", "NCG", 'T'};
    struct keys_header h = cvk_header;
    assert_int_equal(keys_block_allows(&h, &rule), ERR_OK);
    memcpy(h.usage, "13", 2);
    assert_int_equal(keys_block_allows(&h, &rule), ERR_OK);
    h.algorithm = 'A';
    assert_int_equal(keys_block_allows(&h, &rule), KEYS_ERR_ALGORITHM);
    h.mode = 'V';
    assert_int_equal(keys_block_allows(&h, &rule), KEYS_ERR_MODE);
    memcpy(h.usage, "01", 2);
    assert_int_equal(keys_block_allows(&h, &rule), KEYS_ERR_USAGE);
    h = cvk_header;
    h.mode = 0;
    assert_int_equal(keys_block_allows(&h, &rule), KEYS_ERR_MODE);
}

/* ---- cache ---- */

struct payload {
    int value;
    int loaded;
};
static unsigned unloaded;

static void unload(void *at)
{
    struct payload *p = at;
    unloaded += p->loaded == 1;
    p->loaded = 0;
}

static void cache_finds_forgets_and_unloads(void **state)
{
    (void)state;
    enum { TEXTS = 5000, SLOTS = 64 };
    struct keys_cache *cache = NULL;
    unloaded = 0;
    assert_int_equal(keys_cache_create(SLOTS, sizeof(struct payload), unload, &cache), ERR_OK);
    for (int i = 0; i < TEXTS; i++) {
        char text[16];
        snprintf(text, sizeof text, "U%d", i);
        assert_null(keys_cache_find(cache, 0, 1, span_text(text)));
        struct payload *p = keys_cache_add(cache, 0, 1, span_text(text));
        assert_non_null(p);
        assert_int_equal(p->value, 0);
        *p = (struct payload){i, 1};
        p = keys_cache_find(cache, 0, 1, span_text(text));
        assert_non_null(p);
        assert_int_equal(p->value, i);
        assert_null(keys_cache_find(cache, 0, 2, span_text(text)));
        assert_null(keys_cache_find(cache, 1, 1, span_text(text)));
        /* The first text is used all the time, so it is never the oldest of its set. */
        p = keys_cache_find(cache, 0, 1, span_text("U0"));
        assert_non_null(p);
        assert_int_equal(p->value, 0);
    }
    assert_true(unloaded >= TEXTS - SLOTS);
    struct payload *first = keys_cache_find(cache, 0, 1, span_text("U0"));
    keys_cache_drop(cache, first);
    assert_null(keys_cache_find(cache, 0, 1, span_text("U0")));
    char longest[KEYS_CACHE_TEXT + 1];
    memset(longest, 'A', sizeof longest);
    assert_non_null(keys_cache_add(cache, 0, 1, span_of(longest, KEYS_CACHE_TEXT)));
    assert_null(keys_cache_add(cache, 0, 1, span_of(longest, KEYS_CACHE_TEXT + 1)));
    keys_cache_destroy(cache);
    assert_int_equal(unloaded, TEXTS);
}

static void lmks_are_loaded_once(void **state)
{
    (void)state;
    char check[KEYS_CHECK];
    assert_int_equal(keys_lmk_kind(lmks, 0), KEYS_LMK_VARIANT);
    assert_int_equal(keys_lmk_kind(lmks, 1), KEYS_LMK_BLOCK);
    assert_int_equal(keys_lmk_kind(lmks, 2), KEYS_LMK_ABSENT);
    assert_int_equal(keys_lmk_add_test_variant(lmks, 0), KEYS_ERR_LMK_IDENTIFIER);
    assert_int_equal(keys_lmk_add_test_variant(lmks, 100), KEYS_ERR_LMK_IDENTIFIER);
    assert_int_equal(keys_lmk_check(lmks, 0, check), ERR_OK);
    assert_memory_equal(check, "2686040000000000", KEYS_CHECK);
    assert_int_equal(keys_lmk_check(lmks, 2, check), KEYS_ERR_LMK_IDENTIFIER);
}

static void halves(void **state)
{
    (void)state;
    struct secret_key key = {.len = 16};
    memset(key.at, 0x13, 16);
    assert_true(keys_halves_equal(&key));
    key.at[15] ^= 2;
    assert_false(keys_halves_equal(&key));
    assert_true(keys_parity_odd(&key) == false);
    keys_parity_set(&key);
    assert_true(keys_parity_odd(&key));
}

/* Equal halves, then different ones: as one in 2^56 draws is. */
static void draw(void *context, void *out, size_t len)
{
    unsigned *draws = context;
    memset(out, 0x13, len);
    if ((*draws)++ > 0)
        memset(out, 0x2A, 8);
}

static void generated_halves_differ(void **state)
{
    (void)state;
    unsigned draws = 0;
    const struct env lame = {.random_fill = draw, .context = &draws};
    struct secret_key key;
    keys_generate(&lame, 16, &key);
    assert_int_equal(draws, 2);
    assert_false(keys_halves_equal(&key));
    assert_true(keys_parity_odd(&key));
}

static int set_up(void **state)
{
    (void)state;
    env = env_system(NULL);
    return keys_lmk_set_create(&lmks) != ERR_OK || keys_lmk_add_test_variant(lmks, 0) != ERR_OK ||
           keys_lmk_add_test_block(lmks, 1) != ERR_OK;
}

static int tear_down(void **state)
{
    (void)state;
    keys_lmk_set_destroy(lmks);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unwrap_undoes_wrap),
        cmocka_unit_test(under_a_zone_key),
        cmocka_unit_test(bad_texts_have_their_errors),
        cmocka_unit_test(either_case_is_read),
        cmocka_unit_test(blocks_round_trip),
        cmocka_unit_test(every_change_is_noticed),
        cmocka_unit_test(authentic_but_wrong),
        cmocka_unit_test(optional_blocks_that_lie),
        cmocka_unit_test(attributes_are_checked_in_order),
        cmocka_unit_test(cache_finds_forgets_and_unloads),
        cmocka_unit_test(lmks_are_loaded_once),
        cmocka_unit_test(halves),
        cmocka_unit_test(generated_halves_differ),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
