/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/tell.h"

#include <stdarg.h>
#include <stdio.h>

#define BOLD "\033[1m"
#define DIM "\033[2m"
#define GREEN "\033[32m"
#define RED "\033[31m"
#define PLAIN "\033[0m"

static const char *paint(const struct demo *demo, const char *colour)
{
    return demo->colour ? colour : "";
}

void demo_say(const struct demo *demo, const char *format, ...)
{
    va_list arguments;
    if (demo->json)
        return;
    va_start(arguments, format);
    (void)vprintf(format, arguments);
    va_end(arguments);
    (void)putchar('\n');
    (void)fflush(stdout);
}

void demo_tell_begin(struct demo_tell *tell, const struct demo *demo, unsigned number, const char *title)
{
    tell->demo = demo;
    demo_say(demo, "\n%s%u  %s%s", paint(demo, BOLD), number, title, paint(demo, PLAIN));
    tell->line = buf_over(tell->room, sizeof tell->room);
    tell->json = http_json_writer(&tell->line);
    http_json_open(&tell->json, NULL);
    http_json_put_integer(&tell->json, "step", number);
    http_json_put_text(&tell->json, "title", title);
    http_json_open_array(&tell->json, "wires");
}

void demo_tell_wire(struct demo_tell *tell, const char *from, const char *to, const char *text)
{
    demo_say(tell->demo, "   %s%-8s > %-8s%s  %s", paint(tell->demo, DIM), from, to, paint(tell->demo, PLAIN), text);
    if (tell->line.cap - tell->line.len < (size_t)2 * DEMO_TAP_LINE + 256)
        return;
    http_json_open(&tell->json, NULL);
    http_json_put_text(&tell->json, "from", from);
    http_json_put_text(&tell->json, "to", to);
    http_json_put_text(&tell->json, "text", text);
    http_json_close(&tell->json);
}

void demo_tell_end(struct demo_tell *tell, bool held, const char *expected, const char *found, int64_t took_us)
{
    const struct demo *demo = tell->demo;
    demo_say(demo, "   %s%s%s %s%s%s  (%lld.%lld ms)", paint(demo, held ? GREEN : RED),
             held ? "as expected:" : "NOT AS EXPECTED:", paint(demo, PLAIN), found, held ? "" : "; expected ", held ? "" : expected,
             (long long)took_us / 1000, (long long)took_us % 1000 / 100);
    http_json_close_array(&tell->json);
    http_json_put_text(&tell->json, "expected", expected);
    http_json_put_text(&tell->json, "found", found);
    http_json_put_bool(&tell->json, "held", held);
    http_json_put_integer(&tell->json, "took_us", took_us);
    http_json_close(&tell->json);
    if (demo->json && http_json_done(&tell->json) == ERR_OK) {
        (void)printf("%s\n", buf_text(&tell->line));
        (void)fflush(stdout);
    }
}
