/* SPDX-License-Identifier: Apache-2.0 */
#include "switch/link.h"

#include <stdio.h>
#include <string.h>

/* clang-format off */
static const struct {
    const char *name;
    char code_de39[3]; /* switch.md 4.4 */
    char zero_de39[3];
    char currency_de39[3];    /* 12 means "never" to merchants of Visa */
    enum iso8583_marks marks; /* switch.md 4.2 */
} networks[SWITCH_NETWORKS] = {
    [SWITCH_VISA]       = {"visa",       "N7", "85", "05", ISO8583_MARKS_VISA},
    [SWITCH_MASTERCARD] = {"mastercard", "05", "00", "12", ISO8583_MARKS_MASTERCARD},
    [SWITCH_EFTPOS]     = {"eftpos",     "05", "00", "12", ISO8583_MARKS_NONE},
    [SWITCH_GENERIC]    = {"generic",    "05", "00", "12", ISO8583_MARKS_NONE},
    [SWITCH_AMEX]       = {"amex",       "05", "00", "12", ISO8583_MARKS_NONE}, /* not public; ours */
    [SWITCH_DISCOVER]   = {"discover",   "05", "00", "12", ISO8583_MARKS_NONE}, /* likewise */
};
/* clang-format on */

const char *switch_network_name(enum switch_network network)
{
    return networks[network < SWITCH_NETWORKS ? network : SWITCH_GENERIC].name;
}

static bool network_find(const char *name, enum switch_network *out)
{
    for (int i = 0; i < SWITCH_NETWORKS; i++) {
        if (strcmp(name, networks[i].name) == 0) {
            *out = (enum switch_network)i;
            return true;
        }
    }
    return false;
}

static bool response_code(const char *text)
{
    return text[0] == 0 || (strlen(text) == 2 && strspn(text, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 2);
}

static bool processing_read(const char *text, bool taken[static 100])
{
    struct span rest = span_text(text);
    while (rest.len > 0) {
        struct span code = span_cut(&rest, ',');
        uint64_t value = 0;
        if (code.len != 2 || span_decimal(code, &value) != ERR_OK)
            return false;
        taken[value] = true;
    }
    return true;
}

/* "ignore" and empty are the default. */
static bool choice_read(const char *text, const char *other, bool *chosen)
{
    *chosen = strcmp(text, other) == 0;
    return *chosen || text[0] == 0 || strcmp(text, "ignore") == 0;
}

static enum err refuse(const char *id, const char *what, char *problem, size_t problem_cap)
{
    (void)snprintf(problem, problem_cap, "link %s: %s", id, what);
    return ERR_CONFIG;
}

enum err switch_link_resolve(const char *id, const struct switch_link_config *config, struct switch_link *out, char *problem,
                             size_t problem_cap)
{
    struct switch_link link = {.id = id, .config = *config};
    link.profile = iso8583_profile_find(span_text(config->profile));
    link.extract = iso8583_extract_find(span_text(config->extract));
    link.result = iso8583_result_find(span_text(config->result));
    if (!link.profile)
        return refuse(id, "the profile is not visa-base1 or iso87-ascii", problem, problem_cap);
    if (!network_find(config->network, &link.network))
        return refuse(id, "the network is not visa, mastercard, amex, discover, eftpos or generic", problem, problem_cap);
    if (link.extract == ISO8583_EXTRACT_UNSET)
        return refuse(id, "extract must be set: visa_126_10, generic_126_10, as2805_backslash or none", problem, problem_cap);
    if (link.result == ISO8583_RESULT_UNSET)
        return refuse(id, "result must be set: 44_10 or none", problem, problem_cap);
    if (link.extract != ISO8583_EXTRACT_NONE &&
        iso8583_need(link.profile, ISO8583_AUTHORISATION, iso8583_extract_row(link.extract)->field) == '-')
        return refuse(id, "the profile does not use the field of the extraction rule", problem, problem_cap);
    if (!response_code(config->code_de39) || !response_code(config->zero_de39) || !response_code(config->currency_de39) ||
        !response_code(config->unknown_original))
        return refuse(id, "a response code is two digits or capital letters", problem, problem_cap);
    if (!processing_read(config->processing_codes[0] ? config->processing_codes : SWITCH_PROCESSING_CODES, link.processing))
        return refuse(id, "processing_codes is a list of two digits each, separated by commas", problem, problem_cap);
    if (!choice_read(config->zero_length, "echo", &link.zero_echo))
        return refuse(id, "zero_length is ignore or echo", problem, problem_cap);
    if (!choice_read(config->unknown_field, "reject", &link.unknown_reject))
        return refuse(id, "unknown_field is ignore or reject", problem, problem_cap);
    memcpy(link.code_de39, config->code_de39[0] != 0 ? config->code_de39 : networks[link.network].code_de39, 3);
    memcpy(link.currency_de39, config->currency_de39[0] != 0 ? config->currency_de39 : networks[link.network].currency_de39, 3);
    link.marks = networks[link.network].marks;
    memcpy(link.zero_de39, config->zero_de39[0] != 0 ? config->zero_de39 : networks[link.network].zero_de39, 3);
    if (link.config.unknown_original[0] == 0)
        memcpy(link.config.unknown_original, "00", 3);
    *out = link;
    return ERR_OK;
}
