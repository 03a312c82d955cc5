/* SPDX-License-Identifier: Apache-2.0 */
#include "support/lab.h"

#include "card/card.h"
#include "ledger/enrol.h"
#include "store/store.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static _Noreturn void die(const char *what)
{
    (void)fprintf(stderr, "lab: %s (%s)\n", what, strerror(errno));
    exit(1);
}

static void must(enum err err, const char *what)
{
    if (err == ERR_OK)
        return;
    (void)fprintf(stderr, "lab: %s: %s\n", what, err_row(err)->name);
    exit(1);
}

/* ---- processes ---- */

/* Below the range from which connections take theirs: nobody else gets the port between here and the listener. */
uint16_t lab_free_port(const struct lab *lab)
{
    for (int attempt = 0; attempt < 1000; attempt++) {
        struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        uint16_t draw = 0;
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        bool good;

        env_random(&lab->env, &draw, sizeof draw);
        at.sin_port = htons((uint16_t)(24000 + draw % 8000));
        good = fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof at) == 0;
        (void)close(fd);
        if (good)
            return ntohs(at.sin_port);
    }
    die("no free port");
}

int lab_connect_port(uint16_t port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;

    if (fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof at) == 0) {
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        return fd;
    }
    if (fd >= 0)
        (void)close(fd);
    return -1;
}

enum { PATIENCE_TRIES = 3000, PATIENCE_STEP_MS = 20 };

static void wait_port(uint16_t port)
{
    for (int i = 0; i < PATIENCE_TRIES; i++) {
        int fd = lab_connect_port(port);

        if (fd >= 0) {
            (void)close(fd);
            return;
        }
        (void)usleep(PATIENCE_STEP_MS * 1000);
    }
    die("a process does not listen");
}

void lab_wait_ready(uint16_t admin_port)
{
    static const char ask[] = "GET /readyz HTTP/1.1\r\nHost: lab\r\n\r\n";

    for (int i = 0; i < PATIENCE_TRIES; i++) {
        int fd = lab_connect_port(admin_port);
        char answer[16] = "";

        if (fd >= 0 && write(fd, ask, sizeof ask - 1) == (ssize_t)(sizeof ask - 1) && read(fd, answer, sizeof answer - 1) > 12 &&
            strncmp(answer + 9, "200", 3) == 0) {
            (void)close(fd);
            return;
        }
        if (fd >= 0)
            (void)close(fd);
        (void)usleep(PATIENCE_STEP_MS * 1000);
    }
    die("a service does not become ready");
}

pid_t lab_spawn(const struct lab *lab, const char *log_name, char *const argv[])
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    (void)setpgid(0, 0); /* Ctrl-C is the test's alone */
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", lab->dir, log_name);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (fd < 0 || dup2(fd, 2) < 0 || dup2(fd, 1) < 0)
        _exit(126);
    (void)execv(argv[0], argv);
    _exit(127);
}

void lab_file_write(const struct lab *lab, const char *name, const char *text)
{
    size_t len = strlen(text);
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", lab->dir, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || write(fd, text, len) != (ssize_t)len || close(fd) != 0)
        die(name);
}

/* late_ms: nothing is dropped for its age, however long a loaded machine takes. */
static void settings_write(struct lab *lab, size_t node)
{
    const uint16_t *port = lab->port[node];
    char layout[128] = "countersign-5";
    if (lab->layout)
        (void)snprintf(layout, sizeof layout, "%s/%s", lab->dir, lab->layout);
    char name[32];
    (void)snprintf(name, sizeof name, "switch-%zu.ini", node);
    char text[2048];
    (void)snprintf(text, sizeof text,
                   "[store]\nurl = %s\n[admin]\nlisten = 127.0.0.1:%u\n[hsm]\naddress = 127.0.0.1:%u\n"
                   "layout = %s\n[keys]\nfile = %s/keys.ini\n"
                   "[vault]\nfile = %s/vault.key\n[visa]\nlisten = 127.0.0.1:%u\nlate_ms = 60000\n[eftpos]\nlisten = 127.0.0.1:%u\n"
                   "extract = generic_126_10\n[generic]\nlisten = 127.0.0.1:%u\n",
                   lab->url, lab->admin_port[node], lab->hsm_port, layout, lab->dir, lab->dir, port[LAB_VISA], port[LAB_EFTPOS],
                   port[LAB_GENERIC]);
    lab_file_write(lab, name, text);
}

static void files_write(struct lab *lab)
{
    lab_file_write(lab, "vault.key", "00112233445566778899aabbccddeeff0123456789abcdef0123456789abcdef\n");
    lab_file_write(lab, "keys.ini", "[keys]\ncvk = " LAB_CVK "\nmk = " LAB_MK "\n");
    lab->hsm_port = lab_free_port(lab);
    for (size_t node = 0; node < LAB_NODES_MAX; node++) {
        lab->admin_port[node] = lab_free_port(lab);
        for (int i = 0; i < LAB_LINKS; i++)
            lab->port[node][i] = lab_free_port(lab);
        settings_write(lab, node);
    }
}

void lab_open(struct lab *lab, const char *binary, const char *url)
{
    *lab =
        (struct lab){.nodes = 1, .switch_binary = binary ? binary : "build/countersign", .log = {STDERR_FILENO, LOG_ERROR, "lab"}};
    lab->env = env_system(&lab->log);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)snprintf(lab->dir, sizeof lab->dir, "/tmp/countersign-lab-XXXXXX");
    if (!mkdtemp(lab->dir))
        die("no directory");
    if (url)
        (void)snprintf(lab->url, sizeof lab->url, "%s", url);
    else
        (void)snprintf(lab->url, sizeof lab->url, "sqlite:%s/ledger.db", lab->dir);
    files_write(lab);
    must(arena_create(&lab->arena, (size_t)64 << 20), "arena");
    must(store_open(lab->url, &lab->env, ledger_sets, &lab->store), "store");
    must(store_migrate(lab->store, &ledger_set), "migration");
    char path[128];
    (void)snprintf(path, sizeof path, "%s/vault.key", lab->dir);
    must(crypto_vault_open_file(path, "ledger", &lab->vault), "vault");
    lab_enrol(lab, "LAB0000001", "000000-999999/12-19", "UTC");
}

void lab_enrol(struct lab *lab, const char *issuer_id, const char *range, const char *timezone)
{
    struct ledger_range one;
    struct ledger_clash clash;
    must(ledger_range_parse(span_text(range), &one), range);
    const struct ledger_enrolment bank = {.issuer_id = issuer_id, .timezone = timezone, .range = &one, .ranges = 1, .fresh = true};
    enum err err = ledger_enrol(lab->store, &lab->arena, &bank, &clash);
    must(err == ERR_DUPLICATE ? ERR_OK : err, "enrolment");
}

void lab_layout(struct lab *lab, const char *text)
{
    lab->layout = "site.layout";
    lab_file_write(lab, lab->layout, text);
    for (size_t node = 0; node < LAB_NODES_MAX; node++)
        settings_write(lab, node);
}

void lab_hsm_start(struct lab *lab)
{
    char listen[32];
    char layout[128] = "hsm.layout=countersign-5";
    char *argv[] = {"build/countersign-hsm", "--test-lmk", "--listen", listen, "--set", layout, NULL};
    if (lab->layout)
        (void)snprintf(layout, sizeof layout, "hsm.layout=%s/%s", lab->dir, lab->layout);
    (void)snprintf(listen, sizeof listen, "127.0.0.1:%u", lab->hsm_port);
    lab->hsm = lab_spawn(lab, "hsm.log", argv);
    wait_port(lab->hsm_port);
}

static int end(pid_t *pid, int signum)
{
    int status = -1;

    if (*pid > 0) {
        (void)kill(*pid, signum);
        (void)waitpid(*pid, &status, 0);
    }
    *pid = 0;
    return status;
}

void lab_hsm_stop(struct lab *lab)
{
    (void)end(&lab->hsm, SIGKILL);
}

void lab_switch_again(struct lab *lab, size_t node)
{
    char path[128];
    char name[32];
    char *argv[] = {(char *)(uintptr_t)lab->switch_binary, "switch", "--config", path, NULL};
    (void)snprintf(path, sizeof path, "%s/switch-%zu.ini", lab->dir, node);
    (void)snprintf(name, sizeof name, "switch-%zu.log", node);
    lab->process[node] = lab_spawn(lab, name, argv);
    for (int i = 0; i < LAB_LINKS; i++)
        wait_port(lab->port[node][i]);
    wait_port(lab->admin_port[node]);
    if (lab->hsm > 0)
        lab_wait_ready(lab->admin_port[node]);
}

void lab_switch_start(struct lab *lab)
{
    for (size_t node = 0; node < lab->nodes; node++)
        lab_switch_again(lab, node);
}

bool lab_switch_stop(struct lab *lab)
{
    bool orderly = true;

    for (size_t node = 0; node < lab->nodes; node++) {
        int status = end(&lab->process[node], SIGTERM);

        orderly &= WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }
    return orderly;
}

void lab_close(struct lab *lab)
{
    for (size_t node = 0; node < lab->nodes; node++)
        (void)end(&lab->process[node], SIGKILL);
    (void)end(&lab->issuer, SIGKILL);
    lab_hsm_stop(lab);
    store_close(lab->store);
    crypto_vault_close(lab->vault);
    arena_destroy(&lab->arena);
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf %s", lab->dir);
    if (system(command) != 0)
        die("the directory stays");
}

/* ---- the ledger ---- */

static void run(struct lab *lab, struct ledger_unit *unit, const char *what)
{
    must(ledger_unit_run(unit, lab->store), what);
    must(unit->err, what);
}

struct ledger_product lab_product(const char *id, enum ledger_mode mode)
{
    struct ledger_product p = {.issuer_id = LAB_ISSUER,
                               .version = 1,
                               .mode = mode,
                               .network = "visa+eftpos",
                               .expiry_delay_s = 300,
                               .tries = 3,
                               .twu_h = 1,
                               .accept_previous_window = true,
                               .static_policy = mode == LEDGER_ONE_TIME ? LEDGER_STATIC_OFF : LEDGER_STATIC_ALLOWED,
                               .count_other_declines = true,
                               .deferred_slots = 4,
                               .diag_step = true,
                               .malformed_policy = LEDGER_DECLINE,
                               .batch_max = 24,
                               .notify_batch = 20,
                               .display_rate_per_h = 600,
                               .cvk_ref = "cvk",
                               .mk_ref = "mk",
                               .key_derivation = "A"};

    (void)snprintf(p.product_id, sizeof p.product_id, "%s", id);
    (void)snprintf(p.service_code_dyn, sizeof p.service_code_dyn, "%s", mode == LEDGER_ONE_TIME ? "998" : "000");
    return p;
}

void lab_put_product(struct lab *lab, const struct ledger_product *product)
{
    struct ledger_unit unit;
    ledger_unit_begin(&unit, 1, &lab->arena);
    ledger_put_product(&unit, product);
    run(lab, &unit, "product");
    arena_reset(&lab->arena);
}

void lab_pan(size_t n, char out[static 17])
{
    (void)snprintf(out, 17, "412345%09zu0", n * 7919);
    out[15] = card_luhn_digit(span_of(out, 15));
}

static void card_make(struct lab *lab, const char *product, size_t n, struct ledger_card *card)
{
    struct buf sealed = buf_over(card->pan_enc.at, sizeof card->pan_enc.at);
    *card = (struct ledger_card){.issuer_id = LAB_ISSUER, .psn = "00", .enrolled = true, .expiry = LAB_EXPIRY, .version = 1};
    char pan[17];
    lab_pan(n, pan);
    (void)snprintf(card->card_id, sizeof card->card_id, "card-%zu", n);
    memcpy(card->reference, card->card_id, sizeof card->reference);
    (void)snprintf(card->account_id, sizeof card->account_id, "account-%zu", n);
    (void)snprintf(card->product_id, sizeof card->product_id, "%s", product);
    (void)snprintf(card->pan_last4, sizeof card->pan_last4, "%.4s", pan + 12);
    (void)snprintf(card->bin8, sizeof card->bin8, "%.8s", pan);
    card->pan_mac.len = LEDGER_MAC_LEN;
    must(crypto_vault_pan_mac(lab->vault, span_of(pan, 16), card->pan_mac.at), "PAN MAC");
    must(crypto_vault_seal(lab->vault, &lab->env, span_text(card->card_id), span_of(pan, 16), &sealed), "PAN seal");
    card->pan_enc.len = (uint16_t)sealed.len;
}

void lab_put_cards(struct lab *lab, const char *product, size_t first, size_t count, int64_t balance)
{
    for (size_t done = 0; done < count;) {
        struct ledger_unit unit;
        size_t part = count - done < 1000 ? count - done : 1000;

        ledger_unit_begin(&unit, part * 3, &lab->arena);
        for (size_t i = 0; i < part; i++) {
            struct ledger_card card;
            struct ledger_account account = {.currency = "036", .balance = balance, .version = 1};

            card_make(lab, product, first + done + i, &card);
            memcpy(account.account_id, card.account_id, sizeof account.account_id);
            ledger_put_new_account(&unit, &account);
            ledger_put_card(&unit, &card);
        }
        run(lab, &unit, "cards");
        arena_reset(&lab->arena);
        done += part;
    }
}

static void get(struct lab *lab, struct ledger_unit *unit, size_t n, struct ledger_full_card *out)
{
    char id[LEDGER_ID];
    (void)snprintf(id, sizeof id, "card-%zu", n);
    ledger_unit_begin(unit, 1, &lab->arena);
    size_t at = ledger_get_card(unit, id);
    run(lab, unit, "card");
    if (!ledger_take_card(unit, at, out))
        die("no such card");
}

void lab_read(struct lab *lab, size_t n, struct ledger_full_card *out)
{
    struct ledger_unit unit;
    get(lab, &unit, n, out);
    arena_reset(&lab->arena);
}

static void put_issue(struct lab *lab, struct ledger_unit *unit, size_t n, const struct ledger_code *before, int64_t issue_n,
                      int64_t life_ms)
{
    int64_t now = env_wall_ms(&lab->env);
    struct ledger_code after = *before;
    struct ledger_issuance journal = {.at = now, .issue_n = issue_n};

    after.issue_n = issue_n;
    after.state = LEDGER_CODE_ACTIVE;
    after.issued_at = now;
    after.expires_at = now + life_ms;
    after.last_display_at = now;
    after.first_display_at = now;
    (void)snprintf(journal.card_id, sizeof journal.card_id, "card-%zu", n);
    env_uuid(&lab->env, journal.issuance_id);
    ledger_put_issue(unit, before, &after, &journal);
}

void lab_issue(struct lab *lab, size_t n, int64_t issue_n, int64_t life_ms)
{
    struct ledger_full_card card;
    lab_read(lab, n, &card);
    struct ledger_unit unit;
    ledger_unit_begin(&unit, 2, &lab->arena);
    put_issue(lab, &unit, n, &card.code, issue_n, life_ms);
    run(lab, &unit, "issue");
    arena_reset(&lab->arena);
}

void lab_issue_many(struct lab *lab, size_t first, size_t count)
{
    struct ledger_full_card fresh;
    lab_read(lab, first, &fresh);
    for (size_t done = 0; done < count;) {
        struct ledger_unit unit;
        size_t part = count - done < 1000 ? count - done : 1000;

        ledger_unit_begin(&unit, part * 2, &lab->arena);
        for (size_t i = 0; i < part; i++) {
            struct ledger_code before = fresh.code;

            (void)snprintf(before.card_id, sizeof before.card_id, "card-%zu", first + done + i);
            put_issue(lab, &unit, first + done + i, &before, 1, 3600000);
        }
        run(lab, &unit, "issue many");
        arena_reset(&lab->arena);
        done += part;
    }
}

void lab_status(struct lab *lab, size_t n, enum ledger_card_status status)
{
    struct ledger_full_card card;
    lab_read(lab, n, &card);
    card.card.status = status;
    struct ledger_unit unit;
    ledger_unit_begin(&unit, 1, &lab->arena);
    ledger_put_card_change(&unit, &card.card);
    run(lab, &unit, "status");
    arena_reset(&lab->arena);
}

void lab_code_write(struct lab *lab, const struct ledger_code *before, const struct ledger_code *after)
{
    struct ledger_unit unit;
    ledger_unit_begin(&unit, 1, &lab->arena);
    ledger_put_code(&unit, before, after, LEDGER_UPDATE);
    run(lab, &unit, "code row");
    arena_reset(&lab->arena);
}
