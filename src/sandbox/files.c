/* SPDX-License-Identifier: Apache-2.0 */
/* The sandbox's directory: what stands in it, and who may clear it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "sandbox/internal.h"

/* A directory with this file in it is ours to clear. */
#define MARKER ".countersign-sandbox"

enum { FILE_ROOM = 64 * 1024 };

/* ---- the directory ---- */

static bool is_dot(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* -1: cannot be read. */
static int count_entries(const char *dir)
{
    DIR *d = opendir(dir);
    int count = 0;
    if (!d)
        return -1;
    for (struct dirent *e; (e = readdir(d));)
        count += !is_dot(e->d_name);
    (void)closedir(d);
    return count;
}

static void clear(const struct sandbox *box)
{
    char path[SANDBOX_PATH];
    DIR *d = opendir(box->dir);
    for (struct dirent *e; d && (e = readdir(d));) {
        sandbox_path(box, e->d_name, path);
        if (!is_dot(e->d_name))
            (void)unlink(path);
    }
    if (d)
        (void)closedir(d);
}

void sandbox_remove_dir(const struct sandbox *box)
{
    clear(box);
    (void)rmdir(box->dir);
}

static enum err write_file(struct sandbox *box, const char *name, struct span text)
{
    char path[SANDBOX_PATH];
    sandbox_path(box, name, path);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return sandbox_fail(box, ERR_SYSTEM, "cannot write", path);
    bool whole = write(fd, text.at, text.len) == (ssize_t)text.len;
    if (close(fd) != 0 || !whole)
        return sandbox_fail(box, ERR_SYSTEM, "cannot write", path);
    return ERR_OK;
}

enum err sandbox_prepare_dir(struct sandbox *box)
{
    char marker[SANDBOX_PATH], absolute[4096];
    if (!box->dir[0]) {
        (void)snprintf(box->dir, sizeof box->dir, "/tmp/countersign-XXXXXX");
        box->temporary = mkdtemp(box->dir);
        if (!box->temporary)
            return sandbox_fail(box, ERR_SYSTEM, "cannot make a directory", strerror(errno));
    } else if (mkdir(box->dir, 0700) != 0 && errno != EEXIST) {
        return sandbox_fail(box, ERR_SYSTEM, "cannot make the directory", strerror(errno));
    }
    if (!realpath(box->dir, absolute) || strlen(absolute) >= 200)
        return sandbox_fail(box, ERR_SYSTEM, "cannot use the directory", box->dir);
    (void)snprintf(box->dir, sizeof box->dir, "%.200s", absolute);
    sandbox_path(box, MARKER, marker);
    if (access(marker, F_OK) == 0)
        clear(box);
    else if (count_entries(box->dir) != 0)
        return sandbox_fail(box, ERR_CONFIG, "the directory holds something that is no sandbox", box->dir);
    return write_file(box, MARKER, span_text("made by countersign demo, which removes everything in here\n"));
}

/* ---- configuration ---- */

static void put_line(struct buf *out, const char *key, const char *text)
{
    buf_put_text(out, key);
    buf_put_text(out, " = ");
    buf_put_text(out, text);
    buf_put_text(out, "\n");
}

static void put_address(struct buf *out, const char *key, uint16_t port)
{
    buf_put_text(out, key);
    buf_put_text(out, " = 127.0.0.1:");
    buf_put_decimal(out, port, 0);
    buf_put_text(out, "\n");
}

static void put_port(struct buf *out, const char *key, uint16_t port)
{
    buf_put_text(out, key);
    buf_put_text(out, " = ");
    buf_put_decimal(out, port, 0);
    buf_put_text(out, "\n");
}

static void put_path(const struct sandbox *box, struct buf *out, const char *key, const char *scheme, const char *name)
{
    char path[SANDBOX_PATH];
    sandbox_path(box, name, path);
    buf_put_text(out, key);
    buf_put_text(out, " = ");
    buf_put_text(out, scheme);
    buf_put_text(out, path);
    buf_put_text(out, "\n");
}

static void put_vault(const struct sandbox *box, struct buf *out)
{
    uint8_t key[32];
    env_random(&box->env, key, sizeof key);
    buf_put_hex(out, key, sizeof key);
    buf_put_text(out, "\n");
    secret_wipe(key, sizeof key);
}

static void put_keys(const struct sandbox *box, struct buf *out)
{
    buf_put_text(out, "; HSM keys under the public test LMK\n[keys]\n");
    put_line(out, "cvk", box->keys.cvk);
    put_line(out, "csck", box->keys.csck);
    for (enum sandbox_mode m = SANDBOX_ONE_TIME; m < SANDBOX_MODES; m++)
        put_line(out, sandbox_products[m].key_name, box->keys.mk[m]);
}

/* TERMINAL APIKEY SECRET NAME, as the gateway reads it. */
static void put_merchants(const struct sandbox *box, struct buf *out)
{
    buf_put_text(out, "[merchants]\n");
    for (size_t i = 0; i < SANDBOX_MERCHANTS; i++) {
        const struct sandbox_merchant *m = &box->merchant[i];
        char text[200];
        (void)snprintf(text, sizeof text, "%s %s %s Sandbox shop %zu", m->terminal, m->api_key, m->secret, i + 1);
        put_line(out, m->id, text);
        secret_wipe(text, sizeof text);
    }
}

static void put_common(const struct sandbox *box, struct buf *out, const char *database, enum sandbox_port admin)
{
    put_path(box, out, "url", "sqlite:", database);
    buf_put_text(out, "[admin]\n");
    put_address(out, "listen", box->port[admin]);
    buf_put_text(out, "[vault]\n");
    put_path(box, out, "file", "", "vault.key");
}

static void put_hsm_client(const struct sandbox *box, struct buf *out)
{
    buf_put_text(out, "[hsm]\n");
    put_address(out, "address", box->port[SANDBOX_PORT_HSM]);
    buf_put_text(out, "[keys]\n");
    put_path(box, out, "file", "", "keys.ini");
}

/* The numbers of its products. */
static void put_ranges(struct buf *out)
{
    buf_put_text(out, "ranges =");
    for (enum sandbox_mode m = 0; m < SANDBOX_PRODUCTS; m++) {
        buf_put_text(out, " ");
        buf_put_text(out, sandbox_products[m].bin);
        buf_put_text(out, "/");
        buf_put_decimal(out, sandbox_products[m].digits, 0);
    }
    buf_put_text(out, "\n");
}

static void put_issuer(const struct sandbox *box, struct buf *out)
{
    buf_put_text(out, "[store]\n");
    put_common(box, out, "ledger.db", SANDBOX_PORT_ADMIN_ISSUER);
    buf_put_text(out, "[rest]\n");
    put_address(out, "listen", box->port[SANDBOX_PORT_ISSUER]);
    put_hsm_client(box, out);
    buf_put_text(out, "[sandbox]\nenabled = true\n");
    put_line(out, "issuer_id", box->issuer_id);
    put_ranges(out);
    put_line(out, "api_key", box->issuer_key);
}

static void put_switch_link(struct buf *out, const char *section, uint16_t port)
{
    buf_put_text(out, "[");
    buf_put_text(out, section);
    buf_put_text(out, "]\n");
    put_address(out, "listen", port);
}

static void put_switch(const struct sandbox *box, struct buf *out)
{
    buf_put_text(out, "[store]\n");
    put_common(box, out, "ledger.db", SANDBOX_PORT_ADMIN_SWITCH);
    put_hsm_client(box, out);
    put_switch_link(out, "visa", box->port[SANDBOX_PORT_VISA]);
    put_switch_link(out, "eftpos", box->port[SANDBOX_PORT_EFTPOS]);
    put_line(out, "extract", "generic_126_10");
    put_switch_link(out, "generic", box->port[SANDBOX_PORT_GENERIC]);
    put_switch_link(out, "mastercard", box->port[SANDBOX_PORT_MASTERCARD]);
    put_switch_link(out, "amex", box->port[SANDBOX_PORT_AMEX]);
    put_switch_link(out, "discover", box->port[SANDBOX_PORT_DISCOVER]);
}

static void put_gateway(const struct sandbox *box, struct buf *out)
{
    buf_put_text(out, "[store]\n");
    put_common(box, out, "gateway.db", SANDBOX_PORT_ADMIN_GATEWAY);
    buf_put_text(out, "[rest]\n");
    put_address(out, "listen", box->port[SANDBOX_PORT_GATEWAY]);
    buf_put_text(out, "[link]\n");
    put_port(out, "visa.port", box->port[SANDBOX_PORT_VISA]);
    put_port(out, "eftpos.port", box->port[SANDBOX_PORT_EFTPOS]);
    put_port(out, "mastercard.port", box->port[SANDBOX_PORT_MASTERCARD]);
    put_port(out, "amex.port", box->port[SANDBOX_PORT_AMEX]);
    put_port(out, "discover.port", box->port[SANDBOX_PORT_DISCOVER]);
    buf_put_text(out,
                 "[route]\nbins = 4:visa 433333:visa,eftpos 51:mastercard 52:mastercard 53:mastercard 54:mastercard 55:mastercard "
                 "2:mastercard 34:amex 37:amex 6011:discover 64:discover 65:discover\n");
    buf_put_text(out, "[sandbox]\nissued =");
    for (enum sandbox_mode m = 0; m < SANDBOX_PRODUCTS; m++) {
        buf_put_text(out, " ");
        buf_put_text(out, sandbox_products[m].bin);
    }
    buf_put_text(out, "\n");
    put_path(box, out, "merchants", "", "merchants.ini");
}

static const struct written {
    const char *name;
    void (*put)(const struct sandbox *box, struct buf *out);
} files[] = {
    {"vault.key", put_vault},   {"keys.ini", put_keys},           {"issuer.ini", put_issuer},
    {"switch.ini", put_switch}, {"merchants.ini", put_merchants}, {"gateway.ini", put_gateway},
};

enum err sandbox_write_files(struct sandbox *box)
{
    char room[FILE_ROOM];
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct buf text = buf_over(room, sizeof room);
        files[i].put(box, &text);
        TRY(buf_done(&text));
        TRY(write_file(box, files[i].name, buf_span(&text)));
        secret_wipe(room, text.len);
    }
    return ERR_OK;
}

/* ---- sandbox.json ---- */

static void put_url(struct json_writer *w, const char *name, const char *scheme, uint16_t port)
{
    char text[48];
    (void)snprintf(text, sizeof text, "%s127.0.0.1:%u", scheme, port);
    json_put_text(w, name, text);
}

static void put_services(const struct sandbox *box, struct json_writer *w)
{
    json_open(w, "gateway");
    put_url(w, "url", "http://", box->port[SANDBOX_PORT_GATEWAY]);
    json_close(w);
    json_open(w, "issuer");
    put_url(w, "url", "http://", box->port[SANDBOX_PORT_ISSUER]);
    json_put_text(w, "issuerId", box->issuer_id);
    json_put_text(w, "apiKey", box->issuer_key);
    json_close(w);
    json_open(w, "switch");
    put_url(w, "visa", "", box->port[SANDBOX_PORT_VISA]);
    put_url(w, "generic", "", box->port[SANDBOX_PORT_GENERIC]);
    json_close(w);
    json_open(w, "hsm");
    put_url(w, "address", "", box->port[SANDBOX_PORT_HSM]);
    json_put_integer(w, "header", 4);
    json_close(w);
}

static void put_card(const struct sandbox_card *card, bool brand, struct json_writer *w)
{
    json_open(w, NULL);
    json_put_text(w, "cardId", card->id);
    json_put(w, "pan", card_pan_span(&card->pan));
    json_put_text(w, "expiry", card->expiry);
    json_put_text(w, "mode", sandbox_products[card->mode].mode);
    if (brand)
        json_put_text(w, "brand", card_brand_row(card_brand_of(&card->pan))->name);
    json_close(w);
}

static void put_people(const struct sandbox *box, struct json_writer *w)
{
    json_open_array(w, "merchants");
    for (size_t i = 0; i < SANDBOX_MERCHANTS; i++) {
        json_open(w, NULL);
        json_put_text(w, "merchantId", box->merchant[i].id);
        json_put_text(w, "terminalId", box->merchant[i].terminal);
        json_put_text(w, "apiKey", box->merchant[i].api_key);
        json_put_text(w, "secret", box->merchant[i].secret);
        json_put_bool(w, "sandbox", true); /* it may send card numbers in clear, and test values hold */
        json_close(w);
    }
    json_close_array(w);
    json_open_array(w, "cards");
    for (size_t i = 0; i < SANDBOX_CARDS; i++)
        if (box->card[i].mode < SANDBOX_MODES)
            put_card(&box->card[i], false, w);
    json_close_array(w);
    json_open_array(w, "otherBrands");
    for (size_t i = 0; i < SANDBOX_CARDS; i++)
        if (box->card[i].mode >= SANDBOX_MODES)
            put_card(&box->card[i], true, w);
    json_close_array(w);
}

enum err sandbox_write_json(struct sandbox *box)
{
    char room[FILE_ROOM];
    char from[SANDBOX_PATH], to[SANDBOX_PATH];
    struct buf text = buf_over(room, sizeof room);
    struct json_writer w = json_writer(&text);
    json_open(&w, NULL);
    put_services(box, &w);
    put_people(box, &w);
    json_close(&w);
    TRY(json_done(&w));
    TRY(write_file(box, "sandbox.json.new", buf_span(&text)));
    sandbox_path(box, "sandbox.json.new", from);
    sandbox_path(box, "sandbox.json", to);
    return rename(from, to) == 0 ? ERR_OK : sandbox_fail(box, ERR_SYSTEM, "cannot write", to);
}
