/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/tell.h"

#include <stdarg.h>
#include <stdio.h>

#define BOLD "\033[1m"
#define DIM "\033[2m"
#define GREEN "\033[32m"
#define RED "\033[31m"
#define PLAIN "\033[0m"

static const char *paint(const struct sandbox *box, const char *colour)
{
    return box->colour ? colour : "";
}

void sandbox_say(const struct sandbox *box, const char *format, ...)
{
    va_list arguments;
    if (box->json)
        return;
    va_start(arguments, format);
    (void)vprintf(format, arguments);
    va_end(arguments);
    (void)putchar('\n');
    (void)fflush(stdout);
}

void sandbox_tell_begin(struct sandbox_tell *tell, const struct sandbox *box, unsigned number, const char *title)
{
    tell->box = box;
    sandbox_say(box, "\n%s%u  %s%s", paint(box, BOLD), number, title, paint(box, PLAIN));
    tell->line = buf_over(tell->room, sizeof tell->room);
    tell->json = json_writer(&tell->line);
    json_open(&tell->json, NULL);
    json_put_integer(&tell->json, "step", number);
    json_put_text(&tell->json, "title", title);
    json_open_array(&tell->json, "wires");
}

void sandbox_tell_wire(struct sandbox_tell *tell, const char *from, const char *to, const char *text)
{
    sandbox_say(tell->box, "   %s%-8s > %-8s%s  %s", paint(tell->box, DIM), from, to, paint(tell->box, PLAIN), text);
    if (tell->line.cap - tell->line.len < (size_t)2 * SANDBOX_TAP_LINE + 256)
        return;
    json_open(&tell->json, NULL);
    json_put_text(&tell->json, "from", from);
    json_put_text(&tell->json, "to", to);
    json_put_text(&tell->json, "text", text);
    json_close(&tell->json);
}

void sandbox_tell_end(struct sandbox_tell *tell, bool held, const char *expected, const char *found, int64_t took_us)
{
    const struct sandbox *box = tell->box;
    sandbox_say(box, "   %s%s%s %s%s%s  (%lld.%lld ms)", paint(box, held ? GREEN : RED),
                held ? "as expected:" : "NOT AS EXPECTED:", paint(box, PLAIN), found, held ? "" : "; expected ",
                held ? "" : expected, (long long)took_us / 1000, (long long)took_us % 1000 / 100);
    json_close_array(&tell->json);
    json_put_text(&tell->json, "expected", expected);
    json_put_text(&tell->json, "found", found);
    json_put_bool(&tell->json, "held", held);
    json_put_integer(&tell->json, "took_us", took_us);
    json_close(&tell->json);
    if (box->json && json_done(&tell->json) == ERR_OK) {
        (void)printf("%s\n", buf_text(&tell->line));
        (void)fflush(stdout);
    }
}
