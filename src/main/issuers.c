/* SPDX-License-Identifier: Apache-2.0 */
/* countersign issuers: who issues cards, and which numbers are theirs. */
#include "base/file.h"
#include "base/json.h"
#include "ledger/enrol.h"
#include "ledger/error.h"
#include "main/commands.h"
#include "service/zone.h"
#include "store/error.h"

#include <string.h>
#include <unistd.h>

enum { TEXT = 512 * 1024, ISSUER_LEN = 10, WHY = 256 };

enum { STORE, TIMEZONE, REVERSAL_DAYS, JSON };

/* clang-format off */
static const struct cli_option options[] = {
    [STORE] = {.name = "store", .kind = CLI_TEXT, .argument = "URL", .max = 255,
               .doc = "the ledger, as store.url of issuer and switch: sqlite:/path/ledger.db or postgres:..."},
    [TIMEZONE] = {.name = "timezone", .kind = CLI_TEXT, .argument = "NAME", .max = LEDGER_TIMEZONE - 1,
                  .doc = "where the last day of cards ends and days of limits begin: an IANA name; of a new issuer UTC"},
    [REVERSAL_DAYS] = {.name = "reversal-days", .kind = CLI_NUMBER, .argument = "N", .min = 1, .max = LEDGER_REVERSAL_DAYS_MAX,
                       .doc = "days that an authorisation can be reversed; of a new issuer 30"},
    [JSON] = CLI_JSON,
};
static const struct cli_operand enrol_operands[] = {
    {.name = "ISSUER", .doc = "10 letters, digits, _ or -", .kind = CLI_TEXT, .required = true, .max = ISSUER_LEN},
    {.name = "RANGE", .doc = "FROM[-TO][/LENGTHS]: see Ranges", .kind = CLI_TEXT, .required = true, .repeated = true,
     .max = LEDGER_RANGE_TEXT},
};
static const struct cli_operand change_operands[] = {
    {.name = "ISSUER", .doc = "one that is enrolled", .kind = CLI_TEXT, .required = true, .max = ISSUER_LEN},
    {.name = "RANGE", .doc = "all of its ranges; without any they stay", .kind = CLI_TEXT, .repeated = true,
     .max = LEDGER_RANGE_TEXT},
};
static const struct cli_status statuses[] = {
    {CLI_EXIT_DONE, "done"},
    {CLI_EXIT_FAILED, "the ledger does not answer, or does not admit it: the issuer, a range of another one"},
    {CLI_EXIT_USAGE, "the command line is not understood, or the time zone is not known"},
};
static const struct cli_section sections[] = {
    {.title = "Ranges",
     .text = "FROM and TO are the first 6 to 12 digits of card numbers, both included, and have equally many digits; without TO "
             "all numbers that begin with FROM. LENGTHS are those of the numbers, 16 without any: 16, 13+16, 16-19. No number may "
             "be in two ranges, of whatever issuers.\n"
             "  411111                      numbers of 16 digits that begin with 411111\n"
             "  411111-411119/16            the same for ten beginnings\n"
             "  50000000-50000099/12-16+19  of 12 to 16 or of 19 digits\n"},
    {.title = "When it counts",
     .text = "Registration of cards sees a change at once, display and payments within two seconds. Cards whose number is in no "
             "range of their issuer any more stay in the ledger, and payments do not find them.\n"},
    {.title = "Examples",
     .text = "  countersign issuers enrol BANK000001 411111-411119/16 --store sqlite:l.db\n"
             "  countersign issuers change BANK000001 --reversal-days 45 --store sqlite:l.db\n"
             "  countersign issuers list --json --store sqlite:l.db\n"},
};
/* clang-format on */

/* ---- the ledger ---- */

struct ledger_link {
    struct log log;
    struct env env;
    struct store *store;
    struct arena arena;
};

static enum err link_open(const struct cli_line *line, struct ledger_link *link)
{
    link->log = (struct log){STDERR_FILENO, LOG_ERROR, "issuers"};
    link->env = env_system(&link->log);
    TRY(arena_create(&link->arena, LEDGER_ENROL_ARENA));
    TRY(store_open(cli_text(line, STORE, ""), &link->env, ledger_sets, &link->store));
    return store_migrate(link->store, &ledger_set);
}

static void link_close(struct ledger_link *link)
{
    store_close(link->store);
    if (link->arena.at)
        arena_destroy(&link->arena);
}

/* ---- telling ---- */

static bool is_of(const struct ledger_range *range, const struct ledger_issuer *issuer)
{
    return strcmp(range->issuer_id, issuer->issuer_id) == 0;
}

static void put_json(struct json_writer *w, const struct ledger_issuer *issuer, const struct ledger_range *range, size_t count)
{
    json_open(w, NULL);
    json_put_text(w, "issuerId", issuer->issuer_id);
    json_put_text(w, "timezone", issuer->timezone);
    json_put_integer(w, "reversalDays", issuer->reversal_days);
    json_open_array(w, "ranges");
    for (size_t i = 0; i < count; i++) {
        char room[LEDGER_RANGE_TEXT + 1];
        struct buf text = buf_over(room, sizeof room);
        if (!is_of(&range[i], issuer))
            continue;
        ledger_range_write(&range[i], &text);
        json_put(w, NULL, buf_span(&text));
    }
    json_close_array(w);
    json_close(w);
}

static void put_people(struct buf *out, const struct ledger_issuer *issuer, const struct ledger_range *range, size_t count)
{
    buf_put_text(out, issuer->issuer_id);
    buf_put_text(out, "  ");
    buf_put_text(out, issuer->timezone);
    buf_put_text(out, "  reversals ");
    buf_put_integer(out, issuer->reversal_days);
    buf_put_text(out, " days ");
    for (size_t i = 0; i < count; i++) {
        if (!is_of(&range[i], issuer))
            continue;
        buf_put_byte(out, ' ');
        ledger_range_write(&range[i], out);
    }
    buf_put_byte(out, '\n');
}

struct listing {
    struct ledger_issuers table;
    struct ledger_range range[LEDGER_RANGES_MAX];
    uint8_t text[TEXT];
};

/* All issuers, or `only` one. */
static enum err print(const struct cli_line *line, const struct listing *l, const char *only, struct buf *out)
{
    struct json_writer w = json_writer(out);
    bool json = cli_flag(line, JSON);
    if (json && !only) {
        json_open(&w, NULL);
        json_open_array(&w, "issuers");
    }
    for (size_t i = 0; i < l->table.count; i++) {
        if (only && strcmp(only, l->table.row[i].issuer_id) != 0)
            continue;
        if (json)
            put_json(&w, &l->table.row[i], l->range, l->table.ranges);
        else
            put_people(out, &l->table.row[i], l->range, l->table.ranges);
    }
    if (json && !only) {
        json_close_array(&w);
        json_close(&w);
    }
    if (json)
        buf_put_byte(out, '\n');
    TRY(buf_done(out));
    return file_write(STDOUT_FILENO, buf_span(out));
}

static enum err tell(const struct cli_line *line, struct ledger_link *link, const char *only)
{
    void *at = NULL;
    TRY(memory_reserve(1, sizeof(struct listing), &at));
    struct listing *l = at;
    enum err err = ledger_issuers_load(link->store, &link->arena, &l->table, l->range);
    struct buf out = buf_over(l->text, sizeof l->text);
    if (err == ERR_OK)
        err = print(line, l, only, &out);
    memory_release(l, 1, sizeof *l);
    return err;
}

static void put_clash(const struct ledger_clash *clash, struct buf *out)
{
    ledger_range_write(&clash->wanted, out);
    buf_put_text(out, " and ");
    ledger_range_write(&clash->there, out);
    if (clash->there.issuer_id[0]) {
        buf_put_text(out, " of ");
        buf_put_text(out, clash->there.issuer_id);
    }
    buf_put_text(out, " hold the same numbers");
}

static int failed(const struct cli_line *line, enum err err, const struct ledger_clash *clash)
{
    char room[WHY];
    struct buf why = buf_over(room, sizeof room);
    const char *what = line->operand_count > 0 ? line->operand[0] : "--store";
    if (err == LEDGER_ERR_RANGE_TAKEN)
        put_clash(clash, &why);
    else if (err == ERR_DUPLICATE)
        buf_put_text(&why, "is enrolled already: use change");
    else if (err == ERR_NOT_FOUND)
        buf_put_text(&why, "is not enrolled");
    else
        buf_put_text(&why, err == ERR_CONFIG ? "write sqlite:PATH or postgres:..." : err_row(err)->text);
    if (err == ERR_CONFIG)
        return cli_refuse(line, "--store", buf_text(&why));
    return cli_failed(line, CLI_EXIT_FAILED, what, buf_text(&why));
}

/* ---- enrol, change ---- */

static bool issuer_sound(const char *id)
{
    return strlen(id) == ISSUER_LEN && id[strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")] == 0;
}

static int write_change(const struct cli_line *line, struct ledger_enrolment *bank)
{
    struct ledger_link link = {.store = NULL};
    struct ledger_clash clash;
    enum err err = link_open(line, &link);
    if (err == ERR_OK)
        err = ledger_enrol(link.store, &link.arena, bank, &clash);
    if (err == ERR_OK)
        err = tell(line, &link, bank->issuer_id);
    link_close(&link);
    return err == ERR_OK ? CLI_EXIT_DONE : failed(line, err, &clash);
}

/* What the line says, judged before anything is opened. */
static int read_line(const struct cli_line *line, struct ledger_range *range, struct ledger_enrolment *bank)
{
    struct net_problem problem = {""};
    bank->issuer_id = line->operand[0];
    bank->timezone = cli_text(line, TIMEZONE, NULL);
    bank->reversal_days = cli_number(line, REVERSAL_DAYS, 0);
    bank->range = range;
    bank->ranges = line->operand_count - 1;
    if (!cli_text(line, STORE, NULL))
        return cli_refuse(line, "--store", "is missing: which ledger?");
    if (!issuer_sound(bank->issuer_id))
        return cli_refuse(line, bank->issuer_id, "is no issuer: 10 letters, digits, _ or -");
    if (bank->timezone && service_zone_check(bank->timezone, &problem) != ERR_OK)
        return cli_refuse(line, "--timezone", problem.text);
    if (bank->ranges > LEDGER_RANGES_MAX)
        return cli_refuse(line, "RANGE", "there are too many");
    for (size_t i = 0; i < bank->ranges; i++)
        if (ledger_range_parse(span_text(line->operand[i + 1]), &range[i]) != ERR_OK)
            return cli_refuse(line, line->operand[i + 1], "is no range: FROM[-TO][/LENGTHS], such as 411111-411119/16");
    return CLI_EXIT_DONE;
}

static int run_write(const struct cli_line *line, bool fresh)
{
    void *at = NULL;
    struct ledger_enrolment bank = {.fresh = fresh};
    if (memory_reserve(LEDGER_RANGES_MAX, sizeof(struct ledger_range), &at) != ERR_OK)
        return cli_failed(line, CLI_EXIT_FAILED, "memory", err_row(ERR_MEMORY)->text);
    int status = read_line(line, at, &bank);
    if (status == CLI_EXIT_DONE)
        status = write_change(line, &bank);
    memory_release(at, LEDGER_RANGES_MAX, sizeof(struct ledger_range));
    return status;
}

static int run_enrol(const struct cli_line *line)
{
    return run_write(line, true);
}

static int run_change(const struct cli_line *line)
{
    return run_write(line, false);
}

static int run_list(const struct cli_line *line)
{
    struct ledger_link link = {.store = NULL};
    if (!cli_text(line, STORE, NULL))
        return cli_refuse(line, "--store", "is missing: which ledger?");
    enum err err = link_open(line, &link);
    if (err == ERR_OK)
        err = tell(line, &link, NULL);
    link_close(&link);
    return err == ERR_OK ? CLI_EXIT_DONE : failed(line, err, NULL);
}

/* ---- rows ---- */

static const struct cli_command enrol = {
    .name = "enrol",
    .summary = "make an issuer known, with its ranges of card numbers",
    CLI_ROWS(options, statuses),
    CLI_OPERANDS(enrol_operands),
    .run = run_enrol,
};
static const struct cli_command change = {
    .name = "change",
    .summary = "give an issuer other ranges, another time zone or another time for reversals",
    CLI_ROWS(options, statuses),
    CLI_OPERANDS(change_operands),
    .run = run_change,
};
static const struct cli_command list = {
    .name = "list",
    .summary = "print the issuers and their ranges",
    CLI_ROWS(options, statuses),
    .takes = CLI_BIT(STORE) | CLI_BIT(JSON),
    .run = run_list,
};
static const struct cli_command *const children[] = {&enrol, &change, &list};

const struct cli_command main_issuers = {
    .name = "issuers",
    .summary = "who issues cards, and which numbers are theirs",
    .about =
        "A card number belongs to the issuer that has a range with it. Everything that an issuer may see or do ends at its ranges.",
    CLI_STATUSES(statuses),
    CLI_CHILDREN(children),
    CLI_SECTIONS(sections),
};
