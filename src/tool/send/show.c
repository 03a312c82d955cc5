/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/send/show.h"

#include "base/secret.h"
#include "tool/fields.h"
#include "tool/tool.h"

#include <string.h>

enum { VALUE = 48, SHOWN_BYTES = 8, NAME = 15, LEN_FIELD = 2 };

static void pad_to(struct buf *out, size_t start, size_t width)
{
    size_t len = out->len - start;
    buf_put_fill(out, ' ', len < width ? width - len : 0);
}

static void put_right(struct buf *out, uint64_t value, size_t width)
{
    uint8_t room[24];
    struct buf number = buf_over(room, sizeof room);
    buf_put_decimal(&number, value, 0);
    buf_put_fill(out, ' ', number.len < width ? width - number.len : 0);
    buf_put_span(out, buf_span(&number));
}

static bool hidden(const struct tool_send_show *show, const struct hostcmd_part *part)
{
    return !show->reveal && (part->flags & (WIRE_SECRET | WIRE_PAN));
}

/* Bytes as people read them: text where it prints, else x'..'; masked as the row says. */
static void put_value(const struct tool_send_show *show, const struct hostcmd_part *part, size_t most, struct buf *out)
{
    const struct wire_field as = {.flags = show->reveal ? 0 : part->flags};
    struct span value = span_slice(part->value, 0, most);
    wire_value_describe(&as, value, out);
    if (value.len < part->value.len)
        buf_put_text(out, "...");
}

static void put_bytes(const struct tool_send_show *show, const struct hostcmd_part *part, struct buf *out)
{
    size_t start = out->len;
    struct span head = span_slice(part->bytes, 0, SHOWN_BYTES);
    if (hidden(show, part))
        buf_put_fill(out, '*', 2 * head.len);
    else
        buf_put_hex(out, head.at, head.len);
    if (head.len < part->bytes.len)
        buf_put_text(out, "..");
    pad_to(out, start, 2 * SHOWN_BYTES + 4);
}

static void show_row(struct tool_send_show *show, const struct hostcmd_part *part)
{
    struct buf *out = show->out;
    put_right(out, part->offset, 6);
    put_right(out, part->bytes.len, 7);
    buf_put_text(out, "  ");
    put_bytes(show, part, out);
    size_t start = out->len;
    buf_put_text(out, part->name);
    pad_to(out, start, NAME);
    buf_put_byte(out, ' ');
    start = out->len;
    put_value(show, part, VALUE, out);
    pad_to(out, start, 36);
    buf_put_byte(out, ' ');
    buf_put_text(out, part->doc);
    buf_put_byte(out, '\n');
}

static void show_object(struct tool_send_show *show, const struct hostcmd_part *part)
{
    uint8_t room[2 * HOSTCMD_FRAME_MAX + 16];
    struct buf value = buf_over(room, sizeof room);
    struct json_writer *w = &show->data;
    json_open(w, NULL);
    json_put_integer(w, "offset", (int64_t)part->offset);
    json_put_integer(w, "length", (int64_t)part->bytes.len);
    json_put_text(w, "field", part->name);
    json_put_text(w, "doc", part->doc);
    put_value(show, part, SIZE_MAX, &value);
    json_put(w, "value", buf_span(&value));
    if (hidden(show, part)) {
        json_put_bool(w, "masked", true);
    } else {
        buf_clear(&value);
        buf_put_hex(&value, part->bytes.at, part->bytes.len);
        json_put(w, "bytes", buf_span(&value));
    }
    json_close(w);
    secret_wipe(room, sizeof room);
}

/* Offsets count from the length field on, as in a capture. */
void tool_send_show_part(void *context, const struct hostcmd_part *part)
{
    struct tool_send_show *show = context;
    struct hostcmd_part moved = *part;
    moved.offset += LEN_FIELD;
    show->masked |= hidden(show, part);
    if (show->json)
        show_object(show, &moved);
    else
        show_row(show, &moved);
}

void tool_send_show_begin(struct tool_send_show *show, const char *what, struct span payload)
{
    uint8_t length[LEN_FIELD] = {(uint8_t)(payload.len >> 8), (uint8_t)payload.len};
    uint8_t room[8];
    struct buf decimal = buf_over(room, sizeof room);
    buf_put_decimal(&decimal, payload.len, 0);
    show->masked = false;
    const struct hostcmd_part part = {"length", "bytes that follow", 0, span_of(length, sizeof length), buf_span(&decimal), 0};
    if (show->json) {
        json_open(&show->data, what);
        json_open_array(&show->data, "parts");
        show_object(show, &part);
    } else {
        buf_put_text(show->out, what);
        buf_put_text(show->out,
                     "\noffset  bytes  hex                 field           value                                meaning\n");
        show_row(show, &part);
    }
}

static void end_text(struct tool_send_show *show, const struct hostcmd_view *view)
{
    struct buf *out = show->out;
    if (view->code[0]) {
        buf_put_text(out, "answer ");
        buf_put(out, view->code, 2);
        buf_put_text(out, ": ");
        buf_put_text(out, hostcmd_error_text(view->code));
        buf_put_byte(out, '\n');
    }
    if (view->err != ERR_OK) {
        buf_put_text(out, "at ");
        buf_put_text(out, view->fault.field ? view->fault.field : "end");
        buf_put_text(out, ": ");
        buf_put_text(out, err_row(view->err)->text);
        if (!view->code[0]) {
            buf_put_text(out, "; an HSM answers ");
            buf_put_text(out, err_row(view->err)->host_code);
        }
        buf_put_byte(out, '\n');
    }
}

static void end_object(struct tool_send_show *show, const struct hostcmd_view *view, struct span payload)
{
    uint8_t room[2 * (HOSTCMD_FRAME_MAX + LEN_FIELD)];
    struct buf hex = buf_over(room, sizeof room);
    struct json_writer *w = &show->data;
    uint8_t length[LEN_FIELD] = {(uint8_t)(payload.len >> 8), (uint8_t)payload.len};
    json_close_array(w);
    if (view->row) {
        json_put_text(w, "command", view->row->code);
        json_put_text(w, "title", view->row->title);
    }
    if (view->code[0]) {
        json_put(w, "error", span_of(view->code, 2));
        json_put_text(w, "meaning", hostcmd_error_text(view->code));
    }
    if (view->err != ERR_OK) {
        json_put_text(w, "fault", view->fault.field ? view->fault.field : "end");
        json_put_text(w, "reason", err_row(view->err)->text);
    }
    if (!show->masked) {
        buf_put_hex(&hex, length, sizeof length);
        buf_put_hex(&hex, payload.at, payload.len);
        json_put(w, "frame", buf_span(&hex));
    }
    json_close(w);
    secret_wipe(room, sizeof room);
}

void tool_send_show_end(struct tool_send_show *show, const struct hostcmd_view *view, struct span payload)
{
    if (show->json)
        end_object(show, view, payload);
    else
        end_text(show, view);
}

/* ---- the fields of a command ---- */

void tool_send_show_fields(const struct hostcmd_row *row, struct buf *out)
{
    buf_put_text(out, "Usage: countersign-hsm send ");
    buf_put_text(out, row->code);
    buf_put_text(out, " FIELD=VALUE ...\n");
    buf_put_text(out, row->code);
    buf_put_text(out, ": ");
    buf_put_text(out, row->title);
    buf_put_text(out, "; answered by ");
    buf_put_text(out, row->reply_code);
    buf_put_text(out, "\n\n");
    tool_fields_document(row->request, "", out);
    const struct wire_record *attributes = hostcmd_attributes_layout(row);
    if (attributes) {
        buf_put_text(out, "\nattributes of a key block, all of them or none:\n");
        tool_fields_document(attributes, "attr.", out);
    }
}
