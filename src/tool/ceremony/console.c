/* SPDX-License-Identifier: Apache-2.0 */
/* The officers' side of a running HSM: load, state, online, secure, authorise, cancel, zeroise over its console
 * (hsm/process/console.h). */
#include "hsm/process/officers.h"
#include "tool/ceremony/internal.h"

#include "base/json.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { ANSWER_SIZE = 20 * 1024, ASK_SIZE = 256 };

/* ---- the wire ---- */

static int dial(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(address.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    int why = errno;
    if (fd >= 0)
        close(fd);
    errno = why;
    return -1;
}

/* The user that the folder of the socket belongs to: who may put a socket there in place of the HSM's. */
static bool owns_folder(const char *path, uid_t user)
{
    char folder[sizeof((struct sockaddr_un *)0)->sun_path] = ".";
    const char *slash = strrchr(path, '/');
    struct stat facts;
    if (slash)
        (void)snprintf(folder, sizeof folder, "%.*s", (int)(slash == path ? 1 : slash - path), path);
    return stat(folder, &facts) == 0 && facts.st_uid == user;
}

/*
 * Another user's program at the path could ask for an officer's key, at a cost that makes the passphrase cheap to guess. Root
 * believes in the HSM's own user, too, who owns the folder.
 */
static bool is_hsm(int fd, const char *path)
{
    struct ucred cred;
    socklen_t len = sizeof cred;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) != 0)
        return false;
    return cred.uid == 0 || cred.uid == geteuid() || (geteuid() == 0 && owns_folder(path, cred.uid));
}

static bool send_all(int fd, struct span text)
{
    while (text.len > 0) {
        ssize_t put = send(fd, text.at, text.len, MSG_NOSIGNAL);
        if (put < 0 && errno != EINTR)
            return false;
        if (put > 0)
            text = span_slice(text, (size_t)put, text.len);
    }
    return true;
}

/* The last line of an answer begins with one of these words. */
static const char *last_line(const char *text)
{
    for (const char *line = text; line && *line;) {
        bool last = strncmp(line, "OK", 2) == 0 || strncmp(line, "NO ", 3) == 0 || strncmp(line, "PENDING ", 8) == 0;
        char *end = strchr(line, '\n');
        if (last && end)
            return line;
        line = end ? end + 1 : NULL;
    }
    return NULL;
}

/* The whole answer in `room`; `last` is its last line, without its end. */
static bool receive(int fd, char room[static ANSWER_SIZE], char **last)
{
    size_t len = 0;
    while (len < ANSWER_SIZE - 1) {
        ssize_t got = read(fd, room + len, ANSWER_SIZE - 1 - len);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        len += (size_t)got;
        room[len] = 0;
        *last = (char *)(uintptr_t)last_line(room);
        if (*last) {
            *strchr(*last, '\n') = 0;
            return true;
        }
    }
    return false;
}

/* One question, one answer. Says what is wrong; CLI_EXIT_DONE: there is an answer. */
static int ask(struct tool_ceremony *run, struct span question, char room[static ANSWER_SIZE], char **last)
{
    const char *path = run->options.console;
    if (!path[0])
        return tool_ceremony_say(CLI_EXIT_USAGE, "which HSM? Give --console SOCKET, or --config FILE with hsm.console");
    int fd = dial(path);
    if (fd < 0)
        return tool_ceremony_say(CLI_EXIT_FAILED, "%s: %s: does an HSM run with this console?", path, strerror(errno));
    if (!is_hsm(fd, path)) {
        close(fd);
        return tool_ceremony_say(CLI_EXIT_NOT_TAKEN, "%s: a program of another user listens there; nothing is told to it", path);
    }
    bool answered = send_all(fd, question) && receive(fd, room, last);
    close(fd);
    return answered ? CLI_EXIT_DONE
                    : tool_ceremony_say(CLI_EXIT_FAILED, "%s: no answer: the HSM hears its own user and root alone", path);
}

static int ask_words(struct tool_ceremony *run, const char *words)
{
    char room[ANSWER_SIZE], *last = NULL;
    int status = ask(run, span_text(words), room, &last);
    if (status == CLI_EXIT_DONE && strcmp(last, "OK") != 0)
        return tool_ceremony_say(CLI_EXIT_NOT_TAKEN, "%s", last + 3);
    return status;
}

/* ---- voices ---- */

/* The officer's key from his passphrase, with what the HSM says of his salt. */
static int officer_key(struct tool_ceremony *run, const char *purpose, uint8_t number, struct span passphrase)
{
    char words[ASK_SIZE], room[ANSWER_SIZE], *last = NULL, salt_digits[2 * KEYS_STORE_SALT + 1] = "";
    uint8_t salt[KEYS_STORE_SALT];
    unsigned log2n = 0, r = 0, p = 0;
    (void)snprintf(words, sizeof words, "OFFICER %u %s\n", number, purpose);
    int status = ask(run, span_text(words), room, &last);
    if (status != CLI_EXIT_DONE)
        return status;
    if (strncmp(last, "NO ", 3) == 0)
        return tool_ceremony_say(CLI_EXIT_NOT_TAKEN, "%s", last + 3);
    bool reads = sscanf(last, "OK %u %u %u %32s", &log2n, &r, &p, salt_digits) == 4 && log2n < 32 && r < 256 && p < 256;
    if (!reads || span_unhex(span_text(salt_digits), salt, sizeof salt) != ERR_OK)
        return tool_ceremony_say(CLI_EXIT_FAILED, "%s: an answer that is not of this version", run->options.console);
    const struct crypto_kdf_cost cost = {(uint8_t)log2n, (uint8_t)r, (uint8_t)p};
    if (crypto_kdf_scrypt(passphrase, span_of(salt, sizeof salt), cost, run->desk->key, sizeof run->desk->key) != ERR_OK)
        return tool_ceremony_say(CLI_EXIT_FAILED, "scrypt: not enough memory, or a cost that is not allowed");
    return CLI_EXIT_DONE;
}

/* `progress` is "1 2": one officer of two. */
static void say_counted(struct tool_ceremony *run, uint8_t number, const char *progress)
{
    size_t have = strcspn(progress, " ");
    tool_entry_say(&run->entry, "Officer %u is counted: %.*s of%s officers.\n", number, (int)have, progress, progress + have);
}

/* One voice for `deed`: CLI_EXIT_DONE with *done false: another one is needed. */
static int voice(struct tool_ceremony *run, const char *deed, bool *done)
{
    uint8_t number = 0;
    struct span passphrase;
    char room[ANSWER_SIZE], *last = NULL;
    if (tool_ceremony_officer(run, KEYS_STORE_OFFICERS, &number, &passphrase) != ERR_OK)
        return tool_ceremony_say(CLI_EXIT_FAILED, "no officer, no passphrase: nothing is done");
    int status = officer_key(run, strcmp(deed, "LOAD") == 0 ? "LOAD" : "VOICE", number, passphrase);
    secret_wipe(run->desk->line, sizeof run->desk->line);
    if (status != CLI_EXIT_DONE)
        return status;
    struct buf question = buf_over(run->desk->again, sizeof run->desk->again);
    buf_put_text(&question, "VOICE ");
    buf_put_decimal(&question, number, 0);
    buf_put_byte(&question, ' ');
    buf_put_hex(&question, run->desk->key, sizeof run->desk->key);
    buf_put_byte(&question, ' ');
    buf_put_text(&question, deed);
    buf_put_byte(&question, '\n');
    secret_wipe(run->desk->key, sizeof run->desk->key);
    status = ask(run, buf_span(&question), room, &last);
    secret_wipe(run->desk->again, sizeof run->desk->again);
    if (status != CLI_EXIT_DONE)
        return status;
    if (strncmp(last, "NO ", 3) == 0)
        return tool_ceremony_say(CLI_EXIT_NOT_TAKEN, "%s", last + 3);
    *done = strcmp(last, "OK") == 0;
    if (!*done)
        say_counted(run, number, last + strlen("PENDING "));
    return CLI_EXIT_DONE;
}

/* Under test LMKs there are no officers, and the HSM does it at once. */
static bool has_officers(struct tool_ceremony *run, int *status)
{
    char room[ANSWER_SIZE], *last = NULL;
    *status = ask(run, span_text("STATE\n"), room, &last);
    return *status == CLI_EXIT_DONE && !strstr(room, "store none\n");
}

static int decide(struct tool_ceremony *run, const char *deed)
{
    bool done = false;
    int status = CLI_EXIT_DONE;
    bool officers = has_officers(run, &status);
    if (status == CLI_EXIT_DONE && !officers) {
        char words[ASK_SIZE];
        (void)snprintf(words, sizeof words, "DECIDE %s\n", deed);
        return ask_words(run, words);
    }
    if (status == CLI_EXIT_DONE)
        tool_entry_say(&run->entry, "%s: %s\n", run->options.console, deed);
    while (status == CLI_EXIT_DONE && !done) {
        status = voice(run, deed, &done);
        if (status == CLI_EXIT_DONE && run->options.alone)
            break;
    }
    if (done)
        tool_entry_say(&run->entry, "Done.\n");
    return status;
}

/* ---- subcommands ---- */

int tool_ceremony_load(struct tool_ceremony *run)
{
    return decide(run, "LOAD");
}

int tool_ceremony_online(struct tool_ceremony *run)
{
    return decide(run, "ONLINE");
}

/* Before officers have typed their passphrases for it. */
static int authority_shaped(const char *activity, const char *minutes)
{
    enum hostcmd_activity known = HOSTCMD_OPEN;
    char type[HSM_TYPE_SIZE];
    uint64_t number = 0;
    if (hsm_activity_parse(span_text(activity), &known, type) != ERR_OK)
        return tool_ceremony_say(CLI_EXIT_USAGE,
                                 "%.40s: write generate, component, import or export, a key type or none, and host: "
                                 "import.402.host, export.host",
                                 activity);
    if (span_decimal(span_text(minutes), &number) != ERR_OK || number > HSM_MINUTES_MAX)
        return tool_ceremony_say(CLI_EXIT_USAGE, "%.10s: write 1 to %d minutes; 0: until it is cancelled", minutes,
                                 HSM_MINUTES_MAX);
    return CLI_EXIT_DONE;
}

int tool_ceremony_authorise(struct tool_ceremony *run)
{
    char deed[ASK_SIZE];
    if (run->options.id < 0)
        return tool_ceremony_say(CLI_EXIT_USAGE, "under which LMK? Give --id NN");
    int status = authority_shaped(run->options.word[0], run->options.word[1]);
    if (status != CLI_EXIT_DONE)
        return status;
    (void)snprintf(deed, sizeof deed, "AUTHORISE %02d %.40s %.10s", run->options.id, run->options.word[0], run->options.word[1]);
    return decide(run, deed);
}

int tool_ceremony_secure(struct tool_ceremony *run)
{
    return ask_words(run, "SECURE\n");
}

int tool_ceremony_cancel(struct tool_ceremony *run)
{
    char words[ASK_SIZE];
    if (run->options.id < 0)
        return tool_ceremony_say(CLI_EXIT_USAGE, "under which LMK? Give --id NN");
    const char *activity = run->options.word[0];
    (void)snprintf(words, sizeof words, "CANCEL %02d%s%.40s\n", run->options.id, activity ? " " : "", activity ? activity : "");
    return ask_words(run, words);
}

/* "00 variant live current 0123456789ABCDEF 0 comment" as a JSON object of these names; # marks a number. */
static void put_object(struct json_writer *w, struct span words, const char *const *name, size_t count)
{
    json_open(w, NULL);
    for (size_t i = 0; i < count; i++) {
        struct span word = i + 1 < count ? span_cut(&words, ' ') : words;
        if (name[i][0] == '#')
            json_put_decimal(w, name[i] + 1, word);
        else
            json_put(w, name[i], word);
    }
    json_close(w);
}

/* What stands behind `kind` on the next line of that kind; false: there is none. `text` moves behind the line. */
static bool next_of(struct span *text, const char *kind, struct span *words)
{
    while (text->len > 0) {
        *words = span_cut(text, '\n');
        if (span_is(span_cut(words, ' '), kind))
            return true;
    }
    return false;
}

/* What the lines of a state hold; # marks a number. */
static const char *const lmk_words[] = {"id", "kind", "use", "state", "check_value", "#activities", "comment"};
static const char *const authority_words[] = {"lmk", "activity", "#seconds_left"};
static const char *const pending_words[] = {"decision", "#voices", "#seconds_left"};
static const struct state_list {
    const char *kind, *plural;
    const char *const *name;
    size_t count;
} state_lists[] = {
    {"lmk", "lmks", lmk_words, sizeof lmk_words / sizeof lmk_words[0]},
    {"authority", "authorities", authority_words, sizeof authority_words / sizeof authority_words[0]},
    {"pending", "pending", pending_words, sizeof pending_words / sizeof pending_words[0]},
};
enum { STATE_LISTS = sizeof state_lists / sizeof state_lists[0] };

static int state_json(const char *text)
{
    static const char *const plain[] = {"state", "store"};
    uint8_t room[2 * ANSWER_SIZE];
    struct buf out = buf_over(room, sizeof room);
    struct json_writer w = json_writer(&out);
    json_open(&w, NULL);
    for (size_t i = 0; i < CLI_COUNT(plain); i++) {
        struct span rest = span_text(text), words = {0};
        json_put(&w, plain[i], next_of(&rest, plain[i], &words) ? words : span_text(""));
    }
    for (size_t i = 0; i < STATE_LISTS; i++) {
        struct span rest = span_text(text), words = {0};
        json_open_array(&w, state_lists[i].plural);
        while (next_of(&rest, state_lists[i].kind, &words))
            put_object(&w, words, state_lists[i].name, state_lists[i].count);
        json_close_array(&w);
    }
    json_close(&w);
    buf_put_byte(&out, '\n');
    return tool_ceremony_print(&out);
}

/* "lmk 00 variant ..." as "lmk: id 00, kind variant, ..."; a line without names as it is. */
static void tell_line(char *line)
{
    const struct state_list *list = NULL;
    char *words = strchr(line, ' ');
    if (words)
        *words++ = 0;
    for (size_t i = 0; i < STATE_LISTS && !list; i++)
        list = strcmp(line, state_lists[i].kind) == 0 ? &state_lists[i] : NULL;
    (void)printf("%s:", line);
    for (size_t i = 0; list && words && i + 1 < list->count; i++) {
        const char *name = list->name[i] + (list->name[i][0] == '#');
        size_t head = strcspn(name, "_"), len = strcspn(words, " ");
        (void)printf(" %.*s%s%s %.*s,", (int)head, name, name[head] ? " " : "", name[head] ? name + head + 1 : "", (int)len, words);
        words += len + (words[len] == ' ');
    }
    if (list && words && words[0])
        (void)printf(" %s", strcmp(list->name[list->count - 1], "comment") == 0 ? "comment" : "seconds left");
    (void)printf("%s%s\n", words && words[0] ? " " : "", words ? words : "");
}

static void state_text(char *text)
{
    bool lmks = strncmp(text, "lmk ", 4) == 0 || strstr(text, "\nlmk ");
    for (char *line = text, *next = NULL; *line; line = next) {
        char *end = strchr(line, '\n');
        next = end ? end + 1 : line + strlen(line);
        if (end)
            *end = 0;
        tell_line(line);
    }
    if (!lmks)
        (void)puts("lmk: none is loaded; officers do it with `countersign-hsm lmk load`");
}

int tool_ceremony_state(struct tool_ceremony *run)
{
    char room[ANSWER_SIZE], *last = NULL;
    int status = ask(run, span_text("STATE\n"), room, &last);
    if (status != CLI_EXIT_DONE)
        return status;
    *last = 0;
    if (run->options.json)
        return state_json(room);
    state_text(room);
    return CLI_EXIT_DONE;
}

int tool_ceremony_zeroise(struct tool_ceremony *run)
{
    const struct tool_ceremony_options *o = &run->options;
    char problem[KEYS_STORE_PROBLEM] = "";
    uint8_t room[16];
    struct buf answer = buf_over(room, sizeof room);
    int status = CLI_EXIT_DONE;
    if (!o->console[0] && !o->store[0])
        return tool_ceremony_say(CLI_EXIT_USAGE, "what? Give --console SOCKET, --store FILE or both");
    tool_entry_say(&run->entry, "Destroys%s%s%s%s for ever. Without the components nothing under these LMKs can be used again.\n",
                   o->console[0] ? " the LMKs in the memory of " : "", o->console, o->store[0] ? " and the store " : "", o->store);
    if (!o->yes &&
        (tool_entry_text(&run->entry, "Type ZEROISE to go on: ", &answer) != ERR_OK || !span_is(buf_span(&answer), "ZEROISE")))
        return tool_ceremony_say(CLI_EXIT_NOT_TAKEN, "not confirmed: nothing is destroyed");
    /* The file goes even if the HSM does not answer. */
    if (o->console[0])
        status = ask_words(run, "ZEROISE\n");
    if (o->store[0] && keys_store_erase(o->store, &run->env, problem) != ERR_OK)
        status = tool_ceremony_say(CLI_EXIT_FAILED, "%s: the store is not erased", problem);
    return status;
}
