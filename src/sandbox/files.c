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

#include "http/json.h"
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
    for (struct dirent *e; (e = readdir(d)) != NULL;)
        count += !is_dot(e->d_name);
    (void)closedir(d);
    return count;
}

static void clear(const struct demo *demo)
{
    char path[DEMO_PATH];
    DIR *d = opendir(demo->dir);
    for (struct dirent *e; d && (e = readdir(d)) != NULL;) {
        demo_path(demo, e->d_name, path);
        if (!is_dot(e->d_name))
            (void)unlink(path);
    }
    if (d)
        (void)closedir(d);
}

void demo_remove_dir(const struct demo *demo)
{
    clear(demo);
    (void)rmdir(demo->dir);
}

static enum err write_file(struct demo *demo, const char *name, struct span text)
{
    char path[DEMO_PATH];
    demo_path(demo, name, path);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return demo_fail(demo, ERR_SYSTEM, "cannot write", path);
    bool whole = write(fd, text.at, text.len) == (ssize_t)text.len;
    if (close(fd) != 0 || !whole)
        return demo_fail(demo, ERR_SYSTEM, "cannot write", path);
    return ERR_OK;
}

enum err demo_prepare_dir(struct demo *demo)
{
    char marker[DEMO_PATH], absolute[4096];
    if (!demo->dir[0]) {
        (void)snprintf(demo->dir, sizeof demo->dir, "/tmp/countersign-XXXXXX");
        demo->temporary = mkdtemp(demo->dir) != NULL;
        if (!demo->temporary)
            return demo_fail(demo, ERR_SYSTEM, "cannot make a directory", strerror(errno));
    } else if (mkdir(demo->dir, 0700) != 0 && errno != EEXIST) {
        return demo_fail(demo, ERR_SYSTEM, "cannot make the directory", strerror(errno));
    }
    if (!realpath(demo->dir, absolute) || strlen(absolute) >= 200)
        return demo_fail(demo, ERR_SYSTEM, "cannot use the directory", demo->dir);
    (void)snprintf(demo->dir, sizeof demo->dir, "%.200s", absolute);
    demo_path(demo, MARKER, marker);
    if (access(marker, F_OK) == 0)
        clear(demo);
    else if (count_entries(demo->dir) != 0)
        return demo_fail(demo, ERR_CONFIG, "the directory holds something that is no sandbox", demo->dir);
    return write_file(demo, MARKER, span_text("made by countersign demo, which removes everything in here\n"));
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

static void put_path(const struct demo *demo, struct buf *out, const char *key, const char *scheme, const char *name)
{
    char path[DEMO_PATH];
    demo_path(demo, name, path);
    buf_put_text(out, key);
    buf_put_text(out, " = ");
    buf_put_text(out, scheme);
    buf_put_text(out, path);
    buf_put_text(out, "\n");
}

static void put_vault(const struct demo *demo, struct buf *out)
{
    uint8_t key[32];
    env_random(&demo->env, key, sizeof key);
    buf_put_hex(out, key, sizeof key);
    buf_put_text(out, "\n");
    secret_wipe(key, sizeof key);
}

static void put_keys(const struct demo *demo, struct buf *out)
{
    buf_put_text(out, "; HSM keys under the public test LMK\n[keys]\n");
    put_line(out, "cvk", demo->keys.cvk);
    for (enum demo_mode m = DEMO_ONE_TIME; m < DEMO_MODES; m++)
        put_line(out, demo_products[m].key_name, demo->keys.mk[m]);
}

static void put_common(const struct demo *demo, struct buf *out, const char *database, enum demo_port admin)
{
    put_path(demo, out, "url", "sqlite:", database);
    buf_put_text(out, "[admin]\n");
    put_address(out, "listen", demo->port[admin]);
    buf_put_text(out, "[vault]\n");
    put_path(demo, out, "file", "", "vault.key");
}

static void put_hsm_client(const struct demo *demo, struct buf *out)
{
    buf_put_text(out, "[hsm]\n");
    put_address(out, "address", demo->port[DEMO_PORT_HSM]);
    buf_put_text(out, "[keys]\n");
    put_path(demo, out, "file", "", "keys.ini");
}

static void put_issuer(const struct demo *demo, struct buf *out)
{
    buf_put_text(out, "[store]\n");
    put_common(demo, out, "ledger.db", DEMO_PORT_ADMIN_ISSUER);
    buf_put_text(out, "[rest]\n");
    put_address(out, "listen", demo->port[DEMO_PORT_ISSUER]);
    put_hsm_client(demo, out);
    buf_put_text(out, "[sandbox]\nenabled = true\n");
}

static void put_switch_link(struct buf *out, const char *section, uint16_t port)
{
    buf_put_text(out, "[");
    buf_put_text(out, section);
    buf_put_text(out, "]\n");
    put_address(out, "listen", port);
}

static void put_switch(const struct demo *demo, struct buf *out)
{
    buf_put_text(out, "[store]\n");
    put_common(demo, out, "ledger.db", DEMO_PORT_ADMIN_SWITCH);
    put_hsm_client(demo, out);
    put_switch_link(out, "visa", demo->port[DEMO_PORT_VISA]);
    put_switch_link(out, "eftpos", demo->port[DEMO_PORT_EFTPOS]);
    put_line(out, "extract", "generic_126_10");
    put_switch_link(out, "generic", demo->port[DEMO_PORT_GENERIC]);
}

static void put_gateway(const struct demo *demo, struct buf *out)
{
    buf_put_text(out, "[store]\n");
    put_common(demo, out, "gateway.db", DEMO_PORT_ADMIN_GATEWAY);
    buf_put_text(out, "[rest]\n");
    put_address(out, "listen", demo->port[DEMO_PORT_GATEWAY]);
    buf_put_text(out, "[link]\n");
    put_port(out, "visa.port", demo->port[DEMO_PORT_VISA]);
    put_port(out, "eftpos.port", demo->port[DEMO_PORT_EFTPOS]);
}

static const struct written {
    const char *name;
    void (*put)(const struct demo *demo, struct buf *out);
} files[] = {
    {"vault.key", put_vault},   {"keys.ini", put_keys},       {"issuer.ini", put_issuer},
    {"switch.ini", put_switch}, {"gateway.ini", put_gateway},
};

enum err demo_write_files(struct demo *demo)
{
    static char room[FILE_ROOM];
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct buf text = buf_over(room, sizeof room);
        files[i].put(demo, &text);
        TRY(buf_done(&text));
        TRY(write_file(demo, files[i].name, buf_span(&text)));
        secret_wipe(room, text.len);
    }
    return ERR_OK;
}

/* ---- sandbox.json ---- */

static void put_url(struct http_json_writer *w, const char *name, const char *scheme, uint16_t port)
{
    char text[48];
    (void)snprintf(text, sizeof text, "%s127.0.0.1:%u", scheme, port);
    http_json_put_text(w, name, text);
}

static void put_services(const struct demo *demo, struct http_json_writer *w)
{
    http_json_open(w, "gateway");
    put_url(w, "url", "http://", demo->port[DEMO_PORT_GATEWAY]);
    http_json_close(w);
    http_json_open(w, "issuer");
    put_url(w, "url", "http://", demo->port[DEMO_PORT_ISSUER]);
    http_json_put_text(w, "issuerId", demo->issuer_id);
    http_json_put_text(w, "apiKey", demo->issuer_key);
    http_json_close(w);
    http_json_open(w, "switch");
    put_url(w, "visa", "", demo->port[DEMO_PORT_VISA]);
    put_url(w, "generic", "", demo->port[DEMO_PORT_GENERIC]);
    http_json_close(w);
    http_json_open(w, "hsm");
    put_url(w, "address", "", demo->port[DEMO_PORT_HSM]);
    http_json_put_integer(w, "header", 4);
    http_json_close(w);
}

static void put_people(const struct demo *demo, struct http_json_writer *w)
{
    http_json_open_array(w, "merchants");
    for (size_t i = 0; i < DEMO_MERCHANTS; i++) {
        http_json_open(w, NULL);
        http_json_put_text(w, "merchantId", demo->merchant[i].id);
        http_json_put_text(w, "terminalId", demo->merchant[i].terminal);
        http_json_put_text(w, "apiKey", demo->merchant[i].api_key);
        http_json_put_text(w, "secret", demo->merchant[i].secret);
        http_json_close(w);
    }
    http_json_close_array(w);
    http_json_open_array(w, "cards");
    for (size_t i = 0; i < DEMO_CARDS; i++) {
        http_json_open(w, NULL);
        http_json_put_text(w, "cardId", demo->card[i].id);
        http_json_put(w, "pan", card_pan_span(&demo->card[i].pan));
        http_json_put_text(w, "expiry", demo->card[i].expiry);
        http_json_put_text(w, "mode", demo_products[demo->card[i].mode].mode);
        http_json_close(w);
    }
    http_json_close_array(w);
}

enum err demo_write_sandbox(struct demo *demo)
{
    static char room[FILE_ROOM];
    char from[DEMO_PATH], to[DEMO_PATH];
    struct buf text = buf_over(room, sizeof room);
    struct http_json_writer w = http_json_writer(&text);
    http_json_open(&w, NULL);
    put_services(demo, &w);
    put_people(demo, &w);
    http_json_close(&w);
    TRY(http_json_done(&w));
    TRY(write_file(demo, "sandbox.json.new", buf_span(&text)));
    demo_path(demo, "sandbox.json.new", from);
    demo_path(demo, "sandbox.json", to);
    return rename(from, to) == 0 ? ERR_OK : demo_fail(demo, ERR_SYSTEM, "cannot write", to);
}
