/* SPDX-License-Identifier: Apache-2.0 */
/* The man pages: one for each program and each of its commands, from the rows of their command lines. */
#include "gendoc.h"

#include "cli/roff.h"
#include "hsm/process/settings.h"
#include "main/commands.h"

#include <stdio.h>

static const struct cli_command *const programs[] = {&main_countersign_hsm, &main_countersign};

static void hsm_conf_page(struct buf *out)
{
    cli_roff_title(out, "countersign-hsm.conf", "5", "configuration of countersign-hsm");
    cli_roff_heading(out, "DESCRIPTION");
    cli_roff_paragraphs(out, "An INI file: a section in brackets, then key = value lines; a line that begins with a semicolon is a "
                             "comment. Each key can be set on the command line as --set section.key=value. What is wrong is told "
                             "with file, line and what to do, and nothing starts.\n");
    cli_roff_heading(out, "KEYS");
    cli_man_keys(&hsm_settings_table, out);
    cli_roff_heading(out, "EXAMPLE");
    cli_roff_paragraphs(out, "  [hsm]\n  listen = 127.0.0.1:1500\n  lmk_store = /var/lib/countersign/lmk.store\n");
    cli_roff_heading(out, "SEE ALSO");
    cli_roff_see(out, "countersign-hsm", "1", true);
    buf_put_byte(out, '\n');
}

/* The page of the program is its 0th, then come those of the commands that have one. */
static bool page_of(const struct cli_command *program, size_t *n, char file[static GENDOC_FILE], struct buf *out)
{
    if ((*n)-- == 0) {
        (void)snprintf(file, GENDOC_FILE, "%s.1", program->name);
        cli_man(program, NULL, out);
        return true;
    }
    for (size_t i = 0; i < program->child_count; i++) {
        if (program->child[i]->no_page || (*n)-- != 0)
            continue;
        (void)snprintf(file, GENDOC_FILE, "%s-%s.1", program->name, program->child[i]->name);
        cli_man(program, program->child[i], out);
        return true;
    }
    return false;
}

bool gendoc_manual(size_t n, char file[static GENDOC_FILE], struct buf *out)
{
    if (n-- == 0) {
        (void)snprintf(file, GENDOC_FILE, "countersign-hsm.conf.5");
        hsm_conf_page(out);
        return true;
    }
    for (size_t i = 0; i < CLI_COUNT(programs); i++)
        if (page_of(programs[i], &n, file, out))
            return true;
    return false;
}
