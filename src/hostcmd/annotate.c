/* SPDX-License-Identifier: Apache-2.0 */
#include "hostcmd/annotate.h"

#include "base/secret.h"
#include "hostcmd/error.h"
#include "hostcmd/internal.h"
#include "wire/annotate.h"

#include <string.h>

enum { CODE_LEN = 2, TRAILER_MARK = 0x19, ITEM_LENGTH = 4, SCRATCH = 40000 };

/* Codes of host-commands.md 11 that this HSM has no error for, but others send. */
static const struct {
    char code[3];
    const char *text;
} foreign[] = {
    {"14", "PIN under the LMK is not valid"},
    {"16", "console or printer not ready"},
    {"18", "document format not loaded"},
    {"19", "Diebold table not valid"},
    {"20", "PIN block without valid values"},
    {"23", "invalid PIN block format"},
    {"24", "PIN length out of range"},
    {"25", "invalid decimalisation table"},
    {"30", "invalid reference number"},
    {"31", "not enough entries for the request"},
    {"32", "invalid comparison of LMK change"},
    {"40", "invalid firmware checksum"},
    {"42", "DES failure"},
    {"43", "RSA key generation failed"},
    {"46", "invalid tag of an encrypted PIN"},
    {"47", "algorithm not licensed"},
    {"49", "private key error"},
    {"51", "invalid message header"},
    {"65", "transaction key scheme not set"},
    {"67", "command not licensed"},
    {"69", "PIN block format disabled"},
    {"82", "invalid check value length"},
    {"85", "invalid OAEP mask generation function"},
    {"86", "invalid OAEP digest"},
    {"87", "OAEP failure"},
    {"90", "data parity error"},
    {"91", "longitudinal redundancy check failed"},
    {"92", "count of the request does not match its data"},
    {"E0", "invalid command version number"},
};

const char *hostcmd_error_text(const char code[static 2])
{
    struct span said = span_of(code, CODE_LEN);
    const struct err_row *row = err_row(hostcmd_err_of_code(code));
    if (span_is(said, "00"))
        return "no error";
    if (span_is(said, "01"))
        return "verification failed"; /* B2 alone means something else by it */
    if (span_is(said, "15"))
        return "invalid input data"; /* several errors of the list share it */
    if (span_is(said, row->host_code))
        return row->text;
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++)
        if (span_is(said, foreign[i].code))
            return foreign[i].text;
    return "an error code that is not documented here";
}

const struct wire_record *hostcmd_attributes_layout(const struct hostcmd_row *row)
{
    if (row->flags & HOSTCMD_ATTRIBUTES_SHORT)
        return &hostcmd_attributes_short_record;
    return row->flags & HOSTCMD_ATTRIBUTES ? &hostcmd_attributes_record : NULL;
}

const struct wire_record *hostcmd_attributes_said(const struct hostcmd_row *row, const struct hostcmd_attributes *attributes)
{
    const struct wire_record *record = hostcmd_attributes_layout(row);
    return record == &hostcmd_attributes_record && !attributes->algorithm.present ? &hostcmd_attributes_own_record : record;
}

size_t hostcmd_request_size_max(void)
{
    size_t most = 1;
    for (enum hostcmd_id id = 0; id < HOSTCMD_COUNT; id++)
        if (hostcmd_row(id)->request->size > most)
            most = hostcmd_row(id)->request->size;
    return most;
}

size_t hostcmd_reply_size_max(void)
{
    size_t most = 1;
    for (enum hostcmd_id id = 0; id < HOSTCMD_COUNT; id++) {
        const struct hostcmd_row *row = hostcmd_row(id);
        size_t other = row->choice.record ? row->choice.record->size : 0;
        size_t size = row->reply->size > other ? row->reply->size : other;
        most = size > most ? size : most;
    }
    return most;
}

const struct hostcmd_row *hostcmd_identify(struct span payload, size_t header, bool *is_reply)
{
    struct span code = span_slice(payload, header, CODE_LEN);
    *is_reply = false;
    const struct hostcmd_row *row = hostcmd_find(code);
    for (enum hostcmd_id id = 0; !row && id < HOSTCMD_COUNT; id++)
        if (span_is(code, hostcmd_row(id)->reply_code)) {
            row = hostcmd_row(id);
            *is_reply = true;
        }
    return row;
}

/* ---- notes ---- */

struct page {
    const struct hostcmd_noter *noter;
    struct span payload;
    size_t base;   /* where the fields of the record begin in the payload */
    size_t end;    /* behind the last part that was understood */
    size_t header; /* bytes in front of a command */
    bool inner;    /* a command of a chain: chains inside chains stay shut */
    bool reply;
    const struct hostcmd_nk *chain; /* the request of NK; NULL: another command, or unknown */
};
static void annotate_request(struct page *p, void *request, struct hostcmd_view *view);
static void annotate_reply(struct page *p, const struct hostcmd_answer_of *of, void *reply, struct hostcmd_view *view);

static void note(struct page *p, const struct hostcmd_part *part)
{
    p->end = part->offset + part->bytes.len;
    p->noter->note(p->noter->context, part);
}

static void note_bytes(struct page *p, const char *name, const char *doc, size_t offset, struct span bytes)
{
    if (bytes.len > 0)
        note(p, &(struct hostcmd_part){name, doc, offset, bytes, bytes, 0});
}

static void note_rest(struct page *p)
{
    struct span rest = span_slice(p->payload, p->end, SIZE_MAX);
    if (rest.len > 0)
        note(p, &(struct hostcmd_part){"rest", "not understood", p->end, rest, rest, WIRE_SECRET});
}

/* ---- the commands of a chain ---- */

struct shift {
    struct page *page;
    size_t by;
};

static void on_inner(void *context, const struct hostcmd_part *part)
{
    const struct shift *shift = context;
    struct hostcmd_part moved = *part;
    moved.offset += shift->by;
    note(shift->page, &moved);
}

/* Whether the items have a header of their own: the request says it; a reply alone shows it. */
static size_t inner_header(const struct page *p, struct span item)
{
    bool is_reply = false;
    if (p->chain)
        return p->chain->header.at[0] == '1' ? p->header : 0;
    const struct hostcmd_row *row = hostcmd_identify(item, 0, &is_reply);
    return row && is_reply ? 0 : p->header;
}

static void note_item(struct page *p, struct span item, size_t at)
{
    _Alignas(16) uint8_t scratch[SCRATCH];
    struct shift shift = {p, at};
    const struct hostcmd_noter noter = {on_inner, &shift, p->noter->layout};
    struct page inner = {.noter = &noter, .payload = item, .header = inner_header(p, item), .inner = true};
    struct hostcmd_view view;
    bool is_reply = false;
    ASSERT(hostcmd_request_size_max() <= SCRATCH && hostcmd_reply_size_max() <= SCRATCH);
    const struct hostcmd_row *row = hostcmd_identify(item, inner.header, &is_reply);
    if (p->reply && row && is_reply)
        annotate_reply(&inner, &(struct hostcmd_answer_of){.row = row}, scratch, &view);
    else if (!p->reply)
        annotate_request(&inner, scratch, &view);
    else
        note(p, &(struct hostcmd_part){"response", "of an unknown command", at, item, item, WIRE_SECRET});
    secret_wipe(scratch, sizeof scratch);
}

static void note_chain(struct page *p, const struct wire_part *part)
{
    struct span rest = part->bytes, item;
    size_t at = p->base + part->offset;
    while (rest.len > 0) {
        struct span whole = rest;
        if (wire_item_next(&rest, &item) != WIRE_OUTCOME_OK)
            return; /* the parser has taken it, so it is not */
        note_bytes(p, "item length", "bytes that follow", at, span_slice(whole, 0, ITEM_LENGTH));
        note_item(p, item, at + ITEM_LENGTH);
        at += ITEM_LENGTH + item.len;
    }
}

static void on_field(void *context, const struct wire_part *part)
{
    struct page *p = context;
    if (part->field->length == WIRE_ITEMS && !p->inner) {
        note_chain(p, part);
        return;
    }
    note(p, &(struct hostcmd_part){part->field->name, part->field->doc ? part->field->doc : "", p->base + part->offset, part->bytes,
                                   part->value, part->field->flags});
}

/* ---- requests ---- */

static void note_attributes(struct page *p, const struct wire_record *layout, size_t *at)
{
    struct hostcmd_attributes attributes;
    size_t used = 0;
    p->base = *at;
    if (wire_annotate(layout, span_slice(p->payload, *at, SIZE_MAX), &attributes, &(struct wire_visitor){on_field, p}, &used,
                      NULL) == ERR_OK)
        *at += used;
}

static size_t note_change(struct page *p, size_t at, size_t len)
{
    struct span bytes = span_slice(p->payload, at, len);
    bool exportability = bytes.at[0] == '&';
    note(p, &(struct hostcmd_part){exportability ? "exportability" : "block version", "of the key block that is made", at, bytes,
                                   span_slice(bytes, 1, SIZE_MAX), 0});
    return at + bytes.len;
}

static size_t note_lmk(struct page *p, size_t at)
{
    struct span bytes = span_slice(p->payload, at, 3);
    note(p, &(struct hostcmd_part){"LMK", "identifier of the LMK", at, bytes, span_slice(bytes, 1, 2), 0});
    return at + bytes.len;
}

static size_t note_unused(struct page *p, size_t at, size_t len)
{
    note_bytes(p, "unused", "says nothing to this command", at, span_slice(p->payload, at, len));
    return at + len;
}

/* One tag; where there is none, nothing. */
static size_t note_tag(struct page *p, const struct hostcmd_row *row, const struct hostcmd_tail *tail, size_t at)
{
    uint8_t mark = p->payload.at[at];
    if (mark == '%' && tail->lmk != HOSTCMD_LMK_DEFAULT)
        return note_lmk(p, at);
    if (mark == '#' && tail->has_attributes)
        note_attributes(p, hostcmd_attributes_said(row, &tail->attributes), &at);
    else if (mark == '&' && tail->changes.exportability)
        at = note_change(p, at, 2);
    else if (mark == '!' && tail->changes.version)
        at = note_change(p, at, row->flags & HOSTCMD_VERSION_UNUSED ? 3 : 2);
    else if (mark == '#' || mark == '&' || mark == '!')
        at = note_unused(p, at,
                         mark == '#'   ? tail->unused.attributes
                         : mark == '&' ? tail->unused.exportability
                                       : tail->unused.version);
    return at;
}

/* What stands behind the fields of a request that parses. */
static void note_tail(struct page *p, const struct hostcmd_row *row, const struct hostcmd_tail *tail, size_t at)
{
    size_t end = p->payload.len - tail->trailer.len;
    for (size_t next; at < end && (next = note_tag(p, row, tail, at)) > at;)
        at = next;
    if (at < end)
        note_bytes(p, "further fields", "after the attributes", at, span_slice(p->payload, at, end - at));
    note_bytes(p, "trailer", "comes back as it is", end, tail->trailer);
}

/* With or without the optional columns of a layout, as hostcmd_request_parse takes it. */
static const struct wire_record *shape_of(const struct hostcmd_row *row, struct span data, void *request)
{
    struct hostcmd_tail tail;
    struct hostcmd_row whole = *row;
    whole.brief = NULL;
    bool fits = !row->brief || hostcmd_request_parse(&whole, data, request, &tail, NULL) == ERR_OK ||
                hostcmd_request_parse(row, data, request, &tail, NULL) != ERR_OK;
    return fits ? row->request : row->brief;
}

static void annotate_request(struct page *p, void *request, struct hostcmd_view *view)
{
    struct span payload = p->payload;
    size_t header = p->header, used = 0;
    struct hostcmd_tail tail;
    bool is_reply = false;
    p->base = header + CODE_LEN;
    *view = (struct hostcmd_view){.row = hostcmd_identify(payload, header, &is_reply)};
    note_bytes(p, "header", "comes back as it is", 0, span_slice(payload, 0, header));
    note_bytes(p, "command", view->row && !is_reply ? view->row->title : "not known here", header,
               span_slice(payload, header, CODE_LEN));
    if (!view->row || is_reply) {
        *view = (struct hostcmd_view){.err = HOSTCMD_ERR_COMMAND_DISABLED,
                                      .fault = {HOSTCMD_ERR_COMMAND_DISABLED, WIRE_OUTCOME_VALUE, "command", 0}};
        note_rest(p);
        return;
    }
    view->row = hostcmd_layout_row(p->noter->layout, view->row->id);
    p->chain = view->row->id == HOSTCMD_NK ? request : NULL;
    struct span data = span_slice(payload, p->base, SIZE_MAX);
    const struct wire_record *record = shape_of(view->row, data, request);
    view->err = wire_annotate(record, data, request, &(struct wire_visitor){on_field, p}, &used, &view->fault);
    view->err = hostcmd_request_parse(view->row, data, request, &tail, &view->fault);
    view->trailer = tail.trailer;
    if (view->err == ERR_OK)
        note_tail(p, view->row, &tail, p->base + used);
    else
        note_rest(p);
}

void hostcmd_annotate_request(struct span payload, size_t header, const struct hostcmd_noter *noter, void *request,
                              struct hostcmd_view *view)
{
    struct page p = {.noter = noter, .payload = payload, .header = header};
    annotate_request(&p, request, view);
}

/* ---- replies ---- */

/* The trailer that was sent, or what looks like one behind fields of text. */
static struct span trailer_of(const struct hostcmd_answer_of *of, struct span data)
{
    size_t len = of->trailer.len;
    if (len > 0 && data.len >= len && span_equal(span_slice(data, data.len - len, len), of->trailer))
        return span_slice(data, data.len - len, len);
    return of->row->flags & HOSTCMD_BINARY ? (struct span){0} : hostcmd_trailer_of(data);
}

static const struct wire_record *layout_of(const struct hostcmd_answer_of *of, struct span data, void *reply)
{
    const struct wire_record *record = hostcmd_reply_record(of->row, of->request);
    if (of->request || !of->row->choice.record || wire_parse_all(record, data, reply, NULL) == ERR_OK)
        return record;
    return of->row->choice.record;
}

static void note_reply_fields(struct page *p, const struct hostcmd_answer_of *of, void *reply, struct hostcmd_view *view)
{
    struct span data = span_slice(p->payload, p->base, SIZE_MAX);
    struct span trailer = trailer_of(of, data);
    size_t used = 0;
    data.len -= trailer.len;
    view->trailer = trailer;
    if (data.len > 0) {
        const struct wire_record *record = layout_of(of, data, reply);
        view->err = wire_annotate(record, data, reply, &(struct wire_visitor){on_field, p}, &used, &view->fault);
        if (view->err == ERR_OK && used < data.len) {
            view->err = ERR_PARSE_TRAILING;
            view->fault = (struct wire_fault){ERR_PARSE_TRAILING, WIRE_OUTCOME_TRAILING, "end", used};
        }
        if (view->err != ERR_OK) {
            note_rest(p);
            return;
        }
    }
    note_bytes(p, "trailer", "as it was sent", p->payload.len - trailer.len, trailer);
}

static void annotate_reply(struct page *p, const struct hostcmd_answer_of *of, void *reply, struct hostcmd_view *view)
{
    struct span payload = p->payload;
    size_t header = p->header;
    struct span code = span_slice(payload, header, CODE_LEN), error = span_slice(payload, header + CODE_LEN, CODE_LEN);
    p->base = header + 2 * CODE_LEN;
    p->reply = true;
    p->chain = of->row->id == HOSTCMD_NK ? of->request : NULL;
    *view = (struct hostcmd_view){.row = of->row};
    note_bytes(p, "header", "as it was sent", 0, span_slice(payload, 0, header));
    note_bytes(p, "reply", of->row->title, header, code);
    if (error.len < CODE_LEN || !span_is(code, of->row->reply_code)) {
        view->err = ERR_FRAME;
        view->fault = (struct wire_fault){ERR_FRAME, WIRE_OUTCOME_VALUE, "reply code", 0};
        note_rest(p);
        return;
    }
    memcpy(view->code, error.at, CODE_LEN);
    note_bytes(p, "error", hostcmd_error_text(view->code), header + CODE_LEN, error);
    note_reply_fields(p, of, reply, view);
}

void hostcmd_annotate_reply(const struct hostcmd_answer_of *of, struct span payload, size_t header,
                            const struct hostcmd_noter *noter, void *reply, struct hostcmd_view *view)
{
    struct page p = {.noter = noter, .payload = payload, .header = header};
    annotate_reply(&p, of, reply, view);
}
