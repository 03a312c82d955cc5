/* SPDX-License-Identifier: Apache-2.0 */
/* One key through A0, BU, A4 and BW: it stays the same key, of any type, length and form. */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "support/frames.h"
#include "support/rng.h"

#include <stdio.h>
#include <string.h>

enum { ROUNDS = 400, REQUEST = 8192, TEXT = KEYS_BLOCK_MAX };

static struct env env;
static struct hsm *hsm;

static unsigned draw(unsigned bound)
{
    uint32_t value;
    env_random(&env, &value, sizeof value);
    return value % bound;
}

/* Random components with odd parity whose sum is the key, but for parity. */
static void split(const struct secret_key *key, unsigned count, struct secret_key *part)
{
    part[count - 1] = *key;
    for (unsigned n = 0; n + 1 < count; n++) {
        keys_generate(&env, key->len, &part[n]);
        for (size_t i = 0; i < key->len; i++)
            part[count - 1].at[i] ^= part[n].at[i];
    }
    keys_parity_set(&part[count - 1]);
}

/* ---- variant LMK ---- */

struct form {
    char scheme;
    char flag; /* of BU and BW */
    uint8_t len;
};
static const struct form forms[] = {{'Z', '0', 8}, {'U', '1', 16}, {'X', '1', 16}, {'T', '2', 24}, {'Y', '2', 24}};

struct made {
    char type[4];
    char text[TEXT];
    char kcv[7];
    struct secret_key clear;
    struct keys_type_place place;
};

static void generate(const struct form *form, struct made *m)
{
    char request[64];
    do {
        snprintf(m->type, sizeof m->type, "%u%02X", draw(10), draw(0x0F));
    } while (strcmp(m->type, "00C") == 0 || strcmp(m->type, "10C") == 0);
    snprintf(request, sizeof request, "A00%s%c", m->type, form->scheme);
    const char *r = frames_ask(hsm, request);
    size_t len = strlen(r) - 10;
    assert_memory_equal(r, "A100", 4);
    snprintf(m->text, sizeof m->text, "%.*s", (int)len, r + 4);
    snprintf(m->kcv, sizeof m->kcv, "%s", r + 4 + len);
    assert_int_equal(keys_type_place(span_text(m->type), &m->place), ERR_OK);
    assert_int_equal(keys_unwrap(hsm_context(hsm)->lmks, 0, m->place, span_text(m->text), &m->clear), ERR_OK);
    assert_int_equal(m->clear.len, form->len);
    frames_assert_kcv(&m->clear, m->kcv, 6);
}

static void bu_agrees(const struct form *form, const struct made *m)
{
    char request[REQUEST], reply[32];
    snprintf(request, sizeof request, "BUFF%c%s;%s;001", form->flag, m->text, m->type);
    snprintf(reply, sizeof reply, "BV00%s", m->kcv);
    frames_assert(hsm, request, reply);
    snprintf(request, sizeof request, "BUFF%c%s;%s", form->flag, m->text, m->type);
    const char *r = frames_ask(hsm, request);
    assert_int_equal(strlen(r), 20);
    frames_assert_kcv(&m->clear, r + 4, 16);
}

static void a4_agrees(const struct form *form, const struct made *m)
{
    unsigned count = 2 + draw(8);
    struct secret_key part[9];
    struct keys_type_place place = m->place;
    char request[REQUEST], text[TEXT], reply[TEXT];
    place.component = draw(2);
    split(&m->clear, count, part);
    int len = snprintf(request, sizeof request, "A4%u%s%c", count, m->type, form->scheme);
    for (unsigned n = 0; n < count; n++) {
        frames_wrap_under(hsm, 0, place, (enum keys_scheme)form->scheme, &part[n], text);
        len += snprintf(request + len, sizeof request - (size_t)len, "%s", text);
    }
    snprintf(reply, sizeof reply, "A500%.64s%s", m->text, m->kcv);
    frames_assert(hsm, request, reply);
}

static void bw_agrees(const struct form *form, const struct made *m)
{
    char request[REQUEST], old[TEXT], reply[TEXT];
    frames_wrap_under(hsm, KEYS_LMK_OLD, m->place, (enum keys_scheme)form->scheme, &m->clear, old);
    assert_string_not_equal(old, m->text);
    snprintf(request, sizeof request, "BWFF%c%s;%s;0%c0", form->flag, old, m->type, form->scheme);
    snprintf(reply, sizeof reply, "BX00%.64s%s", m->text, m->kcv);
    frames_assert(hsm, request, reply);
}

static void variant_keys(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ROUNDS; i++) {
        const struct form *form = &forms[i % (sizeof forms / sizeof forms[0])];
        struct made m;
        generate(form, &m);
        bu_agrees(form, &m);
        a4_agrees(form, &m);
        bw_agrees(form, &m);
    }
}

/* ---- key-block LMK ---- */

static struct keys_header random_header(void)
{
    static const char usages[][3] = {"C0", "E0", "E6", "K0", "D0", "P0", "13"}, modes[] = "NXBEDCGV", exports[] = "ENS";
    struct keys_header h = {.algorithm = 'T', .version = {'0', (char)('0' + draw(10))}};
    memcpy(h.usage, usages[draw(7)], 2);
    h.mode = modes[draw(8)];
    h.exportability = exports[draw(3)];
    return h;
}

/* Header and clear key of a block under LMK 01 are these. */
static void assert_block(struct span text, const struct keys_header *want, const struct secret_key *key)
{
    struct keys_header header;
    struct secret_key clear;
    assert_int_equal(keys_block_unwrap(hsm_context(hsm)->lmks, 1, text, &header, &clear), ERR_OK);
    assert_memory_equal(header.usage, want->usage, 2);
    assert_memory_equal(header.version, want->version, 2);
    assert_int_equal(header.mode, want->mode);
    assert_int_equal(header.exportability, want->exportability);
    assert_memory_equal(&clear, key, sizeof clear);
}

static void block_a4_agrees(struct keys_header h, const struct secret_key *key, const char *kcv)
{
    unsigned count = 2 + draw(8);
    const struct keys_header whole = h;
    struct secret_key part[9];
    char request[REQUEST], text[TEXT];
    split(key, count, part);
    int len = snprintf(request, sizeof request, "A4%uFFFS", count);
    for (unsigned n = 0; n < count; n++) {
        memcpy(h.version, (const char[]){'c', (char)('1' + n)}, 2);
        frames_block_under(hsm, 1, &h, &part[n], text);
        len += snprintf(request + len, sizeof request - (size_t)len, "%s", text);
    }
    snprintf(request + len, sizeof request - (size_t)len, "%%01#%.2s00", whole.version);
    const char *r = frames_ask(hsm, request);
    assert_memory_equal(r, "A500", 4);
    assert_block(span_of(r + 4, strlen(r) - 10), &whole, key);
    assert_string_equal(r + strlen(r) - 6, kcv);
}

static void block_bw_agrees(const struct keys_header *h, const struct secret_key *key, const char *kcv)
{
    char request[REQUEST], old[TEXT];
    frames_block_under(hsm, 1 | KEYS_LMK_OLD, h, key, old);
    snprintf(request, sizeof request, "BWFFF%s;FFF%%01", old);
    const char *r = frames_ask(hsm, request);
    assert_memory_equal(r, "BX00", 4);
    assert_block(span_of(r + 4, strlen(r) - 10), h, key);
    assert_string_equal(r + strlen(r) - 6, kcv);
}

static void key_blocks(void **state)
{
    (void)state;
    static const uint8_t lens[] = {8, 16, 24};
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct keys_header h = random_header(), header;
        struct secret_key key;
        char request[REQUEST], kcv[7], text[TEXT];
        snprintf(request, sizeof request, "A00FFFS%%01#%.2sT%u%c%.2s%c00", h.usage, i % 3 + 1, h.mode, h.version, h.exportability);
        const char *r = frames_ask(hsm, request);
        assert_memory_equal(r, "A100", 4);
        snprintf(text, sizeof text, "%.*s", (int)strlen(r) - 10, r + 4);
        snprintf(kcv, sizeof kcv, "%s", r + strlen(r) - 6);
        assert_int_equal(keys_block_unwrap(hsm_context(hsm)->lmks, 1, span_text(text), &header, &key), ERR_OK);
        assert_int_equal(key.len, lens[i % 3]);
        assert_block(span_text(text), &h, &key);
        frames_assert_kcv(&key, kcv, 6);
        snprintf(request, sizeof request, "BUFFF%s;FFF;001%%01", text);
        assert_string_equal(frames_ask(hsm, request) + 4, kcv);
        block_a4_agrees(h, &key, kcv);
        block_bw_agrees(&h, &key, kcv);
    }
}

static int set_up(void **state)
{
    (void)state;
    env = rng_env(20);
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
    const struct CMUnitTest tests[] = {cmocka_unit_test(variant_keys), cmocka_unit_test(key_blocks)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
