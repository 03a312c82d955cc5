/* SPDX-License-Identifier: Apache-2.0 */
#include "hsm/guard/policy.h"

#include "hostcmd/commands.h"
#include "hostcmd/error.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum { ADDRESS_ROOM = 64, BITS_4 = 32, BITS_6 = 128, CODE_LEN = 2, LINE_LEN_MAX = 1024, SHOWN = 60 };

static struct span trimmed(struct span s)
{
    while (s.len > 0 && (s.at[0] == ' ' || s.at[0] == '\t'))
        s = span_slice(s, 1, SIZE_MAX);
    while (s.len > 0 && (s.at[s.len - 1] == ' ' || s.at[s.len - 1] == '\t' || s.at[s.len - 1] == '\r'))
        s.len--;
    return s;
}

/* The part before the next `end`; `rest` is what follows it. */
static struct span part_before(struct span *rest, char end)
{
    const uint8_t *at = rest->len > 0 ? memchr(rest->at, end, rest->len) : NULL;
    size_t len = at ? (size_t)(at - rest->at) : rest->len;
    struct span part = span_slice(*rest, 0, len);
    *rest = span_slice(*rest, len + 1, SIZE_MAX);
    return part;
}

/* Printable, so that a damaged file cannot draw on a terminal. */
static void show(struct span s, char out[static SHOWN])
{
    size_t len = s.len < SHOWN - 1 ? s.len : SHOWN - 1;
    for (size_t i = 0; i < len; i++)
        out[i] = s.at[i] >= 0x20 && s.at[i] < 0x7F ? (char)s.at[i] : '?';
    out[len] = 0;
}

/* ---- peers ---- */

static bool address_parse(struct span s, uint8_t out[static 16], bool *four)
{
    char text[ADDRESS_ROOM];
    struct in_addr in4;
    struct in6_addr in6;
    if (s.len == 0 || s.len >= sizeof text || memchr(s.at, 0, s.len))
        return false;
    memcpy(text, s.at, s.len);
    text[s.len] = 0;
    *four = inet_pton(AF_INET, text, &in4) == 1;
    if (*four) {
        memset(out, 0, 10);
        out[10] = out[11] = 0xFF;
        memcpy(out + 12, &in4, 4);
        return true;
    }
    if (inet_pton(AF_INET6, text, &in6) != 1)
        return false;
    memcpy(out, &in6, 16);
    return true;
}

static bool same_net(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    unsigned bytes = bits / 8, rest = bits % 8;
    if (memcmp(a, b, bytes) != 0)
        return false;
    return rest == 0 || ((a[bytes] ^ b[bytes]) >> (8 - rest)) == 0;
}

static bool net_parse(struct span entry, uint8_t at[static 16], uint8_t *bits)
{
    bool four = false, prefixed = entry.len > 0 && memchr(entry.at, '/', entry.len);
    struct span rest = entry, address = part_before(&rest, '/');
    uint64_t given = 0;
    if (!address_parse(address, at, &four))
        return false;
    uint64_t most = four ? BITS_4 : BITS_6;
    if (prefixed && (span_decimal(rest, &given) != ERR_OK || given > most))
        return false;
    *bits = (uint8_t)(BITS_6 - most + (prefixed ? given : most));
    return true;
}

enum err hsm_peers_parse(struct span text, struct hsm_peers *out, struct net_problem *problem)
{
    struct hsm_peers peers = {0};
    for (struct span left = text; left.len > 0;) {
        struct span entry = trimmed(part_before(&left, ','));
        char shown[SHOWN];
        show(entry, shown);
        if (peers.count == HSM_POLICY_NETS) {
            (void)snprintf(problem->text, sizeof problem->text, "more than %d addresses", HSM_POLICY_NETS);
            return ERR_CONFIG;
        }
        if (!net_parse(entry, peers.net[peers.count].at, &peers.net[peers.count].bits)) {
            (void)snprintf(problem->text, sizeof problem->text, "'%s' is no address or network such as 10.1.0.0/16", shown);
            return ERR_CONFIG;
        }
        peers.count++;
    }
    *out = peers;
    return ERR_OK;
}

bool hsm_peers_hold(const struct hsm_peers *peers, const char *address)
{
    uint8_t at[16];
    bool four = false;
    const char *colon = strrchr(address, ':');
    if (!colon)
        return false;
    struct span host = span_of(address, (size_t)(colon - address));
    if (host.len > 2 && host.at[0] == '[')
        host = span_slice(host, 1, host.len - 2);
    if (!address_parse(host, at, &four))
        return false;
    for (size_t i = 0; i < peers->count; i++)
        if (same_net(at, peers->net[i].at, peers->net[i].bits))
            return true;
    return false;
}

/* ---- clients ---- */

_Static_assert(HOSTCMD_COUNT < 62, "one bit a command, a shift by their number, and one bit a mode");

/* Modes that are commands of their own for whoever may use them: RY makes codes in mode 3 and compares them in mode 4. */
static const struct {
    char name[4];
    enum hostcmd_id id;
    uint64_t bit;
} modes[] = {
    {"RY3", HOSTCMD_RY, UINT64_C(1) << 62},
    {"RY4", HOSTCMD_RY, UINT64_C(1) << 63},
};
enum { MODES = sizeof modes / sizeof modes[0], MODE_AT = 2 };
static const uint64_t every = ((UINT64_C(1) << HOSTCMD_COUNT) - 1) | UINT64_C(3) << 62;

/* What a word of a list names: a command and its modes, or one of them. False: neither. */
static bool named(struct span word, const struct hostcmd_row **row, uint64_t *bits)
{
    *row = word.len >= CODE_LEN ? hostcmd_find(span_slice(word, 0, CODE_LEN)) : NULL;
    *bits = 0;
    for (size_t i = 0; i < MODES && *row; i++)
        if ((*row)->id == modes[i].id && (word.len == CODE_LEN || span_is(word, modes[i].name)))
            *bits |= modes[i].bit;
    return *row && (word.len == CODE_LEN || *bits != 0);
}

uint64_t hsm_policy_bits(const struct hostcmd_row *row, struct span data)
{
    uint64_t bits = UINT64_C(1) << row->id;
    for (size_t i = 0; i < MODES; i++)
        if (row->id == modes[i].id && data.len > 0 && data.at[0] == (uint8_t)modes[i].name[MODE_AT])
            bits |= modes[i].bit;
    return bits;
}

static enum err commands_parse(struct span text, uint64_t *out, struct span *wrong)
{
    uint64_t mask = 0;
    for (struct span left = trimmed(text); left.len > 0; left = trimmed(left)) {
        struct span rest = left, code = part_before(&rest, ' ');
        const struct hostcmd_row *row = NULL;
        uint64_t bits = 0;
        *wrong = code;
        bool known = named(code, &row, &bits);
        if (!known && !span_is(code, "*"))
            return ERR_CONFIG;
        mask |= known ? UINT64_C(1) << row->id | bits : every;
        left = rest;
    }
    *out = mask;
    return ERR_OK;
}

static size_t client_find(const struct hsm_clients *clients, struct span name)
{
    size_t i = 0;
    while (i < clients->count && !span_is(name, clients->row[i].name))
        i++;
    return i;
}

/* NULL: the line is in `out`; else what is wrong with it. `wrong` is the part it is about. */
static const char *client_add(struct span line, struct hsm_clients *out, struct span *wrong)
{
    const uint8_t *colon = memrchr(line.at, ':', line.len);
    *wrong = line;
    if (line.len > LINE_LEN_MAX)
        return "the line is too long";
    if (!colon)
        return "write NAME: COMMANDS";
    struct span name = trimmed(span_of(line.at, (size_t)(colon - line.at)));
    *wrong = name;
    if (name.len == 0 || name.len >= NET_IDENTITY_SIZE || memchr(name.at, 0, name.len))
        return "the name has 1 to 71 characters";
    if (client_find(out, name) < out->count)
        return "the name stands here twice";
    if (out->count == HSM_POLICY_CLIENTS)
        return "too many names";
    struct span commands = span_of(colon + 1, line.len - (size_t)(colon + 1 - line.at));
    uint64_t allowed = 0;
    if (commands_parse(commands, &allowed, wrong) != ERR_OK)
        return "not a command known here";
    memcpy(out->row[out->count].name, name.at, name.len);
    out->row[out->count].name[name.len] = 0;
    out->row[out->count++].allowed = allowed;
    return NULL;
}

enum err hsm_clients_parse(struct span text, struct hsm_clients *out, struct net_problem *problem)
{
    out->count = 0;
    unsigned number = 1;
    for (struct span left = text; left.len > 0; number++) {
        struct span content = part_before(&left, '\n'), wrong;
        struct span line = trimmed(part_before(&content, '#'));
        const char *why = line.len > 0 ? client_add(line, out, &wrong) : NULL;
        if (why) {
            char shown[SHOWN];
            show(wrong, shown);
            (void)snprintf(problem->text, sizeof problem->text, "line %u: %s: '%s'", number, why, shown);
            return ERR_CONFIG;
        }
    }
    return ERR_OK;
}

uint64_t hsm_clients_disabled(const struct hsm_clients *clients, const char *identity)
{
    /* Nobody's certificate can take the place of the two signs. */
    bool sign = strcmp(identity, "-") == 0 || strcmp(identity, "*") == 0;
    size_t i = sign ? clients->count : client_find(clients, span_text(identity[0] ? identity : "-"));
    if (i == clients->count)
        i = client_find(clients, span_text("*"));
    return i < clients->count ? ~clients->row[i].allowed : UINT64_MAX;
}

/* ---- both ---- */

bool hsm_policy_admits(const struct hsm_policy *policy, const char *identity, const char *address)
{
    return identity[0] || !policy->guards_plaintext || hsm_peers_hold(&policy->plaintext, address);
}

uint64_t hsm_policy_disabled(const struct hsm_policy *policy, const char *identity)
{
    return policy->lists_clients ? hsm_clients_disabled(&policy->clients, identity) : 0;
}

/* ---- commands that are switched off ---- */

enum err hsm_disabled_parse(const char *list, uint64_t *out)
{
    uint64_t mask = 0;
    for (struct span left = span_text(list); left.len > 0;) {
        const struct hostcmd_row *row = NULL;
        uint64_t bits = 0;
        bool more = memchr(left.at, ',', left.len);
        struct span word = part_before(&left, ',');
        if (!named(word, &row, &bits) || (more && left.len == 0))
            return HOSTCMD_ERR_COMMAND_DISABLED;
        mask |= word.len == CODE_LEN ? UINT64_C(1) << row->id : bits;
    }
    *out = mask;
    return ERR_OK;
}
