/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/key/storage.h"

#include "hostcmd/error.h"
#include "keys/block/block.h"

#include "base/arena.h"
#include "keys/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { INDEX_LEN = 3, LMK_LEN = 2 };

/* A KEY text is ciphertext: it needs no locked pages. */
struct entry {
    uint8_t lmk;
    uint16_t len; /* 0: empty */
    uint8_t text[KEYS_CACHE_TEXT];
};

struct hsm_storage {
    size_t size;
    struct entry *now;
    struct entry *next; /* being read; the two change places when all of it is good */
    size_t text_cap;
    uint8_t *text; /* of a file being read */
};

enum err hsm_storage_create(size_t size, struct hsm_storage **out)
{
    void *at = NULL, *now = NULL, *next = NULL, *text = NULL;
    ASSERT(size > 0 && size <= HSM_STORAGE_MAX);
    TRY(memory_reserve(1, sizeof(struct hsm_storage), &at));
    struct hsm_storage *s = at;
    *s = (struct hsm_storage){.size = size, .text_cap = 2 * size * HSM_STORAGE_LINE}; /* as many comments as entries */
    enum err err = memory_reserve(size, sizeof(struct entry), &now);
    if (err == ERR_OK)
        err = memory_reserve(size, sizeof(struct entry), &next);
    if (err == ERR_OK)
        err = memory_reserve(s->text_cap, 1, &text);
    s->now = now;
    s->next = next;
    s->text = text;
    if (err == ERR_OK)
        *out = s;
    else
        hsm_storage_destroy(s);
    return err;
}

void hsm_storage_destroy(struct hsm_storage *storage)
{
    if (!storage)
        return;
    if (storage->now)
        memory_release(storage->now, storage->size, sizeof(struct entry));
    if (storage->next)
        memory_release(storage->next, storage->size, sizeof(struct entry));
    if (storage->text)
        memory_release(storage->text, storage->text_cap, 1);
    memory_release(storage, 1, sizeof *storage);
}

/* ---- entries ---- */

/* Variant keys by their digits, key blocks by their length field: what is left is told by their first use. */
static bool is_key(struct span text)
{
    enum keys_scheme scheme;
    struct span digits;
    if (text.len == 0 || text.len > KEYS_CACHE_TEXT)
        return false;
    if (text.at[0] == 'S')
        return keys_block_extent(text) == text.len;
    return keys_scheme_read(text, &scheme, &digits) == ERR_OK;
}

static void set(struct entry *e, const struct hsm_storage_entry *from)
{
    e->lmk = from->lmk;
    e->len = (uint16_t)from->text.len;
    memcpy(e->text, from->text.at, from->text.len);
}

enum err hsm_storage_put(struct hsm_storage *storage, unsigned index, const struct hsm_storage_entry *entry)
{
    if (index >= storage->size)
        return HOSTCMD_ERR_USER_STORAGE_INDEX;
    if (entry->lmk >= KEYS_LMK_IDS)
        return KEYS_ERR_LMK_IDENTIFIER;
    if (!is_key(entry->text))
        return KEYS_ERR_SCHEME;
    set(&storage->now[index], entry);
    return ERR_OK;
}

enum err hsm_storage_find(const struct hsm_storage *storage, unsigned index, struct hsm_storage_entry *out)
{
    if (index >= storage->size)
        return HOSTCMD_ERR_USER_STORAGE_INDEX;
    const struct entry *e = &storage->now[index];
    if (e->len == 0)
        return HOSTCMD_ERR_USER_STORAGE_EMPTY;
    *out = (struct hsm_storage_entry){span_of(e->text, e->len), e->lmk};
    return ERR_OK;
}

size_t hsm_storage_count(const struct hsm_storage *storage)
{
    size_t count = 0;
    for (size_t i = 0; i < storage->size; i++)
        count += storage->now[i].len > 0;
    return count;
}

/* ---- text ---- */

static bool blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* Takes the first word off `left`. */
static struct span word(struct span *left)
{
    size_t from = 0;
    while (from < left->len && blank(left->at[from]))
        from++;
    size_t to = from;
    while (to < left->len && !blank(left->at[to]))
        to++;
    struct span out = span_slice(*left, from, to - from);
    *left = span_slice(*left, to, SIZE_MAX);
    return out;
}

static bool read_index(struct span digits, unsigned *out)
{
    uint8_t padded[INDEX_LEN + 1] = {'0'}, value[2];
    if (digits.len != INDEX_LEN)
        return false;
    memcpy(padded + 1, digits.at, INDEX_LEN);
    if (span_unhex(span_of(padded, sizeof padded), value, sizeof value) != ERR_OK)
        return false;
    *out = (unsigned)value[0] << 8 | value[1];
    return true;
}

/* What is wrong with a line and what to do; NULL: nothing. A text never repeats the line. */
static const char *read_line(struct hsm_storage *s, struct span line)
{
    struct span index_text = word(&line), lmk_text = word(&line), key = word(&line);
    unsigned index = 0;
    uint64_t lmk = 0;
    if (index_text.len == 0 || index_text.at[0] == '#')
        return NULL;
    if (!read_index(index_text, &index))
        return "the index is not three hexadecimal digits; write INDEX LMK KEY, such as 00A 00 U9B49...";
    if (index >= s->size)
        return "the index is beyond hsm.storage_size; raise that or choose a lower index";
    if (lmk_text.len != LMK_LEN || span_decimal(lmk_text, &lmk) != ERR_OK)
        return "the LMK identifier is not two decimal digits; write INDEX LMK KEY, such as 00A 00 U9B49...";
    if (!is_key(key))
        return "the key is neither 16, 32 or 48 hexadecimal digits with their scheme tag nor a whole key block S; copy it again";
    if (word(&line).len > 0)
        return "there is something after the key; write one entry a line";
    if (s->next[index].len > 0)
        return "the index stands in an earlier line, too; keep one of them";
    set(&s->next[index], &(struct hsm_storage_entry){key, (uint8_t)lmk});
    return NULL;
}

static struct span take_line(struct span *left)
{
    const uint8_t *end = left->len > 0 ? memchr(left->at, '\n', left->len) : NULL;
    size_t len = end ? (size_t)(end - left->at) : left->len;
    struct span line = span_slice(*left, 0, len);
    *left = span_slice(*left, len + 1, SIZE_MAX);
    return line;
}

static enum err refuse(unsigned line, const char *what, struct buf *problem)
{
    if (line > 0) {
        buf_put_text(problem, "line ");
        buf_put_decimal(problem, line, 0);
        buf_put_text(problem, ": ");
    }
    buf_put_text(problem, what);
    return ERR_CONFIG;
}

enum err hsm_storage_parse(struct hsm_storage *storage, struct span text, struct buf *problem)
{
    struct entry *old = storage->now;
    memset(storage->next, 0, storage->size * sizeof(struct entry));
    for (unsigned line = 1; text.len > 0; line++) {
        const char *what = read_line(storage, take_line(&text));
        if (what)
            return refuse(line, what, problem);
    }
    storage->now = storage->next;
    storage->next = old;
    return ERR_OK;
}

enum err hsm_storage_load(struct hsm_storage *storage, const char *path, struct buf *problem)
{
    buf_put_text(problem, path);
    buf_put_text(problem, ": ");
    FILE *in = fopen(path, "re");
    if (!in)
        return refuse(0, errno == ENOENT ? "no such file; hsm.user_storage names it" : "cannot be opened; check its permissions",
                      problem);
    size_t len = fread(storage->text, 1, storage->text_cap, in);
    bool failed = ferror(in) != 0, whole = fgetc(in) == EOF;
    (void)fclose(in); /* nothing was written */
    if (failed)
        return refuse(0, "cannot be read; is it a regular file?", problem);
    if (!whole)
        return refuse(0, "is longer than hsm.storage_size entries can be; raise that or shorten the comments", problem);
    return hsm_storage_parse(storage, span_of(storage->text, len), problem);
}
