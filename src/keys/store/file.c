/* SPDX-License-Identifier: Apache-2.0 */
#include "keys/store/internal.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FLAG_TEST = 1, FLAG_OLD = 2, PATH_SIZE = 512 };

static enum err tell(char problem[static KEYS_STORE_PROBLEM], const char *path, const char *what)
{
    (void)snprintf(problem, KEYS_STORE_PROBLEM, "%.80s: %.70s", path, what);
    return ERR_CONFIG;
}

/* ---- layout, outward ---- */

static void put_u64(struct buf *out, uint64_t value)
{
    for (int shift = 48; shift >= 0; shift -= 16)
        buf_put_u16(out, (uint16_t)(value >> shift));
}

static void put_lmk(const struct keys_lmk_facts *lmk, struct buf *out)
{
    uint8_t flags = (uint8_t)((lmk->test ? FLAG_TEST : 0) | (lmk->old ? FLAG_OLD : 0));
    const uint8_t numbers[] = {lmk->id, lmk->kind, flags, 0};
    buf_put(out, numbers, sizeof numbers);
    put_u64(out, (uint64_t)lmk->made_ms);
    buf_put(out, lmk->check, KEYS_CHECK);
    buf_put_text(out, lmk->comment);
    buf_put_fill(out, 0, KEYS_COMMENT - strlen(lmk->comment));
}

void keys_store_put_public(const struct keys_store *store, struct buf *out)
{
    keys_store_put_bound(&store->facts, store->facts.lmks, out); /* the count stands where a share has its number */
    buf_put_u16(out, 0);
    buf_put_u16(out, (uint16_t)(store->facts.generation >> 16));
    buf_put_u16(out, (uint16_t)store->facts.generation);
    for (uint8_t i = 0; i < store->facts.officers; i++) {
        buf_put_byte(out, (uint8_t)(i + 1));
        buf_put(out, store->officer[i].salt, KEYS_STORE_SALT);
        buf_put(out, store->officer[i].sealed, KEYS_STORE_SEALED_SHARE_LEN);
    }
    for (uint8_t i = 0; i < store->facts.lmks; i++)
        put_lmk(&store->lmk[i], out);
}

/* ---- layout, inward ---- */

static uint64_t take_number(struct span *in, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++)
        value = value << 8 | in->at[i];
    *in = span_slice(*in, bytes, in->len);
    return value;
}

static void take_bytes(struct span *in, void *out, size_t len)
{
    memcpy(out, in->at, len);
    *in = span_slice(*in, len, in->len);
}

/* NULL: fine. `in` has at least the head. */
static const char *read_head(struct span *in, struct keys_store_facts *facts)
{
    char magic[KEYS_STORE_MAGIC_LEN];
    take_bytes(in, magic, sizeof magic);
    if (!span_is(span_of(magic, sizeof magic), "CSLMKST1"))
        return "is not an LMK store of version 1";
    take_bytes(in, facts->identity, sizeof facts->identity);
    facts->cost.log2n = (uint8_t)take_number(in, 1);
    facts->cost.r = (uint8_t)take_number(in, 1);
    facts->cost.p = (uint8_t)take_number(in, 1);
    facts->needed = (uint8_t)take_number(in, 1);
    facts->officers = (uint8_t)take_number(in, 1);
    facts->lmks = (uint8_t)take_number(in, 1);
    uint64_t zero = take_number(in, 2);
    facts->generation = (uint32_t)take_number(in, 4);
    return zero == 0 ? NULL : "damaged: reserved bytes are not zero";
}

static const char *read_officers(struct span *in, struct keys_store *s)
{
    for (uint8_t i = 0; i < s->facts.officers; i++) {
        if (take_number(in, 1) != i + 1u)
            return "damaged: the numbers of the officers";
        take_bytes(in, s->officer[i].salt, KEYS_STORE_SALT);
        take_bytes(in, s->officer[i].sealed, KEYS_STORE_SEALED_SHARE_LEN);
        s->officer[i].set = true;
    }
    return NULL;
}

static bool printable(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] < 0x20 || text.at[i] > 0x7E)
            return false;
    return true;
}

/* Text, then zeros to the end. */
static bool padded(const char *text, size_t cap)
{
    size_t len = strnlen(text, cap);
    for (size_t i = len; i < cap; i++)
        if (text[i] != 0)
            return false;
    return printable(span_of(text, len));
}

static bool take_lmk(struct span *in, struct keys_lmk_facts *out)
{
    out->id = (uint8_t)take_number(in, 1);
    out->kind = (uint8_t)take_number(in, 1);
    uint64_t flags = take_number(in, 1), zero = take_number(in, 1);
    out->test = flags & FLAG_TEST;
    out->old = flags & FLAG_OLD;
    out->made_ms = (int64_t)take_number(in, 8);
    take_bytes(in, out->check, KEYS_CHECK);
    take_bytes(in, out->comment, KEYS_COMMENT);
    bool kind_known = out->kind == KEYS_LMK_VARIANT || out->kind == KEYS_LMK_BLOCK;
    uint8_t check[KEYS_CHECK / 2];
    bool check_reads = span_unhex(span_of(out->check, KEYS_CHECK), check, sizeof check) == ERR_OK;
    return out->id < KEYS_LMK_IDS && kind_known && flags <= (FLAG_TEST | FLAG_OLD) && zero == 0 && check_reads &&
           padded(out->comment, KEYS_COMMENT);
}

static const char *read_lmks(struct span *in, struct keys_store *s)
{
    unsigned last = 0;
    for (uint8_t i = 0; i < s->facts.lmks; i++) {
        struct keys_lmk_facts *lmk = &s->lmk[i];
        if (!take_lmk(in, lmk))
            return "damaged: the list of LMKs";
        unsigned rank = 2u * lmk->id + lmk->old + 1;
        if (rank <= last)
            return "damaged: the order of the LMKs";
        last = rank;
    }
    return NULL;
}

static const char *parse(struct span in, struct keys_store **out)
{
    struct keys_store_facts facts = {0};
    struct span whole = in;
    if (in.len < KEYS_STORE_HEAD_LEN)
        return "cut short: not even a head";
    const char *wrong = read_head(&in, &facts);
    if (wrong)
        return wrong;
    enum err err = keys_store_reserve(&facts, out);
    if (err != ERR_OK)
        return err == ERR_MEMORY ? "no memory" : "damaged: the numbers of officers, of LMKs, or the cost of scrypt";
    size_t rest = (size_t)facts.officers * KEYS_STORE_OFFICER_LEN + (size_t)facts.lmks * (KEYS_STORE_LMK_LEN + KEYS_MATERIAL) +
                  CRYPTO_AEAD_OVERHEAD;
    if (in.len != rest)
        return in.len < rest ? "cut short" : "damaged: there is more than belongs to it";
    wrong = read_officers(&in, *out);
    if (!wrong)
        wrong = read_lmks(&in, *out);
    memcpy((*out)->file, whole.at, whole.len);
    (*out)->file_len = whole.len;
    return wrong;
}

/* Ciphertext may stand anywhere; only who may read the file matters. */
static const char *read_whole(const char *path, struct buf *out)
{
    struct stat facts;
    enum err err = file_read_known(path, out, &facts);
    if (err != ERR_OK && err != ERR_PARSE_LONG)
        return strerror(errno);
    if (!S_ISREG(facts.st_mode))
        return "is not a file";
    if ((facts.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return "others may read or write it: chmod 600";
    return err == ERR_OK ? NULL : "too long for an LMK store";
}

enum err keys_store_read(const char *path, struct keys_store **out, char problem[static KEYS_STORE_PROBLEM])
{
    uint8_t room[KEYS_STORE_FILE_MAX];
    struct buf text = buf_over(room, sizeof room);
    struct keys_store *s = NULL;
    const char *wrong = read_whole(path, &text);
    if (!wrong)
        wrong = parse(buf_span(&text), &s);
    if (wrong) {
        keys_store_destroy(s);
        return tell(problem, path, wrong);
    }
    *out = s;
    return ERR_OK;
}

/* ---- writing ---- */

static enum err seal_body(struct keys_store *s, const struct env *env, struct buf *out)
{
    struct crypto_aead aead = {0};
    struct span material = span_of(s->material, (size_t)s->facts.lmks * KEYS_MATERIAL);
    TRY(crypto_aead_load(s->key, &aead));
    enum err err = crypto_aead_seal(&aead, env, buf_span(out), material, out);
    crypto_aead_unload(&aead);
    return err;
}

static bool folder_synced(const char *path)
{
    char folder[PATH_SIZE];
    const char *slash = strrchr(path, '/');
    (void)snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path + 1) : 1, slash ? path : ".");
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool synced = fsync(fd) == 0;
    return close(fd) == 0 && synced;
}

/* The temporary file beside it, ours alone until it is closed: two who change the same store would undo each other. */
static int open_temporary(const char *temporary)
{
    int fd = open(temporary, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
    if (fd < 0 || (flock(fd, LOCK_EX | LOCK_NB) == 0 && fchmod(fd, S_IRUSR | S_IWUSR) == 0 && ftruncate(fd, 0) == 0))
        return fd;
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

/* NULL: the file is the one that was read, or none for a store that was never written. */
static const char *not_ours(const struct keys_store *store, const char *path)
{
    struct keys_store *there = NULL;
    char problem[KEYS_STORE_PROBLEM];
    const struct keys_store_facts *ours = &store->facts;
    if (access(path, F_OK) != 0)
        return ours->generation == 0 ? NULL : "is not there any more";
    if (keys_store_read(path, &there, problem) != ERR_OK)
        return "is not the store that was read";
    struct keys_store_facts facts = there->facts;
    keys_store_destroy(there);
    bool same = facts.generation == ours->generation &&
                span_equal(span_of(facts.identity, KEYS_STORE_IDENTITY), span_of(ours->identity, KEYS_STORE_IDENTITY));
    return same ? NULL : "was changed by somebody else meanwhile: begin again";
}

/* The bytes of the store as it is to be. */
static enum err compose(struct keys_store *store, const struct env *env, struct buf *out)
{
    store->facts.generation++;
    keys_store_put_public(store, out);
    enum err err = buf_done(out);
    if (err == ERR_OK)
        err = seal_body(store, env, out);
    if (err != ERR_OK)
        store->facts.generation--;
    store->file_len = err == ERR_OK ? out->len : 0;
    return err;
}

/* Temporary file, fsync, rename, fsync of the folder: a crash leaves the old file or the new one. */
static enum err replace(struct keys_store *store, const char *path, const struct env *env, int fd, const char *temporary,
                        char problem[static KEYS_STORE_PROBLEM])
{
    struct buf out = buf_over(store->file, sizeof store->file);
    const char *wrong = not_ours(store, path);
    if (wrong)
        return tell(problem, path, wrong);
    TRY(compose(store, env, &out));
    if (file_write(fd, buf_span(&out)) == ERR_OK && fsync(fd) == 0 && rename(temporary, path) == 0 && folder_synced(path))
        return ERR_OK;
    store->facts.generation--;
    return tell(problem, path, strerror(errno));
}

enum err keys_store_write(struct keys_store *store, const char *path, const struct env *env,
                          char problem[static KEYS_STORE_PROBLEM])
{
    if (!store->open)
        return ERR_NOT_AUTHORISED;
    for (uint8_t i = 0; i < store->facts.officers; i++)
        if (!store->officer[i].set)
            return tell(problem, path, "an officer has no passphrase yet");
    char temporary[PATH_SIZE];
    if ((size_t)snprintf(temporary, sizeof temporary, "%s.new", path) >= sizeof temporary)
        return tell(problem, path, strerror(ENAMETOOLONG));
    int fd = open_temporary(temporary);
    if (fd < 0)
        return tell(problem, path, errno == EWOULDBLOCK ? "somebody else is changing it" : strerror(errno));
    enum err err = replace(store, path, env, fd, temporary, problem);
    if (err != ERR_OK)
        unlink(temporary);
    close(fd);
    return err;
}

enum err keys_store_erase(const char *path, const struct env *env, char problem[static KEYS_STORE_PROBLEM])
{
    uint8_t noise[1024];
    struct stat facts;
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return tell(problem, path, strerror(errno));
    bool done = fstat(fd, &facts) == 0 && S_ISREG(facts.st_mode);
    for (off_t left = done ? facts.st_size : 0; done && left > 0; left -= (off_t)sizeof noise) {
        env_random(env, noise, sizeof noise);
        done = file_write(fd, span_of(noise, left < (off_t)sizeof noise ? (size_t)left : sizeof noise)) == ERR_OK;
    }
    done = done && fsync(fd) == 0;
    done = close(fd) == 0 && done;
    done = unlink(path) == 0 && done && folder_synced(path);
    return done ? ERR_OK : tell(problem, path, strerror(errno));
}
