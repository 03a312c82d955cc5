/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The column of errors of each command, against what the HSM answers: templates with every kind of bad key in every place, cut and
 * changed at random, and genuine key blocks with random headers. What the column lists was answered by some frame, and nothing else
 * ever was.
 */
/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include "hsm/guard/guess.h"
#include "hsm/guard/state.h"
#include "support/frames.h"
#include "support/rng.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FRAME = 4096, KEYS_MAX = 3, CODES_MAX = 64, MUTATIONS = 1500, BLOCKS = 400 };

static struct env env;
static struct hsm *soft, *hard, *secure, *young; /* young: without old LMKs */

/* ---- what was answered ---- */

static struct {
    char code[CODES_MAX][3];
    size_t count;
} seen[HOSTCMD_COUNT];

static void note(enum hostcmd_id id, const uint8_t *code)
{
    for (size_t i = 0; i < seen[id].count; i++)
        if (memcmp(seen[id].code[i], code, 2) == 0)
            return;
    assert_true(seen[id].count < CODES_MAX);
    memcpy(seen[id].code[seen[id].count++], code, 2);
}

static void ask(struct hsm *on, struct span request)
{
    const struct hostcmd_row *row = hostcmd_find(span_slice(request, 0, 2));
    if (!row || request.len > FRAME)
        return;
    struct span reply = frames_ask_span(on, request);
    assert_true(reply.len >= 4);
    note(row->id, reply.at + 2);
}

/* ---- keys ---- */

/* Places of a template: {402} and so on; {x...}: bytes in hexadecimal. */
static const struct secret_key two = {
    16, {0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF, 0xFE, 0xDC, 0xBA, 0x98, 0x76, 0x54, 0x32, 0x10}};

enum form {
    FORM_GOOD,
    FORM_EVEN,
    FORM_ZERO,
    FORM_HALVES,
    FORM_WEAK,
    FORM_TRIPLE,
    FORM_SINGLE,
    FORM_OTHER_TYPE,
    FORM_EMPTY,
    FORM_OUTSIDE,
    FORM_SCHEME,
    FORM_STORED_BLOCK, /* an entry under LMK 01 */
    FORM_BLOCK,
    FORM_BLOCK_EVEN,
    FORM_BLOCK_TRIPLE,
    FORM_BLOCK_USAGE,
    FORM_BLOCK_MODE,
    FORM_BLOCK_ALGORITHM,
    FORM_BLOCK_VERSION,
    FORM_BLOCK_EXPORT,
    FORM_BLOCK_LMK,
    FORM_BLOCK_MAC,
    FORM_BLOCK_FORMAT,
    FORM_BLOCK_RANDOM,
    FORMS
};

struct place {
    const char *type;
    const char *usage;
    char mode;
};
static const struct place places[] = {
    {"402", "C0", 'N'}, {"109", "E0", 'N'}, {"709", "E4", 'N'}, {"000", "K0", 'N'}, {"001", "P0", 'N'}, {"002", "V0", 'N'},
};

static unsigned below(unsigned n)
{
    uint32_t value = 0;
    env_random(&env, &value, sizeof value);
    return value % n;
}

static void random_header(struct keys_header *h)
{
    static const char *const usages[] = {"C0", "E0", "E4", "K0", "P0", "V0", "M3", "B0", "52", "11", "12", "ZZ"};
    static const char modes[] = "NBEDCGVSX?", algorithms[] = "TTTDAHR?", exports[] = "ENS?";
    memcpy(h->usage, usages[below(12)], 2);
    h->mode = modes[below(10)];
    h->algorithm = algorithms[below(8)];
    h->exportability = exports[below(4)];
    h->version[0] = "0c1?"[below(4)];
    h->version[1] = "0129"[below(4)];
}

static void put_block(const struct place *place, enum form form, struct buf *out)
{
    char text[KEYS_BLOCK_MAX];
    struct keys_header header = {.algorithm = 'T', .mode = place->mode, .version = {'0', '0'}, .exportability = 'E'};
    struct secret_key key = two;
    memcpy(header.usage, place->usage, 2);
    if (form == FORM_BLOCK_EVEN)
        key.at[3] ^= 1;
    if (form == FORM_BLOCK_TRIPLE)
        keys_generate(&env, 24, &key);
    if (form == FORM_BLOCK_USAGE)
        memcpy(header.usage, "M3", 2);
    if (form == FORM_BLOCK_MODE)
        header.mode = 'S';
    if (form == FORM_BLOCK_ALGORITHM)
        header.algorithm = 'A';
    if (form == FORM_BLOCK_VERSION)
        memcpy(header.version, "?!", 2);
    if (form == FORM_BLOCK_EXPORT)
        header.exportability = 'N';
    if (form == FORM_BLOCK_RANDOM)
        random_header(&header);
    unsigned lmk = form == FORM_BLOCK_LMK ? 2 : 1;
    if (form == FORM_BLOCK_RANDOM && below(2))
        keys_generate(&env, (uint8_t)(8 + 8 * below(3)), &key);
    struct buf b = buf_over(text, sizeof text);
    const struct secret_key under = {24, {0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF, 0x80, 0x80, 0x80, 0x80,
                                          0x80, 0x80, 0x80, 0x80, 0xFE, 0xDC, 0xBA, 0x98, 0x76, 0x54, 0x32, 0x10}};
    header.lmk[0] = '0';
    header.lmk[1] = (char)('0' + lmk);
    if (keys_block_wrap_under(&under, &header, &key, &env, &b) != ERR_OK) {
        buf_put_text(out, "S00072C0TN00E0001A417975993E2331918759DD1656AC94306BE01C19FDE29E83A93AB42");
        return;
    }
    if (form == FORM_BLOCK_MAC)
        text[b.len - 1] = text[b.len - 1] == '0' ? '1' : '0';
    if (form == FORM_BLOCK_FORMAT)
        text[20] = '%';
    buf_put_span(out, buf_span(&b));
}

static void put_variant(const struct place *place, enum form form, struct buf *out)
{
    struct secret_key key = two;
    const char *type = place->type;
    enum keys_scheme scheme = KEYS_U;
    if (form == FORM_EVEN)
        key.at[3] ^= 1;
    if (form == FORM_ZERO)
        memset(key.at, 1, key.len);
    if (form == FORM_HALVES)
        memcpy(key.at + 8, key.at, 8);
    if (form == FORM_WEAK) {
        memset(key.at, 0x01, 8);
        memset(key.at + 8, 0xFE, 8);
    }
    if (form == FORM_TRIPLE) {
        keys_generate(&env, 24, &key);
        scheme = KEYS_T;
    }
    if (form == FORM_SINGLE) {
        key.len = 8;
        scheme = KEYS_Z;
    }
    if (form == FORM_OTHER_TYPE)
        type = strcmp(type, "003") == 0 ? "002" : "003";
    buf_put_text(out, frames_wrap(soft, type, scheme, &key));
}

static void put_key(const struct place *place, enum form form, struct buf *out)
{
    static const char *const texts[FORMS] = {[FORM_EMPTY] = "K0F0",
                                             [FORM_OUTSIDE] = "KFFF",
                                             [FORM_SCHEME] = "Q0123456789ABCDEF0123456789ABCDEF",
                                             [FORM_STORED_BLOCK] = "K001"};
    if (texts[form])
        buf_put_text(out, texts[form]);
    else if (form >= FORM_BLOCK)
        put_block(place, form, out);
    else
        put_variant(place, form, out);
}

/* ---- templates ---- */

struct template
{
    const char *text;
    bool blocks; /* its good keys are blocks */
};
#include "test_hsm_errors_frames.h"

static const struct place *place_of(const char *type)
{
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        if (strncmp(places[i].type, type, 3) == 0)
            return &places[i];
    fail_msg("no place %s", type);
    return NULL;
}

/* The frame of a template with `form` in the key place `which`, good keys elsewhere. */
static struct span expand(const struct template *t, size_t which, enum form form, char *room)
{
    struct buf out = buf_over(room, FRAME);
    size_t key = 0;
    bool block_form = form >= FORM_BLOCK;
    for (const char *at = t->text; *at;) {
        const char *end = *at == '{' ? strchr(at, '}') : NULL;
        if (!end) {
            buf_put_byte(&out, (uint8_t)*at++);
            continue;
        }
        if (at[1] == 'x') {
            uint8_t bytes[64];
            size_t digits = (size_t)(end - at) - 2;
            assert_int_equal(span_unhex(span_of(at + 2, digits), bytes, sizeof bytes), ERR_OK);
            buf_put(&out, bytes, digits / 2);
        } else {
            enum form good = t->blocks || block_form ? FORM_BLOCK : FORM_GOOD;
            put_key(place_of(at + 1), key++ == which ? form : good, &out);
        }
        at = end + 1;
    }
    if (block_form && !t->blocks)
        buf_put_text(&out, "%01");
    assert_int_equal(buf_done(&out), ERR_OK);
    return buf_span(&out);
}

static size_t keys_of(const struct template *t)
{
    size_t count = 0;
    for (const char *at = t->text; (at = strchr(at, '{')); at++)
        count += at[1] != 'x';
    return count;
}

static void everywhere(struct span request)
{
    ask(soft, request);
    ask(hard, request);
    ask(secure, request);
    ask(young, request);
}

static void bad_keys(const struct template *t)
{
    char room[FRAME];
    for (size_t which = 0; which < keys_of(t); which++)
        for (enum form form = FORM_GOOD; form < FORMS; form++)
            for (unsigned n = 0; n < (form == FORM_BLOCK_RANDOM ? BLOCKS : 1u); n++) {
                struct span request = expand(t, which, form, room);
                everywhere(request);
                if (request.len + 3 < FRAME && n == 0) {
                    memcpy(room + request.len, "%01", 3);
                    ask(soft, span_of(room, request.len + 3));
                    memcpy(room + request.len, "%00", 3);
                    ask(soft, span_of(room, request.len + 3));
                    memcpy(room + request.len, "%07", 3);
                    ask(soft, span_of(room, request.len + 3));
                }
            }
}

/* %NN may stand behind every request; an LMK that is not there is 13, and the trailer comes back. */
static void absent_lmk(const struct template *t)
{
    static const char tail[] = "%07\x19tail";
    char room[FRAME + sizeof tail];
    struct span request = expand(t, SIZE_MAX, FORM_GOOD, room);
    if (strpbrk(t->text, "%#"))
        return;
    memcpy(room + request.len, tail, sizeof tail - 1);
    struct span reply = frames_ask_span(soft, span_of(room, request.len + sizeof tail - 1));
    if (!span_is(span_slice(reply, 2, SIZE_MAX), "13\x19tail"))
        fail_msg("%s with %%07 answered %s", t->text, (const char *)reply.at);
}

static void changed(const struct template *t)
{
    char room[FRAME], other[FRAME];
    struct span whole = expand(t, SIZE_MAX, FORM_GOOD, room);
    everywhere(whole);
    for (size_t len = 2; len < whole.len; len++)
        everywhere(span_of(room, len));
    for (unsigned n = 0; n < MUTATIONS; n++) {
        size_t len = whole.len;
        memcpy(other, room, len);
        for (unsigned k = 1 + below(3); k > 0 && len > 3; k--) {
            size_t at = 2 + below((unsigned)len - 2);
            uint8_t c = below(2) ? (uint8_t) "0123456789ABCDEFKSTUXYZ;%#&!F\x19"[below(30)] : (uint8_t)below(256);
            if (below(4) == 0 && len < FRAME - 1) {
                memmove(other + at + 1, other + at, len - at);
                len++;
            }
            other[at] = (char)c;
        }
        everywhere(span_of(other, len));
    }
}

/* Other attributes in place of those behind `#`, each with no optional block and with every kind of bad one. */
static void attributes(const struct template *t)
{
    static const char *const heads[] = {"C0T2N00E", "C0T2N00N", "C0T2N00S", "ZZT2N00E", "K0T2B00E", "C0A2N00E", "C0T3N00E",
                                        "C0D1N00E", "C0Q2N00E", "C0T2Q00E", "C0T2V00E", "C0T2N:0E", "C0T201E0", "C0T2N00Q"};
    static const char *const ends[] = {"00",         "01KS1800604B120F9292800000",
                                       "010005Q",    "010104",
                                       "010204",     "010304",
                                       "010404",     "01KS08XXXX",
                                       "01K:080000", "01KS0800AA",
                                       "02KS080000", "02KS080000KS080000",
                                       "01PB080000"};
    char room[FRAME];
    struct span whole = expand(t, SIZE_MAX, FORM_GOOD, room);
    const char *mark = memchr(whole.at, '#', whole.len);
    if (!mark)
        return;
    bool brief = hostcmd_find(span_slice(whole, 0, 2))->flags & HOSTCMD_ATTRIBUTES_SHORT;
    size_t from = (size_t)(mark - room) + 1;
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++)
        for (size_t k = 0; k < sizeof ends / sizeof ends[0]; k++) {
            int len = snprintf(room + from, FRAME - from, "%.*s%s", brief ? 2 : 8, brief ? "00" : heads[i], ends[k]);
            everywhere(span_of(room, from + (size_t)len));
        }
}

/* The old LMK and the current one of an identifier are of different kinds. */
static void across_kinds(void)
{
    char text[KEYS_BLOCK_MAX], frame[FRAME];
    struct keys_header header = {.usage = {'C', '0'}, .algorithm = 'T', .mode = 'N', .version = {'0', '0'}, .exportability = 'E'};
    const struct keys_lmk_facts facts = {.id = 8, .kind = KEYS_LMK_BLOCK, .test = true, .old = true};
    struct keys_material material = {0};
    struct secret_key triple;
    keys_generate(&env, 24, &triple);
    memcpy(material.at, triple.at, 24);
    assert_int_equal(keys_lmk_add(hsm_context(soft)->lmks, &facts, &material), ERR_OK);
    assert_int_equal(keys_lmk_add_test_variant(hsm_context(soft)->lmks, 8), ERR_OK);
    frames_block_under(soft, 8 | KEYS_LMK_OLD, &header, &two, text);
    snprintf(frame, sizeof frame, "BWFFF%s;FFF%%08", text);
    ask(soft, span_text(frame));
}

/* ---- the column ---- */

static bool lists(const char *codes, const char *code)
{
    for (; codes && *codes; codes += strlen(codes) > 2 ? 3 : 2)
        if (memcmp(codes, code, 2) == 0)
            return true;
    return false;
}

static void print_seen(enum hostcmd_id id)
{
    print_message("%s:", hostcmd_row(id)->code);
    for (size_t i = 0; i < seen[id].count; i++)
        if (!lists(hostcmd_general_errors, seen[id].code[i]))
            print_message(" %s", seen[id].code[i]);
    print_message("\n");
}

static void errors_are_those_of_the_column(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof templates / sizeof templates[0]; i++) {
        bad_keys(&templates[i]);
        absent_lmk(&templates[i]);
        changed(&templates[i]);
        attributes(&templates[i]);
    }
    across_kinds();
    for (size_t i = 0; i < sizeof frames / sizeof frames[0]; i++)
        everywhere(span_text(frames[i]));
    unsigned wrong = 0;
    for (enum hostcmd_id id = 0; id < HOSTCMD_COUNT; id++) {
        const char *listed = hostcmd_row(id)->errors;
        unsigned before = wrong;
        for (size_t i = 0; i < seen[id].count; i++)
            if (lists("41 42", seen[id].code[i]) ||
                (!lists(hostcmd_general_errors, seen[id].code[i]) && !lists(listed, seen[id].code[i]))) {
                print_message("%s answers %s, which its column does not list, or which is a defect\n", hostcmd_row(id)->code,
                              seen[id].code[i]);
                wrong++;
            }
        for (const char *code = listed; code && *code; code += strlen(code) > 2 ? 3 : 2) {
            bool reached = false;
            for (size_t i = 0; i < seen[id].count; i++)
                reached |= memcmp(seen[id].code[i], code, 2) == 0;
            if (!reached) {
                print_message("%s lists %.2s, which no frame reached\n", hostcmd_row(id)->code, code);
                wrong++;
            }
        }
        if (wrong > before)
            print_seen(id);
    }
    assert_int_equal(wrong, 0);
}

static struct hsm *make(const struct hsm_config *config)
{
    struct hsm *made = frames_hsm_of(config);
    char block[KEYS_BLOCK_MAX];
    struct keys_header header = {.usage = {'C', '0'}, .algorithm = 'T', .mode = 'N', .version = {'0', '0'}, .exportability = 'E'};
    frames_block_under(made, 1, &header, &two, block);
    assert_int_equal(hsm_keys_store(hsm_context(made)->keys, 1, 1, span_text(block)), ERR_OK);
    return made;
}

static int set_up(void **state)
{
    (void)state;
    env = rng_env(17);
    static const struct hsm_guess_config guess = {.limit = 30, .pans = 4096, .memory = 1 << 22};
    struct hsm_config config = {.env = &env, .header = 4, .sockets = 64, .test_lmk = true, .guess = &guess};
    young = make(&config);
    config.test_lmk_old = true;
    soft = make(&config);
    secure = make(&config);
    hsm_state_secure_set(hsm_context(secure)->state, true);
    config.hardened = true;
    hard = make(&config);
    for (enum hostcmd_activity a = HOSTCMD_GENERATE; a <= HOSTCMD_EXPORT; a++)
        for (uint8_t lmk = 0; lmk < 2; lmk++)
            assert_int_equal(hsm_state_authorise(hsm_context(hard)->state, lmk, a, "", 0), ERR_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    hsm_destroy(soft);
    hsm_destroy(hard);
    hsm_destroy(secure);
    hsm_destroy(young);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(errors_are_those_of_the_column)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
