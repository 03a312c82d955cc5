/* SPDX-License-Identifier: Apache-2.0 */
/* What people see of a batch that runs. */
#include "tool/personalise/internal.h"

#include "base/file.h"

#include <stdio.h>
#include <unistd.h>

enum { BAR = 24, BAR_US = 100000, LINE_US = 5000000, WIDTH = 79 };

void tool_personalise_meter_begin(struct tool_personalise_meter *meter, const struct env *env, bool quiet,
                                  const struct tool_personalise_progress *from)
{
    *meter = (struct tool_personalise_meter){.env = env,
                                             .began_us = env_monotonic_us(env),
                                             .before = from->coded + from->bad,
                                             .input_before = from->input,
                                             .terminal = isatty(STDERR_FILENO) != 0,
                                             .quiet = quiet};
    meter->told_us = meter->terminal ? 0 : meter->began_us; /* the bar is there at once */
}

static void put_grouped(struct buf *out, uint64_t value)
{
    if (value >= 1000) {
        put_grouped(out, value / 1000);
        buf_put_byte(out, ',');
        buf_put_decimal(out, value % 1000, 3);
    } else {
        buf_put_decimal(out, value, 0);
    }
}

static void put_time(struct buf *out, uint64_t seconds)
{
    if (seconds >= 3600) {
        buf_put_decimal(out, seconds / 3600, 0);
        buf_put_byte(out, ':');
    }
    buf_put_decimal(out, seconds % 3600 / 60, seconds >= 3600 ? 2 : 0);
    buf_put_byte(out, ':');
    buf_put_decimal(out, seconds % 60, 2);
}

static void put_bar(struct buf *out, uint64_t done, uint64_t size)
{
    size_t full = size > 0 ? (size_t)(done * BAR / size) : 0;
    buf_put_byte(out, '[');
    buf_put_fill(out, '#', full < BAR ? full : BAR);
    buf_put_fill(out, '.', full < BAR ? BAR - full : 0);
    buf_put_text(out, "] ");
}

/* "1,204,000/2,400,000 50% 812,345/s 0:01 left": how many there will be is judged by the bytes so far. */
static void put_line(const struct tool_personalise_meter *m, const struct tool_personalise_progress *now, uint64_t size,
                     struct buf *out)
{
    uint64_t cards = now->coded + now->bad, run = cards - m->before, bytes = now->input - m->input_before;
    uint64_t elapsed_us = (uint64_t)(env_monotonic_us(m->env) - m->began_us) + 1;
    put_grouped(out, cards);
    if (size > 0 && now->input > 0) {
        buf_put_byte(out, '/');
        buf_put_text(out, now->input < size ? "~" : "");
        put_grouped(out, now->input < size ? (uint64_t)((double)cards * (double)size / (double)now->input) : cards);
        buf_put_byte(out, ' ');
        buf_put_decimal(out, now->input * 100 / size, 0);
        buf_put_byte(out, '%');
    }
    buf_put_byte(out, ' ');
    put_grouped(out, (uint64_t)((double)run * 1e6 / (double)elapsed_us));
    buf_put_text(out, "/s");
    if (size > now->input && bytes > 0) {
        buf_put_byte(out, ' ');
        put_time(out, (uint64_t)((double)(size - now->input) / (double)bytes * (double)elapsed_us / 1e6 + 0.5));
        buf_put_text(out, " left");
    }
}

void tool_personalise_meter_tell(struct tool_personalise_meter *meter, const struct tool_personalise_progress *now, uint64_t size,
                                 bool last)
{
    uint8_t room[2 * WIDTH];
    struct buf out = buf_over(room, sizeof room);
    int64_t us = env_monotonic_us(meter->env);
    bool due = us - meter->told_us >= (meter->terminal ? BAR_US : LINE_US);
    if (meter->quiet || (!due && !last) || (last && !meter->terminal))
        return;
    meter->told_us = us;
    buf_put_text(&out, meter->terminal ? "\r" : "countersign-hsm batch: ");
    if (meter->terminal && size > 0)
        put_bar(&out, now->input, size);
    put_line(meter, now, size, &out);
    if (meter->terminal && out.len < WIDTH)
        buf_put_fill(&out, ' ', WIDTH - out.len);
    if (!meter->terminal || last)
        buf_put_byte(&out, '\n');
    if (buf_done(&out) == ERR_OK && file_write(STDERR_FILENO, buf_span(&out)) != ERR_OK)
        meter->quiet = true; /* nobody looks any more */
}

void tool_personalise_meter_clear(const struct tool_personalise_meter *meter)
{
    if (meter->terminal && !meter->quiet)
        (void)fprintf(stderr, "\r%*s\r", WIDTH - 1, "");
}
